"""What a component version's configuration may say, and the request that it makes of an example."""

import copy

import pytest

from evaltrack.errors import Invalid
from experiments import targets

GOOD = {
    "target": {"kind": "openai_chat", "base_url": "http://127.0.0.1:9911/v1", "model": "mock"},
    "prompt": {"system": "You add.", "user": "{{ input }}"},
    "parameters": {"temperature": 0},
}


def changed(path: str, value) -> dict:
    body = copy.deepcopy(GOOD)
    section, _, name = path.partition(".")
    if name:
        body[section][name] = value
    else:
        body[section] = value
    return body


def test_a_configuration_is_read_with_its_defaults():
    target = targets.parse(GOOD)
    assert (target.base_url, target.model) == ("http://127.0.0.1:9911/v1", "mock")
    assert (target.concurrency, target.timeout_ms, target.api_key_env) == (16, 60_000, "")


@pytest.mark.parametrize(
    ("path", "value", "field", "sentence"),
    [
        ("target", "mock", "target", "must be an object"),
        ("target.kind", "telepathy", "target.kind", "must be 'openai_chat'"),
        ("target.kind", None, "target.kind", "must be 'openai_chat'"),
        ("target.base_url", "", "target.base_url", "is missing"),
        ("target.base_url", 5, "target.base_url", "is missing"),
        ("target.base_url", "http://x/" + "y" * 500, "target.base_url", "is longer than 500 characters"),
        ("target.model", None, "target.model", "is missing"),
        ("target.speed", 5, "target.speed", "is unknown; known are api_key_env, base_url"),
        ("target.concurrency", 0, "target.concurrency", "must be a whole number from 1 to 1024"),
        ("target.concurrency", True, "target.concurrency", "must be a whole number from 1 to 1024"),
        ("target.concurrency", 2.5, "target.concurrency", "must be a whole number from 1 to 1024"),
        ("target.timeout_ms", 3_600_001, "target.timeout_ms", "must be a whole number from 1 to 3600000"),
        ("target.api_key_env", ["A"], "target.api_key_env", "must be the name of an environment variable"),
        ("prompt", [], "prompt", "must be an object"),
        ("prompt.user", 5, "prompt.user", "must be text"),
        ("parameters", [], "parameters", "must be an object"),
        ("parameters.stream", True, "parameters.stream", "is set by evaltrack"),
        ("parameters.messages", [], "parameters.messages", "is set by evaltrack"),
    ],
)
def test_a_bad_field_is_named(path, value, field, sentence):
    with pytest.raises(Invalid) as bad:
        targets.parse(changed(path, value))
    assert bad.value.code == "bad_configuration"
    assert sentence in bad.value.fields[field][0]


def test_all_bad_fields_are_told_at_once():
    body = changed("target.concurrency", 0)
    body["prompt"]["user"] = 5
    with pytest.raises(Invalid) as bad:
        targets.parse(body)
    assert set(bad.value.fields) == {"target.concurrency", "prompt.user"}


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_what_is_no_object_is_refused(body):
    with pytest.raises(Invalid) as bad:
        targets.parse(body)
    assert "must be an object" in bad.value.fields["configuration"][0]


def test_a_prompt_is_filled_from_text_or_from_named_fields():
    target = targets.parse(changed("prompt.user", "{{question}} in {{  place }}"))
    assert target.body({"question": "Rain", "place": "Oslo"}) == {
        "model": "mock",
        "messages": [
            {"role": "system", "content": "You add."},
            {"role": "user", "content": "Rain in Oslo"},
        ],
        "temperature": 0,
    }
    assert targets.parse(GOOD).body("1 + 1")["messages"][-1]["content"] == "1 + 1"


def test_a_variable_that_the_example_lacks_is_a_key_error():
    target = targets.parse(changed("prompt.user", "{{ question }}"))
    with pytest.raises(KeyError, match="question"):
        target.body("1 + 1")


def test_what_an_example_says_is_never_a_template():
    target = targets.parse(changed("prompt.user", "{{ input }}"))
    text = "{{ secret }} {% now %} {0} %s"
    assert target.body({"input": text, "secret": "x"})["messages"][-1]["content"] == text

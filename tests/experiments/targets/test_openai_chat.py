"""What a component version's configuration may say, and the request that it makes of an example."""

import copy

import pytest

from evaltrack.errors import Invalid
from evaltrack.integrations.model_api import NotAnAnswer
from experiments import targets
from experiments.targets import openai_chat

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
        ("parameters.tools", {}, "parameters.tools", "must be a list"),
        ("parameters.response_format", "json", "parameters.response_format", "must be an object"),
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


SCHEMA = {"type": "json_schema", "json_schema": {"name": "sum", "schema": {"type": "object"}}}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


def test_tools_and_a_schema_are_sent_as_they_are():
    target = targets.parse(changed("parameters", {"tools": [TOOL], "response_format": SCHEMA}))
    body = target.body("1 + 1")
    assert (body["tools"], body["response_format"]) == ([TOOL], SCHEMA)


def completion(**message) -> dict:
    return {"choices": [{"message": {"role": "assistant", **message}, "finish_reason": "stop"}]}


def call(name: str, arguments, **more) -> dict:
    return {"id": "call_x7", "type": "function", "function": {"name": name, "arguments": arguments}, **more}


@pytest.mark.parametrize(
    ("message", "text", "finish_reason"),
    [
        ({"content": "2"}, "2", "stop"),
        ({"content": ""}, "", "stop"),
        ({"content": "2", "tool_calls": [call("add", "{}")]}, "2", "stop"),
        (
            {"content": None, "tool_calls": [call("add", '{"b": 1, "a": 2}'), call("end", "{}", index=1)]},
            '[{"arguments":{"a":2,"b":1},"name":"add"},{"arguments":{},"name":"end"}]',
            "stop",
        ),
        ({"content": "", "tool_calls": [call("add", "{")]}, '[{"arguments":"{","name":"add"}]', "stop"),
        ({"tool_calls": [{"id": "c", "type": "search", "q": 1}]}, '[{"q":1,"type":"search"}]', "stop"),
        ({"content": None, "refusal": "I will not."}, "I will not.", "refusal"),
        ({"content": "", "refusal": "I will not."}, "I will not.", "refusal"),
        ({"content": "2", "refusal": None}, "2", "stop"),
    ],
)
def test_what_a_message_says_that_is_more_than_content(message, text, finish_reason):
    found = openai_chat.answer(completion(**message))
    assert (found.text, found.finish_reason) == (text, finish_reason)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"content": None},
        {"content": None, "tool_calls": []},
        {"content": None, "tool_calls": "add"},
        {"content": 5},
        {"content": None, "tool_calls": [5]},
        {"content": None, "tool_calls": [{"function": {}}]},
    ],
)
def test_a_message_that_says_nothing_is_no_answer(message):
    with pytest.raises(NotAnAnswer):
        openai_chat.answer(completion(**message))

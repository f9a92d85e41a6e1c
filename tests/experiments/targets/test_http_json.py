"""Any JSON service: what is sent, what is read, and what a configuration may not say."""

import copy
import json

import pytest

from evaltrack.errors import Invalid, Refused
from evaltrack.integrations.model_api import NotAnAnswer
from experiments import registration, targets
from experiments.models import Experiment, ExperimentStatus, Outcome, Output
from experiments.running import scheduler
from experiments.targets import paths
from tests.endpoint import Call, Reply, serve
from tests.factories import experiments

GOOD = {
    "target": {"kind": "http_json", "base_url": "http://127.0.0.1:9911/ask", "headers": {"X-Tenant": "shop"}},
    "request": {"question": "{{ input }}", "top_k": 3},
    "response": {
        "answer": "result.answer",
        "contexts": "result.documents.*.text",
        "citations": "result.cited",
        "input_tokens": "usage.0",
        "output_tokens": "usage.1",
        "model": "by",
    },
}
SAID = {
    "result": {"answer": "2", "documents": [{"text": "one"}, {"text": "two"}], "cited": [1, "b"]},
    "usage": [8, 1],
    "by": "mock-2",
}


def changed(path: str, value) -> dict:
    body = copy.deepcopy(GOOD)
    section, _, name = path.partition(".")
    if name:
        body[section][name] = value
    else:
        body[section] = value
    return body


def sent(request, example_input):
    return targets.parse(changed("request", request)).question(example_input).body


def test_everything_is_read_from_where_it_stands():
    answer = targets.parse(GOOD).question("1 + 1").read(SAID)
    assert (answer.text, answer.model, answer.input_tokens, answer.output_tokens) == ("2", "mock-2", 8, 1)
    assert (answer.contexts, answer.citations) == (["one", "two"], ["1", "b"])


@pytest.mark.parametrize(
    ("said", "text"),
    [(2, "2"), (0.5, "0.5"), (True, "true"), ({"b": 1, "a": [2]}, '{"a":[2],"b":1}'), ([], "[]"), ("", "")],
)
def test_an_answer_that_is_no_text_is_its_canonical_json(said, text):
    assert targets.parse(GOOD).question("1").read({"result": {"answer": said}}).text == text


@pytest.mark.parametrize(
    "document", [{}, [], None, 5, {"result": {}}, {"result": {"answer": None}}, {"result": [1]}]
)
def test_nothing_at_the_place_of_the_answer_is_no_answer(document):
    with pytest.raises(NotAnAnswer, match="no answer"):
        targets.parse(GOOD).question("1").read(document)


def test_what_else_is_not_there_was_not_told():
    answer = (
        targets.parse(GOOD)
        .question("1")
        .read({"result": {"answer": "2", "documents": "none"}, "usage": ["x", -1]})
    )
    assert (answer.contexts, answer.citations, answer.model) == (None, None, "")
    assert (answer.input_tokens, answer.output_tokens) == (None, None)


@pytest.mark.parametrize(
    ("request_", "example_input", "body"),
    [
        ({"q": "{{ input }}"}, "Rain", {"q": "Rain"}),
        ({"q": "{{ input }}"}, {"a": [1, None]}, {"q": {"a": [1, None]}}),
        (
            {"q": " {{ n }} ", "deep": [{"flag": "{{ flag }}"}]},
            {"n": 5, "flag": False},
            {"q": 5, "deep": [{"flag": False}]},
        ),
        ({"q": "n is {{ n }}, {{ all }}"}, {"n": 5, "all": {"a": "x"}}, {"q": 'n is 5, {"a":"x"}'}),
        ({"q": "{{ input }}"}, {"input": "own"}, {"q": "own"}),
        ({"{{ input }}": "{{ input }}"}, "Rain", {"{{ input }}": "Rain"}),
        ({"q": 1, "none": None, "yes": True}, "Rain", {"q": 1, "none": None, "yes": True}),
    ],
)  # fmt: skip
def test_a_request_is_filled_and_keeps_types(request_, example_input, body):
    assert sent(request_, example_input) == body


def test_what_an_example_says_is_never_a_template():
    text = "{{ secret }} {% now %} {0} %s"
    assert sent({"q": "{{ input }}", "p": "<{{ input }}>"}, {"input": text, "secret": "x"}) == {
        "q": text,
        "p": f"<{text}>",
    }


def test_a_variable_that_the_example_lacks_is_a_key_error():
    with pytest.raises(KeyError, match="place"):
        sent({"q": ["{{ place }}"]}, "Rain")


@pytest.mark.parametrize(
    ("path", "value", "field", "sentence"),
    [
        ("target.base_url", "", "target.base_url", "is missing"),
        ("target.base_url", "http://user:pass@127.0.0.1/", "target.base_url", "holds a password"),
        ("target.base_url", "http://127.0.0.1/#a", "target.base_url", "never sent"),
        ("target.model", "m", "target.model", "is unknown"),
        ("target.headers", [], "target.headers", "must be an object"),
        ("target.headers", {"Host": "x"}, "target.headers.Host", "is set by evaltrack"),
        ("target.headers", {"A B": "x"}, "target.headers.A B", "is no name of a header"),
        ("target.headers", {"X-A": "a\r\nX-B: b"}, "target.headers.X-A", "printable ASCII"),
        ("target.headers", {"X-Api-Key": "sk-1"}, "target.headers.X-Api-Key", "carries a secret"),
        (
            "target.headers",
            {"Authorization": "Bearer sk-1"},
            "target.headers.Authorization",
            "carries a secret",
        ),
        ("target.headers", {"X-A": {"env": 5}}, "target.headers.X-A", "must be text"),
        ("target.headers", {"X-A": {"env": "A", "prefix": "\n"}}, "target.headers.X-A", "printable ASCII"),
        ("request", None, "request", "must be an object"),
        ("request", {}, "request", "is missing"),
        ("response", {}, "response.answer", "is missing"),
        ("response.answer", "a..b", "response.answer", "has an empty step"),
        ("response.answer", "a." * 30 + "b", "response.answer", "takes up to 200 characters and 20 steps"),
        ("response.contexts", 5, "response.contexts", "is missing"),
        ("response.score", "a", "response.score", "is unknown; known are answer"),
    ],
)
def test_a_bad_field_is_named(path, value, field, sentence):
    with pytest.raises(Invalid) as bad:
        targets.parse(changed(path, value))
    assert sentence in bad.value.fields[field][0]


@pytest.mark.parametrize(
    ("path", "found"),
    [("a.0.b", 1), ("a.*.b", [1, 2]), ("a", [{"b": 1}, {"b": 2}]), ("c.*.d.*", [1, 2, 3]), ("e.0", "zero")],
)
def test_a_path_walks_fields_places_and_every_element(path, found):
    document = {"a": [{"b": 1}, {"b": 2}], "c": [{"d": [1, 2]}, {"d": [3]}], "e": {"0": "zero"}}
    assert paths.parse(path).of(document) == found


@pytest.mark.parametrize("path", ["a.2.b", "a.-1", "a.b", "*", "a.*.c", "x", "a.0.b.c"])
def test_a_path_to_nothing_says_how_far_it_came(path):
    with pytest.raises(paths.Nothing, match="nothing at"):
        paths.parse(path).of({"a": [{"b": 1}, {"b": 2}]})


def test_a_secret_is_sent_only_where_its_variable_is_listed(people, settings):
    row = experiments.component(people["owner"], people["platform"])
    body = changed("target.headers", {"X-Api-Key": {"env": "DATABASE_URL"}})
    with pytest.raises(Refused) as refused:
        registration.register_version(row, version="v1", body=body, by=people["platform"], at=None)
    assert refused.value.code == "key_not_allowed"


# Against a service on loopback


def answers(call: Call) -> Reply:
    number = int(call.body["question"].split()[2])
    found = {"result": {"answer": number + 1, "documents": [{"text": f"about {number}"}]}, "usage": [8, 1]}
    return Reply(json.dumps(found).encode(), status=201)


def asked_of(people, endpoint, behaviour=answers, **target) -> Experiment:
    """An experiment of two versions of a JSON service, as far as one drain brings it."""
    row = experiments.component(people["owner"], people["platform"])
    golden = experiments.dataset_version(people["custodian"], examples=10)
    made = []
    for version in ("v1.1.0", "v1.0.0"):
        body = changed("request.version", version)
        body["target"] |= {"base_url": endpoint.base_url.replace("/v1", "/ask"), **target}
        made.append(
            registration.register_version(
                row, version=version, body=body, by=people["platform"], at=experiments.clock.now()
            )
        )
    experiment = experiments.asked(*made, golden)
    scheduler.drain()
    return Experiment.objects.with_names().get(pk=experiment.pk)


def test_a_service_is_asked_and_what_it_says_is_kept(people, impatient, settings, monkeypatch):
    settings.TARGET_KEYS = ["SERVICE_KEY"]
    monkeypatch.setenv("SERVICE_KEY", "s3cret")
    headers = {"X-Tenant": "shop", "X-Api-Key": {"env": "SERVICE_KEY", "prefix": "Key "}}
    with serve(answers) as endpoint:
        experiment = asked_of(people, endpoint, headers=headers)
        assert experiment.status == ExperimentStatus.DECIDED, experiment.reason
        call = endpoint.calls[0]
    assert (call.path, call.headers["X-Tenant"], call.headers["X-Api-Key"]) == ("/ask", "shop", "Key s3cret")
    assert set(call.body) == {"question", "top_k", "version"}
    output = Output.objects.filter(example_id="q3").first()
    assert (output.text, output.contexts, output.citations) == ("4", ["about 3"], None)
    assert (output.input_tokens, output.output_tokens) == (8, 1)
    assert output.latency_ms is not None


def test_a_header_whose_variable_is_not_set_is_said_so(people, impatient, settings, monkeypatch):
    settings.TARGET_KEYS = ["SERVICE_KEY"]
    monkeypatch.delenv("SERVICE_KEY", raising=False)
    with serve(answers) as endpoint:
        experiment = asked_of(people, endpoint, headers={"X-Api-Key": {"env": "SERVICE_KEY"}})
        assert endpoint.calls == []
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert "SERVICE_KEY is not set where the worker runs" in experiment.reason


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(b"{}"), "nonsense: no answer: nothing at result"),
        (Reply(b"<html>"), "nonsense: not JSON"),
        (Reply(b'{"error": "no such tenant"}', 404), "rejected: HTTP 404"),
        (Reply(b"", 302, {"Location": "http://127.0.0.1:1/"}), "rejected: HTTP 302"),
    ],
)
def test_a_service_that_does_not_answer_is_told_as_any_endpoint_is(people, impatient, reply, error):
    with serve(lambda call: reply) as endpoint:
        experiment = asked_of(people, endpoint)
    assert experiment.status == ExperimentStatus.UNDECIDED
    failed = Output.objects.filter(experiment=experiment).first()
    assert failed.outcome == Outcome.TARGET_ERROR
    assert failed.error.startswith(error)

"""Outputs that are brought: all lines or none, each once, and never another one in its place."""

import json
import tracemalloc

import pytest

from evaltrack import clock
from experiments.models import Outcome, Output, OutputState, Run
from experiments.uploading import intake, lines
from tests.experiments.uploading.conftest import line


@pytest.fixture
def run(bringer, asked) -> str:
    return bringer.run(asked(), "candidate")


def here(run: str) -> int:
    return Output.objects.filter(run__public_id=run, state=OutputState.DONE).count()


def errors(answer) -> list[tuple[int, str]]:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "broken_lines"), body
    return [(each["line"], each["field"]) for each in body["errors"]]


def test_an_output_that_is_here_is_never_replaced(bringer, run):
    assert bringer.brings(run, [line(0), line(1)]).json() == {"new": 2, "known": 0, "missing": 18}
    for field, other in (
        ("output", "another"), ("latency_ms", 21), ("input_tokens", 1), ("contexts", ["a"]), ("citations", ["a"]),
    ):  # fmt: skip
        assert errors(bringer.brings(run, [line(2), {**line(1), field: other}])) == [(2, field)]
    failed = {"example": "q1", "error": "timeout", "latency_ms": 20}
    assert errors(bringer.brings(run, [failed])) == [(1, "output")]
    assert here(run) == 2
    assert Output.objects.get(run__public_id=run, example_id="q1").text == "2"


def test_a_line_that_is_here_already_is_known_also_within_a_body(bringer, run):
    sent = [line(0), line(1, contexts=["one"]), line(0)]
    assert bringer.brings(run, sent).json() == {"new": 2, "known": 1, "missing": 18}
    assert bringer.brings(run, sent).json() == {"new": 0, "known": 3, "missing": 18}
    assert errors(bringer.brings(run, [line(5), line(5, right=False)])) == [(2, "output")]
    assert here(run) == 2


def test_the_same_key_and_body_answer_with_the_first_result(bringer, run):
    first, again = (bringer.brings(run, [line(0)], **{"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json() == again.json() == {"new": 1, "known": 0, "missing": 19}


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"output": "2"}, "example"),
        ({"example": "q1"}, "output"),
        ({"example": "q1", "output": None}, "output"),
        ({"example": "q1", "output": 2}, "output"),
        ({"example": "q99", "output": "2"}, "example"),
        ({"example": "q1", "output": "2", "error": "no"}, "error"),
        ({"example": "q1", "error": ""}, "error"),
        ({"example": "q1", "output": "2", "latency_ms": -1}, "latency_ms"),
        ({"example": "q1", "output": "2", "latency_ms": 1.5}, "latency_ms"),
        ({"example": "q1", "output": "2", "latency_ms": True}, "latency_ms"),
        ({"example": "q1", "output": "2", "input_tokens": 2**31}, "input_tokens"),
        ({"example": "q1", "output": "2", "output_tokens": "8"}, "output_tokens"),
        ({"example": "q1", "output": "a\x00b"}, ""),
        ({"example": "q1", "output": "2", "score": 1}, "score"),
        ({"example": "q1", "output": "2", "contexts": "one"}, "contexts"),
        ({"example": "q1", "output": "2", "contexts": [1]}, "contexts[0]"),
        ({"example": "q1", "output": "2", "citations": ["a"] * 201}, "citations"),
        ({"example": "q1", "output": "x" * (lines.LONGEST_OUTPUT + 1)}, "output"),
        (b"{\n", ""),
        (b"[]\n", ""),
        (b'{"example": "q1", "output": "\\ud800"}\n', ""),
        (b'{"example": "q1", "output": "2", "latency_ms": NaN}\n', ""),
        (b'{"example": "q1", "example": "q2", "output": "2"}\n', ""),
    ],
)
def test_one_bad_line_is_named_with_its_field_and_nothing_is_kept(bringer, run, bad, field):
    assert errors(bringer.brings(run, [line(0), bad, line(2)])) == [(2, field)]
    assert here(run) == 0


def test_every_bad_line_is_named_in_order(bringer, run):
    bringer.brings(run, [line(3)])
    sent = [line(0), line(3, right=False), {"example": "q77", "output": "1"}, b"no\n", line(4)]
    assert errors(bringer.brings(run, sent)) == [(2, "output"), (3, "example"), (4, "")]
    assert here(run) == 1


def test_a_bad_line_behind_many_good_ones_takes_all_of_them_back(bringer, asked, monkeypatch):
    monkeypatch.setattr(intake, "MOST_LINES_AT_ONCE", 4)
    run = bringer.run(asked(), "candidate")
    sent = [line(n) for n in range(20)]
    assert errors(bringer.brings(run, [*sent, line(0, right=False)])) == [(21, "output")]
    assert here(run) == 0
    assert bringer.brings(run, sent).json() == {"new": 20, "known": 0, "missing": 0}


def test_an_empty_body_brings_nothing_and_says_so(bringer, run):
    assert errors(bringer.brings(run, [])) == [(1, "")]
    assert errors(bringer.brings(run, [b"\n", b"\n"])) == [(2, "")]


def test_an_example_of_another_tier_is_refused(bringer, asked):
    run = bringer.run(asked(tier="smoke"), "candidate")
    answer = bringer.brings(run, [line(n) for n in range(20)])
    assert len(errors(answer)) == 10
    assert "is none of the 10 examples" in answer.json()["detail"]
    listed = b"".join(bringer.client.get(f"/api/v1/runs/{run}/examples").streaming_content).splitlines()
    wanted = {json.loads(each)["example"] for each in listed}
    assert bringer.brings(run, [line(n) for n in range(20) if f"q{n}" in wanted]).json()["new"] == 10
    assert b"".join(bringer.client.get(f"/api/v1/runs/{run}/examples").streaming_content) == b""
    every = bringer.client.get(f"/api/v1/runs/{run}/examples?state=all")
    assert len(b"".join(every.streaming_content).splitlines()) == 10


def test_what_was_told_of_an_output_is_kept(bringer, run):
    told = {"input_tokens": 8, "output_tokens": 1, "contexts": ["a", ""], "citations": []}
    bringer.brings(run, [line(0, **told), {"example": "q1", "error": "timeout", "latency_ms": 30}])
    first = Output.objects.get(run__public_id=run, example_id="q0")
    assert (first.outcome, first.text, first.latency_ms) == (Outcome.ANSWERED, "1", 20)
    assert {name: getattr(first, name) for name in told} == told
    second = Output.objects.get(run__public_id=run, example_id="q1")
    assert (second.outcome, second.text, second.error) == (Outcome.TARGET_ERROR, "", "timeout")
    assert (second.contexts, second.citations, second.input_tokens) == (None, None, None)
    bare = bringer.brings(run, [{"example": "q2", "output": ""}])
    assert bare.json()["new"] == 1


def test_memory_stays_bounded_however_long_the_body_is(people, bringer, asked):
    """64 MB in lines of 400 KB take no more than a few batches of them."""
    run = bringer.run(asked(examples=160), "candidate")

    def body():
        for n in range(160):
            yield json.dumps({"example": f"q{n}", "output": f"{n}" + "x" * 400_000}).encode() + b"\n"

    tracemalloc.start()
    intake.take(Run.objects.get(public_id=run), body(), by=people["owner"], at=clock.now())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert here(run) == 160
    assert most < 40_000_000

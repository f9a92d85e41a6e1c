"""Every way in which an endpoint misbehaves, on some examples and for a while.

The run ends whole, or says what is missing. After each the history is checked: every output ended once, and what was
recorded was said, to that example, by that model.
"""

import datetime as dt
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from evaltrack import clock
from experiments.models import ExperimentStatus, Outcome, Output, OutputState
from experiments.running import scheduler
from tests.endpoint import HANGS_UP, Behaviour, Call, Reply, adds, asked, says, serve
from tests.factories import experiments

pytestmark = pytest.mark.django_db
EXAMPLES = 20
# A tenth of all examples, so that more than the policy allows would fail if they were not asked again.
FEW = {3, 11}
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Fault:
    """What an endpoint does on the first `times` calls about each of the `FEW`, and how those end."""

    reply: Reply
    times: int = 1
    outcome: Outcome = Outcome.ANSWERED
    says: str = ""


def cut(reply: Reply, at: int) -> Reply:
    return Reply(reply.content[:at])


FAULTS = {
    "429": Fault(Reply(b"", 429)),
    "429 with a time to wait": Fault(Reply(b"", 429, {"Retry-After": "0.2"})),
    "429 many times": Fault(Reply(b"", 429, {"Retry-After": "0"}), times=12),
    "529": Fault(Reply(b"", 529)),
    "503 with a time to wait": Fault(Reply(b"", 503, {"Retry-After": "0.2"})),
    "500": Fault(Reply(b"", 500), times=3),
    "500 for ever": Fault(Reply(b"", 500), 99, Outcome.TARGET_ERROR, "broken: HTTP 500"),
    "502": Fault(Reply(b"<html>", 502), times=2),
    "a reset": Fault(HANGS_UP, times=2),
    "resets for ever": Fault(HANGS_UP, 99, Outcome.INFRASTRUCTURE_ERROR, "cut: "),
    "an answer that breaks off": Fault(Reply(says("4").content[:20], short=True), times=2),
    "a hang": Fault(Reply(b"", 200, hangs_s=0.6), times=2),
    "hanging for ever": Fault(
        Reply(b"", 200, hangs_s=0.6), 99, Outcome.TARGET_ERROR, "no answer within 300 ms"
    ),
    "a drip that is too slow": Fault(Reply(says("4").content, drip_s=0.02), times=2),
    "truncated JSON": Fault(cut(says("4"), 30)),
    "truncated JSON for ever": Fault(cut(says("4"), 30), 99, Outcome.TARGET_ERROR, "nonsense: not JSON"),
    "no JSON": Fault(Reply(b"Welcome!")),
    "nothing at all": Fault(Reply(b"")),
    "10 MB": Fault(Reply(b'{"x": "' + b"y" * (10 * MEGABYTE) + b'"}')),
    "10 MB for ever": Fault(
        Reply(b'{"x": "' + b"y" * (10 * MEGABYTE) + b'"}'),
        99,
        Outcome.TARGET_ERROR,
        "more than 4194304 bytes",
    ),
    "a redirect": Fault(
        Reply(b"", 302, {"Location": "http://127.0.0.1:9/"}), 99, Outcome.TARGET_ERROR, "HTTP 302"
    ),
    "a body that is no text": Fault(Reply(b"\xff\xfe\x00")),
    "401": Fault(Reply(b"", 401), 99, Outcome.TARGET_ERROR, "rejected: HTTP 401"),
}


def misbehaving(fault: Fault, given: dict[str, tuple[str, int]]) -> Behaviour:
    """Every right answer is unlike every other, and `given` keeps to whom it was said."""

    def behave(call: Call) -> Reply:
        if asked(call) in FEW and call.nth <= fault.times:
            return fault.reply
        text = f"{asked(call) + 1} (answer {len(given)})"
        given[text] = (call.model, asked(call))
        return says(text)

    return behave


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_ends_as_it_must_and_nothing_is_lost_or_doubled(people, impatient, name):
    fault, given = FAULTS[name], {}
    with serve(misbehaving(fault, given)) as endpoint:
        experiment = experiments.submitted(
            **people, base_url=endpoint.base_url, examples=EXAMPLES, concurrency=6, timeout_ms=300
        )
        scheduler.drain()
    experiment.refresh_from_db()
    rows = list(experiment.outputs.select_related("run__version"))
    assert {row.state for row in rows} == {OutputState.DONE}
    few = [row for row in rows if row.example_id in {f"q{n}" for n in FEW}]
    assert Counter(row.outcome for row in few) == {fault.outcome: 2 * len(FEW)}
    assert all(fault.says in row.error for row in few)
    history_is_sound(rows, given)
    # The policy allows errors on a twentieth of the examples.
    wanted = ExperimentStatus.DECIDED if fault.outcome == Outcome.ANSWERED else ExperimentStatus.UNDECIDED
    assert experiment.status == wanted


def history_is_sound(rows: list[Output], given: dict[str, tuple[str, int]]) -> None:
    answered = [row for row in rows if row.outcome == Outcome.ANSWERED]
    assert {(row.run.version.version, row.example_id) for row in answered} == {
        (model, f"q{number}") for model, number in (given[row.text] for row in answered)
    }
    assert len({row.text for row in answered}) == len(answered)
    assert len({(row.run_id, row.position, row.repeat) for row in rows}) == len(rows) == 2 * EXAMPLES


def test_another_content_type_is_read_for_what_it_holds(people, impatient):
    """Gateways send JSON as text; what it is shows when it is read."""
    with serve(lambda call: Reply(adds(call).content, headers={"Content-Type": "text/html"})) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, examples=10)
        scheduler.drain()
    assert set(experiment.outputs.values_list("outcome", flat=True)) == {Outcome.ANSWERED}


def test_an_empty_answer_is_an_answer_and_counts_as_what_it_says(people, impatient):
    with serve(lambda call: says("")) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, examples=10)
        scheduler.drain()
    assert set(experiment.outputs.values_list("outcome", "text")) == {(Outcome.ANSWERED, "")}


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_clock_that_jumps_loses_and_doubles_nothing(people, impatient, monkeypatch, hours):
    """All leases are over at once, or last for hours: tokens decide, not the time."""
    now, began = clock.now, time.monotonic()

    def jumped() -> dt.datetime:
        passed = time.monotonic() - began
        return now() + (dt.timedelta(hours=hours) if passed > 0.3 else dt.timedelta())

    given: dict[str, tuple[str, int]] = {}
    with serve(misbehaving(Fault(Reply(b"", 500)), given), latency_s=0.05) as endpoint:
        experiment = experiments.submitted(
            **people, base_url=endpoint.base_url, examples=EXAMPLES, concurrency=4
        )
        began = time.monotonic()
        monkeypatch.setattr(clock, "now", jumped)
        for _ in range(3):
            scheduler.drain()
            monkeypatch.setattr(clock, "now", now)
            experiment.outputs.filter(state=OutputState.OPEN).update(not_before=None)
    rows = list(experiment.outputs.select_related("run__version"))
    assert Counter(row.outcome for row in rows) == {Outcome.ANSWERED: 2 * EXAMPLES}
    history_is_sound(rows, given)

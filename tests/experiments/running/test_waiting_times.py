"""How long an output waited is kept apart from how long its answer took."""

import datetime as dt
import json
import time
import uuid

import pytest

from datasets.shelf import Shelf
from evaltrack import clock
from evaltrack.integrations.model_api import Answer
from experiments.models import Output, Run
from experiments.running import planning
from experiments.running.opening import opened
from tests.accounts.callers import bearer, signed_in
from tests.endpoint import Reply, adds, asked, fails, serve, wrong_on
from tests.factories import experiments

pytestmark = pytest.mark.django_db
LATENCY_S = 0.05


def test_queueing_is_in_what_was_waited_and_not_in_the_latency(run):
    with serve(adds, latency_s=LATENCY_S) as endpoint:
        experiment = run(endpoint, examples=10, concurrency=1)
    rows = list(experiment.outputs.order_by("order"))
    waited = [row.waited_ms for row in rows]
    # One at a time: each waits for all that are asked before it.
    assert waited == sorted(waited)
    assert waited[-1] >= 19 * LATENCY_S * 1000
    assert all(LATENCY_S * 1000 <= row.latency_ms < waited[-1] / 2 for row in rows)
    for row in rows:
        total = (row.finished_at - row.run.started_at).total_seconds() * 1000
        assert row.waited_ms + row.latency_ms <= total + 2


def test_what_failed_before_and_the_pause_after_it_are_waiting(run):
    def behave(call):
        return fails(500, on={3}, times=1)(call) if call.nth == 1 else slow(call)

    def slow(call):
        return Reply(adds(call).content, hangs_s=0.2 if asked(call) == 3 else 0)

    with serve(behave) as endpoint:
        experiment = run(endpoint, examples=10, concurrency=4)
    again = list(experiment.outputs.filter(example_id="q3"))
    assert [row.attempts for row in again] == [2, 2]
    first = max(row.waited_ms for row in experiment.outputs.filter(attempts=1))
    assert all(row.waited_ms > first and 200 <= row.latency_ms < 1000 for row in again)


def test_where_no_call_of_ours_brought_an_answer_nothing_is_said(run):
    with serve(fails(400, on={5})) as endpoint:
        experiment = run(endpoint, examples=40)
    failed = experiment.outputs.filter(example_id="q5")
    assert {(row.latency_ms, row.waited_ms) for row in failed} == {(None, None)}


@pytest.mark.parametrize(("days", "waited"), [(60, 60 * 86_400_000), (-1, 0)])
def test_a_wait_of_months_is_kept_and_a_clock_that_was_set_back_makes_none_negative(people, days, waited):
    experiment = experiments.submitted(**people, examples=10)
    planning.start(experiment, at=clock.now())
    Run.objects.filter(experiment=experiment).update(started_at=clock.now() - dt.timedelta(days=days))
    each = opened(experiment, uuid.uuid4(), at=clock.now(), shelf=Shelf())
    [(claimed, _), *_] = each.claim(dict.fromkeys(each.endpoint_of.values(), 1), at=clock.now())
    each.settle([(claimed.id, Answer("1", sent_at=time.monotonic()))], at=clock.now())
    assert Output.objects.get(pk=claimed.id).waited_ms == pytest.approx(waited, abs=5_000)


def test_the_page_and_the_api_tell_it_beside_the_latency(run, people):
    with serve(wrong_on("v1.1.0", 3)) as endpoint:
        experiment = run(endpoint, examples=10)
    row = experiment.outputs.get(run__arm="candidate", example_id="q3")
    address = f"{experiment.get_absolute_url()}examples/?metric=exact_match&group=worse"
    page = signed_in(people["owner"]).get(address).content.decode()
    assert f"Answered in {row.latency_ms} ms, after waiting {row.waited_ms} ms." in page
    caller = bearer(people["owner"], "experiments:view")
    address = f"/api/v1/runs/{row.run.public_id}/outputs"
    plain = lines(caller.get(address))
    assert all("collected" not in each for each in plain)
    told = lines(caller.get(f"{address}?collected=true"))
    assert [{name: each[name] for name in each if name != "collected"} for each in told] == plain
    assert told[3]["collected"] | {"waited_ms": row.waited_ms, "attempts": 1} == told[3]["collected"]
    assert caller.get(f"{address}?collected=perhaps").status_code == 400


def lines(answer):
    return [json.loads(each) for each in b"".join(answer.streaming_content).splitlines()]

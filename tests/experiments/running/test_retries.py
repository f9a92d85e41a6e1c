"""Calls that failed are made again, and never so often that an endpoint's failures multiply what it is asked."""

import datetime as dt
import random
import time
import uuid
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from evaltrack import clock
from evaltrack.integrations.model_api import Answer, CallFailed, Failure
from experiments.models import Endpoint, Experiment, ExperimentStatus, Outcome, Output, OutputState, Run
from experiments.running import claims, pacing, planning, queue, retries, scheduler
from experiments.running.pacing import Limits, Pace
from tests.endpoint import Reply, adds, asked, serve
from tests.experiments.running.test_scheduler import in_threads, outcomes, step
from tests.factories import experiments

AT = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)
BROKEN = Reply(b"", 500)


def most(answers: int, seconds: float) -> float:
    return retries.RESERVE + retries.SHARE * answers + seconds / retries.EVERY.total_seconds()


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("answers"), st.integers(0, 300)),
            st.tuples(st.just("asks again"), st.integers(1, 500)),
            st.tuples(st.just("milliseconds"), st.integers(0, 60_000)),
        ),
        max_size=60,
    )
)
def test_retries_stay_within_their_share_whatever_happens(happens):
    full_at, at, answers, made = None, AT, 0, 0
    for what, number in happens:
        if what == "answers":
            answers += number
            full_at = retries.earned(full_at, number, at=at)
        elif what == "milliseconds":
            at += dt.timedelta(milliseconds=number)
        else:
            granted, full_at = retries.spent(full_at, number, at=at)
            assert 0 <= granted <= number
            # Wherever one may be made, one is: nothing waits without cause.
            assert granted == number or retries.left(full_at, at=at) == 0
            made += granted
        assert 0 <= retries.left(full_at, at=at) <= retries.RESERVE
        # A microsecond is what times are rounded to.
        assert made <= most(answers, (at - AT).total_seconds()) + 1e-3


def test_without_any_answer_one_is_made_each_half_second():
    granted, full_at = retries.spent(None, 500, at=AT)
    assert granted == retries.RESERVE
    made = []
    for tenth in range(1, 101):
        granted, full_at = retries.spent(full_at, 500, at=AT + tenth * dt.timedelta(seconds=0.1))
        made.append(granted)
    assert sum(made) == 20
    assert max(made) == 1


def test_a_clock_that_is_set_back_stops_no_retries_for_long():
    _, full_at = retries.spent(None, retries.RESERVE, at=AT)
    before = AT - dt.timedelta(hours=1)
    granted, full_at = retries.spent(full_at, 5, at=before)
    assert granted == 0
    assert retries.spent(full_at, 5, at=before + 5 * retries.EVERY)[0] == 5


# ── Rows ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def failed(people):
    """An experiment of which 12 outputs failed once, the first ones in order; with its endpoint, and room for 8."""
    experiment = experiments.submitted(**people, examples=10)
    planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
    first = experiment.outputs.order_by("order").values_list("pk", flat=True)[:12]
    Output.objects.filter(pk__in=list(first)).update(error="broken: HTTP 500", attempts=1)
    endpoint_of = dict(Run.objects.filter(experiment=experiment).values_list("pk", "endpoint_id"))
    return experiment, endpoint_of, dict.fromkeys(endpoint_of.values(), 8)


def used_up(at):
    Endpoint.objects.update(retries_full_at=at + retries.FULL)


def test_what_was_never_asked_does_not_wait_for_what_failed(failed):
    experiment, endpoint_of, room = failed
    at = clock.now()
    used_up(at)
    later = at + 2 * retries.EVERY
    taken = claims.claim(experiment, endpoint_of, room, token=uuid.uuid4(), at=later)
    assert Counter(each.is_retry for each in taken) == {True: 2, False: 6}
    taken = claims.claim(experiment, endpoint_of, room, token=uuid.uuid4(), at=later)
    assert Counter(each.is_retry for each in taken) == {False: 2}
    assert claims.claim(experiment, endpoint_of, room, token=uuid.uuid4(), at=later) == []
    assert claims.retries_wait(experiment, endpoint_of, at=later)
    # Nothing was dropped, and none has lost a try.
    left = experiment.outputs.filter(state=OutputState.OPEN)
    assert set(left.values_list("attempts", "error")) == {(1, "broken: HTTP 500")}
    assert left.count() == 10


def test_where_nothing_failed_claiming_reads_no_endpoint(people):
    experiment = experiments.submitted(**people, examples=10)
    planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
    endpoint_of = dict(Run.objects.filter(experiment=experiment).values_list("pk", "endpoint_id"))
    room, at = dict.fromkeys(endpoint_of.values(), 8), clock.now()
    with CaptureQueriesContext(connection) as queries:
        claims.claim(experiment, endpoint_of, room, token=uuid.uuid4(), at=at)
    assert not [each["sql"] for each in queries if "experiments_endpoint" in each["sql"]]
    assert sum(each["sql"].startswith("SELECT") for each in queries) == 1


@pytest.mark.django_db
def test_answers_that_a_worker_heard_earn_retries_for_all():
    endpoint = Endpoint.objects.create(base_url="http://127.0.0.1:9/v1")
    at, pace = clock.now(), Pace(endpoint.pk, Limits(16))
    used_up(at)
    for _ in range(30):
        pace.hear(Answer("1"))
    for _ in range(30):
        pace.hear(CallFailed(Failure.BROKEN, "HTTP 500", 1))
    pacing.look(pace, worker=uuid.uuid4(), at=at)
    assert pacing.ask_again(endpoint.pk, 10, at=at) == 3
    assert pacing.ask_again(endpoint.pk, 10, at=at) == 0


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_that_ask_again_at_the_same_moment_share_what_is_left(failed):
    experiment, endpoint_of, room = failed
    at = clock.now()
    used_up(at)
    later, taken = at + 3 * retries.EVERY, []

    def claim():
        taken.extend(claims.claim(experiment, endpoint_of, room, token=uuid.uuid4(), at=later))

    in_threads(claim, claim, claim)
    assert sum(each.is_retry for each in taken) <= 3
    assert len({each.id for each in taken}) == len(taken)


def test_the_run_queue_shows_how_many_retries_are_left(failed):
    at = clock.now()
    (full,) = queue.of(at=at).endpoints
    assert full.retries_left == full.retries_most == retries.RESERVE
    used_up(at)
    (empty,) = queue.of(at=at + 5 * retries.EVERY).endpoints
    assert empty.retries_left == 5


# ── Against a server that fails ──────────────────────────────────────────────────────────────────────


def finished(experiment: Experiment) -> None:
    for _ in range(10):
        scheduler.drain()
        experiment.refresh_from_db()
        if experiment.status == ExperimentStatus.DECIDED:
            return
        time.sleep(0.1)


def test_an_endpoint_that_fails_half_of_its_calls_is_asked_little_more_for_it(people, impatient, settings):
    settings.DRAIN_SECONDS = 30
    chance = random.Random(3)

    def behave(call):
        return BROKEN if (asked(call) % 2 and call.nth == 1) or chance.random() < 0.1 else adds(call)

    with serve(behave, latency_s=0.01) as server:
        experiment = experiments.submitted(**people, base_url=server.base_url, examples=50, concurrency=8)
        began = time.monotonic()
        finished(experiment)
        seconds = time.monotonic() - began
    assert experiment.status == ExperimentStatus.DECIDED
    assert outcomes(experiment) == {Outcome.ANSWERED: 100}
    again = len(server.calls) - 100
    # More than the reserve and what answers have earned: the rest was made slowly, and was made.
    assert retries.RESERVE + retries.SHARE * 100 < again <= most(100, seconds)


def test_an_outage_is_not_asked_over_and_over(people, impatient):
    """Pauses last moments here, so that nothing but the count of retries holds the worker back."""
    until = time.monotonic() + 4
    came: list[float] = []

    def behave(call):
        came.append(time.monotonic())
        return adds(call) if time.monotonic() > until else BROKEN

    with serve(behave) as server:
        experiment = experiments.submitted(**people, base_url=server.base_url, examples=15, concurrency=8)
        began = time.monotonic()
        finished(experiment)
        seconds = time.monotonic() - began
    assert experiment.status == ExperimentStatus.DECIDED
    assert outcomes(experiment) == {Outcome.ANSWERED: 30}
    in_outage = sum(at < until for at in came)
    # Each is asked once; beyond that only retries.
    assert in_outage <= 30 + most(0, 4)
    assert len(server.calls) - 30 <= most(30, seconds)


def test_after_an_outage_few_are_asked_until_one_is_answered(people, impatient):
    down = True

    def behave(call):
        return BROKEN if down else adds(call)

    with serve(behave) as server:
        experiment = experiments.submitted(**people, base_url=server.base_url, examples=60, concurrency=24)
        step(experiment)
        first = len(server.calls)
        step(experiment)
        probe = len(server.calls) - first
        assert first > probe == 8
        down = False
        finished(experiment)
    assert outcomes(experiment) == {Outcome.ANSWERED: 120}


def test_asking_to_slow_down_uses_up_no_retry(people, impatient):
    def behave(call):
        return Reply(b"", 429, {"Retry-After": "0.05"}) if call.nth == 1 else adds(call)

    with serve(behave) as server:
        experiment = experiments.submitted(**people, base_url=server.base_url, examples=15, concurrency=4)
        finished(experiment)
    assert outcomes(experiment) == {Outcome.ANSWERED: 30}
    assert len(server.calls) == 60
    assert Endpoint.objects.get().retries_full_at is None


def test_a_worker_waits_for_a_retry_rather_than_leave(people, impatient):
    """All that is left has failed before, none is due later, and nothing is in flight."""
    with serve(adds) as server:
        experiment = experiments.submitted(**people, base_url=server.base_url, examples=5)
        planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
        experiment.outputs.update(error="broken: HTTP 500", attempts=1)
        used_up(clock.now())
        scheduler.drain(patient=False)
        experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.DECIDED
    assert len(server.calls) == 10
    # What an answer brought takes the place of what had failed.
    assert set(experiment.outputs.values_list("error", flat=True)) == {""}

"""Leases and fencing tokens: who may write an answer, and what becomes of a dead worker's share."""

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evaltrack import clock
from evaltrack.errors import Conflict
from evaltrack.integrations.model_api import Answer
from experiments.models import Experiment, ExperimentStatus, Outcome, Output, OutputState, Run
from experiments.running import claims, planning, scheduler
from experiments.running.claims import Answered
from tests.endpoint import adds, serve
from tests.factories import experiments


@pytest.fixture
def planned(people):
    """An experiment whose work is laid out, the endpoint of each run, and room for four outputs there."""
    experiment = experiments.submitted(**people, examples=10)
    planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
    endpoint_of = dict(Run.objects.filter(experiment=experiment).values_list("pk", "endpoint_id"))
    return experiment, endpoint_of, dict.fromkeys(endpoint_of.values(), 4)


ANSWER = Answer("1", 20, 8, 1, "stop", "mock", "")


def test_an_answer_that_comes_after_the_lease_was_given_on_is_refused(planned, settings):
    experiment, endpoint_of, room = planned
    early, late, at = uuid.uuid4(), uuid.uuid4(), clock.now()
    [first, *_] = claims.claim(experiment, endpoint_of, room, token=early, at=at)
    after = at + dt.timedelta(seconds=settings.LEASE_SECONDS + 1)
    assert claims.reap(at=after) == 4
    again = claims.claim(experiment, endpoint_of, room, token=late, at=after)
    assert first.id in {claimed.id for claimed in again}
    assert claims.record_answers([Answered(first.id, ANSWER)], token=early, at=after) == 0
    assert Output.objects.get(pk=first.id).state == OutputState.LEASED
    assert claims.record_answers([Answered(first.id, ANSWER)], token=late, at=after) == 1
    assert claims.record_answers([Answered(first.id, ANSWER)], token=late, at=after) == 0


def test_a_lease_that_is_renewed_is_not_taken_back(planned, settings):
    experiment, endpoint_of, room = planned
    token, at = uuid.uuid4(), clock.now()
    claims.claim(experiment, endpoint_of, room, token=token, at=at)
    later = at + dt.timedelta(seconds=settings.LEASE_SECONDS - 1)
    claims.renew(token, at=later)
    assert claims.reap(at=at + dt.timedelta(seconds=settings.LEASE_SECONDS + 1)) == 0
    assert claims.reap(at=later + dt.timedelta(seconds=settings.LEASE_SECONDS + 1)) == 4


def test_a_lease_that_ends_just_after_a_worker_found_nothing_is_not_left_until_the_next_wake_up(
    people, impatient, settings, monkeypatch
):
    """The worker had looked a moment before, and would not have looked again."""
    with serve(adds) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, examples=10)
        planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
        endpoint_of = dict(Run.objects.filter(experiment=experiment).values_list("pk", "endpoint_id"))
        room = dict.fromkeys(endpoint_of.values(), 4)
        assert len(claims.claim(experiment, endpoint_of, room, token=uuid.uuid4(), at=clock.now())) == 4
        reap, reaped = claims.reap, []

        def reaping(*, at):
            # From the second time on the dead worker's leases have ended.
            late = dt.timedelta(seconds=settings.LEASE_SECONDS + 1 if reaped else 0)
            reaped.append(reap(at=at + late))

        monkeypatch.setattr(claims, "reap", reaping)
        scheduler.drain()
    assert reaped[:2] == [0, 4]
    assert Experiment.objects.get(pk=experiment.pk).status == ExperimentStatus.DECIDED


def test_an_output_that_kills_five_workers_is_given_up(planned, settings):
    experiment, endpoint_of, room = planned
    at = clock.now()
    for _ in range(claims.MOST_ATTEMPTS):
        claims.claim(experiment, endpoint_of, room, token=uuid.uuid4(), at=at)
        at += dt.timedelta(seconds=settings.LEASE_SECONDS + 1)
        claims.reap(at=at)
    dead = experiment.outputs.filter(outcome=Outcome.INFRASTRUCTURE_ERROR)
    assert {row.error for row in dead} == {"the worker died 5 times while asking for this output"}
    assert dead.count() == 4
    assert experiment.outputs.filter(state=OutputState.OPEN).count() == 16


def test_the_arms_answer_an_example_side_by_side_and_in_no_fixed_order(planned):
    experiment, _, _ = planned
    rows = list(experiment.outputs.order_by("order").values_list("example_id", "run__arm"))
    neighbours = [rows[n : n + 2] for n in range(0, len(rows), 2)]
    assert all(one[0] == other[0] and one[1] != other[1] for one, other in neighbours)
    assert {one[1] for one, _ in neighbours} == {"baseline", "candidate"}


def test_laying_out_the_work_twice_is_a_conflict_and_changes_nothing(people):
    experiment = experiments.submitted(**people, examples=10)
    seen_by_two = [Experiment.objects.with_names().get(pk=experiment.pk) for _ in range(2)]
    planning.start(seen_by_two[0], at=clock.now())
    with pytest.raises(Conflict):
        planning.start(seen_by_two[1], at=clock.now())
    assert experiment.outputs.count() == 20


def test_what_nobody_foresaw_in_one_experiment_does_not_stop_the_others(people, impatient, caplog):
    with serve(adds) as endpoint:
        broken = experiments.submitted(**people, base_url=endpoint.base_url, examples=10, name="broken")
        sound = experiments.submitted(**people, base_url=endpoint.base_url, examples=10, name="sound")
        # A configuration that no act would accept: somebody reached past them.
        type(broken.candidate).objects.filter(pk=broken.candidate_id).update(configuration={"target": 5})
        scheduler.drain()
    for row in (broken, sound):
        row.refresh_from_db()
    assert sound.status == ExperimentStatus.DECIDED
    assert broken.status in {ExperimentStatus.QUEUED, ExperimentStatus.UNDECIDED}


@pytest.mark.postgresql
def test_what_workers_ask_again_and_again_does_not_read_the_done_outputs_of_a_large_run(planned):
    """Whether all are done is asked five times a second; of half a million done ones it took a third of a second."""
    experiment, endpoint_of, room = planned
    token = uuid.uuid4()
    claims.claim(experiment, endpoint_of, room, token=token, at=clock.now())
    columns = (
        "run_id, experiment_id, position, repeat, example_id, state, attempts, outcome, text, error, "
        "finish_reason, request_digest, endpoint_model, endpoint_fingerprint, finished_at"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO experiments_output ({columns}, "order") '
            "SELECT %s, %s, n, 0, n::text, 'done', 1, 'answered', '', '', '', '', '', '', now(), n "
            "FROM generate_series(100, 30100) n",
            [next(iter(endpoint_of)), experiment.pk],
        )
        cursor.execute("ANALYZE experiments_output")
    with CaptureQueriesContext(connection) as asked_for:
        experiment.outputs.are_done()
        experiment.outputs.asked_for().are_done()
        experiment.outputs.one_by_one().filter(state=OutputState.OPEN).exists()
        claims.release_all(experiment, token=token)
    for each in asked_for:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {each['sql']}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        reads = [line for line in plan.splitlines() if "Scan" in line and "experiments_output" in line]
        assert reads, plan
        assert all("using output_open" in line or "using output_leased" in line for line in reads), plan


def test_outputs_are_done_when_none_is_open_or_leased(planned):
    experiment, endpoint_of, room = planned
    assert not experiment.outputs.are_done()
    done = {"state": OutputState.DONE, "outcome": Outcome.ANSWERED, "finished_at": clock.now()}
    claims.claim(experiment, endpoint_of, room, token=uuid.uuid4(), at=clock.now())
    experiment.outputs.filter(state=OutputState.OPEN).update(**done)
    assert not experiment.outputs.are_done()
    experiment.outputs.update(**done, lease_token=None, lease_until=None)
    assert experiment.outputs.are_done()

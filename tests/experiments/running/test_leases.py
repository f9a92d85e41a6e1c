"""Leases and fencing tokens: who may write an answer, and what becomes of a dead worker's share."""

import datetime as dt
import uuid

import pytest

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

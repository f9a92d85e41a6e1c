"""An experiment is paused, and goes on where it was."""

import pytest

from evaltrack import clock
from evaltrack.errors import Conflict, Refused
from evaltrack.ledger.models import LedgerEntry
from experiments import pausing, progress, submission
from experiments.models import Experiment, ExperimentStatus, OutputState
from experiments.running import scheduler
from experiments.running.worker import Worker
from tests.endpoint import adds, serve
from tests.factories import experiments

pytestmark = pytest.mark.django_db


def test_a_paused_experiment_asks_nothing_until_it_is_resumed(people, impatient):
    with serve(adds) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, examples=10)
        pausing.pause(experiment, by=people["owner"], at=clock.now())
        scheduler.drain()
        assert endpoint.calls == []
        pausing.resume(experiment, by=people["owner"], at=clock.now())
        scheduler.drain()
    experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.DECIDED
    assert len(endpoint.calls) == 20


def test_what_is_in_flight_when_it_is_paused_still_comes(people, impatient, monkeypatch):
    looks = Worker.look_what_is_due
    with serve(adds, latency_s=0.05) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, concurrency=2)

        def owner_pauses(worker):
            row = Experiment.objects.with_names().get(pk=experiment.pk)
            if len(endpoint.calls) >= 10 and row.paused_at is None:
                pausing.pause(row, by=people["owner"], at=clock.now())
            looks(worker)

        monkeypatch.setattr(Worker, "look_what_is_due", owner_pauses)
        scheduler.drain()
        asked = len(endpoint.calls)
        assert 10 <= asked < 40
        states = experiment.outputs.values_list("state", flat=True)
        assert sum(state == OutputState.DONE for state in states) == asked
        assert OutputState.LEASED not in states


def test_pausing_and_resuming_twice_is_one_entry_each(people):
    experiment = experiments.submitted(**people)
    for act in (pausing.pause, pausing.pause, pausing.resume, pausing.resume):
        experiment = act(experiment, by=people["owner"], at=clock.now())
    events = LedgerEntry.objects.filter(event__in=["experiment_paused", "experiment_resumed"])
    assert list(events.order_by("index").values_list("event", flat=True)) == [
        "experiment_paused",
        "experiment_resumed",
    ]


def test_what_has_ended_cannot_be_paused(people):
    experiment = experiments.submitted(**people)
    submission.cancel(experiment, by=people["owner"], at=clock.now())
    with pytest.raises(Conflict) as conflict:
        pausing.pause(experiment, by=people["owner"], at=clock.now())
    assert conflict.value.code == "already_ended"


def test_what_ended_while_it_was_paused_is_not_resumed(people):
    experiment = experiments.submitted(**people)
    pausing.pause(experiment, by=people["owner"], at=clock.now())
    submission.cancel(experiment, by=people["owner"], at=clock.now())
    pausing.resume(experiment, by=people["owner"], at=clock.now())
    assert not LedgerEntry.objects.filter(event="experiment_resumed").exists()
    experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.CANCELLED


def test_somebody_else_does_not_pause_it(people, approver):
    experiment = experiments.submitted(**people)
    for act in (pausing.pause, pausing.resume):
        with pytest.raises(Refused):
            act(experiment, by=approver, at=clock.now())


def test_the_pace_of_the_last_minute_says_when_all_will_be_asked(people, impatient):
    experiment = experiments.submitted(**people, examples=10)
    at = clock.now()
    assert progress.of(experiment, at=at) == progress.Progress(0, 0)
    experiments.answer_all(experiment, lambda arm, output, expected: expected)
    halves = experiment.outputs.order_by("order")
    halves.filter(order__gte=5).update(state=OutputState.OPEN, outcome="", finished_at=None)
    experiment.refresh_from_db()
    found = progress.of(experiment, at=clock.now())
    assert (found.total, found.done) == (20, 5)
    assert found.per_minute > 0
    assert found.remaining_s is not None

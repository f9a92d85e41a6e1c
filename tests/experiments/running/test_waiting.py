"""What a worker does while there is nothing to do, or something that takes long."""

import datetime as dt
import time

import pytest

from evaltrack import clock
from experiments import conclusion, pausing
from experiments.models import EndpointShare, Experiment, ExperimentStatus, Output, OutputState
from experiments.running import planning, scheduler
from tests.endpoint import Reply, adds, always, serve
from tests.experiments.running.test_scheduler import in_threads
from tests.factories import experiments

pytestmark = pytest.mark.django_db


def planned(people, **given) -> Experiment:
    experiment = experiments.submitted(**people, **given)
    planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
    return Experiment.objects.with_names().get(pk=experiment.pk)


def test_a_drain_does_not_wait_for_what_is_paused(people):
    """It would look five times a second, all the time, for as long as the pause lasts."""
    experiment = planned(people, examples=10)
    a_moment_ago = clock.now() - dt.timedelta(seconds=1)
    experiment.outputs.update(not_before=a_moment_ago)
    Experiment.objects.filter(pk=experiment.pk).update(next_attempt_at=a_moment_ago)
    assert scheduler.soon()
    pausing.pause(experiment, by=people["owner"], at=clock.now())
    assert not scheduler.soon()


def test_a_drain_does_not_wait_for_outputs_of_an_experiment_that_waits_for_longer(people):
    experiment = planned(people, examples=10)
    experiment.outputs.update(not_before=clock.now())
    Experiment.objects.filter(pk=experiment.pk).update(
        status=ExperimentStatus.WAITING, reason="down", next_attempt_at=clock.now() + dt.timedelta(minutes=5)
    )
    assert not scheduler.soon()


def test_shares_and_leases_outlast_a_long_conclusion_of_another_experiment(
    people, impatient, settings, monkeypatch
):
    """While one verdict is computed the calls of other experiments go on, and must be counted."""
    seen = []
    concludes = conclusion.conclude

    def concluding(experiment, **given):
        leased = Output.objects.filter(state=OutputState.LEASED)
        if leased.exists():
            later = clock.now() + dt.timedelta(seconds=2 * settings.LEASE_SECONDS)
            shares = EndpointShare.objects.filter(calls__gt=0)
            seen.append((shares.exists(), shares.filter(until__lt=later).exists()))
            seen.append((True, leased.filter(lease_until__lt=later).exists()))
        concludes(experiment, **given)

    monkeypatch.setattr(conclusion, "conclude", concluding)
    with serve(adds, latency_s=0.02) as endpoint:
        for name, examples in (("short", 5), ("long", 60)):
            experiments.submitted(
                **people, base_url=endpoint.base_url, examples=examples, concurrency=4, name=name
            )
        scheduler.drain()
    assert set(seen) == {(True, False)}


def test_an_answer_that_no_worker_can_wait_for_is_a_failure_and_not_asked_for_without_end(
    people, settings, monkeypatch
):
    """Abandoned when the drain ends, it would be paid for in each, and the experiment would go on for ever."""
    settings.DRAIN_SECONDS = 2
    with serve(adds, latency_s=4.0) as endpoint:
        experiment = experiments.submitted(
            **people, base_url=endpoint.base_url, examples=10, tier="smoke", concurrency=4, timeout_ms=600_000
        )
        began = time.monotonic()
        while time.monotonic() - began < 20:
            Experiment.objects.filter(pk=experiment.pk).update(next_attempt_at=None)
            experiment.outputs.update(not_before=None)
            scheduler.drain(patient=False)
            experiment.refresh_from_db()
            if experiment.status != ExperimentStatus.RUNNING:
                break
    assert experiment.status == ExperimentStatus.WAITING
    assert "no answer within 2500 ms" in experiment.reason


@pytest.mark.django_db(transaction=True)
def test_one_worker_alone_computes_a_verdict(people, impatient, monkeypatch):
    """Others would compute the same for as long, and ask nothing meanwhile."""
    concluding = []
    concludes = conclusion.conclude

    def slowly(experiment, **given):
        concluding.append(experiment.pk)
        time.sleep(1)
        concludes(experiment, **given)

    monkeypatch.setattr(conclusion, "conclude", slowly)
    experiment = Experiment.objects.with_names().get(pk=experiments.submitted(**people, examples=10).pk)
    experiments.answer_all(experiment, lambda arm, output, expected: expected)
    in_threads(scheduler.drain, scheduler.drain, scheduler.drain)
    experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.DECIDED
    assert concluding == [experiment.pk]


def test_a_worker_does_not_stand_before_an_endpoint_that_is_closed_for_longer_than_it_has_time(
    people, settings
):
    settings.DRAIN_SECONDS = 20
    with serve(always(Reply(b"", 429, {"Retry-After": "300"}))) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, examples=50)
        for _ in range(2):
            began = time.monotonic()
            scheduler.drain()
            assert time.monotonic() - began < 10
        assert len(endpoint.calls) <= 16
    assert not experiment.outputs.exclude(state=OutputState.OPEN).exists()

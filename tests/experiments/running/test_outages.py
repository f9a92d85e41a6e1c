"""An endpoint that is down for a while, a store that is down, and one that lies."""

import datetime as dt
import shutil
import threading
import time

from evaltrack import clock
from evaltrack.notifications.models import Notification
from experiments.models import Experiment, ExperimentStatus, Outcome, Output, OutputState
from experiments.running import planning, scheduler
from tests.endpoint import Reply, adds, serve
from tests.experiments.running.test_scheduler import outcomes, step
from tests.factories import experiments

# An endpoint that is down for a while


def test_a_down_endpoint_leaves_the_experiment_waiting_with_growing_pauses(people):
    experiment = experiments.submitted(**people)
    pauses = []
    for _ in range(4):
        before = clock.now()
        experiment = step(experiment)
        pauses.append((experiment.next_attempt_at - before).total_seconds())
    assert experiment.status == ExperimentStatus.WAITING
    assert "The endpoint does not answer" in experiment.reason
    assert experiment.failed_attempts == 4
    # From half of 2, 4, 8, 16 seconds to all of it, and a little for the attempt itself.
    assert [pause >= 2**n / 2 for n, pause in enumerate(pauses, start=1)] == [True] * 4
    assert [pause <= 2**n + 2 for n, pause in enumerate(pauses, start=1)] == [True] * 4


def test_an_outage_uses_up_no_try_of_any_example(people):
    experiment = step(experiments.submitted(**people))
    states = set(experiment.outputs.values_list("state", "attempts", "lease_token"))
    assert states == {(OutputState.OPEN, 0, None)}


def test_a_waiting_experiment_is_left_alone_until_its_time(people):
    experiment = step(experiments.submitted(**people))
    assert experiment in Experiment.objects.due(experiment.next_attempt_at)
    earlier = experiment.next_attempt_at - dt.timedelta(milliseconds=1)
    assert experiment not in Experiment.objects.due(earlier)


def test_the_owner_is_told_once_per_wait(people, impatient):
    def waits_told():
        return Notification.objects.filter(
            recipient=people["owner"], dedupe_key__startswith="experiment-waits:"
        ).count()

    with serve(adds) as endpoint:
        endpoint.down()
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, concurrency=8)
        for _ in range(3):
            experiment = step(experiment)
        assert waits_told() == 1

        # It comes up, answers some, and breaks again: that is a second wait.
        def breaks_after(call):
            return adds(call) if len(endpoint.calls) <= 20 else Reply(b"", 503)

        endpoint.behaviour = breaks_after
        endpoint.up()
        experiment = step(experiment)
        assert experiment.status == ExperimentStatus.WAITING
        assert 0 < experiment.outputs.filter(state=OutputState.DONE).count() < 60
        experiment = step(experiment)
        assert waits_told() == 2


def test_an_endpoint_that_comes_back_finds_nothing_lost(people, impatient):
    with serve(adds) as endpoint:
        endpoint.down()
        experiment = step(experiments.submitted(**people, base_url=endpoint.base_url))
        assert experiment.status == ExperimentStatus.WAITING
        endpoint.up()
        time.sleep(0.3)
        scheduler.drain()
        experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.DECIDED
    assert (experiment.reason, experiment.failed_attempts, experiment.next_attempt_at) == ("", 0, None)
    assert outcomes(experiment) == {Outcome.ANSWERED: 60}
    assert len(endpoint.calls) == 60


def test_an_endpoint_that_never_answers_is_down(people, settings):
    settings.DRAIN_SECONDS = 5
    with serve(adds, latency_s=0.5) as endpoint:
        experiment = step(experiments.submitted(**people, base_url=endpoint.base_url, timeout_ms=50))
    assert experiment.status == ExperimentStatus.WAITING
    assert experiment.reason == "The endpoint does not answer: no answer within 50 ms"


def test_a_host_that_left_the_allow_list_is_not_called(people, settings, impatient):
    with serve(adds) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url)
        settings.TARGET_HOSTS = []
        scheduler.drain()
        experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert "EVALTRACK_TARGET_HOSTS" in experiment.reason
    assert endpoint.calls == []


# A store that is down, and one that lies


def test_a_missing_store_leaves_the_experiment_waiting_and_tells_the_custodian(people, settings, impatient):
    with serve(adds) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url)
        away = settings.STORE_DIR.with_name("away")
        settings.STORE_DIR.rename(away)
        experiment = step(step(experiment))
        assert experiment.status == ExperimentStatus.WAITING
        assert "The dataset store does not answer" in experiment.reason
        told = Notification.objects.filter(dedupe_key__startswith="experiment-waits:")
        assert [row.recipient for row in told] == [people["custodian"]]
        away.rename(settings.STORE_DIR)
        experiment = step(experiment)
    assert experiment.status == ExperimentStatus.DECIDED
    assert outcomes(experiment) == {Outcome.ANSWERED: 60}


def test_tampered_rows_end_undecided(people, settings, impatient):
    experiment = experiments.submitted(**people)
    manifest = experiment.dataset_version.manifest
    for blob in settings.STORE_DIR.rglob("*"):
        if blob.is_file() and blob.name != manifest:
            blob.write_bytes(b"something else")
    scheduler.drain()
    experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert "was altered in the store; restore it from a backup" in experiment.reason


def test_a_store_that_goes_away_before_the_verdict_loses_no_answer(people, settings, impatient):
    with serve(adds) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url)
        planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
        Output.objects.filter(experiment=experiment).update(
            state=OutputState.DONE, outcome=Outcome.ANSWERED, text="1", finished_at=clock.now()
        )
        away = settings.STORE_DIR.with_name("away")
        settings.STORE_DIR.rename(away)
        experiment = step(experiment)
        assert experiment.status == ExperimentStatus.WAITING
        shutil.move(away, settings.STORE_DIR)
        assert step(experiment).status == ExperimentStatus.DECIDED
    assert endpoint.calls == []


def test_a_burst_of_server_errors_is_an_outage_also_where_few_calls_are_in_flight(people, settings):
    settings.DRAIN_SECONDS = 1
    down = threading.Event()
    down.set()

    def behave(call):
        return Reply(b"", 500) if down.is_set() else adds(call)

    with serve(behave) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, examples=20, concurrency=2)
        for _ in range(3):
            Experiment.objects.filter(pk=experiment.pk).update(next_attempt_at=None)
            scheduler.drain()
        experiment.refresh_from_db()
        assert experiment.status == ExperimentStatus.WAITING
        # None uses up its tries: others are asked before what has failed, and many failures in a row are an outage.
        assert not experiment.outputs.filter(attempts__gt=1).exists()
        assert not experiment.outputs.filter(state="done").exists()
        down.clear()
        settings.DRAIN_SECONDS = 20
        Experiment.objects.filter(pk=experiment.pk).update(next_attempt_at=None)
        experiment.outputs.update(not_before=None)
        scheduler.drain()
    assert outcomes(experiment) == {Outcome.ANSWERED: 40}

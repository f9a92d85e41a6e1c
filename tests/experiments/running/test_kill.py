"""The worker cluster is killed in the middle of an experiment, more than once, and nothing is lost or doubled."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as configured
from django.db import connection

from evaltrack.integrations.gate import MOST_OUTSTANDING
from experiments.models import Experiment, ExperimentStatus, Outcome, OutputState
from tests.endpoint import serve, wrong_on
from tests.factories import experiments

CONCURRENCY = 16
PATIENCE_S = 60


def database_url() -> str:
    """The address of this test's own database, as another process needs it."""
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    host = f"?host={quote(at['HOST'])}&port={at['PORT']}" if at["HOST"] else ""
    password = f":{quote(at['PASSWORD'])}" if at["PASSWORD"] else ""
    return f"postgresql://{quote(at['USER'])}{password}@/{quote(at['NAME'])}{host}"


@pytest.fixture
def worker(settings, tmp_path):
    """Starts a worker cluster on this test's database and store; none outlives the test."""
    environment = {
        **os.environ,
        "EVALTRACK_VAR": str(tmp_path / "var"),
        "EVALTRACK_STORE": str(settings.STORE_DIR),
        "EVALTRACK_LEDGER_KEY_FILE": str(settings.LEDGER_KEY_FILE),
        "EVALTRACK_SECRET_KEY": "a secret for tests, the same in every process of one",
        "EVALTRACK_TARGET_HOSTS": "127.0.0.1:*",
        "EVALTRACK_LEASE_SECONDS": "3",
        "EVALTRACK_DRAIN_SECONDS": "20",
        "DATABASE_URL": database_url(),
    }
    log = tmp_path / "worker.log"
    started: list[subprocess.Popen] = []

    @contextmanager
    def running():
        with log.open("ab") as file:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "worker"],
                cwd=configured.BASE_DIR,
                env=environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        started.append(process)
        try:
            yield process
        finally:
            kill(process)

    running.log = log
    yield running
    for process in started:
        kill(process)


def kill(process: subprocess.Popen) -> None:
    """`kill -9` of the whole group: parent, sentinel, workers, whatever they are about."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


def wait_until(holds: Callable[[], bool], process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert process.poll() is None, f"the worker ended by itself:\n{log.read_text()}"
        assert time.monotonic() < deadline, f"it did not come to pass:\n{log.read_text()}"
        time.sleep(0.05)


@pytest.mark.django_db(transaction=True)
def test_a_killed_cluster_goes_on_where_it_was_with_exactly_500_outputs(owner, platform, custodian, worker):
    # Slow enough to be killed in the middle, quick enough to wait for.
    wrong = wrong_on("v1.0.0", *range(0, 250, 3))
    with serve(wrong, latency_s=0.1) as endpoint:
        experiment = experiments.submitted(
            owner=owner,
            platform=platform,
            custodian=custodian,
            base_url=endpoint.base_url,
            examples=250,
            concurrency=CONCURRENCY,
        )

        def done() -> int:
            return experiment.outputs.filter(state=OutputState.DONE).count()

        kept: dict[int, tuple] = {}
        for at_least in (100, 250):
            with worker() as process:
                wait_until(lambda at_least=at_least: done() >= at_least, process, worker.log)
            before = answers(experiment)
            assert at_least <= len(before) < 500
            # What was recorded before the earlier kill is as it was.
            assert kept.items() <= before.items()
            kept = before

        def decided() -> bool:
            return Experiment.objects.get(pk=experiment.pk).status == ExperimentStatus.DECIDED

        with worker() as process:
            wait_until(decided, process, worker.log)

    outputs = experiment.outputs.values_list("run__arm", "example_id", "state", "outcome")
    assert len(outputs) == 500
    assert Counter((state, outcome) for _, _, state, outcome in outputs) == {
        (OutputState.DONE, Outcome.ANSWERED): 500
    }
    assert len({(arm, example) for arm, example, _, _ in outputs}) == 500
    assert kept.items() <= answers(experiment).items()
    assert experiment.runs.count() == 2
    assert experiment.comparisons.count() == 3
    assert experiment.verdicts.get().outcome == "PASS"
    # Only what was in flight at a kill, or had just come and was not written down, is asked a second time.
    assert 500 <= len(endpoint.calls) <= 500 + 2 * MOST_OUTSTANDING * CONCURRENCY


def answers(experiment: Experiment) -> dict[int, tuple]:
    """Every recorded answer with its time, so that a later change of one would show."""
    rows = experiment.outputs.filter(state=OutputState.DONE).values_list("pk", "text", "finished_at")
    return {pk: (text, at) for pk, text, at in rows}

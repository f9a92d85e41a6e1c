"""The worker cluster as a process of its own, which a test can kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from django.conf import settings as configured
from django.db import connection

PATIENCE_S = 60


def database_url() -> str:
    """The address of this test's own database, as another process needs it."""
    at = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{at['NAME']}"
    host = f"?host={quote(at['HOST'])}&port={at['PORT']}" if at["HOST"] else ""
    password = f":{quote(at['PASSWORD'])}" if at["PASSWORD"] else ""
    return f"postgresql://{quote(at['USER'])}{password}@/{quote(at['NAME'])}{host}"


def workers(settings, tmp_path) -> Iterator[Callable]:
    """Starts worker clusters on this test's database and store; none outlives the test."""
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

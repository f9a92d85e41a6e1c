"""Real concurrency: acts that start at the same moment, each in a thread with a connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

PATIENCE_S = 240  # never waited for where the code is right; ends a run that would hang


def together(*acts: Callable[[], Any]) -> list[Any]:
    """What each act returned or raised, in the order given."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            start.wait(PATIENCE_S)
            return act()
        except Exception as error:  # noqa: BLE001  the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        running = [pool.submit(run, act) for act in acts]
        return [each.result(PATIENCE_S) for each in running]


def wait_until_blocked() -> None:
    """Wait until another connection waits for a lock that this one holds."""
    for _ in range(20_000):
        if blocked():
            return


def blocked() -> int:
    """How many connections wait for a lock that another one holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]

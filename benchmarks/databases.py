"""Empty databases for benchmarks, run as they are in production, gone afterwards."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests import postgresql, server


@contextlib.contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[dict[str, str], int | None]]:
    """The variables of an application with an empty database, and the process of that database, if it has one."""
    # Nothing here sends mail or waits for a lease.
    variables = {"EVALTRACK_VAR": str(folder), "EVALTRACK_LOG_LEVEL": "ERROR"}
    with contextlib.ExitStack() as stack:
        if kind == "sqlite":
            variables["DATABASE_URL"], pid = f"sqlite:///{folder}/evaltrack.sqlite3", None
        else:
            cluster = stack.enter_context(postgresql.cluster(postgresql.DURABLE))
            variables["DATABASE_URL"], pid = cluster.url, cluster.pid
        server.in_application("django", "migrate", "-v0", environment=variables)
        yield variables, pid

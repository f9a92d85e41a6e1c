"""Empty databases for benchmarks, run as they are in production, gone afterwards."""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def inside(kind: str, module: str, *words: object, **variables: str) -> Any:
    """What `module` of `benchmarks.inside` prints as JSON, run on an empty database of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="evaltrack-bench-") as name,
        database(kind, Path(name)) as (own, _),
    ):
        server.in_application("django", "collectstatic", "--noinput", "-v0", environment=own)
        program = f"benchmarks.inside.{module}"
        return json.loads(server.in_application(program, *map(str, words), environment={**own, **variables}))

"""`/healthz`: this process answers. `/readyz`: it can do its work: database, store, worker."""

import functools
import time
import uuid

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from evaltrack import clock, heartbeat
from evaltrack.errors import ExpectedError
from evaltrack.integrations.object_store import object_store
from evaltrack.timeouts import limited

LONGEST_ANSWER_MS = 1_000
# How long what the store said is taken for true: it may be slow, and is asked by every load balancer.
STORE_SECONDS = 15


@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200 where requests can be served. A store or a worker that is missing is said, and does not stop serving:
    people can judge and decide meanwhile."""
    parts = {"database": database()}
    if parts["database"] == "ok":
        parts |= {"migrations": migrations(), "store": store(), "worker": worker()}
    else:
        parts |= dict.fromkeys(("migrations", "store", "worker"), "unknown")
    ready = parts["database"] == "ok" and parts["migrations"] == "ok"
    works = ready and parts["store"] == "ok"
    status = "ready" if works else "degraded" if ready else "not ready"
    return JsonResponse({"status": status, **parts}, status=200 if ready else 503)


def database() -> str:
    try:
        with limited(LONGEST_ANSWER_MS):
            clock.now()
    except DatabaseError as error:
        return f"does not answer: {type(error).__name__}"
    return "ok"


def migrations() -> str:
    """Whether the tables are those that this release knows. Once they are they stay so, and are asked for no more."""
    if not Migrated.known:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            return f"{len(missing)} are missing: run manage.py migrate"
        Migrated.known = True
    return "ok"


class Migrated:
    """What this process has found."""

    known = False


def store() -> str:
    return store_lately(str(settings.STORE_DIR), int(time.monotonic() // STORE_SECONDS))


@functools.lru_cache(maxsize=1)
def store_lately(folder: str, moment: int) -> str:
    """Asked once for each `folder` and `moment`."""
    probe = f"readiness {uuid.UUID(int=0)}".encode()
    try:
        address = object_store().put_if_absent(probe)
        object_store().get_verified(address)
    except ExpectedError as error:
        return error.reason
    return "ok"


def worker() -> str:
    """From the scheduler's rows: a job long overdue, or a wake-up that nobody took, means no worker."""
    return heartbeat.problem(at=clock.now()) or "ok"

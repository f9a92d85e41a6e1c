"""`/healthz`: this process answers. `/readyz`: it can do its work: database, store, worker."""

import datetime as dt
import uuid

from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseError
from django.http import HttpRequest, JsonResponse
from django_q.models import OrmQ, Schedule

from evaltrack import clock
from evaltrack.errors import ExpectedError
from evaltrack.integrations.object_store import object_store

# The scheduler looks every half minute; jobs that are due for this long say that no worker runs.
WORKER_SILENT_AFTER = dt.timedelta(minutes=5)


@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@login_not_required
def readyz(request: HttpRequest) -> JsonResponse:
    """200 where requests can be served; a worker that is silent is said, but does not stop serving."""
    parts = {"database": database(), "store": store()}
    ready = all(part == "ok" for part in parts.values())
    parts["worker"] = worker() if parts["database"] == "ok" else "unknown"
    return JsonResponse({"status": "ready" if ready else "not ready", **parts}, status=200 if ready else 503)


def database() -> str:
    try:
        clock.now()
        Schedule.objects.exists()
    except DatabaseError as error:
        return f"does not answer: {type(error).__name__}"
    return "ok"


def store() -> str:
    probe = f"readiness {uuid.UUID(int=0)}".encode()
    try:
        address = object_store().put_if_absent(probe)
        object_store().get_verified(address)
    except ExpectedError as error:
        return error.reason
    return "ok"


def worker() -> str:
    """From the scheduler's rows: a job long overdue, or a wake-up that nobody took, means no worker."""
    silent_since = clock.now() - WORKER_SILENT_AFTER
    if Schedule.objects.filter(next_run__lt=silent_since).exists():
        return "silent: no periodic job has run for five minutes"
    if OrmQ.objects.filter(lock__lt=silent_since).exists():
        return "silent: wake-ups are not taken from the queue"
    return "ok" if Schedule.objects.exists() else "never started"

"""`/metrics`: what a scraper is told of this instance, computed from rows when it asks.

So every process gives the same answer, and none counts anything. Whoever has the token learns names of components,
versions, metrics, datasets and endpoints; nothing of people.
"""

import datetime as dt
import hmac
import logging
from collections.abc import Callable, Iterator

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from annotation.gauges import of_review_queue
from evaltrack import clock, heartbeat, openmetrics
from evaltrack.http_errors import shape
from evaltrack.notifications.gauges import of_outbox
from evaltrack.openmetrics import Gauge
from evaltrack.timeouts import limited
from experiments.gauges import of_metrics, of_run_queue

log = logging.getLogger(__name__)
# A database that is busy must not be asked again before it has answered.
LONGEST_STATEMENT_MS = 2_000


def of_workers(at: dt.datetime) -> list[Gauge]:
    tick = heartbeat.last_tick()
    waiting, first = heartbeat.wake_ups(at=at)
    return [
        Gauge(
            "evaltrack_worker_tick_timestamp_seconds",
            "When a worker last sent the jobs of a minute on their way; nothing before the first time.",
            [((), tick.timestamp())] if tick else [],
        ),
        Gauge("evaltrack_wake_ups", "Wake-ups that wait to be taken from the queue.", [((), waiting)]),
        Gauge(
            "evaltrack_wake_ups_oldest_seconds",
            "For how long the first of them has; 0 where there is none.",
            [((), max(0.0, (at - first).total_seconds()) if first else 0.0)],
        ),
    ]


PARTS: dict[str, Callable[[dt.datetime], list[Gauge]]] = {
    "run_queue": of_run_queue,
    "metrics": of_metrics,
    "review_queue": of_review_queue,
    "outbox": of_outbox,
    "workers": of_workers,
}


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """404 unless EVALTRACK_METRICS_TOKEN is set; 401 to whoever does not send it."""
    if not settings.METRICS_TOKEN:
        raise Http404
    if not is_known(request.headers.get("Authorization", "")):
        refusal = shape("not_authenticated", "Send the header Authorization: Bearer, and the metrics token.")
        return JsonResponse(refusal, status=401, headers={"WWW-Authenticate": "Bearer"})
    accepts_it = "application/openmetrics-text" in request.headers.get("Accept", "")
    return HttpResponse(
        "".join(openmetrics.text(gauges(at=clock.now()))),
        content_type=openmetrics.CONTENT_TYPE if accepts_it else openmetrics.PLAIN_CONTENT_TYPE,
        headers={"Cache-Control": "no-store"},
    )


def is_known(header: str) -> bool:
    scheme, _, given = header.partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(
        given.strip().encode(), settings.METRICS_TOKEN.encode()
    )


def gauges(*, at: dt.datetime) -> Iterator[Gauge]:
    """Those of every part that answers, and which parts do: one that is slow must not hide the others."""
    answered = {}
    for part, of in PARTS.items():
        try:
            with limited(LONGEST_STATEMENT_MS):
                found = of(at)
        except DatabaseError:
            log.exception("The part %s of /metrics was not answered by the database", part)
            found = []
        answered[part] = bool(found)
        yield from found
    yield Gauge(
        "evaltrack_part_up",
        "1 where the database answered for this part of the page, in time.",
        [((("part", part),), int(is_up)) for part, is_up in answered.items()],
    )

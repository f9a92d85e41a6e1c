"""Sums of samples by the hour: adding to them, and reading them over any time."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from django.db.models import QuerySet

from evaltrack.stats.intervals import Moments
from experiments.models import Deployment, ProductionWindow
from experiments.production.sums import Sums, added

# The deployment's key, the metric, the hour.
Key = tuple[int, str, dt.datetime]
WRITTEN = ["n", "mean", "squares", "buckets", "first_at", "last_at"]


def add(found: Mapping[Key, Sums]) -> None:
    """Inside the transaction that stores the samples, under the lock of their monitor."""
    if not found:
        return
    rows = ProductionWindow.objects.filter(
        deployment__in={key[0] for key in found}, hour__in={key[2] for key in found}
    )
    known = {(row.deployment_id, row.metric, row.hour): row for row in rows}
    changed, new = [], []
    for key, sums in found.items():
        if row := known.get(key):
            changed.append(filled(row, sums_of_window(row) + sums))
        else:
            new.append(filled(ProductionWindow(deployment_id=key[0], metric=key[1], hour=key[2]), sums))
    ProductionWindow.objects.bulk_update(changed, WRITTEN, batch_size=100)
    ProductionWindow.objects.bulk_create(new, batch_size=100)


def filled(row: ProductionWindow, sums: Sums) -> ProductionWindow:
    assert sums.first_at is not None
    assert sums.last_at is not None
    row.n, row.mean, row.squares = sums.moments.n, sums.moments.mean, sums.moments.squares
    row.buckets = {str(place): count for place, count in sorted(sums.buckets.items())} or None
    row.first_at, row.last_at = sums.first_at, sums.last_at
    return row


def sums_of_window(row: ProductionWindow) -> Sums:
    buckets = Counter({int(place): count for place, count in (row.buckets or {}).items()})
    return Sums(Moments(row.n, row.mean, row.squares), buckets, row.first_at, row.last_at)


def of_deployments(
    deployments: Iterable[Deployment], *, since: dt.datetime | None = None
) -> dict[int, dict[str, Sums]]:
    """What each deployment's metrics add up to, by its key and the metric's name."""
    parts: dict[tuple[int, str], list[Sums]] = defaultdict(list)
    for row in rows_of(deployments, since=since):
        parts[row.deployment_id, row.metric].append(sums_of_window(row))
    found: dict[int, dict[str, Sums]] = defaultdict(dict)
    for (deployment, metric), several in parts.items():
        found[deployment][metric] = added(several)
    return found


def by_day(
    deployments: Iterable[Deployment], metric: str, *, since: dt.datetime
) -> dict[tuple[int, dt.date], Sums]:
    """One metric by deployment and day (UTC), in order of time."""
    found: dict[tuple[int, dt.date], Sums] = {}
    for row in rows_of(deployments, since=since).filter(metric=metric).order_by("hour", "deployment"):
        key = (row.deployment_id, row.hour.date())
        found[key] = found.get(key, Sums()) + sums_of_window(row)
    return found


def rows_of(deployments: Iterable[Deployment], *, since: dt.datetime | None) -> QuerySet[ProductionWindow]:
    rows = ProductionWindow.objects.filter(deployment__in=list(deployments))
    return rows if since is None else rows.filter(hour__gte=since)

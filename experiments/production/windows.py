"""Sums of samples by the day: adding to them, and reading them over any time."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from django.db.models import F, QuerySet, Sum
from numpy.typing import NDArray

from evaltrack.stats.intervals import Moments
from experiments.metrics import REGISTRY
from experiments.models import Deployment, MetricPoint, ProductionWindow
from experiments.production.sums import BUCKETS, Sums, added, level
from experiments.series import points

# The deployment's key, the metric, the day.
Key = tuple[int, str, dt.date]
WRITTEN = ["n", "mean", "squares", "buckets"]


def add(found: Mapping[Key, Sums]) -> None:
    """Inside the transaction that stores the samples, under the lock of their monitor."""
    if not found:
        return
    rows = ProductionWindow.objects.filter(
        deployment__in={key[0] for key in found}, day__in={key[2] for key in found}
    )
    known = {(row.deployment_id, row.metric, row.day): row for row in rows}
    changed, new = [], []
    for key, sums in found.items():
        if row := known.get(key):
            changed.append(filled(row, sums_of_window(row) + sums))
        else:
            new.append(filled(ProductionWindow(deployment_id=key[0], metric=key[1], day=key[2]), sums))
    ProductionWindow.objects.bulk_update(changed, WRITTEN, batch_size=100)
    ProductionWindow.objects.bulk_create(new, batch_size=100)
    deployments = Deployment.objects.in_bulk({key[0] for key in found})
    for row in (written := [*changed, *new]):
        row.deployment = deployments[row.deployment_id]
    points.renew(points_of(written))


def points_of(rows: Iterable[ProductionWindow]) -> Iterator[MetricPoint]:
    """Days as points of the time series, of metrics that there still are."""
    for row in rows:
        if metric := REGISTRY.get(row.metric):
            yield points.of_window(row, level(metric, sums_of_window(row)))


def filled(row: ProductionWindow, sums: Sums) -> ProductionWindow:
    row.n, row.mean, row.squares = sums.moments.n, sums.moments.mean, sums.moments.squares
    row.buckets = None if sums.buckets is None else dense(sums.buckets)
    return row


def sums_of_window(row: ProductionWindow) -> Sums:
    return Sums(
        Moments(row.n, row.mean, row.squares), None if row.buckets is None else spread_out(row.buckets)
    )


def dense(buckets: NDArray[np.int64]) -> list[int]:
    """The first bucket that holds anything, and the counts from there to the last one."""
    (held,) = buckets.nonzero()
    return [int(held[0]), *buckets[held[0] : held[-1] + 1].tolist()]


def spread_out(stored: list[int]) -> NDArray[np.int64]:
    buckets = np.zeros(BUCKETS, dtype=np.int64)
    first, counts = stored[0], stored[1:]
    buckets[first : first + len(counts)] = counts
    return buckets


def of_deployments(
    deployments: Iterable[Deployment], *, since: dt.date | None = None
) -> dict[int, dict[str, Sums]]:
    """What each deployment's metrics add up to, by its key and the metric's name."""
    parts: dict[tuple[int, str], list[Sums]] = defaultdict(list)
    for row in rows_of(deployments, since=since):
        parts[row.deployment_id, row.metric].append(sums_of_window(row))
    found: dict[int, dict[str, Sums]] = defaultdict(dict)
    for (deployment, metric), several in parts.items():
        found[deployment][metric] = added(several)
    return found


def totals(deployments: Iterable[Deployment]) -> dict[int, dict[str, Sums]]:
    """As `of_deployments`, added up by the database and without quantiles: for many deployments at once."""
    added_up = (
        rows_of(deployments, since=None)
        .values("deployment", "metric")
        .annotate(
            count=Sum("n"),
            total=Sum(F("n") * F("mean")),
            second=Sum(F("squares") + F("n") * F("mean") * F("mean")),
        )
    )
    found: dict[int, dict[str, Sums]] = defaultdict(dict)
    for row in added_up:
        mean = row["total"] / row["count"]
        squares = max(0.0, row["second"] - row["count"] * mean**2)
        found[row["deployment"]][row["metric"]] = Sums(Moments(row["count"], mean, squares))
    return found


def by_day(
    deployments: Iterable[Deployment], metric: str, *, since: dt.date
) -> list[tuple[int, dt.date, Sums]]:
    """One metric by deployment and day, in order of time."""
    rows = rows_of(deployments, since=since).filter(metric=metric).order_by("day", "deployment__started_at")
    return [(row.deployment_id, row.day, sums_of_window(row)) for row in rows]


def rows_of(deployments: Iterable[Deployment], *, since: dt.date | None) -> QuerySet[ProductionWindow]:
    rows = ProductionWindow.objects.filter(deployment__in=list(deployments))
    return rows if since is None else rows.filter(day__gte=since)

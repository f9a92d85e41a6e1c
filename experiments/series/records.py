"""The time series as the records give it: points made anew, one component and metric at a time, in order of time."""

import datetime as dt
import heapq
from collections.abc import Iterable, Iterator

from django.db.models import Q

from experiments.models import (
    Evidence,
    EvidenceKind,
    Experiment,
    MetricPoint,
    MetricResult,
    ProductionWindow,
    Run,
)
from experiments.production import windows
from experiments.series import points

CHUNK = 2_000
Between = tuple[dt.datetime, dt.datetime]


def place(point: MetricPoint) -> tuple[dt.datetime, str, int]:
    """Where a point stands among those of its component and metric."""
    return point.at, str(point.source), point.origin


def components() -> list[int]:
    """The keys of all of which there is a record."""
    found = {
        *Run.objects.filter(finished_at__isnull=False)
        .values_list("experiment__component", flat=True)
        .distinct(),
        *ProductionWindow.objects.values_list("deployment__component", flat=True).distinct(),
    }
    return sorted(found)


def metrics_of(component: int) -> set[str]:
    results = MetricResult.objects.filter(run__experiment__component=component)
    days = ProductionWindow.objects.filter(deployment__component=component)
    heard = Evidence.objects.filter(experiment__component=component, kind=EvidenceKind.HUMAN)
    return {
        *results.values_list("metric", flat=True).distinct(),
        *days.values_list("metric", flat=True).distinct(),
        *(points.SAID if heard.exists() else ()),
    }


def of(component: int, metric: str, *, between: Between | None = None) -> Iterator[MetricPoint]:
    """Every point, in the order of `place`. Read in chunks, so that memory does not grow with their number."""
    streams = [
        results(component, metric, between),
        evidence(component, metric, EvidenceKind.HUMAN, between),
        days(component, metric, between),
        evidence(component, metric, EvidenceKind.PROXY, between),
    ]
    return heapq.merge(*streams, key=place)


def results(component: int, metric: str, between: Between | None) -> Iterator[MetricPoint]:
    rows = MetricResult.objects.filter(
        run__experiment__component=component, metric=metric, run__finished_at__isnull=False
    )
    # Of those that reuse answers, as `points.of_results` leaves them out, there are none.
    rows = rows.filter(Q(run__record__cache__reused__isnull=True) | Q(run__record__cache__reused=0))
    if between:
        rows = rows.filter(run__finished_at__range=between)
    of_run = ("run", "run__finished_at", "run__arm", "run__version")
    of_experiment = ("run__experiment", "run__experiment__dataset_version")
    ordered = rows.order_by("run__finished_at", "run_id").values_list(*of_run, "summary", *of_experiment)
    for run, at, arm, version, summary, experiment, dataset_version in ordered.iterator(chunk_size=CHUNK):
        yield points.of_result(
            Experiment(pk=experiment, component_id=component, dataset_version_id=dataset_version),
            Run(pk=run, arm=arm, version_id=version),
            metric,
            summary,
            at=at,
        )


def evidence(component: int, metric: str, kind: str, between: Between | None) -> Iterator[MetricPoint]:
    rows = Evidence.objects.filter(experiment__component=component, kind=kind)
    if between:
        rows = rows.filter(recorded_at__range=between)
    if kind == EvidenceKind.PROXY:
        rows = rows.filter(body__metric=metric)
    elif metric not in points.SAID:
        return
    ordered = rows.select_related("experiment").order_by("recorded_at", "pk")
    for row in ordered.iterator(chunk_size=CHUNK):
        yield from (point for point in points.of_evidence(row) if point.metric == metric)


def days(component: int, metric: str, between: Between | None) -> Iterator[MetricPoint]:
    rows = ProductionWindow.objects.filter(deployment__component=component, metric=metric)
    if between:
        rows = rows.filter(day__range=[each.astimezone(dt.UTC).date() for each in between])
    ordered = rows.select_related("deployment").order_by("day", "deployment_id")
    for point in windows.points_of(ordered.iterator(chunk_size=CHUNK)):
        # Within a day that the range begins or ends in.
        if between is None or between[0] <= point.at <= between[1]:
            yield point


def stored(component: int, metric: str, *, between: Between | None = None) -> Iterable[MetricPoint]:
    """What stands in the table, in the same order."""
    rows = MetricPoint.objects.filter(component=component, metric=metric)
    if between:
        rows = rows.filter(at__range=between)
    return rows.order_by("at", "source", "origin").iterator(chunk_size=CHUNK)

"""Reading the time series: a part of it by metric, source and time."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.dateparse import parse_date, parse_datetime

from evaltrack.errors import Invalid
from evaltrack.openmetrics import Labels
from experiments.models import Component, MetricPoint, PointSource
from experiments.series.openmetrics import Sample

CHUNK = 2_000
# The order of the key backwards, so that the first ones are read from the index without sorting.
LATEST_FIRST = ("-at", "-source", "-origin")
A_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Part:
    """`since` belongs to it and `until` does not; either may be left open, and so may the source."""

    source: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    def of(self, rows: QuerySet[MetricPoint]) -> QuerySet[MetricPoint]:
        if self.source:
            rows = rows.filter(source=self.source)
        if self.since:
            rows = rows.filter(at__gte=self.since)
        return rows.filter(at__lt=self.until) if self.until else rows


def part_of(given: Mapping[str, str]) -> Part:
    """What `source`, `from` and `to` of a query ask for. A day in place of a time means the whole of it."""
    source = given.get("source", "")
    if source and source not in PointSource.values:
        known = ", ".join(PointSource.values)
        raise Invalid(
            "bad_source", f"There is no source {source!r}; write one of {known}.", {"source": [known]}
        )
    return Part(source, moment(given, "from"), moment(given, "to", ends=A_DAY))


def moment(given: Mapping[str, str], name: str, ends: dt.timedelta = dt.timedelta()) -> dt.datetime | None:
    """The time that a query names, or the beginning of the day, `ends` later."""
    written = given.get(name, "")
    if not written:
        return None
    try:
        if day := parse_date(written):
            return dt.datetime.combine(day, dt.time.min, dt.UTC) + ends
        found = parse_datetime(written.replace(" ", "+"))  # in an address, a plus that was not escaped
        if found is not None and found.tzinfo is not None:
            return found.astimezone(dt.UTC)
    except (ValueError, OverflowError):
        pass  # well written, like the 30th of February, or at the edge of the calendar
    how = f"Write `{name}` as a day, like 2026-11-22, or as a time with its zone, like 2026-11-22T09:00:00Z."
    raise Invalid("bad_time", how, {name: [how]})


def of_component(component: Component, metric: str, part: Part) -> QuerySet[MetricPoint]:
    rows = part.of(MetricPoint.objects.filter(component=component, metric=metric))
    related = rows.select_related("version", "dataset_version__dataset", "experiment")
    return related.only(
        "component", "metric", "at", "source", "origin", "arm",
        "value", "low", "high", "n", "confidence", "method", "reason",
        # Names alone: a configuration is JSON, which would be parsed again for each point.
        "version__version", "dataset_version__version", "dataset_version__dataset__slug", "experiment__public_id",
    )  # fmt: skip


def metrics_of(component: int) -> list[str]:
    """Those of which there is a point."""
    rows = MetricPoint.objects.filter(component=component)
    return sorted(rows.values_list("metric", flat=True).distinct())


def samples(components: Iterable[Component], part: Part, *, metric: str = "") -> Iterator[Sample]:
    """Everything with a value, one line of the series after another, each in order of time. Read in chunks."""
    for component in components:
        for name in [metric] if metric else metrics_of(component.pk):
            rows = part.of(MetricPoint.objects.filter(component=component, metric=name, value__isnull=False))
            yield from of_rows(rows, component=component.name, metric=name)


def of_rows(rows: QuerySet[MetricPoint], **known: str) -> Iterator[Sample]:
    ordered = rows.order_by("version_id", "dataset_version_id", "source", "arm", "at", "origin")
    found = ordered.values_list(
        "version__version", "dataset_version__dataset__slug", "dataset_version__version", "source", "arm",
        "at", "value", "low", "high", "n",
    )  # fmt: skip
    for version, slug, number, source, arm, at, value, low, high, n in found.iterator(chunk_size=CHUNK):
        dataset = f"{slug}@{number}" if slug else ""
        assert value is not None
        yield Sample(
            labels(**known, version=version, dataset=dataset, source=source, arm=arm),
            at, value, low, high, n,
        )  # fmt: skip


def labels(**told: str) -> Labels:
    """Component, metric, version, dataset, source and arm, as far as there are such."""
    return tuple((name, label) for name, label in told.items() if label)

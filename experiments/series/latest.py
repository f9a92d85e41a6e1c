"""The latest value of each metric that decides, of each component: what a scraper is told. Reads alone."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from experiments.models import Arm, Component, MetricPoint, PointSource
from experiments.series.openmetrics import Sample
from experiments.series.reading import LATEST_FIRST, labels

# So many components and metrics at most, in the order of their names; each has one series for each source.
MOST_PAIRS = 500
# What was not measured for longer is no value of now.
LATELY = dt.timedelta(days=365)
# Nor is a source looked for behind so many points of a component and metric: one that has none would cost a year.
MOST_POINTS = 500
# By what people say a verdict is decided where a policy asks them.
OF_PEOPLE = "net_preference"
AT_ONCE = 100


class Latest(NamedTuple):
    """`left_out`: how many pairs of component and metric there are beyond the limit."""

    samples: list[Sample]
    left_out: int


def of_gating_metrics(*, at: dt.datetime) -> Latest:
    """Of each source the latest point with a value: of an experiment's candidate, and of production."""
    pairs = deciding()
    names: dict[str, list[int]] = defaultdict(list)
    for component, metric in pairs[:MOST_PAIRS]:
        names[metric].append(component)
    keys = [key for metric, components in names.items() for key in keys_of(metric, components, at=at)]
    samples: list[Sample] = []
    for first in range(0, len(keys), AT_ONCE):
        samples += read(MetricPoint.objects.filter(pk__in=keys[first : first + AT_ONCE]))
    return Latest(sorted(samples), max(0, len(pairs) - MOST_PAIRS))


def deciding() -> list[tuple[int, str]]:
    """Each component with each gating metric of its policy, in the order of names."""
    found: list[tuple[str, str, int]] = []
    rows = Component.objects.exclude(policy=None)
    for component, name, metrics, human in rows.values_list(
        "pk", "name", "policy__body__metrics", "policy__body__human"
    ):
        found += [(name, rule["metric"], component) for rule in metrics if rule.get("role") == "gating"]
        if human is not None:
            found.append((name, OF_PEOPLE, component))
    return [(component, metric) for _, metric, component in sorted(found)]


def keys_of(metric: str, components: Iterable[int], *, at: dt.datetime) -> list[tuple]:
    """The keys of the latest points of a metric, source by source: one statement for all components."""
    of_all = MetricPoint.objects.filter(component=OuterRef("pk"), metric=metric, at__gte=at - LATELY)
    first = Subquery(of_all.order_by(*LATEST_FIRST).values("at")[MOST_POINTS - 1 : MOST_POINTS])
    rows = Component.objects.filter(pk__in=list(components)).annotate(since=Coalesce(first, at - LATELY))
    columns = []
    for source in PointSource.values:
        points = latest_first(metric, source)
        columns += [f"{source}_at", f"{source}_origin"]
        rows = rows.annotate(
            **{f"{source}_{name}": Subquery(points.values(name)[:1]) for name in ("at", "origin")}
        )
    return [
        (component, metric, moment, source, origin)
        for component, *found in rows.values_list("pk", *columns)
        for source, moment, origin in zip(PointSource.values, found[::2], found[1::2], strict=True)
        if moment is not None
    ]


def latest_first(metric: str, source: str) -> QuerySet[MetricPoint]:
    """Of a component in hand, which says since when."""
    points = MetricPoint.objects.filter(
        component=OuterRef("pk"), metric=metric, source=source, at__gte=OuterRef("since"), value__isnull=False
    )
    return points.exclude(arm=Arm.BASELINE).order_by("-at", "-origin")


def read(points: QuerySet[MetricPoint]) -> list[Sample]:
    found = points.values_list(
        "component__name", "metric", "version__version", "dataset_version__dataset__slug",
        "dataset_version__version", "source", "arm", "at", "value", "low", "high", "n",
    )  # fmt: skip
    return [
        Sample(
            labels(
                component=component,
                metric=metric,
                version=version,
                dataset=f"{slug}@{number}" if slug else "",
                source=source,
                arm=arm,
            ),
            at,
            value,
            low,
            high,
            n,
        )
        for component, metric, version, slug, number, source, arm, at, value, low, high, n in found
        if value is not None
    ]

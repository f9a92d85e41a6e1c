"""Is the time series what the records give? Every point is made anew and held against the one that is stored."""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from experiments.models import Component, MetricPoint, PointSource
from experiments.series import partitions, points, reading, records
from experiments.series.records import place

COLUMNS = {
    "version_id": "version", "arm": "arm", "dataset_version_id": "dataset version", "experiment_id": "experiment",
    "value": "value", "low": "lower limit", "high": "upper limit", "n": "n", "confidence": "confidence",
    "method": "method", "reason": "reason",
}  # fmt: skip
NUMBERS = {"value", "low", "high"}
ORIGINS = {
    PointSource.AUTOMATED: "run",
    PointSource.HUMAN: "evidence",
    PointSource.PROXY: "evidence",
    PointSource.PRODUCTION: "deployment",
}
# An act is at most so long under way between reading the clock and being seen.
UNDER_WAY = dt.timedelta(hours=1)
LOOKS = 3
# How many missing points are kept in memory before they are written.
AT_ONCE = 2_000

Pair = tuple[MetricPoint | None, MetricPoint | None]


@dataclass
class Check:
    """A walk through the whole series, component by component. `told` hears how many points it has seen.

    With `write`, points that are missing are added; others are never touched.
    """

    at: dt.datetime
    write: bool = False
    told: Callable[[int], None] = lambda seen: None
    seen: int = 0
    missing: int = 0
    surplus: int = 0
    different: int = 0
    waiting: list[MetricPoint] = field(default_factory=list)

    @property
    def added(self) -> int:
        return self.missing if self.write else 0

    @property
    def ok(self) -> bool:
        """Whether the series is what the records give, now that what was missing has perhaps been added."""
        return not (self.surplus or self.different or self.missing > self.added)

    def walk(self, components: Iterable[Component] | None = None) -> Iterator[str]:
        """A sentence for each difference. Without `components`, of all."""
        if components is None:
            keys: Iterable[int] = sorted({*records.components(), *stored_components()})
        else:
            keys = [row.pk for row in components]
        names = dict(Component.objects.values_list("pk", "name"))
        for key in keys:
            for metric in sorted({*records.metrics_of(key), *reading.metrics_of(key)}):
                name = f"{names.get(key, f'component {key}, which does not exist,')} {metric}"
                yield from self.through(name, key, metric)
        self.flush()
        self.told(self.seen)

    def through(self, name: str, component: int, metric: str) -> Iterator[str]:
        for pair in paired(records.of(component, metric), records.stored(component, metric)):
            self.seen += 1
            if self.seen % records.CHUNK == 0:
                self.told(self.seen)
            # With `write`, what has come in meanwhile is not added twice; nothing need be looked at again.
            add = self.write and pair[1] is None
            if alike(*pair) or not (add or self.stands(component, metric, pair)):
                continue
            yield f"{name}, {self.counted(*pair)}"

    def stands(self, component: int, metric: str, pair: Pair) -> bool:
        """Whether it is still so: what is written during the walk is in one of two readings and not in the other."""
        point = pair[0] or pair[1]
        assert point is not None
        if point.source != PointSource.PRODUCTION and point.at < self.at - UNDER_WAY:
            return True
        return all(not alike(*found(component, metric, point)) for _ in range(LOOKS))

    def counted(self, made: MetricPoint | None, stored: MetricPoint | None) -> str:
        point = made or stored
        assert point is not None
        source = PointSource(point.source)
        where = f"{source} at {point.at.isoformat()}, {ORIGINS[source]} {point.origin}"
        if stored is None:
            self.missing += 1
            if self.write:
                self.keep(point)
                return f"{where}: was missing and is added"
            return f"{where}: is missing in the series"
        if made is None:
            self.surplus += 1
            return f"{where}: is in the series, and no record gives it"
        self.different += 1
        return f"{where}: {'; '.join(different(made, stored))}"

    def keep(self, point: MetricPoint) -> None:
        self.waiting.append(point)
        if len(self.waiting) >= AT_ONCE:
            self.flush()

    def flush(self) -> None:
        if not self.waiting:
            return
        partitions.make({partitions.first_of(point.at) for point in self.waiting})
        points.add(self.waiting)
        self.waiting.clear()


def stored_components() -> Iterable[int]:
    return MetricPoint.objects.order_by().values_list("component", flat=True).distinct()


def paired(made: Iterator[MetricPoint], stored: Iterable[MetricPoint]) -> Iterator[Pair]:
    """Both in one walk, as both are in the order of `place`."""
    there = iter(stored)
    left, right = next(made, None), next(there, None)
    while left is not None or right is not None:
        if right is None or (left is not None and place(left) < place(right)):
            yield left, None
            left = next(made, None)
        elif left is None or place(right) < place(left):
            yield None, right
            right = next(there, None)
        else:
            yield left, right
            left, right = next(made, None), next(there, None)


def found(component: int, metric: str, point: MetricPoint) -> Pair:
    """Both sides of one point, read now: the records first, so that what they have is in the series after it."""
    moment, wanted = (point.at, point.at), place(point)
    made = [each for each in records.of(component, metric, between=moment) if place(each) == wanted]
    stored = [each for each in records.stored(component, metric, between=moment) if place(each) == wanted]
    return next(iter(made), None), next(iter(stored), None)


def alike(made: MetricPoint | None, stored: MetricPoint | None) -> bool:
    if made is None or stored is None:
        return made is stored
    return not any(True for _ in different(made, stored))


def different(made: MetricPoint, stored: MetricPoint) -> Iterator[str]:
    """What differs. Days of production are computed anew, perhaps by another version of a library: to 9 digits."""
    for column, word in COLUMNS.items():
        was, now = getattr(stored, column), getattr(made, column)
        if not same(was, now, to_the_bit=made.source != PointSource.PRODUCTION or column not in NUMBERS):
            yield f"the {word} is {shown(was)}, and the records give {shown(now)}"


def same(was: Any, now: Any, *, to_the_bit: bool) -> bool:
    if to_the_bit or was is None or now is None:
        return was == now
    return math.isclose(was, now, rel_tol=1e-9, abs_tol=1e-12)


def shown(value: Any) -> str:
    return "none" if value is None or value == "" else str(value)

"""What production gained over time: the differences that its promotions measured, added up. For reading alone."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.metrics.base import Direction
from experiments.models import Comparison, Component, Deployment, Environment, Role

# Further back than this, nobody remembers what was in production.
PERIOD = dt.timedelta(days=365)


@dataclass(frozen=True)
class Gain:
    """By how much one metric changed in production since a day, over `steps` promotions.

    The limits are the sums of the limits of each step. A standard deviation of a sum is never larger than the sum
    of the standard deviations, so they hold however the steps depend on each other, at the price of some width.
    They are None where a step has no interval.
    """

    metric: str
    kind: str
    direction: str
    unit: str
    since: dt.datetime
    steps: int
    value: float
    low: float | None
    high: float | None

    @property
    def word(self) -> str:
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return "no change shown"
        better = (self.value > 0) == (self.direction == Direction.HIGHER)
        return "better" if better else "worse"


def of_components(components: Sequence[Component], *, at: dt.datetime) -> dict[int, list[Gain]]:
    """The gains of each component's gating metrics within a year, by the component's key.

    What was put into production first replaced nothing, so it is no step.
    """
    deployed: dict[int, list[Deployment]] = defaultdict(list)
    rows = Deployment.objects.filter(component__in=components, environment=Environment.PRODUCTION)
    for row in rows.select_related("promotion").order_by("started_at", "pk"):
        deployed[row.component_id].append(row)
    steps = {
        row.promotion.experiment_id: row
        for of_one in deployed.values()
        for row in of_one[1:]
        if row.started_at >= at - PERIOD
    }
    measured: dict[int, list[Comparison]] = defaultdict(list)
    for each in Comparison.objects.filter(experiment__in=steps, role=Role.GATING).order_by("order"):
        measured[steps[each.experiment_id].component_id].append(each)
    return {key: gains(found, steps) for key, found in measured.items()}


def gains(found: Iterable[Comparison], steps: dict[int, Deployment]) -> list[Gain]:
    """One for each metric that was measured in every step and defined in each."""
    by_metric: dict[str, list[Comparison]] = defaultdict(list)
    for row in found:
        by_metric[row.metric].append(row)
    of_component = {row.experiment_id for rows in by_metric.values() for row in rows}
    since = min(steps[key].started_at for key in of_component)
    return [
        added(rows, since)
        for rows in by_metric.values()
        if {row.experiment_id for row in rows} == of_component
        and all("undefined" not in row.delta for row in rows)
    ]


def added(rows: Sequence[Comparison], since: dt.datetime) -> Gain:
    last = rows[-1]
    ends = [(row.delta["ci_low"], row.delta["ci_high"]) for row in rows]
    complete = all(low is not None and high is not None for low, high in ends)
    return Gain(
        metric=last.metric,
        kind=last.kind,
        direction=last.direction,
        unit=last.unit,
        since=since,
        steps=len(rows),
        value=sum(row.delta["value"] for row in rows),
        low=sum(low for low, _ in ends) if complete else None,
        high=sum(high for _, high in ends) if complete else None,
    )

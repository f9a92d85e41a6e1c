"""What promotions promised, and what production made of it: the measure of the whole programme. For reading alone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from evaltrack.stats.estimate import Estimate, Undefined, from_json
from evaltrack.stats.intervals import mean_t
from experiments.metrics import REGISTRY
from experiments.metrics.base import Direction, Kind, Metric
from experiments.models import Comparison, Component, Deployment, Environment, Role
from experiments.production import windows
from experiments.production.sums import Difference, independent_difference, once


@dataclass(frozen=True)
class Promise:
    """One gating metric of one promotion: candidate − baseline in the experiment, after − before in production."""

    deployment: Deployment
    metric: Metric
    promised: Estimate
    realised: Difference

    @property
    def surplus(self) -> Difference:
        """realised − promised: other examples measured each, so both uncertainties are in its interval."""
        return independent_difference(self.realised, self.promised)

    @property
    def kept(self) -> str:
        found = self.surplus
        if isinstance(found, Undefined) or found.ci_low is None or found.ci_high is None:
            return "unknown"
        if found.ci_low <= 0 <= found.ci_high:
            return "kept"
        return "more" if (found.value > 0) == (self.metric.direction == Direction.HIGHER) else "less"


def promises(components: Iterable[Component]) -> list[Promise]:
    """The newest first. Of each version that replaced the one that its experiment compared it with, both sampled."""
    deployed: dict[int, list[Deployment]] = defaultdict(list)
    rows = Deployment.objects.filter(component__in=components, environment=Environment.PRODUCTION)
    for row in rows.select_related("component", "version", "promotion__experiment").order_by(
        "started_at", "pk"
    ):
        deployed[row.component_id].append(row)
    steps = [
        (before, after)
        for of_one in deployed.values()
        for before, after in pairwise(of_one)
        if after.promotion.experiment.baseline_id == before.version_id
    ]
    found = windows.totals({row for step in steps for row in step})
    compared: dict[int, list[Comparison]] = defaultdict(list)
    of_steps = Comparison.objects.filter(experiment__in=[after.promotion.experiment_id for _, after in steps])
    for each in of_steps.filter(role=Role.GATING).exclude(kind=Kind.LATENCY).order_by("order"):
        compared[each.experiment_id].append(each)
    kept = [
        Promise(
            after, metric, promised, once(metric, *(found[side.pk][metric.name] for side in (after, before)))
        )
        for before, after in steps
        for comparison in compared[after.promotion.experiment_id]
        for metric, promised in [(REGISTRY[comparison.metric], from_json(comparison.delta))]
        if isinstance(promised, Estimate)
        and metric.name in found.get(before.pk, {})
        and metric.name in found.get(after.pk, {})
    ]
    return sorted(kept, key=lambda promise: promise.deployment.started_at, reverse=True)


def shortfall(found: Sequence[Promise], metric: Metric) -> Difference:
    """The mean of realised − promised over promotions, in the metric's own unit, with a t interval."""
    surpluses = [each.surplus for each in found if each.metric == metric]
    return mean_t([each.value for each in surpluses if isinstance(each, Estimate)])

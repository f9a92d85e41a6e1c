"""How long each arm took to answer, as a distribution. For reading alone."""

from dataclasses import dataclass

import numpy as np

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import quantile
from experiments.metrics.base import Kind
from experiments.models import Arm, Experiment, MetricResult

QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class Distribution:
    """Service times in milliseconds by arm, the baseline first, and their quantiles with intervals."""

    values: dict[str, list[float]]
    quantiles: list[tuple[str, list[Estimate | Undefined]]]


def of(experiment: Experiment) -> Distribution | None:
    """None where no latency was measured. All latency metrics have the same values, so one is read."""
    rows = MetricResult.objects.filter(run__experiment=experiment, kind=Kind.LATENCY).order_by("metric")
    found: dict[str, list[float]] = {}
    for row in rows.select_related("run"):
        found.setdefault(row.run.arm, row.values[~np.isnan(row.values)].tolist())
    if not any(found.values()):
        return None
    values = {arm.value: found.get(arm.value, []) for arm in Arm}
    table = [(f"p{100 * q:g}", [quantile(each, q) for each in values.values()]) for q in QUANTILES]
    return Distribution(values, table)

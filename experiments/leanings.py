"""Which arm a metric prefers, example by example. For reading alone."""

import math

from experiments.examples import by_example
from experiments.metrics.base import Direction
from experiments.models import Arm, Experiment, MetricResult


def leanings(experiment: Experiment, metric: str) -> dict[str, float]:
    """By example: 1 where the candidate is better by the metric, -1 where the baseline is, 0 where neither is.

    Examples without a value in both arms are left out; all of them, where the metric was not computed.
    """
    results = MetricResult.objects.filter(run__experiment=experiment, metric=metric)
    values = dict(results.values_list("run__arm", "values"))
    compared = experiment.comparisons.filter(metric=metric).first()
    if compared is None or len(values) < len(Arm):
        return {}
    sign = 1 if compared.direction == Direction.HIGHER else -1
    # Both arms asked the same examples in the same order.
    outputs = experiment.runs.get(arm=Arm.CANDIDATE).outputs.one_each()
    new, old = (by_example(values[arm], compared.kind) for arm in (Arm.CANDIDATE, Arm.BASELINE))
    gains = sign * (new - old)
    return {
        example: float((gain > 0) - (gain < 0))
        for example, gain in zip(outputs.values_list("example_id", flat=True), gains.tolist(), strict=True)
        if not math.isnan(gain)
    }

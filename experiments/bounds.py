"""Pure: between what the difference of two arms would have lain, had every example counted that was left out."""

from collections.abc import Mapping, Sequence
from typing import Any

from experiments.metrics.base import LeftOut, Metric, Undefined, Value
from experiments.models import Arm


def bounds(metric: Metric, values: Mapping[Arm, Sequence[Value]]) -> dict[str, Any] | None:
    """The worst and the best case of candidate minus baseline; None where nothing was left out, or nothing bounds it.

    What was left out is taken for the metric's smallest and largest value. Examples to which the metric does not
    apply stay out (Manski 1990).
    """
    both = [
        (old, new)
        for old, new in zip(values[Arm.BASELINE], values[Arm.CANDIDATE], strict=True)
        if all(isinstance(value, LeftOut) or not isinstance(value, Undefined) for value in (old, new))
    ]
    left_out = sum(isinstance(old, LeftOut) or isinstance(new, LeftOut) for old, new in both)
    if not left_out or not metric.is_mean or metric.highest is None:
        return None

    def mean(arm: Sequence[Value], instead: float) -> float:
        return sum(instead if isinstance(value, Undefined) else value for value in arm) / len(arm)

    baseline, candidate = zip(*both, strict=True)
    return {
        "low": mean(candidate, 0.0) - mean(baseline, metric.highest),
        "high": mean(candidate, metric.highest) - mean(baseline, 0.0),
        "left_out": left_out,
        "examples": len(both),
    }

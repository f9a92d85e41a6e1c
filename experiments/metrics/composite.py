"""Pure: one score of several, with weights that the policy states."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import OF_RUN, Answered, Direction, Kind, LeftOut, Metric, Parameter, Value

NAME = "composite"


def is_weights(value: Any) -> bool:
    """Names with positive numbers."""
    return (
        isinstance(value, dict)
        and 1 < len(value) <= 20
        and all(
            isinstance(weight, int | float) and not isinstance(weight, bool) and 0 < weight <= 1e6
            for weight in value.values()
        )
    )


def composed(
    weights: Mapping[str, float], values: Mapping[str, Sequence[Value]], metrics: Mapping[str, Metric]
) -> list[Value]:
    """The weighted mean of the parts, example by example, each from 0 (worst) to 1 (best)."""
    total = math.fsum(weights.values())
    columns = [(weight / total, values[name], metrics[name]) for name, weight in weights.items()]
    return [
        of_example([(share, column[place], metric) for share, column, metric in columns])
        for place in range(len(columns[0][1]))
    ]


def of_example(parts: Sequence[tuple[float, Value, Metric]]) -> Value:
    for _, value, metric in parts:
        if isinstance(value, LeftOut):
            return value
        if isinstance(value, Undefined):
            return Undefined(f"{metric.name}: {value.reason}")
    return math.fsum(share * goodness(float(value), metric) for share, value, metric in parts)  # type: ignore[arg-type]


def goodness(value: float, metric: Metric) -> float:
    assert metric.highest, f"{metric.name} has no largest value"
    share = value / metric.highest
    return share if metric.direction == Direction.HIGHER else 1 - share


def may_be_part(metric: Metric) -> bool:
    """A part has a value of each answer by itself, between two ends."""
    return metric.is_mean and bool(metric.highest) and metric.name != NAME


def alone(several: Sequence[Answered]) -> list[Value]:
    return [OF_RUN for _ in several]


METRICS = [
    Metric(
        NAME,
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "One score of several metrics of the suite: their weighted mean for each example, turned so that 1 is best.",
        formula="Σ weight · goodness / Σ weight; goodness is the value by the metric's largest, and 1 minus that "
        "where less is better",
        undefined="one of its parts has no value for the example",
        limits="It hides what its parts lose to each other; gate on the parts that must not get worse.",
        takes={
            "weights": Parameter(
                "an object of names and positive numbers, two at least",
                "how much each part weighs",
                is_weights,
            )
        },
        needs=("weights",),
        together=alone,
        # It is composed of the values of others.
        of_run=list,
    )
]

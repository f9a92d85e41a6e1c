"""From the outputs of both arms to the values, comparisons, outcomes and slices that stand for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from datasets.examples import Example
from experiments import slices
from experiments.comparison import compare
from experiments.gates import Judged, judge
from experiments.metrics import REGISTRY
from experiments.metrics.base import Answered
from experiments.models import Arm, Outcome, Output
from experiments.slices import Measured, Slice
from experiments.stopping import StopRule
from experiments.suite import MetricRule, Suite

Vectors = dict[tuple[Arm, str], list[float | None]]


@dataclass(frozen=True)
class Scored:
    """The values of each arm and metric in the order of positions, and what they say."""

    values: Vectors
    judged: list[Judged]
    slices: dict[str, list[Slice]]


def score(
    rules: Suite,
    outputs: Mapping[Arm, Sequence[Output]],
    examples: Mapping[str, Example],
    *,
    seed: int,
    stop: StopRule,
    groups: Sequence[int] | None,
) -> Scored:
    """A function of its arguments alone. `outputs` of both arms and `groups` are in the order of positions."""
    confidence = stop.confidence
    values: Vectors = {
        (arm, rule.metric): values_of(rule, outputs[arm], examples) for arm in Arm for rule in rules.metrics
    }
    compared = [
        compare(
            rule,
            REGISTRY[rule.metric],
            baseline=values[Arm.BASELINE, rule.metric],
            candidate=values[Arm.CANDIDATE, rule.metric],
            design=rules.design,
            seed=seed,
            confidence=confidence,
            groups=groups,
        )
        for rule in rules.metrics
    ]
    measured = [
        Measured(
            REGISTRY[rule.metric],
            values[Arm.BASELINE, rule.metric],
            values[Arm.CANDIDATE, rule.metric],
        )
        for rule in rules.metrics
    ]
    tags = [examples[output.example_id].tags for output in outputs[Arm.CANDIDATE]]
    by_tag = slices.sliced(measured, tags, design=rules.design, groups=groups)
    return Scored(values, judge(compared, stop), by_tag)


def values_of(
    rule: MetricRule, outputs: Sequence[Output], examples: Mapping[str, Example]
) -> list[float | None]:
    """The metric's value of each output, in the order of positions."""
    metric = REGISTRY[rule.metric]
    return [metric.of(answered(rule, output, examples[output.example_id])) for output in outputs]


def answered(rule: MetricRule, output: Output, example: Example) -> Answered:
    return Answered(
        input=example.input,
        expected=example.expected,
        text=output.text if output.outcome == Outcome.ANSWERED else None,
        latency_ms=output.latency_ms,
        input_tokens=output.input_tokens,
        output_tokens=output.output_tokens,
        parameters=rule.parameters,
    )

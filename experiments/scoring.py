"""From the outputs of both arms to the values, comparisons, outcomes and slices that stand for them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datasets.examples import Example
from experiments import gaps, slices
from experiments.comparison import compare
from experiments.gates import Judged, judge
from experiments.metrics import REGISTRY
from experiments.metrics.base import Answered, Value
from experiments.models import Arm, Outcome, Output
from experiments.slices import Measured, Slice
from experiments.stopping import StopRule
from experiments.suite import MetricRule, Suite

Vectors = dict[tuple[Arm, str], list[float | None]]
Reasons = dict[tuple[Arm, str], dict[str, list[list[int]]]]


@dataclass(frozen=True)
class Scored:
    """The values of each arm and metric in the order of positions, why there are none where there are none, and what
    they say."""

    values: Vectors
    gaps: Reasons
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
    found = {(arm, name): each for arm in Arm for name, each in valued(rules.metrics, outputs[arm], examples)}
    values: Vectors = {key: gaps.numbers(each) for key, each in found.items()}
    reasons: Reasons = {key: gaps.of(each) for key, each in found.items()}
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
    return Scored(values, reasons, judge(compared, stop), by_tag)


def values_of(
    rule: MetricRule, outputs: Sequence[Output], examples: Mapping[str, Example]
) -> list[float | None]:
    """The metric's value of each output, in the order of positions."""
    return gaps.numbers(next(each for _, each in valued([rule], outputs, examples)))


def valued(
    rules: Sequence[MetricRule], outputs: Sequence[Output], examples: Mapping[str, Example]
) -> Iterator[tuple[str, list[Value]]]:
    """The name and the values of each metric, in the order of positions.

    Example by example and not metric by metric, as metrics share what they work out of one text.
    """
    found: dict[str, list[Value]] = {}
    # Most metrics have the same parameters, which are none: they share what is made for them to read.
    alike: list[tuple[Mapping[str, Any], list[tuple[Callable[[Answered], Value], list[Value]]]]] = []
    for rule in rules:
        metric = REGISTRY[rule.metric]
        if metric.together is None:
            values = found.setdefault(rule.metric, [])
            several = next((each for given, each in alike if given == rule.parameters), None)
            if several is None:
                alike.append((rule.parameters, several := []))
            several.append((metric.of, values))
    reads = [answered(output, examples[output.example_id]) for output in outputs]
    for read in reads if alike else ():
        for parameters, several in alike:
            bound = read.under(parameters)
            for of, values in several:
                values.append(of(bound))
    for rule in rules:
        if rule.metric not in found:
            whole = [read.under(rule.parameters) for read in reads]
            found[rule.metric] = REGISTRY[rule.metric].of_all(whole)
        yield rule.metric, found.pop(rule.metric)


def answered(output: Output, example: Example) -> Answered:
    """What a metric may look at, without the parameters of any."""
    return Answered(
        input=example.input,
        expected=example.expected,
        text=output.text if output.outcome == Outcome.ANSWERED else None,
        latency_ms=output.latency_ms,
        input_tokens=output.input_tokens,
        output_tokens=output.output_tokens,
        contexts=contexts(output, example),
        citations=citations(output),
        metadata=example.metadata,
        given=getattr(output, "given_values", {}),
    )


def contexts(output: Output, example: Example) -> list[str] | None:
    """The passages that the answer rests on, each a text or an object with a `text`: those that the system reports,
    which may be none; where it does not report them the example's `context` or its `input.contexts`."""
    given = example.input.get("contexts") if isinstance(example.input, dict) else None
    reported = getattr(output, "contexts", None)
    return as_texts(next((each for each in (reported, example.context, given) if each is not None), None))


def citations(output: Output) -> list[str] | None:
    """What the system reports as its sources; None where it does not report them, and the text alone names them."""
    return as_texts(getattr(output, "citations", None))


def as_texts(given: Any) -> list[str] | None:
    if given is None:
        return None
    listed = given if isinstance(given, list) else [given]
    texts = [each.get("text") if isinstance(each, dict) else each for each in listed]
    return [text for text in texts if isinstance(text, str)]

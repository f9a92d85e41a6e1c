"""From the outputs of both arms to the values, comparisons, outcomes and slices that stand for them."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Protocol

from django.db.models import Count

from datasets.examples import Example
from experiments import bounds, gaps, repeats, slices
from experiments.comparison import compare
from experiments.deviations import Ends
from experiments.gates import Judged, judge
from experiments.metrics import REGISTRY, composite
from experiments.metrics.base import Answered, Kind, LeftOut, Metric, Value
from experiments.models import Arm, Outcome, Output, Run
from experiments.slices import Measured, Slice
from experiments.stopping import StopRule
from experiments.suite import MetricRule, Suite

# As many as are read from the database at once.
BLOCK = 500
# So few that what is worked out of their texts is still kept when the last metric asks.
AT_ONCE = 50
Vectors = dict[tuple[Arm, str], list[float | None]]
# What judges say of each output, by its key and the metric.
JudgedOutputs = Mapping[int, Mapping[str, Value]]
NOTHING_SAID: Mapping[str, Value] = MappingProxyType({})
NOT_JUDGED: JudgedOutputs = MappingProxyType({})
# The parameters that some metrics have in common, and their names.
Alike = tuple[Mapping[str, Any], list[str]]
Reasons = dict[tuple[Arm, str], dict[str, list[list[int]]]]


class ByPosition(Protocol):
    """The examples of a dataset version, each by its place in it."""

    def __getitem__(self, position: int, /) -> Example: ...


@dataclass(frozen=True)
class Scored:
    """The values of each arm and metric in the order of positions, why there are none where there are none, and what
    they say."""

    values: Vectors
    gaps: Reasons
    judged: list[Judged]
    # Metric → between what its difference would have lain with what was left out.
    bounds: dict[str, dict[str, Any] | None]
    slices: dict[str, list[Slice]]


@dataclass(slots=True)
class Said:
    """What scoring reads of an output: columns, and what scorers gave."""

    pk: int
    position: int
    repeat: int = 0
    outcome: str = Outcome.ANSWERED
    text: str = ""
    latency_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    contexts: Any = None
    citations: Any = None
    reused_from_id: int | None = None
    given_values: Mapping[str, Value] | None = None


COLUMNS = tuple(each.name for each in fields(Said) if each.name != "given_values")


class Outputs:
    """A run's finished outputs in order, read anew each time, a few at a time."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def __iter__(self) -> Iterator[Said]:
        rows = self.run.outputs.in_order().values_list(*COLUMNS)
        return itertools.starmap(Said, rows.iterator(chunk_size=BLOCK))

    def ends(self) -> Ends:
        counted = self.run.outputs.values_list("outcome", "endpoint_model", "endpoint_fingerprint")
        return Counter({tuple(each): n for *each, n in counted.annotate(n=Count("pk")).order_by()})


def score(
    rules: Suite,
    outputs: Mapping[Arm, Iterable[Said]],
    examples: ByPosition,
    *,
    seed: int,
    stop: StopRule,
    groups: Sequence[int] | None,
    judged: JudgedOutputs = NOT_JUDGED,
) -> Scored:
    """A function of its arguments alone. `outputs` of both arms are in order, `groups` in the order of positions;
    `judged` has what judges say of an output, by its key."""
    found = {(arm, name): each for arm in Arm for name, each in valued(rules, outputs[arm], examples, judged)}
    values: Vectors = {key: gaps.numbers(each) for key, each in found.items()}
    reasons: Reasons = {key: gaps.of(each) for key, each in found.items()}
    metrics = {rule.metric: as_repeated(REGISTRY[rule.metric], rules.repeats) for rule in rules.metrics}

    def both(name: str) -> dict[str, Sequence[float | None]]:
        return {arm.value: values[arm, name] for arm in Arm}

    compared = [
        compare(
            rule,
            metrics[rule.metric],
            **both(rule.metric),
            design=rules.design,
            seed=seed,
            confidence=stop.confidence,
            groups=groups,
        )
        for rule in rules.metrics
    ]
    measured = [Measured(metrics[rule.metric], **both(rule.metric)) for rule in rules.metrics]
    tags = [examples[position].tags for position in positions(outputs[Arm.CANDIDATE])]
    by_tag = slices.sliced(measured, tags, design=rules.design, groups=groups)
    within = {
        name: bounds.bounds(metric, {arm: found[arm, name] for arm in Arm})
        for name, metric in metrics.items()
    }
    return Scored(values, reasons, judge(compared, stop), within, by_tag)


def positions(outputs: Iterable[Said]) -> Iterable[int]:
    """The place of each example in its dataset, in order."""
    if isinstance(outputs, Outputs):
        return outputs.run.outputs.one_each().values_list("position", flat=True)
    return [output.position for output in outputs if output.repeat == 0]


def as_repeated(metric: Metric, repeats: int) -> Metric:
    """The mean of several zeros and ones is neither."""
    return replace(metric, kind=Kind.CONTINUOUS) if repeats > 1 and metric.kind == Kind.BINARY else metric


def valued(
    rules: Suite, outputs: Iterable[Said], examples: ByPosition, judged: JudgedOutputs = NOT_JUDGED
) -> Iterator[tuple[str, list[Value]]]:
    """The name and the values of each metric of a suite, in the order of positions: of repeats their mean.

    A block of outputs at a time, as the texts of a large run do not fit into memory together. Of it some at a time,
    and all metrics for these, which share what they work out of one text; a metric of each answer by itself that
    reads several together is faster the more they are, and has the block.
    """
    read: dict[str, list[Any]] = {rule.metric: [] for rule in rules.metrics}
    left_out: dict[int, Value] = {}
    # Most metrics have the same parameters, which are none: they share what is made for them to read.
    some_at_a_time = grouped(rule for rule in rules.metrics if not has_block(REGISTRY[rule.metric]))
    block_at_a_time = grouped(rule for rule in rules.metrics if has_block(REGISTRY[rule.metric]))
    numbered = enumerate(outputs)
    while block := list(itertools.islice(numbered, BLOCK)):
        for place, output in block:
            if rules.missing.get(output.outcome) == "exclude":
                left_out[place] = LeftOut(f"left out: {Outcome(output.outcome).label.lower()}")
        several = [
            answered(output, examples[output.position], rules, judged.get(output.pk, NOTHING_SAID))
            for _, output in block
        ]
        for start in range(0, len(several), AT_ONCE):
            extend(read, some_at_a_time, several[start : start + AT_ONCE])
        extend(read, block_at_a_time, several)
    found = {name: REGISTRY[name].concluded(each) for name, each in read.items()}
    for rule in rules.metrics:
        if rule.metric == composite.NAME:
            found[rule.metric] = composite.composed(rule.parameters["weights"], found, REGISTRY)
    for rule in rules.metrics:
        values = found.pop(rule.metric)
        if not REGISTRY[rule.metric].counts_errors:
            for place, reason in left_out.items():
                values[place] = reason
        yield rule.metric, repeats.folded(values, rules.repeats, REGISTRY[rule.metric])


def has_block(metric: Metric) -> bool:
    return metric.together is not None and metric.of_run is None


def extend(read: Mapping[str, list[Any]], alike: Iterable[Alike], several: Sequence[Answered]) -> None:
    """What metrics read of some answers, behind what they have read."""
    for parameters, names in alike:
        bound = [answered.under(parameters) for answered in several]
        for name in names:
            read[name].extend(REGISTRY[name].read(bound))


def grouped(rules: Iterable[MetricRule]) -> list[Alike]:
    """The names of the metrics with the same parameters."""
    found: list[Alike] = []
    for rule in rules:
        names = next((names for parameters, names in found if parameters == rule.parameters), None)
        if names is None:
            found.append((rule.parameters, [rule.metric]))
        else:
            names.append(rule.metric)
    return found


def answered(
    output: Said | Output, example: Example, rules: Suite, judged: Mapping[str, Value] = NOTHING_SAID
) -> Answered:
    """What a metric may look at, without the parameters of any."""
    has_text = output.outcome == Outcome.ANSWERED or rules.missing.get(output.outcome) == "scored"
    return Answered(
        input=example.input,
        expected=example.expected,
        text=output.text if has_text else None,
        latency_ms=output.latency_ms,
        input_tokens=output.input_tokens,
        output_tokens=output.output_tokens,
        contexts=contexts(output, example),
        citations=citations(output),
        metadata=example.metadata,
        judged=judged,
        is_reused=output.reused_from_id is not None,
        given=getattr(output, "given_values", None) or NOTHING_SAID,
    )


def contexts(output: Said | Output, example: Example) -> list[str] | None:
    """The passages that the answer rests on, each a text or an object with a `text`: those that the system reports,
    which may be none; where it does not report them the example's `context` or its `input.contexts`."""
    given = example.input.get("contexts") if isinstance(example.input, dict) else None
    reported = output.contexts
    return as_texts(next((each for each in (reported, example.context, given) if each is not None), None))


def citations(output: Said | Output) -> list[str] | None:
    """What the system reports as its sources; None where it does not report them, and the text alone names them."""
    return as_texts(output.citations)


def as_texts(given: Any) -> list[str] | None:
    if given is None:
        return None
    listed = given if isinstance(given, list) else [given]
    texts = [each.get("text") if isinstance(each, dict) else each for each in listed]
    return [text for text in texts if isinstance(text, str)]

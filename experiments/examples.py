"""Which examples a metric found worse, better or the same, and what both arms said to them. For reading alone."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from django.db import models

from datasets import versions
from datasets.examples import Example
from evaltrack import wording
from evaltrack.vectors import without_gaps
from experiments import gaps
from experiments.gaps import Gaps
from experiments.judging import shown as judges
from experiments.judging.shown import Heard
from experiments.metrics import classification
from experiments.metrics.base import Direction, Kind
from experiments.models import Arm, Comparison, Experiment, MetricResult, Outcome, Output, Run


class Group(models.TextChoices):
    """What became of an example from baseline to candidate, by one metric."""

    WORSE = "worse", "Worse"
    BETTER = "better", "Better"
    SAME = "same", "The same"
    ONE_SIDED = "one-sided", "A value on one side only"
    UNDEFINED = "undefined", "No value on either side"


@dataclass(frozen=True)
class Change:
    """One example by one metric; `index` is its place in the run. `gain` counts better upwards."""

    index: int
    baseline: float | None
    candidate: float | None
    gain: float | None

    @property
    def group(self) -> Group:
        if self.gain is None:
            return Group.UNDEFINED if self.baseline is self.candidate is None else Group.ONE_SIDED
        return Group.WORSE if self.gain < 0 else Group.BETTER if self.gain > 0 else Group.SAME


def changes(
    baseline: Sequence[float | None], candidate: Sequence[float | None], direction: str
) -> list[Change]:
    """The largest losses first, then the largest gains; of equals, in the order of the run."""
    sign = 1 if direction == Direction.HIGHER else -1
    found = [
        Change(index, old, new, None if old is None or new is None else sign * (new - old))
        for index, (old, new) in enumerate(zip(baseline, candidate, strict=True))
    ]
    return sorted(found, key=lambda change: (-abs(change.gain or 0), change.index))


def of_comparison(comparison: Comparison) -> list[Change]:
    rows = MetricResult.objects.filter(run__experiment=comparison.experiment_id, metric=comparison.metric)
    values = dict(rows.values_list("run__arm", "values"))
    old, new = (
        without_gaps(by_example(values[arm], comparison.kind)) for arm in (Arm.BASELINE, Arm.CANDIDATE)
    )
    return changes(old, new, comparison.direction)


def by_example(values: np.ndarray, kind: str) -> np.ndarray:
    """The values as they are compared between arms: of pairs of labels, 1 where both are the same."""
    return classification.right(values) if kind == Kind.LABELS else values


def gaps_of(comparison: Comparison) -> dict[str, Gaps | None]:
    """Why examples have no value, by arm."""
    rows = MetricResult.objects.filter(run__experiment=comparison.experiment_id, metric=comparison.metric)
    return dict(rows.values_list("run__arm", "undefined"))


def counts(found: Sequence[Change]) -> dict[Group, int]:
    seen = Counter(change.group for change in found)
    return {group: seen[group] for group in Group}


@dataclass(frozen=True)
class Shown:
    """An example with what both arms said. `example` is None for whoever may not read the dataset."""

    change: Change
    example_id: str
    example: Example | None
    baseline: Output
    candidate: Output
    gaps: Mapping[str, Gaps | None]
    heard: Mapping[int, Sequence[Heard]]

    @property
    def sides(self) -> list[tuple[str, Output, float | None, str, Sequence[Heard]]]:
        """Each with its value, or with the reason why there is none, and with what a judge said of it."""
        return [
            (arm.label, output, value, self.why_not(arm), self.heard.get(output.pk, ()))
            for arm, output, value in (
                (Arm.BASELINE, self.baseline, self.change.baseline),
                (Arm.CANDIDATE, self.candidate, self.change.candidate),
            )
        ]

    def why_not(self, arm: Arm) -> str:
        return gaps.reason_at(self.gaps.get(arm), self.change.index)

    @property
    def asked(self) -> str:
        return self.example.asked if self.example else ""

    @property
    def expected(self) -> str:
        return expectation(self.example)

    @cached_property
    def pieces(self) -> list[wording.Piece]:
        """Word by word from the baseline's answer to the candidate's; nothing where one has none."""
        both = (self.baseline, self.candidate)
        if any(output.outcome != Outcome.ANSWERED for output in both):
            return []
        return wording.changes(self.baseline.text, self.candidate.text)


def expectation(example: Example | None) -> str:
    """What was expected, as text."""
    expected = example.expected if example else None
    if expected is None or isinstance(expected, str):
        return expected or ""
    return json.dumps(expected, ensure_ascii=False)


def shown(
    experiment: Experiment,
    found: Sequence[Change],
    *,
    reads_examples: bool,
    why_not: Mapping[str, Gaps | None] = MappingProxyType({}),
    metric: str = "",
) -> list[Shown]:
    """The examples of one page of a list; the dataset is read no further than it has to be."""
    outputs = {arm: outputs_at(experiment, arm, [change.index for change in found]) for arm in Arm}
    ids = {output.example_id for output in outputs[Arm.CANDIDATE].values()}
    examples = read(experiment, ids) if reads_examples else {}
    rows = [output for of_arm in outputs.values() for output in of_arm.values()]
    heard = judges.about(experiment, metric, rows) if metric else {}
    return [
        Shown(
            change=change,
            example_id=outputs[Arm.CANDIDATE][change.index].example_id,
            example=examples.get(outputs[Arm.CANDIDATE][change.index].example_id),
            baseline=outputs[Arm.BASELINE][change.index],
            candidate=outputs[Arm.CANDIDATE][change.index],
            gaps=why_not,
            heard=heard,
        )
        for change in found
    ]


def outputs_at(experiment: Experiment, arm: Arm, indexes: Sequence[int]) -> dict[int, Output]:
    """One arm's outputs by their place in the run, the order in which metrics keep their values."""
    of_arm = Output.objects.filter(experiment=experiment, run__arm=arm)
    in_order = list(of_arm.one_each().values_list("pk", flat=True))
    rows = of_arm.select_related("reused_from__experiment").in_bulk([in_order[index] for index in indexes])
    return {index: rows[in_order[index]] for index in indexes}


def places(run: Run) -> list[tuple[int, int]]:
    """Position and repeat of an output of each example in the order in which metrics keep their values."""
    return list(run.outputs.one_each().values_list("position", "repeat"))


def read(experiment: Experiment, wanted: set[str]) -> dict[str, Example]:
    found: dict[str, Example] = {}
    if not wanted:
        return found
    for example in versions.stream(experiment.dataset_version):
        if example.id in wanted:
            found[example.id] = example
            if len(found) == len(wanted):
                break
    return found

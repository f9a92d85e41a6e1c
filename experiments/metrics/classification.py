"""Pure: answers that are labels, against the labels that were expected.

The value of an example is the pair of both labels as one number, so that the table of labels, and every figure of it,
can be made again from the stored values. An answer that is none of the labels stands in a column of its own: it is
wrong, and no class over which figures are averaged.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaltrack.stats.estimate import Undefined
from experiments.metrics import patterns
from experiments.metrics.base import TOO_SLOW, Answered, Direction, Kind, Metric, Parameter, Value
from experiments.metrics.text import KEPT, normalized, reference

MOST_LABELS = 100
# A value is expected · BASE + given; the number after the last label stands for an answer that is none of them.
BASE = MOST_LABELS + 1
NO_LABEL = MOST_LABELS

UNLISTED = Undefined("what is expected is none of the policy's labels")
NOT_SET = Undefined("the policy lists no labels")


def is_list_of_labels(value: Any) -> bool:
    """Whether it lists 2 to 100 texts that differ after normalisation."""
    if not isinstance(value, list) or not 2 <= len(value) <= MOST_LABELS:
        return False
    if not all(isinstance(each, str) and normalized(each) for each in value):
        return False
    return len({normalized(each) for each in value}) == len(value)


@lru_cache(maxsize=KEPT)
def places_of(listed: tuple[str, ...]) -> dict[str, int]:
    """The number of each label by its normalised text; empty where they are no list of labels."""
    if not is_list_of_labels(list(listed)):
        return {}
    return {normalized(label): place for place, label in enumerate(listed)}


def pair(answered: Answered) -> int | Undefined:
    """Expected and given label as one number."""
    if "pair" not in answered.memo:
        answered.memo["pair"] = paired(answered)
    return answered.memo["pair"]


def paired(answered: Answered) -> int | Undefined:
    listed = answered.parameters.get("labels")
    places = places_of(tuple(map(str, listed))) if isinstance(listed, list) else {}
    if not places:
        return NOT_SET
    wanted = places.get(normalized(reference(answered.expected) or ""))
    if wanted is None:
        return UNLISTED
    said: str | None = answered.said
    if (pattern := answered.parameters.get("extract")) is not None:
        said = patterns.first(pattern, answered.said)
        if said is None:
            return TOO_SLOW
    return wanted * BASE + places.get(normalized(said or ""), NO_LABEL)


def labels(answered: Answered) -> Value:
    found = pair(answered)
    return found if isinstance(found, Undefined) else float(found)


def label_accuracy(answered: Answered) -> Value:
    found = pair(answered)
    return found if isinstance(found, Undefined) else float(found // BASE == found % BASE)


def right(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 where the pair of labels is one label twice, 0 where it is not; NaN stays."""
    same = (values // BASE == values % BASE).astype(np.float64)
    return np.where(np.isnan(values), np.nan, same)


def table(values: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """How often each label (row) was answered by each (column); the last column is "none of them"."""
    known = values[~np.isnan(values)].astype(np.int64)
    given = np.minimum(known % BASE, count)
    cells = np.bincount(known // BASE * (count + 1) + given, minlength=count * (count + 1))
    return cells.reshape(count, count + 1)


TAKES = {
    "labels": Parameter(
        f"a list of 2 to {MOST_LABELS} texts that differ after normalisation",
        "the labels; the order is that of the table",
        is_list_of_labels,
    ),
    "extract": Parameter(
        "a regular expression",
        "what finds the label in the answer, its first group where it has one; the whole answer unless said",
        patterns.compiles,
    ),
}
UNDEFINED = f"{UNLISTED.reason}; {NOT_SET.reason}; {TOO_SLOW.reason}"
ZERO = (
    "A label that is expected or given, and has 0/0 for a figure, counts 0 (scikit-learn's zero_division=0); one "
    "that is neither is not averaged over. Answers that are none of the labels are wrong."
)
FORMULAS = {
    "precision": "TP / (TP + FP)",
    "recall": "TP / (TP + FN)",
    "f1": "2·TP / (2·TP + FP + FN)",
}
AVERAGES = {
    "macro": ("plain mean over the labels", "mean over the labels of "),
    "micro": ("over all labels together", "sums over the labels: "),
}


def figures() -> Sequence[Metric]:
    return [
        Metric(
            f"{name}_{average}",
            Kind.LABELS,
            Direction.HIGHER,
            f"{name.capitalize()} of the labels that are answered, {words}.",
            labels,
            figure=(name, average),
            formula=prefix + FORMULAS[name],
            source="as scikit-learn has it; interval by a bootstrap of examples on the table of labels",
            undefined=UNDEFINED,
            limits=ZERO,
            takes=TAKES,
            needs=("labels",),
        )
        for average, (words, prefix) in AVERAGES.items()
        for name in FORMULAS
    ]


METRICS = [
    Metric(
        "label_accuracy",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers that are the expected label.",
        label_accuracy,
        missing=0.0,
        undefined=UNDEFINED,
        takes=TAKES,
        needs=("labels",),
    ),
    *figures(),
]

"""Pure: whether the answers to one task contradict each other, and how far they agree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from annotation.protocols import Rules
from annotation.rubrics import Details


@dataclass(frozen=True)
class Disagreement:
    """What a task's answers have in common. `agreement`: the mean likeness of two of them, which for preferences is
    the share of pairs of evaluators who said the same."""

    agreement: float
    is_conflict: bool
    # Criteria of the rubric on which two answers contradict each other.
    criteria: tuple[str, ...] = ()


def of(said: Sequence[Any], rules: Rules, details: Details) -> Disagreement | None:
    """None of a task that fewer than two people have judged."""
    if len(said) < 2:
        return None
    pairs = list(combinations(said, 2))
    likeness = [rules.alike(one, other, details) for one, other in pairs]
    return Disagreement(
        agreement=sum(likeness) / len(pairs),
        is_conflict=min(likeness) < rules.least_alike,
        criteria=tuple(
            criterion.id
            for criterion in details.criteria
            if any(
                rules.alike_on(criterion, one.answers[criterion.id], other.answers[criterion.id])
                < rules.least_alike
                for one, other in pairs
                # Of versions of the rubric that did not ask it, there is no answer.
                if criterion.id in one.answers and criterion.id in other.answers
            )
        ),
    )


def lowest_first(agreement: float, judgments: int, draw: Callable[[], int]) -> tuple[float, int, int]:
    """The order in which conflicts are settled: the lowest agreement first; of equal ones that which more people
    have judged, then as drawn. Rounded, so that a last digit does not decide."""
    return round(agreement, 9), -judgments, draw()

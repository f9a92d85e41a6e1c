"""Pure: when good evaluators fail a gold item, it is the item that is wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from evaltrack.stats.raters.gold import gold_accuracies


@dataclass(frozen=True)
class GoldRule:
    """`fewest` evaluators, each of whom has answered `answered` other gold items and is right in a share `good` of
    them, drawn to that of all; most of them gave another answer; and `level` is how often a campaign, over all its
    items and looks, would lose one by chance though each item is like the others."""

    fewest: int = 3
    answered: int = 5
    good: float = 0.7
    level: float = 0.05


RULE = GoldRule()


@dataclass(frozen=True)
class Failing:
    """`missed` of `good` evaluators gave another answer; `chance` is how often as many would by accident."""

    item: int
    good: int
    missed: int
    chance: float

    @property
    def sentence(self) -> str:
        return (
            f"{self.missed} of {self.good} evaluators who are right on other gold items gave another answer; by "
            f"accident that happens with a probability of {self.chance:.2g}."
        )


def failing(answers: Iterable[tuple[int, int, bool]], *, looks: int, rule: GoldRule = RULE) -> list[Failing]:
    """Gold items that good evaluators fail. An answer is the item, the evaluator, and whether it was right.

    Each good evaluator misses an item with the probability that they miss others; the number of those who miss it is
    then a sum of independent variables, whose tail is exact. It is multiplied by the number of items that are asked
    about and by `looks`, how often an item may be asked about as answers come in, and held against the level.
    """
    given = list(answers)
    answered, right = (
        Counter(who for _, who, _ in given),
        Counter(who for _, who, is_right in given if is_right),
    )
    raters = sorted(answered)
    report = gold_accuracies([right[who] for who in raters], [answered[who] for who in raters], threshold=0.5)
    of_item: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for item, who, is_right in given:
        elsewhere = answered[who] - 1
        shrunk = (right[who] - is_right + report.mean * report.weight) / (elsewhere + report.weight)
        if elsewhere >= rule.answered and shrunk >= rule.good:
            of_item[item].append((1 - shrunk, not is_right))
    asked = {item: several for item, several in of_item.items() if len(several) >= rule.fewest}
    found = []
    for item, several in sorted(asked.items()):
        missed = sum(has for _, has in several)
        chance = as_many(missed, [likely for likely, _ in several])
        if 2 * missed > len(several) and chance * len(asked) * max(looks, 1) < rule.level:
            found.append(Failing(item, len(several), missed, chance))
    return found


def as_many(missed: int, chances: list[float]) -> float:
    """P(X ≥ missed) of a sum of independent 0/1 variables with these chances."""
    distribution = np.ones(1)
    for chance in chances:
        distribution = np.convolve(distribution, [1 - chance, chance])
    return float(distribution[missed:].sum())

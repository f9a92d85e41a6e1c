"""One golden set, many attempts: what the best of them is worth (Blum & Hardt 2015, the Ladder).

Whoever may try as often as they like ends with what fits these examples best, not with what is best. The Ladder says
of an attempt only whether it beats the best before it by a step, and then how much to the next whole step; otherwise
it repeats the best. So attempts that are no better tell nothing that the next one could use.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import rounded
from evaltrack.stats.intervals import real_values


@dataclass(frozen=True, slots=True)
class Rung:
    """What an attempt is told: the `best` so far, whether it is this one, and by what step it had to be better."""

    attempt: int
    best: float
    is_new: bool
    step: float

    def as_json(self) -> dict[str, Any]:
        return {
            "attempt": self.attempt,
            "best": rounded(self.best),
            "is_new": self.is_new,
            "step": rounded(self.step),
        }


def ladder(attempts: Sequence[ArrayLike], *, step: float | None = None) -> tuple[Rung, ...]:
    """What each attempt in its order is told; an attempt is the values of all examples, the same ones in each.

    Larger is better. With a `step`, fixed beforehand, an attempt counts that is better by more than it, and its mean
    is told rounded to the step. Without one, the step is as large as the standard error of the paired difference to
    the best attempt so far (the parameter-free Ladder). An attempt that is no better passes that in one case of six,
    so what passed is confirmed on examples that were held back. The first attempt is told its mean.

    ValueError for attempts of unequal length, without examples, or a step that is not positive.
    """
    values = [real_values(attempt) for attempt in attempts]
    if any(len(each) != len(values[0]) or not len(each) for each in values):
        raise ValueError("attempts have one value for each of the same examples")
    if step is not None and not (math.isfinite(step) and step > 0):
        raise ValueError(f"a step is a number above 0, not {step}")
    rungs: list[Rung] = []
    best, told = np.empty(0), -math.inf
    for number, each in enumerate(values, start=1):
        mean, needed = float(each.mean()), step or 0.0
        if number > 1 and step is None:
            needed = float((each - best).std()) / math.sqrt(len(each))
        is_new = number == 1 or mean > told + needed
        if is_new:
            best = each
            told = mean if step is None else step * round(mean / step)
        rungs.append(Rung(number, told, is_new, needed))
    return tuple(rungs)


def attempts_level(attempts: int, level: float = 0.05) -> tuple[float, float]:
    """The level for each of so many attempts that keeps that of all (Bonferroni), and the z it takes, two-sided."""
    if attempts < 1 or not 0 < level < 1:
        raise ValueError("there is an attempt or more, and a level between 0 and 1")
    each = level / attempts
    return each, -float(special.ndtri(each / 2))

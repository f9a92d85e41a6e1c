"""Which ranks of a system the votes leave open."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

from scipy import special

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.multiplicity import holm
from evaltrack.stats.preference.net import FEWEST_CLUSTERS
from evaltrack.stats.strengths.davidson import Strengths

LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Ranks:
    """The ranks from `best` to `worst` that a system may have; 1 is the strongest."""

    best: int
    worst: int


def rank_sets(fitted: Strengths, *, level: float = LEVEL) -> list[Ranks] | Undefined:
    """The possible ranks of each system, in the order of `strengths`.

    A system's best rank is 1 + the number that are significantly stronger, its worst rank is the number of systems
    less those that are significantly weaker. All pairs are compared by cluster-robust t, two-sided, with Holm's
    correction, so that with probability 1 − level every set contains the true rank. A pair that only a penalty keeps
    finite counts, with p = 1.

    Undefined with votes on fewer than 5 prompts.
    """
    if not 0 < level < 1:
        raise ValueError(f"a level lies between 0 and 1, not at {level}")
    if fitted.clusters < FEWEST_CLUSTERS:
        return Undefined(
            f"votes on {fitted.clusters} prompts do not rank systems: {FEWEST_CLUSTERS} are needed"
        )
    systems = len(fitted.strengths)
    pairs = list(combinations(range(systems), 2))
    above, below = [0] * systems, [0] * systems
    for (one, other), p in zip(pairs, holm([_p_equal(fitted, *pair) for pair in pairs]), strict=True):
        if p < level:
            stronger = fitted.strengths[one] > fitted.strengths[other]
            over, under = (one, other) if stronger else (other, one)
            above[under] += 1
            below[over] += 1
    return [Ranks(1 + above[system], systems - below[system]) for system in range(systems)]


def _p_equal(fitted: Strengths, one: int, other: int) -> float:
    """Two-sided p of equal strengths; 1 where the votes have no standard error to say otherwise."""
    if fitted.parts[one] != fitted.parts[other]:
        return 1.0
    variance = fitted.variance(one, other)
    if variance <= 1e-20:
        return 1.0
    t = float(fitted.strengths[one] - fitted.strengths[other]) / math.sqrt(variance)
    return min(1.0, 2 * float(special.stdtr(fitted.clusters - 1, -abs(t))))

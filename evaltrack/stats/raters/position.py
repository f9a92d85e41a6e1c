"""Each rater's pull to one side, brought nearer to that of all raters the less is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import Estimate, Undefined, rounded
from evaltrack.stats.intervals import TAIL, wilson
from evaltrack.stats.patterns import whole
from evaltrack.stats.raters.gold import spread_of


@dataclass(frozen=True, slots=True)
class Leaning:
    """One rater: the share of left picks as `seen`, and `shrunk` with the 95 % limits of its posterior."""

    rater: int
    seen: Estimate | Undefined
    shrunk: float
    low: float
    high: float

    def as_json(self) -> dict[str, Any]:
        return {
            "rater": self.rater,
            "seen": self.seen.as_json(),
            "shrunk": rounded(self.shrunk),
            "low": rounded(self.low),
            "high": rounded(self.high),
        }


def leanings(raters: ArrayLike, left: ArrayLike) -> tuple[Leaning, ...]:
    """How often each rater picks the left response, of the judgments that preferred one, shrunk (empirical Bayes).

    `left` is 1 or 0 for each such judgment; sides were assigned at random. Raters' shares are taken for Beta
    distributed about that of all, with the spread that makes these picks likeliest (`raters.gold_accuracies` has the
    source): 4 left picks of 5 say little of a rater, and 80 of 100 a lot. From fewer than five raters nothing is
    known of others, and the posterior is that of a flat prior. `raters.sides` tests; this says how large the pull is.
    """
    who = whole(raters, "rater numbers")
    x = np.asarray(left, dtype=np.float64)
    if who.ndim != 1 or x.shape != who.shape:
        raise ValueError(f"{x.shape} picks do not stand beside {who.shape} raters")
    if not np.isin(x, (0, 1)).all():
        raise ValueError("a pick is 1, left, or 0")
    names, place = np.unique(who, return_inverse=True)
    n = np.bincount(place, minlength=len(names)).tolist()
    picked = np.bincount(place, weights=x, minlength=len(names)).astype(int).tolist()
    mean, weight = spread_of(list(zip(picked, n, strict=True)))
    found = []
    for name, chosen, of in zip(names.tolist(), picked, n, strict=True):
        a, b = mean * weight + chosen, (1 - mean) * weight + of - chosen
        low, high = (float(special.betaincinv(a, b, tail)) for tail in (TAIL, 1 - TAIL))
        found.append(Leaning(name, wilson(chosen, of), a / (a + b), low, high))
    return tuple(found)

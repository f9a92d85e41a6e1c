"""A limit that a quantile does not exceed: what few measurements of a latency can promise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import CONFIDENCE, Undefined, rounded
from evaltrack.stats.intervals import real_values


@dataclass(frozen=True, slots=True)
class UpperLimit:
    """With this confidence the q-quantile is at most `limit`, which is the `rank`-th smallest of n values."""

    limit: float
    rank: int
    n: int
    q: float
    confidence: float = CONFIDENCE

    def as_json(self) -> dict[str, Any]:
        return {
            "limit": rounded(self.limit),
            "rank": self.rank,
            "n": self.n,
            "q": rounded(self.q),
            "confidence": rounded(self.confidence),
        }


def examples_for_upper_limit(q: float) -> int:
    """The fewest values whose largest one exceeds the q-quantile in 95 %: 1 − qⁿ ≥ 0.95; p95 59, p99 299."""
    if not 0 < q < 1:
        raise ValueError(f"a quantile lies strictly between 0 and 1, not at {q}")
    return math.ceil(math.log(1 - CONFIDENCE) / math.log(q) * (1 - 1e-12))


def quantile_upper(values: ArrayLike, q: float) -> UpperLimit | Undefined:
    """The one-sided 95 % upper limit of the q-quantile, distribution-free (Hahn & Meeker 1991).

    The smallest order statistic with P(quantile ≤ x₍r₎) = P(Bin(n, q) < r) ≥ 0.95. It takes fewer values than a
    two-sided interval (`intervals.quantile`), and says nothing of how low the quantile may be.

    Undefined below `examples_for_upper_limit(q)` values, which the reason names.
    """
    vector = real_values(values)
    needed, n = examples_for_upper_limit(q), len(vector)
    if n < needed:
        return Undefined(
            f"{n} values do not support an upper limit of the {q:g}-quantile: {needed} are needed"
        )
    below = special.bdtr(np.arange(n), n, q)  # P(Bin ≤ r − 1) for the ranks r from 1 to n
    rank = int(np.argmax(below >= CONFIDENCE * (1 - 1e-12))) + 1
    return UpperLimit(float(np.partition(vector, rank - 1)[rank - 1]), rank, n, q)

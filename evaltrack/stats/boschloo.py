"""Boschloo's exact test of two independent shares, for when an expected count is too small for z."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evaltrack.stats.estimate import TestResult, Undefined
from evaltrack.stats.intervals import count_of

FEWEST_EXPECTED = 5
LARGEST_SIDE = 5000

# Equal p-values of Fisher's test, by symmetry of the table, differ by the rounding of logarithms.
EQUAL = 1 + 1e-9


def few_expected(x1: int, n1: int, x2: int, n2: int) -> bool:
    """Whether equal shares would let one of the four counts of x1 of n1 and x2 of n2 expect fewer than 5.

    The two-proportion z then rests on too little, and `boschloo` answers in its place.
    """
    x1, n1 = count_of(x1, n1)
    x2, n2 = count_of(x2, n2)
    rarer = min(x1 + x2, n1 + n2 - x1 - x2)
    return rarer * min(n1, n2) < FEWEST_EXPECTED * (n1 + n2)


def boschloo(x1: int, n1: int, x2: int, n2: int) -> TestResult | Undefined:
    """Boschloo's exact unconditional test of equal shares, x1 of n1 against x2 of n2, two-sided (1970).

    Orders the possible outcomes by the p-value of Fisher's one-sided test and takes the largest probability,
    over every common share, of one at most as likely as the observed; two-sided p is twice the smaller side.
    Never rejects too often, and more often than Fisher's test. The work grows with the smaller counts, so each side
    may hold 5,000 examples.

    Undefined when a side is empty or larger than that.
    """
    x1, n1 = count_of(x1, n1)
    x2, n2 = count_of(x2, n2)
    if not (n1 and n2):
        return Undefined("one side has no examples")
    if max(n1, n2) > LARGEST_SIDE:
        return Undefined(f"the exact test serves up to {LARGEST_SIDE} examples a side, not {max(n1, n2)}")
    # The side where p is smaller by Fisher's test can be the larger one by Boschloo's: both are needed.
    greater = _one_sided(x1, n1, x2, n2)
    less = _one_sided(x2, n2, x1, n1)
    return TestResult(None, min(1.0, 2 * min(greater, less)))


def _one_sided(x1: int, n1: int, x2: int, n2: int) -> float:
    """p of the first share being the larger one."""
    of_first, of_second = _log_choices(n1), _log_choices(n2)
    of_all = _log_choices(n1 + n2)

    def fisher(first: int, second: int) -> float:
        """P(X₁ ≥ first) given first + second successes in all."""
        total = first + second
        k = np.arange(max(first, total - n2), min(n1, total) + 1)
        return float(np.exp(of_first[k] + of_second[total - k] - of_all[total]).sum())

    limit = fisher(x1, x2) * EQUAL
    # Fisher's p falls with the first count and rises with the second, so that for each first count the extreme
    # outcomes are those up to a second count, which never falls. Walk along that edge.
    edge = np.empty(n1 + 1)
    second = -1
    for first in range(n1 + 1):
        while second < n2 and fisher(first, second + 1) <= limit:
            second += 1
        edge[first] = second
    extreme = np.flatnonzero(edge >= 0)

    def probability(shares: NDArray[np.float64]) -> NDArray[np.float64]:
        p = shares[:, None]
        log_first = of_first[extreme] + special.xlogy(extreme, p) + special.xlog1py(n1 - extreme, -p)
        return (np.exp(log_first) * special.bdtr(edge[extreme], n2, p)).sum(axis=1)

    # Even steps of the arcsine: the probability changes as fast at every angle. Then close in on the maximum.
    angles = np.linspace(0, math.pi / 2, 33 + 2 * math.isqrt(max(n1, n2)))
    step = angles[1]
    for _ in range(4):
        found = probability(np.sin(angles) ** 2)
        best = angles[int(found.argmax())]
        angles = np.clip(np.linspace(best - step, best + step, 17), 0, math.pi / 2)
        step = 2 * step / 16
    return min(1.0, float(found.max()))


def _log_choices(n: int) -> NDArray[np.float64]:
    """log C(n, k) for k = 0 … n."""
    k = np.arange(n + 1)
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)

"""Ordinal ratings of two systems on the same examples: which is better, not by how much."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import Estimate, TestResult, Undefined
from evaltrack.stats.intervals import TAIL, Z, all_equal, around
from evaltrack.stats.paired.binary import tango_limits
from evaltrack.stats.paired.examples import NO_PAIRS, Vector, pairs
from evaltrack.stats.signflip import whole_numbers_p

MOST_EXACT = 500  # differences; above, the normal distribution is as good and faster
# Fewer pairs than this have no two-sided 95 % interval: even all signs alike have a chance of 2/2ⁿ.
FEWEST_SIGNS = 6
MOST_RANKED = 100  # pairs whose rank sums are counted exactly; above, the normal distribution
MOST_PAIRS = 3000  # n(n + 1)/2 means are sorted


def _steps(candidate: ArrayLike, baseline: ArrayLike) -> Vector:
    """The differences to 12 digits: 0.3 − 0.1 and 0.4 − 0.2 are one step, in spite of their last bits."""
    ours, theirs = pairs(candidate, baseline)
    if not len(ours):
        return ours
    scale = max(float(np.abs(ours).max()), float(np.abs(theirs).max())) or 1.0
    return np.round((ours - theirs) / scale, 12)


def wilcoxon_pratt(candidate: ArrayLike, baseline: ArrayLike) -> TestResult | Undefined:
    """Wilcoxon's signed-rank test with Pratt's zeros, two-sided; the statistic is the rank sum of what improved.

    It tests that the differences are symmetric about 0, which is not that their mean is 0: a candidate can win
    here and have the lower mean. Zeros are ranked with the others and then left out (Pratt 1959). Exact up to 500
    differences, also with ties; beyond that, normal.

    Undefined without examples, and when all differences are 0.
    """
    d = _steps(candidate, baseline)
    if not len(d):
        return NO_PAIRS
    if not d.any():
        return Undefined(f"all {len(d)} differences are 0")
    _, place, count = np.unique(np.abs(d), return_inverse=True, return_counts=True)
    doubled = 2 * np.cumsum(count) - count + 1  # twice the mean rank of equal sizes, a whole number
    signed = (np.sign(d) * doubled[place])[d != 0].astype(np.int64)
    improved = float(signed[signed > 0].sum()) / 2
    if len(signed) <= MOST_EXACT:
        return TestResult(improved, min(1.0, whole_numbers_p(signed)))
    z = float(signed.sum()) / math.sqrt(float((signed.astype(np.float64) ** 2).sum()))
    return TestResult(improved, min(1.0, 2 * float(special.ndtr(-abs(z)))))


def probability_better(candidate: ArrayLike, baseline: ArrayLike) -> Estimate | Undefined:
    """P(candidate better) + ½·P(equal) on the same example, with Tango's interval of better less worse.

    From 0 to 1, and 0.5 where neither is better more often. For ratings whose distances mean nothing. Undefined
    without examples.
    """
    d = _steps(candidate, baseline)
    n = len(d)
    if n == 0:
        return NO_PAIRS
    better, worse = int((d > 0).sum()), int((d < 0).sum())
    low, high = tango_limits(better, worse, n)
    value = (1 + (better - worse) / n) / 2
    return Estimate(value, (1 + low) / 2, (1 + high) / 2, n, "Tango score interval of better less worse")


def pseudo_median(candidate: ArrayLike, baseline: ArrayLike) -> Estimate | Undefined:
    """How much better, in the middle: the median of the means of all two differences (Hodges & Lehmann 1963).

    Goes with Wilcoxon's test: its interval holds the shifts that the test, without ties and zeros, does not reject
    (Bauer 1972; R's `wilcox.test` prints it). For differences that are symmetric about their middle it is their
    median and mean; for others neither. Undefined without examples; without an interval from fewer than 6 examples,
    and above 3,000, where the mean's own interval serves.
    """
    ours, theirs = pairs(candidate, baseline)
    n = len(ours)
    if n == 0:
        return NO_PAIRS
    method = "Hodges–Lehmann pseudo-median, Wilcoxon interval"
    d = np.sort(ours - theirs)
    if n > MOST_PAIRS:
        return Estimate(
            float(np.median(d)), None, None, n, "median", f"above {MOST_PAIRS} examples use the mean"
        )
    one, other = np.triu_indices(n)
    means = np.sort((d[one] + d[other]) / 2)
    value = float(np.median(means))
    if n < FEWEST_SIGNS:
        reason = f"{n} examples do not support this interval: {FEWEST_SIGNS} are needed"
        return Estimate(value, None, None, n, method, reason)
    if all_equal(d, scale=max(float(np.abs(ours).max()), float(np.abs(theirs).max()))):
        reason = f"all {n} differences are equal, so their spread is unknown"
        return Estimate(value, None, None, n, method, reason)
    from_end = _from_end(n)
    return Estimate(value, *around(means[from_end - 1], means[-from_end], value), n, method)


def _from_end(n: int) -> int:
    """Which mean from either end is a limit: the largest c with P(W ≤ c − 1) ≤ 2.5 %, W the rank sum of n signs."""
    if n > MOST_RANKED:
        spread = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        return math.floor(n * (n + 1) / 4 - Z * spread)
    ways = np.ones(1)
    for rank in range(1, n + 1):
        longer = np.zeros(len(ways) + rank)
        longer[: len(ways)] += ways / 2
        longer[rank:] += ways / 2
        ways = longer
    return int(np.searchsorted(np.cumsum(ways), TAIL, side="right"))

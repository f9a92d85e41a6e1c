"""Real-valued scores of two systems on the same examples: the mean difference."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import Estimate, TestResult, Undefined
from evaltrack.stats.intervals import TAIL
from evaltrack.stats.paired.examples import NO_PAIRS, differences


def mean_difference_t(candidate: ArrayLike, baseline: ArrayLike) -> Estimate | Undefined:
    """Mean difference with the paired t interval: the deciding interval for real-valued scores.

    Undefined without examples. One example, or differences that are all equal, give the mean difference
    without an interval.
    """
    d, same = differences(candidate, baseline)
    n = len(d)
    method = "paired t interval of a mean difference"
    if n == 0:
        return NO_PAIRS
    if n == 1:
        return Estimate(d[0], None, None, 1, method, "one example has no spread: 2 or more are needed")
    if same:
        reason = f"all {n} differences are equal, so their spread is unknown"
        return Estimate(d[0], None, None, n, method, reason)
    value = float(d.mean())
    half = float(special.stdtrit(n - 1, 1 - TAIL)) * float(d.std(ddof=1)) / math.sqrt(n)
    return Estimate(value, value - half, value + half, n, method)


def paired_t(candidate: ArrayLike, baseline: ArrayLike) -> TestResult | Undefined:
    """Student's paired t test of a mean difference of 0, two-sided; the statistic is t with n − 1 df.

    Undefined with fewer than two examples, and when all differences are equal: t would be infinite. The
    reason then carries the sign test's p = 2^(1 − n), the most that such data can say.
    """
    d, same = differences(candidate, baseline)
    n = len(d)
    if n < 2:
        return Undefined(f"a t test needs 2 examples or more, there are {n}")
    if same and d[0] == 0:
        return Undefined(f"all {n} differences are 0")
    if same:
        sign_p = 2.0 ** (1 - n)
        return Undefined(
            f"all {n} differences are {d[0]:.6g}, so t is infinite; the sign test gives p = {sign_p:.3g}"
        )
    t = float(d.mean()) / (float(d.std(ddof=1)) / math.sqrt(n))
    return TestResult(t, min(1.0, 2 * float(special.stdtr(n - 1, -abs(t)))))

"""Real-valued scores of two systems on the same examples: the mean difference."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import CONFIDENCE, Estimate, TestResult, Undefined
from evaltrack.stats.intervals import tail_of
from evaltrack.stats.paired.examples import BOOTSTRAP_CELLS, DRAWS, NO_PAIRS, differences
from evaltrack.stats.resampling import bca_limits
from evaltrack.stats.signflip import sign_flip

FEWEST_FOR_BCA = 50


def mean_difference_t(
    candidate: ArrayLike, baseline: ArrayLike, *, confidence: float = CONFIDENCE
) -> Estimate | Undefined:
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
    half = -float(special.stdtrit(n - 1, tail_of(confidence))) * float(d.std(ddof=1)) / math.sqrt(n)
    return Estimate(value, value - half, value + half, n, method, confidence=confidence)


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


def mean_difference_bca(
    candidate: ArrayLike, baseline: ArrayLike, *, seed: int, draws: int = DRAWS
) -> Estimate | Undefined:
    """Mean difference with a BCa bootstrap interval (Efron 1987), beside t where the differences are skewed.

    A few large differences pull its limits to their side, as they should; with fewer than 50 examples the
    bootstrap knows too little of them. Its work is draws × n. Undefined without examples; without an interval from
    fewer than 50, or where all differences are equal.
    """
    d, same = differences(candidate, baseline)
    n = len(d)
    method = "BCa bootstrap of a mean difference"
    if n == 0:
        return NO_PAIRS
    value = float(d[0] if same else d.mean())
    if n < FEWEST_FOR_BCA:
        reason = f"{n} examples do not support a BCa interval: {FEWEST_FOR_BCA} are needed"
        return Estimate(value, None, None, n, method, reason)
    if same:
        reason = f"all {n} differences are equal, so their spread is unknown"
        return Estimate(value, None, None, n, method, reason)
    rng = np.random.default_rng(seed)
    step = max(1, BOOTSTRAP_CELLS // n)
    blocks = (min(step, draws - start) for start in range(0, draws, step))
    means = np.concatenate([d[rng.integers(0, n, size=(rows, n))].mean(axis=1) for rows in blocks])
    limits = bca_limits(value, means, jackknife=(n * value - d) / (n - 1))
    return Estimate(value, *limits, n, method, seed=seed)


def paired_sign_flip(candidate: ArrayLike, baseline: ArrayLike, *, seed: int) -> TestResult | Undefined:
    """Sign-flip permutation test of the differences, two-sided: the check of `paired_t` in small or odd samples.

    Assumes only that under H0 a difference is as likely as its opposite. The statistic is the mean difference.
    Undefined without examples, and when all differences are 0.
    """
    d, _ = differences(candidate, baseline)
    if not len(d):
        return NO_PAIRS
    if not d.any():
        return Undefined(f"all {len(d)} differences are 0")
    flipped = sign_flip(d, seed=seed)
    return flipped if isinstance(flipped, Undefined) else TestResult(float(d.mean()), flipped.p_value)

"""Candidate against baseline on the same examples.

`candidate` and `baseline` are sequences of equal length, one number per example in the same order, larger is
better. A difference is candidate − baseline, in the units of the metric; where smaller is better (latency,
cost), exchange the two arguments, which negates the difference and mirrors its interval. `n` counts examples.

A binary outcome is 0 or 1. Its paired table is a = both 1, b = candidate only, c = baseline only, d =
neither. The pairing matters: outcomes of two versions of one system are strongly correlated, and a comparison
that ignores this needs several times as many examples.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import brentq

from evaltrack.stats.estimate import Estimate, TestResult, Undefined
from evaltrack.stats.intervals import (
    TAIL,
    Z,
    all_equal,
    around,
    examples_for_quantile,
    percentile_limits,
    real_values,
    wilson_limits,
)

NO_PAIRS = Undefined("there are no examples in common")
DRAWS = 2000
BOOTSTRAP_CELLS = 2_000_000  # resampled values held in memory at once


def pairs(candidate: ArrayLike, baseline: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both vectors, checked; ValueError unless they are finite and equally long."""
    ours, theirs = real_values(candidate), real_values(baseline)
    if len(ours) != len(theirs):
        raise ValueError(
            f"{len(ours)} values of the candidate do not pair with {len(theirs)} of the baseline"
        )
    return ours, theirs


def is_binary(*vectors: NDArray[np.float64]) -> bool:
    return all(bool(((vector == 0) | (vector == 1)).all()) for vector in vectors)


def paired_table(candidate: ArrayLike, baseline: ArrayLike) -> tuple[int, int, int, int]:
    """The counts (a, b, c, d): both right, candidate only, baseline only, neither."""
    ours, theirs = pairs(candidate, baseline)
    if not is_binary(ours, theirs):
        raise ValueError("a paired table counts outcomes that are 0 or 1")
    both = int((ours * theirs).sum())
    b, c = int(ours.sum()) - both, int(theirs.sum()) - both
    return both, b, c, len(ours) - both - b - c


def mcnemar_mid_p(candidate: ArrayLike, baseline: ArrayLike) -> TestResult | Undefined:
    """McNemar's mid-p test of Δ = 0, two-sided (McNemar 1947; mid-p: Fagerland, Lydersen & Laake 2013).

    With X ~ Bin(b + c, ½) and x = min(b, c), p = P(X ≤ x) + P(X < x). It is 1 when b = c, so also without
    discordant pairs. Undefined without examples.
    """
    _, b, c, _ = table = paired_table(candidate, baseline)
    if not sum(table):
        return NO_PAIRS
    discordant, fewer = b + c, min(b, c)
    if b == c:
        return TestResult(None, 1.0)
    below = float(special.bdtr(fewer - 1, discordant, 0.5)) if fewer else 0.0
    return TestResult(None, min(1.0, float(special.bdtr(fewer, discordant, 0.5)) + below))


def tango_variance(b: float, c: float, n: float, delta: float) -> float:
    """Variance of one example's difference under H0: Δ = delta, by maximum likelihood (Tango 1998).

    It is 2p̃₂₁ + δ(1 − δ), with p̃₂₁ the share of "baseline only" that fits H0 and the counts best.
    """
    quadratic_b = -b - c + (2 * n - b + c) * delta
    quadratic_c = -c * delta * (1 - delta)
    root = math.sqrt(max(quadratic_b**2 - 8 * n * quadratic_c, 0.0))
    return max(2 * (root - quadratic_b) / (4 * n) + delta * (1 - delta), 0.0)


def tango_score(b: int, c: int, n: int, delta: float) -> float:
    """Tango's score statistic of H0: Δ = delta (Tango 1998), standard normal under H0.

    At delta = 0 this is McNemar's z; without discordant pairs that is 0/0, and taken as 0, since nothing
    speaks for either side.
    """
    variance = n * tango_variance(b, c, n, delta)
    distance = b - c - n * delta
    if variance == 0:
        # Below 1e-12 a distance is rounding; in the limit the score is then 0.
        return 0.0 if abs(distance) < 1e-12 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def tango_difference(candidate: ArrayLike, baseline: ArrayLike) -> Estimate | Undefined:
    """Difference of two shares with Tango's score interval (1998): the deciding one for 0/1 outcomes.

    Holds every Δ that the score test at two-sided 5 % does not reject; so it excludes 0 exactly when
    McNemar's uncorrected test rejects, and −m exactly when `p_below` or `p_above` is under 2.5 %. Finite also
    without discordant pairs. Undefined without examples.
    """
    _, b, c, _ = table = paired_table(candidate, baseline)
    n = sum(table)
    if n == 0:
        return NO_PAIRS
    value = (b - c) / n

    def score(delta: float) -> float:
        # At −1 and 1 the score is infinite; brentq needs numbers.
        return min(max(tango_score(b, c, n, delta), -1e9), 1e9)

    low = brentq(lambda delta: score(delta) - Z, -1.0, value, xtol=1e-14) if value > -1 else -1.0
    high = brentq(lambda delta: score(delta) + Z, value, 1.0, xtol=1e-14) if value < 1 else 1.0
    return Estimate(value, *around(low, high, value), n, "Tango score interval of a paired difference")


def newcombe_difference(candidate: ArrayLike, baseline: ArrayLike) -> Estimate | Undefined:
    """Difference of two shares with Newcombe's paired interval (1998c, method 10), shown beside Tango's.

    Combines the Wilson limits of both shares with their correlation φ̂, corrected for continuity where
    positive. Undefined without examples.
    """
    a, b, c, d = table = paired_table(candidate, baseline)
    n = sum(table)
    if n == 0:
        return NO_PAIRS
    p1, p2 = (a + b) / n, (a + c) / n
    l1, u1 = wilson_limits(a + b, n)
    l2, u2 = wilson_limits(a + c, n)
    margins = float(a + b) * (c + d) * (a + c) * (b + d)
    excess = float(a * d - b * c)
    if excess > 0:
        excess = max(excess - n / 2, 0.0)
    phi = excess / math.sqrt(margins) if margins else 0.0
    value = (b - c) / n

    def reach(ours: float, theirs: float) -> float:
        # A sum of squares less its correlated part: never negative, except by rounding.
        return math.sqrt(max(ours**2 - 2 * phi * ours * theirs + theirs**2, 0.0))

    low, high = value - reach(p1 - l1, u2 - p2), value + reach(u1 - p1, p2 - l2)
    return Estimate(value, low, high, n, "Newcombe interval of a paired difference (method 10)")


def differences(candidate: ArrayLike, baseline: ArrayLike) -> tuple[NDArray[np.float64], bool]:
    """The differences by example, and whether they are all the same number (up to rounding)."""
    ours, theirs = pairs(candidate, baseline)
    d = ours - theirs
    if not len(d):
        return d, False
    scale = max(float(np.abs(ours).max()), float(np.abs(theirs).max()))
    same = all_equal(d, scale)
    # The mean of equal numbers can be off in the last bit; their median is one of them.
    return (np.full_like(d, np.median(d)), True) if same else (d, False)


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


def p_below(candidate: ArrayLike, baseline: ArrayLike, margin: float) -> TestResult | Undefined:
    """One-sided p of H0: Δ ≥ −margin. Small means: the candidate is worse by more than the margin.

    Tango's score at −margin where all values are 0 or 1, else t at −margin. Compare with 0.025 to agree with
    the two-sided 95 % interval: p < 0.025 exactly when its upper limit is below −margin. If all differences
    are equal there is no t, and the sign test against −margin answers: 2^(−n) if they lie below it, else 1.
    Undefined without examples, or with a single real-valued one.
    """
    return _one_sided(candidate, baseline, margin, direction=1)


def p_above(candidate: ArrayLike, baseline: ArrayLike, margin: float) -> TestResult | Undefined:
    """One-sided p of H0: Δ ≤ −margin. Small means: not worse than the margin (non-inferior).

    The other side of `p_below`, by the same tests: p < 0.025 exactly when the lower limit is above −margin.
    """
    return _one_sided(candidate, baseline, margin, direction=-1)


def _one_sided(
    candidate: ArrayLike, baseline: ArrayLike, margin: float, direction: int
) -> TestResult | Undefined:
    ours, theirs = pairs(candidate, baseline)
    n = len(ours)
    if not (math.isfinite(margin) and margin >= 0):
        raise ValueError(f"a margin is a finite number from 0 up, not {margin}")
    if n == 0:
        return NO_PAIRS
    if is_binary(ours, theirs):
        if margin >= 1:
            # Two shares differ by at most 1: no data can speak against "not worse than that".
            return TestResult(None, 1.0 if direction > 0 else 0.0)
        _, b, c, _ = paired_table(ours, theirs)
        score = tango_score(b, c, n, -margin)
        return TestResult(score, float(special.ndtr(direction * score)))
    if n == 1:
        return Undefined("a t test needs 2 examples or more, there is 1")
    d, same = differences(ours, theirs)
    if same:
        return TestResult(None, 2.0**-n if direction * (d[0] + margin) < 0 else 1.0)
    t = (float(d.mean()) + margin) / (float(d.std(ddof=1)) / math.sqrt(n))
    return TestResult(t, float(special.stdtr(n - 1, direction * t)))


def quantile_difference(
    candidate: ArrayLike, baseline: ArrayLike, q: float, *, seed: int, draws: int = DRAWS
) -> Estimate | Undefined:
    """Difference of the two q-quantiles with a paired bootstrap interval (examples resampled, percentiles).

    It compares the tails of two runs, not the tail of the differences. Undefined without examples; without an
    interval below `examples_for_quantile(q)` examples, which the reason names.
    """
    ours, theirs = pairs(candidate, baseline)
    n = len(ours)
    needed = examples_for_quantile(q)
    method = f"paired bootstrap of the difference of {q:g}-quantiles"
    if n == 0:
        return NO_PAIRS
    value = float(np.quantile(ours, q) - np.quantile(theirs, q))
    if n < needed:
        reason = f"{n} examples do not support a two-sided interval of this quantile: {needed} are needed"
        return Estimate(value, None, None, n, method, reason)
    limits = percentile_limits(_quantile_draws(ours, theirs, q, seed, draws), value)
    return Estimate(value, *limits, n, method, seed=seed)


def quantile_p_below(
    candidate: ArrayLike, baseline: ArrayLike, q: float, margin: float, *, seed: int, draws: int = DRAWS
) -> TestResult | Undefined:
    """One-sided p of H0: the difference of the q-quantiles ≥ −margin, by inverting the bootstrap interval.

    The share of resampled differences at or above −margin, counting the data themselves as one more draw, so
    that p is never 0. Undefined where `quantile_difference` has no interval.
    """
    ours, theirs = pairs(candidate, baseline)
    needed = examples_for_quantile(q)
    if not (math.isfinite(margin) and margin >= 0):
        raise ValueError(f"a margin is a finite number from 0 up, not {margin}")
    if len(ours) < needed:
        return Undefined(f"{len(ours)} examples do not support a test of this quantile: {needed} are needed")
    resampled = _quantile_draws(ours, theirs, q, seed, draws)
    return TestResult(None, (1 + int((resampled >= -margin).sum())) / (1 + draws))


def _quantile_draws(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], q: float, seed: int, draws: int
) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    n = len(ours)
    step = max(1, BOOTSTRAP_CELLS // n)
    parts = []
    for start in range(0, draws, step):
        rows = rng.integers(0, n, size=(min(step, draws - start), n))
        parts.append(np.quantile(ours[rows], q, axis=1) - np.quantile(theirs[rows], q, axis=1))
    return np.concatenate(parts)

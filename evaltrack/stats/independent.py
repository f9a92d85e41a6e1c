"""Candidate against baseline on different examples, or when only counts are known.

The specification's two-proportion z-test and t-test live here. They are shown beside the deciding test, and
decide only where the two runs do not share their examples one to one. The candidate comes first; a difference
is candidate − baseline, larger is better; `n` of an estimate counts the examples of both sides together.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from scipy.optimize import brentq

from evaltrack.stats.estimate import CONFIDENCE, Estimate, TestResult, Undefined
from evaltrack.stats.intervals import Moments, around, count_of, real_values, tail_of, wilson_limits, z_of

EMPTY_SIDE = Undefined("one side has no examples")


def two_proportion_z(x1: int, n1: int, x2: int, n2: int) -> TestResult | Undefined:
    """The two-proportion z-test of equal shares, x1 of n1 against x2 of n2, pooled under H0, two-sided.

    Undefined when a side is empty, and when every outcome on both sides is the same: z is then 0/0.
    """
    x1, n1 = count_of(x1, n1)
    x2, n2 = count_of(x2, n2)
    if not (n1 and n2):
        return EMPTY_SIDE
    pooled = (x1 + x2) / (n1 + n2)
    if x1 + x2 in (0, n1 + n2):
        return Undefined(f"all {n1 + n2} outcomes are the same, so z is 0/0")
    z = (x1 / n1 - x2 / n2) / math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    return TestResult(z, 2 * float(special.ndtr(-abs(z))))


def newcombe_independent(x1: int, n1: int, x2: int, n2: int) -> Estimate | Undefined:
    """Difference of two independent shares with Newcombe's hybrid score interval (Newcombe 1998b, method 10).

    Undefined when a side is empty.
    """
    x1, n1 = count_of(x1, n1)
    x2, n2 = count_of(x2, n2)
    if not (n1 and n2):
        return EMPTY_SIDE
    p1, p2 = x1 / n1, x2 / n2
    l1, u1 = wilson_limits(x1, n1)
    l2, u2 = wilson_limits(x2, n2)
    value = (x1 * n2 - x2 * n1) / (n1 * n2)
    low, high = value - math.hypot(p1 - l1, u2 - p2), value + math.hypot(u1 - p1, p2 - l2)
    return Estimate(value, low, high, n1 + n2, "Newcombe hybrid score interval of a difference")


def constrained_shares(x1: float, n1: float, x2: float, n2: float, delta: float) -> tuple[float, float]:
    """The shares that fit both counts best among those with p₁ − p₂ = delta (Miettinen & Nurminen 1985).

    The maximum of the likelihood is the root of a cubic, in closed form.
    """
    n, x = n1 + n2, x1 + x2
    l3 = n
    l2 = (n1 + 2 * n2) * delta - n - x
    l1 = (n2 * delta - n - 2 * x2) * delta + x
    l0 = x2 * delta * (1 - delta)
    cubed = l2**3 / (3 * l3) ** 3 - l1 * l2 / (6 * l3**2) + l0 / (2 * l3)
    radius = math.copysign(math.sqrt(max(l2**2 / (3 * l3) ** 2 - l1 / (3 * l3), 0.0)), cubed)
    # Rounding can push the cosine past 1, where the cubic has a double root.
    cosine = min(1.0, max(-1.0, cubed / radius**3)) if radius else 1.0
    p2 = 2 * radius * math.cos((math.pi + math.acos(cosine)) / 3) - l2 / (3 * l3)
    p2 = min(max(p2, 0.0, -delta), 1.0, 1.0 - delta)
    return p2 + delta, p2


def miettinen_nurminen_score(x1: int, n1: int, x2: int, n2: int, delta: float) -> float:
    """Score statistic of H0: p₁ − p₂ = delta (Miettinen & Nurminen 1985), standard normal under H0.

    The shares under H0 are `constrained_shares`. The variance carries Miettinen and Nurminen's factor
    N/(N − 1).
    """
    n = n1 + n2
    p1, p2 = constrained_shares(x1, n1, x2, n2, delta)
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * n / (n - 1)
    distance = x1 / n1 - x2 / n2 - delta
    if variance <= 0:
        # Below 1e-12 a distance is rounding; in the limit the score is then 0.
        return 0.0 if abs(distance) < 1e-12 else math.copysign(math.inf, distance)
    return distance / math.sqrt(variance)


def miettinen_nurminen(
    x1: int, n1: int, x2: int, n2: int, *, confidence: float = CONFIDENCE
) -> Estimate | Undefined:
    """Difference of two independent shares with Miettinen and Nurminen's interval: the deciding one here.

    Holds every difference that the score test at two-sided 5 % (1 − confidence) does not reject, so it agrees
    with `p_below` and `p_above`. Undefined when a side is empty.
    """
    x1, n1 = count_of(x1, n1)
    x2, n2 = count_of(x2, n2)
    if not (n1 and n2):
        return EMPTY_SIDE
    value, z = (x1 * n2 - x2 * n1) / (n1 * n2), z_of(confidence)

    def score(delta: float) -> float:
        # At the ends the score is infinite; brentq needs numbers.
        return min(max(miettinen_nurminen_score(x1, n1, x2, n2, delta), -1e9), 1e9)

    low = brentq(lambda delta: score(delta) - z, -1.0, value, xtol=1e-14) if value > -1 else -1.0
    high = brentq(lambda delta: score(delta) + z, value, 1.0, xtol=1e-14) if value < 1 else 1.0
    method = "Miettinen–Nurminen score interval of a difference"
    return Estimate(value, *around(low, high, value), n1 + n2, method, confidence=confidence)


def _welch(ours: Moments, theirs: Moments) -> tuple[float, float | None, float, int, str]:
    """Difference of means, its standard error (None without one), Satterthwaite's df, n, the reason."""
    n = ours.n + theirs.n
    if not (ours.n and theirs.n):
        return 0.0, None, 0.0, n, EMPTY_SIDE.reason
    value = ours.mean - theirs.mean
    if min(ours.n, theirs.n) < 2:
        return value, None, 0.0, n, "one example has no spread: each side needs 2 or more"
    v1, v2 = ours.variance / ours.n, theirs.variance / theirs.n
    if v1 + v2 == 0:
        return value, None, 0.0, n, "all values of each side are equal, so their spread is unknown"
    share = v1 / (v1 + v2)  # by shares: squares of tiny variances would underflow
    df = 1 / (share**2 / (ours.n - 1) + (1 - share) ** 2 / (theirs.n - 1))
    return value, math.sqrt(v1 + v2), df, n, ""


def welch_t(candidate: ArrayLike, baseline: ArrayLike) -> TestResult | Undefined:
    """Welch's t-test of equal means, two-sided, variances not assumed equal (Satterthwaite's df).

    Undefined with fewer than two values on a side, and when neither side has any spread.
    """
    value, error, df, _, reason = _welch(Moments.of(candidate), Moments.of(baseline))
    if error is None:
        return Undefined(reason)
    t = value / error
    return TestResult(t, min(1.0, 2 * float(special.stdtr(df, -abs(t)))))


def welch_difference(
    candidate: ArrayLike | Moments, baseline: ArrayLike | Moments, *, confidence: float = CONFIDENCE
) -> Estimate | Undefined:
    """Difference of two independent means with Welch's t interval.

    Undefined when a side is empty. With a single value on a side, or no spread on either, it has no interval.
    """
    value, error, df, n, reason = _welch(Moments.of(candidate), Moments.of(baseline))
    if reason == EMPTY_SIDE.reason:
        return EMPTY_SIDE
    method = "Welch t interval of a difference of means"
    if error is None:
        return Estimate(value, None, None, n, method, reason)
    half = -float(special.stdtrit(df, tail_of(confidence))) * error
    return Estimate(value, value - half, value + half, n, method, confidence=confidence)


def p_below(candidate: ArrayLike, baseline: ArrayLike, margin: float) -> TestResult | Undefined:
    """One-sided p of H0: Δ ≥ −margin. Small means: the candidate is worse by more than the margin.

    Miettinen and Nurminen's score at −margin where all values are 0 or 1, else Welch's t at −margin; p <
    0.025 exactly when the upper limit of the matching two-sided 95 % interval is below −margin. Undefined
    where that interval is.
    """
    return _one_sided(candidate, baseline, margin, direction=1)


def p_above(candidate: ArrayLike, baseline: ArrayLike, margin: float) -> TestResult | Undefined:
    """One-sided p of H0: Δ ≤ −margin. Small means: not worse than the margin (non-inferior)."""
    return _one_sided(candidate, baseline, margin, direction=-1)


def _one_sided(
    candidate: ArrayLike, baseline: ArrayLike, margin: float, direction: int
) -> TestResult | Undefined:
    ours, theirs = real_values(candidate), real_values(baseline)
    if not (math.isfinite(margin) and margin >= 0):
        raise ValueError(f"a margin is a finite number from 0 up, not {margin}")
    if not (len(ours) and len(theirs)):
        return EMPTY_SIDE
    if np.isin(ours, (0, 1)).all() and np.isin(theirs, (0, 1)).all():
        if margin >= 1:
            # Two shares differ by at most 1: no data can speak against "not worse than that".
            return TestResult(None, 1.0 if direction > 0 else 0.0)
        score = miettinen_nurminen_score(int(ours.sum()), len(ours), int(theirs.sum()), len(theirs), -margin)
        statistic = score if math.isfinite(score) else None
        return TestResult(statistic, float(special.ndtr(direction * score)))
    value, error, df, _, reason = _welch(Moments.of(ours), Moments.of(theirs))
    if error is None:
        return Undefined(reason)
    t = (value + margin) / error
    return TestResult(t, float(special.stdtr(df, direction * t)))

"""0/1 outcomes of two systems on the same examples."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike
from scipy import special
from scipy.optimize import brentq

from evaltrack.stats.estimate import CONFIDENCE, Estimate, TestResult, Undefined
from evaltrack.stats.intervals import Z, around, wilson_limits, z_of
from evaltrack.stats.paired.examples import NO_PAIRS, paired_table


def _discordant(candidate: ArrayLike, baseline: ArrayLike) -> tuple[int, int, int]:
    """The counts b (candidate only), c (baseline only) and n."""
    _, b, c, _ = table = paired_table(candidate, baseline)
    return b, c, sum(table)


def mcnemar_mid_p(candidate: ArrayLike, baseline: ArrayLike) -> TestResult | Undefined:
    """McNemar's mid-p test of Δ = 0, two-sided (McNemar 1947; mid-p: Fagerland, Lydersen & Laake 2013).

    With X ~ Bin(b + c, ½) and x = min(b, c), p = P(X ≤ x) + P(X < x). It is 1 when b = c, so also without
    discordant pairs. Undefined without examples.
    """
    b, c, n = _discordant(candidate, baseline)
    return TestResult(None, mid_p_of(b, c)) if n else NO_PAIRS


def mid_p_of(b: int, c: int) -> float:
    """The p of `mcnemar_mid_p` from the counts of discordant examples."""
    if b == c:
        return 1.0
    discordant, fewer = b + c, min(b, c)
    below = float(special.bdtr(fewer - 1, discordant, 0.5)) if fewer else 0.0
    return min(1.0, float(special.bdtr(fewer, discordant, 0.5)) + below)


def mcnemar_exact(candidate: ArrayLike, baseline: ArrayLike) -> TestResult | Undefined:
    """McNemar's exact test of Δ = 0, two-sided: p = min(1, 2·P(X ≤ min(b, c))) with X ~ Bin(b + c, ½).

    Never rejects too often, and for that too seldom: where a guarantee is demanded. Otherwise `mcnemar_mid_p`
    decides. Undefined without examples.
    """
    b, c, n = _discordant(candidate, baseline)
    if n == 0:
        return NO_PAIRS
    return TestResult(None, min(1.0, 2 * float(special.bdtr(min(b, c), b + c, 0.5))))


def mcnemar_z(candidate: ArrayLike, baseline: ArrayLike) -> TestResult | Undefined:
    """McNemar's z = (b − c)/√(b + c) without a continuity correction, two-sided; shown, it does not decide.

    It is the score that Tango's interval inverts. Undefined without discordant pairs, where z is 0/0.
    """
    b, c, n = _discordant(candidate, baseline)
    if n == 0:
        return NO_PAIRS
    if b + c == 0:
        return Undefined(f"both sides agree on all {n} examples, so z is 0/0")
    z = (b - c) / math.sqrt(b + c)
    return TestResult(z, 2 * float(special.ndtr(-abs(z))))


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


def tango_difference(
    candidate: ArrayLike, baseline: ArrayLike, *, confidence: float = CONFIDENCE
) -> Estimate | Undefined:
    """Difference of two shares with Tango's score interval (1998): the deciding one for 0/1 outcomes.

    Holds every Δ that the score test at two-sided 5 % (1 − confidence) does not reject; so it excludes 0 exactly
    when McNemar's uncorrected test rejects, and −m exactly when `p_below` or `p_above` is under 2.5 %. Finite also
    without discordant pairs. Undefined without examples.
    """
    b, c, n = _discordant(candidate, baseline)
    if n == 0:
        return NO_PAIRS
    low, high = tango_limits(b, c, n, z_of(confidence))
    method = "Tango score interval of a paired difference"
    return Estimate((b - c) / n, low, high, n, method, confidence=confidence)


def tango_limits(b: int, c: int, n: int, z: float = Z) -> tuple[float, float]:
    """Both limits of Tango's interval, round (b − c)/n: the Δ at which the score is ±z; n must be positive."""
    value = (b - c) / n

    def score(delta: float) -> float:
        # At −1 and 1 the score is infinite; brentq needs numbers.
        return min(max(tango_score(b, c, n, delta), -1e9), 1e9)

    low = brentq(lambda delta: score(delta) - z, -1.0, value, xtol=1e-14) if value > -1 else -1.0
    high = brentq(lambda delta: score(delta) + z, value, 1.0, xtol=1e-14) if value < 1 else 1.0
    return around(low, high, value)


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


def bonett_price_difference(candidate: ArrayLike, baseline: ArrayLike) -> Estimate | Undefined:
    """Difference of two shares with Bonett and Price's adjusted Wald interval (2012).

    In closed form, from b + 1 and c + 1 of n + 2: for thousands of intervals at once, as in tables of slices.
    The interval is centred nearer to 0 than its value. Undefined without examples.
    """
    b, c, n = _discordant(candidate, baseline)
    if n == 0:
        return NO_PAIRS
    ours, theirs = (b + 1) / (n + 2), (c + 1) / (n + 2)
    centre = ours - theirs
    half = Z * math.sqrt((ours + theirs - centre**2) / (n + 2))
    value = (b - c) / n
    low, high = around(max(centre - half, -1.0), min(centre + half, 1.0), value)
    return Estimate(value, low, high, n, "Bonett–Price interval of a paired difference")


def conditional_odds_ratio(candidate: ArrayLike, baseline: ArrayLike) -> Estimate | Undefined:
    """How many examples were fixed for each one broken: b/c, with the transformed Wilson interval.

    The odds ratio given that the two sides differ: Wilson's limits l of b/(b + c) become l/(1 − l)
    (Fagerland, Lydersen & Laake 2014). `n` counts the discordant examples, the only ones that say anything.

    Undefined without discordant examples; and where c = 0, as the ratio is then infinite. The reason gives its
    lower limit.
    """
    b, c, n = _discordant(candidate, baseline)
    if n == 0:
        return NO_PAIRS
    if b + c == 0:
        return Undefined(f"both sides agree on all {n} examples: nothing was fixed or broken")
    low, high = wilson_limits(b, b + c)
    if c == 0:
        return Undefined(
            f"{b} examples were fixed and none broken: the ratio is infinite, its lower limit {low / (1 - low):.3g}"
        )
    limits = around(low / (1 - low), high / (1 - high), b / c)
    return Estimate(b / c, *limits, b + c, "transformed Wilson interval of a conditional odds ratio")

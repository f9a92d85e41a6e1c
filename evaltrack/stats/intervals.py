"""Intervals for one share, one mean, one quantile.

All are two-sided 95 % intervals of the population behind the sample, not of the sample's own values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import brentq

from evaltrack.stats.estimate import CONFIDENCE, Estimate, Undefined

# scipy.special and not scipy.stats: the same functions, fifty times faster for single numbers.
TAIL = (1 - CONFIDENCE) / 2
Z = float(special.ndtri(1 - TAIL))

# A quantile interval uses ranks on both sides of the quantile; with ten observations expected beyond it, the
# upper rank lies within the sample (10 > 1.96·√10).
BEYOND_QUANTILE = 10


def tail_of(confidence: float) -> float:
    """What a two-sided interval of this confidence leaves out on each side: 2.5 % of one of 95 %."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is a share between 0 and 1, not {confidence}")
    return TAIL if confidence == CONFIDENCE else (1 - confidence) / 2


def z_of(confidence: float) -> float:
    """How many standard errors an interval of this confidence reaches to each side."""
    return float(-special.ndtri(tail_of(confidence)))


def real_values(values: ArrayLike) -> NDArray[np.float64]:
    """The values as a vector of finite floats; ValueError for NaN, infinities and other shapes."""
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(f"expected one sequence of numbers, not an array of shape {vector.shape}")
    if not np.isfinite(vector).all():
        raise ValueError("values must be finite; leave missing ones out and count them")
    return vector


def count_of(successes: int, n: int) -> tuple[int, int]:
    """Checked counts; ValueError unless 0 <= successes <= n, both whole."""
    if successes != int(successes) or n != int(n) or not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no count of successes")
    return int(successes), int(n)


def all_equal(values: NDArray[np.float64], scale: float) -> bool:
    """Whether the values differ by rounding only, given the size of the numbers that they were computed from.

    0.3 - 0.1 and 0.4 - 0.2 differ in the last bit; a standard error made of such bits would look like
    certainty.
    """
    return bool(np.ptp(values) <= 8 * np.finfo(np.float64).eps * scale)


def wilson_limits(successes: int, n: int) -> tuple[float, float]:
    """Both limits of Wilson's score interval; n must be positive."""
    share = successes / n
    shrink = 1 + Z * Z / n
    centre = (share + Z * Z / (2 * n)) / shrink
    half = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / shrink
    # Rounding must not move the limits of 0/n and n/n off 0 and 1.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return low, high


def wilson(successes: int, n: int) -> Estimate | Undefined:
    """A share with Wilson's score interval (Wilson 1927); `n` counts independent observations.

    Undefined for n = 0.
    """
    successes, n = count_of(successes, n)
    if n == 0:
        return Undefined("there are no observations")
    low, high = wilson_limits(successes, n)
    return Estimate(successes / n, low, high, n, "Wilson score interval")


def clopper_pearson(successes: int, n: int) -> Estimate | Undefined:
    """A share with the interval of Clopper & Pearson (1934): at least 95 % for every share and n.

    For where a guarantee is demanded; wider than Wilson's, whose coverage is 95 % on average. Undefined for
    n = 0.
    """
    successes, n = count_of(successes, n)
    if n == 0:
        return Undefined("there are no observations")
    low = float(special.betaincinv(successes, n - successes + 1, TAIL)) if successes else 0.0
    high = float(special.betaincinv(successes + 1, n - successes, 1 - TAIL)) if successes < n else 1.0
    return Estimate(successes / n, low, high, n, "Clopper–Pearson exact interval")


def mid_p(successes: int, n: int) -> Estimate | Undefined:
    """A share with the mid-p interval, which counts half the probability of what was seen (Newcombe 1998a).

    Between Clopper and Pearson's, which is too wide, and Wilson's: about 95 % with the tails of the binomial
    distribution itself, so that both its limits err equally often. Undefined for n = 0.
    """
    successes, n = count_of(successes, n)
    if n == 0:
        return Undefined("there are no observations")

    def below(share: float) -> float:
        """P(X < successes) + ½P(X = successes)."""
        fewer = float(special.bdtr(successes - 1, n, share)) if successes else 0.0
        return (fewer + float(special.bdtr(successes, n, share))) / 2

    value = successes / n
    low = brentq(lambda share: below(share) - (1 - TAIL), 0.0, value, xtol=1e-14) if successes else 0.0
    high = brentq(lambda share: below(share) - TAIL, value, 1.0, xtol=1e-14) if successes < n else 1.0
    return Estimate(value, *around(low, high, value), n, "mid-p exact interval")


def jeffreys(successes: int, n: int) -> Estimate | Undefined:
    """A share with Jeffreys' interval: the tails of Beta(x + ½, n − x + ½) (Brown, Cai & DasGupta 2001).

    A posterior that serves as an interval, close to `mid_p`; 0 of n has the lower limit 0, n of n the upper limit 1.
    Undefined for n = 0.
    """
    successes, n = count_of(successes, n)
    if n == 0:
        return Undefined("there are no observations")
    a, b = successes + 0.5, n - successes + 0.5
    low = float(special.betaincinv(a, b, TAIL)) if successes else 0.0
    high = float(special.betaincinv(a, b, 1 - TAIL)) if successes < n else 1.0
    return Estimate(successes / n, *around(low, high, successes / n), n, "Jeffreys interval")


@dataclass(frozen=True, slots=True)
class Moments:
    """All that a mean and its interval need of values that may be gone; those of two windows add up.

    `squares` is the sum of squared deviations from the mean, 0 where all values are equal.
    """

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def __post_init__(self) -> None:
        if self.n < 0 or self.squares < 0 or not (math.isfinite(self.mean) and math.isfinite(self.squares)):
            raise ValueError("moments have a count and squares from 0 up, and a finite mean")

    @classmethod
    def of(cls, values: ArrayLike | Moments) -> Moments:
        if isinstance(values, Moments):
            return values
        vector = real_values(values)
        if len(vector) == 0:
            return cls()
        mean = float(vector.mean())
        alike = all_equal(vector, scale=float(np.abs(vector).max()))
        return cls(len(vector), mean, 0.0 if alike else float(np.square(vector - mean).sum()))

    def __add__(self, other: Moments) -> Moments:
        """Those of both together (Chan, Golub & LeVeque 1979)."""
        if not (self.n and other.n):
            return self if self.n else other
        n, apart = self.n + other.n, other.mean - self.mean
        between = apart**2 * self.n * other.n / n
        return Moments(n, self.mean + apart * other.n / n, self.squares + other.squares + between)

    @property
    def variance(self) -> float:
        """Divided by n − 1; 0 for fewer than two values."""
        return self.squares / (self.n - 1) if self.n > 1 else 0.0


def mean_t(values: ArrayLike | Moments) -> Estimate | Undefined:
    """A mean with Student's t interval, in the units of the values; values must be independent.

    Undefined without values. One value, or values that are all equal, give the mean without an interval:
    their spread is not known to be zero, it has not been seen.
    """
    of = Moments.of(values)
    method = "t interval of the mean"
    if of.n == 0:
        return Undefined("there are no values")
    if of.n == 1:
        return Estimate(of.mean, None, None, 1, method, "one value has no spread: 2 or more are needed")
    if of.squares == 0:
        reason = f"all {of.n} values are equal, so their spread is unknown"
        return Estimate(of.mean, None, None, of.n, method, reason)
    half = float(special.stdtrit(of.n - 1, 1 - TAIL)) * math.sqrt(of.variance / of.n)
    return Estimate(of.mean, of.mean - half, of.mean + half, of.n, method)


def examples_for_quantile(q: float) -> int:
    """How many observations a two-sided interval of the q-quantile needs: p50 20, p95 200, p99 1,000.

    The rule is n·min(q, 1 − q) ≥ 10: at least ten observations are expected beyond the quantile.
    """
    if not 0 < q < 1:
        raise ValueError(f"a quantile lies strictly between 0 and 1, not at {q}")
    # 10 / (1 - 0.9) is 100.00000000000003 in floats; the rule means 100.
    return math.ceil(BEYOND_QUANTILE / min(q, 1 - q) - 1e-6)


def quantile_ranks(n: int, q: float) -> tuple[int, int]:
    """Ranks (from 1) whose order statistics enclose the q-quantile with at least 95 % confidence.

    For any continuous distribution P(x₍l₎ ≤ quantile < x₍u₎) = P(l ≤ Bin(n, q) < u). The ranks are the
    closest ones with that probability at least 0.95 that lie symmetrically (to half a rank) about (n + 1)q,
    as tabulated by Hahn & Meeker 1991. Needs n >= examples_for_quantile(q).
    """
    middle = round(2 * (n + 1) * q)  # l + u
    # 1.96 standard deviations of Bin(n, q) hold 95 %, so no further place need be tried.
    furthest = max(0, (middle - 1) // 2 - math.ceil(4 * math.sqrt(n * q * (1 - q))) - 10)
    lower = np.arange((middle - 1) // 2, furthest, -1)
    upper = middle - lower
    below = special.bdtr(lower - 1, n, q)
    covered = special.bdtr(np.minimum(upper - 1, n), n, q) - below
    reached = int(np.argmax((covered >= CONFIDENCE) & (upper <= n)))
    return int(lower[reached]), int(upper[reached])


def quantile(values: ArrayLike, q: float) -> Estimate | Undefined:
    """The q-quantile (interpolated between neighbours) with its order-statistic interval.

    Distribution-free: nothing is assumed about the shape, so it serves latencies. Undefined without values;
    without an interval below `examples_for_quantile(q)` values, which the reason names.
    """
    vector = real_values(values)
    method = f"order-statistic interval of the {q:g}-quantile"
    needed = examples_for_quantile(q)
    n = len(vector)
    if n == 0:
        return Undefined("there are no values")
    value = float(np.quantile(vector, q))
    if n < needed:
        reason = f"{n} values do not support a two-sided interval of this quantile: {needed} are needed"
        return Estimate(value, None, None, n, method, reason)
    lower, upper = quantile_ranks(n, q)
    ordered = np.partition(vector, (lower - 1, upper - 1))
    return Estimate(value, *around(ordered[lower - 1], ordered[upper - 1], value), n, method)


def around(low: float, high: float, value: float) -> tuple[float, float]:
    """The limits, widened where needed so that the interval contains its own value.

    Rounding can leave a value one bit outside; percentiles of draws can miss it by more, when the draws are
    biased towards the middle. A reader who is shown both must not be shown a contradiction.
    """
    return min(float(low), value), max(float(high), value)


def percentile_limits(
    draws: NDArray[np.float64] | Sequence[float], value: float, tail: float = TAIL
) -> tuple[float, float]:
    """The percentiles of the draws at `tail` (2.5 %) on either side, widened to contain the value."""
    low, high = np.quantile(draws, (tail, 1 - tail))
    return around(low, high, value)

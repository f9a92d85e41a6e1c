"""What textbooks and other programs print, to compare with it. None of it is shown beside a result or decides one.

Wald's intervals are empty where nothing differs, corrections for continuity err on the safe side by more than they
need to, and Cohen's own standard error leaves out that the margins were estimated. Whoever has such a number from
elsewhere finds here the one that it is, from the same data.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from scipy.optimize import brentq

from evaltrack.stats.coefficients import LEAST_UNLIKE
from evaltrack.stats.estimate import Estimate, TestResult, Undefined
from evaltrack.stats.independent import EMPTY_SIDE, miettinen_nurminen_score
from evaltrack.stats.intervals import Z, around, count_of, wilson_limits
from evaltrack.stats.kappa import Weights, agreement_weights, kappas, table_counts
from evaltrack.stats.paired.examples import NO_PAIRS, paired_table
from evaltrack.stats.patterns import whole
from evaltrack.stats.resampling import one_label


def wilson_corrected(successes: int, n: int) -> Estimate | Undefined:
    """A share with Wilson's interval corrected for continuity (method 4 of Newcombe 1998a). Undefined for n = 0."""
    successes, n = count_of(successes, n)
    if n == 0:
        return Undefined("there are no observations")
    share = successes / n
    middle, double = 2 * n * share + Z * Z, 2 * (n + Z * Z)
    low = (middle - 1 - Z * math.sqrt(Z * Z - 2 - 1 / n + 4 * share * (n * (1 - share) + 1))) / double
    high = (middle + 1 + Z * math.sqrt(Z * Z + 2 - 1 / n + 4 * share * (n * (1 - share) - 1))) / double
    low, high = (low if successes else 0.0), (high if successes < n else 1.0)
    return Estimate(
        share, max(low, 0.0), min(high, 1.0), n, "Wilson score interval, corrected for continuity"
    )


def wald_independent(x1: int, n1: int, x2: int, n2: int) -> Estimate | Undefined:
    """Difference of two independent shares with Wald's interval. Undefined when a side is empty."""
    x1, n1 = count_of(x1, n1)
    x2, n2 = count_of(x2, n2)
    if not (n1 and n2):
        return EMPTY_SIDE
    p1, p2 = x1 / n1, x2 / n2
    half = Z * math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    return Estimate(p1 - p2, p1 - p2 - half, p1 - p2 + half, n1 + n2, "Wald interval of a difference")


def mee(x1: int, n1: int, x2: int, n2: int) -> Estimate | Undefined:
    """Difference of two independent shares with Mee's interval (1984): Miettinen and Nurminen's without N/(N − 1).

    Undefined when a side is empty.
    """
    x1, n1 = count_of(x1, n1)
    x2, n2 = count_of(x2, n2)
    if not (n1 and n2):
        return EMPTY_SIDE
    larger = math.sqrt((n1 + n2) / (n1 + n2 - 1))

    def score(delta: float) -> float:
        return miettinen_nurminen_score(x1, n1, x2, n2, delta) * larger

    value = (x1 * n2 - x2 * n1) / (n1 * n2)
    nearly = 1 - 1e-12
    low = brentq(lambda d: min(score(d), 1e3) - Z, -nearly, value) if value > -nearly else -1.0
    high = brentq(lambda d: max(score(d), -1e3) + Z, value, nearly) if value < nearly else 1.0
    return Estimate(value, *around(low, high, value), n1 + n2, "Mee score interval of a difference")


def wald_paired(candidate: ArrayLike, baseline: ArrayLike) -> Estimate | Undefined:
    """Difference of two shares on the same examples with Wald's interval. Undefined without examples."""
    _, b, c, _ = table = paired_table(candidate, baseline)
    return _wald(b, c, sum(table), "Wald interval of a paired difference", (b - c, sum(table)))


def agresti_min(candidate: ArrayLike, baseline: ArrayLike) -> Estimate | Undefined:
    """The same with half an example more in each cell (Agresti & Min 2005). Undefined without examples."""
    _, b, c, _ = table = paired_table(candidate, baseline)
    method = "Agresti–Min interval of a paired difference"
    return _wald(b + 0.5, c + 0.5, sum(table) + 2, method, (b - c, sum(table)))


def _wald(b: float, c: float, n: float, method: str, seen: tuple[int, int]) -> Estimate | Undefined:
    if not seen[1]:
        return NO_PAIRS
    centre, value = (b - c) / n, seen[0] / seen[1]
    half = Z * math.sqrt(b + c - (b - c) ** 2 / n) / n
    return Estimate(value, *around(centre - half, centre + half, value), seen[1], method)


def newcombe_uncorrected(candidate: ArrayLike, baseline: ArrayLike) -> Estimate | Undefined:
    """Difference of two shares on the same examples by method 8 of Newcombe 1998c: method 10 with φ as it is.

    Undefined without examples.
    """
    a, b, c, d = table = paired_table(candidate, baseline)
    n = sum(table)
    if n == 0:
        return NO_PAIRS
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    phi = (a * d - b * c) / math.sqrt(margins) if margins else 0.0
    p1, p2 = (a + b) / n, (a + c) / n
    (l1, u1), (l2, u2) = wilson_limits(a + b, n), wilson_limits(a + c, n)
    below = (p1 - l1) ** 2 - 2 * phi * (p1 - l1) * (u2 - p2) + (u2 - p2) ** 2
    above = (p2 - l2) ** 2 - 2 * phi * (p2 - l2) * (u1 - p1) + (u1 - p1) ** 2
    value = (b - c) / n
    limits = value - math.sqrt(max(below, 0.0)), value + math.sqrt(max(above, 0.0))
    return Estimate(value, *limits, n, "Newcombe score interval of a paired difference, method 8")


def mcnemar_corrected(candidate: ArrayLike, baseline: ArrayLike) -> TestResult | Undefined:
    """McNemar's χ² with one degree of freedom, corrected for continuity (Edwards 1948), as R prints it.

    Undefined without examples, and where no example was right on one side alone.
    """
    _, b, c, _ = table = paired_table(candidate, baseline)
    if not sum(table):
        return NO_PAIRS
    if b + c == 0:
        return Undefined("no example was right on one side alone")
    squared = max(abs(b - c) - 1, 0) ** 2 / (b + c)
    return TestResult(squared, float(special.chdtrc(1, squared)))


def cohens_error(table: ArrayLike) -> float | Undefined:
    """The standard error of kappa in Cohen 1960, √(p_o(1 − p_o)/n)/(1 − p_e); see `kappa.standard_errors`.

    Undefined without items, and where both raters used one and the same label.
    """
    counts = table_counts(table)
    n = float(counts.sum())
    if not n:
        return Undefined("there are no items rated by both")
    if math.isnan(float(kappas(counts))):
        return one_label(int(n), "items")
    observed = float(np.trace(counts)) / n
    by_chance = float(counts.sum(axis=1) @ counts.sum(axis=0)) / n**2
    return math.sqrt(observed * (1 - observed) / n) / (1 - by_chance)


def alpha_error(counts: ArrayLike, *, weights: Weights = None) -> float | Undefined:
    """Gwet's linearised standard error (2014) of Krippendorff's alpha; `counts` (units × labels), a row a unit.

    Undefined without two units that two people rated, and where only one label was used.
    """
    table = whole(counts, "counts of ratings")
    if table.ndim != 2:
        raise ValueError(f"ratings are counted in a table of units and labels, not of shape {table.shape}")
    c = table[table.sum(axis=1) >= 2].astype(np.float64)
    n, agreement = len(c), agreement_weights(weights, table.shape[1])
    if n < 2:
        return Undefined("a standard error needs two units that two people rated")
    size = c.sum(axis=1)
    mean, shares = size.mean(), c.sum(axis=0) / c.sum()
    expected = float(shares @ agreement @ shares)
    if expected >= 1 - LEAST_UNLIKE:
        return one_label(n, "units")
    agreed = ((c @ agreement * c).sum(axis=1) - size) / (mean * (size - 1))
    unequal = (size - mean) / mean
    # Alpha before its correction for few ratings, from which the errors are linearised.
    value = (agreed.mean() - expected) / (1 - expected)
    pull = c @ ((agreement + agreement.T) @ shares / 2) / mean - expected * unequal - expected
    influence = (agreed - agreed.mean() * unequal - expected - 2 * (1 - value) * pull) / (
        1 - expected
    ) - value
    return math.sqrt(float(influence @ influence) / (n * (n - 1)))

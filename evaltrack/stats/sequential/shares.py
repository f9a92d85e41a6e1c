"""Shares that are looked at after every observation: the Beta mixture (Robbins 1970; Howard et al. 2021).

Mₙ(p) = B(1 + x, 1 + n − x) / (pˣ (1 − p)ⁿ⁻ˣ) averages the likelihood ratio against p over a uniform prior. Under
p it is a nonnegative martingale that starts at 1, so the chance that it ever reaches 1/α is at most α (Ville
1939): for every n, with no approximation. The interval holds the p with Mₙ(p) < 1/α; 1/Mₙ(p) is a p-value. Both
need the counts only, whatever the order and the number of looks.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import brentq

from evaltrack.stats.estimate import CONFIDENCE, Estimate, TestResult, Undefined
from evaltrack.stats.independent import EMPTY_SIDE, constrained_shares
from evaltrack.stats.intervals import around, count_of

LOG_THRESHOLD = -math.log(1 - CONFIDENCE)


def log_beta_mixture(successes: ArrayLike, n: ArrayLike, p: ArrayLike) -> NDArray[np.float64]:
    """ln Mₙ(p), elementwise; infinite where p cannot have given the counts."""
    x, failures = np.asarray(successes), np.asarray(n) - np.asarray(successes)
    likelihood = special.xlogy(x, p) + special.xlog1py(failures, -np.asarray(p))
    evidence: NDArray[np.float64] = special.betaln(1 + x, 1 + failures) - likelihood
    return evidence


def p_from_evidence(log_evidence: float) -> TestResult:
    """The always-valid p-value min(1, 1/M), with M as its statistic in logarithms (Johari et al. 2022).

    The smallest one of all looks so far is valid too.
    """
    return TestResult(log_evidence, min(1.0, math.exp(-max(log_evidence, 0.0))))


def _lower_limit(successes: int, n: int) -> float:
    if successes == 0:
        return 0.0
    return float(
        brentq(lambda p: log_beta_mixture(successes, n, p) - LOG_THRESHOLD, 1e-300, successes / n, xtol=1e-15)
    )


def share_any_time(successes: int, n: int) -> Estimate | Undefined:
    """A share of independent 0/1 outcomes with a 95 % interval that holds at all n together.

    Undefined for n = 0.
    """
    successes, n = count_of(successes, n)
    if n == 0:
        return Undefined("there are no observations")
    value = successes / n
    limits = around(_lower_limit(successes, n), 1 - _lower_limit(n - successes, n), value)
    return Estimate(value, *limits, n, "Beta-mixture confidence sequence", kind="any-time")


def share_p_any_time(successes: int, n: int, null: float = 0.5) -> TestResult | Undefined:
    """Always-valid p-value of H0: the share is `null`; under 0.05 exactly when `share_any_time` excludes it.

    The statistic is ln Mₙ(null). Undefined for n = 0.
    """
    successes, n = count_of(successes, n)
    if not 0 < null < 1:
        raise ValueError(f"a share under test lies strictly between 0 and 1, not at {null}")
    if n == 0:
        return Undefined("there are no observations")
    return p_from_evidence(float(log_beta_mixture(successes, n, null)))


def share_difference_any_time(x1: int, n1: int, x2: int, n2: int) -> Estimate | Undefined:
    """Difference of two independent shares, x1 of n1 − x2 of n2, with an interval that holds at all n1 and n2.

    The product of both mixtures is a martingale under the true pair of shares, in whatever order outcomes
    arrive (one side may be complete before the other starts). The interval holds every difference for which
    some pair keeps that product under 1/α; the best pair is Miettinen and Nurminen's constrained maximum of the
    likelihood. Exact, and for that wider than an interval for one share: two shares are estimated.

    Undefined when a side is empty.
    """
    x1, n1 = count_of(x1, n1)
    x2, n2 = count_of(x2, n2)
    if not (n1 and n2):
        return EMPTY_SIDE

    def excess(delta: float) -> float:
        p1, p2 = constrained_shares(x1, n1, x2, n2, delta)
        evidence = log_beta_mixture((x1, x2), (n1, n2), np.clip((p1, p2), 0, 1)).sum()
        return min(float(evidence) - LOG_THRESHOLD, 1e9)  # brentq needs numbers

    value = (x1 * n2 - x2 * n1) / (n1 * n2)
    low = brentq(excess, -1.0, value, xtol=1e-14) if value > -1 else -1.0
    high = brentq(excess, value, 1.0, xtol=1e-14) if value < 1 else 1.0
    method = "Beta-mixture confidence sequence of a difference"
    return Estimate(value, *around(low, high, value), n1 + n2, method, kind="any-time")

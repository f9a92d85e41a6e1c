"""A mean of human labels, made more precise by a judge's labels of many more examples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import TAIL, all_equal, mean_t, real_values

FEWEST_LABELS = 50
FEWEST_DIFFERENCES = 5

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rectified:
    """What people would have said of all examples.

    `weight` is how much the judge counts, from 0 (not at all) to 1; `worth` how many human labels alone would
    have been as precise; `judged_only` how many examples no person has labelled.
    """

    estimate: Estimate
    weight: float
    worth: float
    judged_only: int


def rectified_mean(labels: ArrayLike, judged: ArrayLike, judged_only: ArrayLike) -> Rectified | Undefined:
    """The mean of human labels over all examples, by PPI++ (Angelopoulos, Duchi & Zrnic 2023).

    `labels` and `judged` are what people and the judge said of the same n examples, `judged_only` what the judge said
    of N others; all in one unit, one number per example: an outcome, a score, or the difference of two systems. The n
    must be drawn at random from all n + N (otherwise see `corrected_share`), and examples be independent. The judge
    may be as biased as it likes: what it gets wrong is measured on the n and taken off. `n` of the estimate counts
    human labels.

    With weight λ the mean is λ·mean(judged_only) + mean(labels − λ·judged); λ is tuned to the smallest variance
    and kept within 0 and 1. At λ = 0 the result is that of `mean_t`. The interval is Student's t with n − 1
    degrees of freedom. `worth` is n/(1 − ρ²·N/(n + N)), ρ the correlation of labels and judged.

    Where judge and people differ on fewer than 5 examples, how the judge errs has hardly been seen, and people's
    labels stand alone. Undefined without human labels; without an interval from fewer than 50 of them.
    """
    found = rectified_with_error(labels, judged, judged_only)
    return found if isinstance(found, Undefined) else found[0]


def rectified_with_error(
    labels: ArrayLike, judged: ArrayLike, judged_only: ArrayLike
) -> tuple[Rectified, float | None] | Undefined:
    """`rectified_mean` and its standard error, None where the spread is unknown."""
    truth, judge, others = real_values(labels), real_values(judged), real_values(judged_only)
    if len(truth) != len(judge):
        raise ValueError(f"{len(judge)} labels of the judge do not stand beside {len(truth)} of people")
    n = len(truth)
    weight, worth = 0.0, float(n)
    if n and np.count_nonzero(np.abs(truth - judge) > 1e-12) >= FEWEST_DIFFERENCES:
        weight = tuned_weight(truth, judge, others)
    if weight == 0:
        alone = mean_t(truth)
        if isinstance(alone, Undefined):
            return alone
        error = float(truth.std(ddof=1)) / math.sqrt(n) if alone.ci_low is not None else None
        return Rectified(needs_more(alone), weight, worth, len(others)), error
    value, error = weighted(truth, judge, others, weight)
    error *= math.sqrt(n / (n - 1))
    half = float(special.stdtrit(n - 1, 1 - TAIL)) * error
    rho = float(np.corrcoef(truth, judge)[0, 1])
    worth = n / (1 - rho**2 * len(others) / (n + len(others)))
    estimate = Estimate(value, value - half, value + half, n, "PPI++ t interval")
    return Rectified(needs_more(estimate), weight, worth, len(others)), error


def needs_more(estimate: Estimate) -> Estimate:
    """The estimate, without its interval where too few people have labelled."""
    if estimate.n >= FEWEST_LABELS or estimate.ci_undefined:
        return estimate
    reason = (
        f"{estimate.n} human labels do not support an interval beside a judge: {FEWEST_LABELS} are needed"
    )
    return Estimate(estimate.value, None, None, estimate.n, estimate.method, reason)


def tuned_weight(truth: Vector, judge: Vector, others: Vector) -> float:
    """λ = Cov(Y, f) / ((1 + n/N)·Var f), within 0 and 1; 0 where the judge says the same of everything."""
    everything = np.concatenate([judge, others])
    if len(truth) < 2 or len(others) == 0 or all_equal(everything, scale=float(np.abs(everything).max())):
        return 0.0
    # Over n and not n − 1, as in the formula's source; the variance is that of everything the judge has seen.
    covariance = float(((truth - truth.mean()) * (judge - judge.mean())).mean())
    ratio = covariance / ((1 + len(truth) / len(others)) * float(everything.var(ddof=1)))
    return min(max(ratio, 0.0), 1.0)


def weighted(truth: Vector, judge: Vector, others: Vector, weight: float) -> tuple[float, float]:
    """Value and standard error of the mean for one λ: SE² = λ²·Var(f_N)/N + Var(Y − λf)/n."""
    rest = truth - weight * judge
    value = weight * float(others.mean()) + float(rest.mean())
    return value, math.sqrt(weight**2 * float(others.var()) / len(others) + float(rest.var()) / len(truth))

"""What a change did to live traffic: the difference between two arms, with what was known before subtracted.

The unit is who or what was randomised (usually a user): one value each, however many requests they made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.independent import EMPTY_SIDE
from evaltrack.stats.intervals import all_equal, real_values
from evaltrack.stats.sequential.asymptotic import FEWEST, METHOD, linear_any_time


@dataclass(frozen=True, slots=True)
class Arm:
    """All that the effect needs to know of an arm: moments of the metric, and of what was measured before.

    Variances and the covariance divide by n − 1; they are 0 where n < 2 or all values are equal.
    """

    n: int
    mean: float
    variance: float
    before_mean: float = 0.0
    before_variance: float = 0.0
    covariance: float = 0.0

    def __post_init__(self) -> None:
        moments = self.mean, self.variance, self.before_mean, self.before_variance, self.covariance
        if self.n < 0 or min(self.variance, self.before_variance) < 0 or not all(map(math.isfinite, moments)):
            raise ValueError("an arm has a size and variances from 0 up, and finite moments")

    @classmethod
    def of(cls, values: ArrayLike, before: ArrayLike | None = None) -> Arm:
        """The moments of one value per unit, and of one value per unit from before its exposure."""
        y = real_values(values)
        x = np.zeros_like(y) if before is None else real_values(before)
        if len(x) != len(y):
            raise ValueError(f"{len(x)} values from before do not pair with {len(y)} values")
        if len(y) == 0:
            return cls(0, 0.0, 0.0)
        centred = [v * 0 if all_equal(v, float(np.abs(v).max())) else v - v.mean() for v in (y, x)]
        (yy, xy), (_, xx) = np.inner(centred, centred) / max(len(y) - 1, 1)
        return cls(len(y), float(y.mean()), float(yy), float(x.mean()), float(xx), float(xy))

    def adjusted(self, theta: float) -> Arm:
        """The moments of y − θx."""
        variance = self.variance - 2 * theta * self.covariance + theta**2 * self.before_variance
        return Arm(self.n, self.mean - theta * self.before_mean, max(variance, 0.0))


def effect_any_time(treated: Arm, control: Arm, *, planned: int) -> Estimate | Undefined:
    """Difference of means, treated − control, with a 95 % interval that holds at all looks together.

    The asymptotic confidence sequence with the units of both arms, n = n₁ + n₂, as one stream: the influences
    have the variance n(s₁²/n₁ + s₂²/n₂). Both arms must fill side by side; against a window that was complete
    before, use `share_difference_any_time`. `planned` is the number of units of both arms at which the interval
    is to be narrowest, fixed before the first look.

    Undefined when an arm is empty. Without an interval while an arm has fewer than 50 units, and where no arm
    has any spread.
    """
    if not (treated.n and control.n):
        return EMPTY_SIDE
    return _effect(treated, control, planned, METHOD)


def _variance(treated: Arm, control: Arm) -> float:
    return treated.variance / treated.n + control.variance / control.n


def _effect(treated: Arm, control: Arm, planned: int, method: str) -> Estimate:
    n, smaller = treated.n + control.n, min(treated.n, control.n)
    value = treated.mean - control.mean
    if smaller < FEWEST:
        reason = f"{smaller} units in an arm do not support an any-time interval: {FEWEST} are needed in each"
        return Estimate(value, None, None, n, method, reason, kind="any-time")
    spread = math.sqrt(n * _variance(treated, control))
    return linear_any_time(value, spread, n, planned=planned, method=method)


@dataclass(frozen=True, slots=True)
class Adjusted:
    """An effect adjusted for what was measured before exposure, beside the unadjusted one.

    `variance_reduction` is the share of the effect's variance that the adjustment removed: about ρ², ρ the
    correlation of metric and covariate. The same precision then takes 1 − ρ² of the units.
    """

    effect: Estimate
    unadjusted: Estimate
    theta: float
    variance_reduction: float


def cuped(treated: Arm, control: Arm, *, planned: int) -> Adjusted | Undefined:
    """The effect on y − θx, with x measured before exposure (CUPED: Deng et al. 2013).

    θ = Cov(x, y)/Var(x), pooled within both arms, is the slope of a regression of y on arm and x. As assignment
    was random, x differs between the arms by chance alone, so subtracting it moves no expectation. Whatever the
    change could influence must not be in x.

    Undefined when an arm is empty, and where x or y does not vary.
    """
    if not (treated.n and control.n):
        return EMPTY_SIDE
    squares = (treated.n - 1) * treated.before_variance + (control.n - 1) * control.before_variance
    if squares == 0:
        return Undefined("what was measured before does not vary, so there is nothing to adjust for")
    if _variance(treated, control) == 0:
        return Undefined("the metric does not vary, so there is nothing to adjust")
    theta = ((treated.n - 1) * treated.covariance + (control.n - 1) * control.covariance) / squares
    ours, theirs = treated.adjusted(theta), control.adjusted(theta)
    return Adjusted(
        effect=_effect(ours, theirs, planned, f"{METHOD}, CUPED"),
        unadjusted=_effect(treated, control, planned, METHOD),
        theta=theta,
        variance_reduction=1 - _variance(ours, theirs) / _variance(treated, control),
    )

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.independent import welch_difference
from evaltrack.stats.monitoring import Arm, cuped, effect_any_time

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=40)


def arms(seed, n1=200, n2=300, rho=0.8, effect=0.1):
    """Two arms whose metric correlates with what was measured before by rho."""
    rng = np.random.default_rng(seed)
    before = rng.normal(5, 1, size=n1 + n2)
    metric = rho * before + math.sqrt(1 - rho**2) * rng.normal(size=n1 + n2)
    metric[:n1] += effect
    return metric[:n1], before[:n1], metric[n1:], before[n1:]


@repeatable
@given(st.integers(0, 10**6), st.integers(50, 400), st.integers(50, 400))
def test_the_any_time_interval_contains_welch_s_and_is_mirrored(seed, n1, n2):
    y1, _, y2, _ = arms(seed, n1, n2)
    there = effect_any_time(Arm.of(y1), Arm.of(y2), planned=500)
    back = effect_any_time(Arm.of(y2), Arm.of(y1), planned=500)
    once = welch_difference(y1, y2)
    assert there.value == approx(once.value)
    assert there.ci_low < once.ci_low < once.ci_high < there.ci_high
    assert (there.ci_low, there.ci_high) == (-back.ci_high, -back.ci_low)
    assert (there.kind, there.n) == ("any-time", n1 + n2)


@repeatable
@given(st.integers(0, 10**6), st.floats(-0.9, 0.9))
def test_the_adjusted_effect_is_the_coefficient_of_a_regression_on_arm_and_covariate(seed, rho):
    y1, x1, y2, x2 = arms(seed, rho=rho)
    found = cuped(Arm.of(y1, x1), Arm.of(y2, x2), planned=500)
    design = np.column_stack((np.ones(500), np.repeat([1.0, 0.0], (200, 300)), np.concatenate((x1, x2))))
    _, effect, slope = OLS(np.concatenate((y1, y2)), design).fit().params
    assert found.theta == approx(slope, abs=1e-9)
    # θ is pooled within the arms, as the regression's slope is; so the effects are equal, not just alike.
    assert found.effect.value == approx(effect, abs=1e-9)
    assert found.unadjusted.value == approx(y1.mean() - y2.mean())


def test_the_variance_falls_by_the_squared_correlation():
    """Deng et al. 2013: Var(Y − θX) = Var(Y)(1 − ρ²)."""
    y1, x1, y2, x2 = arms(1, 40_000, 40_000, rho=0.8)
    found = cuped(Arm.of(y1, x1), Arm.of(y2, x2), planned=80_000)
    assert found.variance_reduction == approx(0.64, abs=0.01)
    widths = [each.ci_high - each.ci_low for each in (found.effect, found.unadjusted)]
    assert widths[0] / widths[1] == approx(math.sqrt(1 - found.variance_reduction))


def test_moments_of_values_stay_moments_after_an_adjustment():
    y1, x1, _, _ = arms(2)
    adjusted, direct = Arm.of(y1, x1).adjusted(0.7), Arm.of(y1 - 0.7 * x1)
    assert (adjusted.mean, adjusted.variance) == approx((direct.mean, direct.variance))


def test_degenerate_and_malformed_arms():
    some = Arm.of(np.arange(60.0), np.arange(60.0) % 7)
    assert effect_any_time(Arm.of([]), some, planned=100) == Undefined("one side has no examples")
    assert cuped(some, Arm.of([]), planned=100) == Undefined("one side has no examples")
    few = effect_any_time(Arm.of([1.0]), some, planned=100)
    assert "1 units in an arm" in few.ci_undefined
    flat = Arm.of([0.1 + 0.2] * 60)
    assert "spread is unknown" in effect_any_time(flat, flat, planned=100).ci_undefined
    assert "nothing to adjust for" in cuped(flat, Arm.of(np.arange(60.0)), planned=100).reason
    constant = Arm.of([1.0] * 60, np.arange(60.0))
    assert "the metric does not vary" in cuped(constant, constant, planned=100).reason
    for call in (
        lambda: Arm.of([1.0, math.nan]),
        lambda: Arm.of([1.0, 2.0], [1.0]),
        lambda: Arm(3, 0.0, -1.0),
        lambda: Arm(3, math.inf, 1.0),
        lambda: effect_any_time(some, some, planned=0),
    ):
        with pytest.raises(ValueError):
            call()

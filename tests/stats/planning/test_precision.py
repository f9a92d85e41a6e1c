import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.kappa import standard_errors
from evaltrack.stats.planning import KappaPrecision

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)


@pytest.mark.parametrize(("prevalence", "items"), [(0.5, 246), (0.3, 296), (0.1, 705)])
def test_items_for_a_tenth_to_either_side_of_0_6(prevalence, items):
    assert KappaPrecision(0.6, prevalence).needed(0.1) == items


@repeatable
@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95), st.floats(0.01, 0.3))
def test_the_width_of_the_items_needed_is_the_one_asked_for(kappa, prevalence, half_width):
    plan = KappaPrecision(kappa, prevalence)
    n = plan.needed(half_width)
    assert plan.half_width(n) <= half_width * (1 + 1e-9)
    assert n == 1 or plan.half_width(n - 1) > half_width * (1 - 1e-9)
    assert plan.variance == approx(KappaPrecision(kappa, 1 - prevalence).variance)


@pytest.mark.parametrize(("kappa", "prevalence"), [(0.6, 0.5), (0.3, 0.2), (0.0, 0.1)])
def test_it_is_the_standard_error_of_the_table_that_was_assumed(kappa, prevalence):
    pi = np.array([prevalence, 1 - prevalence])
    table = np.rint(1_000_000 * (kappa * np.diag(pi) + (1 - kappa) * np.outer(pi, pi)))
    error = standard_errors(table).kappa
    assert KappaPrecision(kappa, prevalence).half_width(1_000_000) / 1.959964 == approx(error, rel=1e-3)


@pytest.mark.parametrize(
    ("impossible", "problem"),
    [
        (lambda: KappaPrecision(1.0, 0.5), "a kappa to plan for"),
        (lambda: KappaPrecision(math.nan, 0.5), "a kappa to plan for"),
        (lambda: KappaPrecision(0.6, 1.0), "prevalence of a label is a share"),
        (lambda: KappaPrecision(0.6, 0.5, level=1.0), "the level is a share"),
        (lambda: KappaPrecision(-0.9, 0.05), "have no kappa of -0.9"),
        (lambda: KappaPrecision(0.6, 0.5).needed(0.0), "above 0"),
        (lambda: KappaPrecision(0.6, 0.5).half_width(0), "needs an item"),
    ],
)
def test_impossible_plans_are_refused(impossible, problem):
    with pytest.raises(ValueError, match=problem):
        impossible()

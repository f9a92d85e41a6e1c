import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.paired import mcnemar_mid_p, tango_score
from evaltrack.stats.power import (
    detectable_difference_paired_binary,
    detectable_difference_paired_mean,
    examples_needed_paired_binary,
    examples_needed_paired_mean,
)

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)


def likely(distribution):
    return range(int(distribution.ppf(1e-9)), int(distribution.ppf(1 - 1e-9)) + 1)


def test_connor_1987_plans_for_two_points_and_for_five():
    assert examples_needed_paired_binary(0.06, 0.02) == 1175
    assert examples_needed_paired_binary(0.10, 0.05) == 312
    assert examples_needed_paired_binary(0.04, 0.02) == 783
    assert examples_needed_paired_binary(0.10, 0.02) == 1960


def test_the_plan_of_312_has_the_promised_power_with_mid_p():
    """Exact enumeration: 312 examples, 7.5 % candidate only, 2.5 % baseline only."""
    discordant, power = stats.binom(312, 0.10), 0.0
    for k in likely(discordant):
        for b in range(k + 1):
            if mcnemar_mid_p([1] * b + [0] * (k - b) + [0], [0] * b + [1] * (k - b) + [0]).p_value < 0.05:
                power += discordant.pmf(k) * stats.binom.pmf(b, k, 0.75)
    assert power == approx(0.8101, abs=5e-5)


@pytest.mark.parametrize(
    ("discordant", "delta", "margin"), [(0.10, 0.0, 0.05), (0.20, 0.02, 0.05), (0.30, -0.10, 0.02)]
)
def test_a_plan_with_a_margin_settles_four_times_out_of_five(discordant, delta, margin):
    """Exact enumeration of Tango's test at −margin, on the side of it where delta lies."""
    n = examples_needed_paired_binary(discordant, delta, margin)
    side = 1 if delta > -margin else -1
    only_candidate = (discordant + delta) / 2 / discordant
    power = 0.0
    pairs = stats.binom(n, discordant)
    for k in likely(pairs):
        for b in range(k + 1):
            if side * tango_score(b, k - b, n, -margin) > 1.959964:
                power += pairs.pmf(k) * stats.binom.pmf(b, k, only_candidate)
    assert power == approx(0.8, abs=0.04)


def test_miller_2024_plans_969_questions_for_three_points():
    assert examples_needed_paired_mean(math.sqrt(1 / 9), 0.03) == 969


def test_a_margin_moves_the_null_and_more_power_costs_more():
    assert examples_needed_paired_mean(1.0, 0.0, 0.1) == examples_needed_paired_mean(1.0, 0.1)
    assert examples_needed_paired_mean(1.0, -0.3, 0.1) == examples_needed_paired_mean(1.0, 0.2)
    assert examples_needed_paired_mean(1.0, 0.1, power=0.9) > examples_needed_paired_mean(1.0, 0.1)
    assert examples_needed_paired_binary(0.1, 0.05, level=0.01) > 312


def test_a_difference_on_the_limit_is_never_settled():
    assert "no number of examples" in examples_needed_paired_binary(0.1, -0.02, 0.02).reason
    assert "no number of examples" in examples_needed_paired_binary(0.1, 0.0).reason
    assert "no number of examples" in examples_needed_paired_mean(1.0, -0.02, 0.02).reason


def test_no_discordance_and_no_spread():
    # Tango's lower limit of 0 differences in n is −z²/(n + z²): above −0.02 from n = z²·0.98/0.02 = 188.2 on
    assert examples_needed_paired_binary(0.0, 0.0, 0.02) == 189
    assert isinstance(examples_needed_paired_mean(0.0, 0.1), Undefined)
    assert isinstance(detectable_difference_paired_mean(0.0, 10), Undefined)
    assert isinstance(detectable_difference_paired_binary(0.0, 10), Undefined)
    assert isinstance(detectable_difference_paired_binary(0.01, 50), Undefined)


@repeatable
@given(st.floats(0.01, 1), st.floats(0.05, 0.95))
def test_the_detectable_difference_is_the_plan_read_backwards(discordant, part):
    delta = discordant * part
    n = examples_needed_paired_binary(discordant, delta)
    assert detectable_difference_paired_binary(discordant, n) <= delta * (1 + 1e-9)
    if n > 20:
        fewer = detectable_difference_paired_binary(discordant, n - 1)
        assert isinstance(fewer, Undefined) or fewer > delta * (1 - 1e-9)


@repeatable
@given(st.floats(0.01, 100), st.integers(2, 10_000))
def test_the_detectable_mean_difference_needs_as_many_examples(sd, n):
    difference = detectable_difference_paired_mean(sd, n)
    assert examples_needed_paired_mean(sd, difference) in (n, n + 1)
    assert difference == approx((1.959964 + 0.841621) * sd / math.sqrt(n), rel=1e-5)


@pytest.mark.parametrize(
    ("plan", "arguments"),
    [
        (examples_needed_paired_binary, (1.2, 0.1)),
        (examples_needed_paired_binary, (0.1, 0.2)),
        (examples_needed_paired_binary, (0.1, 0.05, -0.1)),
        (examples_needed_paired_binary, (math.nan, 0.0)),
        (examples_needed_paired_mean, (-1.0, 0.2)),
        (examples_needed_paired_mean, (1.0, math.inf)),
        (detectable_difference_paired_binary, (0.1, 0)),
        (detectable_difference_paired_mean, (1.0, 0)),
    ],
)
def test_impossible_plans_are_refused(plan, arguments):
    with pytest.raises(ValueError):
        plan(*arguments)
    with pytest.raises(ValueError):
        examples_needed_paired_mean(1.0, 0.1, power=1.0)

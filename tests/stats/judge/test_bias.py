"""The judge's bias, by stratum and system: signs, scales, and intervals that few errors do not fool."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import mean_t, wilson_limits
from evaltrack.stats.judge import bias_by_stratum, favour, judge_bias
from evaltrack.stats.judge.bias import mean_of_units, mean_within
from evaltrack.stats.paired import mean_difference_t, tango_difference

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=60)
binary = st.lists(st.tuples(*[st.integers(0, 1)] * 4), min_size=1, max_size=60)


def test_binary_labels_have_tangos_interval_even_where_the_judge_never_errs():
    truth = np.array([1, 0] * 60)
    never = judge_bias(truth, truth)
    assert (never.value, never.n) == (0, 120)
    assert -0.05 < never.ci_low < 0 < never.ci_high < 0.05
    judged = truth.copy()
    judged[:20:2] = 0
    assert judge_bias(truth, judged) == tango_difference(judged, truth)


def test_scores_on_a_scale():
    rng = np.random.default_rng(1)
    truth = rng.integers(1, 6, size=80)
    judged = np.clip(truth + rng.integers(-1, 2, size=80), 1, 5)
    shown = judge_bias(truth, judged, scale=(1, 5))
    plain = mean_difference_t(judged, truth)
    assert (shown.value, shown.ci_low, shown.ci_high) == approx((plain.value, plain.ci_low, plain.ci_high))
    two = judge_bias([1, 5, 1, 5], [1, 5, 5, 5], scale=(1, 5))
    half = judge_bias([0, 1, 0, 1], [0, 1, 1, 1])
    assert (two.value, two.ci_high) == approx((4 * half.value, 4 * half.ci_high))
    with pytest.raises(ValueError, match="name another scale"):
        judge_bias(truth, judged)
    with pytest.raises(ValueError, match="lowest and a highest"):
        judge_bias(truth, judged, scale=(5, 1))
    with pytest.raises(ValueError, match="do not stand beside"):
        judge_bias([1], [0, 1])


def test_few_deviations_leave_room():
    x = [0.0] * 99 + [1.0]
    shown = mean_within(x, -1, 1)
    assert shown.value == 0.01
    assert shown.ci_high == approx(wilson_limits(1, 100)[1]) == -shown.ci_low
    # Student's t would be sure that no more than 3 in 100 deviate.
    assert mean_t(x).ci_high < 0.03 < 0.054 < shown.ci_high
    five = [0.0] * 95 + [1.0] * 5
    assert (mean_within(five, -1, 1).ci_low, mean_within(five, -1, 1).ci_high) == approx(
        (mean_t(five).ci_low, mean_t(five).ci_high)
    )
    assert mean_within([1.0] * 5 + [0.99] * 5 + [0.2] * 2, 0, 1).ci_high == 1
    assert mean_within([], 0, 1) == Undefined("there are no examples")
    with pytest.raises(ValueError, match="lie between 0 and 1"):
        mean_within([2.0], 0, 1)


@repeatable
@given(binary)
def test_exchanging_the_systems_or_people_and_judge_negates(rows):
    truth, judged, other_truth, other_judged = np.array(rows).T
    for paired in (True, False):
        here = favour(truth, judged, other_truth, other_judged, paired=paired)
        there = favour(other_truth, other_judged, truth, judged, paired=paired)
        swapped = favour(judged, truth, other_judged, other_truth, paired=paired)
        for each in (there, swapped):
            assert (each.value, each.ci_low, each.ci_high) == approx(
                (-here.value, -here.ci_high, -here.ci_low), abs=1e-9
            )
    assert here.value == approx(judge_bias(truth, judged).value - judge_bias(other_truth, other_judged).value)


def test_a_judge_that_likes_one_system_is_found_though_it_is_right_on_average():
    rng = np.random.default_rng(2)
    truth, other_truth = (rng.random((2, 400)) < 0.6).astype(int)
    judged = np.where(rng.random(400) < 0.1, 1, truth)
    other_judged = np.where(rng.random(400) < 0.07, 0, other_truth)
    together = judge_bias(np.r_[truth, other_truth], np.r_[judged, other_judged])
    assert abs(together.value) < 0.02
    for paired in (True, False):
        assert favour(truth, judged, other_truth, other_judged, paired=paired).ci_low > 0.02
    strata = bias_by_stratum(
        np.r_[truth, other_truth], np.r_[judged, other_judged], ["a"] * 400 + ["b"] * 400
    )
    assert [each.stratum for each in strata] == ["a", "b"]
    assert strata[0].bias.ci_low > 0 > strata[1].bias.ci_high
    assert strata[0].apart.value == approx(-strata[1].apart.value)
    assert strata[0].adjusted == strata[1].adjusted < 1e-4


def test_favour_needs_pairs_only_where_it_pairs():
    with pytest.raises(ValueError, match="do not pair"):
        favour([1, 0], [1, 0], [1], [1])
    assert favour([1, 0], [1, 0], [1], [1], paired=False).value == 0
    assert favour([], [], [1], [1], paired=False) == Undefined("there are no examples")
    assert isinstance(favour([1], [1], [], [], paired=False), Undefined)
    assert isinstance(favour([], [], [], []), Undefined)


def test_strata_too_small_for_an_interval():
    truth, judged = [1, 0] * 15, [1, 1] * 15
    long, short = bias_by_stratum(truth, judged, ["long"] * 21 + ["short"] * 9)
    assert short.bias.value == approx(4 / 9, abs=0.12)
    assert short.bias.ci_undefined == "9 examples do not support an interval: 10 are needed"
    assert (short.adjusted, isinstance(short.apart, Undefined)) == (None, True)
    assert long.adjusted is not None
    assert short.as_json()["adjusted"] is None
    assert long.as_json()["stratum"] == "long"
    # One stratum has no elsewhere.
    assert isinstance(bias_by_stratum(truth, judged, ["all"] * 30)[0].apart, Undefined)
    with pytest.raises(ValueError, match="1 strata"):
        bias_by_stratum(truth, judged, ["all"])


def test_values_of_one_unit_are_not_as_many_independent_ones():
    rng = np.random.default_rng(3)
    own = rng.choice([-1.0, 0.0, 0.0, 1.0], size=30)
    values, units = np.repeat(own, 4), np.repeat(np.arange(30), 4)
    shown, alone = mean_of_units(values, units.tolist(), -2, 2), mean_within(own, -2, 2)
    assert (shown.value, shown.n, shown.clusters) == (approx(values.mean()), 120, 30)
    # The limits are those of 30 values, twice as wide as those of 120.
    assert (shown.ci_low, shown.ci_high) == approx((alone.ci_low, alone.ci_high))
    assert mean_of_units(own, list(range(30)), -2, 2) == alone
    with pytest.raises(ValueError, match="do not stand beside"):
        mean_of_units(own, [1], -2, 2)


def test_units_never_make_an_interval_narrower():
    """Halves that cancel within each unit: over the means of units there is no spread at all."""
    values = [-1.0, 1.0] * 60
    shown = mean_of_units(values, np.repeat(np.arange(60), 2).tolist(), -2, 2)
    alone = mean_within(values, -2, 2)
    assert shown.ci_low <= alone.ci_low
    assert shown.ci_high >= alone.ci_high

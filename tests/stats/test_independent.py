import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize_scalar
from statsmodels.stats.proportion import proportions_ztest

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.independent import (
    miettinen_nurminen,
    miettinen_nurminen_score,
    newcombe_independent,
    p_above,
    p_below,
    two_proportion_z,
    welch_difference,
    welch_t,
)

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
counts = st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
scores = st.lists(st.floats(-100, 100), min_size=3, max_size=30)

SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def limits(estimate):
    return estimate.ci_low, estimate.ci_high


def test_score_intervals_match_newcombe_1998b():
    hybrid, score = newcombe_independent(56, 70, 48, 80), miettinen_nurminen(56, 70, 48, 80)
    assert hybrid.value == score.value == 0.2
    assert limits(hybrid) == (approx(0.0524, abs=5e-5), approx(0.3339, abs=5e-5))
    assert limits(score) == (approx(0.0528, abs=5e-5), approx(0.3382, abs=5e-5))


def test_newcombe_independent_interval_of_84_against_80_per_cent():
    assert limits(newcombe_independent(420, 500, 400, 500)) == approx((-0.0077, 0.0876), abs=5e-5)


@repeatable
@given(counts, counts)
def test_two_proportion_z_agrees_with_statsmodels(ours, theirs):
    assume(0 < ours[0] + theirs[0] < ours[1] + theirs[1])
    z, p = proportions_ztest([ours[0], theirs[0]], [ours[1], theirs[1]])
    result = two_proportion_z(*ours, *theirs)
    assert (result.statistic, result.p_value) == approx((z, p), abs=1e-12)


def constrained_score(x1, n1, x2, n2, delta):
    """The score from the constrained maximum found numerically, without the cubic."""

    def minus_log_likelihood(p2):
        shares = np.array([p2 + delta, 1 - p2 - delta, p2, 1 - p2])
        return -float(np.array([x1, n1 - x1, x2, n2 - x2]) @ np.log(np.maximum(shares, 1e-300)))

    edges = max(0.0, -delta), min(1.0, 1 - delta)
    p2 = minimize_scalar(minus_log_likelihood, bounds=edges, method="bounded", options={"xatol": 1e-12}).x
    p1, n = p2 + delta, n1 + n2
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * n / (n - 1)
    return (x1 / n1 - x2 / n2 - delta) / math.sqrt(variance)


@pytest.mark.parametrize("table", [(56, 70, 48, 80), (9, 10, 3, 10), (1, 29, 15, 148), (10, 10, 0, 20)])
@pytest.mark.parametrize("delta", [-0.6, -0.1, 0.0, 0.05, 0.4])
def test_miettinen_nurminen_score_agrees_with_a_numerical_maximum_of_the_likelihood(table, delta):
    ours = miettinen_nurminen_score(*table, delta)
    assert ours == approx(constrained_score(*table, delta), rel=1e-4, abs=1e-6)


@repeatable
@given(counts, counts)
def test_exchanging_the_systems_mirrors_the_intervals(ours, theirs):
    for difference in (newcombe_independent, miettinen_nurminen):
        there, back = difference(*ours, *theirs), difference(*theirs, *ours)
        assert there.value == -back.value
        assert limits(there) == approx((-back.ci_high, -back.ci_low), abs=1e-7)
        assert -1 <= there.ci_low < there.ci_high <= 1


def test_student_s_sleep_data_as_if_unpaired():
    test, difference = welch_t(SLEEP_1, SLEEP_2), welch_difference(SLEEP_1, SLEEP_2)
    assert (test.statistic, test.p_value) == (approx(-1.8608, abs=5e-5), approx(0.07939, abs=5e-6))
    assert limits(difference) == approx((-3.3655, 0.2055), abs=5e-5)


@repeatable
@given(scores, scores)
def test_welch_agrees_with_scipy(ours, theirs):
    assume(np.ptp(ours) > 1e-3 and np.ptp(theirs) > 1e-3)
    oracle = stats.ttest_ind(ours, theirs, equal_var=False)
    test, difference = welch_t(ours, theirs), welch_difference(ours, theirs)
    assert (test.statistic, test.p_value) == approx((oracle.statistic, oracle.pvalue), rel=1e-7, abs=1e-12)
    interval = oracle.confidence_interval()
    assert limits(difference) == approx((interval.low, interval.high))


def test_degenerate_samples_are_answered_in_words():
    for statistic in (two_proportion_z, newcombe_independent, miettinen_nurminen):
        assert statistic(0, 0, 1, 2) == Undefined("one side has no examples")
    assert two_proportion_z(5, 5, 7, 7) == Undefined("all 12 outcomes are the same, so z is 0/0")
    assert two_proportion_z(0, 5, 0, 7).reason.startswith("all 12 outcomes")
    # With all right on both sides the score is −δ / √(δ(1 − δ)/5 · 10/9), which is solved by hand.
    odds = stats.norm.ppf(0.975) ** 2 / 5 * 10 / 9
    assert limits(miettinen_nurminen(5, 5, 5, 5)) == approx((-odds / (1 + odds), odds / (1 + odds)))
    assert miettinen_nurminen(1, 1, 0, 1).ci_high == 1
    assert isinstance(welch_difference([], [1.0]), Undefined)
    assert isinstance(welch_t([1.0], [1.0, 2.0]), Undefined)
    assert welch_difference([1.0], [1.0, 2.0]).value == -0.5
    assert "2 or more" in welch_difference([1.0], [1.0, 2.0]).ci_undefined
    assert "spread is unknown" in welch_difference([1.0, 1.0], [2.0, 2.0]).ci_undefined
    assert welch_difference([1.0, 1.0], [2.0, 2.5]).ci_undefined is None
    assert isinstance(p_below([], [1], 0.1), Undefined)
    assert isinstance(p_below([0.5, 0.5], [0.2, 0.2], 0.1), Undefined)


def test_malformed_input_is_refused():
    for statistic in (two_proportion_z, newcombe_independent, miettinen_nurminen):
        with pytest.raises(ValueError):
            statistic(3, 2, 1, 2)
    with pytest.raises(ValueError):
        welch_t([1.0, math.nan], [1.0, 2.0])
    for margin in (-0.1, math.nan):
        with pytest.raises(ValueError):
            p_below([1, 0], [0, 0], margin)


@repeatable
@given(counts, counts, st.floats(0, 0.5))
def test_one_sided_p_agrees_with_the_interval_for_outcomes(ours, theirs, margin):
    candidate = [1] * ours[0] + [0] * (ours[1] - ours[0])
    baseline = [1] * theirs[0] + [0] * (theirs[1] - theirs[0])
    difference = miettinen_nurminen(*ours, *theirs)
    below, above = p_below(candidate, baseline, margin).p_value, p_above(candidate, baseline, margin).p_value
    assume(min(abs(below - 0.025), abs(above - 0.025)) > 1e-9)
    assert (below < 0.025) == (difference.ci_high < -margin)
    assert (above < 0.025) == (difference.ci_low > -margin)


@repeatable
@given(scores, scores, st.floats(0, 3))
def test_one_sided_p_agrees_with_the_interval_for_scores(ours, theirs, margin):
    assume(np.ptp(ours) > 1e-3 and np.ptp(theirs) > 1e-3)
    assume(not set(ours + theirs) <= {0.0, 1.0})
    difference = welch_difference(ours, theirs)
    below, above = p_below(ours, theirs, margin).p_value, p_above(ours, theirs, margin).p_value
    assume(min(abs(below - 0.025), abs(above - 0.025)) > 1e-9)
    assert (below < 0.025) == (difference.ci_high < -margin)
    assert (above < 0.025) == (difference.ci_low > -margin)

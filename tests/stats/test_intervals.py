import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import (
    Moments,
    clopper_pearson,
    examples_for_quantile,
    mean_t,
    mid_p,
    quantile,
    quantile_ranks,
    wilson,
)

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_matches_the_table_of_newcombe_1998a(successes, n, low, high):
    share = wilson(successes, n)
    assert share.value == successes / n
    assert (share.ci_low, share.ci_high) == (approx(low, abs=5e-5), approx(high, abs=5e-5))


@repeatable
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_statsmodels(counts):
    share = wilson(*counts)
    oracle = proportion_confint(*counts, method="wilson")
    assert (share.ci_low, share.ci_high) == (approx(oracle[0], abs=1e-12), approx(oracle[1], abs=1e-12))


@pytest.mark.parametrize(
    ("successes", "n", "exact", "mid"),
    [
        (81, 263, (0.2527, 0.3676), (0.2544, 0.3658)),
        (15, 148, (0.0578, 0.1617), (0.0601, 0.1581)),
        (0, 20, (0, 0.1684), (0, 0.1391)),
        (1, 29, (0.0009, 0.1776), (0.0017, 0.1585)),
    ],
)
def test_exact_intervals_match_the_table_of_newcombe_1998a(successes, n, exact, mid):
    for interval, printed in ((clopper_pearson, exact), (mid_p, mid)):
        share = interval(successes, n)
        assert share.value == successes / n
        assert (share.ci_low, share.ci_high) == approx(printed, abs=5e-5)


counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@repeatable
@given(counts)
def test_clopper_pearson_agrees_with_scipy_and_holds_the_mid_p_interval(counts):
    x, n = counts
    exact, mid = clopper_pearson(x, n), mid_p(x, n)
    oracle = stats.binomtest(x, n).proportion_ci(method="exact")
    assert (exact.ci_low, exact.ci_high) == approx((oracle.low, oracle.high), abs=1e-12)
    assert exact.ci_low <= mid.ci_low <= mid.value <= mid.ci_high <= exact.ci_high
    assert mid.ci_low == approx(1 - mid_p(n - x, n).ci_high, abs=1e-9)


def test_wilson_limits_of_none_and_all_are_exactly_zero_and_one():
    assert wilson(0, 7).ci_low == 0
    assert wilson(7, 7).ci_high == 1
    assert wilson(7, 7).ci_low == approx(1 - wilson(0, 7).ci_high)


def test_a_share_of_nothing_is_undefined():
    for interval in (wilson, clopper_pearson, mid_p):
        assert interval(0, 0) == Undefined("there are no observations")


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2), (0.5, 2), (0, -1)])
def test_impossible_counts_are_refused(successes, n):
    for interval in (wilson, clopper_pearson, mid_p):
        with pytest.raises(ValueError):
            interval(successes, n)


def test_mean_t_matches_the_confidence_interval_of_scipy():
    values = [2.1, 2.9, 3.3, 4.8, 5.0, 9.7]
    oracle = stats.ttest_1samp(values, 0).confidence_interval()
    mean = mean_t(values)
    assert (mean.value, mean.ci_low, mean.ci_high) == approx((np.mean(values), oracle.low, oracle.high))


def test_mean_t_without_spread_has_a_value_but_no_interval():
    assert mean_t([]) == Undefined("there are no values")
    assert mean_t([4.0]).value == 4.0
    assert "2 or more" in mean_t([4.0]).ci_undefined
    assert "all 5 values are equal" in mean_t([0.1] * 5).ci_undefined
    # 0.1 + 0.2 is not 0.3 in floats: rounding is no spread
    assert mean_t([0.1 + 0.2, 0.3, 0.3]).ci_low is None


@repeatable
@given(numbers, st.floats(0.1, 10), st.floats(-100, 100))
def test_mean_t_follows_a_change_of_units(values, scale, shift):
    ours, moved = mean_t(values), mean_t(np.array(values) * scale + shift)
    assert moved.value == approx(ours.value * scale + shift, abs=1e-6)
    if ours.ci_low is not None and np.ptp(values) > 1e-3:
        assert moved.ci_low == approx(ours.ci_low * scale + shift, abs=1e-6)


@pytest.mark.parametrize("values", [[1.0, math.nan], [math.inf], [[1.0], [2.0]]])
def test_values_that_are_no_numbers_are_refused(values):
    for statistic in (mean_t, lambda numbers: quantile(numbers, 0.5)):
        with pytest.raises(ValueError):
            statistic(values)


@pytest.mark.parametrize(("q", "ranks", "confidence"), [(0.5, (40, 61), 0.9648), (0.9, (85, 97), 0.9523)])
def test_quantile_ranks_of_a_hundred_match_hahn_and_meeker(q, ranks, confidence):
    assert quantile_ranks(100, q) == ranks
    lower, upper = ranks
    covered = stats.binom.cdf(upper - 1, 100, q) - stats.binom.cdf(lower - 1, 100, q)
    assert covered == approx(confidence, abs=5e-5)


@repeatable
@given(st.sampled_from([0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99]), st.integers(0, 3000))
def test_quantile_ranks_cover_and_are_the_closest_that_do(q, more):
    n = examples_for_quantile(q) + more
    lower, upper = quantile_ranks(n, q)
    assert 1 <= lower < upper <= n

    def covered(low, high):
        return stats.binom.cdf(high - 1, n, q) - stats.binom.cdf(low - 1, n, q)

    assert covered(lower, upper) >= 0.95
    assert covered(lower + 1, upper - 1) < 0.95


def test_quantile_interval_takes_the_order_statistics():
    values = np.random.default_rng(3).permutation(np.arange(1, 101))
    p90 = quantile(values, 0.9)
    assert (p90.value, p90.ci_low, p90.ci_high) == (approx(90.1), 85, 97)


def test_p95_of_250_has_an_interval_and_p99_of_250_names_the_thousand_it_needs():
    values = np.random.default_rng(1).lognormal(size=250)
    assert quantile(values, 0.95).ci_low < quantile(values, 0.95).value < quantile(values, 0.95).ci_high
    assert quantile(values, 0.99).ci_low is None
    assert "1000 are needed" in quantile(values, 0.99).ci_undefined
    assert quantile(values, 0.99).value == np.quantile(values, 0.99)


def test_examples_for_a_quantile_are_round_numbers():
    assert [examples_for_quantile(q) for q in (0.5, 0.9, 0.1, 0.95, 0.99)] == [20, 100, 100, 200, 1000]
    for q in (0, 1, -0.5, math.nan):
        with pytest.raises(ValueError):
            examples_for_quantile(q)


def test_quantile_of_nothing_is_undefined_and_of_one_has_no_interval():
    assert quantile([], 0.5) == Undefined("there are no values")
    assert (quantile([3.0], 0.5).value, quantile([3.0], 0.5).ci_low) == (3.0, None)


@repeatable
@given(st.lists(st.floats(-1e6, 1e6), min_size=200, max_size=260))
def test_a_quantile_turns_over_with_the_sign(values):
    p95, p5 = quantile(values, 0.95), quantile(-np.array(values), 0.05)
    assert (p95.ci_low, p95.ci_high) == (-p5.ci_high, -p5.ci_low)
    assert p95.value == approx(-p5.value)


# ── Moments ──────────────────────────────────────────────────────────────────────────────────────────


@repeatable
@given(numbers, numbers)
def test_moments_of_parts_add_up_to_those_of_the_whole(ours, theirs):
    whole, added = Moments.of(ours + theirs), Moments.of(ours) + Moments.of(theirs)
    assert added.n == whole.n
    assert added.mean == approx(whole.mean, abs=1e-6)
    assert added.squares == approx(whole.squares, rel=1e-6, abs=1e-2)


@repeatable
@given(numbers)
def test_a_mean_of_moments_is_that_of_the_values(values):
    assert mean_t(Moments.of(values)) == mean_t(values)


@pytest.mark.parametrize("given", [{"n": -1}, {"n": 2, "squares": -1.0}, {"n": 1, "mean": float("nan")}])
def test_moments_that_cannot_be_are_refused(given):
    with pytest.raises(ValueError, match="moments have"):
        Moments(**given)

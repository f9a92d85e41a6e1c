"""Beside the paired t: ranks, sign flips, BCa, groups of examples, equivalence."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.paired import (
    clustered_t,
    equivalence,
    mean_difference_bca,
    mean_difference_clustered,
    mean_difference_t,
    paired_sign_flip,
    paired_t,
    probability_better,
    pseudo_median,
    tango_difference,
    wilcoxon_pratt,
)
from evaltrack.stats.resampling import bca_limits

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
ratings = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=14)

# Hollander & Wolfe's depression scale factors of nine patients, as R has them
BEFORE = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
AFTER = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]

# Efron & Tibshirani 1993: the A values of the spatial test
SPATIAL = [
    48,
    36,
    20,
    29,
    42,
    42,
    20,
    42,
    22,
    41,
    45,
    14,
    6,
    0,
    33,
    28,
    34,
    4,
    32,
    24,
    47,
    41,
    24,
    26,
    30,
    41,
]

# Differences of six groups of examples
GROUPS = [[1, 1, 0, 1], [0, 0, -1, 0], [1, 1, 1], [0, 1, 0, 0, 0], [-1, 0, 0], [1, 0, 0, 1, 1]]
GROUPED = np.concatenate(GROUPS)
GROUP = np.repeat(np.arange(6), [len(group) for group in GROUPS])


def limits(estimate):
    return estimate.ci_low, estimate.ci_high


def test_wilcoxon_of_hollander_and_wolfe():
    tested = wilcoxon_pratt(BEFORE, AFTER)
    assert (tested.statistic, tested.p_value) == (40, approx(0.03906, abs=5e-6))


def test_the_pseudo_median_of_hollander_and_wolfe():
    middle = pseudo_median(BEFORE, AFTER)
    assert middle.value == approx(0.46, abs=5e-4)
    assert limits(middle) == approx((0.010, 0.786), abs=5e-4)
    # One-sided, p = 0.01953: scipy counts all signs.
    assert stats.wilcoxon(BEFORE, AFTER, alternative="greater").pvalue == approx(0.01953, abs=5e-6)
    assert wilcoxon_pratt(BEFORE, AFTER).p_value / 2 == approx(0.01953, abs=5e-6)


@repeatable
@given(st.integers(6, 30), st.integers(0, 2**32 - 1))
def test_its_interval_holds_the_shifts_that_wilcoxon_does_not_reject(n, seed):
    d = np.random.default_rng(seed).normal(size=n)
    zero = np.zeros(n)
    middle = pseudo_median(d, zero)
    assert middle.value == approx(np.median([(x + y) / 2 for i, x in enumerate(d) for y in d[i:]]))
    for limit, outwards in ((middle.ci_low, -1e-9), (middle.ci_high, 1e-9)):
        assert wilcoxon_pratt(d - (limit - outwards), zero).p_value > 0.05
        assert wilcoxon_pratt(d - (limit + outwards), zero).p_value <= 0.05
    mirrored = pseudo_median(zero, d)
    assert limits(mirrored) == approx((-middle.ci_high, -middle.ci_low))


def test_the_pseudo_median_of_many_and_of_few():
    rng = np.random.default_rng(4)
    ours, theirs = rng.normal(0.2, 1, size=400), rng.normal(0, 1, size=400)
    assert limits(pseudo_median(ours, theirs)) == approx(limits(mean_difference_t(ours, theirs)), abs=0.05)
    assert "6 are needed" in pseudo_median(ours[:5], theirs[:5]).ci_undefined
    assert "all 8 differences are equal" in pseudo_median(np.ones(8), np.zeros(8)).ci_undefined
    assert "use the mean" in pseudo_median(np.arange(4000.0), np.zeros(4000)).ci_undefined
    assert isinstance(pseudo_median([], []), Undefined)


@repeatable
@given(ratings)
def test_wilcoxon_with_ties_and_zeros_has_the_p_of_all_signs(pairs):
    candidate, baseline = np.array(pairs).T
    d = candidate - baseline
    assume(d.any())
    ranks = stats.rankdata(np.abs(d))[d != 0]
    signs = 1 - 2 * ((np.arange(2 ** len(ranks))[:, None] >> np.arange(len(ranks))) & 1)
    observed = abs((np.sign(d[d != 0]) * ranks).sum())
    expected = (np.abs(signs @ ranks) >= observed - 1e-9).mean()
    tested = wilcoxon_pratt(candidate, baseline)
    assert tested.p_value == approx(expected)
    assert wilcoxon_pratt(baseline, candidate).p_value == approx(tested.p_value)


@pytest.mark.parametrize("n", [300, 900])
def test_wilcoxon_of_many_ratings_agrees_with_scipy(n):
    rng = np.random.default_rng(2)
    baseline = rng.integers(1, 6, size=n)
    candidate = np.clip(baseline + rng.integers(-2, 3, size=n), 1, 5)
    oracle = stats.wilcoxon(candidate - baseline, zero_method="pratt", method="asymptotic")
    assert wilcoxon_pratt(candidate, baseline).p_value == approx(oracle.pvalue, abs=5e-3)


def test_wilcoxon_knows_equal_differences_in_spite_of_their_last_bits():
    assert wilcoxon_pratt([0.3, 0.4, 0.5], [0.1, 0.2, 0.3]).p_value == 0.25


@repeatable
@given(ratings)
def test_probability_better_is_tango_on_its_side(pairs):
    candidate, baseline = np.array(pairs).T
    share = probability_better(candidate, baseline)
    difference = tango_difference(candidate > baseline, candidate < baseline)
    assert share.value == approx((1 + difference.value) / 2)
    assert limits(share) == approx(((1 + difference.ci_low) / 2, (1 + difference.ci_high) / 2))


def test_bca_and_percentile_limits_of_the_spatial_test():
    values = np.array(SPATIAL, dtype=float)
    n = len(values)
    rng = np.random.default_rng(1)
    draws = values[rng.integers(0, n, size=(20_000, n))].var(axis=1)
    without = np.array([np.delete(values, i).var() for i in range(n)])
    assert values.var() == approx(171.5, abs=0.05)
    assert bca_limits(float(values.var()), draws, without, tail=0.05) == (
        approx(115.8, abs=3),
        approx(259.6, abs=3),
    )
    assert np.quantile(draws, (0.05, 0.95)) == approx((100.8, 233.9), abs=4)


def test_bca_agrees_with_scipy_and_leans_to_the_long_tail():
    rng = np.random.default_rng(6)
    d = rng.lognormal(sigma=1, size=80) - 1
    ours = mean_difference_bca(d, np.zeros(80), seed=1, draws=10_000)
    oracle = stats.bootstrap(
        (d,), np.mean, method="BCa", n_resamples=10_000, rng=np.random.default_rng(2)
    ).confidence_interval
    assert limits(ours) == approx((oracle.low, oracle.high), abs=0.03)
    assert ours.ci_high - ours.value > ours.value - ours.ci_low
    assert ours == mean_difference_bca(d, np.zeros(80), seed=1, draws=10_000)
    mirrored = mean_difference_bca(np.zeros(80), d, seed=1, draws=10_000)
    assert limits(mirrored) == approx((-ours.ci_high, -ours.ci_low), abs=1e-6)


def test_sign_flip_of_differences_checks_the_paired_t():
    tested = paired_sign_flip(BEFORE, AFTER, seed=1)
    assert tested.statistic == approx(np.mean(BEFORE) - np.mean(AFTER))
    assert tested.p_value == approx(14 / 512)  # of the 512 assignments of signs
    assert tested.p_value == approx(paired_t(BEFORE, AFTER).p_value, abs=0.02)


def test_clustered_t_of_six_groups():
    difference = mean_difference_clustered(GROUPED, np.zeros(24), GROUP)
    tested = clustered_t(GROUPED, np.zeros(24), GROUP)
    assert difference.value == approx(0.33333, abs=5e-6)
    assert (difference.n, difference.clusters) == (24, 6)
    assert difference.value / tested.statistic == approx(0.19603, abs=5e-6)
    assert limits(difference) == approx((-0.1706, 0.8372), abs=5e-5)
    assert GROUPED.std(ddof=1) / math.sqrt(24) == approx(0.13003, abs=5e-6)
    assert tested.p_value == approx(2 * stats.t.sf(0.33333 / 0.19603, 5), abs=1e-4)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 7)), min_size=8, max_size=40))
def test_clustered_error_agrees_with_statsmodels(rows):
    d, group = np.array([v for v, _ in rows]), np.array([g for _, g in rows])
    assume(len(set(group)) >= 5)
    tested = clustered_t(d, np.zeros(len(d)), group.tolist())
    assume(not isinstance(tested, Undefined))
    # statsmodels' small-sample factor is G/(G − 1) · (n − 1)/(n − k), with k = 1
    fit = sm.OLS(d, np.ones(len(d))).fit(cov_type="cluster", cov_kwds={"groups": group})
    assume(fit.bse[0] > 1e-6)
    assert tested.statistic == approx(fit.tvalues[0], rel=1e-6, abs=1e-9)


def test_groups_of_one_example_are_the_paired_t():
    difference = mean_difference_clustered(BEFORE, AFTER, range(9))
    assert limits(difference) == approx(limits(mean_difference_t(BEFORE, AFTER)))
    assert clustered_t(BEFORE, AFTER, "abcdefghi").p_value == approx(paired_t(BEFORE, AFTER).p_value)


@repeatable
@given(st.lists(st.floats(-1, 1), min_size=3, max_size=30), st.floats(0.01, 1))
def test_equivalence_is_the_90_percent_interval_inside_the_margin(d, margin):
    assume(np.ptp(d) > 1e-3)
    assume(not set(d) <= {0.0, 1.0})
    zeros = np.zeros(len(d))
    p = equivalence(d, zeros, margin).p_value
    assume(abs(p - 0.05) > 1e-9)
    low, high = stats.ttest_1samp(d, 0).confidence_interval(0.90)
    assert (p < 0.05) == (-margin < low and high < margin)
    assert equivalence(zeros, d, margin).p_value == approx(p)


def test_equivalence_of_outcomes_and_what_it_refuses():
    candidate, baseline = [1] * 400 + [0] * 100, [1] * 395 + [0] * 95 + [1] * 5 + [0] * 5
    assert equivalence(candidate, baseline, 0.05).p_value < 0.001
    assert equivalence(candidate, baseline, 0.001).p_value > 0.3
    assert equivalence([], [], 0.1) == Undefined("there are no examples in common")
    for margin in (0.0, -0.1, math.nan):
        with pytest.raises(ValueError):
            equivalence(candidate, baseline, margin)


def test_too_little_is_answered_in_words():
    nothing = Undefined("there are no examples in common")
    for statistic in (wilcoxon_pratt, probability_better):
        assert statistic([], []) == nothing
    assert mean_difference_bca([], [], seed=1) == nothing
    assert paired_sign_flip([], [], seed=1) == nothing
    assert mean_difference_clustered([], [], []) == nothing
    assert clustered_t([], [], []) == nothing
    same = Undefined("all 2 differences are 0")
    assert wilcoxon_pratt([1, 2], [1, 2]) == same
    assert paired_sign_flip([1, 2], [1, 2], seed=1) == same
    assert "50 are needed" in mean_difference_bca(BEFORE, AFTER, seed=1).ci_undefined
    assert "equal" in mean_difference_bca([0.3] * 60, [0.1] * 60, seed=1).ci_undefined
    assert "5 are needed" in mean_difference_clustered(BEFORE, AFTER, "aabbbccdd").ci_undefined
    assert "5 are needed" in clustered_t(BEFORE, AFTER, "aabbbccdd").reason
    assert "same mean" in mean_difference_clustered([2] * 5, [1] * 5, "abcde").ci_undefined
    assert "same mean" in clustered_t([0] * 5, [0] * 5, "abcde").reason
    with pytest.raises(ValueError):
        mean_difference_clustered([1, 2], [1, 2], "a")

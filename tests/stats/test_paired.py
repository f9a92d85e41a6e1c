import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize_scalar
from statsmodels.stats.contingency_tables import mcnemar

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.independent import newcombe_independent, two_proportion_z
from evaltrack.stats.paired import (
    bonett_price_difference,
    conditional_odds_ratio,
    mcnemar_exact,
    mcnemar_mid_p,
    mcnemar_z,
    mean_difference_t,
    newcombe_difference,
    p_above,
    p_below,
    paired_t,
    paired_table,
    quantile_difference,
    quantile_p_below,
    quantile_ratio,
    quantiles,
    tango_difference,
    tango_score,
)

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
tables = st.tuples(*[st.integers(0, 60)] * 4).filter(sum)

AGRESTI_APPROVAL = (794, 150, 86, 570)  # Agresti 2002, section 10.1
CAVO = (59, 6, 16, 80)  # Fagerland, Lydersen & Laake 2017, chapter 8 (Cavo 2012)
NEWCOMBE = (20, 12, 2, 16)  # Newcombe 1998c
FIXED_30_BROKE_10 = (390, 30, 10, 70)

# Student's sleep data, as R has them: hours gained with two drugs by the same ten patients
SLEEP_1 = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SLEEP_2 = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]


def outcomes(a, b, c, d):
    """Candidate's and baseline's outcomes with this paired table."""
    return [1] * (a + b) + [0] * (c + d), [1] * a + [0] * b + [1] * c + [0] * d


def limits(estimate):
    return estimate.ci_low, estimate.ci_high


@repeatable
@given(tables, st.randoms(use_true_random=False))
def test_paired_table_counts_in_any_order(table, random):
    rows = list(zip(*outcomes(*table), strict=True))
    random.shuffle(rows)
    assert paired_table([r[0] for r in rows], [r[1] for r in rows]) == table


def test_booleans_are_outcomes():
    assert paired_table([True, True, False], [True, False, False]) == (1, 1, 0, 1)


@pytest.mark.parametrize(
    ("candidate", "baseline"),
    [([1, 0], [1]), ([0.5, 1], [1, 1]), ([1, math.nan], [1, 1]), ([2], [1]), ([[1]], [[1]])],
)
def test_outcomes_that_do_not_pair_or_are_not_binary_are_refused(candidate, baseline):
    for binary in (paired_table, mcnemar_mid_p, tango_difference, newcombe_difference):
        with pytest.raises(ValueError):
            binary(candidate, baseline)


@pytest.mark.parametrize(
    ("table", "p"), [(AGRESTI_APPROVAL, 2.893e-5), (CAVO, 0.034690), (FIXED_30_BROKE_10, 0.0014505)]
)
def test_mcnemar_mid_p_matches_agresti_and_fagerland(table, p):
    assert mcnemar_mid_p(*outcomes(*table)).p_value == approx(p, rel=2e-4)


@pytest.mark.parametrize(
    ("table", "p"), [(AGRESTI_APPROVAL, 3.716e-5), (CAVO, 0.052479), (FIXED_30_BROKE_10, 0.0022214)]
)
def test_exact_mcnemar_matches_agresti_and_fagerland(table, p):
    assert mcnemar_exact(*outcomes(*table)).p_value == approx(p, rel=2e-4)


def test_mcnemar_z_matches_agresti_and_fagerland():
    assert mcnemar_z(*outcomes(*AGRESTI_APPROVAL)).statistic ** 2 == approx(17.36, abs=5e-3)
    cavo = mcnemar_z(*outcomes(*CAVO))
    assert (cavo.statistic, cavo.p_value) == (approx(-2.132, abs=5e-4), approx(0.033006, abs=5e-7))
    assert mcnemar_z(*outcomes(*FIXED_30_BROKE_10)).statistic == approx(3.1623, abs=5e-5)


@repeatable
@given(tables)
def test_mcnemar_exact_and_z_agree_with_statsmodels(table):
    _, b, c, _ = table
    assume(b + c)
    exact = mcnemar([[0, b], [c, 0]], exact=True).pvalue
    asymptotic = mcnemar([[0, b], [c, 0]], exact=False, correction=False)
    assert mcnemar_exact(*outcomes(*table)).p_value == approx(exact, abs=1e-12)
    z = mcnemar_z(*outcomes(*table))
    assert (z.statistic**2, z.p_value) == approx((asymptotic.statistic, asymptotic.pvalue))
    assert z.statistic == approx(tango_score(b, c, sum(table), 0.0))


def test_bonett_price_interval_matches_fagerland():
    difference = bonett_price_difference(*outcomes(*CAVO))
    assert difference.value == approx(-0.0621, abs=5e-5)
    assert limits(difference) == approx((-0.1195, -0.0032), abs=5e-5)


def test_conditional_odds_ratio_matches_fagerland():
    ratio = conditional_odds_ratio(*outcomes(*CAVO))
    assert (ratio.value, ratio.n) == (0.375, 22)
    assert limits(ratio) == approx((0.1514, 0.9287), abs=5e-5)


def test_conditional_odds_ratio_where_nothing_was_broken_or_nothing_fixed():
    assert "infinite, its lower limit 1.3" in conditional_odds_ratio(*outcomes(9, 5, 0, 2)).reason
    assert limits(conditional_odds_ratio(*outcomes(9, 0, 5, 2)))[0] == 0
    assert "agree on all 11 examples" in conditional_odds_ratio(*outcomes(9, 0, 0, 2)).reason
    assert "agree on all 11 examples" in mcnemar_z(*outcomes(9, 0, 0, 2)).reason


@repeatable
@given(tables)
def test_conditional_odds_ratio_exchanges_to_its_inverse(table):
    _, b, c, _ = table
    assume(b and c)
    candidate, baseline = outcomes(*table)
    there, back = conditional_odds_ratio(candidate, baseline), conditional_odds_ratio(baseline, candidate)
    assert there.value == approx(1 / back.value)
    assert limits(there) == approx((1 / back.ci_high, 1 / back.ci_low))


@repeatable
@given(tables)
def test_mcnemar_mid_p_is_the_exact_p_less_the_probability_of_the_table(table):
    _, b, c, _ = table
    exact = mcnemar([[0, b], [c, 0]], exact=True).pvalue if b + c else 1.0
    expected = 1.0 if b == c else exact - stats.binom.pmf(min(b, c), b + c, 0.5)
    assert mcnemar_mid_p(*outcomes(*table)).p_value == approx(expected, abs=1e-12)


@repeatable
@given(tables, st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_ignores_examples_on_which_both_agree(table, a, d):
    _, b, c, _ = table
    assume(a + b + c + d)
    assert mcnemar_mid_p(*outcomes(*table)) == mcnemar_mid_p(*outcomes(a, b, c, d))


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [(AGRESTI_APPROVAL, 0.0214, 0.0590), (CAVO, -0.1240, -0.0054), (FIXED_30_BROKE_10, 0.0160, 0.0667)],
)
def test_tango_interval_matches_agresti_and_the_fagerland_table(table, low, high):
    difference = tango_difference(*outcomes(*table))
    assert difference.value == approx((table[1] - table[2]) / sum(table))
    assert limits(difference) == (approx(low, abs=5e-5), approx(high, abs=5e-5))


def constrained_score(b, c, n, delta):
    """Tango's score from the constrained maximum found numerically, without his closed form."""

    def minus_log_likelihood(p21):
        shares = np.array([p21 + delta, p21, 1 - 2 * p21 - delta])
        counts = np.array([b, c, n - b - c])
        return -float(counts @ np.log(np.maximum(shares, 1e-300)))

    edges = max(0.0, -delta), (1 - delta) / 2
    p21 = minimize_scalar(minus_log_likelihood, bounds=edges, method="bounded", options={"xatol": 1e-12}).x
    return (b - c - n * delta) / math.sqrt(n * (2 * p21 + delta - delta**2))


@pytest.mark.parametrize("table", [CAVO, NEWCOMBE, (3, 5, 2, 1), (0, 9, 4, 2)])
@pytest.mark.parametrize("delta", [-0.4, -0.05, 0.0, 0.02, 0.3])
def test_tango_score_agrees_with_a_numerical_maximum_of_the_likelihood(table, delta):
    _, b, c, _ = table
    ours = tango_score(b, c, sum(table), delta)
    assert ours == approx(constrained_score(b, c, sum(table), delta), rel=1e-4, abs=1e-6)


@repeatable
@given(tables)
def test_tango_excludes_zero_exactly_when_uncorrected_mcnemar_rejects(table):
    _, b, c, _ = table
    p = mcnemar([[0, b], [c, 0]], exact=False, correction=False).pvalue if b + c else 1.0
    difference = tango_difference(*outcomes(*table))
    assert (difference.ci_low > 0 or difference.ci_high < 0) == (p < 0.05)


def test_tango_limits_without_discordant_examples_are_finite_and_shrink():
    assert tango_score(0, 0, 10, 0.0) == 0
    z_squared = stats.norm.ppf(0.975) ** 2
    for half in (5, 50):
        limit = z_squared / (2 * half + z_squared)  # the score is then −δ√n / √(δ(1 − δ)), solved by hand
        assert limits(tango_difference(*outcomes(half, 0, 0, half))) == approx((-limit, limit))


@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        (NEWCOMBE, 0.0562, 0.3292),
        (AGRESTI_APPROVAL, 0.0212, 0.0587),
        (CAVO, -0.1186, -0.0046),
        (FIXED_30_BROKE_10, 0.0151, 0.0656),
    ],
)
def test_newcombe_paired_interval_matches_newcombe_1998c_and_fagerland(table, low, high):
    assert limits(newcombe_difference(*outcomes(*table))) == (approx(low, abs=5e-5), approx(high, abs=5e-5))


def test_newcombe_paired_without_correlation_is_newcombe_independent():
    a, b, c, d = 20, 15, 15, 12  # ad − bc = 15, less than n/2: the corrected correlation is 0
    n = a + b + c + d
    independent = newcombe_independent(a + b, n, a + c, n)
    assert limits(newcombe_difference(*outcomes(a, b, c, d))) == approx(limits(independent))


@repeatable
@given(tables)
def test_exchanging_the_systems_negates_the_difference_and_mirrors_the_interval(table):
    candidate, baseline = outcomes(*table)
    for difference in (tango_difference, newcombe_difference, bonett_price_difference):
        there, back = difference(candidate, baseline), difference(baseline, candidate)
        assert there.value == -back.value
        assert limits(there) == approx((-back.ci_high, -back.ci_low), abs=1e-9)


def test_student_s_sleep_data_paired():
    test, difference = paired_t(SLEEP_1, SLEEP_2), mean_difference_t(SLEEP_1, SLEEP_2)
    assert (test.statistic, test.p_value) == (approx(-4.0621, abs=5e-5), approx(0.002833, abs=5e-7))
    assert difference.value == approx(-1.58)
    assert limits(difference) == approx((-2.4599, -0.7001), abs=5e-5)


@repeatable
@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=3, max_size=40))
def test_paired_t_agrees_with_scipy_and_mirrors(values):
    candidate, baseline = np.array(values).T
    assume(np.ptp(candidate - baseline) > 1e-6)
    oracle = stats.ttest_rel(candidate, baseline)
    ours = paired_t(candidate, baseline)
    assert (ours.statistic, ours.p_value) == approx((oracle.statistic, oracle.pvalue), rel=1e-7, abs=1e-12)
    there, back = mean_difference_t(candidate, baseline), mean_difference_t(baseline, candidate)
    assert limits(there) == approx((-back.ci_high, -back.ci_low))
    assert there.value == approx(-back.value)


def test_differences_that_are_all_equal_have_no_t_but_a_sign_test():
    # 0.3 − 0.1 and 0.4 − 0.2 differ in the last bit
    candidate, baseline = [0.3, 0.4, 0.5, 0.6], [0.1, 0.2, 0.3, 0.4]
    assert mean_difference_t(candidate, baseline).value == approx(0.2)
    assert "all 4 differences are equal" in mean_difference_t(candidate, baseline).ci_undefined
    assert "sign test gives p = 0.125" in paired_t(candidate, baseline).reason
    assert p_above(candidate, baseline, 0.0).p_value == 2**-4
    assert p_below(candidate, baseline, 0.0).p_value == 1
    assert p_below(baseline, candidate, 0.1).p_value == 2**-4
    assert p_below(baseline, candidate, 0.3).p_value == 1
    assert paired_t(baseline, baseline) == Undefined("all 4 differences are 0")


def test_no_examples_and_one_example_are_answered_in_words():
    everything = (
        mcnemar_mid_p,
        mcnemar_exact,
        mcnemar_z,
        tango_difference,
        newcombe_difference,
        bonett_price_difference,
        conditional_odds_ratio,
        mean_difference_t,
    )
    for statistic in everything:
        assert statistic([], []) == Undefined("there are no examples in common")
    assert isinstance(paired_t([], []), Undefined)
    assert isinstance(paired_t([0.5], [0.2]), Undefined)
    assert mean_difference_t([0.5], [0.2]).ci_undefined.startswith("one example")
    assert isinstance(p_below([], [], 0.1), Undefined)
    assert isinstance(p_above([0.5], [0.2], 0.1), Undefined)
    assert mcnemar_mid_p([1], [0]).p_value == 0.5
    assert tango_difference([1], [0]).ci_high == 1
    assert isinstance(quantile_difference([], [], 0.5, seed=1), Undefined)


@repeatable
@given(tables, st.floats(0, 0.5))
def test_one_sided_p_agrees_with_the_interval_for_outcomes(table, margin):
    candidate, baseline = outcomes(*table)
    difference = tango_difference(candidate, baseline)
    below, above = p_below(candidate, baseline, margin).p_value, p_above(candidate, baseline, margin).p_value
    assume(min(abs(below - 0.025), abs(above - 0.025)) > 1e-9)
    assert (below < 0.025) == (difference.ci_high < -margin)
    assert (above < 0.025) == (difference.ci_low > -margin)
    assert below + above == approx(1)


@repeatable
@given(
    st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=3, max_size=30),
    st.floats(0, 3),
)
def test_one_sided_p_agrees_with_the_interval_for_scores(values, margin):
    candidate, baseline = np.array(values).T
    assume(np.ptp(candidate - baseline) > 1e-3)
    assume(not set(np.ravel(values)) <= {0.0, 1.0})
    difference = mean_difference_t(candidate, baseline)
    below, above = p_below(candidate, baseline, margin).p_value, p_above(candidate, baseline, margin).p_value
    assume(min(abs(below - 0.025), abs(above - 0.025)) > 1e-9)
    assert (below < 0.025) == (difference.ci_high < -margin)
    assert (above < 0.025) == (difference.ci_low > -margin)


def test_a_margin_that_tests_nothing_is_refused():
    for margin in (-0.1, math.nan):
        with pytest.raises(ValueError):
            p_below([1, 0], [0, 0], margin)
    assert p_below([0, 0], [1, 1], 1.0).p_value == 1
    with pytest.raises(ValueError):
        p_above([0.5, 2.0], [0.1, 1.0], -0.1)


def test_pairing_decides_where_the_unpaired_test_sees_nothing():
    """500 examples, 84 % against 80 %, 30 fixed and 10 broken."""
    candidate, baseline = outcomes(*FIXED_30_BROKE_10)
    unpaired = two_proportion_z(sum(candidate), 500, sum(baseline), 500)
    assert (unpaired.statistic, unpaired.p_value) == (approx(1.6462, abs=5e-5), approx(0.09972, abs=5e-6))
    assert mcnemar_mid_p(candidate, baseline).p_value < 0.002
    assert tango_difference(candidate, baseline).ci_low > 0


def test_quantile_difference_mirrors_and_repeats():
    rng = np.random.default_rng(5)
    baseline = rng.lognormal(size=250)
    candidate = baseline * rng.lognormal(-0.2, 0.1, size=250)
    there = quantile_difference(candidate, baseline, 0.95, seed=11)
    back = quantile_difference(baseline, candidate, 0.95, seed=11)
    assert there == quantile_difference(candidate, baseline, 0.95, seed=11)
    assert there.value == np.quantile(candidate, 0.95) - np.quantile(baseline, 0.95)
    assert limits(there) == approx((-back.ci_high, -back.ci_low))
    assert there.ci_low < there.value < there.ci_high
    assert there.seed == 11


@pytest.mark.parametrize("q", [0.25, 0.5, 0.95, 0.99])
@pytest.mark.parametrize("n", [2_000, 2_001, 70_000])
def test_quantiles_of_resamples_are_numpys(n, q):
    rng = np.random.default_rng(n)
    baseline, candidate = np.round(rng.lognormal(4, 1, size=(2, n)), 1)
    candidate -= 1e6
    rows = np.random.default_rng(3).integers(0, n, size=(20, n))
    differences = np.quantile(candidate[rows], q, axis=1) - np.quantile(baseline[rows], q, axis=1)
    for each in differences:
        below = quantile_p_below(candidate, baseline, q, -each, seed=3, draws=20)
        assert below.p_value == (1 + (differences >= each).sum()) / 21


def test_a_difference_of_quantiles_and_its_test_are_drawn_once_whichever_side_is_better():
    baseline, candidate = np.random.default_rng(11).lognormal(size=(2, 300))
    quantiles._resampled.cache_clear()
    high = quantile_difference(candidate, baseline, 0.9, seed=4).ci_high
    for better, worse in ((candidate, baseline), (baseline, candidate)):
        quantile_p_below(better, worse, 0.9, 0.1, seed=4)
    assert quantiles._resampled.cache_info().misses == 1
    quantiles._resampled.cache_clear()
    low = quantile_difference(baseline, candidate, 0.9, seed=4).ci_low
    assert low == approx(-high)


def test_quantile_difference_keeps_the_pairs_together():
    rng = np.random.default_rng(5)
    baseline = rng.lognormal(size=400)
    paired = quantile_difference(baseline + 0.1, baseline, 0.5, seed=1)
    shuffled = quantile_difference(rng.permutation(baseline + 0.1), baseline, 0.5, seed=1)
    assert paired.ci_high - paired.ci_low < 1e-9
    assert shuffled.ci_high - shuffled.ci_low > 0.1


def test_quantile_difference_without_enough_examples_has_a_value_only():
    rng = np.random.default_rng(5)
    candidate, baseline = rng.lognormal(size=(2, 199))
    difference = quantile_difference(candidate, baseline, 0.95, seed=1)
    assert difference.value == np.quantile(candidate, 0.95) - np.quantile(baseline, 0.95)
    assert "200 are needed" in difference.ci_undefined
    assert "200 are needed" in quantile_p_below(candidate, baseline, 0.95, 0.1, seed=1).reason


def test_quantile_p_below_inverts_the_bootstrap_interval():
    rng = np.random.default_rng(8)
    baseline = rng.lognormal(size=300)
    candidate = baseline * rng.lognormal(-0.3, 0.2, size=300)
    high = quantile_difference(candidate, baseline, 0.5, seed=2).ci_high
    assert high < 0
    assert quantile_p_below(candidate, baseline, 0.5, -high - 0.01, seed=2).p_value < 0.025
    assert quantile_p_below(candidate, baseline, 0.5, -high + 0.01, seed=2).p_value > 0.025
    assert quantile_p_below(candidate - 99, baseline, 0.5, 0.0, seed=2).p_value == 1 / 2001


def test_quantile_ratio_is_inverted_by_exchanging_the_systems():
    rng = np.random.default_rng(5)
    baseline = rng.lognormal(size=250)
    candidate = 1.2 * baseline * rng.lognormal(0, 0.1, size=250)
    there, back = (
        quantile_ratio(*sides, 0.95, seed=3) for sides in ((candidate, baseline), (baseline, candidate))
    )
    assert there.value == np.quantile(candidate, 0.95) / np.quantile(baseline, 0.95)
    assert limits(back) == approx((1 / there.ci_high, 1 / there.ci_low), rel=1e-3)
    slower = quantile_ratio(1.2 * baseline, baseline, 0.95, seed=3)
    assert limits(slower) == approx((1.2, 1.2))
    assert "200 are needed" in quantile_ratio(candidate[:199], baseline[:199], 0.95, seed=3).ci_undefined
    assert "above 0" in quantile_ratio([0.0, 1.0], [1.0, 1.0], 0.5, seed=3).reason
    assert isinstance(quantile_ratio([], [], 0.5, seed=3), Undefined)

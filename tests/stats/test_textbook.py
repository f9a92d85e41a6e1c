"""What others print, against their prints: the intervals and tests that decide nothing here."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from evaltrack.stats.agreement import krippendorff_alpha
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.independent import miettinen_nurminen
from evaltrack.stats.intervals import clopper_pearson, jeffreys, wilson
from evaltrack.stats.paired import bonett_price_difference, newcombe_difference, tango_difference
from evaltrack.stats.textbook import (
    agresti_min,
    alpha_error,
    cohens_error,
    mcnemar_corrected,
    mee,
    newcombe_uncorrected,
    wald_independent,
    wald_paired,
    wilson_corrected,
)
from tests.stats.test_coefficients import GWET
from tests.stats.test_paired import AGRESTI_APPROVAL, CAVO, limits, outcomes, tables

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
COHEN = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]


@pytest.mark.parametrize(
    ("successes", "n", "printed"),
    [
        (81, 263, (0.2535, 0.3682)),
        (15, 148, (0.0598, 0.1644)),
        (0, 20, (0, 0.2005)),
        (1, 29, (0.0018, 0.1963)),
    ],
)
def test_the_corrected_interval_of_newcombe_1998a(successes, n, printed):
    assert limits(wilson_corrected(successes, n)) == approx(printed, abs=5e-5)


@repeatable
@given(counts)
def test_a_correction_widens_and_exchanging_outcomes_mirrors(counted):
    x, n = counted
    corrected, plain = wilson_corrected(x, n), wilson(x, n)
    assert corrected.ci_low <= plain.ci_low
    assert corrected.ci_high >= plain.ci_high
    mirrored = wilson_corrected(n - x, n)
    assert limits(mirrored) == approx((1 - corrected.ci_high, 1 - corrected.ci_low), abs=1e-12)


def test_the_differences_of_newcombe_1998b():
    assert limits(mee(56, 70, 48, 80)) == approx((0.0533, 0.3377), abs=5e-5)
    assert limits(wald_independent(56, 70, 48, 80)) == approx((0.0575, 0.3425), abs=5e-5)


@repeatable
@given(counts, counts)
def test_mee_lies_within_miettinen_and_nurminen_and_wald_is_statsmodels(one, other):
    ours = mee(*one, *other)
    wider = miettinen_nurminen(*one, *other)
    assert ours.ci_low >= wider.ci_low - 1e-9
    assert ours.ci_high <= wider.ci_high + 1e-9
    swapped = mee(*other, *one)
    assert limits(swapped) == approx((-ours.ci_high, -ours.ci_low), abs=1e-8)
    oracle = confint_proportions_2indep(*one, *other, method="wald", compare="diff")
    assert limits(wald_independent(*one, *other)) == approx(oracle, abs=1e-9)


def test_the_paired_differences_of_agresti_fagerland_and_newcombe_1998c():
    assert limits(wald_paired(*outcomes(*AGRESTI_APPROVAL))) == approx((0.021, 0.059), abs=5e-4)
    assert limits(wald_paired(*outcomes(*CAVO))) == approx((-0.1184, -0.0058), abs=5e-5)
    assert limits(agresti_min(*outcomes(*CAVO))) == approx((-0.1182, -0.0045), abs=5e-5)
    assert limits(newcombe_uncorrected(*outcomes(20, 12, 2, 16))) == approx((0.0618, 0.3242), abs=5e-5)


def test_mcnemar_as_r_and_fagerland_print_it():
    assert mcnemar_corrected(*outcomes(*AGRESTI_APPROVAL)).statistic == approx(16.82, abs=5e-3)
    assert mcnemar_corrected(*outcomes(*CAVO)).p_value == approx(0.055009, abs=5e-7)


@repeatable
@given(tables)
def test_the_corrected_mcnemar_is_that_of_statsmodels(table):
    _, b, c, _ = table
    assume(b + c and b != c)  # where both are equal statsmodels corrects 0 to 1/(b + c)
    oracle = mcnemar([[0, b], [c, 0]], exact=False, correction=True)
    ours = mcnemar_corrected(*outcomes(*table))
    assert (ours.statistic, ours.p_value) == approx((oracle.statistic, oracle.pvalue))


@repeatable
@given(tables)
def test_exchanging_the_systems_mirrors_each_interval(table):
    assume(sum(table))
    ours, theirs = outcomes(*table)
    for interval in (wald_paired, agresti_min, newcombe_uncorrected):
        one, other = interval(ours, theirs), interval(theirs, ours)
        assert limits(other) == approx((-one.ci_high, -one.ci_low), abs=1e-12)
        assert one.value == tango_difference(ours, theirs).value


def test_methods_8_and_10_differ_by_the_correction_of_phi_alone():
    # A negative association is not corrected.
    table = outcomes(2, 12, 11, 2)
    assert limits(newcombe_uncorrected(*table)) == approx(limits(newcombe_difference(*table)))


def test_cohens_own_error_of_1960():
    error = cohens_error(COHEN)
    assert round(error, 3) == 0.055
    kappa = (0.70 - 0.41) / (1 - 0.41)
    assert (kappa - 1.959964 * error, kappa + 1.959964 * error) == approx((0.384, 0.599), abs=5e-4)


@repeatable
@given(counts)
def test_jeffreys_is_that_of_statsmodels_and_lies_within_clopper_and_pearson(counted):
    x, n = counted
    share, exact = jeffreys(x, n), clopper_pearson(x, n)
    low, high = proportion_confint(x, n, method="jeffreys")
    assert share.ci_low == approx(low if x else 0.0, abs=1e-10)
    assert share.ci_high == approx(high if x < n else 1.0, abs=1e-10)
    assert exact.ci_low <= share.ci_low <= x / n <= share.ci_high <= exact.ci_high


def test_nothing_and_nothing_that_differs():
    nobody = (np.empty(0), np.empty(0))
    for missing in (
        wilson_corrected(0, 0),
        jeffreys(0, 0),
        wald_independent(0, 0, 1, 2),
        mee(1, 2, 0, 0),
        wald_paired(*nobody),
        agresti_min(*nobody),
        newcombe_uncorrected(*nobody),
        mcnemar_corrected(*nobody),
        mcnemar_corrected([1, 0], [1, 0]),
        cohens_error([[0, 0], [0, 0]]),
        cohens_error([[5, 0], [0, 0]]),
    ):
        assert isinstance(missing, Undefined)
    # Wald's interval is empty where nothing differs, which is why it is not shown; the others are not.
    alike = outcomes(5, 0, 0, 5)
    assert limits(wald_paired(*alike)) == (0, 0)
    assert limits(agresti_min(*alike)) == approx((-0.1633, 0.1633), abs=5e-5)
    assert math.prod(limits(bonett_price_difference(*alike))) < 0
    u = 1.959964**2 / 20  # the shares under H0 are (1 ± δ)/2
    assert limits(mee(0, 10, 10, 10)) == approx((-1, -(1 - u) / (1 + u)), abs=1e-6)


def test_the_error_of_alpha_of_gwet_2014():
    assert round(alpha_error(GWET), 5) == 0.14548


def test_the_error_of_alpha_is_that_of_resampled_units():
    rng = np.random.default_rng(6)
    sizes = rng.integers(2, 5, size=400)
    counts = np.stack(
        [rng.multinomial(m, p) for m, p in zip(sizes, rng.dirichlet([0.3] * 3, size=400), strict=True)]
    )
    units = [np.repeat(range(3), row).tolist() for row in counts]
    alpha = krippendorff_alpha(units, level="nominal", seed=1)
    assert (alpha.ci_high - alpha.ci_low) / 2 == approx(1.96 * alpha_error(counts), rel=0.06)


def test_errors_of_alpha_that_do_not_exist():
    for counts in ([[1, 1]], [[1, 0], [0, 1]], [[2, 0], [3, 0]]):
        assert isinstance(alpha_error(counts), Undefined)
    with pytest.raises(ValueError):
        alpha_error([1, 2])

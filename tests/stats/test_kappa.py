"""Weighted kappa, its standard errors, and what stands beside a low kappa, against printed values and oracles."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.kappa import Paradox, agreement_weights, cohen_kappa, paradox, standard_errors

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=50)
tables = st.integers(2, 5).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 30), min_size=k, max_size=k), min_size=k, max_size=k)
)

COHEN = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
SAS = [[0, 4, 1], [0, 8, 0], [0, 1, 5]]
CARCINOMA = [[22, 2, 2, 0], [5, 7, 14, 0], [0, 2, 36, 0], [0, 1, 17, 10]]


@pytest.mark.parametrize(
    ("table", "weights", "kappa", "error", "digits"),
    [
        (COHEN, None, 0.492, 0.0510, (3, 4)),  # Cohen 1960; Fleiss, Cohen & Everitt 1969
        (COHEN, [[0, 1, 3], [1, 0, 6], [3, 6, 0]], 0.348, 0.0755, (3, 4)),  # Cohen 1968
        (SAS, None, 0.4842, 0.1380, (4, 4)),  # SAS output in statsmodels' tests
        (SAS, "linear", 0.4701, 0.1457, (4, 4)),
        (CARCINOMA, None, 0.493, 0.057, (3, 3)),  # Agresti 2002
        (CARCINOMA, "linear", 0.649, 0.048, (3, 3)),
        (CARCINOMA, "quadratic", 0.784, 0.039, (3, 3)),
    ],
)
def test_kappa_and_its_error_as_printed(table, weights, kappa, error, digits):
    assert round(cohen_kappa(table, seed=1, weights=weights).value, digits[0]) == kappa
    assert round(standard_errors(table, weights).kappa, digits[1]) == error


def test_disagreements_need_not_be_symmetric():
    weights = [[0, 1, 4], [1, 0, 6], [2, 2, 0]]  # Cohen 1968
    assert round(cohen_kappa(COHEN, seed=1, weights=weights).value, 3) == 0.353


@pytest.mark.parametrize(
    ("table", "weights", "null", "z"), [(SAS, None, 0.1484, 3.2626), (SAS, "linear", None, 3.2971)]
)
def test_the_test_of_no_agreement_beyond_chance_is_that_of_sas(table, weights, null, z):
    errors = standard_errors(table, weights)
    assert null is None or round(errors.null, 4) == null
    assert round(cohen_kappa(table, seed=1, weights=weights).value / errors.null, 4) == z


@pytest.mark.parametrize(("weights", "printed"), [(None, (0.2137, 0.7547)), ("linear", (0.1845, 0.7558))])
def test_the_asymptotic_interval_of_sas(weights, printed):
    value = cohen_kappa(SAS, seed=1, weights=weights).value
    half = 1.959964 * standard_errors(SAS, weights).kappa
    assert (value - half, value + half) == approx(printed, abs=5e-5)


def test_the_null_error_of_cohen():
    assert round(standard_errors(COHEN).null, 4) == 0.0520


@repeatable
@given(tables, st.sampled_from([None, "linear", "quadratic"]))
def test_values_and_errors_agree_with_statsmodels_and_scikit_learn(table, weights):
    counts = np.array(table)
    assume(counts.sum() and np.count_nonzero(counts) > 1 and counts.sum(0).max() < counts.sum())
    assume(counts.sum(1).max() < counts.sum())
    value, errors = cohen_kappa(table, seed=1, weights=weights).value, standard_errors(table, weights)
    labels = range(len(counts))
    rows, columns = np.indices(counts.shape)
    oracle = cohen_kappa_score(
        rows.ravel(), columns.ravel(), labels=labels, weights=weights, sample_weight=counts.ravel()
    )
    assert value == approx(oracle, abs=1e-9)
    # statsmodels calls linear and quadratic what falls with the distance of the label numbers.
    found = cohens_kappa(counts, wt=weights, return_results=True) if weights else cohens_kappa(counts)
    assert errors.kappa == approx(math.sqrt(max(found.var_kappa, 0)), abs=1e-9)
    assert errors.null == approx(math.sqrt(max(found.var_kappa0, 0)), abs=1e-9)


@repeatable
@given(tables, st.sampled_from([None, "linear", "quadratic"]))
def test_doubling_all_counts_divides_the_errors_by_root_two(table, weights):
    once, twice = standard_errors(table, weights), standard_errors(np.array(table) * 2, weights)
    assume(not isinstance(once, Undefined))
    assert (twice.kappa * math.sqrt(2), twice.null * math.sqrt(2)) == approx((once.kappa, once.null))


@repeatable
@given(tables)
def test_with_two_labels_weights_change_nothing(table):
    two = np.array(table)[:2, :2]
    plain = cohen_kappa(two, seed=1)
    for weights in ("linear", "quadratic", [[0, 7], [7, 0]]):
        weighted = cohen_kappa(two, seed=1, weights=weights)
        assert isinstance(weighted, Undefined) == isinstance(plain, Undefined)
        if isinstance(plain, Estimate):
            assert weighted.value == approx(plain.value, abs=1e-9)


def test_a_label_that_nobody_used_counts():
    """As scikit-learn does not have it unless it is told the labels: 0.750 against 0.732 on the same ratings."""
    three = [[2, 0, 0], [1, 1, 0], [0, 0, 2]]
    five = np.zeros((5, 5))
    five[np.ix_([0, 1, 4], [0, 1, 4])] = three
    values = [cohen_kappa(table, seed=1, weights="linear").value for table in (three, five)]
    assert values[0] != approx(values[1])


def test_a_weighted_interval_is_seeded_and_holds_its_value():
    one, other = (cohen_kappa(CARCINOMA, seed=3, weights="quadratic") for _ in range(2))
    assert one == other
    assert one.ci_low < one.value < one.ci_high
    # 1.96 asymptotic standard errors around 0.784 are 0.708 to 0.860; the prior pulls down, as for empty cells.
    assert (one.ci_low, one.ci_high) == approx((0.708, 0.860), abs=0.04)


# ── What stands beside it ────────────────────────────────────────────────────────────────────────────


def test_the_largest_kappa_of_cohens_margins():
    assert round(paradox(COHEN).largest, 3) == 0.831


@pytest.mark.parametrize("table", [[[40, 9], [6, 45]], [[80, 10], [5, 5]]])
def test_the_pair_of_feinstein_and_cicchetti(table):
    assert round(paradox(table).even, 2) == 0.70


def test_prevalence_and_bias_of_two_labels():
    assert paradox([[80, 10], [5, 5]]) == Paradox(
        largest=approx(2 / 3, abs=0.2), even=approx(0.7), prevalence=0.75, bias=approx(0.05)
    )
    assert paradox(COHEN).prevalence is None


# ── Bad input ────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_and_one_label_have_their_sentence():
    for table in ([[0, 0], [0, 0]], [[7, 0], [0, 0]]):
        assert isinstance(standard_errors(table), Undefined)
        assert isinstance(cohen_kappa(table, seed=1, weights="linear"), Undefined)
    assert isinstance(paradox([[0, 0], [0, 0]]), Undefined)
    assert isinstance(paradox([[7]]), Undefined)
    assert paradox([[7, 0], [0, 0]]).largest is None


@pytest.mark.parametrize(
    "weights", ["cubic", [[0, 1], [1, 0], [1, 1]], [[1, 1], [1, 0]], np.zeros((3, 3)), -np.ones((3, 3))]
)
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match=r"disagree|weights"):
        agreement_weights(weights, 3)

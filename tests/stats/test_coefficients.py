"""AC1 and AC2, Fleiss' kappa, Brennan–Prediger's coefficient: printed values, identities, statsmodels."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from evaltrack.stats.agreement import krippendorff_alpha
from evaltrack.stats.coefficients import brennan_prediger, fleiss_kappa, gwet_ac, standard_error
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.fleiss import fleiss_table
from evaltrack.stats.kappa import paradox
from evaltrack.stats.patterns import distinct_rows
from evaltrack.stats.posterior import random_units

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=50)

# Fleiss 1971: 30 patients, 6 psychiatrists; how many said depression, personality disorder, schizophrenia,
# neurosis, other.
PRINTED = """
    00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
    00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
FLEISS = [[int(digit) for digit in row] for row in PRINTED.split()]


def counted(*raters, k=5):
    """Counts of labels 1 to k from one line per rater; a dot is a missing rating."""
    rows = zip(*(rater.split() for rater in raters), strict=True)
    return [[row.count(str(label)) for label in range(1, k + 1)] for row in rows]


# Gwet 2014, as in irrCAC's raw4raters.
GWET = counted(
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . .",
    ". 3 3 3 2 3 4 2 2 5 1 3",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)


def two_raters(table):
    """Counts and times of a table of two raters."""
    k = len(table)
    pairs = np.eye(k, dtype=int)[:, None] + np.eye(k, dtype=int)[None, :]
    return pairs.reshape(k * k, k), np.ravel(table)


def test_the_table_of_fleiss_1971():
    table = fleiss_table(FLEISS)
    assert (round(table.observed, 4), round(table.by_chance, 4)) == (0.5556, 0.2199)
    assert (round(table.kappa, 3), round(table.test.statistic, 2)) == (0.430, 17.65)
    assert [round(label.kappa, 3) for label in table.labels] == [0.245, 0.245, 0.520, 0.471, 0.566]
    z = [round(label.test.statistic, 3) for label in table.labels]
    assert z == [5.192, 5.192, 11.031, 9.994, 12.009]


def test_the_other_coefficients_of_the_same_patients():
    assert fleiss_kappa(FLEISS, seed=1).value == approx(fleiss_table(FLEISS).kappa, abs=1e-12)
    assert round(gwet_ac(FLEISS, seed=1).value, 5) == 0.44788
    units = [np.repeat(range(5), row).tolist() for row in FLEISS]
    assert round(krippendorff_alpha(units, level="nominal", seed=1).value, 5) == 0.43341


@pytest.mark.parametrize(
    ("method", "chance", "weights", "value", "error"),
    [
        (gwet_ac, "gwet", None, 0.77544, 0.14295),
        (fleiss_kappa, "fleiss", None, 0.76117, 0.15302),
        (brennan_prediger, "brennan_prediger", None, 0.77273, 0.14472),
        (gwet_ac, "gwet", "linear", 0.85874, None),
        (gwet_ac, "gwet", "ordinal", 0.89894, None),
    ],
)
def test_the_four_raters_of_gwet_2014(method, chance, weights, value, error):
    assert round(method(GWET, seed=1, weights=weights).value, 5) == value
    if error is not None:
        assert round(standard_error(GWET, chance), 5) == error


def test_alpha_of_the_same_raters():
    units = [np.repeat(range(5), row).tolist() for row in GWET]
    assert round(krippendorff_alpha(units, level="nominal", seed=1).value, 5) == 0.74342


def test_quadratic_weights_and_the_printed_interval_of_gwet_2014():
    assert round(gwet_ac(GWET, seed=1, weights="quadratic").value, 3) == 0.914
    low = gwet_ac(GWET, seed=1).value - stats.t.ppf(0.975, 11) * standard_error(GWET, "gwet")
    assert round(low, 3) == 0.461


@pytest.mark.parametrize(("table", "ac1"), [([[40, 9], [6, 45]], 0.7007), ([[80, 10], [5, 5]], 0.8080)])
def test_the_pair_of_feinstein_and_cicchetti(table, ac1):
    counts, times = two_raters(table)
    assert round(gwet_ac(counts, seed=1, times=times).value, 4) == ac1
    pabak = brennan_prediger(counts, seed=1, times=times).value
    assert round(pabak, 2) == 0.70
    assert pabak == approx(paradox(table).even)


complete = st.integers(2, 4).flatmap(
    lambda m: st.lists(st.lists(st.integers(0, 3), min_size=m, max_size=m), min_size=2, max_size=20)
)
ragged = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), min_size=2, max_size=20)


def matrix(units, k=4):
    return np.array([np.bincount(unit, minlength=k) for unit in units])


def several_labels_and_a_pair(counts):
    return np.count_nonzero(counts.sum(axis=0)) > 1 and counts.sum(axis=1).max() > 1


@repeatable
@given(complete)
def test_fleiss_agrees_with_statsmodels(units):
    counts = matrix(units)
    assume(several_labels_and_a_pair(counts))
    assert fleiss_kappa(counts, seed=1).value == approx(statsmodels_fleiss(counts), abs=1e-9)
    assert fleiss_kappa(counts, seed=1).value == approx(fleiss_table(counts).kappa, abs=1e-9)
    even = statsmodels_fleiss(counts, method="randolph")
    assert brennan_prediger(counts, seed=1).value == approx(even, abs=1e-9)


@repeatable
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30))
def test_alpha_of_two_raters_is_fleiss_kappa_corrected_for_size(pairs):
    counts = matrix(pairs)
    assume(several_labels_and_a_pair(counts))
    pi = fleiss_kappa(counts, seed=1).value
    alpha = krippendorff_alpha(pairs, level="nominal", seed=1).value
    assert alpha == approx(pi + (1 - pi) / (2 * len(pairs)), abs=1e-9)


@repeatable
@given(
    ragged,
    st.sampled_from([gwet_ac, fleiss_kappa, brennan_prediger]),
    st.permutations(range(4)),
    st.randoms(),
)
def test_neither_names_of_labels_nor_order_of_units_change_anything(units, method, names, random):
    counts = matrix(units)
    ours = method(counts, seed=1)
    renamed = method(counts[:, names], seed=1)
    assert isinstance(ours, Undefined) == isinstance(renamed, Undefined)
    if not isinstance(ours, Undefined):
        assert renamed.value == approx(ours.value, abs=1e-9)
    order = random.sample(range(len(counts)), len(counts))
    assert method(counts[order], seed=1) == ours


@repeatable
@given(ragged, st.sampled_from(["gwet", "fleiss", "brennan_prediger"]))
def test_doubling_all_units_keeps_the_value_and_divides_the_error_by_root_two(units, chance):
    counts = matrix(units)
    assume(several_labels_and_a_pair(counts))
    once, twice = standard_error(counts, chance), standard_error(counts, chance, times=[2] * len(counts))
    n = len(counts)
    assert twice * math.sqrt(2 * n - 1) == approx(once * math.sqrt(n - 1), abs=1e-9)
    assert standard_error(np.tile(counts, (2, 1)), chance) == approx(twice, abs=1e-12)


@repeatable
@given(ragged)
def test_weights_that_are_all_or_nothing_are_no_weights(units):
    counts = matrix(units)
    assume(several_labels_and_a_pair(counts))
    apart = 1 - np.eye(4)
    for method in (gwet_ac, fleiss_kappa, brennan_prediger):
        assert method(counts, seed=1, weights=apart).value == approx(method(counts, seed=1).value, abs=1e-9)


def test_the_interval_shrinks_with_the_units_and_takes_no_longer():
    few, many = (gwet_ac(FLEISS, seed=1, times=[each] * 30) for each in (1, 10_000))
    assert few.n == 30
    assert many.n == 300_000
    assert many.ci_low < many.value < many.ci_high
    assert (few.ci_high - few.ci_low) == approx(100 * (many.ci_high - many.ci_low), rel=0.15)


def test_rare_disagreement_leaves_room_that_a_bootstrap_would_not():
    """Of 20 units one deviates, and two thirds of all draws hold it."""
    counts = [[3, 0]] * 16 + [[0, 3]] * 3 + [[2, 1]]
    shown = fleiss_kappa(counts, seed=1)
    table, times = distinct_rows(counts)
    alone = np.quantile(
        [
            statsmodels_fleiss(np.repeat(table, drawn, axis=0))
            for drawn in np.random.default_rng(1).multinomial(20, times / 20, size=400)
            if np.count_nonzero(drawn @ table) > 1
        ],
        0.025,
    )
    assert shown.ci_low < alone - 0.05
    assert shown.method.startswith("unit bootstrap, no narrower than")
    assert fleiss_kappa(counts, seed=1) == shown


def test_the_priors_units_weigh_two_and_have_labels_at_random():
    rows, mass = random_units(np.array([1, 3]), np.array([1, 3]), 4, np.random.default_rng(1))
    assert mass.sum() == approx(2)
    assert mass[rows.sum(axis=1) == 3].sum() == approx(1.5)
    labels = mass @ rows
    assert labels / labels.sum() == approx(0.25)
    assert len(rows) == 4 + 20
    # Of 1,001 possible units a sample.
    rows, mass = random_units(np.array([10]), np.array([5]), 5, np.random.default_rng(1))
    assert len(rows) <= 300
    assert mass.sum() == approx(2)
    assert mass @ rows / (mass @ rows).sum() == approx(0.2, abs=0.02)


# ── What has no value or no interval ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", [gwet_ac, fleiss_kappa, brennan_prediger])
def test_one_category_pairs_and_labels(method):
    words = "only one category was used; agreement 20/20 units, 95 % lower limit 0.84"
    assert method([[3, 0]] * 20, seed=1) == Undefined(words)
    assert method([[1, 0], [0, 1]], seed=1) == Undefined("no unit has two ratings")
    assert method(np.empty((0, 3)), seed=1) == Undefined("no unit has two ratings")
    assert method([[4]] * 20, seed=1) == Undefined("one label leaves nothing to agree on")


def test_labels_that_do_not_disagree():
    weights = [[0, 0, 1], [0, 0, 1], [1, 1, 0]]
    counts = [[2, 1, 0], [1, 2, 0]] * 6
    assert "do not disagree" in fleiss_kappa(counts, seed=1, weights=weights).reason
    assert isinstance(standard_error(counts, "fleiss", weights=weights), Undefined)
    assert gwet_ac(counts, seed=1, weights=weights).value == 1


def test_nine_units_have_no_interval_and_ten_agreeing_ones_have():
    nine = gwet_ac([[2, 0], [0, 2], [1, 1]] * 3, seed=1)
    assert nine.ci_undefined == "9 units do not support a bootstrap interval: 10 are needed"
    ten = gwet_ac([[2, 0], [0, 2]] * 5, seed=1)
    # Up to 27.8 % of units might disagree unseen (Wilson, 0 of 10); chance agreement is a half.
    assert (ten.value, ten.ci_high) == (1, 1)
    assert ten.ci_low == approx(1 - 0.277533 / 0.5, abs=1e-5)


def test_single_ratings_count_for_the_shares_alone():
    paired = [[2, 0], [0, 2], [1, 1]] * 5
    with_single = gwet_ac([*paired, [1, 0], [1, 0]], seed=1)
    assert with_single.n == 15
    assert with_single.value != approx(gwet_ac(paired, seed=1).value)


def test_standard_errors_that_do_not_exist():
    assert standard_error([[1, 0], [0, 1]], "gwet") == Undefined("no unit has two ratings")
    assert standard_error([[2, 0], [2, 0]], "fleiss").reason.startswith("only one category")
    assert isinstance(standard_error([[2, 1]], "gwet"), Undefined)


def test_tables_of_fleiss_that_do_not_exist():
    assert fleiss_table([[1, 0]]) == Undefined("no unit has two ratings")
    assert fleiss_table([[2, 0], [2, 1]]).reason.startswith("the z of Fleiss is for equally many")
    assert fleiss_table([[2, 0], [2, 0]]) == Undefined("only one category was used")
    assert fleiss_table([[2, 1, 0], [1, 2, 0]]).labels[2] == Undefined("nobody used this label")


@pytest.mark.parametrize("counts", [[1, 2], [[-1, 2]], [[0.5, 1]], [[math.nan, 1]]])
def test_what_is_no_table_of_counts_is_refused(counts):
    with pytest.raises(ValueError):
        gwet_ac(counts, seed=1)

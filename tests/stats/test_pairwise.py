from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.kappa import cohen_kappa
from evaltrack.stats.pairwise import mean_pairwise_kappa, pulls_on_the_mean, spread_of, together

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=40)


def ratings_by(**raters):
    """Ratings of units 0, 1, 2 … from a string of labels per rater; a dot is a missing rating."""
    return [
        (u, rater, mark) for rater, marks in raters.items() for u, mark in enumerate(marks) if mark != "."
    ]


def table(one, two, labels="abc"):
    return [[sum(pair == (x, y) for pair in zip(one, two, strict=True)) for y in labels] for x in labels]


def test_the_mean_is_weighted_by_the_units_that_both_rated():
    one, two, three = "aabbccabca", "aabbcbabcc", "ababa....."
    kappas = [
        (10, cohen_kappa(table(one, two), seed=1).value),
        (5, cohen_kappa(table(one[:5], three[:5]), seed=1).value),
        (5, cohen_kappa(table(two[:5], three[:5]), seed=1).value),
    ]
    result = mean_pairwise_kappa(ratings_by(one=one, two=two, three=three), seed=1)
    assert result.kappa.value == approx(sum(n * kappa for n, kappa in kappas) / 20)
    assert (result.kappa.n, result.pairs, result.pairs_undefined) == (10, 3, 0)
    assert result.kappa.ci_low < result.kappa.value < result.kappa.ci_high


def test_undefined_pairs_are_left_out_and_counted():
    one, two, three, four = "aabbab", "aabbba", "aa....", "...bb."
    result = mean_pairwise_kappa(ratings_by(one=one, two=two, three=three, four=four), seed=1)
    # Three said "a" with one and with two, four said "b" with two; three and four share no unit.
    assert (result.pairs, result.pairs_undefined) == (5, 3)
    one_and_two = cohen_kappa(table(one, two), seed=1).value
    one_and_four = cohen_kappa(table("ba", "bb"), seed=1).value
    assert result.kappa.value == approx((6 * one_and_two + 2 * one_and_four) / 8)


@repeatable
@given(st.lists(st.text("abc", min_size=3, max_size=3), min_size=12, max_size=30))
def test_the_order_of_the_ratings_changes_nothing(units):
    ratings = [(u, rater, mark) for u, marks in enumerate(units) for rater, mark in enumerate(marks)]
    assert mean_pairwise_kappa(ratings, seed=2) == mean_pairwise_kappa(reversed(ratings), seed=2)


@repeatable
@given(st.lists(st.text("abc", min_size=3, max_size=3), min_size=2, max_size=20))
def test_the_mean_is_that_of_the_tables(units):
    columns = ["".join(column) for column in zip(*units, strict=True)]
    kappas = [cohen_kappa(table(one, two), seed=1) for one, two in combinations(columns, 2)]
    defined = [kappa.value for kappa in kappas if not isinstance(kappa, Undefined)]
    result = mean_pairwise_kappa(ratings_by(**dict(zip("xyz", columns, strict=True))), seed=1)
    assert result.pairs_undefined == 3 - len(defined)
    if defined:
        assert result.kappa.value == approx(np.mean(defined))
    else:
        assert isinstance(result.kappa, Undefined)


def test_complete_agreement_leaves_room_below_one():
    result = mean_pairwise_kappa(ratings_by(one="ab" * 15, two="ab" * 15), seed=1)
    assert (result.kappa.value, result.kappa.ci_high) == (1, 1)
    assert result.kappa.ci_low == approx(1 - 0.113513 / 0.5, abs=1e-5)


def test_nothing_to_compare_is_undefined():
    nothing = Undefined("no unit was rated by two people")
    assert mean_pairwise_kappa([], seed=1).kappa == nothing
    assert mean_pairwise_kappa(ratings_by(one="ab"), seed=1).kappa == nothing
    one_label = mean_pairwise_kappa(ratings_by(one="aaa", two="aaa"), seed=1)
    assert one_label.kappa.reason.startswith("only one category was used; agreement 3/3")
    assert (one_label.pairs, one_label.pairs_undefined) == (1, 1)
    each_its_own = mean_pairwise_kappa(ratings_by(one="aa..", two="aa..", three="..bb", four="..bb"), seed=1)
    assert each_its_own.kappa == Undefined(
        "each pair of raters used one category only, so no pair has a kappa"
    )
    assert each_its_own.as_json()["pairs_undefined"] == 2


def test_a_repeat_by_the_same_rater_is_refused():
    with pytest.raises(ValueError, match="twice"):
        mean_pairwise_kappa([("u", "one", "a"), ("u", "one", "b")], seed=1)


def test_units_of_one_item_are_resampled_together_in_the_mean_of_pairs():
    ratings = [(unit, rater, "AB"[(unit // (1 + rater)) % 2]) for unit in range(120) for rater in range(3)]
    by_unit = mean_pairwise_kappa(ratings, seed=1).kappa
    alone = mean_pairwise_kappa(ratings, seed=1, item_of={unit: unit for unit in range(120)}).kappa
    assert (alone.value, alone.ci_low, alone.ci_high) == (by_unit.value, by_unit.ci_low, by_unit.ci_high)
    # Twelve equal units of each of ten items are ten independent things.
    copies = [(unit, rater, "AB"[(unit % 10 // (1 + rater)) % 2]) for unit, rater, _ in ratings]
    as_many = mean_pairwise_kappa(copies, seed=1).kappa
    as_ten = mean_pairwise_kappa(copies, seed=1, item_of={unit: unit % 10 for unit in range(120)}).kappa
    assert (as_ten.value, as_ten.n, as_ten.clusters) == (as_many.value, 120, 10)
    assert as_ten.ci_high - as_ten.ci_low > 2 * (as_many.ci_high - as_many.ci_low)


@pytest.mark.parametrize("units_each", [1, 3])
def test_the_spread_over_items_is_that_of_the_bootstrap(units_each):
    """Six raters, of whom four rate each unit; the units of an item are alike."""
    rng = np.random.default_rng(1)
    units, labels, raters = [], [], []
    for unit in range(600):
        truth = np.random.default_rng(unit // units_each).integers(0, 3)
        for rater in rng.permutation(6)[:4]:
            units.append(unit)
            raters.append(int(rater))
            labels.append(int(truth if rng.random() < 0.6 else rng.integers(0, 3)))
    columns = np.array(units), np.array(raters), np.array(labels)
    shared = together(*columns)
    assert len(shared.unit) == 600 * 6
    assert (shared.one < shared.other).all()
    pair = shared.one * 6 + shared.other
    tables = np.bincount((pair * 3 + shared.said_one) * 3 + shared.said_other, minlength=36 * 9).reshape(
        36, 3, 3
    )
    pulls = pulls_on_the_mean(tables, pair, shared.said_one, shared.said_other)
    spread = spread_of(np.bincount(shared.unit // units_each, weights=pulls))
    item_of = {unit: unit // units_each for unit in range(600)}
    found = mean_pairwise_kappa(zip(units, raters, labels, strict=True), seed=1, item_of=item_of).kappa
    half = 1.96 * spread / (600 / units_each) ** 0.5
    assert half == approx((found.ci_high - found.ci_low) / 2, rel=0.08)


def test_a_spread_needs_items_and_a_kappa():
    assert isinstance(spread_of(np.array([1.0])), Undefined)
    same = together(np.array([0, 0, 1, 1]), np.array([1, 2, 1, 2]), np.array([0, 0, 0, 0]))
    pulls = pulls_on_the_mean(np.array([[[2, 0], [0, 0]]]), np.zeros(2, int), same.said_one, same.said_other)
    assert spread_of(pulls) == Undefined("no item pulls at the mean")
    assert len(together(np.array([0, 1]), np.array([1, 1]), np.array([0, 0])).unit) == 0

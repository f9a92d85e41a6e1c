"""Rates, agreement beside that of people, and exchanged positions."""

import numpy as np
import pytest
from scipy import stats

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import wilson
from evaltrack.stats.judge import beside_people, error_rates, position_swaps

approx = pytest.approx


def test_sensitivity_and_specificity():
    truth, judged = [1] * 20 + [0] * 30, [1] * 18 + [0] * 2 + [0] * 27 + [1] * 3
    rates = error_rates(truth, judged)
    assert (rates.sensitivity, rates.specificity) == (wilson(18, 20), wilson(27, 30))
    assert rates.as_json()["sensitivity"]["value"] == 0.9
    turned = error_rates(1 - np.array(truth), 1 - np.array(judged))
    assert (turned.sensitivity, turned.specificity) == (rates.specificity, rates.sensitivity)
    assert error_rates([1], [1]).specificity == Undefined("no example is negative")
    assert error_rates([0], [1]).sensitivity == Undefined("no example is positive")
    with pytest.raises(ValueError, match="1 or 0"):
        error_rates([2], [1])


def test_agreement_beside_people_by_hand():
    # Item 0: people say 0 0 1, the judge 0: 2/3 against 1/3. Item 1: 1 1 and 1. Item 2: 0 1 and 1. Item 3: one label.
    shown = beside_people([0, 0, 0, 1, 1, 2, 2, 3], [0, 0, 1, 1, 1, 0, 1, 0], [0, 1, 1, 0])
    assert shown.judge.value == approx((2 / 3 + 1 + 1 / 2) / 3)
    assert shown.people.value == approx((1 / 3 + 1 + 0) / 3)
    assert shown.difference.value == approx(shown.judge.value - shown.people.value)
    assert shown.difference.n == 3
    assert shown.as_json()["people"]["n"] == 3


def test_a_judge_like_one_more_person_agrees_as_people_do():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, size=500)
    said = [np.where(rng.random(500) < 0.8, truth, rng.integers(0, 3, size=500)) for _ in range(4)]
    like = beside_people(np.tile(np.arange(500), 3), np.concatenate(said[:3]), said[3])
    assert like.difference.ci_low < 0 < like.difference.ci_high
    careless = np.where(rng.random(500) < 0.4, said[3], rng.integers(0, 3, size=500))
    worse = beside_people(np.tile(np.arange(500), 3), np.concatenate(said[:3]), careless)
    assert worse.difference.ci_high < -0.1
    assert 0 <= worse.judge.ci_low < worse.judge.ci_high < worse.people.ci_low


def test_agreement_beside_people_that_does_not_exist():
    none = Undefined("no item has two human labels")
    shown = beside_people([0, 1], [1, 1], [1, 1])
    assert (shown.judge, shown.people, shown.difference) == (none, none, none)
    assert beside_people([], [], []).judge == none
    with pytest.raises(ValueError, match="each item"):
        beside_people([2, 2], [1, 1], [1, 1])
    with pytest.raises(ValueError, match="do not stand beside"):
        beside_people([2, 2], [1], [1, 1])


def test_a_judge_that_leans_to_the_first():
    # 30 pairs the same, 9 where the first of either order won, one where the second did.
    shown, swapped = [1] * 15 + [-1] * 15 + [1] * 9 + [-1], [1] * 15 + [-1] * 15 + [-1] * 8 + [0] + [1]
    swaps = position_swaps(shown, swapped)
    assert swaps.consistent == wilson(30, 40)
    assert swaps.first == wilson(9, 10)
    assert swaps.test.p_value == approx(stats.binomtest(9, 10).pvalue)
    back = position_swaps(-np.array(shown), -np.array(swapped))
    assert back.first == wilson(1, 10)
    assert back.consistent == swaps.consistent
    assert swaps.as_json()["first"]["value"] == 0.9


def test_a_consistent_judge_leans_nowhere():
    swaps = position_swaps([1, 0, -1] * 10, [1, 0, -1] * 10)
    assert swaps.consistent == wilson(30, 30)
    assert isinstance(swaps.first, Undefined)
    assert isinstance(swaps.test, Undefined)
    assert position_swaps([], []) == Undefined("no pair was judged in both orders")
    with pytest.raises(ValueError, match="1, 0 or -1"):
        position_swaps([2], [1])

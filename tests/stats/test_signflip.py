import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.signflip import sign_flip

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)


def by_hand(totals):
    sums = [
        abs(sum(s * t for s, t in zip(signs, totals, strict=True)))
        for signs in product((1, -1), repeat=len(totals))
    ]
    return np.mean([s >= abs(sum(totals)) - 1e-9 for s in sums])


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9).filter(any))
def test_whole_half_and_other_numbers_have_the_p_of_all_assignments(totals):
    p = by_hand(totals)
    for scale in (1, 0.5, 0.1, math.pi, 1e-9, 1e9):
        assert sign_flip(np.multiply(totals, scale), seed=1).p_value == approx(p)


def test_one_vote_a_prompt_is_the_sign_test():
    totals = [1] * 70 + [-1] * 40 + [0] * 15
    tested = sign_flip(totals, seed=1)
    assert tested.statistic == 30
    assert tested.p_value == approx(stats.binomtest(70, 110).pvalue)


def test_many_whole_totals_are_exact_and_ask_for_no_seed():
    rng = np.random.default_rng(3)
    totals = rng.integers(-5, 6, size=2000)
    exact = sign_flip(totals, seed=1).p_value
    assert exact == sign_flip(totals, seed=2).p_value
    z = totals.sum() / math.sqrt((totals**2).sum())
    assert exact == approx(2 * stats.norm.sf(abs(z)), abs=0.003)


def test_drawn_assignments_agree_with_scipy_repeat_and_are_never_0():
    rng = np.random.default_rng(4)
    totals = rng.normal(0.25, 1, size=60)
    ours = sign_flip(totals, seed=1)
    oracle = stats.permutation_test(
        (totals,), np.sum, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(1)
    )
    assert ours.p_value == approx(oracle.pvalue, abs=0.012)
    assert ours == sign_flip(totals, seed=1)
    assert ours.p_value == sign_flip(-totals, seed=1).p_value
    assert sign_flip(totals + 9, seed=1).p_value == 1 / 10_000


def test_drawn_assignments_agree_with_exact_ones():
    rng = np.random.default_rng(5)
    totals = rng.integers(-5, 9, size=40)
    drawn = sign_flip(totals + rng.normal(0, 1e-6, size=40), seed=1).p_value
    assert drawn == approx(sign_flip(totals, seed=1).p_value, abs=0.01)


@repeatable
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=40).filter(any), st.integers(0, 5))
def test_units_without_a_preference_and_the_sign_change_nothing(totals, zeros):
    p = sign_flip(totals, seed=1).p_value
    assert sign_flip(totals + [0] * zeros, seed=1).p_value == p
    assert sign_flip([-t for t in totals], seed=1).p_value == p
    assert 0 < p <= 1


def test_no_units_and_no_preferences():
    assert sign_flip([], seed=1) == Undefined("there are no units")
    assert sign_flip([0, 0], seed=1) == Undefined("all 2 totals are 0")
    assert sign_flip([3.3], seed=1).p_value == 1
    with pytest.raises(ValueError):
        sign_flip([math.nan], seed=1)

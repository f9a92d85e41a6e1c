"""The blinding index: what guesses say about whether the systems can be told apart."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltrack.stats.blinding import blinding_index
from evaltrack.stats.estimate import Undefined

GUESSES = st.lists(st.sampled_from([-1, 0, 1]), min_size=10, max_size=60)


def test_it_is_bangs_index_and_its_spread_the_multinomial_one_where_nobody_guesses_twice():
    right, wrong, unknown = 82, 25, 170  # as of one arm of a trial
    n = right + wrong + unknown
    guesses = [1] * right + [-1] * wrong + [0] * unknown
    found = blinding_index(guesses, range(n), range(n))
    assert found.value == pytest.approx((right - wrong) / n)
    # Bang, Ni & Davis (2004): Var = (p_right + p_wrong - (p_right - p_wrong)^2) / n, here by n - 1.
    p_right, p_wrong = right / n, wrong / n
    error = math.sqrt((p_right + p_wrong - (p_right - p_wrong) ** 2) / (n - 1))
    assert found.ci_high - found.value == pytest.approx(1.9686 * error, rel=1e-3)
    assert found.ci_low > 0


def test_what_one_evaluator_has_noticed_counts_as_one_thing_noticed():
    guesses = [1] * 20 + [0] * 80
    alone = blinding_index(guesses, range(100), range(100))
    by_five = blinding_index(guesses, [n // 20 for n in range(100)], range(100))
    assert alone.value == by_five.value
    assert by_five.ci_high - by_five.ci_low > 2 * (alone.ci_high - alone.ci_low)
    assert "evaluator" in by_five.method


def test_few_evaluators_are_counted_by_item_and_fewer_still_not_at_all():
    guesses, two = [1, -1, 0, 0, 1, 0], [0, 1] * 3
    assert "item" in blinding_index(guesses, two, range(6)).method
    few = blinding_index(guesses, two, [0, 0, 1, 1, 2, 2])
    assert (few.ci_low, few.ci_high) == (None, None)
    assert isinstance(blinding_index([], [], []), Undefined)


@given(GUESSES)
def test_it_turns_with_the_guesses_and_stays_within_its_interval(guesses):
    n = len(guesses)
    found, turned = (blinding_index([sign * g for g in guesses], range(n), range(n)) for sign in (1, -1))
    assert -1 <= found.ci_low <= found.value <= found.ci_high <= 1
    assert turned.value == pytest.approx(-found.value)


def test_anything_but_a_guess_is_refused():
    with pytest.raises(ValueError, match="a guess is"):
        blinding_index([0.5], [1], [1])

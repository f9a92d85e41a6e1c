"""The next pair: probabilities that add up, information that counts, and votes that are saved."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.strengths import next_pair, pair_chances, strengths
from evaltrack.stats.strengths.davidson import sloped
from evaltrack.stats.strengths.pairing import _reductions
from evaltrack.stats.strengths.votes import counted, designed
from tests.stats.strengths.test_davidson import UNDEFEATED, some_votes, tastings
from tests.stats.strengths.voting import drawn

approx = pytest.approx


@pytest.mark.parametrize("order", [False, True])
@pytest.mark.parametrize("nu", [0.0, 0.5])
def test_the_reduction_is_that_of_the_inverse_of_the_information(order, nu):
    """Against the Fisher information, each outcome once with its chance as its weight, inverted as a whole."""
    votes = drawn(np.random.default_rng(1), 80, theta=(0.0, 0.5, -0.4, 1.0), nu=nu)
    fitted = strengths(*votes, order=order)
    pairs = list(combinations(range(4), 2))
    information = np.linalg.inv(fitted.model_covariance)
    contrasts = [fitted.contrast(*pair) for pair in pairs]

    def spread(matrix):
        covariance = np.linalg.inv(matrix)
        return sum(c @ covariance @ c for c in contrasts)

    theta = list(fitted.strengths[1:] - fitted.strengths[0])
    parameters = np.array(
        theta + [fitted.order_effect.value] * order + ([np.log(fitted.tie_weight)] if nu else [])
    )
    for pair, gain in zip(pairs, _reductions(fitted, pairs, pairs), strict=True):
        expected = []
        for left, right in (pair, pair[::-1]):
            one = counted([left], [right], [1], [0], systems=4)
            design = designed(one.left, one.right, 4, order=order)
            # With ties the information needs them to be possible: the Hessian takes totals, whatever they were.
            one.counts[:] = np.array([[0.4], [0.2 if nu else 0.0], [0.4 if nu else 0.6]])
            expected.append(
                spread(information) - spread(information + sloped(design, one, parameters).hessian)
            )
        assert gain == approx(np.mean(expected))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(some_votes, st.floats(0.05, 1))
def test_probabilities_add_up_and_leave_no_pair_out(rows, explore):
    left, by, outcomes, prompts = np.array(rows).T
    fitted = strengths(left, (left + by) % 4, outcomes, prompts, fall_back=True, systems=4)
    chances = pair_chances(fitted, 4, explore=explore)
    assert list(chances) == list(combinations(range(4), 2))
    assert sum(chances.values()) == approx(1)
    assert min(chances.values()) >= explore / 6 - 1e-12


def test_a_system_without_votes_is_shown_first():
    fitted = strengths(*UNDEFEATED, fall_back=True, systems=5)
    chances = pair_chances(fitted, 5)
    assert max(chances, key=chances.get)[1] == 4
    assert sum(chance for pair, chance in chances.items() if 4 in pair) > 0.5


def test_only_the_differences_of_interest_count():
    fitted = strengths(*tastings(), order=False)
    chances = pair_chances(fitted, 6, of_interest=[(0, 5)])
    assert max(chances, key=chances.get) == (0, 5)
    assert chances[0, 5] > 2 * pair_chances(fitted, 6)[0, 5]


def test_the_draw_has_the_logged_probability_and_both_sides():
    fitted = strengths(*UNDEFEATED, fall_back=True, systems=5)
    chances = pair_chances(fitted, 5)
    drawn_pairs = [next_pair(fitted, 5, seed=seed) for seed in range(1500)]
    for shown in drawn_pairs[:50]:
        assert shown.probability == chances[tuple(sorted((shown.left, shown.right)))]
    seen = Counter(tuple(sorted((shown.left, shown.right))) for shown in drawn_pairs)
    assert all(seen[pair] / 1500 == approx(chance, abs=0.04) for pair, chance in chances.items())
    assert np.mean([shown.left < shown.right for shown in drawn_pairs]) == approx(0.5, abs=0.05)
    assert next_pair(fitted, 5, seed=7) == next_pair(fitted, 5, seed=7)


def test_without_a_fit_all_pairs_are_alike():
    assert set(pair_chances(Undefined("there are no votes"), 4).values()) == {1 / 6}
    assert next_pair(Undefined("there are no votes"), 2, seed=1).probability == 1


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda fitted: pair_chances(fitted, 1), "two systems"),
        (lambda fitted: pair_chances(fitted, 7), "the fit has 6 systems, not 7"),
        (lambda fitted: pair_chances(fitted, 6, explore=0.0), "exploration"),
        (lambda fitted: pair_chances(fitted, 6, of_interest=[(0, 0)]), "between two of 6 systems"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, problem):
    with pytest.raises(ValueError, match=problem):
        call(strengths(*tastings()))


@pytest.mark.slow
def test_choosing_saves_votes_where_one_difference_matters():
    """600 votes on six systems of which the first two are compared: the variance against that of uniform pairs."""
    theta, spreads = np.array([0.0, 0.2, 1.5, -1.5, 3.0, -3.0]), {}
    for explore in (0.15, 1.0):
        rng = np.random.default_rng(8)
        left, right, outcomes = [0, 1], [1, 0], [1, 1]
        fitted = Undefined("not yet")
        for step in range(600):
            if step % 20 == 0:
                fitted = strengths(
                    left, right, outcomes, range(len(left)), order=False, fall_back=True, systems=6
                )
            shown = next_pair(fitted, 6, seed=step, explore=explore, of_interest=[(0, 1)])
            left.append(shown.left)
            right.append(shown.right)
            ahead = theta[shown.left] - theta[shown.right]
            outcomes.append(1 if rng.random() < 1 / (1 + np.exp(-ahead)) else -1)
        fitted = strengths(left, right, outcomes, range(len(left)), order=False, fall_back=True)
        contrast = fitted.contrast(0, 1)
        spreads[explore] = contrast @ fitted.model_covariance @ contrast
        assert fitted.difference(1, 0).value == approx(0.2, abs=0.7)
    assert spreads[0.15] < 0.3 * spreads[1.0]

"""Kappa of preferences by the convention of the Conference on Machine Translation, against counts by hand."""

import pytest

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.same_order import preference_kappa_same_order

VOTES = [
    # The same order: Ann twice alike, Bob otherwise.
    (1, "x", "y", "Ann", "x"),
    (1, "x", "y", "Ann", "x"),
    (1, "x", "y", "Bob", "tie"),
    # The other order is compared with nothing here.
    (1, "y", "x", "Cid", "x"),
    # Ann's other judgment of the item counts for the ties of those who repeat something.
    (1, "x", "z", "Ann", "tie"),
    # On another item nobody repeats anything.
    (2, "x", "y", "Ann", "both_bad"),
    (2, "x", "y", "Bob", "x"),
]


def test_between_raters_their_own_repeats_are_compared_too():
    found = preference_kappa_same_order(VOTES, between="raters", seed=1)
    assert (found.agree, found.comparable, found.ties, found.both_bad, found.judgments) == (1, 4, 2, 1, 7)
    by_chance = (2 / 7) ** 2 + (1 / 7) ** 2 + 2 * (2 / 7) ** 2
    assert found.kappa.value == pytest.approx((1 / 4 - by_chance) / (1 - by_chance))
    assert (found.kappa.n, found.kappa.clusters) == (4, 2)


def test_with_themselves_the_ties_are_those_of_who_repeats_something():
    found = preference_kappa_same_order(VOTES, between="self", seed=1)
    assert (found.agree, found.comparable, found.ties, found.both_bad, found.judgments) == (1, 1, 1, 0, 3)


def test_without_a_pair_in_the_same_order_it_is_undefined():
    for between, whom in (("raters", "different raters"), ("self", "the same rater")):
        found = preference_kappa_same_order(VOTES[3:5], between=between, seed=1)
        assert isinstance(found.kappa, Undefined)
        assert whom in found.kappa.reason
    assert isinstance(preference_kappa_same_order([], between="self", seed=1).kappa, Undefined)
    with pytest.raises(ValueError, match="between"):
        preference_kappa_same_order([], between="everybody", seed=1)


def test_the_order_of_judgments_changes_nothing():
    votes = [(n % 30, "x", "y", n, ("x", "y", "tie")[n // 7 % 3]) for n in range(90)]
    found = preference_kappa_same_order(votes, between="raters", seed=1)
    assert found == preference_kappa_same_order(votes[::-1], between="raters", seed=1)
    assert found.kappa.ci_low < found.kappa.value < found.kappa.ci_high

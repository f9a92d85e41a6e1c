"""Where disagreement comes from: found where it was put, and not where it was not."""

import numpy as np
import pytest

from evaltrack.stats.alpha import alpha_without_each
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.raters import alphas_left_out, origins

K = 4


def judged(seed, *, raters=10, items=300, overlap=4, careless=0, hard=0.0, unclear=False):
    """Raters, items, labels and groups; of the raters the first `careless` are, of the items a share `hard`, and of
    four groups the first is where it is `unclear`."""
    rng = np.random.default_rng(seed)
    item = np.repeat(np.arange(items), overlap)
    who = np.concatenate([rng.permutation(raters)[:overlap] for _ in range(items)])
    group, truth = item % 4, rng.integers(0, K, size=items)[item]
    right = np.where(who < careless, 0.4, 0.85) * np.where(rng.random(items)[item] < hard, 0.45, 1.0)
    right = np.where(unclear & (group == 0), 0.4, right)
    label = np.where(rng.random(len(item)) < right, truth, rng.integers(0, K, size=len(item)))
    return who, item, label, group


def most(**given):
    found = [origins(*judged(seed, **given), nominal=True).most for seed in range(10)]
    return [found.count(name) for name in ("raters", "items", "rubric")]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"careless": 2, "overlap": 3}, 0),
        ({"hard": 0.3}, 1),
        ({"unclear": True, "overlap": 3}, 2),
    ],
)
def test_what_was_put_there_is_said_to_explain_most(given, place):
    found = most(**given)
    assert found[place] >= 8
    assert sum(found) == found[place]


def test_chance_alone_is_seldom_said_to_be_a_source():
    assert sum(most()) <= 2
    assert sum(most(overlap=2)) <= 2


def test_two_or_three_judgments_do_not_tell_a_hard_item_from_chance():
    found = origins(*judged(1, overlap=3, hard=0.4), nominal=True)
    assert isinstance(found.items.share, Undefined)
    assert "four judgments" in found.items.share.reason


def test_few_raters_and_one_group_are_told_apart_from_nothing():
    who, item, label, _ = judged(1, raters=4)
    found = origins(who, item, label, np.zeros_like(item), nominal=True)
    assert "fewer than 5 raters" in found.raters.as_json()["undefined"]
    assert "one group" in found.groups.as_json()["undefined"]


def test_the_numbers_of_raters_and_items_do_not_matter():
    who, item, label, group = judged(3, careless=2)
    one = origins(who, item, label, group, nominal=True)
    assert one == origins(who * 7 + 3, item * 11 + 5, label, group + 9, nominal=True)


def test_without_disagreement_or_items_there_is_nothing_to_divide():
    who, item, label, group = judged(1)
    assert isinstance(origins(who, item, label * 0, group, nominal=True), Undefined)
    few = item < 10
    assert "20 are needed" in origins(who[few], item[few], label[few], group[few], nominal=True).reason


@pytest.mark.parametrize(("level", "values"), [("nominal", None), ("interval", [1.0, 2.0, 3.5, 7.0])])
@pytest.mark.parametrize("overlap", [2, 3, 5])
def test_alpha_without_each_rater_is_that_of_the_slow_way(level, values, overlap):
    who, item, label, _ = judged(4, raters=6, items=40, overlap=overlap, careless=1)
    _, fast = alphas_left_out(item, who, label, k=K, values=values)
    slow = alpha_without_each(item, who, label, level=level, values=values)
    assert fast.keys() == slow.keys()
    assert all(fast[rater] == pytest.approx(slow[rater], abs=1e-12) for rater in slow)


def test_without_the_only_other_rater_alpha_is_not_defined():
    whole, found = alphas_left_out([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 0], k=2)
    assert whole == pytest.approx(0.0)
    assert all(isinstance(each, Undefined) for each in found.values())

"""What is foreseen comes true as often as it was said to, and does not tell which way."""

import numpy as np
import pytest
from scipy import stats

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.planning.enough import enough

approx = pytest.approx


def ones(scores):
    return np.ones(len(scores), dtype=int)


def votes(rng, n, mean):
    """The mean of two votes of −1, 0 or 1 on each item, which share what the item adds."""
    own = rng.normal(mean, 0.35, size=(n, 1))
    said = own + rng.normal(0, 0.6, size=(n, 2))
    return np.where(said > 0.25, 1, np.where(said < -0.25, -1, 0)).mean(axis=1)


def test_a_decision_comes_as_often_as_was_foreseen():
    """Over campaigns of 120 items with any mean: looked at after 40, decided at the end."""
    rng, foreseen, came = np.random.default_rng(1), [], []
    for _ in range(1500):
        scores = votes(rng, 120, rng.uniform(-0.8, 0.8))
        said = enough(scores[:40], ones(scores[:40]), margin=0.2, planned=120)
        half = stats.t.ppf(0.975, 119) * scores.std(ddof=1) / np.sqrt(120)
        foreseen.append(said.chance)
        came.append(abs(scores.mean() + 0.2) > half)
    foreseen, came = np.array(foreseen), np.array(came)
    assert foreseen.mean() == approx(came.mean(), abs=0.03)
    for low, high in ((0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.01)):
        here = (foreseen >= low) & (foreseen < high)
        if here.sum() >= 30:
            assert came[here].mean() == approx(foreseen[here].mean(), abs=0.12)


def test_items_needed_are_those_at_which_the_interval_clears_the_margin():
    scores = np.tile([1.0, 0.0, -1.0, 1.0], 10)
    spread = scores.std(ddof=1)
    said = enough(scores, ones(scores), margin=0.1, planned=500)
    for needed, distance in ((said.least, 0.35), (said.most, 0.15)):
        for n, decides in ((needed, True), (needed - 1, False)):
            assert (stats.t.ppf(0.975, n - 1) * spread / np.sqrt(n) < distance) == decides
    near = enough(scores, ones(scores), margin=0.0, planned=40)
    assert (near.planned, near.chance, near.least) == (40, 0.0, near.most)


def test_nothing_is_enough_at_the_margin_itself():
    scores = np.tile([0.3, -0.7], 20)
    said = enough(scores, ones(scores), margin=0.2, planned=100)
    assert (said.most, said.is_settled) == (None, False)
    assert said.least > 1


@pytest.mark.parametrize("margin", [0.0, 0.2, 0.5])
def test_which_way_people_lean_cannot_be_told(margin):
    rng = np.random.default_rng(2)
    scores = votes(rng, 60, 0.1)
    one = enough(scores, ones(scores), margin=margin, planned=100)
    other = enough(-scores, ones(scores), margin=margin, planned=100)
    assert one.as_json() == other.as_json()
    assert {"value", "is_settled"}.isdisjoint(one.as_json())


def test_equal_items_may_be_given_once():
    scores = np.array([1.0, 0.5, -1.0])
    times = np.array([30, 20, 12])
    once = enough(scores, times, margin=0.1, planned=100)
    each = enough(np.repeat(scores, times), np.ones(62, int), margin=0.1, planned=100)
    assert once.as_json() == each.as_json()


def test_it_is_settled_when_the_interval_at_every_look_is():
    clear = np.tile([1.0, 1.0, 0.5, 1.0, -1.0], 40)
    assert enough(clear, ones(clear), margin=0.2, planned=400).is_settled
    few = clear[:40]
    assert not enough(few, ones(few), margin=0.2, planned=400).is_settled


def test_fewer_items_by_the_due_time_decide_less_often():
    scores = votes(np.random.default_rng(3), 40, 0.0)
    late = enough(scores, ones(scores), margin=0.2, planned=200, judged_by_then=60)
    assert late.chance < enough(scores, ones(scores), margin=0.2, planned=200).chance


def test_what_says_nothing_and_what_is_refused():
    assert "10 are needed" in enough([1.0], [9], margin=0.2, planned=20).reason
    assert isinstance(enough([1.0], [30], margin=0.2, planned=60), Undefined)
    for wrong in (([1.0], [1, 2], 0.2), ([1.0], [20], 2.0)):
        with pytest.raises(ValueError, match="scores come with"):
            enough(wrong[0], wrong[1], margin=wrong[2], planned=60)

"""Raters who keep to the middle or contradict themselves: what is found, and how often that errs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltrack.stats.raters import central_tendency, repeats
from tests.stats.raters.test_behaviour import panel, share_raised

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)


def scored(rng, items=80, raters=6, cautious=None, harsh=None):
    """Scores from 1 to 5; the cautious rater moves two thirds of the way to 3."""
    rater, item = panel(rng, items, raters, 3)
    score = np.clip(np.round(3 + rng.normal(0, 1, size=items)[item] + rng.normal(0, 0.7, len(item))), 1, 5)
    if cautious is not None:
        score = np.where(rater == cautious, np.round(3 + (score - 3) / 3), score)
    if harsh is not None:
        score = score - 1.0 * (rater == harsh)
    return rater, item, score


def test_a_cautious_rater_stands_out_and_a_harsh_one_does_not():
    shown = central_tendency(*scored(np.random.default_rng(1), cautious=2, harsh=4), seed=1)
    assert [each.rater for each in shown] == list(range(6))
    assert shown[2].score < 0.4
    assert shown[2].adjusted < 0.01
    assert min(each.adjusted for each in shown if each.rater != 2) > 0.05


def test_by_hand():
    # Items are scored 1 and 5, or 5 and 1; the third rater always says 3.
    rater, item = np.tile([0, 1, 2], 12), np.repeat(np.arange(12), 3)
    score = np.where(rater == 2, 3.0, np.where((item + rater) % 2, 1.0, 5.0))
    one, other, middle = central_tendency(rater, item, score, seed=1)
    assert middle.score == 0
    # A drawn score is 1, 3 or 5 alike: of 12 the variance is 8/3 · 11/12 on average. That of the others is 4.
    assert one.score == approx(4 / (8 / 3 * 11 / 12), rel=0.05)
    assert other.score == approx(one.score, rel=0.05)
    assert one.false_positives > 0.9


def test_it_errs_no_more_often_than_it_says():
    rng = np.random.default_rng(3)
    results = [central_tendency(*scored(rng), seed=i) for i in range(100)]
    assert share_raised(results, 0.05) <= 0.07


@repeatable
@given(st.integers(0, 1000), st.floats(0.1, 10), st.floats(-5, 5))
def test_a_change_of_units_changes_nothing(seed, scale, shift):
    rater, item, score = scored(np.random.default_rng(seed), items=30)
    ours = central_tendency(rater, item, score, seed=1)
    theirs = central_tendency(rater, item, scale * score + shift, seed=1)
    assert [each.score for each in theirs] == approx([each.score for each in ours])


def test_what_says_nothing_of_the_spread():
    assert central_tendency([], [], [], seed=1) == ()
    assert central_tendency([0, 1] * 9, np.repeat(range(9), 2), range(18), seed=1) == ()
    assert central_tendency([0, 1] * 10, np.repeat(range(10), 2), [3] * 20, seed=1) == ()
    assert central_tendency([0] * 12, range(12), range(12), seed=1) == ()
    with pytest.raises(ValueError, match="finite"):
        central_tendency([0], [0], [float("nan")], seed=1)


def test_repeats_that_differ():
    rater = np.repeat([3, 5, 8], 10)
    differed = np.r_[[1] * 6, [0] * 4, [1] * 1, [0] * 9, [0] * 10]
    first, second, third = repeats(rater, differed)
    assert (first.rater, first.n) == (3, 10)
    assert first.score == approx(0.6 - 1 / 20)
    assert first.false_positives == approx(stats.hypergeom.sf(5, 30, 7, 10))
    assert third.false_positives == 1
    assert second.false_positives == approx(stats.hypergeom.sf(0, 30, 7, 10))


@repeatable
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), min_size=1, max_size=60))
def test_the_chance_of_repeats_is_hypergeometric(judged):
    rater, differed = np.array(judged).T
    for each in repeats(rater, differed):
        mine = rater == each.rater
        law = stats.hypergeom(len(rater), differed.sum(), mine.sum())
        assert each.false_positives == approx(min(1, law.sf(differed[mine].sum() - 1)), abs=1e-9)


def test_repeats_of_one_rater_none_and_what_is_refused():
    assert repeats([], []) == ()
    assert [each.false_positives for each in repeats([1, 1], [1, 0])] == [1]
    for wrong in ([0.5, 1], [1]):
        with pytest.raises(ValueError):
            repeats([0, 0], wrong)

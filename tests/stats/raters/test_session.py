"""What changes within a sitting, and checks that were missed."""

import numpy as np
import pytest

from evaltrack.stats.raters import change_within, missed, sittings


def test_a_sitting_ends_with_a_pause_and_belongs_to_one_rater():
    found = sittings([0, 0, 1, 0, 1], [0, 10, 5, 100, 6], pause=30)
    assert found[0] == found[1]
    assert found[2] == found[4]
    assert len({found[0], found[2], found[3]}) == 3


def panel(seed, change=0.0, raters=20, long=20, times=3):
    """Values of raters in sittings, the first rater's higher in each second half by `change`."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(raters), long * times)
    of = np.repeat(np.arange(raters * times), long)
    at = np.tile(np.arange(long), raters * times)
    values = rng.normal(size=len(who)) + np.repeat(rng.normal(size=raters * times), long)
    values[(who == 0) & (at >= long // 2)] += change
    return who, of, at, values


def test_a_change_within_sittings_is_measured_and_found():
    first = change_within(*panel(1, change=1.5))[0]
    assert first.score == pytest.approx(1.5, abs=0.6)
    assert first.adjusted < 0.001
    assert first.n == 60


def test_without_a_change_five_in_a_hundred_are_as_far_out():
    p = [each.false_positives for seed in range(30) for each in change_within(*panel(seed))]
    assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.07


def test_sittings_that_differ_from_one_another_are_no_change_within():
    who, of, at, values = panel(2)
    apart = change_within(who, of, at, values + 100.0 * (of % 3))
    assert [each.score for each in apart] == pytest.approx(
        [each.score for each in change_within(who, of, at, values)], abs=1e-9
    )


def test_few_judgments_and_short_sittings_say_nothing():
    who, of, at, values = panel(1, raters=1, long=6, times=3)
    assert change_within(who, of, at, values) == ()
    who, of, at, values = panel(1, raters=1, long=3, times=20)
    assert change_within(who, of, at, values) == ()


def test_one_missed_check_of_many_is_a_slip_and_three_of_five_are_not():
    raters = [0] * 20 + [1] * 5
    found = missed(raters, [1] + [0] * 19 + [1, 1, 1, 0, 0])
    assert found[0].false_positives > 0.5
    assert found[1].score == 0.6
    assert found[1].false_positives == pytest.approx(0.00116, abs=1e-5)
    assert missed([3], [0])[0].false_positives == 1.0


def test_a_check_is_missed_or_not():
    with pytest.raises(ValueError, match="missed"):
        missed([0], [0.5])

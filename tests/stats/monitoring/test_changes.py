import math

import numpy as np
import pytest

from evaltrack.stats.monitoring import change_point
from evaltrack.stats.monitoring.changes import likelihood_ratios

approx = pytest.approx


def test_the_likelihood_ratio_of_a_split_worked_by_hand():
    found = likelihood_ratios(np.array([9, 8, 2]), np.array([10, 10, 10]))
    assert len(found) == 2

    def log_likelihood(x, n):
        return x * math.log(x / n) + (n - x) * math.log(1 - x / n)

    by_hand = 2 * (log_likelihood(17, 20) + log_likelihood(2, 10) - log_likelihood(19, 30))
    assert found[1] == approx(by_hand)
    assert found[0] < found[1]


def test_a_share_that_falls_from_ninety_to_eighty_per_cent_is_dated():
    found = change_point([90, 91, 89, 90, 92, 88, 80, 79, 81, 80], [100] * 10, seed=1)
    assert (found.period, found.n) == (6, 1000)
    assert (found.before, found.after) == (approx(0.9), approx(0.8))
    assert found.test.p_value <= 0.005
    assert found == change_point([90, 91, 89, 90, 92, 88, 80, 79, 81, 80], [100] * 10, seed=1)


def test_turning_time_round_or_counting_failures_changes_nothing_but_the_date():
    x, n = [30, 28, 29, 20, 18], [35, 34, 36, 33, 30]
    there = change_point(x, n, seed=2)
    back = change_point(x[::-1], n[::-1], seed=2)
    failures = change_point([of - s for s, of in zip(x, n, strict=True)], n, seed=2)
    assert there.period + back.period == len(x)
    assert (there.before, there.after) == (back.after, back.before)
    assert there.test.statistic == approx(back.test.statistic) == approx(failures.test.statistic)


def test_without_a_change_one_series_in_twenty_has_a_p_value_under_a_twentieth():
    rng = np.random.default_rng(9)
    n = [40, 60, 20, 50, 30, 45, 55, 35]
    p_values = [change_point(rng.binomial(n, 0.85), n, seed=i).test.p_value for i in range(300)]
    assert np.mean(np.array(p_values) <= 0.05) == approx(0.05, abs=0.03)


def test_periods_without_outcomes_are_bridged():
    found = change_point([9, 0, 2], [10, 0, 10], seed=3)
    assert found.period in (1, 2)
    assert (found.before, found.after) == (0.9, 0.2)


def test_degenerate_and_malformed_series():
    assert "two periods" in change_point([5], [10], seed=1).reason
    assert "two periods" in change_point([], [], seed=1).reason
    assert "two periods" in change_point([5, 0], [10, 0], seed=1).reason
    assert change_point([10, 10], [10, 10], seed=1).reason == "all 20 outcomes are the same"
    assert change_point([3, 3, 3], [6, 6, 6], seed=1).test.p_value > 0.9
    for x, n in (
        ([1, 2], [3]),
        ([4, 1], [3, 3]),
        ([-1, 1], [3, 3]),
        ([0.5, 1], [3, 3]),
        ([1, math.nan], [3, 3]),
    ):
        with pytest.raises(ValueError):
            change_point(x, n, seed=1)

"""The Ladder: what attempts are told, and that equal ones learn nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltrack.stats.reuse import attempts_level, ladder

repeatable = settings(derandomize=True, deadline=None)


def test_by_hand():
    base = np.repeat([1.0, 0.0], 50)
    better = np.repeat([1.0, 0.0], [62, 38])
    little = np.repeat([1.0, 0.0], [63, 37])
    rungs = ladder([base, better, little, base], step=0.05)
    assert [rung.is_new for rung in rungs] == [True, True, False, False]
    assert [rung.best for rung in rungs] == pytest.approx([0.5, 0.6, 0.6, 0.6])
    assert rungs[2].as_json() == {"attempt": 3, "best": 0.6, "is_new": False, "step": 0.05}


def test_without_a_step_it_is_the_standard_error_of_the_difference():
    base = np.repeat([1.0, 0.0], 50)
    better = np.repeat([1.0, 0.0], [62, 38])
    first, second = ladder([base, better])
    assert (first.best, second.best, second.is_new) == (0.5, 0.62, True)
    assert second.step == pytest.approx(np.sqrt(0.12 * 0.88 / 100))


@repeatable
@given(st.integers(0, 10_000), st.sampled_from([None, 0.02, 0.1]))
def test_what_is_told_never_falls_and_a_repeat_is_no_news(seed, step):
    attempts = np.random.default_rng(seed).integers(0, 2, size=(8, 60)).astype(float)
    rungs = ladder(list(attempts), step=step)
    told = [rung.best for rung in rungs]
    assert told == sorted(told)
    best = attempts[max(i for i, rung in enumerate(rungs) if rung.is_new)]
    again = ladder([*attempts, best], step=step)[-1]
    assert again.best == told[-1] or (step is not None and again.best - told[-1] <= step)


def test_a_hundred_equal_attempts_gain_less_than_the_best_of_them():
    rng = np.random.default_rng(1)
    told, largest = [], []
    for _ in range(200):
        attempts = (rng.random((100, 400)) < 0.7).astype(float)
        told.append(ladder(list(attempts), step=0.1)[-1].best)
        largest.append(attempts.mean(axis=1).max())
    assert np.mean(largest) - 0.7 > 0.05
    assert abs(np.mean(told) - 0.7) < 0.02


def test_bonferroni_over_attempts():
    assert attempts_level(1) == (0.05, pytest.approx(1.959964, abs=1e-6))
    level, z = attempts_level(20)
    assert level == pytest.approx(0.0025)
    assert z == pytest.approx(-stats.norm.ppf(0.00125))


def test_what_is_refused():
    for attempts, step in (
        ([[1.0], [1.0, 0.0]], None),
        ([[]], None),
        ([[1.0]], 0.0),
        ([[float("nan")]], None),
    ):
        with pytest.raises(ValueError):
            ladder(attempts, step=step)
    assert ladder([]) == ()
    for wrong in ((0, 0.05), (3, 1.0)):
        with pytest.raises(ValueError):
            attempts_level(*wrong)

"""Item analysis against numpy's correlation, and what must not change it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.items import analysed

repeatable = settings(derandomize=True, deadline=None)
matrices = st.tuples(st.integers(3, 8), st.integers(2, 8), st.integers(0, 2**32 - 1)).map(
    lambda drawn: np.random.default_rng(drawn[2]).integers(0, 2, size=drawn[:2]).astype(float)
)


@repeatable
@given(matrices)
def test_discrimination_is_the_correlation_with_the_rest(values):
    found = analysed(values)
    for item in range(values.shape[1]):
        rest = np.delete(values, item, axis=1).mean(axis=1)
        if np.ptp(values[:, item]) == 0 or np.ptp(rest) < 1e-9:
            assert np.isnan(found.discrimination[item])
        else:
            assert found.discrimination[item] == pytest.approx(np.corrcoef(values[:, item], rest)[0, 1])


@repeatable
@given(matrices)
def test_an_item_that_nobody_saw_changes_nothing_of_the_others(values):
    wider = np.column_stack([values, np.full(len(values), np.nan)])
    ours, theirs = analysed(values), analysed(wider)
    assert theirs.discrimination[:-1] == pytest.approx(ours.discrimination, nan_ok=True)
    assert (theirs.systems[-1], np.isnan(theirs.mean[-1])) == (0, True)


@repeatable
@given(matrices)
def test_right_for_wrong_keeps_discrimination(values):
    assert analysed(1 - values).discrimination == pytest.approx(analysed(values).discrimination, nan_ok=True)


def test_where_better_systems_fail_it_is_negative():
    skill = np.linspace(0, 1, 6)[:, None] > np.linspace(0, 0.9, 10)[None, :]
    values = np.column_stack([skill, ~skill[:, 4]]).astype(float)
    found = analysed(values)
    assert found.discrimination[-1] < -0.5
    assert (found.discrimination[1:9] > 0.4).all()


def test_two_systems_tell_nothing():
    assert np.isnan(analysed([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]).discrimination).all()


@pytest.mark.parametrize("values", [[0.0, 1.0], [[2.0]], [[[0.0]]]])
def test_what_are_no_scores_is_refused(values):
    with pytest.raises(ValueError, match="scores"):
        analysed(values)

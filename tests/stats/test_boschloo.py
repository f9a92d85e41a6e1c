import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltrack.stats.boschloo import boschloo, few_expected
from evaltrack.stats.estimate import Undefined

approx = pytest.approx
sides = st.integers(1, 25).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@settings(derandomize=True, deadline=None, max_examples=40)  # the oracle takes 30 ms a call
@given(sides, sides)
def test_boschloo_agrees_with_scipy(ours, theirs):
    (x1, n1), (x2, n2) = ours, theirs
    oracle = stats.boschloo_exact([[x1, x2], [n1 - x1, n2 - x2]]).pvalue
    assert boschloo(x1, n1, x2, n2).p_value == approx(oracle, abs=1e-6)


def test_boschloo_of_the_vaccine_example_of_scipy():
    assert boschloo(7, 15, 12, 15).p_value == approx(2 * 0.0341, abs=1e-4)


@settings(derandomize=True, deadline=None)
@given(sides, sides)
def test_boschloo_does_not_care_which_side_or_outcome_is_called_what(ours, theirs):
    (x1, n1), (x2, n2) = ours, theirs
    p = boschloo(x1, n1, x2, n2).p_value
    assert boschloo(x2, n2, x1, n1).p_value == approx(p, abs=1e-9)
    assert boschloo(n1 - x1, n1, n2 - x2, n2).p_value == approx(p, abs=1e-6)


@settings(derandomize=True, deadline=None)
@given(sides, sides)
def test_boschloo_rejects_whatever_the_one_sided_test_of_fisher_rejects(ours, theirs):
    (x1, n1), (x2, n2) = ours, theirs
    table = [[x1, x2], [n1 - x1, n2 - x2]]
    fisher = min(stats.fisher_exact(table, alternative=side).pvalue for side in ("less", "greater"))
    assert boschloo(x1, n1, x2, n2).p_value <= min(1, 2 * fisher) + 1e-9


def test_rare_failures_in_many_examples_take_no_time():
    started = time.perf_counter()
    assert boschloo(3, 2000, 0, 2000).p_value == approx(0.2407110, abs=1e-6)
    assert time.perf_counter() - started < 2  # scipy: 104 s


def test_few_expected_counts():
    assert few_expected(1, 100, 3, 100)
    assert not few_expected(5, 100, 5, 100)
    assert few_expected(97, 100, 99, 100)
    assert few_expected(9, 10, 50, 100)
    assert few_expected(0, 100, 0, 100)


def test_sides_without_examples_or_with_too_many():
    assert boschloo(0, 0, 1, 2) == Undefined("one side has no examples")
    assert "up to 5000 examples" in boschloo(1, 5001, 1, 2).reason
    assert boschloo(0, 1, 0, 1).p_value == 1
    for impossible in ((3, 2, 0, 1), (0.5, 2, 0, 1)):
        with pytest.raises(ValueError):
            boschloo(*impossible)
        with pytest.raises(ValueError):
            few_expected(*impossible)

"""Intraclass correlations against the example of Shrout and Fleiss, and what must hold whatever the scores."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.icc import FORMS, MeanSquares, icc, mean_squares, satterthwaite_limits

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=80)

# Shrout & Fleiss 1979: six targets, four judges.
SCORES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]

tables = st.tuples(st.integers(2, 6), st.integers(2, 5)).flatmap(
    lambda size: st.lists(
        st.lists(st.integers(1, 5), min_size=size[1], max_size=size[1]), min_size=size[0], max_size=size[0]
    )
)


@pytest.mark.parametrize(
    ("form", "printed", "value"),
    [
        ("(1,1)", 0.17, 0.1657),
        ("(2,1)", 0.29, 0.2898),
        ("(3,1)", 0.71, 0.7148),
        ("(1,k)", 0.44, 0.4428),
        ("(2,k)", 0.62, 0.6201),
        ("(3,k)", 0.91, 0.9093),
    ],
)
def test_the_six_forms_of_shrout_and_fleiss_1979(form, printed, value):
    shown = icc(SCORES, form, seed=1).value
    assert round(shown, 2) == printed
    assert round(shown, 4) == value


def test_the_mean_squares_and_the_interval_of_shrout_and_fleiss_1979():
    squares = mean_squares(SCORES)
    assert [round(x, 2) for x in (squares.units, squares.within, squares.raters, squares.residual)] == [
        11.24,
        6.26,
        32.49,
        1.02,
    ]
    low, high = satterthwaite_limits(squares)
    assert (round(low, 3), round(high, 3)) == (0.019, 0.761)
    two = icc(SCORES, seed=1)
    assert two == icc(SCORES, seed=1)
    assert (two.n, two.seed) == (6, 1)
    assert (two.ci_low, two.ci_high) == approx((low, high), abs=0.05)


@repeatable
@given(tables)
def test_mean_squares_are_those_of_the_analysis_of_variance(table):
    x = np.array(table, dtype=float)
    squares = mean_squares(x)
    assume(isinstance(squares, MeanSquares))
    n, k = x.shape
    total = ((x - x.mean()) ** 2).sum()
    parts = squares.units * (n - 1) + squares.raters * (k - 1) + squares.residual * (n - 1) * (k - 1)
    assert parts == approx(total)
    assert squares.within == approx(x.var(axis=1, ddof=1).mean())


@repeatable
@given(tables, st.sampled_from(FORMS))
def test_neither_order_nor_scale_changes_it(table, form):
    x = np.array(table)
    here = icc(x, form, seed=1)
    for other in (x[::-1], x[:, ::-1], 7 - 3.0 * x):
        there = icc(other, form, seed=1)
        assert isinstance(here, Undefined) == isinstance(there, Undefined)
        if not isinstance(here, Undefined):
            assert there.value == approx(here.value, abs=1e-9)
            assert (there.ci_low is None) == (here.ci_low is None)
            if here.ci_low is not None:
                assert (there.ci_low, there.ci_high) == approx((here.ci_low, here.ci_high), abs=1e-6)


@repeatable
@given(tables, st.integers(-3, 3))
def test_a_harsh_rater_lowers_agreement_and_leaves_consistency(table, harsher):
    x = np.array(table)
    moved = x + np.where(np.arange(x.shape[1]) == 0, harsher, 0)
    here, there = icc(x, "(3,1)", seed=1), icc(moved, "(3,1)", seed=1)
    assume(not isinstance(here, Undefined) and not isinstance(there, Undefined))
    assert there.value == approx(here.value, abs=1e-9)


def test_agreement_is_lower_than_consistency_where_raters_differ():
    assert icc(SCORES, "(2,1)", seed=1).value < icc(SCORES, "(3,1)", seed=1).value


def test_what_has_no_value_or_no_interval():
    assert icc([[1, 2]], seed=1) == Undefined("1 units and 2 raters: two of each are needed")
    assert icc([[3, 3], [3, 3]], seed=1) == Undefined("all 4 scores are equal")
    agreed = icc([[1, 1], [2, 2], [5, 5]], seed=1)
    assert (agreed.value, agreed.ci_low) == (approx(1), None)
    assert "has not been seen" in agreed.ci_undefined
    # Raters differ and units do not: no agreement, and for consistency nothing to go by.
    assert icc([[1, 2], [1, 2], [1, 2]], "(2,1)", seed=1).value == 0
    assert isinstance(icc([[1, 2], [1, 2], [1, 2]], "(3,1)", seed=1), Undefined)
    mirrored = [[1, 2], [2, 1], [1, 2], [2, 1]]
    assert icc(mirrored, "(1,1)", seed=1).value == approx(-1)
    assert isinstance(icc(mirrored, "(1,k)", seed=1), Undefined)
    assert isinstance(icc(np.array([[0.1, 0.1], [0.1, 0.3 - 0.2]]), seed=1), Undefined)


@pytest.mark.parametrize("scores", [[1, 2], [[1, math.nan], [1, 2]], [[1, math.inf], [1, 2]]])
def test_what_is_no_complete_table_is_refused(scores):
    with pytest.raises(ValueError):
        icc(scores, seed=1)


def test_unknown_forms_are_refused():
    with pytest.raises(ValueError, match="a form is one of"):
        icc(SCORES, "(4,1)", seed=1)

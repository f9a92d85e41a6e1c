"""Distinct units, counted: the same whether they come as a matrix or as single judgments."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats import patterns
from evaltrack.stats.patterns import codes, distinct_rows, distinct_units

repeatable = settings(derandomize=True, deadline=None, max_examples=80)
judgments = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=60)


def as_counter(rows, times):
    return {tuple(row): count for row, count in zip(rows.tolist(), times.tolist(), strict=True)}


@repeatable
@given(judgments)
def test_single_judgments_give_the_distinct_units(given_judgments):
    units, labels = np.array(given_judgments, dtype=int).reshape(-1, 2).T
    matrix = np.zeros((10, 4), dtype=int)
    np.add.at(matrix, (units, labels), 1)
    expected = Counter(tuple(row) for row in matrix.tolist() if any(row))
    counts, times = distinct_units(units, labels, 4)
    assert as_counter(counts.toarray(), times) == expected
    assert as_counter(*distinct_rows(matrix)) == expected


@repeatable
@given(judgments, st.randoms())
def test_names_and_order_of_units_change_nothing(given_judgments, random):
    units, labels = np.array(given_judgments, dtype=int).reshape(-1, 2).T
    order = random.sample(range(len(units)), len(units))
    names = np.array(random.sample(range(10**12), 10))
    there, back = distinct_units(units, labels, 4), distinct_units(names[units][order], labels[order], 4)
    assert (there[0].toarray() == back[0].toarray()).all()
    assert (there[1] == back[1]).all()


def test_codes_stay_exact_where_they_would_overflow(monkeypatch):
    rng = np.random.default_rng(1)
    table = rng.integers(0, 4, size=(200, 5))
    plain = codes(table.T, 200)
    monkeypatch.setattr(patterns, "MOST_CODE", 900)
    squeezed = codes(table.T, 200)
    assert (np.argsort(plain, kind="stable") == np.argsort(squeezed, kind="stable")).all()
    assert len(np.unique(plain)) == len(np.unique(squeezed))


def test_times_add_up():
    rows, times = distinct_rows([[1, 0], [0, 1], [1, 0], [0, 0]], times=[3, 0, 4, 9])
    assert as_counter(rows, times) == {(1, 0): 7}


@pytest.mark.parametrize(
    ("units", "labels", "k"),
    [([0, 1], [0], 2), ([0], [2], 2), ([-1], [0], 2), ([0.5], [0], 2), ([2**62], [0], 5), ([0], [0], 0)],
)
def test_what_is_no_list_of_judgments_is_refused(units, labels, k):
    with pytest.raises(ValueError):
        distinct_units(units, labels, k)


def test_times_must_stand_beside_rows():
    with pytest.raises(ValueError, match="no number of times"):
        distinct_rows([[1, 0]], times=[1, 2])

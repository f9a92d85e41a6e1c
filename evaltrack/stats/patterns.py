"""Units whose ratings are the same are interchangeable: the distinct ones, and how often each occurs.

A million judgments of five labels, three for each unit, are 35 distinct units at most. What is computed from them,
2,000 draws of a bootstrap included, then takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

Counts = NDArray[np.int64]

MOST_CODE = 2**62


def whole(numbers: ArrayLike, what: str) -> Counts:
    """The numbers as int64; ValueError where one is negative or not whole."""
    given = np.asarray(numbers)
    if given.dtype.kind in "iub":
        exact = given.astype(np.int64)
    else:
        real = given.astype(np.float64)
        if not (np.isfinite(real).all() and (real == np.floor(real)).all()):
            raise ValueError(f"{what} are whole numbers")
        exact = real.astype(np.int64)
    if (exact < 0).any():
        raise ValueError(f"{what} are not negative")
    return exact


def codes(columns: Iterable[Counts], n: int) -> Counts:
    """A number for each of n rows, given column by column: equal where the rows are, ordered as they are."""
    code, bound = np.zeros(n, dtype=np.int64), 1
    for column in columns:
        radix = int(column.max(initial=0)) + 1
        if bound * radix > MOST_CODE:
            code = np.unique(code, return_inverse=True)[1].astype(np.int64)
            bound = int(code.max(initial=0)) + 1
        code = code * radix + column
        bound *= radix
    return code


def distinct_rows(counts: ArrayLike, times: ArrayLike | None = None) -> tuple[Counts, Counts]:
    """The distinct rows of a matrix of counts (units × labels), and how many units have each.

    `times` says how many units each given row stands for; one without it. Rows without ratings are dropped.
    """
    table = whole(counts, "counts of ratings")
    if table.ndim != 2:
        raise ValueError(f"ratings are counted in a table of units and labels, not of shape {table.shape}")
    many = np.ones(len(table), dtype=np.int64) if times is None else whole(times, "times")
    if many.shape != (len(table),):
        raise ValueError(f"{many.shape} is no number of times for each of {len(table)} rows")
    kept = (table.sum(axis=1) > 0) & (many > 0)
    table, many = table[kept], many[kept]
    _, first, where = np.unique(codes(table.T, len(table)), return_index=True, return_inverse=True)
    multiplicity = np.zeros(len(first), dtype=np.int64)
    np.add.at(multiplicity, where, many)
    return table[first], multiplicity


def distinct_units(units: ArrayLike, labels: ArrayLike, k: int) -> tuple[sparse.csr_array, Counts]:
    """The distinct units of single judgments as counts of labels (rows × k), and how many units have each.

    Judgment i says that unit `units[i]` has label `labels[i]`, a number from 0 to k − 1. Units are numbered in any
    way; their names and order change nothing.
    """
    unit, label = whole(units, "unit numbers"), whole(labels, "label numbers")
    if unit.ndim != 1 or unit.shape != label.shape:
        raise ValueError(f"{label.shape} labels do not stand beside {unit.shape} units")
    if k < 1 or label.max(initial=0) >= k:
        raise ValueError(f"labels are numbered from 0 to {k - 1}")
    if unit.max(initial=0) > MOST_CODE // k:
        raise ValueError("unit numbers are too large; number the units from 0")
    # One sort brings the judgments of a unit together and in the order of their labels.
    key = np.sort(unit * k + label)
    unit = key // k
    label = key - unit * k
    starts = np.flatnonzero(np.concatenate(([True], unit[1:] != unit[:-1]))) if len(key) else np.empty(0, int)
    sizes = np.diff(np.append(starts, len(key)))

    def places() -> Iterable[Counts]:
        """The first label of each unit, the second …; 0 where it has no more, so that shorter ones come first."""
        for place in range(int(sizes.max(initial=0))):
            column = np.zeros(len(starts), dtype=np.int64)
            longer = sizes > place
            column[longer] = label[starts[longer] + place] + 1
            yield column

    _, first, multiplicity = np.unique(codes(places(), len(starts)), return_index=True, return_counts=True)
    rows = np.repeat(np.arange(len(first)), sizes[first])
    chosen = [np.arange(starts[i], starts[i] + sizes[i]) for i in first.tolist()]
    columns = label[np.concatenate(chosen)] if chosen else np.empty(0, dtype=np.int64)
    counts = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(first), k))
    return counts, multiplicity.astype(np.int64)

"""Kinds of items by what their units were given, as arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from scipy import sparse

from evaltrack.stats.patterns import Counts

# Of each unit of an item how often each label was given, in ascending order.
Kind: TypeAlias = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Kinds:
    """Distinct units (units × labels), how many there are of each, how many of each an item of
    a kind has (kinds × units), and how many items are of the kind."""

    counts: Counts
    units: Counts
    made_of: sparse.csr_array
    times: Counts

    @classmethod
    def of(cls, k: int, kinds: Mapping[Kind, int]) -> Kinds:
        # In one order, whatever the order of the kinds: a seed then draws the same.
        ordered = sorted(kinds)
        units = sorted({unit for kind in ordered for unit in kind})
        number = {unit: i for i, unit in enumerate(units)}
        rows = [row for row, kind in enumerate(ordered) for _ in kind]
        columns = [number[unit] for kind in ordered for unit in kind]
        ones = np.ones(len(rows), dtype=np.int64)
        made_of = sparse.csr_array((ones, (rows, columns)), shape=(len(ordered), len(units)))
        made_of.sum_duplicates()
        times = np.array([kinds[kind] for kind in ordered], dtype=np.int64)
        return cls(np.array(units, dtype=np.int64).reshape(-1, k), times @ made_of, made_of, times)

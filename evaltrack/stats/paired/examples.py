"""The outcomes of two systems on the same examples, checked."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import all_equal, real_values

NO_PAIRS = Undefined("there are no examples in common")
DRAWS = 2000
BOOTSTRAP_CELLS = 2_000_000  # resampled values held in memory at once

Vector = NDArray[np.float64]


def pairs(candidate: ArrayLike, baseline: ArrayLike) -> tuple[Vector, Vector]:
    """Both vectors, checked; ValueError unless they are finite and equally long."""
    ours, theirs = real_values(candidate), real_values(baseline)
    if len(ours) != len(theirs):
        raise ValueError(
            f"{len(ours)} values of the candidate do not pair with {len(theirs)} of the baseline"
        )
    return ours, theirs


def is_binary(*vectors: Vector) -> bool:
    return all(bool(((vector == 0) | (vector == 1)).all()) for vector in vectors)


def paired_table(candidate: ArrayLike, baseline: ArrayLike) -> tuple[int, int, int, int]:
    """The counts (a, b, c, d): both right, candidate only, baseline only, neither."""
    ours, theirs = pairs(candidate, baseline)
    if not is_binary(ours, theirs):
        raise ValueError("a paired table counts outcomes that are 0 or 1")
    both = int((ours * theirs).sum())
    b, c = int(ours.sum()) - both, int(theirs.sum()) - both
    return both, b, c, len(ours) - both - b - c


def differences(candidate: ArrayLike, baseline: ArrayLike) -> tuple[Vector, bool]:
    """The differences by example, and whether they are all the same number (up to rounding)."""
    ours, theirs = pairs(candidate, baseline)
    d = ours - theirs
    if not len(d):
        return d, False
    scale = max(float(np.abs(ours).max()), float(np.abs(theirs).max()))
    same = all_equal(d, scale)
    # The mean of equal numbers can be off in the last bit; their median is one of them.
    return (np.full_like(d, np.median(d)), True) if same else (d, False)

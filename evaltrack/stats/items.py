"""What each example tells about systems: how many pass it, and whether the better ones do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# With fewer systems nearly every example is passed by all or by none, whatever it is worth.
FEWEST_SYSTEMS = 3


@dataclass(frozen=True, slots=True)
class Items:
    """One entry for each item.

    `systems` counts those that were measured on it, `mean` is their mean value (NaN without any), and
    `discrimination` the correlation of the item with the systems' mean over all other items (NaN where one of the
    two does not vary, or fewer than three systems were measured).
    """

    systems: NDArray[np.int64]
    mean: NDArray[np.float64]
    discrimination: NDArray[np.float64]


def analysed(values: ArrayLike) -> Items:
    """Item analysis of a systems × items matrix of scores from 0 to 1, NaN where a system was not measured.

    Discrimination is the corrected item–total correlation (Crocker & Algina 1986): an item is left out of the total
    that it is held against, or it would correlate with itself. Below 0 the better systems do worse on it, as they
    do where its reference is wrong.
    """
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"scores are a matrix of systems by items, not of shape {matrix.shape}")
    seen = ~np.isnan(matrix)
    if np.any((matrix[seen] < 0) | (matrix[seen] > 1)):
        raise ValueError("scores lie between 0 and 1")
    filled = np.where(seen, matrix, 0.0)
    systems = seen.sum(axis=0)
    others = seen.sum(axis=1, keepdims=True) - seen
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=0) / systems
        rest = np.where(seen & (others > 0), (filled.sum(axis=1, keepdims=True) - filled) / others, np.nan)
        paired = seen & ~np.isnan(rest)
        x, y = centred(matrix, paired), centred(rest, paired)
        spread = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
        correlation = np.where(spread > 1e-12, (x * y).sum(axis=0) / spread, np.nan)
    enough = paired.sum(axis=0) >= FEWEST_SYSTEMS
    return Items(systems, mean, np.where(enough, np.clip(correlation, -1, 1), np.nan))


def centred(values: NDArray[np.float64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Deviations from each column's mean over what was seen, 0 elsewhere."""
    kept = np.where(seen, values, 0.0)
    means = kept.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return np.where(seen, kept - means, 0.0)

"""Several tests at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given (Holm 1979, step-down; valid under any dependence).

    The i-th smallest of m is multiplied by m − i + 1, never falls below the adjusted value before it, and
    stops at 1. Compare each with the level of the whole family. An empty family gives an empty list.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():  # NaN fails both comparisons
        raise ValueError("p-values are numbers from 0 to 1 in one sequence")
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(steps, 1.0)
    return [float(value) for value in adjusted]

"""Krippendorff's alpha with each rater left out, for very many raters: from what leaving one out changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.raters.judgments import columns, label_counts


def alphas_left_out(
    units: ArrayLike, raters: ArrayLike, labels: ArrayLike, *, values: ArrayLike | None = None, k: int
) -> tuple[float | Undefined, dict[int, float | Undefined]]:
    """Alpha, and alpha without each rater, by rater: at the nominal level, or at the interval level of `values`.

    The same as `alpha.alpha_without_each`, in one pass over the judgments instead of one for each rater. A rater
    judges a unit once.
    """
    who, what = columns(raters, units)
    label, row, counts = label_counts(what, labels, k)
    scale = None if values is None else np.asarray(values, dtype=np.float64)
    distance = 1 - np.eye(k) if scale is None else (scale[:, None] - scale[None, :]) ** 2
    size = counts.sum(axis=1)
    seen = np.where((size >= 2)[:, None], counts, 0)
    weighed = counts @ distance
    apart = (weighed * counts).sum(axis=1)
    observed, totals = float((apart[size >= 2] / (size[size >= 2] - 1)).sum()), seen.sum(axis=0)
    names, place = np.unique(who, return_inverse=True)
    paired = size[row] >= 2
    mine, place, label, of = np.flatnonzero(paired), place[paired], label[paired], row[paired]
    if not len(mine):
        nothing = Undefined("no unit has two ratings")
        return nothing, {int(name): nothing for name in names}
    m, before = size[of], apart[of] / (size[of] - 1)
    # A unit of two has no pair any more, and its other rating goes too.
    left = np.where(m > 2, (apart[of] - 2 * weighed[of, label]) / np.maximum(m - 2, 1), 0.0)
    changed = np.bincount(place, weights=left - before, minlength=len(names))
    gone = np.zeros((len(names), k))
    np.add.at(gone, (place, label), 1.0)
    lone = m == 2
    rest = counts[of[lone]].astype(np.float64)
    rest[np.arange(len(rest)), label[lone]] -= 1
    np.add.at(gone, place[lone], rest)
    found = {
        int(name): _alpha(observed + float(changed[number]), totals - gone[number], distance)
        for number, name in enumerate(names)
    }
    return _alpha(observed, totals.astype(np.float64), distance), found


def _alpha(observed: float, totals: NDArray[np.float64], distance: NDArray[np.float64]) -> float | Undefined:
    n = float(totals.sum())
    if n < 2:
        return Undefined("no unit has two ratings")
    expected = float(totals @ distance @ totals) / (n - 1)
    if expected <= 0:
        return Undefined("only one label was used")
    return 1 - observed / expected

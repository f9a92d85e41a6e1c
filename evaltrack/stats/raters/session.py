"""What changes while somebody works on, within a sitting; and attention checks that were missed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.patterns import Counts, whole
from evaltrack.stats.raters.judgments import Indication, beside, indications

FEWEST_JUDGMENTS = 20
USUAL_SLIPS = 0.05


def sittings(raters: ArrayLike, at: ArrayLike, *, pause: float) -> Counts:
    """The number of each judgment's sitting: a rater's next begins after `pause` without a judgment.

    `at` is in the unit of `pause`. The judgments stand in any order.
    """
    who = whole(raters, "rater numbers")
    time = beside(at, len(who), "times")
    order = np.lexsort((time, who))
    ordered, when = who[order], time[order]
    begins = np.ones(len(who), dtype=bool)
    begins[1:] = (ordered[1:] != ordered[:-1]) | (np.diff(when) > pause)
    found = np.empty(len(who), dtype=np.int64)
    found[order] = np.cumsum(begins) - 1
    return found


def change_within(
    raters: ArrayLike, sitting: ArrayLike, at: ArrayLike, values: ArrayLike
) -> tuple[Indication, ...]:
    """By how much each rater's values lie higher in the second half of their sittings than in the first.

    If nothing changes, the values of a sitting stand in any order: the difference is compared with its mean, 0, and
    its exact variance over all orders, and taken for normal, two-sided. Sittings of fewer than four judgments say
    nothing, and raters with fewer than 20 in longer ones are left out.
    """
    who, of = whole(raters, "rater numbers"), whole(sitting, "sitting numbers")
    time, x = beside(at, len(who), "times"), beside(values, len(who), "values")
    order = np.lexsort((time, of))
    who, of, x = who[order], of[order], x[order]
    _, first, row, size = np.unique(of, return_index=True, return_inverse=True, return_counts=True)
    long = size[row] >= 4
    place, half = np.arange(len(of)) - first[row], size[row] // 2
    # −1 in the first half, 1 in the second; the one in the middle is in neither.
    side = np.where(place < half, -1.0, np.where(place >= size[row] - half, 1.0, 0.0))
    apart = x - (np.bincount(row, weights=x) / np.maximum(size, 1))[row]
    spread = _sums(row, apart**2, len(size)) / np.maximum(size - 1, 1)
    names, number = np.unique(who[long], return_inverse=True)
    moved = _sums(number, (side * apart)[long], len(names))
    variance = _sums(number, (np.abs(side) * spread[row])[long], len(names))
    counted = _sums(number, np.abs(side)[long], len(names))
    n = np.bincount(number, minlength=len(names))
    enough = (n >= FEWEST_JUDGMENTS) & (variance > 1e-12)
    z = moved[enough] / np.sqrt(variance[enough])
    p = 2 * special.ndtr(-np.abs(z))
    score = 2 * moved[enough] / counted[enough]
    return indications(names[enough].tolist(), score.tolist(), n[enough].tolist(), p.tolist())


def _sums(of: Counts, values: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    return np.bincount(of, weights=values, minlength=groups).astype(np.float64)


def missed(raters: ArrayLike, wrong: ArrayLike, *, usual: float = USUAL_SLIPS) -> tuple[Indication, ...]:
    """The share of attention checks that each rater missed; `wrong` is 1 or 0 for each.

    Anybody's finger slips: `false_positives` is the chance of as many for a rater who misses a share `usual`.
    """
    who = whole(raters, "rater numbers")
    x = beside(wrong, len(who), "answers")
    if not np.isin(x, (0, 1)).all() or not 0 < usual < 1:
        raise ValueError("a check is missed, 1, or not, 0; usual shares lie between 0 and 1")
    names, place = np.unique(who, return_inverse=True)
    n = np.bincount(place, minlength=len(names))
    times = np.bincount(place, weights=x, minlength=len(names))
    p = np.where(times > 0, special.bdtrc(times - 1, n, usual), 1.0)
    return indications(names.tolist(), (times / np.maximum(n, 1)).tolist(), n.tolist(), p.tolist())

"""Answers that came too fast to have been read, and raters who are much faster or slower than others."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.raters.judgments import Indication, beside, columns, indications

SECONDS_PER_WORD = 0.3
USUAL_SHARE = 0.1
FEWEST_RATERS = 5
FEWEST_JUDGMENTS = 10
DRAWS = 2000
LEAST_IMAGINED = 100_000
# The median absolute deviation of a normal variable is this share of its standard deviation.
NORMAL_MAD = float(special.ndtri(0.75))


def pace(raters: ArrayLike, items: ArrayLike, seconds: ArrayLike) -> tuple[Indication, ...] | Undefined:
    """How far each rater's pace lies from that of the others, on the same items.

    Each judgment is compared with the others of its item, on the scale of logarithms; a rater's pace is the median of
    these differences, and the score how many robust standard deviations (median absolute deviation/0.6745) it lies
    from the median rater: below 0 is fast. `false_positives` is two-sided and takes the pace of ordinary raters for
    normal; as the deviation of few raters is itself a guess, it comes from imagined groups of as many. Items
    that one rater judged are left out, and raters with fewer than 10 others; the time is in any unit.

    Undefined with fewer than five raters, and where more than half of them have the same pace.
    """
    who, what = columns(raters, items)
    time = beside(seconds, len(who), "times")
    if (time <= 0).any():
        raise ValueError("times are positive")
    log = np.log(time)
    _, row = np.unique(what, return_inverse=True)
    size, total = np.bincount(row), np.bincount(row, weights=log)
    shared = size[row] >= 2
    others = (total[row] - log)[shared] / (size[row][shared] - 1)
    difference, who = log[shared] - others, who[shared]
    names, place = np.unique(who, return_inverse=True)
    n = np.bincount(place, minlength=len(names))
    enough = np.flatnonzero(n >= FEWEST_JUDGMENTS)
    if len(enough) < FEWEST_RATERS:
        return Undefined(
            f"{len(enough)} raters share {FEWEST_JUDGMENTS} items with others: {FEWEST_RATERS} are needed"
        )
    own = np.array([np.median(difference[place == number]) for number in enough])
    z, spread = _robust(own)
    if spread <= 1e-12:
        return Undefined("most raters have the same pace, so their spread is unknown")
    chance = _by_chance(len(own))
    p = 1 - np.searchsorted(chance, np.abs(z)) / len(chance)
    return indications(names[enough].tolist(), z.tolist(), n[enough].tolist(), p.tolist())


def _robust(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance from the median in robust standard deviations, which are the second result; by row."""
    apart = values - np.median(values, axis=-1, keepdims=True)
    spread = np.median(np.abs(apart), axis=-1, keepdims=True) / NORMAL_MAD
    with np.errstate(invalid="ignore", divide="ignore"):
        return apart / spread, spread


@lru_cache(maxsize=16)
def _by_chance(raters: int) -> NDArray[np.float64]:
    """How far out ordinary raters lie in groups of so many, ascending; the same draws whenever asked."""
    groups = max(DRAWS, LEAST_IMAGINED // raters)
    drawn = np.random.default_rng(raters).normal(size=(groups, raters))
    return np.sort(np.abs(_robust(drawn)[0]).ravel())


def unread(
    raters: ArrayLike,
    seconds: ArrayLike,
    words: ArrayLike,
    *,
    floor: float = SECONDS_PER_WORD,
    usual: float = USUAL_SHARE,
) -> tuple[Indication, ...]:
    """The share of each rater's answers that came faster than their text can be read: `floor` seconds a word.

    300 ms a word is as fast as people read, and who answers below it has not (Conrad et al. 2017). Now and then
    anybody does, having seen the text before: `false_positives` is the chance of as many among the answers of a rater
    who does so with probability `usual`.
    """
    time = np.asarray(seconds, dtype=np.float64)
    who, _ = columns(raters, np.arange(time.size))
    time, length = beside(time, len(who), "times"), beside(words, len(who), "lengths")
    if (time < 0).any() or (length < 0).any() or not (floor > 0 and 0 < usual < 1):
        raise ValueError(
            "times and lengths are not negative, floors positive, and usual shares between 0 and 1"
        )
    names, place = np.unique(who, return_inverse=True)
    n = np.bincount(place, minlength=len(names))
    fast = np.bincount(place, weights=time < floor * length, minlength=len(names)).astype(np.int64)
    p = special.bdtrc(fast - 1.0, n, usual)
    p[fast == 0] = 1.0
    return indications(names.tolist(), (fast / np.maximum(n, 1)).tolist(), n.tolist(), p.tolist())

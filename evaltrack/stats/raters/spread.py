"""Raters who keep to the middle of a scale, and raters who say something else when they see an item again."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.patterns import Counts, whole
from evaltrack.stats.raters.habits import FEWEST_SCORES
from evaltrack.stats.raters.judgments import Indication, beside, columns, indications
from evaltrack.stats.remembered import remembered

DRAWS = 2000
MOST_REMEMBERED = 4096  # raters


def central_tendency(
    raters: ArrayLike, items: ArrayLike, scores: ArrayLike, *, seed: int
) -> tuple[Indication, ...]:
    """How much less each rater's scores vary than those of others on the same items: a ratio of variances.

    Below 1 somebody keeps to the middle, or to one end, whatever the item. If the raters of an item are alike, each
    of its scores is equally likely to be this rater's: the variance is compared with that of 2,000 raters whose score
    of each item is one of its scores, drawn. The score is the ratio to their mean variance, `false_positives` the
    share of them that vary as little, one-sided. Being harsh by a constant changes neither much.

    Items with one rater are left out, raters with fewer than 10 scores beside others, and those on whose items all
    agree.
    """
    who, what = columns(raters, items)
    x = beside(scores, len(who), "scores")
    _, row = np.unique(what, return_inverse=True)
    # The scores of an item lie side by side, from `first` on.
    in_rows = np.argsort(row, kind="stable")
    ordered, size = x[in_rows], np.bincount(row)
    first = np.cumsum(size) - size
    shared = size[row] >= 2
    found = []
    for name in np.unique(who).tolist():
        mine = np.flatnonzero((who == name) & shared)
        if len(mine) < FEWEST_SCORES:
            continue
        of, own = row[mine], float(x[mine].var())
        # What the raters of these items said, item after item.
        theirs = np.repeat(first[of] - np.cumsum(size[of]) + size[of], size[of]) + np.arange(size[of].sum())
        expected, chance = _drawn_variance(seed, name, ordered[theirs], size[of], own)
        if expected > 0:
            found.append((name, own / expected, len(mine), chance))
    return indications(*zip(*found, strict=True)) if found else ()


@remembered(MOST_REMEMBERED)
def _drawn_variance(
    seed: int, name: int, scores: NDArray[np.float64], size: Counts, own: float
) -> tuple[float, float]:
    """The mean variance of raters whose score of each item is drawn from its `size` scores, side by side in `scores`,
    and the chance of one that is no larger than `own`."""
    # One generator for each rater, so that the draws of one do not depend on how many come before.
    rng = np.random.default_rng([seed, name])
    first = np.cumsum(size) - size
    drawn = scores[first + rng.integers(0, size, size=(DRAWS, len(size)))].var(axis=1)
    as_little = (drawn <= own * (1 + 1e-12)).sum()
    return float(drawn.mean()), (1 + int(as_little)) / (1 + DRAWS)


def repeats(raters: ArrayLike, differed: ArrayLike) -> tuple[Indication, ...]:
    """How often each rater said something else of an item that was planted twice, beside how often others do.

    `differed` is 1 or 0 for each repeated item of a rater. The score is the share that differed, less that of all
    others. If raters are alike, the differences fall on any of the repeats: `false_positives` is the exact chance of
    as many or more among this rater's (hypergeometric), one-sided. Without other raters it is 1.
    """
    who = whole(raters, "rater numbers")
    x = np.asarray(differed, dtype=np.float64)
    if who.ndim != 1 or x.shape != who.shape:
        raise ValueError(f"{x.shape} differences do not stand beside {who.shape} repeats")
    if not np.isin(x, (0, 1)).all():
        raise ValueError("a repeated item was judged alike, 0, or not, 1")
    names, place = np.unique(who, return_inverse=True)
    n = np.bincount(place, minlength=len(names))
    seen = np.bincount(place, weights=x, minlength=len(names)).astype(np.int64)
    total, apart = int(n.sum()), int(seen.sum())
    scores, p_values = [], []
    for mine, unlike in zip(n.tolist(), seen.tolist(), strict=True):
        others = total - mine
        scores.append(unlike / mine - ((apart - unlike) / others if others else unlike / mine))
        p_values.append(_as_many(unlike, mine, apart, total))
    return indications(names.tolist(), scores, n.tolist(), p_values)


def _as_many(seen: int, mine: int, apart: int, total: int) -> float:
    """P(X ≥ seen), X the number of the `apart` that fall among `mine` of `total`."""
    counts = np.arange(seen, min(mine, apart) + 1)

    def log_choices(n: int, k: np.ndarray) -> np.ndarray:
        return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)

    if mine - seen > total - apart:
        return 1.0
    within = counts[(mine - counts) <= total - apart]
    logs = log_choices(apart, within) + log_choices(total - apart, mine - within)
    return min(1.0, float(np.exp(logs - log_choices(total, np.array(mine))).sum()))

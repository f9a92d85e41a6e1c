"""Habits that have nothing to do with the items: one side, ties, severity; and drift on items of known score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.monitoring.charts import Cusum, cusum, cusum_threshold
from evaltrack.stats.patterns import Counts
from evaltrack.stats.raters.judgments import Indication, beside, columns, indications

# From this variance on the normal distribution with a continuity correction serves for the exact one.
LARGE_VARIANCE = 200.0
FEWEST_SCORES = 10


def sides(raters: ArrayLike, left: ArrayLike) -> tuple[Indication, ...]:
    """How often each rater preferred the left response, of the judgments that preferred one.

    `left` is 1 or 0 for each such judgment. Sides were assigned at random, so the share is a half in truth, whatever
    the systems: `false_positives` is that of the two-sided binomial test.
    """
    chosen = np.asarray(left, dtype=np.float64)
    who, _ = columns(raters, np.arange(chosen.size))
    chosen = _binary(chosen, len(who))
    names, place = np.unique(who, return_inverse=True)
    n = np.bincount(place, minlength=len(names))
    x = np.bincount(place, weights=chosen, minlength=len(names))
    p = np.minimum(1.0, 2 * special.bdtr(np.minimum(x, n - x), n, 0.5))
    return indications(names.tolist(), (x / np.maximum(n, 1)).tolist(), n.tolist(), p.tolist())


def overuse(raters: ArrayLike, items: ArrayLike, chosen: ArrayLike) -> tuple[Indication, ...]:
    """How much more often each rater chose something (a tie, "both bad") than the others did on the same items.

    `chosen` is 1 or 0 for each judgment. The score is the difference per judgment, from −1 to 1. Of an item's m
    ratings t chose it; if its raters are alike, each of them is among the t with probability t/m.
    `false_positives` is the exact chance of as many choices or more, one-sided: t and m are given, and nothing is
    estimated. Items that one rater judged are left out, and raters without others.
    """
    who, what = columns(raters, items)
    x = _binary(np.asarray(chosen, dtype=np.float64), len(who))
    _, row = np.unique(what, return_inverse=True)
    size, total = np.bincount(row), np.bincount(row, weights=x)
    shared = size[row] >= 2
    who, x, m, t = who[shared], x[shared], size[row][shared], total[row][shared]
    names, place = np.unique(who, return_inverse=True)
    scores, counts, p_values = [], [], []
    for number in range(len(names)):
        mine = place == number
        others = (t[mine] - x[mine]) / (m[mine] - 1)
        scores.append(float((x[mine] - others).mean()))
        counts.append(int(mine.sum()))
        p_values.append(_as_many(int(x[mine].sum()), t[mine].astype(np.int64), m[mine]))
    return indications(names.tolist(), scores, counts, p_values)


def _as_many(seen: int, t: Counts, m: Counts) -> float:
    """P(X ≥ seen) of a sum of independent 0/1 variables that are 1 with probability t/m."""
    share = t / m
    variance = float((share * (1 - share)).sum())
    if variance > LARGE_VARIANCE:
        return float(special.ndtr((float(share.sum()) + 0.5 - seen) / math.sqrt(variance)))
    chances: NDArray[np.float64] = np.ones(1)
    kinds, times = np.unique(np.column_stack([t, m]), axis=0, return_counts=True)
    for (chose, of), many in zip(kinds.tolist(), times.tolist(), strict=True):
        chances = np.convolve(chances, _binomial(many, chose, of))
    return float(chances[seen:].sum())


@lru_cache(maxsize=8192)
def _binomial(many: int, chose: int, of: int) -> NDArray[np.float64]:
    """The chance of each number of choices in `many`, of which each is one with probability chose/of."""
    return np.diff(special.bdtr(np.arange(many + 1), many, chose / of), prepend=0.0)


def severity(raters: ArrayLike, items: ArrayLike, scores: ArrayLike) -> tuple[Indication, ...]:
    """By how much each rater's scores lie above those of others on the same items, in their unit; below 0 is harsh.

    If the raters of an item are alike, each of its scores is equally likely to be this rater's; with the mean and
    variance that this gives, z is taken for normal, two-sided. Items with one rater are left out, and raters who
    have given fewer than 10 scores beside others.
    """
    who, what = columns(raters, items)
    x = beside(scores, len(who), "scores")
    _, row = np.unique(what, return_inverse=True)
    size = np.bincount(row)
    mean = np.bincount(row, weights=x) / np.maximum(size, 1)
    spread = np.bincount(row, weights=(x - mean[row]) ** 2) / np.maximum(size, 1)
    shared = size[row] >= 2
    who, row, x = who[shared], row[shared], x[shared]
    names, place = np.unique(who, return_inverse=True)
    found = []
    for number, name in enumerate(names.tolist()):
        mine = place == number
        n, of = int(mine.sum()), row[mine]
        if n < FEWEST_SCORES:
            continue
        above = x[mine] - mean[of]
        error = math.sqrt(float(spread[of].sum()))
        z = float(above.sum()) / error if error > 0 else 0.0
        # The mean of an item holds the rater's own score; that of the others lies m/(m − 1) times as far away.
        apart = float((above * size[of] / (size[of] - 1)).mean())
        found.append((name, apart, n, 2 * float(special.ndtr(-abs(z)))))
    return indications(*zip(*found, strict=True)) if found else ()


_threshold = lru_cache(maxsize=16)(cusum_threshold)


@dataclass(frozen=True, slots=True)
class Drift:
    """The chart of one rater, its threshold, and the chance of a signal so far had nothing changed."""

    chart: Cusum
    threshold: float
    false_positives: float


def drift(scores: ArrayLike, known: ArrayLike, *, sd: float, run_length: float = 1000.0) -> Drift | Undefined:
    """Whether a rater's scores on anchor items, in order, move away from their known scores (two-sided CUSUM).

    `known` is what each anchor item was scored in quiet times, `sd` the standard deviation of one rater's scores
    about it. A rater who does not drift is signalled once in `run_length` anchor items on average; `false_positives`
    is the chance of that among as many as were seen. Undefined without scores.
    """
    given = np.asarray(scores, dtype=np.float64)
    x, expected = beside(given, given.size, "scores"), beside(known, given.size, "known scores")
    if not len(x):
        return Undefined("there are no scores of anchor items")
    threshold = _threshold(run_length)
    chart = cusum(x - expected, target=0.0, sd=sd, h=threshold)
    return Drift(chart, threshold, -math.expm1(-len(x) / run_length))


def _binary(values: NDArray[np.float64], judgments: int) -> NDArray[np.float64]:
    x = beside(values, judgments, "choices")
    if not np.isin(x, (0, 1)).all():
        raise ValueError("a choice is 1 or 0")
    return x

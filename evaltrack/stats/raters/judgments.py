"""Judgments as columns of numbers (who, on what, what was said), and what all scores about raters have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaltrack.stats.estimate import rounded
from evaltrack.stats.multiplicity import benjamini_hochberg
from evaltrack.stats.patterns import Counts, whole


@dataclass(frozen=True, slots=True)
class Indication:
    """Something about a rater that is worth a look, never a reason by itself to leave anybody out.

    `score` is what was measured on `n` judgments. `false_positives` is the share of raters who do nothing unusual and
    have a score as far out by chance: the p-value. Among many raters some always do, so `adjusted` is the share of
    false ones among all who are raised at this score or a farther one (Benjamini & Hochberg 1995).
    """

    rater: int
    score: float
    n: int
    false_positives: float
    adjusted: float

    def as_json(self) -> dict[str, Any]:
        return {
            "rater": self.rater,
            "score": rounded(self.score),
            "n": self.n,
            "false_positives": rounded(self.false_positives),
            "adjusted": rounded(self.adjusted),
        }


def indications(
    raters: Sequence[int], scores: Sequence[float], n: Sequence[int], p_values: Sequence[float]
) -> tuple[Indication, ...]:
    """One for each rater, in their order, adjusted for how many there are."""
    p = [min(max(float(value), 0.0), 1.0) for value in p_values]
    rows = zip(raters, scores, n, p, benjamini_hochberg(p), strict=True)
    return tuple(
        Indication(int(who), float(score), int(many), one, all_of_them)
        for who, score, many, one, all_of_them in rows
    )


def columns(raters: ArrayLike, items: ArrayLike) -> tuple[Counts, Counts]:
    """Rater and item of each judgment, numbered from 0 in any way; ValueError where a rater judged an item twice."""
    who, what = whole(raters, "rater numbers"), whole(items, "item numbers")
    if who.ndim != 1 or who.shape != what.shape:
        raise ValueError(f"{what.shape} items do not stand beside {who.shape} raters")
    names, of_rater = np.unique(who, return_inverse=True)
    _, of_item = np.unique(what, return_inverse=True)
    key = np.sort(of_item.astype(np.int64) * max(len(names), 1) + of_rater)
    if (key[1:] == key[:-1]).any():
        raise ValueError("a rater judged an item twice; repeats belong to the agreement with oneself")
    return who, what


def beside(values: ArrayLike, judgments: int, what: str) -> NDArray[np.float64]:
    """One finite number for each judgment."""
    vector = np.asarray(values, dtype=np.float64)
    if vector.shape != (judgments,):
        raise ValueError(f"{vector.shape} {what} do not stand beside {judgments} judgments")
    if not np.isfinite(vector).all():
        raise ValueError(f"{what} are finite; leave missing ones out")
    return vector


def label_counts(items: Counts, labels: ArrayLike, k: int) -> tuple[Counts, Counts, Counts]:
    """The label of each judgment, the row of its item, and how many gave each item each label (items × k)."""
    label = whole(labels, "label numbers")
    if label.shape != items.shape:
        raise ValueError(f"{label.shape} labels do not stand beside {items.shape} judgments")
    if k < 2 or label.max(initial=0) >= k:
        raise ValueError(f"labels are numbered from 0 to {k - 1}, and are two or more")
    _, row = np.unique(items, return_inverse=True)
    rows = int(row.max(initial=-1)) + 1
    counts = np.bincount(row * k + label, minlength=rows * k).reshape(rows, k)
    return label, row.astype(np.int64), counts

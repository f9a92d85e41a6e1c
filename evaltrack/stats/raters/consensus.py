"""Agreement of each rater with the others, without their own judgment: with it, everybody agrees with himself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import wilson
from evaltrack.stats.patterns import Counts, whole
from evaltrack.stats.raters.judgments import columns, label_counts


@dataclass(frozen=True, slots=True)
class WithOthers:
    """How often a rater says what most of the others say.

    `agreement` counts items on which the others have one commonest label; `split` how many items they are split on,
    `alone` how many nobody else judged. Raters who share an error agree, too: this is no accuracy.
    """

    rater: int
    agreement: Estimate | Undefined
    split: int
    alone: int


def with_others(raters: ArrayLike, items: ArrayLike, labels: ArrayLike, *, k: int) -> tuple[WithOthers, ...]:
    """Each rater's agreement with the commonest label of the others, with Wilson's interval; labels are below k.

    ValueError where a rater judged an item twice.
    """
    who, what = columns(raters, items)
    label, counts, settled, theirs = _of_others(what, labels, k)
    alone = counts == 0
    agrees = settled & (theirs == label)
    names, place = np.unique(who, return_inverse=True)
    tally = [
        np.bincount(place[kind], minlength=len(names)).tolist()
        for kind in (agrees, settled, ~settled & ~alone, alone)
    ]
    return tuple(
        WithOthers(name, wilson(agree, n) if n else Undefined("no item on which others agree"), split, single)
        for name, agree, n, split, single in zip(names.tolist(), *tally, strict=True)
    )


def tables_with_others(
    raters: ArrayLike, items: ArrayLike, labels: ArrayLike, *, k: int
) -> dict[int, Counts]:
    """For each rater how often they said this (row) where the commonest label of the others was that (column), for
    Cohen's kappa. Items that the others are split on, and those of one rater, are left out."""
    who, what = columns(raters, items)
    label, _, settled, theirs = _of_others(what, labels, k)
    names, place = np.unique(who, return_inverse=True)
    cells = (place * k + label) * k + theirs
    tables = np.bincount(cells[settled], minlength=len(names) * k * k).reshape(-1, k, k)
    return dict(zip(names.tolist(), tables, strict=True))


def agreeing(items: ArrayLike, labels: ArrayLike, *, k: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each judgment whether the others have one commonest label, and whether it is this one's."""
    label, _, settled, theirs = _of_others(whole(items, "item numbers"), labels, k)
    return settled, settled & (theirs == label)


def _of_others(what: Counts, labels: ArrayLike, k: int) -> tuple[Counts, Counts, NDArray[np.bool_], Counts]:
    """Of each judgment its label, how many others there are, whether these have one commonest label, and which."""
    label, row, counts = label_counts(what, labels, k)
    others = counts[row]
    others[np.arange(len(label)), label] -= 1
    most = others.max(axis=1, initial=0)
    settled = ((others == most[:, None]).sum(axis=1) == 1) & (most > 0)
    return label, others.sum(axis=1), settled, others.argmax(axis=1)

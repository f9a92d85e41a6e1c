"""Agreement of each rater with the others, without their own judgment: with it, everybody agrees with himself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import wilson
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
    label, row, counts = label_counts(what, labels, k)
    others = counts[row]
    others[np.arange(len(label)), label] -= 1
    most = others.max(axis=1, initial=0)
    alone = most == 0
    one = (others == most[:, None]).sum(axis=1) == 1
    settled = one & ~alone
    agrees = settled & (others[np.arange(len(label)), label] == most)
    names, place = np.unique(who, return_inverse=True)
    tally = [
        np.bincount(place[kind], minlength=len(names)).tolist()
        for kind in (agrees, settled, ~settled & ~alone, alone)
    ]
    return tuple(
        WithOthers(name, wilson(agree, n) if n else Undefined("no item on which others agree"), split, single)
        for name, agree, n, split, single in zip(names.tolist(), *tally, strict=True)
    )

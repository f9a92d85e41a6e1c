"""Votes between pairs of systems, checked, counted, and whether they determine finite strengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

LEFT, TIE, RIGHT = 1, 0, -1

Vector = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """Sufficient statistics: how often each ordered pair ended how, and which vote is of which pair and prompt.

    `counts` has the rows left, tie, right and a column for each ordered pair (`left`, `right`) that occurs.
    """

    left: Codes
    right: Codes
    counts: Vector
    pair_of: Codes
    outcomes: Codes
    prompt_of: Codes
    systems: int
    prompts: int

    @property
    def n(self) -> int:
        return len(self.outcomes)

    @property
    def has_ties(self) -> bool:
        return bool(self.counts[1].any())

    def parts(self) -> Codes:
        """A number for each system, the same for those that wins and ties lead to and from each other."""
        wins = sparse.coo_array(
            (
                np.concatenate([self.counts[0] + self.counts[1], self.counts[2] + self.counts[1]]),
                (np.concatenate([self.left, self.right]), np.concatenate([self.right, self.left])),
            ),
            shape=(self.systems, self.systems),
        ).tocsr()
        wins.eliminate_zeros()
        _, labels = sparse.csgraph.connected_components(wins, connection="strong")
        return labels.astype(np.int64)

    def why_one_sided(self, *, order: bool) -> str:
        """Why no finite order effect or tie weight is the likeliest, if so."""
        if order and not (self.has_ties or (self.counts[0].any() and self.counts[2].any())):
            return "all votes went to one side"
        if not self.counts[0].any() and not self.counts[2].any():
            return "all votes are ties"
        return ""


def why_apart(parts: Codes) -> str:
    """Why no finite strengths are the likeliest, if so: wins and ties must lead from all to all (Ford 1957)."""
    groups = len(np.unique(parts))
    if groups <= 1:
        return ""
    return (
        f"the {len(parts)} systems fall into {groups} groups of which one never won or tied against another"
    )


def counted(
    left: ArrayLike,
    right: ArrayLike,
    outcomes: ArrayLike,
    prompts: ArrayLike,
    systems: int | None = None,
) -> Votes:
    """The votes of `strengths`, checked; `systems` is how many there are, where the last have no votes yet."""
    ones, others, results, groups = _checked(left, right, outcomes, prompts)
    seen = int(max(ones.max(), others.max())) + 1 if len(ones) else 0
    if systems is not None and systems < seen:
        raise ValueError(f"votes name a system {seen - 1}, but there are {systems}, numbered from 0")
    total = seen if systems is None else systems
    pairs, pair_of = np.unique(ones * total + others, return_inverse=True)
    counts = np.stack(
        [np.bincount(pair_of, weights=results == each, minlength=len(pairs)) for each in (LEFT, TIE, RIGHT)]
    ).astype(np.float64)
    codes, prompt_of = np.unique(groups, return_inverse=True)
    return Votes(
        pairs // total if total else pairs,
        pairs % total if total else pairs,
        counts,
        pair_of,
        results,
        prompt_of,
        total,
        len(codes),
    )


def _checked(left: ArrayLike, right: ArrayLike, outcomes: ArrayLike, prompts: ArrayLike) -> list[Codes]:
    """The four as vectors of whole numbers of one length."""
    vectors = [np.asarray(each) for each in (left, right, outcomes, prompts)]
    if any(each.ndim != 1 or len(each) != len(vectors[0]) for each in vectors):
        raise ValueError("left, right, outcomes and prompts have one entry per vote each")
    if len(vectors[0]) and not all(np.issubdtype(each.dtype, np.integer) for each in vectors):
        raise ValueError("systems, outcomes and prompts are whole numbers")
    ones, others, results, groups = (each.astype(np.int64) for each in vectors)
    if len(ones) and min(ones.min(), others.min()) < 0:
        raise ValueError("systems are numbered from 0")
    if (ones == others).any():
        raise ValueError("a vote is between two different systems")
    if not np.isin(results, (LEFT, TIE, RIGHT)).all():
        raise ValueError("an outcome is 1, 0 or -1")
    return [ones, others, results, groups]


def designed(ones: Codes, others: Codes, systems: int, *, order: bool) -> Vector:
    """η of each ordered pair as a row over the strengths (the first is 0) and the order effect."""
    rows = np.arange(len(ones))
    design = np.zeros((len(ones), systems + 1))
    design[rows, ones], design[rows, others], design[:, systems] = 1.0, -1.0, 1.0
    return design[:, 1:] if order else design[:, 1:systems]

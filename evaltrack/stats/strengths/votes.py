"""Votes between pairs of systems, checked, counted, and whether they determine finite strengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

LEFT, TIE, RIGHT = 1, 0, -1

Vector = NDArray[np.float64]
Codes = NDArray[np.int64]

MOST_COUNTED = 4  # names may lie in a range so many times as long as the list of them


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
    pairs, pair_of = numbered(ones * total + others)
    # Three columns for each pair, RIGHT, TIE and LEFT as they are numbered, in one count.
    ended = np.bincount(3 * pair_of + (results - RIGHT), minlength=3 * len(pairs)).reshape(-1, 3)
    counts = ended[:, ::-1].T.astype(np.float64)
    codes, prompt_of = numbered(groups)
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
    if len(results) and (results.min() < RIGHT or results.max() > LEFT):
        raise ValueError("an outcome is 1, 0 or -1")
    return [ones, others, results, groups]


def whose(raters: ArrayLike, votes: int) -> tuple[Codes, int]:
    """The rater of each vote, numbered from 0, and how many there are."""
    names = np.asarray(raters)
    if names.shape != (votes,) or not np.issubdtype(names.dtype, np.integer):
        raise ValueError("raters are whole numbers, one per vote")
    distinct, place = numbered(names.astype(np.int64))
    return place, len(distinct)


def numbered(names: Codes) -> tuple[Codes, Codes]:
    """The distinct names, ascending, and the place of each name among them: `np.unique` with its inverse.

    Names that lie close together are counted and not sorted, which takes a tenth of the time.
    """
    low = int(names.min(initial=0))
    width = int(names.max(initial=0)) - low + 1
    if not 0 < width <= MOST_COUNTED * max(len(names), 1):
        distinct, place = np.unique(names, return_inverse=True)
        return distinct, place.astype(np.int64)
    shifted = names - low
    distinct = np.flatnonzero(np.bincount(shifted, minlength=width))
    places = np.zeros(width, dtype=np.int64)
    places[distinct] = np.arange(len(distinct))
    return distinct + low, places[shifted]


def designed(ones: Codes, others: Codes, systems: int, *, order: bool) -> Vector:
    """η of each ordered pair as a row over the strengths (the first is 0) and the order effect."""
    rows = np.arange(len(ones))
    design = np.zeros((len(ones), systems + 1))
    design[rows, ones], design[rows, others], design[:, systems] = 1.0, -1.0, 1.0
    return design[:, 1:] if order else design[:, 1:systems]


def crossed(ones: Codes, others: Codes, weights: Vector, systems: int, *, order: bool) -> Vector:
    """Σ w x xᵀ over the rows x of `designed`, without making them: two or three numbers a row are not 0."""
    between = np.zeros((systems, systems))
    flat = between.ravel()
    flat += np.bincount(ones * systems + others, weights=weights, minlength=systems * systems)
    shown_left, shown_right = between.sum(axis=1), between.sum(axis=0)
    square = np.diag(shown_left + shown_right) - between - between.T
    if not order:
        return square[1:, 1:]
    return bordered(square[1:, 1:], (shown_left - shown_right)[1:], float(weights.sum()))


def bordered(square: Vector, side: Vector, corner: float) -> Vector:
    """A symmetric matrix with one row and column more."""
    return np.block([[square, side[:, None]], [side[None, :], np.array([[corner]])]])

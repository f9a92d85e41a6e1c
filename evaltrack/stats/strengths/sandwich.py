"""How much fitted strengths vary where votes are alike: the sandwich of scores summed by prompt, or by rater."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from evaltrack.stats.strengths.newton import around_both
from evaltrack.stats.strengths.votes import TIE, Codes, Vector, Votes, bordered

GROUPS_AT_ONCE = 500  # their gradients over 100 systems fit into a core's own cache


def covariance_by(
    group_of: Codes, groups: int, votes: Votes, chances: Vector, inverse: Vector, *, order: bool
) -> Vector:
    """H⁻¹ (Σ s_g s_gᵀ) H⁻¹·G/(G − 1), s_g the gradient of the votes of group g; `inverse` is H⁻¹.

    `chances` has the rows left, tie and right of each pair.
    """
    parts = gradients(group_of, groups, votes, chances, order=order)
    return around_both(inverse, _squares(parts, votes)) * groups / max(groups - 1, 1)


def gradients(
    group_of: Codes, groups: int, votes: Votes, chances: Vector, *, order: bool
) -> tuple[sparse.csr_array, list[Vector]]:
    """The gradient of each group over all strengths, of which a group has few, and over δ and ln ν, if fitted."""
    left, tie, right = chances
    half = (votes.outcomes - (left - right)[votes.pair_of]) / 2
    others: list[Vector] = []

    def added(scores: Vector) -> Vector:
        return np.bincount(group_of, weights=scores, minlength=groups).astype(np.float64)

    if order:
        others.append(added(half))
    if votes.has_ties:
        lacking = (votes.outcomes == TIE) - tie[votes.pair_of]
        others.append(added(lacking))
    by_group: Codes | slice = slice(None)
    if (group_of[1:] < group_of[:-1]).any():
        by_group = np.argsort(group_of, kind="stable")
    pair, half = votes.pair_of[by_group], half[by_group]
    # A vote is two numbers; several of one system are added up by whatever multiplies them.
    columns = np.stack([votes.left[pair], votes.right[pair]], axis=1).ravel()
    values = np.stack([half, -half], axis=1).ravel()
    ends = 2 * np.concatenate([[0], np.cumsum(np.bincount(group_of, minlength=groups))])
    return sparse.csr_array((values, columns, ends), shape=(groups, votes.systems)), others


def _squares(parts: tuple[sparse.csr_array, list[Vector]], votes: Votes) -> Vector:
    """Σ s_g s_gᵀ. Products of full matrices would wait for threads where other programs use the cores."""
    of_strengths, others = parts
    ends = of_strengths.indptr
    square = np.zeros((votes.systems, votes.systems))
    for start in range(0, of_strengths.shape[0], GROUPS_AT_ONCE):
        rows = ends[start : start + GROUPS_AT_ONCE + 1]
        within = slice(rows[0], rows[-1])
        block = sparse.csr_array(
            (of_strengths.data[within], of_strengths.indices[within], rows - rows[0]),
            shape=(len(rows) - 1, votes.systems),
        )
        square += block.T @ block.toarray()
    square = square[1:, 1:]  # the first strength is 0
    for place, scores in enumerate(others):
        side = [(of_strengths.T @ scores)[1:], [float(before @ scores) for before in others[:place]]]
        square = bordered(square, np.concatenate(side), float(scores @ scores))
    return square

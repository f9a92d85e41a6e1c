"""Which two systems to show next, so that the next vote tells most."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.strengths.davidson import Strengths, log_chances
from evaltrack.stats.strengths.votes import LEFT, RIGHT, TIE, Vector, designed

EXPLORE = 0.15


@dataclass(frozen=True, slots=True)
class NextPair:
    """Show `left` and `right`; `probability`, to be stored with the task, is that of these two on whichever side."""

    left: int
    right: int
    probability: float


def next_pair(
    fitted: Strengths | Undefined,
    systems: int,
    *,
    seed: int,
    explore: float = EXPLORE,
    of_interest: Iterable[tuple[int, int]] | None = None,
) -> NextPair:
    """Draw the next pair with `pair_chances`, and the sides by a coin.

    Each draw needs a seed of its own, as the number of the task is. Pairs follow from votes that are in, so the fit
    stays consistent; fixed-n intervals do not stay honest if the votes also decide when to stop (`sequential`).
    """
    chances = pair_chances(fitted, systems, explore=explore, of_interest=of_interest)
    pairs = list(chances)
    rng = np.random.default_rng(seed)
    one, other = pairs[int(rng.choice(len(pairs), p=np.array(list(chances.values()))))]
    probability = chances[one, other]
    return NextPair(one, other, probability) if rng.random() < 0.5 else NextPair(other, one, probability)


def pair_chances(
    fitted: Strengths | Undefined,
    systems: int,
    *,
    explore: float = EXPLORE,
    of_interest: Iterable[tuple[int, int]] | None = None,
) -> dict[tuple[int, int], float]:
    """The probability with which each pair (the smaller number first) should be shown next.

    A share `explore` (10 to 20 %) is uniform over all pairs, so that none is forgotten because of an early accident;
    the rest is in proportion to the expected reduction of the summed variances of the differences `of_interest`, by
    default all (after Chiang et al. 2024): with H⁻¹ the covariance of the fit and I the Fisher information of one
    more vote the new covariance is (H + I)⁻¹, averaged over the two orders. Fit with `fall_back` and `systems`: a
    system without votes is then the least known, and is shown. Without a fit all pairs are equally likely.

    ValueError for fewer than two systems, a fit of another number of them, or a share that is none.
    """
    if systems < 2:
        raise ValueError(f"a pair takes two systems, not {systems}")
    if not 0 < explore <= 1:
        raise ValueError(f"the share of exploration lies above 0 and up to 1, not at {explore}")
    pairs = list(combinations(range(systems), 2))
    wanted = pairs if of_interest is None else list(of_interest)
    if any(not (0 <= one < systems and 0 <= other < systems and one != other) for one, other in wanted):
        raise ValueError(f"differences of interest are between two of {systems} systems, numbered from 0")
    uniform = 1 / len(pairs)
    if isinstance(fitted, Undefined) or not wanted:
        return dict.fromkeys(pairs, uniform)
    if len(fitted.strengths) != systems:
        raise ValueError(f"the fit has {len(fitted.strengths)} systems, not {systems}")
    gains = _reductions(fitted, pairs, wanted)
    total = float(gains.sum())
    if not total > 0:
        return dict.fromkeys(pairs, uniform)
    return {
        pair: explore * uniform + (1 - explore) * float(gain) / total
        for pair, gain in zip(pairs, gains, strict=True)
    }


def _reductions(
    fitted: Strengths, pairs: list[tuple[int, int]], wanted: list[tuple[int, int]]
) -> NDArray[np.float64]:
    """By how much one more vote on each pair is expected to reduce the summed variances of the wanted differences."""
    systems, covariance = len(fitted.strengths), fitted.model_covariance
    has_ties = fitted.tie_weight > 0
    order = len(covariance) - (systems - 1) - has_ties == 1
    parameters = np.concatenate(
        [
            (fitted.strengths - fitted.strengths[0])[1:],
            [fitted.order_effect.value] * order,
            [math.log(fitted.tie_weight)] if has_ties else [],
        ]
    )
    contrasts = np.array([fitted.contrast(*each) for each in wanted])
    weights = contrasts @ covariance  # the wanted differences against all parameters
    ones, others = (np.array(each) for each in zip(*pairs, strict=True))
    # Shown one way and the other; without an order effect both are the same.
    both = [
        _reduction(designed(*shown, systems, order=order), parameters, covariance, weights, has_ties=has_ties)
        for shown in ((ones, others), (others, ones))
    ]
    return (both[0] + both[1]) / 2


def _reduction(
    design: Vector, parameters: Vector, covariance: Vector, weights: Vector, *, has_ties: bool
) -> Vector:
    """For each row of the design: C − (C⁻¹ + UUᵀ)⁻¹ = CU(1 + UᵀCU)⁻¹UᵀC, summed over the wanted differences.

    The columns of U are the scores of the outcomes, each times the root of its chance: UUᵀ is the information.
    """
    chances = np.exp(log_chances(design, parameters, has_ties=has_ties))
    left, tie, right = chances
    columns = []
    for outcome, chance in zip((LEFT, TIE, RIGHT), chances, strict=True):
        score = design * ((outcome - (left - right)) / 2)[:, None]
        if has_ties:
            score = np.column_stack([score, (outcome == TIE) - tie])
        columns.append(score * np.sqrt(chance)[:, None])
    scores = np.stack(columns, axis=2)  # pairs × parameters × outcomes
    inner = np.eye(3) + np.einsum("apo,pq,aqr->aor", scores, covariance, scores, optimize=True)
    reached = np.einsum("wp,apo->awo", weights, scores, optimize=True)
    solved = np.linalg.solve(inner, reached.transpose(0, 2, 1))
    return np.einsum("awo,aow->a", reached, solved)

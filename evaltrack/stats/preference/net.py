"""Blind pairwise judgments: which side people prefer, and whether the left side is picked too often."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import TAIL, real_values, wilson, wilson_limits

FEWEST_CLUSTERS = 5


def net_preference(scores: ArrayLike, clusters: Sequence[Hashable]) -> Estimate | Undefined:
    """Net preference (wins − losses)/n, from −1 to 1, with a cluster-robust t interval.

    `scores` has one number per judgment: 1 where the candidate won, −1 where it lost, 0 for a tie or "both
    bad" (or a value between, for graded preferences); `clusters` names the prompt of each judgment. Judgments
    of one prompt are alike, so the prompts are what is counted: with residual sums s_g of G prompts, SE² =
    G/(G − 1) · Σ s_g² / n² and t has G − 1 degrees of freedom (Cameron, Gelbach & Miller 2011; Miller 2024).
    Limits stop at −1 and 1. `n` counts judgments, `clusters` prompts.

    Undefined without judgments; without an interval from fewer than 5 prompts. Where all prompts have the
    same mean their spread says nothing; the limits then assume that as many prompts as Wilson's interval of 0
    out of G allows would have gone all one way.
    """
    return clustered_mean(preference_scores(scores), clusters, noun="prompt", counted="judgments")


def preference_scores(scores: ArrayLike) -> NDArray[np.float64]:
    """The scores as a vector; ValueError unless each lies between −1 and 1."""
    vector = real_values(scores)
    if (np.abs(vector) > 1).any():
        raise ValueError("a preference score lies between -1 and 1")
    return vector


def numbered(names: Sequence[Hashable]) -> NDArray[np.intp]:
    """A number from 0 for each name, the same for the same name."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.intp)


def clustered_mean(
    vector: np.ndarray, clusters: Sequence[Hashable], *, noun: str, counted: str
) -> Estimate | Undefined:
    """The mean of values from −1 to 1 with the interval of `net_preference`; the nouns name what is counted."""
    if len(clusters) != len(vector):
        raise ValueError(f"{len(clusters)} clusters do not name the {noun}s of {len(vector)} {counted}")
    group = numbered(clusters)
    sums, sizes = np.bincount(group, weights=vector), np.bincount(group)
    return mean_of_sums(sums, sizes, np.ones_like(sizes), noun=noun, counted=counted)


def mean_of_sums(
    sums: NDArray[Any], sizes: NDArray[np.int64], times: NDArray[np.int64], *, noun: str, counted: str
) -> Estimate | Undefined:
    """`clustered_mean` of clusters known by the sum and number of their values; there are `times` of each, and those
    without values do not count."""
    kept = sizes > 0
    sums, sizes, times = sums[kept], sizes[kept], times[kept]
    method = f"cluster-robust t interval by {noun}"
    n, groups = int(times @ sizes), int(times.sum())
    if n == 0:
        return Undefined(f"there are no {counted}")
    value = float(times @ sums) / n
    if groups < FEWEST_CLUSTERS:
        reason = f"{counted} of {groups} {noun}s do not support an interval: {FEWEST_CLUSTERS} are needed"
        return Estimate(value, None, None, n, method, reason, clusters=groups)
    residuals = sums - value * sizes
    if np.abs(residuals).max() <= 1e-12 * n:
        unseen = wilson_limits(0, groups)[1]
        low, high = value - unseen * (1 + value), value + unseen * (1 - value)
        method = f"all {noun}s alike: Wilson limit on the share of other {noun}s"
        return Estimate(value, low, high, n, method, clusters=groups)
    error = math.sqrt(groups / (groups - 1) * float(times @ residuals**2)) / n
    half = float(special.stdtrit(groups - 1, 1 - TAIL)) * error
    return Estimate(value, max(value - half, -1.0), min(value + half, 1.0), n, method, clusters=groups)


def share_of_sums(
    of_kind: NDArray[np.int64],
    sizes: NDArray[np.int64],
    times: NDArray[np.int64],
    *,
    noun: str,
    counted: str,
) -> Estimate | Undefined:
    """A share of things that come in clusters: each kind has `of_kind` of `sizes`, and there are `times` of it.

    Wilson's interval where no cluster has two, else that of `net_preference`. Undefined without any.
    """
    if not (sizes > 1).any():
        return (
            wilson(int(times @ of_kind), n)
            if (n := int(times @ sizes))
            else Undefined(f"there are no {counted}")
        )
    found = mean_of_sums(2.0 * of_kind - sizes, sizes, times, noun=noun, counted=counted)
    if isinstance(found, Undefined):
        return found
    low, high = (None if limit is None else (1 + limit) / 2 for limit in (found.ci_low, found.ci_high))
    return replace(found, value=(1 + found.value) / 2, ci_low=low, ci_high=high)


def left_pick_rate(left: int, decisive: int) -> Estimate | Undefined:
    """How often the left response was preferred, of the judgments that preferred one (Wilson's interval).

    With sides assigned at random it is 0.5 whatever the quality of the systems; an interval that excludes 0.5
    shows a position bias. Undefined without decisive judgments.
    """
    if decisive == 0 and left == 0:
        return Undefined("no judgment preferred one side")
    return wilson(left, decisive)

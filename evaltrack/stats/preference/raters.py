"""Judgments that share prompts and raters: an interval for other prompts and other raters than these."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import TAIL
from evaltrack.stats.preference.net import FEWEST_CLUSTERS, numbered, preference_scores

FEWEST_RATERS = 8
METHOD = "two-way cluster-robust t interval by prompt and rater"


def net_preference_two_way(
    scores: ArrayLike, prompts: Sequence[Hashable], raters: Sequence[Hashable]
) -> Estimate | Undefined:
    """Net preference with an interval for other prompts judged by other raters (Cameron, Gelbach & Miller 2011).

    `scores` are those of `net_preference`, with the prompt and the rater of each judgment. The variance is that by
    prompt plus that by rater less that by both at once, each with its G/(G − 1), and t has min(G) − 1 degrees of
    freedom. It counts at least as the larger of the first two: by chance the sum can fall below them, even below 0.
    Limits stop at −1 and 1; `clusters` counts the smaller of prompts and raters.

    Undefined without judgments; without an interval from fewer than 5 prompts or 5 raters, or where both all prompts
    and all raters have the same mean. Below 8 raters read it with `scope_of`. Where raters differ as much as prompts
    do, intervals by prompt held in 72 % (5 raters) to 88 % (20) of simulations, these in 95 to 96 %.
    """
    vector = preference_scores(scores)
    n = len(vector)
    if not len(prompts) == len(raters) == n:
        raise ValueError(
            f"{len(prompts)} prompts and {len(raters)} raters do not name those of {n} judgments"
        )
    if n == 0:
        return Undefined("there are no judgments")
    by_prompt, by_rater = numbered(prompts), numbered(raters)
    fewest = min(int(by_prompt.max()), int(by_rater.max())) + 1
    value = float(vector.mean())
    if fewest < FEWEST_CLUSTERS:
        what = "raters" if by_rater.max() < by_prompt.max() else "prompts"
        reason = f"judgments of {fewest} {what} do not support an interval: {FEWEST_CLUSTERS} are needed"
        return Estimate(value, None, None, n, METHOD, reason, clusters=fewest)
    _, by_both = np.unique(by_prompt * (by_rater.max() + 1) + by_rater, return_inverse=True)
    residuals = vector - value
    of_prompts, of_raters, of_both = (_squares(residuals, group) for group in (by_prompt, by_rater, by_both))
    variance = max(of_prompts + of_raters - of_both, of_prompts, of_raters)
    if variance <= 1e-24 * n * n:
        reason = "all prompts and all raters have the same mean, so their spread is unknown"
        return Estimate(value, None, None, n, METHOD, reason, clusters=fewest)
    half = float(special.stdtrit(fewest - 1, 1 - TAIL)) * math.sqrt(variance) / n
    return Estimate(value, max(value - half, -1.0), min(value + half, 1.0), n, METHOD, clusters=fewest)


def scope_of(raters: int) -> str:
    """For whom a preference speaks; "" from 8 raters on, of whom others may be expected to be alike."""
    if raters >= FEWEST_RATERS:
        return ""
    return (
        f"Raters: {raters}. With fewer than {FEWEST_RATERS} the result is about these raters, "
        "and others may prefer otherwise."
    )


def _squares(residuals: NDArray[np.float64], group: NDArray[np.intp]) -> float:
    """n² times the cluster-robust variance of the mean."""
    sums = np.bincount(group, weights=residuals)
    return len(sums) / max(len(sums) - 1, 1) * float(sums @ sums)

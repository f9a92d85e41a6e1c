"""Examples that come in groups (one document, conversation or person), compared on the same examples."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import CONFIDENCE, Estimate, TestResult, Undefined
from evaltrack.stats.intervals import tail_of
from evaltrack.stats.paired.examples import NO_PAIRS, differences

FEWEST_CLUSTERS = 5


def _clustered(
    candidate: ArrayLike, baseline: ArrayLike, clusters: Sequence[Hashable]
) -> tuple[float, float, int, int, str]:
    """The mean difference, its standard error, n, the groups, and why the error says nothing."""
    d, same = differences(candidate, baseline)
    n = len(d)
    if len(clusters) != n:
        raise ValueError(f"{len(clusters)} clusters do not name the groups of {n} examples")
    if n == 0:
        return 0.0, 0.0, 0, 0, NO_PAIRS.reason
    numbers: dict[Hashable, int] = {}
    group = np.array([numbers.setdefault(cluster, len(numbers)) for cluster in clusters])
    groups = len(numbers)
    value = float(d[0] if same else d.mean())
    if groups < FEWEST_CLUSTERS:
        reason = f"examples of {groups} groups do not support an interval: {FEWEST_CLUSTERS} are needed"
        return value, 0.0, n, groups, reason
    residuals = np.bincount(group, weights=d - value)
    if np.abs(residuals).max() <= 1e-12 * n * float(np.abs(d).max()):
        return value, 0.0, n, groups, f"all {groups} groups have the same mean difference"
    return value, math.sqrt(groups / (groups - 1) * float(residuals @ residuals)) / n, n, groups, ""


def mean_difference_clustered(
    candidate: ArrayLike,
    baseline: ArrayLike,
    clusters: Sequence[Hashable],
    *,
    confidence: float = CONFIDENCE,
) -> Estimate | Undefined:
    """Mean difference with a cluster-robust t interval; `clusters` names the group of each example.

    Groups are what was sampled independently: with residual sums s_g of G groups, SE² = G/(G − 1) · Σ s_g²/n² and t
    has G − 1 degrees of freedom (Cameron, Gelbach & Miller 2011; Miller 2024). Ignoring the groups makes intervals
    too narrow. Serves 0/1 outcomes too.

    Undefined without examples; without an interval from fewer than 5 groups or where all groups are alike.
    """
    value, error, n, groups, reason = _clustered(candidate, baseline, clusters)
    if n == 0:
        return NO_PAIRS
    method = "cluster-robust t interval of a mean difference"
    if reason:
        return Estimate(value, None, None, n, method, reason, clusters=groups)
    half = -float(special.stdtrit(groups - 1, tail_of(confidence))) * error
    return Estimate(value, value - half, value + half, n, method, clusters=groups, confidence=confidence)


def clustered_t(
    candidate: ArrayLike, baseline: ArrayLike, clusters: Sequence[Hashable]
) -> TestResult | Undefined:
    """The test of a mean difference of 0 that goes with `mean_difference_clustered`, two-sided."""
    value, error, _, groups, reason = _clustered(candidate, baseline, clusters)
    if reason:
        return Undefined(reason)
    t = value / error
    return TestResult(t, min(1.0, 2 * float(special.stdtr(groups - 1, -abs(t)))))


def clustered_p_below(
    candidate: ArrayLike, baseline: ArrayLike, clusters: Sequence[Hashable], margin: float
) -> TestResult | Undefined:
    """One-sided p of H0: Δ ≥ −margin. Small means: the candidate is worse by more than the margin.

    Below 2.5 % exactly when the upper limit of `mean_difference_clustered` is below −margin; undefined where that
    has no interval.
    """
    if not (math.isfinite(margin) and margin >= 0):
        raise ValueError(f"a margin is a finite number from 0 up, not {margin}")
    value, error, _, groups, reason = _clustered(candidate, baseline, clusters)
    if reason:
        return Undefined(reason)
    t = (value + margin) / error
    return TestResult(t, float(special.stdtr(groups - 1, t)))


def spread_by_clusters(
    candidate: ArrayLike, baseline: ArrayLike, clusters: Sequence[Hashable]
) -> float | Undefined:
    """The standard deviation that independent differences would need for the same standard error: SE·√n.

    A planner that takes examples for independent may be given it in place of the plain one; more examples then
    means more groups of the same size.
    """
    _, error, n, _, reason = _clustered(candidate, baseline, clusters)
    return Undefined(reason) if reason else error * math.sqrt(n)

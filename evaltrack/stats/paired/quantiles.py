"""Quantiles of two systems on the same examples, such as their p95 latencies."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import ArrayLike

from evaltrack.stats.estimate import CONFIDENCE, Estimate, TestResult, Undefined
from evaltrack.stats.intervals import examples_for_quantile, percentile_limits, tail_of
from evaltrack.stats.paired.examples import BOOTSTRAP_CELLS, DRAWS, NO_PAIRS, Vector, pairs

# A limit is read off where so many draws lie beyond it: fewer, and it is the luck of the draws.
DRAWS_BEYOND = 5


def quantile_difference(
    candidate: ArrayLike,
    baseline: ArrayLike,
    q: float,
    *,
    seed: int,
    draws: int = DRAWS,
    confidence: float = CONFIDENCE,
) -> Estimate | Undefined:
    """Difference of the two q-quantiles with a paired bootstrap interval (examples resampled, percentiles).

    It compares the tails of two runs, not the tail of the differences. Undefined without examples; without an
    interval below `examples_for_quantile(q)` examples, which the reason names, and where the confidence asks for
    limits beyond what so many draws show.
    """
    ours, theirs = pairs(candidate, baseline)
    n = len(ours)
    needed = examples_for_quantile(q)
    method = f"paired bootstrap of the difference of {q:g}-quantiles"
    if n == 0:
        return NO_PAIRS
    value = float(np.quantile(ours, q) - np.quantile(theirs, q))
    if n < needed:
        reason = f"{n} examples do not support a two-sided interval of this quantile: {needed} are needed"
        return Estimate(value, None, None, n, method, reason)
    tail = tail_of(confidence)
    if tail * draws < DRAWS_BEYOND:
        reason = f"{draws:,} resamples do not show limits of {confidence:.4%} confidence"
        return Estimate(value, None, None, n, method, reason)
    limits = percentile_limits(_quantile_draws(ours, theirs, q, seed, draws), value, tail)
    return Estimate(value, *limits, n, method, seed=seed, confidence=confidence)


def quantile_ratio(
    candidate: ArrayLike, baseline: ArrayLike, q: float, *, seed: int, draws: int = DRAWS
) -> Estimate | Undefined:
    """Ratio of the two q-quantiles of positive values, candidate/baseline, with a paired bootstrap interval.

    "20 % slower at p95" is 1.2. The percentiles are those of the ratio itself, so exchanging the sides inverts it.
    Undefined without examples, and where values are 0 or below; without an interval below `examples_for_quantile(q)`.
    """
    ours, theirs = pairs(candidate, baseline)
    n = len(ours)
    needed = examples_for_quantile(q)
    method = f"paired bootstrap of the ratio of {q:g}-quantiles"
    if n == 0:
        return NO_PAIRS
    if min(ours.min(), theirs.min()) <= 0:
        return Undefined("a ratio is of values above 0")
    value = float(np.quantile(ours, q) / np.quantile(theirs, q))
    if n < needed:
        reason = f"{n} examples do not support a two-sided interval of this quantile: {needed} are needed"
        return Estimate(value, None, None, n, method, reason)
    both = _quantile_pairs(ours, theirs, q, seed, draws)
    return Estimate(value, *percentile_limits(both[0] / both[1], value), n, method, seed=seed)


def quantile_p_below(
    candidate: ArrayLike, baseline: ArrayLike, q: float, margin: float, *, seed: int, draws: int = DRAWS
) -> TestResult | Undefined:
    """One-sided p of H0: the difference of the q-quantiles ≥ −margin, by inverting the bootstrap interval.

    The share of resampled differences at or above −margin, counting the data themselves as one more draw, so
    that p is never 0. Undefined where `quantile_difference` has no interval.
    """
    ours, theirs = pairs(candidate, baseline)
    needed = examples_for_quantile(q)
    if not (math.isfinite(margin) and margin >= 0):
        raise ValueError(f"a margin is a finite number from 0 up, not {margin}")
    if len(ours) < needed:
        return Undefined(f"{len(ours)} examples do not support a test of this quantile: {needed} are needed")
    resampled = _quantile_draws(ours, theirs, q, seed, draws)
    return TestResult(None, (1 + int((resampled >= -margin).sum())) / (1 + draws))


def _quantile_draws(ours: Vector, theirs: Vector, q: float, seed: int, draws: int) -> Vector:
    both = _quantile_pairs(ours, theirs, q, seed, draws)
    return both[0] - both[1]


def _quantile_pairs(ours: Vector, theirs: Vector, q: float, seed: int, draws: int) -> Vector:
    """The q-quantiles of both sides (rows) in each draw of examples."""
    one, other = ours.tobytes(), theirs.tobytes()
    if one <= other:
        return _resampled(one, other, q, seed, draws)
    return _resampled(other, one, q, seed, draws)[::-1]


# An interval and its test ask for the same draws, the test of what is better when lower with the sides exchanged.
@functools.lru_cache(maxsize=4)
def _resampled(ours: bytes, theirs: bytes, q: float, seed: int, draws: int) -> Vector:
    """As `np.quantile` has them; partitioned are places in the order, which are small numbers."""
    sides = [np.frombuffer(side) for side in (ours, theirs)]
    n = len(sides[0])
    orders = [np.argsort(side) for side in sides]
    places = np.empty((2, n), dtype=np.min_scalar_type(n))
    for place, order in zip(places, orders, strict=True):
        place[order] = np.arange(n)
    at = (n - 1) * q
    around = [math.floor(at), math.ceil(at)]
    rng = np.random.default_rng(seed)
    step = max(1, BOOTSTRAP_CELLS // n)
    parts = []
    for start in range(0, draws, step):
        rows = rng.integers(0, n, size=(min(step, draws - start), n))
        around_of_both = [np.partition(place[rows], around, axis=1)[:, around] for place in places]
        parts.append(
            [
                np.quantile(side[order][neighbours], at - around[0], axis=1)
                for side, order, neighbours in zip(sides, orders, around_of_both, strict=True)
            ]
        )
    return np.concatenate(parts, axis=1)

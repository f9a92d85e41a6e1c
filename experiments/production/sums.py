"""Pure: what many samples of one metric add up to, and what it says about them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.independent import miettinen_nurminen, welch_difference
from evaltrack.stats.intervals import Moments, examples_for_quantile, mean_t, quantile_ranks, wilson
from evaltrack.stats.sequential import mean_difference_any_time, share_difference_any_time
from experiments.metrics.base import Kind, Metric

# A bucket is 1 % wide, so a quantile read from buckets is off by half a per cent at most.
BUCKET = math.log(1.01)
# Up to 10¹², which is the largest value that a sample may have.
BUCKETS = 2 + math.ceil(12 * math.log(10) / BUCKET)
# The number of samples near which an any-time interval of a mean is narrowest.
PLANNED = 1_000

Difference = Estimate | Undefined


@dataclass(frozen=True, eq=False)
class Sums:
    """Of one metric's values. `buckets` counts them by logarithm, for quantiles alone."""

    moments: Moments = field(default_factory=Moments)
    buckets: NDArray[np.int64] | None = None

    def __add__(self, other: "Sums") -> "Sums":
        return added((self, other))

    @property
    def n(self) -> int:
        return self.moments.n

    @property
    def successes(self) -> int:
        return round(self.moments.mean * self.moments.n)


def sums_of(metric: Metric, values: Sequence[float]) -> Sums:
    buckets = None if metric.quantile is None else counted(values)
    return Sums(Moments.of(values), buckets)


def added(parts: Iterable[Sums]) -> Sums:
    """All together, in one pass over their buckets."""
    moments, buckets = Moments(), None
    for part in parts:
        moments += part.moments
        if part.buckets is not None:
            buckets = np.zeros(BUCKETS, dtype=np.int64) if buckets is None else buckets
            buckets += part.buckets
    return Sums(moments, buckets)


def counted(values: Sequence[float]) -> NDArray[np.int64]:
    """How many values lie in each bucket; those under 1 (a millisecond) share the lowest."""
    vector = np.asarray(values, dtype=np.float64)
    places = np.where(vector < 1, 0, 1 + np.floor(np.log(np.maximum(vector, 1)) / BUCKET)).astype(np.int64)
    return np.bincount(places, minlength=BUCKETS)


def middle(of: int) -> float:
    return 0.5 if of == 0 else math.exp((of - 0.5) * BUCKET)


def level(metric: Metric, of: Sums) -> Estimate | Undefined:
    """The metric over these samples: a share with Wilson's interval, a mean with t's, or a quantile by ranks."""
    if metric.quantile is not None:
        return quantile(np.zeros(1, np.int64) if of.buckets is None else of.buckets, metric.quantile)
    return wilson(of.successes, of.n) if metric.kind == Kind.BINARY else mean_t(of.moments)


def quantile(buckets: NDArray[np.int64], q: float) -> Estimate | Undefined:
    """The q-quantile, to half a per cent, with its order-statistic interval."""
    n, method = int(buckets.sum()), f"order-statistic interval of the {q:g}-quantile, values in 1 % steps"
    if n == 0:
        return Undefined("there are no values")
    value = at_rank(buckets, max(1, math.ceil(q * n)))
    if n < (needed := examples_for_quantile(q)):
        reason = f"{n} values do not support a two-sided interval of this quantile: {needed} are needed"
        return Estimate(value, None, None, n, method, reason)
    low, high = (at_rank(buckets, rank) for rank in quantile_ranks(n, q))
    return Estimate(value, min(low, value), max(high, value), n, method)


def at_rank(buckets: NDArray[np.int64], rank: int) -> float:
    """The value of this rank, from 1 up to their number."""
    return middle(int(np.searchsorted(np.cumsum(buckets), rank)))


def once(metric: Metric, after: Sums, before: Sums) -> Difference:
    """after − before, for somebody who looks once."""
    if metric.quantile is not None:
        return independent_difference(level(metric, after), level(metric, before))
    if metric.kind == Kind.BINARY:
        return miettinen_nurminen(after.successes, after.n, before.successes, before.n)
    return welch_difference(after.moments, before.moments)


def at_any_time(metric: Metric, after: Sums, before: Sums) -> Difference:
    """after − before, however often somebody looks while `after` grows; `before` is finished."""
    if metric.quantile is not None:
        return Undefined("a quantile has no interval that holds at every look")
    if metric.kind == Kind.BINARY:
        return share_difference_any_time(after.successes, after.n, before.successes, before.n)
    return mean_difference_any_time(after.moments, before.moments, planned=PLANNED)


def independent_difference(after: Difference, before: Difference) -> Difference:
    """Of two independent estimates of whatever kind, from the limits of each (MOVER: Zou & Donner 2008)."""
    if isinstance(after, Undefined):
        return after
    if isinstance(before, Undefined):
        return before
    value, n = after.value - before.value, after.n + before.n
    method = "MOVER interval of a difference"
    if after.ci_low is None or after.ci_high is None or before.ci_low is None or before.ci_high is None:
        return Estimate(value, None, None, n, method, after.ci_undefined or before.ci_undefined)
    below = math.hypot(after.value - after.ci_low, before.ci_high - before.value)
    above = math.hypot(after.ci_high - after.value, before.value - before.ci_low)
    return Estimate(value, value - below, value + above, n, method)

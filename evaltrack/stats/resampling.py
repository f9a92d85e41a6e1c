"""The bootstrap of whole units, on distinct patterns of ratings, and the interval that it supports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import TAIL, around, percentile_limits, wilson_limits
from evaltrack.stats.multinomial import Multinomial

DRAWS = 2000
FEWEST_UNITS = 10
UNIT_COST = 7.6  # nanoseconds that drawing one unit costs; what drawing counts does, `multinomial` says
DRAWN_CELLS = 2_000_000  # numbers held in memory at once
COUNTED_CELLS = 250_000  # the same where counts are drawn: few enough for a core's own cache


def resampled(multiplicity: NDArray[np.int64], width: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Bootstrap weights (draws × patterns) in blocks, for patterns that occur `multiplicity` times each.

    Units with equal ratings are interchangeable, so drawing how often each pattern occurs is drawing units,
    and with few patterns the cost does not depend on the number of units. The blocks keep draws × `width`
    numbers within memory; their size depends on the data alone, so that the seed determines the draws.
    """
    rng = np.random.default_rng(seed)
    patterns, units = len(multiplicity), int(multiplicity.sum())
    counted = Multinomial(multiplicity)
    by_count = counted.cost < UNIT_COST * units
    pattern_of = np.repeat(np.arange(patterns), multiplicity)
    step = COUNTED_CELLS // max(width, patterns) if by_count else DRAWN_CELLS // max(width, units)
    step = max(1, step)
    for start in range(0, DRAWS, step):
        rows = min(step, DRAWS - start)
        if by_count:
            yield counted.draw(rows, rng)
        else:
            drawn = pattern_of[rng.integers(0, units, size=(rows, units))]
            # Each draw counts its patterns in a range of its own, so that one count serves all draws.
            own_range = drawn + patterns * np.arange(rows)[:, None]
            counts = np.bincount(own_range.ravel(), minlength=rows * patterns)
            yield counts.reshape(rows, patterns).astype(np.float64)


def bootstrap_estimate(
    value: float, draws: NDArray[np.float64], units: int, differ: float, method: str, **counted: Any
) -> Estimate:
    """A coefficient of agreement with percentile limits of its draws (NaN where a draw leaves it undefined).

    Percentiles would mislead in three cases. With fewer than ten units, or when more than one draw in twenty
    is undefined because hardly any unit deviates from one single label, there is no interval. At complete
    agreement every draw is 1, yet a share of units up to u (Wilson's upper limit of 0 out of `units`) could
    disagree unseen; as two ratings drawn at random differ with probability `differ`, the limit is then 1 −
    u/differ.
    """
    if units < FEWEST_UNITS:
        reason = f"{units} units do not support a bootstrap interval: {FEWEST_UNITS} are needed"
        return Estimate(value, None, None, method=method, ci_undefined=reason, **counted)
    if value >= 1:
        low = 1 - wilson_limits(0, units)[1] / differ
        method = "complete agreement: Wilson limit on the share of units that disagree unseen"
        return Estimate(value, low, value, method=method, **counted)
    defined = draws[~np.isnan(draws)]
    if len(defined) < 0.95 * len(draws):
        reason = "too few units deviate from one single label to resample them"
        return Estimate(value, None, None, method=method, ci_undefined=reason, **counted)
    return Estimate(value, *percentile_limits(defined, value), method=method, **counted)


def bca_limits(
    value: float, draws: NDArray[np.float64], jackknife: NDArray[np.float64], tail: float = TAIL
) -> tuple[float, float]:
    """Bias-corrected and accelerated limits of bootstrap draws (Efron 1987), `tail` outside on each side.

    `jackknife` has the statistic without each unit in turn. The percentiles are shifted by how far the draws lie to
    one side of the value, and by how its standard error changes with it. The draws must vary.
    """
    below = (float((draws < value).sum()) + float((draws == value).sum()) / 2) / len(draws)
    # With every draw on one side the shift would be infinite: as if half a draw lay on the other.
    shift = float(special.ndtri(min(max(below, 0.5 / len(draws)), 1 - 0.5 / len(draws))))
    pulls = jackknife.mean() - jackknife
    squares = float((pulls**2).sum())
    acceleration = float((pulls**3).sum()) / (6 * squares**1.5) if squares else 0.0
    sides = shift + np.array([special.ndtri(tail), -special.ndtri(tail)])
    low, high = np.quantile(draws, special.ndtr(shift + sides / (1 - acceleration * sides)))
    return around(low, high, value)


def one_label(n: int, things: str) -> Undefined:
    """Why a coefficient is 0/0 when everybody used one label, and what can be said instead."""
    low = wilson_limits(n, n)[0]
    return Undefined(f"only one category was used; agreement {n}/{n} {things}, 95 % lower limit {low:.2f}")

"""By how much a judge rates higher than people: on the whole, by stratum, and one system more than another.

A bias that is the same everywhere cancels from comparisons. One that differs by system decides them.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaltrack.stats.estimate import Estimate, TestResult, Undefined, rounded
from evaltrack.stats.independent import welch_difference, welch_t
from evaltrack.stats.intervals import around, mean_t, real_values, wilson_limits
from evaltrack.stats.multiplicity import benjamini_hochberg
from evaltrack.stats.paired import tango_difference

FEWEST_IN_STRATUM = 10
FEWEST_DEVIATING = 5

Scale = tuple[float, float]
UNIT: Scale = (0.0, 1.0)
Vector = NDArray[np.float64]


def both_labels(one: ArrayLike, other: ArrayLike) -> tuple[Vector, Vector]:
    ours, theirs = real_values(one), real_values(other)
    if len(ours) != len(theirs):
        raise ValueError(f"{len(theirs)} labels of the one do not stand beside {len(ours)} of the other")
    return ours, theirs


def mean_within(values: ArrayLike, low: float, high: float) -> Estimate | Undefined:
    """A mean of independent values that lie from `low` to `high`, with an interval that few deviations do not fool.

    Student's t where 5 values or more deviate from the commonest one. With fewer their spread has hardly been seen,
    and t would be too sure of itself; the limits then assume that as many deviate as Wilson's upper limit allows, all
    of them to one end. Undefined without values.
    """
    x = real_values(values)
    if len(x) and (x.min() < low - 1e-9 or x.max() > high + 1e-9):
        raise ValueError(f"values lie between {low:g} and {high:g}")
    if not len(x):
        return Undefined("there are no examples")
    kinds, times = np.unique(np.round(x, 9), return_counts=True)
    # Where several values are the commonest, the limits hold for each of them.
    common, others = kinds[times == times.max()], len(x) - int(times.max())
    if others >= FEWEST_DEVIATING:
        shown = mean_t(x)
        if isinstance(shown, Undefined) or shown.ci_low is None or shown.ci_high is None:
            return shown
        return replace(shown, ci_low=max(shown.ci_low, low), ci_high=min(shown.ci_high, high))
    value, unseen = float(x.mean()), wilson_limits(others, len(x))[1]
    lowest, highest = float(common.min()), float(common.max())
    limits = around(lowest - unseen * (lowest - low), highest + unseen * (high - highest), value)
    return Estimate(value, *limits, len(x), "few examples deviate: Wilson limit on their share")


def mean_of_units(
    values: ArrayLike, units: Sequence[Hashable], low: float, high: float
) -> Estimate | Undefined:
    """`mean_within` of values of which those of one unit are alike, as `units` names them: never narrower than that
    of the units' own means.

    The same example judged for several systems, or examples of one document, are not independent. The value is the
    mean of all values, and n their number.
    """
    x = real_values(values)
    if len(units) != len(x):
        raise ValueError(f"{len(units)} units do not stand beside {len(x)} values")
    number: dict[Hashable, int] = {}
    place = np.array([number.setdefault(unit, len(number)) for unit in units], dtype=np.int64)
    one_by_one = mean_within(x, low, high)
    if len(number) == len(x):
        return one_by_one
    sizes = np.bincount(place)
    by_unit = mean_within(np.clip(np.bincount(place, weights=x) / sizes, low, high), low, high)
    limits = []
    for shown in (one_by_one, by_unit):
        if isinstance(shown, Undefined) or shown.ci_low is None or shown.ci_high is None:
            return shown
        limits.append((shown.ci_low, shown.ci_high))
    lows, highs = zip(*limits, strict=True)
    value, method = float(x.mean()), "the wider of values and of means of units"
    return Estimate(value, *around(min(lows), max(highs), value), len(x), method, clusters=len(number))


@dataclass(frozen=True, slots=True)
class StratumBias:
    """Judge − people in one stratum, and how far that lies from the bias elsewhere.

    `adjusted` is Welch's p of no difference from elsewhere, adjusted over the strata (Benjamini & Hochberg 1995);
    None where there is none.
    """

    stratum: Hashable
    bias: Estimate | Undefined
    apart: Estimate | Undefined
    adjusted: float | None

    def as_json(self) -> dict[str, Any]:
        return {
            "stratum": str(self.stratum),
            "bias": self.bias.as_json(),
            "apart": self.apart.as_json(),
            "adjusted": None if self.adjusted is None else rounded(self.adjusted),
        }


def judge_bias(truth: ArrayLike, judged: ArrayLike, *, scale: Scale = UNIT) -> Estimate | Undefined:
    """Mean of judge − people over examples that both labelled; `scale` has the lowest and the highest label.

    Tango's interval where all labels are the ends of the scale, as 0 and 1 are, and else that of `mean_within`.
    """
    true, said = both_labels(truth, judged)
    low, high = _ends(scale, true, said)
    width = high - low
    if len(true) and np.isin(np.concatenate([true, said]), (low, high)).all():
        shown = tango_difference((said - low) / width, (true - low) / width)
        return shown if width == 1 else _stretched(shown, width)
    return mean_within(said - true, -width, width)


def bias_by_stratum(
    truth: ArrayLike, judged: ArrayLike, strata: Sequence[Hashable], *, scale: Scale = UNIT
) -> tuple[StratumBias, ...]:
    """The judge's bias in each stratum (a length, a language, a system), in the order in which they first occur.

    Strata with fewer than 10 examples have a value without an interval, and no p. A bias that is the same everywhere
    cancels from comparisons and may be corrected; one that differs does neither.
    """
    true, said = both_labels(truth, judged)
    if len(strata) != len(true):
        raise ValueError(f"{len(strata)} strata do not stand beside {len(true)} examples")
    error = said - true
    number: dict[Hashable, int] = {}
    place = np.array([number.setdefault(stratum, len(number)) for stratum in strata], dtype=np.int64)
    found: list[tuple[Hashable, Estimate | Undefined, Estimate | Undefined, TestResult | Undefined]] = []
    for stratum, own in number.items():
        here, elsewhere = error[place == own], error[place != own]
        shown = judge_bias(true[place == own], said[place == own], scale=scale)
        if len(here) < FEWEST_IN_STRATUM:
            reason = f"{len(here)} examples do not support an interval: {FEWEST_IN_STRATUM} are needed"
            if isinstance(shown, Estimate):
                shown = Estimate(shown.value, None, None, shown.n, shown.method, reason)
            found.append((stratum, shown, Undefined(reason), Undefined(reason)))
        else:
            found.append((stratum, shown, welch_difference(here, elsewhere), welch_t(here, elsewhere)))
    p = [test.p_value for *_, test in found if isinstance(test, TestResult)]
    adjusted = iter(benjamini_hochberg(p))
    return tuple(
        StratumBias(stratum, shown, apart, next(adjusted) if isinstance(test, TestResult) else None)
        for stratum, shown, apart, test in found
    )


def favour(
    truth: ArrayLike,
    judged: ArrayLike,
    other_truth: ArrayLike,
    other_judged: ArrayLike,
    *,
    paired: bool = True,
    scale: Scale = UNIT,
) -> Estimate | Undefined:
    """By how much more the judge overrates one system than the other: the interaction of system and judge's error.

    The mean of (judge − people) of the first less that of the second: what the judge adds to the difference of the
    two systems. Above 0 it favours the first. `paired` where both answered the same examples, in the same order
    (`mean_within`); otherwise the limits of both biases are put together (MOVER; Zou & Donner 2008).
    """
    if not paired:
        one = judge_bias(truth, judged, scale=scale)
        return _difference(one, judge_bias(other_truth, other_judged, scale=scale))
    true, said = both_labels(truth, judged)
    other_true, other_said = both_labels(other_truth, other_judged)
    if len(true) != len(other_true):
        raise ValueError(
            f"{len(other_true)} examples of the one system do not pair with {len(true)} of the other"
        )
    low, high = _ends(scale, true, said, other_true, other_said)
    widest = 2 * (high - low)
    return mean_within((said - true) - (other_said - other_true), -widest, widest)


def _difference(one: Estimate | Undefined, other: Estimate | Undefined) -> Estimate | Undefined:
    if isinstance(one, Undefined):
        return one
    if isinstance(other, Undefined):
        return other
    value, n, method = one.value - other.value, one.n + other.n, "MOVER interval of two independent biases"
    if one.ci_low is None or one.ci_high is None or other.ci_low is None or other.ci_high is None:
        return Estimate(value, None, None, n, method, one.ci_undefined or other.ci_undefined)
    below = math.hypot(one.value - one.ci_low, other.ci_high - other.value)
    above = math.hypot(one.ci_high - one.value, other.value - other.ci_low)
    return Estimate(value, value - below, value + above, n, method)


def _stretched(shown: Estimate | Undefined, width: float) -> Estimate | Undefined:
    if isinstance(shown, Undefined) or shown.ci_low is None or shown.ci_high is None:
        return shown
    return replace(
        shown, value=shown.value * width, ci_low=shown.ci_low * width, ci_high=shown.ci_high * width
    )


def _ends(scale: Scale, *labels: Vector) -> Scale:
    low, high = scale
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError("a scale has a lowest and a highest label")
    if any(len(each) and (each.min() < low or each.max() > high) for each in labels):
        raise ValueError(f"labels lie between {low:g} and {high:g}; name another scale")
    return low, high

"""Whether a metric fell by more than a margin: how sure that is, and in what unit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.independent import miettinen_nurminen, welch_difference
from evaltrack.stats.intervals import around, mean_t, wilson
from evaltrack.stats.sequential.shares import share_difference_any_time

State = Literal["none", "watch", "suspected", "confirmed"]
Scale = Literal["absolute", "relative"]


@dataclass(frozen=True, slots=True)
class Drop:
    """The state of the alert, the change that it rests on, and the sentence for people."""

    state: State
    change: Estimate
    margin: float
    scale: Scale
    text: str


def relative_change(after: Estimate, before: Estimate) -> Estimate | Undefined:
    """after/before − 1 of two independent estimates with their intervals (MOVER-R: Donner & Zou 2012).

    With Wilson's intervals of two shares, the method of that name for a ratio of proportions. `n` counts both
    sides. Undefined unless the interval of `before` is above 0: a percentage of nothing is no number. Without an
    interval where one of the two has none.
    """
    method = "MOVER-R interval of a relative change"
    n = after.n + before.n
    p1, l1, u1 = after.value, after.ci_low, after.ci_high
    p0, l0, u0 = before.value, before.ci_low, before.ci_high
    if p0 <= 0 or (l0 is not None and l0 <= 0):
        return Undefined("the level before is not clearly above 0, so there is no change relative to it")
    if l1 is None or u1 is None or l0 is None or u0 is None:
        reason = after.ci_undefined or before.ci_undefined
        return Estimate(p1 / p0 - 1, None, None, n, method, reason)
    product = p1 * p0
    lower_root = math.sqrt(max(product**2 - l1 * u0 * (2 * p1 - l1) * (2 * p0 - u0), 0.0))
    upper_root = math.sqrt(max(product**2 - u1 * l0 * (2 * p1 - u1) * (2 * p0 - l0), 0.0))
    # (product − root)/(u₀(2p₀ − u₀)) is 0/0 where u₀ = 2p₀, as with few successes; its conjugate is not.
    if product + lower_root > 0:
        low = l1 * (2 * p1 - l1) / (product + lower_root)
    else:
        low = (product - lower_root) / (u0 * (2 * p0 - u0)) if lower_root else 0.0
    high = (product + upper_root) / (l0 * (2 * p0 - l0))
    value = p1 / p0
    low, high = around(low, high, value)
    return Estimate(value - 1, low - 1, high - 1, n, method)


def drop(change: Estimate, *, margin: float, scale: Scale) -> Drop:
    """The state of an alert for "more than `margin` down", from the change (after − before, or relative).

    - confirmed: the whole interval lies below −margin.
    - suspected: the estimate lies below −margin, and the whole interval below 0.
    - watch: the estimate lies below −margin, but the interval reaches 0 or there is none; or the metric
      certainly fell, by less than the margin as it seems.
    - none: otherwise.

    The state is as good as the interval: a fixed-n one holds for one look per window, an any-time one
    however often the page is opened.
    """
    if not 0 <= margin < math.inf or scale not in ("absolute", "relative"):
        raise ValueError("an alert has a margin from 0 up, and is absolute or relative")
    value, low, high = change.value, change.ci_low, change.ci_high
    down, fell = value < -margin, high is not None and high < 0
    if high is not None and high < -margin:
        state: State = "confirmed"
    elif down and fell:
        state = "suspected"
    elif down or fell:
        state = "watch"
    else:
        state = "none"

    def shown(number: float) -> str:
        return f"{number:+.2%}" if scale == "relative" else f"{number:+.4g}"

    interval = (
        f"no interval: {change.ci_undefined}"
        if low is None or high is None
        else f"{shown(low)} to {shown(high)}"
    )
    base = "relative to the level before" if scale == "relative" else "absolute"
    text = f"{state}: changed by {shown(value)} ({interval}), margin {shown(-margin)}, {base}"
    return Drop(state, change, margin, scale, text)


def share_drop(
    after: tuple[int, int],
    before: tuple[int, int],
    *,
    margin: float,
    scale: Scale = "absolute",
    any_time: bool = False,
) -> Drop | Undefined:
    """The alert for a share, each side given as (successes, n) of independent outcomes.

    The interval is Miettinen and Nurminen's for one look, the exact any-time one where the page is watched while
    the window fills (absolute only), and MOVER-R for a relative margin. Undefined when a side is empty, and for
    a relative margin when nothing succeeded before.
    """
    if any_time and scale != "absolute":
        raise ValueError("an any-time alert takes an absolute margin")
    if scale == "absolute":
        method = share_difference_any_time if any_time else miettinen_nurminen
        return _alert(method(*after, *before), margin, scale)
    return _alert(_relative(wilson(*after), wilson(*before)), margin, scale)


def mean_drop(
    after: ArrayLike, before: ArrayLike, *, margin: float, scale: Scale = "absolute"
) -> Drop | Undefined:
    """The alert for a mean of independent values, larger is better, looked at once per window.

    Welch's interval for an absolute margin, MOVER-R with both t intervals for a relative one. Undefined when a
    side is empty, and for a relative margin unless the mean before is clearly above 0.
    """
    if scale == "absolute":
        return _alert(welch_difference(after, before), margin, scale)
    return _alert(_relative(mean_t(after), mean_t(before)), margin, scale)


def _relative(after: Estimate | Undefined, before: Estimate | Undefined) -> Estimate | Undefined:
    if isinstance(after, Undefined):
        return after
    return before if isinstance(before, Undefined) else relative_change(after, before)


def _alert(change: Estimate | Undefined, margin: float, scale: Scale) -> Drop | Undefined:
    return change if isinstance(change, Undefined) else drop(change, margin=margin, scale=scale)

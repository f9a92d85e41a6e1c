"""Scores moved: did the system, or those who judge? Anchor items, scored again in each period, tell them apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.independent import welch_difference
from evaltrack.stats.paired import mean_difference_t

METHOD = "MOVER interval of the change less that of the raters"


@dataclass(frozen=True, slots=True)
class Moved:
    """Later − earlier: of the scores that were `seen`, of the `raters` on anchor items, of the `system` itself."""

    seen: Estimate | Undefined
    raters: Estimate | Undefined
    system: Estimate | Undefined

    def as_json(self) -> dict[str, Any]:
        return {
            "seen": self.seen.as_json(),
            "raters": self.raters.as_json(),
            "system": self.system.as_json(),
        }


def apart_from_raters(
    after: ArrayLike, before: ArrayLike, anchors_after: ArrayLike, anchors_before: ArrayLike
) -> Moved:
    """How mean scores moved between two periods, less what moved because of the raters.

    `after` and `before` are scores of different outputs, one value each (Welch). The anchors are the same outputs
    scored in both periods, in the same order (paired t): they cannot have changed, so what their scores did is the
    raters' doing. The system's change is the difference of the two, with the limits of both put together (MOVER; Zou
    & Donner 2008), which takes them for independent: other outputs, judged by the same people in the same mood.

    Each is Undefined without values, and without an interval where the spread is unknown; the system's where either
    is. ValueError for anchors that do not pair.
    """
    seen = welch_difference(after, before)
    raters = mean_difference_t(anchors_after, anchors_before)
    return Moved(seen, raters, _less(seen, raters))


def _less(seen: Estimate | Undefined, raters: Estimate | Undefined) -> Estimate | Undefined:
    if isinstance(seen, Undefined):
        return seen
    if isinstance(raters, Undefined):
        return Undefined("there are no anchor items, so the raters' part is unknown")
    value, n = seen.value - raters.value, seen.n + raters.n
    if seen.ci_low is None or seen.ci_high is None or raters.ci_low is None or raters.ci_high is None:
        return Estimate(value, None, None, n, METHOD, seen.ci_undefined or raters.ci_undefined)
    below = math.hypot(seen.value - seen.ci_low, raters.ci_high - raters.value)
    above = math.hypot(seen.ci_high - seen.value, raters.value - raters.ci_low)
    return Estimate(value, value - below, value + above, n, METHOD)

"""Is it enough? What judgments so far say of how many more a decision needs, and of whether it will be reached.

A campaign decides by whether the interval of a mean lies on one side of −margin once all N planned items are judged.
After n of them, with mean m and standard deviation s, the mean of all is normal about m with variance s²(N − n)/(nN):
what is known of the n stays, and the others scatter about a mean of which nothing else is known.

Which way people lean is not told: whoever knew could stop when they like what they see. With a margin even how much
is missing would tell, as the one side is nearer to it. So what is foreseen is that of m and of −m alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import Estimate, Undefined, rounded
from evaltrack.stats.intervals import TAIL, real_values
from evaltrack.stats.patterns import whole
from evaltrack.stats.sequential.asymptotic import linear_any_time

FEWEST = 10
# Times as many as are planned: of more nobody foresees anything. And where only rounding keeps a mean off the margin,
# t's limit and the distance differ by rounding alone, and counting up to where they cross would never end.
FORESEEN = 20
Z = float(special.ndtri(1 - TAIL))


@dataclass(frozen=True, slots=True)
class Enough:
    """`items` judged of `planned`; how many a decision is expected to need, `least` where people lean the one way and
    `most` where they lean the other (None: more than twenty times as many as planned); the chance, from 0 to 1, that
    all planned items decide, the mean of both; whether the interval that holds at every look decides now, which may
    tell which way."""

    items: int
    planned: int
    least: int | None
    most: int | None
    chance: float
    is_settled: bool
    any_time: Estimate

    def as_json(self) -> dict[str, Any]:
        """Without the mean, its interval, and whether it is settled."""
        return {
            "items": self.items,
            "planned": self.planned,
            "items_needed_low": self.least,
            "items_needed_high": self.most,
            "chance_of_decision": rounded(self.chance),
        }


def enough(
    scores: ArrayLike,
    times: ArrayLike,
    *,
    margin: float,
    planned: int,
    left_out: int = 0,
    judged_by_then: int | None = None,
) -> Enough | Undefined:
    """`scores` from −1 to 1 are those of items that all have judged, `times` how many items have each.

    `planned` is the number of items of the campaign, fixed before the first look; `left_out`, how many of them nobody
    is asked about any more; `judged_by_then` how many will be judged when it is decided, where that is fewer.
    Undefined below ten items, and while all are alike.
    """
    x, many = real_values(scores), whole(times, "times")
    if x.shape != many.shape or not 0 <= margin <= 1 or planned < 1:
        raise ValueError(
            "scores come with how many items have each, a margin from 0 to 1 and a number of items"
        )
    n = int(many.sum())
    if n < FEWEST:
        return Undefined(
            f"{n} items have been judged by all who are asked: {FEWEST} are needed to foresee anything"
        )
    mean = float(many @ x) / n
    spread = math.sqrt(float(many @ (x - mean) ** 2) / (n - 1))
    if spread <= 1e-12:
        return Undefined(f"all {n} items were judged alike so far, so nothing can be said of the others")
    near, far = sorted((abs(mean + margin), abs(margin - mean)))
    whole_campaign = max(n, planned - left_out)
    end = max(n, min(whole_campaign, judged_by_then or whole_campaign))
    any_time = linear_any_time(mean, spread, n, planned=planned)
    low, high = any_time.ci_low, any_time.ci_high
    return Enough(
        items=n,
        planned=whole_campaign,
        least=_needed(far, spread, FORESEEN * planned),
        most=_needed(near, spread, FORESEEN * planned),
        chance=(_chance(near, spread, n, end) + _chance(far, spread, n, end)) / 2,
        is_settled=low is not None and high is not None and not low <= -margin <= high,
        any_time=any_time,
    )


def _needed(distance: float, spread: float, most: int) -> int | None:
    """Items at which a t interval about a mean so far from −margin does not reach it; None beyond `most`."""
    if distance <= 0:
        return None
    n = max(2, math.ceil((Z * spread / distance) ** 2))
    if n > most:
        return None
    while special.stdtrit(n - 1, 1 - TAIL) * spread / math.sqrt(n) >= distance:
        n += 1
    return n


def _chance(away: float, spread: float, n: int, end: int) -> float:
    half = float(special.stdtrit(end - 1, 1 - TAIL)) * spread / math.sqrt(end)
    if end == n:
        return float(abs(away) > half)
    scatter = spread * math.sqrt((end - n) / (n * end))
    return float(special.ndtr((away - half) / scatter) + special.ndtr((-away - half) / scatter))

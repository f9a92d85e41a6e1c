"""What a plan with several looks costs at most, and on average with and without a difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special
from scipy.optimize import brentq

from evaltrack.stats.estimate import Undefined, rounded
from evaltrack.stats.planning.design import POWER, Design, check_power, check_share, normal_quantile, whole
from evaltrack.stats.sequential.shares import log_beta_mixture
from evaltrack.stats.sequential.spending import Spending, crossing_chances
from evaltrack.stats.sequential.spending import looks as planned_looks

MOST_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True)
class PlannedLook:
    """A look at `n` of what the design counts: from which |z| on to stop, and the chance to have stopped by then."""

    n: int
    critical: float
    stopped_without: float
    stopped_with: float


@dataclass(frozen=True, slots=True)
class LookPlan:
    """`maximum` is the n of the last look, `fixed` that of a plan with one look and the same power.

    `expected_without` is the mean n if nothing differs, `expected_with` if the planned difference is the truth.
    """

    design: Design
    difference: float
    power: float
    looks: tuple[PlannedLook, ...]
    fixed: int
    expected_without: float
    expected_with: float

    @property
    def maximum(self) -> int:
        return self.looks[-1].n

    @property
    def inflation(self) -> float:
        """By how much the looks raise the maximum."""
        return self.maximum / self.fixed

    @property
    def sentence(self) -> str:
        counted = self.design.counted
        return (
            f"At most {self.maximum:,} {counted} in {len(self.looks)} looks, on average {self.expected_with:,.0f} "
            f"if {self.design.phrase(self.difference)} is there and {self.expected_without:,.0f} if none is; "
            f"one look takes {self.fixed:,}."
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "maximum": self.maximum,
            "fixed": self.fixed,
            "expected_without": rounded(self.expected_without),
            "expected_with": rounded(self.expected_with),
            "looks": [
                {
                    "n": look.n,
                    "critical": rounded(look.critical),
                    "stopped_without": rounded(look.stopped_without),
                    "stopped_with": rounded(look.stopped_with),
                }
                for look in self.looks
            ],
        }


def look_plan(
    design: Design,
    difference: float,
    information: Sequence[float],
    *,
    spending: Spending = "obrien-fleming",
    power: float = POWER,
    critical: Sequence[float] | None = None,
) -> LookPlan | Undefined:
    """The plan of `design` with looks at these shares of its final size, the last 1 (Jennison & Turnbull 2000).

    Looks take away from the power, so the maximum is larger than the n of one look: as large as it takes for the
    chance to cross the right bound at some look. Bounds are those of `sequential.looks`, or `critical`, a |z| for
    each look. Exact for normal statistics; with fewer than 30 examples at a look it promises a little too much.

    Undefined where the design's own plan is.
    """
    check_power(power)
    if not len(information) or not math.isclose(information[-1], 1.0):
        raise ValueError("looks are at shares of the final size, the last of them 1")
    single = design.needed(difference, power)
    if isinstance(single, Undefined):
        return single
    if critical is None:
        critical = [
            look.critical for look in planned_looks(information, spending=spending, level=design.level)
        ]

    def reached(drift: float) -> float:
        return crossing_chances(information, critical, drift)[-1][1]

    one_look = normal_quantile(design.level) + float(special.ndtri(power))
    highest = 2 * one_look
    while reached(highest) < power:
        highest *= 2
    drift = brentq(lambda at: reached(at) - power, one_look / 2, highest, xtol=1e-9)
    final = single.unrounded * (drift / one_look) ** 2
    sizes = [whole(share * final) for share in information]
    without, with_it = (
        [sum(each) for each in crossing_chances(information, critical, at)] for at in (0.0, drift)
    )
    return LookPlan(
        design,
        difference,
        power,
        tuple(PlannedLook(*each) for each in zip(sizes, critical, without, with_it, strict=True)),
        single.n,
        _mean_size(sizes, without),
        _mean_size(sizes, with_it),
    )


def _mean_size(sizes: Sequence[int], stopped: Sequence[float]) -> float:
    """Each look is reached by those who have not stopped before."""
    added = np.diff(sizes, prepend=0)
    return float(added @ (1 - np.array([0.0, *stopped[:-1]])))


@dataclass(frozen=True, slots=True)
class StoppingTime:
    """When an any-time interval of a share stops excluding nothing, looked at after every outcome up to `most`.

    `expected` is the mean n, those who never stop counted with `most`; `median` is None where fewer than half stop;
    `above` and `below` are the chances that the interval ends on that side of the null.
    """

    most: int
    expected: float
    median: int | None
    above: float
    below: float

    def as_json(self) -> dict[str, Any]:
        return {
            "most": self.most,
            "expected": rounded(self.expected),
            "median": self.median,
            "above": rounded(self.above),
            "below": rounded(self.below),
        }


def share_stopping_time(truth: float, most: int, *, null: float = 0.5, level: float = 0.05) -> StoppingTime:
    """How many 0/1 outcomes it takes until `sequential.share_any_time` excludes the null, if `truth` is the share.

    By enumeration of all counts at which nobody has stopped yet, so exact for independent outcomes. Votes on one
    prompt are not independent: count prompts. ValueError above 20,000 outcomes.
    """
    check_share("the true share", truth)
    check_share("the null", null)
    check_share("the level", level)
    if not 1 <= most <= MOST_LOOKED_AT:
        raise ValueError(f"a plan looks at 1 to {MOST_LOOKED_AT:,} outcomes, not at {most}")
    least, going = 0, np.ones(1)  # the chance of each count of successes from `least` on, not stopped
    above = below = expected = 0.0
    median = None
    for n in range(1, most + 1):
        expected += float(going.sum())
        going = np.append(going * (1 - truth), 0.0) + np.append(0.0, going * truth)
        counts = least + np.arange(len(going))
        stops = log_beta_mixture(counts, n, null) >= -math.log(level)
        above += float(going[stops & (counts > n * null)].sum())
        below += float(going[stops & (counts < n * null)].sum())
        # It stops at both ends: what lies between them goes on.
        kept = np.flatnonzero(~stops)
        least, going = int(counts[kept[0]]), going[kept[0] : kept[-1] + 1]
        if median is None and above + below >= 0.5:
            median = n
    return StoppingTime(most, expected, median, above, below)

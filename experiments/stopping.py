"""Pure: when an experiment may be looked at, and how much each look may err.

One look at a size that was fixed beforehand spends the whole level. A policy that names its looks lets an
experiment be extended from a smaller tier to a larger one: each look then spends a part of the level, by a
spending function that was fixed beforehand (Lan & DeMets 1983), so that all looks together err no more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from evaltrack.stats.estimate import rounded
from evaltrack.stats.sequential import looks, repeated_p

# Two-sided, as the 95 % intervals are.
ALPHA = 0.05
SPENDINGS: tuple[Literal["pocock", "obrien-fleming"], ...] = ("pocock", "obrien-fleming")
# What a very early look may err is smaller than any float beside 1: an interval needs a confidence below 1.
LEAST_LEVEL = 1e-9


@dataclass(frozen=True)
class StopRule:
    """What all looks together may err, and which look this is.

    `alpha` is two-sided. `sizes` has the number of examples at each look up to this one, of the `final` number at
    which the whole level is spent; without a `spending` there is one look, and they are empty.
    """

    alpha: float = ALPHA
    spending: Literal["pocock", "obrien-fleming"] | None = None
    sizes: tuple[int, ...] = ()
    final: int = 0

    @property
    def is_single(self) -> bool:
        """Whether this is the first look and the last one."""
        return self.spending is None or (len(self.sizes) == 1 and self.sizes[0] == self.final)

    @property
    def information(self) -> list[float]:
        return [size / self.final for size in self.sizes]

    @property
    def level(self) -> float:
        """The two-sided level of this look."""
        if self.spending is None or self.is_single:
            return self.alpha
        look = looks(self.information, spending=self.spending, level=self.alpha)[-1]
        return max(rounded(look.nominal_p), LEAST_LEVEL)

    @property
    def confidence(self) -> float:
        return 1 - self.level

    @property
    def confidence_in_words(self) -> str:
        """Such as "95 %", or "99.935 %": with as many digits as what it leaves out needs."""
        digits = max(0, math.ceil(-math.log10(100 * self.level))) + 1
        return f"{100 * self.confidence:.{digits}f}".rstrip("0").rstrip(".") + " %"

    def adjusted(self, p_value: float) -> float:
        """A one-sided p of this look as one for all looks together, to be compared with half of `alpha`."""
        if self.spending is None or self.is_single:
            return p_value
        return repeated_p(min(1.0, 2 * p_value), self.information, spending=self.spending) / 2

    def as_json(self) -> dict[str, Any]:
        """As it stands in a locked plan."""
        if self.spending is None:
            return {"kind": "fixed", "alpha": self.alpha}
        return {
            "kind": "group-sequential",
            "alpha": self.alpha,
            "spending": self.spending,
            "sizes": list(self.sizes),
            "final": self.final,
            "level": self.level,
        }


ONE_LOOK = StopRule()


def of_plan(plan: Mapping[str, Any]) -> StopRule:
    """The rule that a plan locked; plans of before rules were written down had one look at 0.05."""
    body = plan.get("stop_rule")
    if not body or body["kind"] == "fixed":
        return StopRule(alpha=body["alpha"] if body else ALPHA)
    return StopRule(body["alpha"], body["spending"], tuple(body["sizes"]), body["final"])


def planned(alpha: float, spending: str | None, *, earlier: Sequence[int], size: int, final: int) -> StopRule:
    """The rule of a look at `size` examples after the looks `earlier`; `final` at least `size`."""
    if spending is None:
        return StopRule(alpha)
    known = cast(Literal["pocock", "obrien-fleming"], spending)
    return StopRule(alpha, known, (*earlier, size), max(size, final))

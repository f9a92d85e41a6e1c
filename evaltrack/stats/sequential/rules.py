"""When a human evaluation may stop: a rule that is registered before the first judgment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evaltrack.stats.estimate import Estimate, Undefined

Outcome = Literal["equivalent", "different", "maximum", "continue"]


@dataclass(frozen=True, slots=True)
class Stopping:
    """What the rule says at this look: the outcome, and the sentence for people."""

    outcome: Outcome
    text: str

    @property
    def stop(self) -> bool:
        return self.outcome != "continue"


def stopping(
    estimate: Estimate | Undefined,
    *,
    maximum: int,
    null: float = 0.0,
    zone: tuple[float, float] | None = None,
) -> Stopping:
    """Whether to go on collecting, for any number of looks.

    Stop when the interval lies inside `zone` (both systems are equivalent for every purpose that the zone
    stands for), when it excludes `null` (they differ), or when `maximum` observations are reached, which says
    nothing about the systems. A difference that is certain, but lies inside the zone, counts as equivalent.

    The interval must hold at any time: with a fixed-n one, stopping at the first look that pleases would be
    wrong far more often than it says, so it raises ValueError.
    """
    if maximum < 1 or (zone is not None and not zone[0] <= null <= zone[1]):
        raise ValueError("a rule has a maximum from 1 up, and a zone round its null")
    if isinstance(estimate, Undefined):
        return Stopping("continue", f"Continue: {estimate.reason}.")
    if estimate.kind != "any-time":
        raise ValueError("only an any-time interval may decide when to stop")
    low, high, n = estimate.ci_low, estimate.ci_high, estimate.n
    interval = f"no interval ({estimate.ci_undefined})"
    if low is not None and high is not None:
        interval = f"the any-time interval {low:.3g} to {high:.3g}"
        if zone and zone[0] <= low and high <= zone[1]:
            text = f"Stop: {interval} lies inside the equivalence zone {zone[0]:g} to {zone[1]:g}."
            return Stopping("equivalent", text)
        if not low <= null <= high:
            side = "above" if low > null else "below"
            return Stopping("different", f"Stop: {interval} lies {side} {null:g}.")
    if n >= maximum:
        text = f"Stop: the registered maximum of {maximum} is reached with {interval}: undecided."
        return Stopping("maximum", text)
    return Stopping("continue", f"Continue: {n} of at most {maximum}, with {interval}.")

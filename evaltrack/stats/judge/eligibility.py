"""Whether a judge may stand in for people who did not judge in time. The act is governance; these are its facts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import real_values

FEWEST_LABELS = 100
WITHIN_DAYS = 90.0


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The answer, a sentence for each condition, those that fail first, and how many fail."""

    eligible: bool
    reasons: tuple[str, ...]
    failing: int = 0

    @property
    def lacks(self) -> tuple[str, ...]:
        """The sentences of the conditions that fail."""
        return self.reasons[: self.failing]

    def as_json(self) -> dict[str, Any]:
        return {"eligible": self.eligible, "reasons": list(self.reasons)}


def proxy_eligibility(
    *,
    ages_in_days: ArrayLike,
    bias: Estimate | Undefined,
    favour: Estimate | Undefined,
    margin: float,
    fewest: int = FEWEST_LABELS,
    within_days: float = WITHIN_DAYS,
    judge: str = "the judge",
) -> Eligibility:
    """May this judge's verdict on two systems be used as a proxy, with that word wherever it is shown?

    All must hold. At least `fewest` human labels, drawn at random, are no older than `within_days`; `ages_in_days`
    has one number for each label of the same version of judge and task and the same family of datasets; `judge` is
    what it is called in the sentences. And the judge is equivalent to people: the whole 95 % interval of `bias`
    (judge − people, `judge_bias`) lies within ±`margin`, and so does that of `favour` (how much more it overrates one
    system, `favour`). That no difference was found is not equivalence; a wide interval fails. With 95 % intervals
    each error has 2.5 %, stricter than the usual two one-sided tests at 5 %.

    A judge can meet both and still reverse a comparison (Prentice 1989): a proxy gives FAIL or INCONCLUSIVE freely,
    PASS only where the policy says so.
    """
    if not (math.isfinite(margin) and margin > 0):
        raise ValueError(f"a margin is a finite number above 0, not {margin}")
    ages = real_values(ages_in_days)
    if (ages < 0).any() or fewest < 1 or not within_days > 0:
        raise ValueError("ages are not negative, and a number of labels and of days is asked for")
    fresh = int((ages <= within_days).sum())
    counted = f"{fresh} human labels of the last {within_days:g} days"
    conditions = [
        (fresh >= fewest, f"{counted}; {fewest} are asked for"),
        _equivalent(f"{judge}'s bias", bias, margin),
        _equivalent(f"{judge}'s favour for one system", favour, margin),
    ]
    conditions.sort(key=lambda condition: condition[0])
    failing = sum(not held for held, _ in conditions)
    return Eligibility(failing == 0, tuple(reason for _, reason in conditions), failing)


def _equivalent(what: str, shown: Estimate | Undefined, margin: float) -> tuple[bool, str]:
    if isinstance(shown, Undefined):
        return False, f"{what} has no value: {shown.reason}"
    low, high = shown.ci_low, shown.ci_high
    if low is None or high is None:
        return False, f"{what} is {shown.value:+.3g} without an interval: {shown.ci_undefined}"
    inside = -margin < low and high < margin
    verb = "lies within" if inside else "does not lie within"
    return inside, f"{what}, {shown.value:+.3g} ({low:+.3g} to {high:+.3g}), {verb} ±{margin:g}"

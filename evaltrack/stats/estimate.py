"""What every statistic returns: a number with its interval, a test, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

CONFIDENCE = 0.95

Kind = Literal["fixed-n", "any-time"]


def rounded(number: float) -> float:
    """The number to 12 significant digits, so that its JSON does not depend on the last bits of a sum."""
    return float(f"{number:.12g}") + 0.0  # + 0.0 turns -0.0 into 0.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with a two-sided interval round it.

    `n` counts the observations behind the value (pairs of outputs, units, judgments: the function says
    which), `clusters` the independent groups they come from, where that differs. Either both limits are
    numbers with ci_low <= value <= ci_high, or both are None and `ci_undefined` says in words why.

    `kind` says what the confidence is about: "fixed-n" intervals hold once, at a number of observations that
    was not chosen by looking at them; "any-time" ones hold at all looks together, whenever somebody stops.
    """

    value: float
    ci_low: float | None
    ci_high: float | None
    n: int
    method: str
    ci_undefined: str | None = None
    confidence: float = CONFIDENCE
    clusters: int | None = None
    seed: int | None = None
    kind: Kind = "fixed-n"

    def __post_init__(self) -> None:
        for name in ("value", "ci_low", "ci_high"):
            number = getattr(self, name)
            if number is None and name != "value":
                continue
            if not math.isfinite(number):
                raise ValueError(f"{name} is {number}; a result that does not exist is Undefined(reason)")
            object.__setattr__(self, name, float(number))  # numpy scalars do not serialize
        for name in ("n", "clusters", "seed"):
            count = getattr(self, name)
            if count is not None:
                object.__setattr__(self, name, int(count))
        if (self.ci_low is None) != (self.ci_high is None):
            raise ValueError("an interval has two limits or none")
        if (self.ci_low is None) != bool(self.ci_undefined):
            raise ValueError("limits are missing exactly when ci_undefined says why")
        low, high = self.ci_low, self.ci_high
        if low is not None and high is not None and not low <= self.value <= high:
            raise ValueError(f"the interval {low} to {high} misses its value {self.value}")
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence is a share between 0 and 1, not {self.confidence}")
        if self.kind not in get_args(Kind):
            raise ValueError(f"an interval is one of {', '.join(get_args(Kind))}, not {self.kind}")

    def as_json(self) -> dict[str, Any]:
        """The public form: five keys always, the others only when they say something."""
        body: dict[str, Any] = {
            "value": rounded(self.value),
            "ci_low": None if self.ci_low is None else rounded(self.ci_low),
            "ci_high": None if self.ci_high is None else rounded(self.ci_high),
            "n": self.n,
            "method": self.method,
        }
        if self.ci_undefined:
            body["ci_undefined"] = self.ci_undefined
        if self.confidence != CONFIDENCE:
            body["confidence"] = rounded(self.confidence)
        if self.clusters is not None:
            body["clusters"] = self.clusters
        if self.seed is not None:
            body["seed"] = self.seed
        if self.kind != "fixed-n":
            body["kind"] = self.kind
        return body


@dataclass(frozen=True, slots=True)
class Undefined:
    """A statistic that the data do not determine, and the sentence that says why."""

    reason: str

    def __post_init__(self) -> None:
        if not self.reason:
            raise ValueError("an undefined result needs its reason")

    def as_json(self) -> dict[str, str]:
        return {"undefined": self.reason}


@dataclass(frozen=True, slots=True)
class TestResult:
    """A p-value, with the statistic behind it where the test has one (exact tests have none)."""

    __test__ = False  # pytest collects classes called Test…

    statistic: float | None
    p_value: float

    def __post_init__(self) -> None:
        if not 0 <= self.p_value <= 1:  # also refuses NaN
            raise ValueError(f"{self.p_value} is no p-value")
        if self.statistic is not None and not math.isfinite(self.statistic):
            raise ValueError(f"{self.statistic} is no statistic; without one the result is Undefined(reason)")

    def as_json(self) -> dict[str, float | None]:
        statistic = None if self.statistic is None else rounded(self.statistic)
        return {"statistic": statistic, "p_value": rounded(self.p_value)}


def from_json(body: Mapping[str, Any]) -> Estimate | Undefined:
    """Read back what `as_json` of an `Estimate` or an `Undefined` wrote."""
    if "undefined" in body:
        return Undefined(body["undefined"])
    return Estimate(**body)

"""Pure: what a metric is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    BINARY = "binary"
    CONTINUOUS = "continuous"
    LATENCY = "latency"


class Direction(StrEnum):
    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True)
class Answered:
    """What a metric may look at: the example and what the system made of it.

    `text` is None where the system gave no answer.
    """

    input: Any
    expected: Any
    text: str | None
    latency_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameter:
    """What a policy may set of a metric. `accepts` says whether it is such a value, `kind` names what would be."""

    kind: str
    purpose: str
    accepts: Callable[[Any], bool]


@dataclass(frozen=True)
class Metric:
    """A number per example, and how it is to be read.

    `value` gives the number, or None where the metric is undefined for the example, `undefined` says when that is;
    `missing` is what an example counts that got no answer (None: it is left out). `quantile` marks metrics whose
    summary is a quantile of the values rather than their mean. `highest` is the largest value there is, None where
    there is none; the smallest is 0. `takes` has the metric's parameters and what each is for. `version` changes with
    the definition.
    """

    name: str
    kind: Kind
    direction: Direction
    definition: str
    value: Callable[[Answered], float | None]
    unit: str = ""
    missing: float | None = None
    quantile: float | None = None
    version: str = "1"
    highest: float | None = 1.0
    source: str = ""
    undefined: str = ""
    takes: Mapping[str, Parameter] = field(default_factory=dict)

    def of(self, answered: Answered) -> float | None:
        """The example's number: what it counts without an answer only where an answer would have counted."""
        if answered.text is not None:
            return self.value(answered)
        return None if self.value(replace(answered, text="")) is None else self.missing

"""One metric asked about one answer."""

from typing import Any

from evaltrack.stats.estimate import Undefined
from experiments.metrics import REGISTRY
from experiments.metrics.base import Answered


def value(metric: str, text: str | None, expected: Any = None, *, input: Any = "", **given) -> float | None:
    """The number, or None where there is none."""
    found = REGISTRY[metric].of(Answered(input=input, expected=expected, text=text, **given))
    return None if isinstance(found, Undefined) else found


def reason(metric: str, text: str | None, expected: Any = None, *, input: Any = "", **given) -> str:
    """Why there is no number; empty where there is one."""
    found = REGISTRY[metric].of(Answered(input=input, expected=expected, text=text, **given))
    return found.reason if isinstance(found, Undefined) else ""

"""Pure: an answer as evaluators give it, in terms of places, and as it is stored, in terms of responses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What the evaluator saw and said. One of the first four, as the campaign's protocol has it.

    A number of a place names the response that stands there. `answers`: by criterion of the rubric.
    """

    preference: Any = None
    rating: Any = None
    ranking: Any = None
    spans: Any = None
    strength: int | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    comment: str = ""
    # The version of the rubric that the evaluator had in sight; None: the one that held when the task was claimed.
    rubric_version: int | None = None
    active_ms: int | None = None


@dataclass(frozen=True)
class Said:
    """The same, as the columns of a judgment hold it: responses by their ordinals."""

    choice: str | None = None
    strength: int | None = None
    rating: int | None = None
    ranking: list[list[int]] | None = None
    spans: list[dict[str, Any]] | None = None
    answers: dict[str, Any] = field(default_factory=dict)

"""Pure: where in a JSON document something stands: `result.answer`, `choices.0.text`, `documents.*.text`."""

from dataclasses import dataclass
from typing import Any

LONGEST = 200
MOST_STEPS = 20
EACH = "*"


class Nothing(LookupError):
    """There is nothing at a path; the message says up to where there was something."""


@dataclass(frozen=True)
class Path:
    """Steps from the outside in: the name of a field, the place of an element from 0, or `*`, every element."""

    steps: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.steps)

    def of(self, document: Any) -> Any:
        """What stands there; of a path with `*` the list of all that do. Raises Nothing."""
        return walked(document, self.steps)


def parse(text: str) -> Path:
    """Raises ValueError with a sentence about what is wrong."""
    steps = tuple(text.split("."))
    if len(text) > LONGEST or len(steps) > MOST_STEPS:
        raise ValueError(f"takes up to {LONGEST} characters and {MOST_STEPS} steps")
    if not all(step and step == step.strip() for step in steps):
        raise ValueError(
            "has an empty step; write names and places with a dot between, such as choices.0.text"
        )
    return Path(steps)


def walked(document: Any, steps: tuple[str, ...], reached: tuple[str, ...] = ()) -> Any:
    if not steps:
        return document
    step, rest = steps[0], steps[1:]
    if isinstance(document, list) and step == EACH:
        found = [walked(each, rest, (*reached, str(place))) for place, each in enumerate(document)]
        return [inner for each in found for inner in each] if EACH in rest else found
    if isinstance(document, list) and step.isdecimal() and int(step) < len(document):
        return walked(document[int(step)], rest, (*reached, step))
    if isinstance(document, dict) and step in document:
        return walked(document[step], rest, (*reached, step))
    raise Nothing(f"nothing at {'.'.join((*reached, step))}")

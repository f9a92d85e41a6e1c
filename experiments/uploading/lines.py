"""Pure: outputs that were collected elsewhere, as they come in NDJSON, a line each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaltrack.fields import WrongField, mapping, several, text, whole
from evaltrack.ndjson import holds_nul

FIELDS = {
    "example", "output", "error", "latency_ms", "input_tokens", "output_tokens", "contexts", "citations",
}  # fmt: skip
LONGEST_ID = 200
LONGEST_OUTPUT = 500_000
LONGEST_ERROR = 2_000
MOST_PASSAGES = 200
LONGEST_PASSAGE = 50_000
LARGEST_COUNT = 2**31 - 1


@dataclass(frozen=True)
class Brought:
    """What one arm said to one example, or the `error` for which it said nothing.

    What was not told is None: the latency and the counts are then left out of what is measured.
    """

    example: str
    text: str = ""
    error: str = ""
    latency_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    contexts: list[str] | None = None
    citations: list[str] | None = None

    def columns(self) -> dict[str, Any]:
        """By the names of their columns, and so those of the line's fields, but for `output`."""
        return {name: value for name, value in vars(self).items() if name != "example"}


def brought(row: Mapping[str, Any]) -> Brought:
    """The output of a line. Raises WrongField where it cannot be used."""
    mapping(row, "", FIELDS)
    if holds_nul(row):
        raise WrongField("", "holds a NUL character; remove it")
    has_failed = row.get("error") is not None
    if has_failed and row.get("output") is not None:
        raise WrongField("error", "stands beside an output; a call either failed or answered")
    return Brought(
        example=text(row, "example", longest=LONGEST_ID),
        text="" if has_failed else text(row, "output", longest=LONGEST_OUTPUT, may_be_empty=True),
        error=text(row, "error", longest=LONGEST_ERROR) if has_failed else "",
        latency_ms=whole(row, "latency_ms", most=LARGEST_COUNT),
        input_tokens=whole(row, "input_tokens", most=LARGEST_COUNT),
        output_tokens=whole(row, "output_tokens", most=LARGEST_COUNT),
        contexts=passages(row, "contexts"),
        citations=passages(row, "citations"),
    )


def line_of(output: Any) -> dict[str, Any]:
    """The line that would bring a finished `output`; what was not told is left out."""
    told = {name: getattr(output, name) for name in Brought("").columns()}
    said = told.pop("text")
    answer = {} if output.error else {"output": said}
    return (
        {"example": output.example_id}
        | answer
        | {name: value for name, value in told.items() if value not in (None, "")}
    )


def passages(row: Mapping[str, Any], name: str) -> list[str] | None:
    if row.get(name) is None:
        return None
    found = []
    for path, each in several(row, name, most=MOST_PASSAGES):
        if not isinstance(each, str):
            raise WrongField(path, "must be text")
        if len(each) > LONGEST_PASSAGE:
            raise WrongField(path, f"takes up to {LONGEST_PASSAGE} characters")
        found.append(each)
    return found

"""Pure: rows that come as NDJSON, one object a line, each line checked and its errors located."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any

import rfc8785

from evaltrack.canonical import DEEPEST, nested_beyond
from evaltrack.errors import Invalid

LONGEST_LINE = 1024 * 1024
MOST_ERRORS = 100


@dataclass(frozen=True)
class LineError:
    """What is wrong in one line, where, and in which field.

    `where` names the place where a file has no lines, as "task 17, annotation 2"; `line` is the task's number then.
    """

    line: int
    field: str
    reason: str
    where: str = ""

    def as_json(self) -> dict[str, Any]:
        located = {"line": self.line, "field": self.field, "reason": self.reason}
        return located | ({"where": self.where} if self.where else {})

    @property
    def place(self) -> str:
        return self.where or f"line {self.line}"


class BrokenLines(Exception):
    """The file cannot be used; nothing of it was."""

    def __init__(self, errors: list[LineError]) -> None:
        super().__init__(f"{len(errors)} broken lines")
        self.errors = errors

    def counted_by(self, unit: str) -> "BrokenLines":
        """The same, where a file has no lines but `unit`s, such as tasks."""
        return BrokenLines(
            [error if error.where else replace(error, where=f"{unit} {error.line}") for error in self.errors]
        )

    def as_invalid(self) -> Invalid:
        """The answer to who sent the file: the first error in words, all of them listed."""
        first = self.errors[0]
        return Invalid(
            "broken_lines",
            f"{first.place.capitalize()}: {first.field + ' ' if first.field else ''}{first.reason}. "
            f"Nothing was stored; mend {'what is' if first.where else 'the lines'} listed and send the file again.",
            errors=[error.as_json() for error in self.errors],
        )


def bounded_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Lines of a stream. Of a line that is too long only the beginning is kept, enough to be refused."""
    while line := stream.readline(LONGEST_LINE + 2):
        kept = line
        while not line.endswith(b"\n") and (line := stream.readline(LONGEST_LINE)):
            pass
        yield kept


def read_object(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """One line as an object, and its canonical bytes. Raises ValueError with the reason why it cannot be used."""
    if len(raw) > LONGEST_LINE:
        raise ValueError(f"longer than {LONGEST_LINE} bytes")
    try:
        row = json.loads(raw, object_pairs_hook=unique_keys, parse_constant=no_constant)
        if nested_beyond(row, DEEPEST):
            raise ValueError(f"nested deeper than {DEEPEST} levels")
        canonical = rfc8785.dumps(row)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON that can be kept: {error}") from None
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    return row, canonical


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"the key {twice!r} stands twice")
    return row


def no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def holds_nul(value: Any) -> bool:
    if isinstance(value, dict):
        return any(holds_nul(key) or holds_nul(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(holds_nul(inner) for inner in value)
    return isinstance(value, str) and "\x00" in value

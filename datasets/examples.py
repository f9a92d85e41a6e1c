"""Pure: what an example is, how rows are read from NDJSON, and the digest that identifies a version."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import rfc8785

from evaltrack.canonical import DEEPEST, canonical_json, nested_beyond, sha256_hex

FIELDS = {"id", "input", "expected", "context", "tags", "metadata"}
LONGEST_LINE = 1024 * 1024
MOST_ERRORS = 100


@dataclass(frozen=True)
class Example:
    """One golden example. `input` is text or an object whose fields the prompt names."""

    id: str
    input: Any
    expected: Any = None
    context: Any = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        row = {"id": self.id, "input": self.input}
        for name in ("expected", "context", "tags", "metadata"):
            if value := getattr(self, name):
                row[name] = list(value) if name == "tags" else value
            elif name in ("expected", "context") and value is not None:
                row[name] = value
        return row

    def as_bytes(self) -> bytes:
        """The row as it is kept and hashed: RFC 8785, and no number is rounded."""
        return rfc8785.dumps(self.as_json())


@dataclass(frozen=True)
class LineError:
    """What is wrong in one line, where, and in which field."""

    line: int
    field: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        return {"line": self.line, "field": self.field, "reason": self.reason}


class BrokenLines(Exception):
    """The file cannot be used; nothing of it was."""

    def __init__(self, errors: list[LineError]) -> None:
        super().__init__(f"{len(errors)} broken lines")
        self.errors = errors


def bounded_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines of a stream. Of a line that is too long only the beginning is kept, enough to be refused."""
    while line := stream.readline(LONGEST_LINE + 2):
        kept = line
        while not line.endswith(b"\n") and (line := stream.readline(LONGEST_LINE)):
            pass
        yield kept


def read_examples(lines: Iterable[bytes]) -> Iterator[Example]:
    """Examples of an NDJSON file, line by line. Raises BrokenLines at the end if any line was bad.

    All errors are collected (up to a hundred), because a custodian mends a file once, not line by line.
    """
    errors: list[LineError] = []
    seen: dict[str, int] = {}
    number = 0
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        if (parsed := parse_line(raw, number, errors)) is None:
            if len(errors) >= MOST_ERRORS:
                break
            continue
        if parsed.id in seen:
            reason = f"{parsed.id!r} stands on line {seen[parsed.id]} too; ids are unique"
            errors.append(LineError(number, "id", reason))
            continue
        seen[parsed.id] = number
        if not errors:
            yield parsed
    if not seen and not errors:
        errors.append(LineError(max(number, 1), "", "there is no example; write one JSON object a line"))
    if errors:
        raise BrokenLines(errors)


def parse_line(raw: bytes, number: int, errors: list[LineError]) -> Example | None:
    def wrong(name: str, reason: str) -> None:
        errors.append(LineError(number, name, reason))

    before = len(errors)
    if len(raw) > LONGEST_LINE:
        wrong("", f"longer than {LONGEST_LINE} bytes")
        return None
    try:
        row = json.loads(raw, object_pairs_hook=unique_keys, parse_constant=no_constant)
        if nested_beyond(row, DEEPEST):
            raise ValueError(f"nested deeper than {DEEPEST} levels")
        canonical = rfc8785.dumps(row)
    except UnicodeDecodeError:
        wrong("", "not UTF-8")
        return None
    except (ValueError, RecursionError) as error:
        wrong("", f"not JSON that can be kept: {error}")
        return None
    if not isinstance(row, dict):
        wrong("", "not a JSON object")
        return None
    if holds_nul(row):
        wrong("", "holds a NUL character; remove it")
    for name in sorted(set(row) - FIELDS):
        wrong(name, f"unknown field; known are {', '.join(sorted(FIELDS))}")
    if not isinstance(row.get("input"), str | dict) or not row["input"]:
        wrong("input", "must be text or an object, and not empty")
    tags = row.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag for tag in tags):
        wrong("tags", "must be a list of texts")
    if not isinstance(row.get("metadata", {}), dict):
        wrong("metadata", "must be an object")
    identifier = row.get("id", "")
    if not isinstance(identifier, str | int) or isinstance(identifier, bool) or len(str(identifier)) > 200:
        wrong("id", "must be text or a number of up to 200 characters")
    if len(errors) > before:
        return None
    # Without an id the content names the example, so that the same file gives the same ids again.
    identifier = str(identifier) or "x" + sha256_hex(canonical)[:16]
    return Example(
        identifier,
        row["input"],
        row.get("expected"),
        row.get("context"),
        tuple(tags),
        row.get("metadata", {}),
    )


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


class VersionDigest:
    """SHA-256 over the ordered list of (id, row hash): the identity of a dataset version."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256(b"evaltrack-dataset-v1\n")

    def add(self, example_id: str, row_hash: str) -> None:
        self.hash.update(canonical_json([example_id, row_hash]) + b"\n")

    def hexdigest(self) -> str:
        return self.hash.hexdigest()

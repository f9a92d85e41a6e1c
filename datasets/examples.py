"""Pure: what an example is, how rows are read from NDJSON, and the digest that identifies a version."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import rfc8785

from evaltrack.canonical import canonical_json, sha256_hex
from evaltrack.ndjson import MOST_ERRORS, BrokenLines, LineError, holds_nul, read_object

FIELDS = {"id", "input", "expected", "context", "tags", "metadata"}


@dataclass(frozen=True)
class Example:
    """One golden example. `input` is text or an object whose fields the prompt names."""

    id: str
    input: Any
    expected: Any = None
    context: Any = None
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def asked(self) -> str:
        """The input as people read it."""
        if isinstance(self.input, dict):
            return "\n\n".join(f"{name}: {value}" for name, value in self.input.items())
        return str(self.input)

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
    try:
        row, canonical = read_object(raw)
    except ValueError as error:
        wrong("", str(error))
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


class VersionDigest:
    """SHA-256 over the ordered list of (id, row hash): the identity of a dataset version."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256(b"evaltrack-dataset-v1\n")

    def add(self, example_id: str, row_hash: str) -> None:
        self.hash.update(canonical_json([example_id, row_hash]) + b"\n")

    def hexdigest(self) -> str:
        return self.hash.hexdigest()

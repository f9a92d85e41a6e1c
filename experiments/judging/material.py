"""Pure: what a judge judges, marked off from what it is told.

Answers are hostile: they may speak to the judge or imitate the lines that end them. The mark in these lines is a
digest of all the material, so no text in it can hold the mark: it would have to hold the digest of itself.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from evaltrack.canonical import canonical_json, digest

LONGEST_PART = 20_000


class Part(NamedTuple):
    """A text under its name, such as "answer" or "sentence 3"."""

    name: str
    text: str


def mark_of(parts: Sequence[Part]) -> str:
    return digest([list(part) for part in parts])[:24]


def laid_out(parts: Iterable[Part], mark: str) -> str:
    return "\n\n".join(f"<<<{name} {mark}>>>\n{text}\n<<<end of {name} {mark}>>>" for name, text in parts)


def cut(text: str) -> str:
    """Of what is longer the beginning, and that it is."""
    return text if len(text) <= LONGEST_PART else f"{text[:LONGEST_PART]}\n[cut here: it is longer]"


def as_text(value: object) -> str:
    return cut(value if isinstance(value, str) else canonical_json(value).decode())

"""What changed between two texts, word by word. Pure."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

WORD = re.compile(r"\s+|\w+\s*|[^\w\s]\s*")
# Comparing takes time with the product of the lengths: beyond this, the old stands whole beside the new.
MOST = 100_000

Piece = tuple[str, str]


def changes(before: str, after: str) -> list[Piece]:
    """Pieces in reading order, each "same", "gone" or "new"."""
    return list(compared(before.splitlines(keepends=True), after.splitlines(keepends=True), within=True))


def compared(one: list[str], other: list[str], *, within: bool) -> Iterator[Piece]:
    """Lines first; `within` lines that differ, words."""
    if len(one) * len(other) > MOST:
        yield from replaced(one, other)
        return
    for kind, start, stop, new_start, new_stop in SequenceMatcher(None, one, other, False).get_opcodes():
        gone, new = "".join(one[start:stop]), "".join(other[new_start:new_stop])
        if kind == "equal":
            yield "same", gone
        elif kind == "replace" and within:
            yield from compared(WORD.findall(gone), WORD.findall(new), within=False)
        else:
            yield from replaced([gone], [new])


def replaced(one: list[str], other: list[str]) -> Iterator[Piece]:
    for kind, words in (("gone", one), ("new", other)):
        if text := "".join(words):
            yield kind, text

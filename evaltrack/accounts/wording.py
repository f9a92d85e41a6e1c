"""What changed between two texts, word by word. Pure."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

WORD = re.compile(r"\s+|\w+|[^\w\s]")


def changes(before: str, after: str) -> list[tuple[str, str]]:
    """Pieces in reading order, each "same", "gone" or "new"."""
    one, other = WORD.findall(before), WORD.findall(after)
    pieces: list[tuple[str, str]] = []
    for kind, start, stop, new_start, new_stop in SequenceMatcher(None, one, other, False).get_opcodes():
        if kind == "equal":
            pieces.append(("same", "".join(one[start:stop])))
            continue
        pieces.extend(said("gone", one[start:stop]))
        pieces.extend(said("new", other[new_start:new_stop]))
    return pieces


def said(kind: str, words: list[str]) -> Iterator[tuple[str, str]]:
    if words:
        yield kind, "".join(words)

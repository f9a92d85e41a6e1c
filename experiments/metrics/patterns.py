"""Pure: regular expressions that users write, matched so that none can hang a worker.

Python's own `re` cannot be stopped while it backtracks; `regex` can.
"""

from functools import lru_cache
from typing import Any

import regex

# Far more than any sane pattern needs on one answer.
SLOWEST_S = 0.05
LONGEST = 1000
# What is left out of answers unless a policy says otherwise: citations.
BRACKETED = r"\[[^\]]*\]"


def compiles(pattern: object) -> bool:
    """Whether `pattern` is a regular expression that can be used."""
    if not isinstance(pattern, str) or len(pattern) > LONGEST:
        return False
    try:
        regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError, MemoryError, ValueError):
        return False
    return True


@lru_cache(maxsize=64)
def compiled(pattern: str, flags: int = 0) -> Any:
    return regex.compile(pattern, flags)


def matches_whole(pattern: str, text: str) -> bool | None:
    """Whether all of `text` matches; None where that could not be told in time."""
    try:
        return compiled(pattern, regex.DOTALL).fullmatch(text, timeout=SLOWEST_S) is not None
    except TimeoutError:
        return None


def first(pattern: str, text: str) -> str | None:
    """What the pattern finds first, its first group where it has one; empty where nothing matches.

    None where that could not be told in time.
    """
    try:
        found = compiled(pattern, regex.DOTALL).search(text, timeout=SLOWEST_S)
    except TimeoutError:
        return None
    if found is None:
        return ""
    return found.group(1 if found.re.groups else 0) or ""


def without(pattern: str, text: str) -> str | None:
    """`text` with every match replaced by a blank; None where that took too long."""
    if pattern == BRACKETED and "]" not in text:
        return text
    try:
        return compiled(pattern).sub(" ", text, timeout=SLOWEST_S)
    except TimeoutError:
        return None

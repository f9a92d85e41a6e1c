"""Answers that are kept: of functions that always say the same of the same numbers, as their draws are seeded.

What is drawn takes most of the time of a page about evaluators, and one judgment more changes the numbers of a few of
them. Nothing can be out of date: other numbers are another question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from functools import lru_cache, update_wrapper
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


class _Asked:
    """What was asked, equal where the numbers are; the numbers themselves are let go once it is answered."""

    __slots__ = ("hashed", "key", "words")

    def __init__(self, words: tuple[Any, ...]) -> None:
        self.words: tuple[Any, ...] | None = words
        self.key = tuple(_named(word) for word in words)
        self.hashed = hash(self.key)

    def __hash__(self) -> int:
        return self.hashed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.key == other.key


def _named(word: Any) -> Hashable:
    if isinstance(word, np.ndarray):
        digest = hashlib.blake2b(np.ascontiguousarray(word).tobytes(), digest_size=16).digest()
        return word.dtype.str, word.shape, digest
    return type(word), cast(Hashable, word)


def remembered(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep the latest `most` answers in the process. The arguments are arrays and what can be hashed, by place; the
    answer is changed by nobody who gets it."""

    def around(of: Callable[P, R]) -> Callable[P, R]:
        @lru_cache(maxsize=most)
        def answer(asked: _Asked) -> R:
            words, asked.words = asked.words, None
            assert words is not None
            return cast(Callable[..., R], of)(*words)

        def asking(*words: P.args, **_: P.kwargs) -> R:
            return answer(_Asked(words))

        return update_wrapper(asking, of)

    return around

"""Pure: text of answers and references, as metrics compare it."""

import re
import string
import unicodedata
from typing import Any

ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalized(text: str) -> str:
    """Lower case without punctuation, articles and extra blanks, as SQuAD's evaluation has it."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = "".join(" " if character in string.punctuation else character for character in text)
    return " ".join(ARTICLES.sub(" ", text).split())


def reference(expected: Any) -> str | None:
    """The reference answer of an example: `expected` itself, or its `answer`."""
    if isinstance(expected, dict):
        expected = expected.get("answer")
    return str(expected) if isinstance(expected, str | int | float) else None


def contains(text: str, phrase: str) -> bool:
    return f" {normalized(phrase)} " in f" {normalized(text)} "

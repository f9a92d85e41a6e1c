"""Pure: text of answers and references, as metrics compare it.

What is worked out of a text is kept for a moment: the metrics of a suite read the same answer one after the other.
"""

import re
import string
import unicodedata
from collections.abc import Callable
from functools import lru_cache, wraps
from itertools import chain
from typing import Any, TypeVar

ARTICLES = re.compile(r"\b(a|an|the)\b")
SENTENCE_ENDS = re.compile(r"(?<=[.!?。！？])[\"'”’)\]]*\s+|\n+")
MARKED_END = re.compile(r"([.!?])((?:\s?\[[^\[\]\n]{1,80}\])+)")
BETWEEN_MARKERS = re.compile(r"[,;]")
MARKER = re.compile(r"\[([^\[\]\n]{1,80})\]")
SPACED = str.maketrans(dict.fromkeys(string.punctuation, " "))
# As many texts as the metrics of some dozens of examples look at.
KEPT = 2_000
# A longer one is not kept: two thousand of megabytes would fill the memory.
LONGEST_KEPT = 10_000
# Of longer texts so much is read by what takes more than one pass over them.
MOST_CHARACTERS = 100_000
MOST_NORMALIZED = 250_000
# What a longer word holds is not kept.
LONGEST_WORD = 100
# Function words: they stand in every text, and say nothing about what it is about.
WORDS = (
    "a about above after again all also am an and any are as at be because been before being between both but by can "
    "could did do does doing down during each for from had has have having he her here hers him his how i if in into "
    "is it its just may me might more most must my no nor not now of off on once only or other our out over own "
    "shall she should so some such than that the their them then there these they this those through to too under "
    "until up us very was we were what when where which while who whom why will with would yes you your"
)
FUNCTION_WORDS = frozenset(WORDS.split())

Result = TypeVar("Result")


def kept(function: Callable[[str], Result]) -> Callable[[str], Result]:
    """The function with what it made of the last texts."""
    remembered = lru_cache(maxsize=KEPT)(function)

    @wraps(function)
    def found(text: str) -> Result:
        return remembered(text) if len(text) <= LONGEST_KEPT else function(text)

    return found


@kept
def normalized(text: str) -> str:
    """Lower case without punctuation, articles and extra blanks, as SQuAD's evaluation has it.

    Of longer texts the first 250,000 characters: one of them can become eighteen.
    """
    text = unicodedata.normalize("NFKC", text[:MOST_NORMALIZED]).lower().translate(SPACED)
    return " ".join(ARTICLES.sub(" ", text).split())


def reference(expected: Any) -> str | None:
    """The reference answer of an example: `expected` itself, or its `answer`."""
    if isinstance(expected, dict):
        expected = expected.get("answer")
    return str(expected) if isinstance(expected, str | int | float) else None


def listed(expected: Any, name: str) -> list[str] | None:
    """The texts that the reference lists under a name; None where there is no such list, or it is empty."""
    found = expected.get(name) if isinstance(expected, dict) else None
    if not isinstance(found, list) or not found or not all(isinstance(each, str | int) for each in found):
        return None
    return [str(each) for each in found]


@kept
def spaced(text: str) -> str:
    return f" {normalized(text)} "


def contains(text: str, phrase: str) -> bool:
    return spaced(phrase) in spaced(text)


@kept
def content_words(text: str) -> frozenset[str]:
    """The words of a text that say what it is about, plurals as singulars; [1] is no word, 30 is one.

    Of English plurals only the s is taken off, which is as much as can be done without a dictionary.
    """
    runs = without_markers(text[:MOST_CHARACTERS]).split()
    is_short = len(text) <= LONGEST_WORD or max(map(len, runs), default=0) <= LONGEST_WORD
    of_run = content_of_run if is_short else content_of_run.__wrapped__
    return frozenset(chain.from_iterable(map(of_run, runs)))


@lru_cache(maxsize=20_000)
def content_of_run(run: str) -> frozenset[str]:
    """The content words of what stands between two blanks: texts have the same ones again and again."""
    words = set(unicodedata.normalize("NFKC", run).lower().translate(SPACED).split()) - FUNCTION_WORDS
    return frozenset(
        [word[:-1] if word[-1] == "s" and len(word) > 3 and word[-2] not in "siu" else word for word in words]
    )


@kept
def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text that say something: it is cut after . ! ? before a blank, and at line breaks.

    A marker that follows the full stop belongs to the sentence before it.
    """
    text = text[:MOST_CHARACTERS]
    if "[" in text:
        text = MARKED_END.sub(lambda found: found[2] + found[1], text)
    parts = (part.strip() for part in SENTENCE_ENDS.split(text))
    return tuple(part for part in parts if part and content_words(part))


@kept
def markers(text: str) -> list[str]:
    """What stands in brackets, in its order: [1], [faq-12], and both of [1, 2]."""
    return [
        name.strip()
        for inside in MARKER.findall(text[:MOST_CHARACTERS])
        for name in BETWEEN_MARKERS.split(inside)
        if name.strip()
    ]


def without_markers(text: str) -> str:
    return MARKER.sub(" ", text) if "[" in text else text

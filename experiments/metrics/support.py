"""Pure: whether a text supports a sentence, as far as words can tell; and what metrics of that kind share."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import Answered, Direction, Kind, Metric, Parameter, Value
from experiments.metrics.text import content_words, kept, listed, reference, sentences, without_markers

SUPPORTED = 0.7
NUMBER = re.compile(r"\d[\d.,]*\d|\d")
MOST_SENTENCES = 200
MOST_PASSAGES = 100
# Of a longer passage the beginning is read.
LONGEST_PASSAGE = 10_000
NO_PASSAGES = Undefined("no passages are known for the example")
NO_SENTENCE = Undefined("the answer has no sentence that says anything")


def numbers(text: str) -> frozenset[str]:
    """The numbers of a text, 1,000.50 and 1000.5 alike."""
    found = (number.replace(",", "") for number in NUMBER.findall(without_markers(text)))
    return frozenset(number.rstrip("0").rstrip(".") if "." in number else number for number in found)


@dataclass(frozen=True)
class Held:
    """What a text holds, as far as support looks: its content words and its numbers."""

    words: frozenset[str]
    figures: frozenset[str]

    @classmethod
    def together(cls, several: Iterable["Held"]) -> "Held":
        listed = list(several)
        none: frozenset[str] = frozenset()
        return cls(
            none.union(*(each.words for each in listed)), none.union(*(each.figures for each in listed))
        )

    def supports(self, sentence: "Held", threshold: float) -> bool:
        """Whether it holds all numbers of a sentence, and so large a share of its content words."""
        held = len(sentence.words & self.words)
        return (
            bool(sentence.words)
            and held >= threshold * len(sentence.words)
            and sentence.figures <= self.figures
        )

    def overlap(self, other: "Held") -> float:
        """The share of the content words of the shorter text that stand in the other one."""
        fewest = min(len(self.words), len(other.words))
        return len(self.words & other.words) / fewest if fewest else 0.0


@kept
def held(text: str) -> Held:
    return Held(content_words(text), numbers(text))


def supported(sentence: str, text: str, threshold: float = SUPPORTED) -> bool:
    return held(text).supports(held(sentence), threshold)


def threshold_of(answered: Answered) -> float:
    return answered.parameters.get("threshold", SUPPORTED)


def passages(answered: Answered) -> list[Held] | None:
    """What each passage holds. None where they are not known; nothing where a system retrieved nothing."""
    if answered.contexts is None:
        return None
    if "passages" not in answered.memo:
        answered.memo["passages"] = [
            held(text[:LONGEST_PASSAGE]) for text in answered.contexts[:MOST_PASSAGES] if text
        ]
    return answered.memo["passages"]


def said(answered: Answered) -> Sequence[str]:
    return sentences(answered.said)[:MOST_SENTENCES]


def claims(expected: Any) -> Sequence[str]:
    """What an answer has to say: the reference's claims, else the sentences of its answer."""
    return listed(expected, "claims") or sentences(reference(expected) or "")[:MOST_SENTENCES]


def is_threshold(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1


THRESHOLD = {
    "threshold": Parameter(
        "a number above 0 and up to 1",
        f"the share of content words from which a text supports a sentence, {SUPPORTED} unless said",
        is_threshold,
    )
}
BY_WORDS = (
    "By words alone: a paraphrase is taken for unsupported, and a sentence that denies its passage in the same words "
    "for supported. Function words are English ones. What a model says of the same question is another metric."
)


def metric(
    name: str,
    definition: str,
    value: Callable[[Answered], Value],
    *,
    formula: str,
    source: str,
    undefined: Sequence[Undefined],
    missing: float | None = 0.0,
    kind: Kind = Kind.CONTINUOUS,
    direction: Direction = Direction.HIGHER,
    limits: str = BY_WORDS,
    takes: Mapping[str, Parameter] = THRESHOLD,
) -> Metric:
    return Metric(
        name,
        kind,
        direction,
        definition,
        value,
        missing=missing,
        formula=formula,
        source=source,
        undefined="; ".join(each.reason for each in undefined),
        limits=limits,
        takes=takes,
    )

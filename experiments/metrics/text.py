"""Pure: metrics that read the text of an answer."""

import re
import string
import unicodedata
from collections import Counter
from typing import Any

from experiments.metrics import patterns
from experiments.metrics.base import Answered, Direction, Kind, Metric

ARTICLES = re.compile(r"\b(a|an|the)\b")
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")


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


def share_of_facts(answered: Answered) -> float | None:
    """The share of the reference's facts that the answer states, each in one of its accepted spellings.

    `expected.facts` lists the facts, each a list of spellings. An empty list marks a question that cannot be
    answered from the sources: then saying so counts 1, and any answer 0.
    """
    facts = answered.expected.get("facts") if isinstance(answered.expected, dict) else None
    if not is_list_of_spellings(facts) or answered.text is None:
        return None
    if not facts:
        return float(abstains(answered))
    stated = sum(any(contains(answered.text, spelling) for spelling in fact) for fact in facts)
    return stated / len(facts)


def is_list_of_spellings(facts: Any) -> bool:
    """Whether `facts` is a list of lists of text: `["30 days"]` would be read letter by letter."""
    return isinstance(facts, list) and all(
        isinstance(fact, list) and all(isinstance(spelling, str) for spelling in fact) for fact in facts
    )


def facts_stated(answered: Answered) -> float | None:
    """1 where the answer states every fact of the reference, or abstains where there is none."""
    share = share_of_facts(answered)
    return None if share is None else float(share == 1)


def abstains(answered: Answered) -> bool:
    """Whether the answer holds the abstention phrase, a parameter of the metric."""
    phrase = answered.parameters.get("abstention", "could not find")
    return contains(answered.text or "", phrase)


def token_f1(answered: Answered) -> float | None:
    """Harmonic mean of token precision and recall against the reference answer (SQuAD's F1)."""
    wanted = reference(answered.expected)
    if wanted is None or answered.text is None:
        return None
    said = patterns.without(answered.parameters.get("strip", r"\[[^\]]*\]"), answered.text)
    if said is None:
        return None
    ours, theirs = Counter(normalized(said).split()), Counter(normalized(wanted).split())
    shared = sum((ours & theirs).values())
    if not shared:
        return float(not ours and not theirs)
    precision, recall = shared / ours.total(), shared / theirs.total()
    return 2 * precision * recall / (precision + recall)


def exact_match(answered: Answered) -> float | None:
    wanted = reference(answered.expected)
    if wanted is None or answered.text is None:
        return None
    return float(normalized(answered.text) == normalized(wanted))


def numeric_match(answered: Answered) -> float | None:
    """1 where the last number of the answer equals the last number of the reference."""
    wanted = reference(answered.expected)
    if wanted is None or answered.text is None or not (target := NUMBER.findall(wanted)):
        return None
    found = NUMBER.findall(answered.text)
    return float(bool(found) and abs(number(found[-1]) - number(target[-1])) < 1e-9)


def number(text: str) -> float:
    return float(text.replace(",", ""))


def format_compliance(answered: Answered) -> float | None:
    """1 where the whole answer matches `pattern`, a parameter of the metric."""
    pattern = answered.parameters.get("pattern")
    if not isinstance(pattern, str) or answered.text is None:
        return None
    matches = patterns.matches_whole(pattern, answered.text.strip())
    return None if matches is None else float(matches)


METRICS = [
    Metric(
        "accuracy",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers that state every required fact, or abstain where no answer exists.",
        facts_stated,
        missing=0.0,
    ),
    Metric(
        "factuality",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Mean share of the reference's facts that an answer states; where there is none, 1 for saying so.",
        share_of_facts,
        missing=0.0,
    ),
    Metric(
        "token_f1",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Closeness to the reference's wording: mean token F1, citations left out (Rajpurkar et al. 2016).",
        token_f1,
        missing=0.0,
    ),
    Metric(
        "exact_match",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers equal to the reference after normalisation (Rajpurkar et al. 2016).",
        exact_match,
        missing=0.0,
    ),
    Metric(
        "numeric_match",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers whose last number is the reference's last number.",
        numeric_match,
        missing=0.0,
    ),
    Metric(
        "format_compliance",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers that match the required pattern as a whole.",
        format_compliance,
        missing=0.0,
    ),
]

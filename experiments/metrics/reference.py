"""Pure: how close an answer comes to its reference."""

import re
from collections import Counter

from rapidfuzz.distance import LCSseq, Levenshtein

from experiments.metrics import patterns
from experiments.metrics.base import Answered, Direction, Kind, Metric, Parameter
from experiments.metrics.text import normalized, reference

NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
TOKEN = re.compile(r"[a-z0-9]+")
# Of longer texts these are compared: a distance takes the time of their product.
MOST_CHARACTERS = 20_000
NO_REFERENCE = "the example has no reference answer"
STRIP = {
    "strip": Parameter(
        "a regular expression", "what is left out of the answer, such as citations", patterns.compiles
    )
}


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


def verbatim_match(answered: Answered) -> float | None:
    wanted = reference(answered.expected)
    if wanted is None or answered.text is None:
        return None
    return float(answered.text == wanted)


def rouge_l(answered: Answered) -> float | None:
    """The F measure of the longest common subsequence of tokens (Lin 2004), of the texts as wholes, β = 1.

    Tokens are runs of letters a to z and digits in lower case, without stemming, as the usual implementation has
    them.
    """
    wanted = reference(answered.expected)
    if wanted is None or answered.text is None:
        return None
    ours, theirs = (TOKEN.findall(text[:MOST_CHARACTERS].lower()) for text in (answered.text, wanted))
    if not ours or not theirs:
        return 0.0
    common = LCSseq.similarity(ours, theirs)
    return 2 * common / (len(ours) + len(theirs))


def edit_similarity(answered: Answered) -> float | None:
    """1 less Levenshtein's distance in characters, as a share of the longer text."""
    wanted = reference(answered.expected)
    if wanted is None or answered.text is None:
        return None
    return float(Levenshtein.normalized_similarity(answered.text[:MOST_CHARACTERS], wanted[:MOST_CHARACTERS]))


METRICS = [
    Metric(
        "token_f1",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Closeness to the reference's wording: mean token F1, citations left out.",
        token_f1,
        missing=0.0,
        source="Rajpurkar et al. 2016",
        undefined=f"{NO_REFERENCE}, or the pattern takes too long",
        takes=STRIP,
    ),
    Metric(
        "rouge_l",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Words in common with the reference in the same order: mean F1 of the longest common subsequence.",
        rouge_l,
        missing=0.0,
        source="Lin 2004",
        undefined=NO_REFERENCE,
    ),
    Metric(
        "edit_similarity",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "1 less the edits that make the reference of the answer, as a share of the longer text's characters.",
        edit_similarity,
        missing=0.0,
        source="Levenshtein 1966",
        undefined=NO_REFERENCE,
    ),
    Metric(
        "exact_match",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers equal to the reference after normalisation.",
        exact_match,
        missing=0.0,
        source="Rajpurkar et al. 2016",
        undefined=NO_REFERENCE,
    ),
    Metric(
        "verbatim_match",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers equal to the reference, letter by letter.",
        verbatim_match,
        missing=0.0,
        undefined=NO_REFERENCE,
    ),
    Metric(
        "numeric_match",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers whose last number is the reference's last number.",
        numeric_match,
        missing=0.0,
        undefined="the reference has no number",
    ),
]

"""Pure: whether an answer's citations are right, and whether what it says is cited."""

from collections.abc import Callable, Sequence

from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import Answered, Value
from experiments.metrics.support import (
    NO_PASSAGES,
    NO_SENTENCE,
    Held,
    held,
    metric,
    passages,
    said,
    threshold_of,
)
from experiments.metrics.text import listed, markers

# Of one sentence so many are looked at: each is weighed against all others.
MOST_CITED = 20
NO_CITATIONS = Undefined("the answer cites nothing")
NO_GOLD_CITATIONS = Undefined("the reference lists no citations")
ALCE = "Gao et al. 2023 (ALCE), with words in the place of entailment"


def cited_passages(sentence: str, given: Sequence[Held]) -> list[Held]:
    """The passages that a sentence cites by their numbers; what names none is left out."""
    places = [int(name) for name in markers(sentence) if name.isdecimal() and len(name) < 6]
    named = [given[place - 1] for place in dict.fromkeys(places) if 1 <= place <= len(given)]
    return named[:MOST_CITED]


def citation_recall(answered: Answered) -> Value:
    """The share of sentences that the passages which they cite support together (ALCE's recall)."""
    if (given := passages(answered)) is None:
        return NO_PASSAGES
    if not (sentences_said := said(answered)):
        return NO_SENTENCE
    least = threshold_of(answered)
    found = sum(
        Held.together(cited).supports(held(sentence), least)
        for sentence in sentences_said
        if (cited := cited_passages(sentence, given))
    )
    return found / len(sentences_said)


def citation_precision(answered: Answered) -> Value:
    """The share of citations that are needed: their passage supports the sentence alone, or the others of the
    sentence do not support it without it (ALCE's precision). One that names no passage is not."""
    if (given := passages(answered)) is None:
        return NO_PASSAGES
    least, needed, all_of_them = threshold_of(answered), 0, 0
    for sentence in said(answered):
        all_of_them += len(set(markers(sentence)))
        cited, wanted = cited_passages(sentence, given), held(sentence)
        if not cited or not Held.together(cited).supports(wanted, least):
            continue
        for place, passage in enumerate(cited):
            others = Held.together([*cited[:place], *cited[place + 1 :]])
            needed += passage.supports(wanted, least) or not others.supports(wanted, least)
    return needed / all_of_them if all_of_them else NO_CITATIONS


def named_sources(answered: Answered) -> set[str]:
    """What the answer names as its sources: as the system reports them, else what stands in brackets."""
    found = answered.citations if answered.citations is not None else markers(answered.said)
    return {source.strip().casefold() for source in found}


def of_sources(share: Callable[[set[str], set[str]], Value]) -> Callable[[Answered], Value]:
    def value(answered: Answered) -> Value:
        wanted = listed(answered.expected, "citations")
        if wanted is None:
            return NO_GOLD_CITATIONS
        return share(named_sources(answered), {source.strip().casefold() for source in wanted})

    return value


METRICS = [
    metric(
        "citation_precision",
        "Mean share of an answer's citations that support their sentence and are needed for it.",
        citation_precision,
        formula="needed citations / citations, such as [1], in sentences of the answer",
        source=ALCE,
        undefined=[NO_PASSAGES, NO_CITATIONS],
        missing=None,
    ),
    metric(
        "citation_recall",
        "Mean share of an answer's sentences that the passages which they cite support.",
        citation_recall,
        formula="sentences that their cited passages support / sentences of the answer",
        source=ALCE,
        undefined=[NO_PASSAGES, NO_SENTENCE],
        missing=None,
    ),
    metric(
        "source_precision",
        "Mean share of the sources that an answer names which the reference lists.",
        of_sources(lambda named, wanted: len(named & wanted) / len(named) if named else NO_CITATIONS),
        formula="named sources of `expected.citations` / named sources",
        source="precision of sets",
        undefined=[NO_GOLD_CITATIONS, NO_CITATIONS],
        missing=None,
        limits="Sources are compared as texts without case; what stands in brackets is taken for a source.",
        takes={},
    ),
    metric(
        "source_recall",
        "Mean share of the sources that the reference lists which an answer names.",
        of_sources(lambda named, wanted: len(named & wanted) / len(wanted)),
        formula="named sources of `expected.citations` / sources of `expected.citations`",
        source="recall of sets",
        undefined=[NO_GOLD_CITATIONS],
        limits="Sources are compared as texts without case; what stands in brackets is taken for a source.",
        takes={},
    ),
]

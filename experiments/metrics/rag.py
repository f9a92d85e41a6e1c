"""Pure: answers from retrieved passages, judged by their words alone.

What a judge would call "supported" is here: so large a share of a sentence's content words stands in the text, and
every number of it. That is cheap, the same every time, and blind to paraphrase and to negation: "is refunded"
supports "is not refunded". It finds what was made up of other words; it does not prove that what is left is true.

Where things are looked for: the passages are those that the system says it retrieved, else the example's `context` or
its `input.contexts`, and are numbered from 1. `expected.claims` lists what an answer has to say, `expected.contexts`
the passages that hold it, `expected.citations` the sources that an answer should name.
"""

from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import Answered, Direction, Kind, Value
from experiments.metrics.support import (
    BY_WORDS,
    LONGEST_PASSAGE,
    MOST_PASSAGES,
    NO_PASSAGES,
    NO_SENTENCE,
    Held,
    claims,
    held,
    metric,
    passages,
    said,
    threshold_of,
)
from experiments.metrics.text import content_words, listed

NOTHING_RETRIEVED = Undefined("nothing was retrieved")
NO_GOLD_PASSAGES = Undefined("the reference lists no contexts")
NO_CLAIMS = Undefined("the reference has neither claims nor an answer")
NO_QUESTION = Undefined("the input has no question with words of content")


def claim_coverage(answered: Answered) -> Value:
    wanted = claims(answered.expected)
    if not wanted:
        return NO_CLAIMS
    least, answer = threshold_of(answered), held(answered.said)
    return sum(answer.supports(held(claim), least) for claim in wanted) / len(wanted)


def faithfulness(answered: Answered) -> Value:
    """The share of the answer's sentences that all passages together support."""
    if (given := passages(answered)) is None:
        return NO_PASSAGES
    if not (sentences_said := said(answered)):
        return NO_SENTENCE
    if "faithfulness" not in answered.memo:
        together, least = Held.together(given), threshold_of(answered)
        count = sum(together.supports(held(sentence), least) for sentence in sentences_said)
        answered.memo["faithfulness"] = count / len(sentences_said)
    return answered.memo["faithfulness"]


def hallucination(answered: Answered) -> Value:
    share = faithfulness(answered)
    return share if isinstance(share, Undefined) else float(share < 1)


def gold_passages(answered: Answered) -> list[Held]:
    """What each passage holds that the reference lists."""
    listed_there = listed(answered.expected, "contexts") or []
    return [held(text[:LONGEST_PASSAGE]) for text in listed_there[:MOST_PASSAGES]]


def context_precision(answered: Answered) -> Value:
    """Average precision: of each relevant passage the share of relevant ones down to it, the mean of these.

    A passage is relevant that holds one of those that were wanted, or is a part of one.
    """
    if not (gold := gold_passages(answered)):
        return NO_GOLD_PASSAGES
    if (given := passages(answered)) is None:
        return NO_PASSAGES
    if not given:
        return NOTHING_RETRIEVED
    least, found, total = threshold_of(answered), 0, 0.0
    for rank, passage in enumerate(given, start=1):
        if any(passage.overlap(wanted) >= least for wanted in gold):
            found += 1
            total += found / rank
    return total / found if found else 0.0


def context_recall(answered: Answered) -> Value:
    if not (gold := gold_passages(answered)):
        return NO_GOLD_PASSAGES
    if (given := passages(answered)) is None:
        return NO_PASSAGES
    least = threshold_of(answered)
    return sum(any(each.overlap(wanted) >= least for each in given) for wanted in gold) / len(gold)


def answer_relevance(answered: Answered) -> Value:
    """The share of the question's content words that the answer takes up."""
    question = answered.input.get("question") if isinstance(answered.input, dict) else answered.input
    words = content_words(question) if isinstance(question, str) else frozenset()
    if not words:
        return NO_QUESTION
    return len(words & content_words(answered.said)) / len(words)


RETRIEVED = (
    f"{BY_WORDS} Where the passages are the example's own, and no retrieval was made, it says nothing about a "
    "system."
)
RAGAS = "Es et al. 2024 (RAGAS), in a lexical form"
METRICS = [
    metric(
        "claim_coverage",
        "Mean share of the reference's claims that the answer states.",
        claim_coverage,
        formula="claims that the answer supports / claims of `expected.claims`, else sentences of the reference",
        source="recall of nuggets: Voorhees 2003",
        undefined=[NO_CLAIMS],
    ),
    metric(
        "faithfulness",
        "Mean share of an answer's sentences that its passages support.",
        faithfulness,
        formula="sentences that all passages together support / sentences of the answer",
        source=RAGAS,
        undefined=[NO_PASSAGES, NO_SENTENCE],
        missing=None,
    ),
    metric(
        "hallucination_rate",
        "Share of answers with a sentence that the passages do not support.",
        hallucination,
        formula="answers with faithfulness below 1 / answers",
        source=RAGAS,
        undefined=[NO_PASSAGES, NO_SENTENCE],
        missing=None,
        kind=Kind.BINARY,
        direction=Direction.LOWER,
    ),
    metric(
        "context_precision",
        "How far up the relevant passages stand among those that were retrieved: mean average precision.",
        context_precision,
        formula="mean over the relevant passages of (relevant ones down to their rank / rank)",
        source=RAGAS,
        undefined=[NO_GOLD_PASSAGES, NO_PASSAGES, NOTHING_RETRIEVED],
        missing=None,
        limits=RETRIEVED,
    ),
    metric(
        "context_recall",
        "Mean share of the passages that the reference lists which were retrieved.",
        context_recall,
        formula="passages of `expected.contexts` that a retrieved one overlaps with / passages of it",
        source=RAGAS,
        undefined=[NO_GOLD_PASSAGES, NO_PASSAGES],
        missing=None,
        limits=RETRIEVED,
    ),
    metric(
        "answer_relevance",
        "Mean share of a question's content words that the answer takes up.",
        answer_relevance,
        formula="content words of the question in the answer / content words of the question",
        source="a lexical stand-in for the relevance of Es et al. 2024 (RAGAS)",
        undefined=[NO_QUESTION],
        limits=(
            "Weak: a good answer need not repeat the question, and one that repeats it need not answer. For watching "
            "a change, not for deciding one."
        ),
        takes={},
    ),
]

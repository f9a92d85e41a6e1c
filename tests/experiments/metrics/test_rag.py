"""Answers from passages, worked out by hand."""

import time

import pytest

from experiments.metrics.support import numbers, supported
from experiments.metrics.text import content_words, markers, sentences
from tests.experiments.metrics.asking import reason, value

PASSAGES = [
    "Refunds reach your card within 5 days. Shipping costs are not refunded.",
    "Parcels above 30 euros ship free of charge.",
    "The shop was founded in 1998 by two sisters.",
]


def of(metric, said, expected=None, **given):
    return value(metric, said, expected, **{"contexts": PASSAGES, **given})


def test_sentences_words_and_numbers():
    assert (
        sentences("It is so. Is it? Yes it is!\n\n- 1,000 euros [2]")
        == ("It is so.", "- 1,000 euros [2]")[1:]
    )
    assert sentences("A cat sat.[1] [2] A dog ran. [3]") == ("A cat sat[1] [2].", "A dog ran [3].")
    assert content_words("The refunds take 5 days [faq-12]") == {"refund", "take", "5", "day"}
    assert content_words("This is a bus and its status.") == {"bus", "status"}
    # NFKC makes a blank of the acute accent that stands alone, and two letters of the ligature.
    assert content_words("coﬃn\u00b4s") == {"coffin", "\u0301s"}
    assert content_words(f"long {'s' * 200}ing") == {"long", f"{'s' * 200}ing"}
    assert numbers("1,000.50 or 1000.5, [7] and 3.") == {"1000.5", "3"}
    assert markers("x [1, 2] y [faq-12]; [ ]") == ["1", "2", "faq-12"]


def test_a_sentence_is_supported_by_its_words_and_all_of_its_numbers():
    assert supported("Refunds reach the card within 5 days", PASSAGES[0])
    assert not supported("Refunds reach the card within 6 days", PASSAGES[0])
    # 2 of 4 words of content.
    assert not supported("Refunds reach customers quickly", PASSAGES[0])
    assert supported("Refunds reach customers quickly", PASSAGES[0], 0.5)


def test_what_words_cannot_see_is_as_documented():
    assert supported("Shipping costs are refunded", PASSAGES[0])
    assert not supported("You get the money back in under a week", PASSAGES[0])


HALF = "Refunds reach your card within 5 days. Our robots love you dearly."


def test_faithfulness_is_the_share_of_sentences_and_a_hallucination_is_any_other():
    assert of("faithfulness", HALF) == 0.5
    assert of("hallucination_rate", HALF) == 1
    assert of("faithfulness", "Refunds reach your card within 5 days.") == 1
    assert of("hallucination_rate", "Refunds reach your card within 5 days.") == 0
    # From two passages together.
    assert of("faithfulness", "Refunds reach your card, and parcels above 30 euros ship free") == 1


@pytest.mark.parametrize(
    "metric", ["faithfulness", "hallucination_rate", "citation_precision", "citation_recall"]
)
def test_without_passages_or_sentences_there_is_no_faithfulness(metric):
    assert reason(metric, HALF, None) == "no passages are known for the example"
    assert reason(metric, None, None, contexts=PASSAGES) == "there was no answer"
    assert reason(metric, "…", None, contexts=PASSAGES)


def test_claims_are_those_of_the_reference_or_the_sentences_of_its_answer():
    wanted = {"claims": ["Refunds reach the card within 5 days", "Shipping is not refunded"]}
    assert of("claim_coverage", "Within 5 days refunds reach your card.", wanted) == 0.5
    answer = {"answer": "Refunds reach the card within 5 days. Shipping is not refunded."}
    assert of("claim_coverage", "Within 5 days refunds reach your card.", answer) == 0.5
    assert of("claim_coverage", None, wanted) == 0
    assert reason("claim_coverage", "x", {}) == "the reference has neither claims nor an answer"
    assert reason("claim_coverage", "x", {"claims": "not a list"}) != ""


CITED = (
    "Refunds reach your card within 5 days [1]. Parcels above 30 euros ship free [3]. Nothing is cited here."
)


def test_citations_by_hand():
    # Of three sentences only the first is supported by what it cites.
    assert of("citation_recall", CITED) == pytest.approx(1 / 3)
    # Of two citations one is needed.
    assert of("citation_precision", CITED) == 0.5
    # The second citation of a sentence that the first supports alone adds nothing; one that is no passage neither.
    assert of("citation_precision", "Refunds reach your card within 5 days [1][3][9].") == pytest.approx(
        1 / 3
    )
    # Two that support a sentence only together are both needed.
    both = "Refunds reach your card within 5 days, parcels above 30 euros ship free [1][2]."
    assert of("citation_precision", both) == 1
    assert of("citation_recall", both) == 1
    assert reason("citation_precision", "Nothing is cited.", contexts=PASSAGES) == "the answer cites nothing"
    assert of("citation_recall", "Refunds reach your card within 5 days.") == 0


def test_sources_are_those_that_the_system_reports_or_that_stand_in_brackets():
    wanted = {"citations": ["FAQ-12", "faq-14"]}
    assert of("source_precision", "So it is [faq-12] [faq-13].", wanted) == 0.5
    assert of("source_recall", "So it is [faq-12] [faq-13].", wanted) == 0.5
    assert of("source_recall", "So it is.", wanted, citations=["faq-12", "faq-14"]) == 1
    assert of("source_recall", "So it is.", wanted) == 0
    assert of("source_recall", None, wanted) == 0
    assert reason("source_precision", "So it is.", wanted) == "the answer cites nothing"
    assert reason("source_recall", "So it is.", {}) == "the reference lists no citations"


def test_context_precision_is_average_precision_and_recall_counts_what_was_found():
    gold = {"contexts": [PASSAGES[0], PASSAGES[2], "Gift cards never expire."]}
    # Relevant at ranks 1 and 3: (1/1 + 2/3) / 2; two of three are found.
    assert of("context_precision", "x", gold) == pytest.approx((1 + 2 / 3) / 2)
    assert of("context_recall", "x", gold) == pytest.approx(2 / 3)
    assert of("context_precision", "x", {"contexts": ["Gift cards never expire."]}) == 0
    assert reason("context_recall", "x", {}, contexts=PASSAGES) == "the reference lists no contexts"
    assert reason("context_recall", "x", gold) == "no passages are known for the example"


def test_a_system_that_retrieved_nothing_found_nothing_and_nothing_supports_it():
    gold = {"contexts": PASSAGES}
    assert of("context_recall", "x", gold, contexts=[]) == 0
    assert reason("context_precision", "x", gold, contexts=[]) == "nothing was retrieved"
    assert of("faithfulness", HALF, contexts=[]) == 0
    assert of("hallucination_rate", HALF, contexts=[]) == 1


def test_a_hundred_long_passages_that_every_sentence_cites_take_no_time():
    passage = " ".join(f"word{number}" for number in range(10_000))
    cited = "".join(f"[{number}]" for number in range(1, 101))
    said = " ".join(f"Word{number} is {number}{cited}." for number in range(300))
    start = time.process_time()
    for metric in (
        "faithfulness",
        "citation_recall",
        "citation_precision",
        "context_precision",
        "context_recall",
    ):
        value(metric, said, {"contexts": [passage] * 100}, contexts=[passage] * 100)
    assert time.process_time() - start < 20


def test_a_part_of_a_passage_is_the_passage():
    gold = {"contexts": [" ".join(PASSAGES)]}
    assert of("context_recall", "x", gold, contexts=[PASSAGES[1]]) == 1


def test_relevance_is_what_an_answer_takes_up_of_the_question():
    asked = {"input": {"question": "How long do refunds take?"}}
    assert of("answer_relevance", "Refunds take five days.", **asked) == pytest.approx(2 / 3)
    assert of("answer_relevance", "No.", **asked) == 0
    assert of("answer_relevance", "Refunds take long.", input="How long do refunds take?") == 1
    assert (
        reason("answer_relevance", "x", input="What is it?")
        == "the input has no question with words of content"
    )

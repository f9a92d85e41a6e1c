"""Facts and closeness to a reference, against published cases and worked ones."""

import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.metrics.reference import BLEU_OF_SENTENCES, CHRF_OF_SENTENCES
from tests.experiments.metrics.asking import reason, value


@pytest.mark.parametrize(
    ("said", "wanted", "f1"),
    [
        # Normalisation as in SQuAD's evaluate-v1.1: case, punctuation, articles, blanks.
        ("The Denver Broncos!", "denver broncos", 1.0),
        ("Denver Broncos", "The Denver   Broncos.", 1.0),
        # Two of three tokens said are wanted, two of four wanted are said: 2·(2/3)(2/4)/(2/3+2/4).
        ("quick brown dog", "quick brown fox jumps", 4 / 7),
        # A word said twice counts twice against precision, once towards recall.
        ("red red", "red", 2 / 3),
        ("blue", "red", 0.0),
        ("", "red", 0.0),
        ("the", "a", 1.0),
        # Citations are left out.
        ("Refunds take five days [faq-12]", "Refunds take five days", 1.0),
    ],
)
def test_token_f1(said, wanted, f1):
    assert value("token_f1", said, wanted) == pytest.approx(f1)
    assert value("token_f1", said, {"answer": wanted}) == pytest.approx(f1)


@pytest.mark.parametrize(
    ("said", "wanted", "equal"),
    [
        ("The Cat.", "cat", 1.0),
        ("cats", "cat", 0.0),
        ("3", 3, 1.0),
        ("ﬁne", "fine", 1.0),
    ],
)
def test_exact_match(said, wanted, equal):
    assert value("exact_match", said, wanted) == equal


@pytest.mark.parametrize(
    ("said", "wanted", "equal"),
    [
        ("18", "18", 1.0),
        ("It is 1,234.50 dollars", 1234.5, 1.0),
        ("First 5, then 18.", "A: 18", 1.0),
        ("18, not 5", "18", 0.0),
        ("-3", "3", 0.0),
        ("18.0", "18", 1.0),
        ("eighteen", "18", 0.0),
        ("2 * 9 = 18\nA: 18", "16 - 3 - 4 = 9\nA: 18", 1.0),
    ],
)
def test_numeric_match_compares_the_last_numbers(said, wanted, equal):
    assert value("numeric_match", said, wanted) == equal


def test_numeric_match_is_undefined_without_a_number_to_match():
    assert value("numeric_match", "18", "eighteen") is None


FACTS = {"answer": "…", "facts": [["14 days", "two weeks"], ["free of charge", "free"]]}


@pytest.mark.parametrize(
    ("said", "share", "all_of_them"),
    [
        ("Within two weeks, free of charge.", 1.0, 1.0),
        ("Within 14 days.", 0.5, 0.0),
        ("Within 114 days; freedom!", 0.0, 0.0),
    ],
)
def test_facts_are_found_in_any_spelling_and_as_whole_words(said, share, all_of_them):
    assert value("factuality", said, FACTS) == share
    assert value("accuracy", said, FACTS) == all_of_them


def test_where_nothing_is_known_saying_so_is_right():
    nothing = {"answer": "no answer", "facts": []}
    assert value("accuracy", "I could not find that.", nothing) == 1
    assert value("accuracy", "It is 5.", nothing) == 0
    assert value("accuracy", "No idea.", nothing, parameters={"abstention": "no idea"}) == 1


@pytest.mark.parametrize(
    ("said", "wanted", "score"),
    [
        # Lin 2004, section 3.1: "police kill the gunman" and "the gunman kill police" against "police killed the
        # gunman", with the subsequences "police the gunman" and "the gunman": 3 and 2 of 4 words each.
        ("police kill the gunman", "police killed the gunman", 3 / 4),
        ("the gunman kill police", "police killed the gunman", 2 / 4),
        # Precision 3/3, recall 3/6.
        ("the cat sat", "The cat sat on the mat.", 2 / 3),
        ("", "red", 0.0),
        ("!", "red", 0.0),
    ],
)
def test_rouge_l(said, wanted, score):
    assert value("rouge_l", said, wanted) == pytest.approx(score)


@pytest.mark.parametrize(
    ("said", "wanted", "score"),
    [
        # The usual example: three edits between words of 6 and 7 letters.
        ("kitten", "sitting", 1 - 3 / 7),
        ("same", "same", 1.0),
        ("", "red", 0.0),
    ],
)
def test_edit_similarity(said, wanted, score):
    assert value("edit_similarity", said, wanted) == pytest.approx(score)


def test_a_pattern_that_backtracks_for_ever_is_given_up_and_undefined():
    hopeless = "a" * 60 + "!"
    assert value("format_compliance", hopeless, None, parameters={"pattern": "(a|aa)+b"}) is None
    assert value("token_f1", hopeless, "a", parameters={"strip": "(a|aa)+b"}) is None


def test_very_long_texts_take_no_time():
    long = "word " * 200_000
    for metric in ("rouge_l", "edit_similarity"):
        assert value(metric, long, long) == 1.0


def test_letter_by_letter_and_after_normalisation():
    assert value("exact_match", "Paris.", "paris") == 1.0
    assert value("verbatim_match", "Paris.", "paris") == 0.0
    assert value("verbatim_match", "paris", "paris") == 1.0


@pytest.mark.parametrize("listed", ["18", [18], ["18"], [["18"], [18]], [None], {"18": 1}])
def test_facts_in_another_shape_are_undefined_and_never_read_letter_by_letter(listed):
    assert value("accuracy", "1 8", {"facts": listed}) is None
    assert value("factuality", "1 8", {"facts": listed}) is None


PIECES = ["a", "b", "cat", "Cat,", "the", "the.", "ü", "日本", "x-y", "1,000.5", "aaaaa", "😀", "5"]
MARKS = [".", ",", "..", "-", "{", "'", "&", "&quot;", "<skipped>"]
GAPS = [" ", " ", " ", " ", "\n", "-\n", "\u00a0", "\u2028", "\t "]
TEXT = st.lists(st.sampled_from(PIECES + MARKS + GAPS), max_size=20).map("".join)


@settings(deadline=None, max_examples=400)
@given(TEXT, TEXT)
def test_bleu_and_chrf_are_those_of_sacrebleu(said, wanted):
    for metric, theirs in (("bleu", BLEU_OF_SENTENCES), ("chrf", CHRF_OF_SENTENCES)):
        score = theirs.sentence_score(said, [wanted]).score / 100
        assert value(metric, said, wanted) == min(score, 1.0)


def test_chrf_of_a_text_with_more_letters_than_fit_into_a_number():
    said = "".join(map(chr, range(0x4E00, 0x4E00 + 600)))
    wanted = said[200:] + said[:100]
    score = CHRF_OF_SENTENCES.sentence_score(said, [wanted]).score / 100
    assert 0.8 < value("chrf", said, wanted) == score


def test_bleu_by_hand():
    # 5 of 6 words, 3 of 5 pairs, 1 of 4 triples, none of 3 fours, which smoothing counts as half of one.
    score = math.exp(sum(map(math.log, (5 / 6, 3 / 5, 1 / 4, 1 / 6))) / 4)
    assert value("bleu", "the cat is on the mat", "the cat sat on the mat") == pytest.approx(score)
    assert reason("bleu", "the cat", None) == "the example has no reference answer"


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("system", "right"),
    [("6b_finetuning", 286), ("6b_verification", 515), ("175b_finetuning", 458), ("175b_verification", 742)],
)
def test_gsm8k_solutions_are_right_as_often_as_their_authors_say(system, right):
    file = Path(os.environ["EVALTRACK_DATA"]) / "gsm8k" / "example_model_solutions.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    ours = [value("numeric_match", row[system]["solution"], row["ground_truth"]) for row in rows]
    assert len(ours) == 1319
    assert sum(row[system]["is_correct"] for row in rows) == right
    disagree = sum(mine != row[system]["is_correct"] for mine, row in zip(ours, rows, strict=True))
    assert (sum(ours), disagree) == (right, 0)

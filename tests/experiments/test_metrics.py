"""Metrics, against published cases and worked ones."""

import json
import os
from pathlib import Path

import pytest

from experiments.metrics import REGISTRY, facts, reference
from experiments.metrics.base import Answered


def value(metric: str, text: str | None, expected, **given) -> float | None:
    return REGISTRY[metric].of(Answered(input="", expected=expected, text=text, **given))


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


def test_format_compliance_is_about_the_whole_answer():
    asked = {"parameters": {"pattern": r"\{.*\}"}}
    assert value("format_compliance", ' {"a":\n1} ', None, **asked) == 1
    assert value("format_compliance", 'Sure: {"a": 1}', None, **asked) == 0
    assert value("format_compliance", "anything", None) is None


OF_REFERENCES = [metric.name for metric in [*facts.METRICS, *reference.METRICS]]
OF_FORM = ["format_compliance", "json_valid", "length_within", "has_sections"]


@pytest.mark.parametrize("metric", sorted(REGISTRY))
def test_no_answer_counts_as_wrong_where_a_text_is_judged_and_is_left_out_where_speed_is(metric):
    of_text = metric in {*OF_REFERENCES, *OF_FORM}
    expected = {"answer": "18", "facts": [["18", "eighteen"]]}
    asked = {"parameters": {"pattern": ".*", "sections": ["Answer"]}}
    assert value(metric, None, expected, **asked) == (0.0 if of_text else None)


@pytest.mark.parametrize("metric", [*OF_REFERENCES, "format_compliance", "has_sections"])
def test_where_a_metric_does_not_apply_no_answer_counts_nothing_either(metric):
    assert value(metric, None, None) is None
    assert value(metric, "18", None) is None


@pytest.mark.parametrize("metric", REGISTRY.values(), ids=lambda metric: metric.name)
def test_every_metric_says_what_it_is_and_stays_within_its_values(metric):
    assert metric.definition.endswith(".")
    assert len(metric.definition) < 200
    for said in ("", "18", "a b c", '{"a": 1}', "# Answer\n18", "x" * 5000):
        found = metric.of(
            Answered("", {"answer": "18 or so", "facts": [["18"]]}, said, 5, 6, 7, {"sections": ["Answer"]})
        )
        assert found is None or (found >= 0 and (metric.highest is None or found <= metric.highest))


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


def test_very_long_texts_take_no_time():
    long = "word " * 200_000
    for metric in ("rouge_l", "edit_similarity"):
        assert value(metric, long, long) == 1.0


def test_letter_by_letter_and_after_normalisation():
    assert value("exact_match", "Paris.", "paris") == 1.0
    assert value("verbatim_match", "Paris.", "paris") == 0.0
    assert value("verbatim_match", "paris", "paris") == 1.0


@pytest.mark.parametrize(
    ("said", "valid"),
    [
        ('{"a": [1, 2.5, null]}', 1.0),
        ('```json\n{"a": 1}\n```', 1.0),
        ("```\n[]\n```\n", 1.0),
        ('Here it is: {"a": 1}', 0.0),
        ("{'a': 1}", 0.0),
        ("NaN", 0.0),
        ("", 0.0),
        ("```", 0.0),
        ("[" * 100_000, 0.0),
        ("9" * 10_000, 0.0),
    ],
)
def test_json_valid(said, valid):
    assert value("json_valid", said, None) == valid


@pytest.mark.parametrize(
    ("said", "limits", "within"),
    [
        ("one two three", {"most": 3}, 1.0),
        ("one two three", {"most": 2}, 0.0),
        ("one", {"fewest": 2}, 0.0),
        ("one two", {"fewest": 2, "most": 2}, 1.0),
        ("anything at all", {}, 1.0),
        ("one", {"most": "many"}, None),
        ("one", {"most": True}, None),
    ],
)
def test_length_within(said, limits, within):
    assert value("length_within", said, None, parameters=limits) == within


def test_has_sections_counts_headings_and_no_mere_mentions():
    said = "# Summary\nfine\n**Risks:**\nnone\nThe next steps are clear."
    asked = {"sections": ["Summary", "risks", "Next steps"]}
    assert value("has_sections", said, None, parameters=asked) == pytest.approx(2 / 3)
    assert value("has_sections", said, None, parameters={"sections": []}) is None
    assert value("has_sections", said, None, parameters={"sections": "Summary"}) is None


@pytest.mark.parametrize("listed", ["18", [18], ["18"], [["18"], [18]], [None], {"18": 1}])
def test_facts_in_another_shape_are_undefined_and_never_read_letter_by_letter(listed):
    assert value("accuracy", "1 8", {"facts": listed}) is None
    assert value("factuality", "1 8", {"facts": listed}) is None


def test_a_pattern_that_backtracks_for_ever_is_given_up_and_undefined():
    hopeless = "a" * 60 + "!"
    assert value("format_compliance", hopeless, None, parameters={"pattern": "(a|aa)+b"}) is None
    assert value("token_f1", hopeless, "a", parameters={"strip": "(a|aa)+b"}) is None


def test_operational_metrics_are_what_was_measured():
    measured = {"latency_ms": 120, "input_tokens": 8, "output_tokens": 3}
    assert value("latency_p95", "x", None, **measured) == 120
    assert value("input_tokens", "x", None, **measured) == 8
    assert value("output_tokens", "x", None, **measured) == 3
    assert value("output_tokens", "x", None) is None


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

"""What holds for every metric: it says what it is, stays within its values, and outlives whatever an answer holds."""

import pickle
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from experiments.metrics import FAMILIES, REGISTRY, facts, reference
from experiments.metrics.base import Answered, Kind
from tests.experiments.metrics.asking import value

OF_REFERENCES = [metric.name for metric in [*facts.METRICS, *reference.METRICS]]
# What an example without an answer counts as wrong in.
OF_TEXT = {
    *OF_REFERENCES, "format_compliance", "json_valid", "length_within", "has_sections", "schema_compliance",
    "schema_fields", "in_language", "label_accuracy", "claim_coverage", "answer_relevance", "refusal_match",
    "source_recall", *(name for name, metric in REGISTRY.items() if metric.scorer),
}  # fmt: skip
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
PARAMETERS = {
    "pattern": ".*",
    "sections": ["Answer"],
    "labels": ["18", "19"],
    "schema": SCHEMA,
    "groups": ["a", "b"],
}
EXPECTED = {
    "answer": "18",
    "facts": [["18", "eighteen"]],
    "contexts": ["It is 18."],
    "citations": ["1"],
    "language": "en",
    "refuse": False,
}
METRICS = pytest.mark.parametrize("metric", REGISTRY.values(), ids=lambda metric: metric.name)


def answered(text: str | None, **given) -> Answered:
    return Answered(
        input="How much is it?",
        expected=EXPECTED,
        text=text,
        latency_ms=5,
        input_tokens=6,
        output_tokens=7,
        parameters=PARAMETERS,
        contexts=["It is 18.", "It is 19."],
        metadata={"pair": "p", "group": "a"},
        **given,
    )


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - {"error_rate"}))
def test_no_answer_counts_as_wrong_where_a_text_is_judged_and_is_left_out_where_speed_is(name):
    metric = REGISTRY[name]
    found = metric.of(answered(None))
    if metric.figure:
        assert found == 0 * 101 + 100  # the label 18, and none of the labels
    elif name in OF_TEXT:
        assert found == 0.0
    else:
        assert isinstance(found, Undefined)


@pytest.mark.parametrize("metric", [*OF_REFERENCES, "format_compliance", "has_sections"])
def test_where_a_metric_does_not_apply_no_answer_counts_nothing_either(metric):
    assert value(metric, None, None) is None
    assert value(metric, "18", None) is None


@METRICS
def test_every_metric_says_what_it_is(metric):
    assert metric.definition.endswith(".")
    assert len(metric.definition) < 200
    assert set(metric.needs) <= set(metric.takes)
    assert (metric.kind == Kind.LABELS) == (metric.figure is not None)
    assert metric.value or metric.together
    # Undefined needs words in the documents.
    if isinstance(metric.of(Answered("", None, "")), Undefined) and not metric.of_run:
        assert metric.undefined
    assert sum(metric in family for family in FAMILIES.values()) == 1


def within(metric, found) -> bool:
    """Parts of a ratio or a difference may lie anywhere; pairs of labels are numbers of two labels."""
    if isinstance(found, Undefined) or metric.name in {"tokens_per_quality", "group_gap"}:
        return True
    if metric.figure:
        return found == int(found) and 0 <= found // 101 < 2 and found % 101 in {0, 1, 100}
    if metric.kind == Kind.BINARY:
        return found in {0.0, 1.0}
    return found >= 0 and (metric.highest is None or found <= metric.highest)


PIECES = st.sampled_from(
    [
        "18", "the", "It is 18.", "[1]", "[9]", "\x00", "\u202e", "😀", "👩‍👩‍👧", "\ud83d", "{", '"a"', ":", "}",
        "```\n", "\n", "# Answer", "a@b.example", "+49 30 901820", "4111 1111 1111 1111", "::", "1.2.3.4", "I can't ",
        "help 日本語", "ß", "ﷺ", "-", "1,000.50", "9" * 30, " ",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=80)


@settings(deadline=None, max_examples=60)
@given(st.lists(TEXTS | st.none(), min_size=1, max_size=4))
def test_whatever_is_answered_values_stay_within_their_range(texts):
    several = [answered(text) for text in texts]
    for metric in REGISTRY.values():
        found = metric.of_all(several)
        assert len(found) == len(several)
        assert all(within(metric, each) for each in found), metric.name


def test_the_same_answer_has_the_same_value_whatever_is_read_with_it():
    alone = answered("You are a stupid idiot. It is 18 [1].")
    others = [answered("It is 19."), answered(None), answered("x" * 300)]
    for metric in REGISTRY.values():
        if not metric.of_run:
            assert metric.of_all([*others, alone])[-1] == metric.of(alone), metric.name


@settings(deadline=None, max_examples=60)
@given(st.lists(TEXTS | st.none(), max_size=8), st.integers(0, 8))
def test_a_run_that_is_read_in_two_parts_has_the_values_of_one_read_at_once(texts, cut):
    several = [
        replace(answered(text), metadata={"pair": str(place // 2), "group": "ab"[place % 2]})
        for place, text in enumerate(texts)
    ]
    for metric in REGISTRY.values():
        in_parts = metric.concluded(metric.read(several[:cut]) + metric.read(several[cut:]))
        at_once = metric.of_all(several)
        for part, whole in zip(in_parts, at_once, strict=True):
            # The toxicity of many is reckoned in another order: the last bit may differ.
            assert part == (whole if isinstance(whole, Undefined) else pytest.approx(whole)), metric.name


def test_what_counts_of_an_answer_in_a_run_does_not_hold_its_text():
    long = answered("It is 18. " * 1_000)
    for metric in REGISTRY.values():
        if metric.of_run is not None:
            assert len(pickle.dumps(metric.read([long]))) < 500, metric.name


# As often as makes two megabytes.
HOSTILE = {
    "a long word": "x",
    "many words": "word ",
    "nothing but brackets": "[",
    "JSON that goes deep": '{"a":',
    "digits": "4",
    "numbers in groups": "4111 ",
    "addresses": "a@",
    "colons": ":",
    "dots": "1.",
    "markers": "[1] ",
    "lines": "\n",
    "plus signs": "+1 ",
    "NUL": "\x00",
    "from right to left": "\u202eשלום ",
    "emoji": "😀",
    "ligatures that grow": "ﷺ",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE)
def test_megabytes_of_anything_take_no_metric_long(piece):
    several = [answered(piece * (2_000_000 // len(piece.encode())))]
    for metric in REGISTRY.values():
        start = time.process_time()
        found = metric.of_all(several)
        assert within(metric, found[0]), metric.name
        assert time.process_time() - start < 4, metric.name

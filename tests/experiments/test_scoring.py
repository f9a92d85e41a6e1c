"""What metrics may look at: from outputs and examples to values."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from datasets.examples import Example
from experiments import bounds, repeats, scoring
from experiments.metrics import REGISTRY
from experiments.metrics.base import NO_ANSWER, NO_REFERENCE, Kind, LeftOut
from experiments.models import Arm, Outcome, Output
from experiments.suite import MISSING, MetricRule, Suite

RULES = Suite((MetricRule("numeric_match"),))


def output(**reported) -> scoring.Said:
    return scoring.Said(1, 0, text="It is 18 [1].", latency_ms=5, **reported)


@pytest.mark.parametrize(
    ("example_has", "reported", "contexts"),
    [
        ({}, {}, None),
        ({"context": "one"}, {}, ["one"]),
        ({"context": ["one", {"text": "two", "id": 2}, 3]}, {}, ["one", "two"]),
        ({"input": {"question": "?", "contexts": ["three"]}}, {}, ["three"]),
        ({"context": "one", "input": {"contexts": ["three"]}}, {}, ["one"]),
        ({"context": "one"}, {"contexts": ["of the system"]}, ["of the system"]),
        ({"context": "one"}, {"contexts": []}, []),
    ],
)
def test_passages_are_those_of_the_system_and_else_those_of_the_example(example_has, reported, contexts):
    example = Example(**{"id": "q", "input": "?", **example_has})
    assert scoring.answered(output(**reported), example, RULES).contexts == contexts


def test_an_answer_without_one_has_no_text_and_keeps_the_rest():
    row = output()
    row.outcome = Outcome.TARGET_ERROR
    read = scoring.answered(row, Example(id="q", input="?", metadata={"pair": "a"}), RULES)
    assert read.text is None
    assert read.metadata == {"pair": "a"}


def test_each_metric_is_read_with_its_own_parameters():
    examples = [Example(id="q", input="?", expected="18")]
    rules = [
        MetricRule("length_within", parameters={"most": 3}),
        MetricRule("label_accuracy", parameters={"labels": ["18", "19"], "extract": "[0-9]+"}),
        MetricRule("tokens_per_quality", parameters={"quality": "numeric_match"}),
        MetricRule("label_accuracy", parameters={"labels": ["18", "19"]}),
        MetricRule("numeric_match"),
        MetricRule("error_rate"),
    ]
    alone = [next(scoring.valued(Suite((rule,)), [output()] * 2, examples)) for rule in rules]
    most = tuple(rule for place, rule in enumerate(rules) if place != 3)
    together = list(scoring.valued(Suite(most), [output()] * 2, examples))
    assert together == [each for place, each in enumerate(alone) if place != 3]
    assert [values[0] for _, values in alone][1] == 1.0
    assert [values[0] for _, values in alone][3] == 0.0


# What ended without an answer of the usual kind


def ended(outcome, text="") -> Output:
    return scoring.Said(1, 0, outcome=outcome, text=text)


def values(outputs, **rules):
    suite = Suite((MetricRule("exact_match"), MetricRule("error_rate")), **rules)
    return dict(scoring.valued(suite, outputs, [Example(id="q", input="?", expected="18")]))


def test_by_default_what_the_system_does_counts_and_what_failed_between_is_left_out():
    outputs = [
        ended(Outcome.ANSWERED, "18"),
        ended(Outcome.REFUSED, "18"),
        ended(Outcome.REFUSED, "I cannot help with that."),
        ended(Outcome.FORMAT_INVALID, "18"),
        ended(Outcome.TARGET_ERROR),
        ended(Outcome.INFRASTRUCTURE_ERROR),
        ended(Outcome.SKIPPED_BY_BUDGET),
    ]
    found = values(outputs)
    assert found["exact_match"][:5] == [1.0, 1.0, 0.0, 0.0, 0.0]
    assert found["exact_match"][5:] == [
        LeftOut("left out: infrastructure error"),
        LeftOut("left out: skipped by budget"),
    ]
    # What the share of errors is about is never left out of it.
    assert found["error_rate"] == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(("count", "value"), [("scored", 1.0), ("wrong", 0.0), ("exclude", None)])
def test_the_policy_says_what_a_refusal_counts(count, value):
    [found] = values([ended(Outcome.REFUSED, "18")], missing={**MISSING, "refused": count})["exact_match"]
    assert found == (LeftOut("left out: refused") if value is None else value)


# Repeats


def test_an_example_that_was_asked_repeatedly_has_the_mean_of_its_repeats():
    said = ["18", "18", "19", "18", "17", "17"]
    outputs = [ended(Outcome.ANSWERED, text) for text in said]
    assert values(outputs, repeats=3)["exact_match"] == pytest.approx([2 / 3, 1 / 3])


def test_repeats_that_were_left_out_are_left_out_of_the_mean():
    outputs = [
        ended(Outcome.ANSWERED, "18"),
        ended(Outcome.INFRASTRUCTURE_ERROR),
        ended(Outcome.INFRASTRUCTURE_ERROR),
        ended(Outcome.INFRASTRUCTURE_ERROR),
    ]
    assert values(outputs, repeats=2)["exact_match"] == [1.0, LeftOut("left out: infrastructure error")]


def test_of_labels_the_commonest_is_taken_and_the_first_of_equals():
    metric = next(metric for metric in REGISTRY.values() if metric.figure)
    assert repeats.folded([1.0, 2.0, 2.0, 3.0, 1.0, 2.0], 3, metric) == [2.0, 3.0]
    assert repeats.folded([NO_ANSWER, NO_ANSWER, 4.0, NO_ANSWER], 2, metric) == [NO_ANSWER, 4.0]


def test_the_mean_of_zeros_and_ones_is_compared_as_a_mean():
    assert scoring.as_repeated(REGISTRY["exact_match"], 2).kind == Kind.CONTINUOUS
    assert scoring.as_repeated(REGISTRY["exact_match"], 1).kind == Kind.BINARY


# Bounds


def between(old, new, metric="exact_match"):
    return bounds.bounds(REGISTRY[metric], {Arm.BASELINE: old, Arm.CANDIDATE: new})


OUT = LeftOut("left out: infrastructure error")


def test_what_was_left_out_bounds_the_difference():
    found = between([1.0, 0.0, 1.0, OUT], [1.0, OUT, 1.0, 1.0])
    # The candidate has 3 of 4 or 4 of 4, the baseline 2 of 4 or 3 of 4.
    assert found == {"low": 0.0, "high": 0.5, "left_out": 2, "examples": 4}


def test_an_example_to_which_the_metric_does_not_apply_bounds_nothing():
    found = between([1.0, NO_REFERENCE, OUT], [1.0, NO_REFERENCE, 1.0])
    assert found == {"low": 0.0, "high": 0.5, "left_out": 1, "examples": 2}


def test_nothing_left_out_or_nothing_that_bounds_it_has_no_bounds():
    assert between([1.0], [0.0]) is None
    assert between([OUT], [20.0], metric="output_tokens") is None
    assert between([OUT], [20.0], metric="latency_p95") is None


@given(some.lists(some.tuples(*[some.sampled_from([0.0, 1.0, OUT])] * 2), min_size=1))
def test_however_what_was_left_out_had_gone_the_difference_lies_within_the_bounds(pairs):
    old, new = ([pair[arm] for pair in pairs] for arm in (0, 1))
    found = between(old, new)
    rng = random.Random(len(pairs))
    for _ in range(5):
        ours, theirs = (
            [rng.choice([0.0, 1.0]) if value is OUT else value for value in arm] for arm in (new, old)
        )
        difference = (sum(ours) - sum(theirs)) / len(pairs)
        assert found is None or found["low"] - 1e-12 <= difference <= found["high"] + 1e-12

"""What metrics may look at: from outputs and examples to values."""

import pytest

from datasets.examples import Example
from experiments import scoring
from experiments.models import Outcome, Output
from experiments.suite import MetricRule


def output(**reported) -> Output:
    """`reported` are columns that an output may come to have."""
    row = Output(example_id="q", outcome=Outcome.ANSWERED, text="It is 18 [1].", latency_ms=5)
    for name, value in reported.items():
        setattr(row, name, value)
    return row


@pytest.mark.parametrize(
    ("given", "reported", "contexts"),
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
def test_passages_are_those_of_the_system_and_else_those_of_the_example(given, reported, contexts):
    example = Example(**{"id": "q", "input": "?", **given})
    assert scoring.answered(output(**reported), example).contexts == contexts


def test_an_answer_without_one_has_no_text_and_keeps_the_rest():
    row = output()
    row.outcome = Outcome.TARGET_ERROR
    read = scoring.answered(row, Example(id="q", input="?", metadata={"pair": "a"}))
    assert read.text is None
    assert read.metadata == {"pair": "a"}


def test_each_metric_is_read_with_its_own_parameters():
    examples = {"q": Example(id="q", input="?", expected="18")}
    rules = [
        MetricRule("length_within", parameters={"most": 3}),
        MetricRule("label_accuracy", parameters={"labels": ["18", "19"], "extract": "[0-9]+"}),
        MetricRule("tokens_per_quality", parameters={"quality": "numeric_match"}),
        MetricRule("label_accuracy", parameters={"labels": ["18", "19"]}),
        MetricRule("numeric_match"),
        MetricRule("error_rate"),
    ]
    alone = [next(scoring.valued([rule], [output()] * 2, examples)) for rule in rules]
    together = list(
        scoring.valued([rule for place, rule in enumerate(rules) if place != 3], [output()] * 2, examples)
    )
    assert together == [each for place, each in enumerate(alone) if place != 3]
    assert [values[0] for _, values in alone][1] == 1.0
    assert [values[0] for _, values in alone][3] == 0.0

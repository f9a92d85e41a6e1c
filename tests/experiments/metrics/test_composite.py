"""One score of several metrics."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from datasets.examples import Example
from evaltrack.errors import Invalid
from experiments import scoring, suite
from experiments.metrics import REGISTRY, composite
from experiments.metrics.base import LeftOut, Undefined

PARTS = {"exact_match": 3.0, "hallucination_rate": 1.0}
COMPOSITE = {"metric": "composite", "role": "gating", "margin": 0.05, "parameters": {"weights": PARTS}}


def parsed(*others, **parameters):
    rule = {**COMPOSITE, "parameters": {"weights": PARTS, **parameters}}
    return suite.parse({"metrics": [rule, *({"metric": name, "role": "secondary"} for name in others)]})


def of(**values):
    metrics = {name: REGISTRY[name] for name in values}
    weights = {name: PARTS.get(name, 1.0) for name in values}
    return composite.composed(weights, {name: [value] for name, value in values.items()}, metrics)[0]


def test_the_parts_weigh_as_stated_and_less_is_turned_round():
    assert of(exact_match=1.0, hallucination_rate=0.5) == pytest.approx(0.75 * 1 + 0.25 * 0.5)


@given(some.floats(0, 1), some.floats(0, 1))
def test_it_lies_between_worst_and_best_and_better_parts_never_make_it_worse(one, other):
    value = of(exact_match=one, hallucination_rate=other)
    assert 0 <= value <= 1 + 1e-12
    assert of(exact_match=1.0, hallucination_rate=other) >= value - 1e-12
    assert of(exact_match=one, hallucination_rate=0.0) >= value - 1e-12


def test_without_a_part_there_is_no_score_and_the_part_is_named():
    missing = of(exact_match=Undefined("the example has no reference answer"), hallucination_rate=0.5)
    assert missing == Undefined("exact_match: the example has no reference answer")
    assert of(exact_match=LeftOut("left out: refused"), hallucination_rate=0.5) == LeftOut(
        "left out: refused"
    )


def test_a_suite_scores_it_from_its_other_metrics():
    rules = parsed("exact_match", "hallucination_rate")
    example = Example(id="q", input="?", expected="18", context=["It is 18."])
    outputs = [scoring.Said(number, 0, text=text) for number, text in enumerate(("18", "Forty."))]
    found = dict(scoring.valued(rules, outputs, [example]))
    assert found["composite"] == [
        of(exact_match=match, hallucination_rate=rate)
        for match, rate in zip(found["exact_match"], found["hallucination_rate"], strict=True)
    ]


@pytest.mark.parametrize(
    ("others", "weights", "sentence"),
    [
        (["exact_match"], PARTS, "names hallucination_rate, which is not among the suite's metrics"),
        (
            ["exact_match", "latency_p95"],
            {"exact_match": 1, "latency_p95": 1},
            "names latency_p95, which has no largest value",
        ),
        (["exact_match"], {"exact_match": 1, "composite": 1}, "names composite, which has no largest value"),
        (["exact_match"], {"exact_match": 1}, "must be an object of names and positive numbers"),
        (
            ["exact_match"],
            {"exact_match": 1, "token_f1": -1},
            "must be an object of names and positive numbers",
        ),
    ],
)
def test_a_part_that_cannot_be_one_is_named(others, weights, sentence):
    with pytest.raises(Invalid) as bad:
        parsed(*others, weights=weights)
    [path] = bad.value.fields
    assert path == "suite.metrics.0.parameters.weights"
    assert sentence in bad.value.fields[path][0]

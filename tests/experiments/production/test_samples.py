"""What a sample says by each metric of the policy."""

import datetime as dt

import pytest

from evaltrack.fields import WrongField
from experiments.production.samples import Sample, given_metrics, values_of
from experiments.suite import MetricRule

LABELS = {"labels": ["refund", "shipping"]}
RULES = [
    MetricRule("exact_match"),
    MetricRule("label_accuracy", parameters=LABELS),
    MetricRule("f1_macro", parameters=LABELS),
    MetricRule("group_gap", parameters={"groups": ["a", "b"]}),
    MetricRule("toxicity_rate"),
    MetricRule("latency_p95"),
    MetricRule("output_tokens"),
    MetricRule("error_rate"),
]


def sample(**given) -> Sample:
    return Sample(key="s", sampled_at=dt.datetime(2026, 11, 1, tzinfo=dt.UTC), **given)


def test_what_is_known_of_many_answers_together_is_not_watched():
    found = values_of(sample(text="refund", expected="refund", latency_ms=5), RULES)
    assert found == {
        "exact_match": 1.0,
        "label_accuracy": 1.0,
        "toxicity_rate": 0.0,
        "latency_p95": 5.0,
        "error_rate": 0.0,
    }


def test_without_its_text_an_answer_has_numbers_alone():
    assert values_of(sample(text=None, recorded=False, latency_ms=5, output_tokens=3), RULES) == {
        "latency_p95": 5.0,
        "output_tokens": 3.0,
    }


@pytest.mark.parametrize("metric", ["f1_macro", "group_gap"])
def test_nor_may_it_be_sent_for_one_answer(metric):
    with pytest.raises(WrongField, match="many answers together"):
        given_metrics({"metrics": {metric: 0.5}}, {metric})

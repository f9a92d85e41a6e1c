"""Speed, size, errors, and what tokens buy."""

import numpy as np
import pytest

from evaltrack.stats.intervals import mean_t
from experiments.metrics import REGISTRY
from experiments.metrics.base import Answered
from tests.experiments.metrics.asking import reason, value


def test_operational_metrics_are_what_was_measured():
    measured = {"latency_ms": 120, "input_tokens": 8, "output_tokens": 3}
    assert value("latency_p95", "x", None, **measured) == 120
    assert value("input_tokens", "x", None, **measured) == 8
    assert value("output_tokens", "x", None, **measured) == 3
    assert value("output_tokens", "x", None) is None
    assert value("tokens_per_second", "x", None, **measured) == pytest.approx(25)
    assert "no time" in reason("tokens_per_second", "x", None, latency_ms=0, output_tokens=3)
    assert reason("output_tokens", "x", None) == "the endpoint did not say"


def test_an_error_is_an_example_without_an_answer():
    assert value("error_rate", None, None) == 1
    assert value("error_rate", "", None) == 0


def ratio(*rows):
    """Of (text, tokens) with "right" as what is expected."""
    metric = REGISTRY["tokens_per_quality"]
    asked = {"quality": "exact_match"}
    return metric.of_all(
        [Answered("", "right", text, output_tokens=tokens, parameters=asked) for text, tokens in rows]
    )


def test_tokens_of_worthless_answers_are_paid_for_too():
    found = ratio(("right", 10), ("wrong", 30), ("right", 20), (None, None))
    # 60 tokens for two right answers. The mean of ratios over right answers alone would have been 15.
    assert sum(found[:3]) / 3 == pytest.approx(30)
    assert found[3].reason == "there was no answer"
    # By hand: R = 30, mean quality 2/3; 30 + (10 − 30)/(2/3), 30 + 30/(2/3), 30 + (20 − 30)/(2/3).
    assert found[:3] == pytest.approx([0, 75, 15])


def test_where_no_answer_is_worth_anything_there_is_no_ratio():
    assert {each.reason for each in ratio(("wrong", 1), ("wrong", 2))} == {
        "no answer of the run is worth anything by this quality"
    }
    assert ratio(("right", None))[0].reason.endswith("tokens is not known")


def test_one_answer_alone_has_no_value_of_a_run():
    assert reason("tokens_per_quality", "x", "x", output_tokens=3) == (
        "it is known of a whole run, not of one answer"
    )


def test_the_parts_of_a_ratio_have_its_interval_by_the_delta_method():
    rng = np.random.default_rng(2)
    right, tokens = rng.random(400) < 0.6, rng.integers(5, 60, 400)
    parts = ratio(*(("right" if r else "wrong", int(t)) for r, t in zip(right, tokens, strict=True)))
    draws = [tokens[chosen].sum() / right[chosen].sum() for chosen in rng.integers(0, 400, size=(4000, 400))]
    seen = mean_t(parts)
    assert seen.value == pytest.approx(tokens.sum() / right.sum())
    assert (seen.ci_high - seen.ci_low) / (2 * 1.96) == pytest.approx(np.std(draws), rel=0.1)

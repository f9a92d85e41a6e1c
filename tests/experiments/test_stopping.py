"""What each look at an experiment may err, and that all of them together err no more than the policy says."""

import functools

import numpy as np
import pytest

from experiments import gates, stopping
from experiments.comparison import compare
from experiments.gates import FAIL, PASS
from experiments.metrics import REGISTRY
from experiments.stopping import StopRule
from experiments.suite import MetricRule

approx = pytest.approx


def test_a_fixed_design_has_one_look_at_the_level_of_the_policy():
    rule = stopping.planned(0.05, None, earlier=(), size=250, final=250)
    assert (rule.level, rule.confidence, rule.confidence_in_words) == (0.05, 0.95, "95 %")
    assert rule.adjusted(0.01) == 0.01
    assert rule.as_json() == {"kind": "fixed", "alpha": 0.05}


def test_a_look_that_is_the_first_and_the_last_one_pays_nothing():
    rule = stopping.planned(0.05, "pocock", earlier=(), size=1319, final=1319)
    assert (rule.level, rule.adjusted(0.01)) == (0.05, 0.01)


def test_the_levels_of_250_and_1000_examples_are_those_of_lan_and_demets():
    first = stopping.planned(0.05, "pocock", earlier=(), size=250, final=1000)
    last = stopping.planned(0.05, "pocock", earlier=(250,), size=1000, final=1000)
    # α ln(1 + (e − 1)/4) at the first look.
    assert first.level == approx(0.05 * np.log1p((np.e - 1) / 4))
    assert last.level == approx(0.0357, abs=5e-5)
    assert (first.confidence_in_words, last.confidence_in_words) == ("98.2 %", "96.4 %")


def test_a_look_long_before_the_last_has_a_confidence_below_one():
    rule = stopping.planned(0.05, "obrien-fleming", earlier=(), size=10, final=1_000_000)
    assert 0 < rule.level <= 1e-9
    assert rule.confidence < 1
    assert rule.confidence_in_words == "99.9999999 %"


@pytest.mark.parametrize(
    "rule",
    [
        StopRule(),
        StopRule(0.1),
        StopRule(0.05, "pocock", (10, 250), 1319),
        StopRule(0.1, "obrien-fleming", (5,), 9),
    ],
)
def test_a_plan_gives_back_the_rule_that_it_locked(rule):
    assert stopping.of_plan({"stop_rule": rule.as_json()}) == rule


def test_a_plan_of_before_stop_rules_had_one_look():
    assert stopping.of_plan({}) == StopRule(0.05)


def test_the_p_of_a_look_falls_below_half_the_level_exactly_when_its_interval_excludes_the_margin():
    stop = StopRule(0.05, "pocock", (100, 300), 300)
    rng = np.random.default_rng(2)
    for _ in range(60):
        baseline = rng.random(300) < 0.7
        candidate = np.where(rng.random(300) < 0.25, rng.random(300) < 0.45, baseline)
        row = compared(baseline, candidate, stop)
        assert (row.oriented.ci_high < -0.02) == (stop.adjusted(row.p_worse) < 0.025)


def compared(baseline, candidate, stop, metric="exact_match"):
    return compare(
        MetricRule(metric, margin=0.02),
        REGISTRY[metric],
        baseline=baseline.astype(float),
        candidate=candidate.astype(float),
        design="paired",
        seed=1,
        confidence=stop.confidence,
    )


def wrong_passes(*, spending, replicates=1500):
    """How often a candidate that is worse by exactly the margin passes, and fails, at 100, 250 or 500 examples."""
    sizes = (100, 250, 500)
    rules = [
        stopping.planned(0.05, spending, earlier=sizes[:place], size=size, final=500)
        for place, size in enumerate(sizes)
    ]

    @functools.cache
    def outcome(place, won, lost):
        same = np.zeros(sizes[place] - won - lost)
        baseline = np.concatenate([np.zeros(won), np.ones(lost), same])
        candidate = np.concatenate([np.ones(won), np.zeros(lost), same])
        [judged] = gates.judge([compared(baseline, candidate, rules[place])], rules[place])
        return judged.outcome

    rng = np.random.default_rng(7)
    passed = failed = 0
    for _ in range(replicates):
        # Of 30 % on which they differ the candidate loses 16 points and wins 14: 2 points in all.
        differs = rng.choice([-1, 0, 1], size=500, p=[0.16, 0.70, 0.14])
        outcomes = {
            outcome(place, int((differs[:size] > 0).sum()), int((differs[:size] < 0).sum()))
            for place, size in enumerate(sizes)
        }
        passed += PASS in outcomes
        failed += FAIL in outcomes
    return passed / replicates, failed / replicates


@pytest.mark.slow
def test_three_looks_with_spending_pass_and_fail_wrongly_no_more_than_one_look():
    # Half of the level on each side, and three standard errors.
    for share in wrong_passes(spending="pocock"):
        assert share < 0.025 + 3 * 0.004


@pytest.mark.slow
def test_three_looks_without_spending_would():
    assert max(wrong_passes(spending=None)) > 0.04


def test_below_the_least_number_of_examples_nothing_is_decided():
    rule = MetricRule("exact_match", margin=0.02, minimum_n=50)
    right, wrong = [1.0] * 40, [0.0] * 40
    row = compare(rule, REGISTRY["exact_match"], baseline=wrong, candidate=right, design="paired", seed=1)
    [judged] = gates.judge([row])
    assert judged.outcome == "INCONCLUSIVE"
    assert judged.explanation.startswith(
        "Not assessed: 40 examples have a value in both arms, and the policy decides on 50 or more."
    )

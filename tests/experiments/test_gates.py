"""The decision rule, row by row of its table, and what people add to it."""

from dataclasses import replace

import pytest

from evaltrack.stats.estimate import Estimate, TestResult, Undefined
from evaltrack.stats.planning import PairedShares
from experiments import gates
from experiments.comparison import Compared
from experiments.gates import FAIL, INCONCLUSIVE, PASS, People
from experiments.metrics import REGISTRY
from experiments.suite import HumanRule, MetricRule


def compared(
    low: float | None,
    high: float | None = None,
    *,
    metric: str = "exact_match",
    role: str = "gating",
    margin: float = 0.05,
    p_worse: float | None = 0.5,
    value: float | None = None,
    n: int = 100,
    missing: int = 0,
    alike: int = 0,
) -> Compared:
    """A comparison whose oriented interval reaches from `low` to `high`; `low` None: there is no interval."""
    if low is None or high is None:
        delta = Estimate(value or 0.0, None, None, n, "test", ci_undefined="too few examples")
    else:
        delta = Estimate((low + high) / 2 if value is None else value, low, high, n, "test")
    return Compared(
        rule=MetricRule(metric, role, margin),
        metric=REGISTRY[metric],
        design="paired",
        n=n,
        missing=missing,
        baseline=delta,
        candidate=delta,
        delta=delta,
        oriented=delta,
        tests={},
        decided_by="mcnemar_mid_p",
        p_worse=p_worse,
        alike=alike,
        varies=PairedShares(0.3),
    )


def outcome(*rows: Compared) -> list[str]:
    return [judged.outcome for judged in gates.judge(rows)]


def sentence(row: Compared) -> str:
    return gates.judge([row])[0].explanation


# The table


@pytest.mark.parametrize(
    ("low", "high", "p_worse", "expected", "words"),
    [
        (0.01, 0.09, 0.001, PASS, "Better: the interval, +1.0 points to +9.0 points, lies above 0."),
        (-0.04, 0.09, 0.01, PASS, "Not worse than the margin of 5.0 points: the interval is -4.0 points to"),
        (-0.04, -0.01, 0.01, PASS, "It is a real loss, within tolerance."),
        (-0.30, -0.06, 0.001, FAIL, "Worse by more than the margin of 5.0 points: the interval is -30.0"),
        (-0.30, -0.06, 0.03, INCONCLUSIVE, "does not hold once all metrics of the gate are counted (Holm)."),
        (-0.09, 0.09, 0.3, INCONCLUSIVE, "holds both more and less than the tolerated loss of 5.0 points."),
        (-0.30, -0.01, 0.01, INCONCLUSIVE, "100 examples show a difference from"),
        # On the edges nothing is claimed.
        (0.0, 0.09, 0.01, PASS, "Not worse than the margin"),
        (-0.05, 0.09, 0.01, INCONCLUSIVE, "holds both more and less"),
        (-0.30, -0.05, 0.001, INCONCLUSIVE, "holds both more and less"),
    ],
)
def test_each_row_of_the_table(low, high, p_worse, expected, words):
    row = compared(low, high, p_worse=p_worse)
    assert outcome(row) == [expected]
    assert words in sentence(row)


def test_too_much_missing_is_not_assessed_however_good_the_rest():
    assert outcome(compared(0.1, 0.2, n=95, missing=5)) == [PASS]
    row = compared(0.1, 0.2, n=94, missing=6)
    assert outcome(row) == [INCONCLUSIVE]
    assert sentence(row) == "Not assessed: 6 of 100 examples have no value in one of the arms."


def test_without_an_interval_there_is_no_verdict_but_for_identical_answers():
    assert outcome(compared(None, value=0.1)) == [INCONCLUSIVE]
    assert sentence(compared(None, value=0.1)) == "Not assessed: too few examples."
    assert outcome(compared(None, value=0.0, alike=100)) == [PASS]
    assert outcome(compared(None, value=0.0, n=1, alike=1)) == [INCONCLUSIVE]
    # Wins and losses may cancel, group by group.
    assert outcome(compared(None, value=0.0)) == [INCONCLUSIVE]
    # Two quantiles can be equal while no single value is.
    assert outcome(compared(None, value=0.0, metric="latency_p50", alike=100)) == [INCONCLUSIVE]


@pytest.mark.parametrize(("confidence", "differ"), [(0.95, False), (0.99, True)])
def test_whether_tests_differ_is_a_matter_of_the_level(confidence, differ):
    row = compared(-0.09, 0.09)
    row = replace(
        row,
        delta=replace(row.delta, confidence=confidence),
        tests={"two_proportion_z": TestResult(None, 0.03), "mcnemar_mid_p": TestResult(None, 0.005)},
    )
    assert ("The tests differ" in sentence(row)) == differ


def test_an_undefined_difference_is_inconclusive_with_its_reason():
    row = compared(0.1, 0.2)
    row = Compared(**{**vars(row), "oriented": Undefined("there are no examples in common")})
    assert outcome(row) == [INCONCLUSIVE]
    assert sentence(row) == "Not assessed: there are no examples in common."


def test_holm_counts_all_metrics_that_could_fail_the_gate():
    bad = compared(-0.3, -0.06, p_worse=0.02)
    fine = [compared(0.0, 0.1, metric=name, p_worse=0.4) for name in ("token_f1", "numeric_match")]
    assert outcome(bad) == [FAIL]
    assert outcome(bad, *fine) == [INCONCLUSIVE, PASS, PASS]
    certain = compared(-0.3, -0.06, p_worse=0.005)
    assert outcome(certain, *fine) == [FAIL, PASS, PASS]


def test_holm_leaves_out_what_does_not_decide():
    bad = compared(-0.3, -0.06, p_worse=0.02)
    beside = [
        compared(0.0, 0.1, metric=name, p_worse=0.4, role="secondary")
        for name in ("token_f1", "numeric_match")
    ]
    assert outcome(bad, *beside)[0] == FAIL


def test_a_secondary_metric_is_judged_alone_and_has_no_adjusted_p():
    row = compared(-0.3, -0.06, p_worse=0.9, role="secondary")
    [judged] = gates.judge([row])
    assert (judged.outcome, judged.p_adjusted) == (FAIL, None)


# From metrics to the gate


def automated(**outcomes: str) -> str:
    """The gate's outcome; the keyword's beginning is the role."""
    rows = {"gating": [], "guardrail": [], "secondary": []}
    judged = []
    for name, each in outcomes.items():
        role = name.split("_")[0]
        rows[role].append(each)
        judged.append(Ruled(name, role, each, f"{each} because"))
    return gates.decide(judged, rule=None, people=None, needed=False).outcome


class Ruled:
    def __init__(self, metric, role, outcome, explanation):
        self.metric, self.role, self.outcome, self.explanation = metric, role, outcome, explanation


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ({"gating_a": PASS, "gating_b": PASS}, PASS),
        ({"gating_a": PASS, "gating_b": INCONCLUSIVE}, INCONCLUSIVE),
        ({"gating_a": INCONCLUSIVE, "gating_b": FAIL}, FAIL),
        ({"gating_a": PASS, "guardrail_a": PASS}, PASS),
        ({"gating_a": PASS, "guardrail_a": INCONCLUSIVE}, INCONCLUSIVE),
        ({"gating_a": PASS, "guardrail_a": FAIL}, FAIL),
        ({"gating_a": INCONCLUSIVE, "guardrail_a": PASS}, INCONCLUSIVE),
        ({"gating_a": FAIL, "guardrail_a": PASS}, FAIL),
        ({"gating_a": PASS, "secondary_a": FAIL}, PASS),
        ({"gating_a": FAIL, "secondary_a": PASS}, FAIL),
        ({"gating_a": INCONCLUSIVE, "secondary_a": PASS}, INCONCLUSIVE),
    ],
)
def test_a_guardrail_holds_back_and_a_secondary_metric_never_decides(outcomes, expected):
    assert automated(**outcomes) == expected


def test_reasons_name_what_decided():
    judged = [
        Ruled("exact_match", "gating", PASS, "Better."),
        Ruled("latency_p95", "guardrail", PASS, "Not slower."),
        Ruled("output_tokens", "guardrail", FAIL, "Longer."),
        Ruled("token_f1", "secondary", FAIL, "Worse."),
    ]
    decision = gates.decide(judged, rule=None, people=None, needed=False)
    assert decision.reasons == ["exact_match: Better.", "output_tokens: Longer."]
    assert decision.people == "not asked by the gate policy"


# People

RULE = HumanRule(margin=0.2, floor=0.4)
PASSING = [Ruled("exact_match", "gating", PASS, "Better.")]
FAILING = [Ruled("exact_match", "gating", FAIL, "Worse.")]
AGREE = Estimate(0.7, 0.5, 0.8, 40, "test")
NO_INTERVAL = Estimate(0.7, None, None, 2, "test", ci_undefined="too few")


def with_people(preference, agreement=AGREE, rulings=PASSING):
    return gates.decide(rulings, rule=RULE, people=People(preference, agreement), needed=True)


def preferring(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high, 40, "test")


def test_while_people_have_not_judged_there_is_no_pass_and_no_fail():
    decision = gates.decide(PASSING, rule=RULE, people=None, needed=True)
    assert (decision.outcome, decision.automated, decision.provisional) == (INCONCLUSIVE, PASS, False)
    assert decision.reasons[0] == "People still have to judge."


@pytest.mark.parametrize(
    ("preference", "agreement", "expected", "words"),
    [
        (preferring(-0.1, 0.3), AGREE, PASS, "People do not prefer the baseline"),
        (preferring(-0.9, -0.3), AGREE, FAIL, "People prefer the baseline"),
        (preferring(-0.4, 0.3), AGREE, INCONCLUSIVE, "reaches below the margin of 0.20"),
        (preferring(-0.2, 0.3), AGREE, INCONCLUSIVE, "reaches below the margin of 0.20"),
        (preferring(-0.1, 0.3), Estimate(0.5, 0.39, 0.6, 40, "t"), INCONCLUSIVE, "does not reach the floor"),
        (preferring(-0.1, 0.3), Estimate(0.5, 0.4, 0.6, 40, "t"), PASS, "they agree with each other"),
        (preferring(-0.1, 0.3), NO_INTERVAL, INCONCLUSIVE, "preference_kappa is undefined"),
        (preferring(-0.1, 0.3), Undefined("one evaluator"), INCONCLUSIVE, "preference_kappa is undefined"),
        (NO_INTERVAL, AGREE, INCONCLUSIVE, "too few judgments for an interval"),
        (Undefined("nobody judged"), AGREE, INCONCLUSIVE, "People: nobody judged."),
        # Whether people agree matters for a PASS alone: unreliable people do not save a candidate.
        (preferring(-0.9, -0.3), Undefined("one evaluator"), FAIL, "People prefer the baseline"),
    ],
)
def test_closed_judgments_pass_only_when_they_are_good_and_people_agree(
    preference, agreement, expected, words
):
    decision = with_people(preference, agreement)
    assert (decision.outcome, decision.provisional) == (expected, False)
    assert words in decision.reasons[0]


def test_people_do_not_save_what_the_metrics_failed():
    decision = with_people(preferring(0.5, 0.9), rulings=FAILING)
    assert (decision.outcome, decision.automated, decision.people) == (FAIL, FAIL, PASS)


@pytest.mark.parametrize(
    ("rulings", "proxy", "expected"),
    [
        (PASSING, PASS, PASS),
        (PASSING, FAIL, FAIL),
        (PASSING, INCONCLUSIVE, INCONCLUSIVE),
        (FAILING, PASS, FAIL),
    ],
)
def test_a_proxy_makes_the_verdict_provisional_and_says_so(rulings, proxy, expected):
    people = People(proxy="exact_match", proxy_outcome=proxy)
    decision = gates.decide(rulings, rule=RULE, people=people, needed=True)
    assert (decision.outcome, decision.provisional) == (expected, True)
    assert decision.reasons[0].startswith(f"PROXY: exact_match stands in for people and says {proxy}.")


def test_people_who_are_not_needed_change_nothing():
    people = People(preferring(-0.9, -0.3), AGREE)
    assert gates.decide(PASSING, rule=RULE, people=people, needed=False).outcome == PASS


# In a word


@pytest.mark.parametrize(
    ("outcome", "low", "high", "direction", "word"),
    [
        (PASS, 0.01, 0.2, "higher", "Better"),
        (PASS, -0.2, -0.01, "lower", "Better"),
        (PASS, -0.04, 0.04, "higher", "Equivalent"),
        (PASS, -0.04, 0.2, "higher", "Not worse"),
        (PASS, -0.2, 0.04, "lower", "Not worse"),
        (FAIL, -0.3, -0.1, "higher", "Worse"),
        (INCONCLUSIVE, -0.3, 0.1, "higher", "Not settled"),
        (INCONCLUSIVE, None, None, "higher", "Not assessed"),
        (PASS, None, None, "higher", "Identical"),
    ],
)
def test_an_outcome_in_a_word(outcome, low, high, direction, word):
    reason = None if low is not None else "too few"
    delta = Estimate(0.0 if low is None else (low + high) / 2, low, high, 40, "test", ci_undefined=reason)
    assert gates.word(outcome, delta, 0.05, direction) == word


def test_what_is_undefined_was_not_assessed():
    assert gates.word(INCONCLUSIVE, Undefined("no answers"), 0.05, "higher") == "Not assessed"

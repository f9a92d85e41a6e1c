"""A policy is tried on experiments that are over, before it comes into force."""

import json
from dataclasses import asdict

import pytest

from experiments import backtest, suite
from experiments.models import GatePolicy, MetricResult, Verdict
from tests.accounts.callers import bearer, signed_in
from tests.factories import experiments

PATH = "/components/adder/backtest/"


@pytest.fixture
def experiment(people):
    """The candidate is right on all of 30 examples, the baseline on some."""
    return experiments.measured(**people)


def judged_by(experiment, body):
    (found,) = backtest.backtest(experiment.component, suite.parse(body))
    return found


def test_the_policy_in_force_says_again_what_it_said(experiment):
    found = judged_by(experiment, experiment.policy.body)
    verdict = experiment.verdicts.get()
    assert (found.was, found.now.outcome, found.changed) == (verdict.outcome, verdict.outcome, False)
    assert found.now.reasons == verdict.reasons
    stored = {row.metric: (row.delta, row.outcome, row.tests) for row in experiment.comparisons.all()}
    assert {row.metric: (row.delta, row.outcome, row.tests) for row in found.comparisons} == stored


def test_a_stricter_or_wider_margin_changes_what_it_changes(people):
    worse = experiments.measured(**people, better=False)
    rule = {"metric": "exact_match", "role": "gating", "margin": 0.05}
    assert judged_by(worse, {"metrics": [rule]}).now.outcome == "FAIL"
    wide = judged_by(worse, {"metrics": [rule | {"margin": 0.99}]})
    assert (wide.was, wide.now.outcome, wide.changed) == ("FAIL", "PASS", True)


def test_a_metric_that_was_not_measured_is_computed_from_the_answers(experiment):
    found = judged_by(experiment, {"metrics": [{"metric": "numeric_match", "role": "gating"}]})
    assert found.now.outcome == "PASS"
    assert found.comparisons[0].candidate["value"] == 1.0


def test_a_metric_with_other_parameters_is_another_metric(experiment):
    def compliance(pattern):
        rule = {"metric": "format_compliance", "role": "gating", "parameters": {"pattern": pattern}}
        return judged_by(experiment, {"metrics": [rule]}).comparisons[0].candidate["value"]

    assert (compliance(r"\d+"), compliance("[a-z]+")) == (1.0, 0.0)


def test_it_asks_for_people_where_the_policy_does(people):
    experiment = experiments.measured(**people)
    rule = {"required": ["high_risk"], "items": 6}
    experiment.component.risk = "high"
    experiment.component.save(update_fields=["risk"])
    body = experiments.SUITE | {"human": rule}
    assert judged_by(experiment, body).now.outcome == "INCONCLUSIVE"


def test_nothing_is_stored(experiment):
    before = [repr(list(model.objects.values())) for model in (GatePolicy, Verdict, MetricResult)]
    judged_by(experiment, {"metrics": [{"metric": "numeric_match"}]})
    assert [repr(list(model.objects.values())) for model in (GatePolicy, Verdict, MetricResult)] == before


def test_only_the_newest_are_read(people, django_assert_max_num_queries):
    first = experiments.measured(**people)
    second = experiments.asked(first.candidate, first.baseline, first.dataset_version)
    experiments.answer_all(second, experiments.right_for([]))
    experiments.conclusion.conclude(second, at=experiments.clock.now())
    rules = suite.parse(experiments.SUITE)
    assert len(backtest.backtest(first.component, rules)) == 2
    (newest,) = backtest.backtest(first.component, rules, most=1)
    assert newest.experiment == second


# ── Page and API ─────────────────────────────────────────────────────────────────────────────────────


def test_the_page_starts_with_the_policy_in_force_and_tries_another(experiment):
    client = signed_in(experiment.component.owner)
    page = client.get(PATH).content.decode()
    assert "exact_match" in page
    assert "which is in force" in page
    strict = {"metrics": [asdict(suite.MetricRule("token_f1"))], "max_error_share": 0.1}
    page = client.post(PATH, {"suite": json.dumps(strict)}).content.decode()
    assert "0 of 1 verdict would have been another" in page
    assert experiment.public_id in page


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{", "no JSON"),
        ('{"metrics": [{"metric": "charm"}]}', "suite.metrics.0.metric"),
        ("[" * 60_000, "50000 characters"),
        ("[" * 40_000, "no JSON"),
    ],
)
def test_bad_rules_are_located_and_kept_in_the_form(experiment, written, says):
    answer = signed_in(experiment.component.owner).post(PATH, {"suite": written})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert says in page
    assert written[:20].replace('"', "&quot;") in page


def test_without_decided_experiments_it_says_so(people):
    experiments.submitted(**people)
    page = signed_in(people["owner"]).post(PATH, {"suite": json.dumps(experiments.SUITE)}).content.decode()
    assert "No experiment is decided yet" in page


def test_over_the_api(experiment, ci):
    client = bearer(ci, "experiments:submit")
    answer = client.post(
        "/api/v1/components/adder/backtest", {"suite": experiments.SUITE}, content_type="application/json"
    )
    (found,) = answer.json()
    assert (found["experiment"], found["was"], found["now"]) == (experiment.public_id, "PASS", "PASS")
    bad = client.post("/api/v1/components/adder/backtest", {"suite": {}}, content_type="application/json")
    assert (bad.status_code, bad.json()["code"]) == (400, "bad_suite")

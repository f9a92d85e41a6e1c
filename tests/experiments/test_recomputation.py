"""A verdict follows from its evidence, byte for byte; what was altered afterwards is named."""

import datetime as dt
import json
import tracemalloc

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from evaltrack import clock
from evaltrack.canonical import digest
from evaltrack.stats.estimate import Estimate
from experiments import conclusion, evidence, looks, scoring
from experiments.metrics import REGISTRY
from experiments.models import Arm, Comparison, Experiment, MetricResult, Output, TestPlan, Verdict
from experiments.recomputation import recompute
from tests.accounts.callers import signed_in
from tests.factories import experiments


@pytest.fixture
def experiment(people):
    return experiments.measured(**people)


def findings(experiment):
    experiment = type(experiment).objects.with_names().get(pk=experiment.pk)
    return " ".join(recompute(experiment).findings)


def test_a_verdict_that_nobody_touched_is_the_same(experiment):
    found = recompute(experiment)
    assert found.findings == ()
    assert found.evidence_digest == experiment.verdicts.get().evidence_digest
    assert found.other_versions == ()


def test_so_is_one_that_people_decided(people):
    experiment = experiments.measured(**people, risk="high")
    evidence.record_human_evidence(
        experiment.pk,
        net_preference=Estimate(0.3, 0.1, 0.5, 12, "test"),
        agreement=Estimate(0.6, 0.5, 0.7, 6, "test"),
        judgments=12,
        items=6,
        judgments_root="ab" * 32,
        by=people["platform"],
        at=clock.now(),
    )
    assert Verdict.objects.filter(experiment=experiment).count() == 2
    assert findings(experiment) == ""


def test_what_is_computed_again_is_not_held_whole(people, monkeypatch):
    """A page computes it, of runs of any size."""
    monkeypatch.setattr(scoring, "BLOCK", 5)
    monkeypatch.setattr(looks, "BLOCK", 5)
    experiment = experiments.submitted(**people, examples=120)
    experiments.answer_all(experiment, lambda arm, output, expected: f"{expected} " + "x" * 50_000)
    conclusion.conclude(experiment, at=clock.now())
    experiment = Experiment.objects.with_names().get(pk=experiment.pk)
    recompute(experiment)  # what is loaded once
    tracemalloc.start()
    try:
        assert recompute(experiment).ok
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Both arms have 12 MB; the digest of one reads 500 outputs at once, which are all of its 6.
    assert held < 9_000_000


def test_without_a_verdict_there_is_nothing_to_compute(people):
    assert recompute(experiments.submitted(**people)) is None


@pytest.mark.parametrize("design", ["paired", "independent"])
def test_every_design_and_role(people, design):
    suite = experiments.SUITE | {"design": design}
    assert findings(experiments.measured(**people, suite=suite, better=False)) == ""


# ── What somebody with a way into the database did ───────────────────────────────────────────────────


def alter_output(experiment):
    row = Output.objects.filter(experiment=experiment, run__arm="baseline", text="I do not know").first()
    right = str(int(row.example_id.removeprefix("q")) + 1)
    Output.objects.filter(pk=row.pk).update(text=right)


def alter_value(experiment):
    row = MetricResult.objects.get(run__experiment=experiment, run__arm="baseline", metric="exact_match")
    MetricResult.objects.filter(pk=row.pk).update(values=[1.0, *row.values[1:]])


def alter_interval(experiment):
    row = experiment.comparisons.get(metric="token_f1")
    Comparison.objects.filter(pk=row.pk).update(delta=row.delta | {"ci_low": 0.2})


def alter_margin(experiment):
    experiment.comparisons.filter(metric="exact_match").update(margin=0.5)


def alter_outcome(experiment):
    experiment.verdicts.update(outcome="FAIL")


def alter_reasons(experiment):
    experiment.verdicts.update(reasons=["Because I say so."])


def alter_plan(experiment):
    plan = TestPlan.objects.get(experiment=experiment)
    plan.body["policy"]["metrics"][0]["margin"] = 0.3
    TestPlan.objects.filter(pk=plan.pk).update(body=plan.body)


def antedate_output(experiment):
    row = experiment.outputs.first()
    Output.objects.filter(pk=row.pk).update(finished_at="2020-01-01T00:00:00Z")


def remove_comparison(experiment):
    experiment.comparisons.filter(metric="token_f1").update(metric="token_f2")


def alter_everything_alike(experiment):
    """Outputs, and every row that follows from them, as a patient forger would."""
    alter_output(experiment)
    Verdict.objects.filter(experiment=experiment).update(
        evidence_digest=recompute(experiment).evidence_digest
    )


@pytest.mark.parametrize(
    ("alter", "sentence"),
    [
        (alter_output, "exact_match of the baseline: what is stored as"),
        (alter_value, "exact_match of the baseline: what is stored as"),
        (alter_interval, "The comparison by token_f1: what is stored as delta is not"),
        (alter_margin, "The comparison by exact_match: what is stored as margin is not"),
        (alter_outcome, "The ledger has verdict 1 as PASS"),
        (alter_outcome, "Verdict 1: what is stored as outcome is not"),
        (alter_reasons, "Verdict 1: what is stored as reasons is not"),
        (alter_plan, "The plan does not have the digest under which it was locked."),
        (antedate_output, "is older than the plan"),
        (remove_comparison, "The comparison by token_f1 is not stored."),
        (remove_comparison, "A comparison by token_f2 is stored, but not in the plan."),
        (alter_everything_alike, "The ledger has verdict 1 on other evidence"),
    ],
)
def test_what_was_altered_is_named(experiment, alter, sentence):
    alter(experiment)
    assert sentence in findings(experiment)


def test_a_metric_that_has_changed_since_is_named(experiment):
    body = experiment.plan.body | {
        "metric_versions": experiment.plan.body["metric_versions"] | {"token_f1": "0"}
    }
    TestPlan.objects.filter(experiment=experiment).update(body=body)
    assert (
        f"token_f1 was locked as version 0 of the metric; this server has version {REGISTRY['token_f1'].version}"
        in (findings(experiment))
    )


# ── Page and command ─────────────────────────────────────────────────────────────────────────────────


def test_the_page_says_that_it_is_the_same(experiment, people):
    client = signed_in(people["owner"])
    path = f"{experiment.get_absolute_url()}recompute/"
    assert path in client.get(experiment.get_absolute_url()).content.decode()
    page = client.post(path).content.decode()
    assert "The same bytes" in page
    assert experiment.verdicts.get().evidence_digest in page
    assert client.get(path).status_code == 405


def test_the_page_says_what_differs(experiment, people):
    alter_outcome(experiment)
    page = signed_in(people["owner"]).post(f"{experiment.get_absolute_url()}recompute/").content.decode()
    assert "Verdict 1: what is stored as outcome is not" in page


def test_the_command_ends_with_one_where_something_differs(experiment, capsys):
    call_command("verify_experiment")
    assert "PASS, the same bytes" in capsys.readouterr().out
    alter_output(experiment)
    with pytest.raises(SystemExit) as ended:
        call_command("verify_experiment", experiment.public_id, "--json")
    assert ended.value.code == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["ok"] is False
    with pytest.raises(CommandError, match="no experiment exp-x"):
        call_command("verify_experiment", "exp-x")


def test_a_plan_that_was_exchanged_before_the_verdict_is_named(people):
    """The verdict follows from it, and the ledger has both; but not as what was locked."""
    experiment = experiments.submitted(**people)
    experiments.answer_all(experiment, experiments.right_for([Arm.CANDIDATE]))
    body = experiment.plan.body | {"seed": 1}
    TestPlan.objects.filter(experiment=experiment).update(body=body, digest=digest(body))
    conclusion.conclude(type(experiment).objects.get(pk=experiment.pk), at=clock.now())
    assert findings(experiment) == "The ledger has another plan as locked, or at another time."


def test_a_plan_that_is_said_to_be_older_than_it_is_is_named(experiment):
    earlier = experiment.plan.locked_at - dt.timedelta(days=1)
    TestPlan.objects.filter(experiment=experiment).update(locked_at=earlier)
    assert findings(experiment) == "The ledger has another plan as locked, or at another time."

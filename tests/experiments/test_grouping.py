"""Examples that belong together count as their groups do, wherever they are compared."""

import json

import numpy as np
import pytest

from datasets import ingest, versions
from datasets.examples import Example
from evaltrack import clock
from evaltrack.errors import Invalid
from evaltrack.stats import paired
from experiments import backtest, conclusion, grouping, multirun, slices, suite
from experiments.comparison import compare
from experiments.gates import judge
from experiments.metrics import REGISTRY
from experiments.models import Arm, Experiment, TestPlan
from experiments.recomputation import recompute
from experiments.slices import Measured
from experiments.suite import MetricRule
from tests.accounts.callers import signed_in
from tests.factories import experiments

pytestmark = pytest.mark.django_db
METRICS = [{"metric": "exact_match", "margin": 0.05}, {"metric": "token_f1", "role": "secondary"}]
BY_DOCUMENT = {"metrics": METRICS, "cluster": "document"}
DOCUMENTS, EACH = 12, 5


@pytest.fixture
def golden(people):
    """Sixty examples of twelve documents, five of each in a row."""
    at, by = clock.now(), people["custodian"]
    dataset = ingest.register(
        slug="pages", name="pages", use_case="", sensitivity="internal", custodian=by, by=by, at=at
    )
    rows = [
        {"id": f"q{n}", "input": str(n), "expected": str(n), "metadata": {"document": n // EACH}}
        for n in range(DOCUMENTS * EACH)
    ]
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    return versions.publish(ingest.take_in(dataset, version="1", lines=lines, by=by, at=at), by=by, at=at)


def by_document(arm, output, expected):
    """The candidate is right on every document but two, the baseline on every second one."""
    document = output.position // EACH
    right = document > 1 if arm == Arm.CANDIDATE else document % 2
    return expected if right else "no"


def measured(people, golden, body, name="reader"):
    row = experiments.component(people["owner"], people["platform"], name=name, suite=body)
    made = [experiments.component_version(row, people["platform"], version=v) for v in ("v2", "v1")]
    experiment = experiments.asked(*made, golden)
    experiments.answer_all(experiment, by_document)
    conclusion.conclude(experiment, at=clock.now())
    return Experiment.objects.with_names().get(pk=experiment.pk)


def test_the_interval_is_that_of_groups_and_wider_than_that_of_examples(people, golden):
    grouped = measured(people, golden, BY_DOCUMENT).comparisons.get(metric="exact_match")
    alone = measured(people, golden, {"metrics": METRICS}, "other").comparisons.get(metric="exact_match")
    ours = np.repeat(np.arange(DOCUMENTS) > 1, EACH).astype(float)
    theirs = np.repeat(np.arange(DOCUMENTS) % 2, EACH).astype(float)
    expected = paired.mean_difference_clustered(ours, theirs, np.repeat(np.arange(DOCUMENTS), EACH).tolist())
    assert grouped.delta == expected.as_json()
    assert grouped.delta["clusters"] == DOCUMENTS
    assert (grouped.decided_by, alone.decided_by) == ("clustered_t", "mcnemar_mid_p")
    assert set(grouped.tests) == {"two_proportion_z", "clustered_t"}
    width = {row: row.delta["ci_high"] - row.delta["ci_low"] for row in (grouped, alone)}
    assert width[grouped] > 1.5 * width[alone]
    assert "examples of one group are not independent" in grouped.explanation


def test_whole_documents_are_as_many_examples_as_there_are_documents(people, golden):
    """Five equal answers of a document say what one of them says."""
    row = measured(people, golden, BY_DOCUMENT).comparisons.get(metric="exact_match")
    once = paired.mean_difference_t(
        (np.arange(DOCUMENTS) > 1).astype(float), (np.arange(DOCUMENTS) % 2).astype(float)
    )
    assert row.delta["ci_low"] == pytest.approx(once.ci_low)
    assert row.delta["ci_high"] == pytest.approx(once.ci_high)


def test_the_plan_locks_the_groups(people, golden):
    experiment = measured(people, golden, BY_DOCUMENT)
    assert experiment.plan.body["groups"]["by"] == "document"
    assert experiment.plan.body["groups"]["count"] == DOCUMENTS
    assert recompute(experiment).findings == ()
    TestPlan.objects.filter(experiment=experiment).update(groups=list(range(60)))
    found = recompute(Experiment.objects.with_names().get(pk=experiment.pk)).findings
    assert any("grouped in another way" in finding for finding in found)
    assert any("exact_match" in finding for finding in found)


def test_an_example_without_the_field_is_a_group_of_its_own(people):
    experiment = experiments.measured(**people, suite=BY_DOCUMENT)
    assert experiment.plan.body["groups"]["count"] == 30


def test_few_groups_are_not_assessed(people, golden):
    body = {"metrics": METRICS, "cluster": "document"}
    row = experiments.component(people["owner"], people["platform"], suite=body)
    made = [experiments.component_version(row, people["platform"], version=v) for v in ("v2", "v1")]
    experiment = experiments.asked(*made, golden, tier="smoke")
    experiments.answer_all(experiment, by_document)
    plan = experiment.plan
    plan.groups = [n % 3 for n in range(10)]
    plan.save()
    conclusion.conclude(experiment, at=clock.now())
    comparison = experiment.comparisons.get(metric="exact_match")
    assert comparison.outcome == "INCONCLUSIVE"
    assert comparison.explanation.startswith("Not assessed: examples of 3 groups do not support an interval")


def test_a_policy_with_groups_is_tested_on_experiments_without(people, golden):
    experiment = measured(people, golden, {"metrics": METRICS})
    [found] = backtest.backtest(experiment.component, suite.parse(BY_DOCUMENT))
    grouped = measured(people, golden, BY_DOCUMENT, "other").comparisons.get(metric="exact_match")
    assert found.comparisons[0].delta == grouped.delta


def test_runs_side_by_side_are_grouped_by_the_policy(people, golden):
    experiment = measured(people, golden, BY_DOCUMENT)
    runs = {run.arm: run for run in experiment.runs.select_related("experiment__plan")}
    rows = multirun.compared(runs["baseline"], [runs["candidate"]], experiment.policy)
    cell = rows[0].cells[0]
    assert cell.judged.compared.delta.as_json() == experiment.comparisons.get(metric="exact_match").delta
    assert cell.newcombe is None


def test_the_page_says_how_many_groups(people, golden):
    experiment = measured(people, golden, BY_DOCUMENT)
    page = signed_in(people["owner"]).get(experiment.get_absolute_url()).content.decode()
    assert "in 12 groups by document" in page
    assert "Paired t by groups" in page


@pytest.mark.parametrize("wrong", [5, ["document"], "x" * 81])
def test_a_group_is_a_name(wrong):
    with pytest.raises(Invalid) as bad:
        suite.parse({"metrics": METRICS, "cluster": wrong})
    assert "suite.cluster" in bad.value.fields


def test_groups_need_pairs():
    with pytest.raises(Invalid) as bad:
        suite.parse({"metrics": METRICS, "cluster": "document", "design": "independent"})
    assert bad.value.fields["suite.cluster"] == ["needs the design paired"]


# ── Groups that agree, or seem to ────────────────────────────────────────────────────────────────────


def ruled(metric, ours, theirs, groups, margin=0.05):
    [found] = judge(
        [
            compare(
                MetricRule(metric, margin=margin),
                REGISTRY[metric],
                baseline=theirs,
                candidate=ours,
                design="paired",
                seed=1,
                groups=groups,
            )
        ]
    )
    return found


@pytest.mark.parametrize("metric", ["exact_match", "token_f1"])
@pytest.mark.parametrize("count", [2, 40])
def test_groups_in_which_wins_and_losses_cancel_are_not_alike(metric, count):
    ours = [0, 1] * 40
    found = ruled(metric, ours, ours[::-1], np.repeat(np.arange(count), 80 // count))
    assert (found.outcome, found.sentence[:12]) == ("INCONCLUSIVE", "Not assessed")


@pytest.mark.parametrize("metric", ["exact_match", "token_f1"])
def test_a_few_groups_that_agree_entirely_do_not_pass(metric):
    assert ruled(metric, [1] * 400, [1] * 400, [n % 4 for n in range(400)]).outcome == "INCONCLUSIVE"
    assert ruled("token_f1", [0.5] * 400, [0.5] * 400, [n % 29 for n in range(400)]).outcome == "INCONCLUSIVE"
    assert ruled("token_f1", [0.5] * 400, [0.5] * 400, [n % 30 for n in range(400)]).outcome == "PASS"


def test_shares_that_never_differ_are_as_sure_as_one_example_of_each_group():
    found = ruled("exact_match", [1] * 400, [1] * 400, [n % 40 for n in range(400)])
    once = paired.tango_difference([1] * 40, [1] * 40)
    delta = found.compared.delta
    assert (delta.ci_low, delta.ci_high, delta.n, delta.clusters) == (once.ci_low, once.ci_high, 400, 40)
    assert found.outcome == "INCONCLUSIVE"
    assert ruled("exact_match", [1] * 400, [1] * 400, [n % 100 for n in range(400)]).outcome == "PASS"


def test_groups_of_one_are_no_groups():
    ours, theirs = [1.0] * 40, [0.0] + [1.0] * 39
    alone = ruled("exact_match", ours, theirs, None).compared
    assert ruled("exact_match", ours, theirs, list(range(40))).compared == alone
    # The other example of the last group has no value.
    gap = [*ours, None], [*theirs, None]
    assert ruled("exact_match", *gap, [*range(40), 39]).compared.delta == alone.delta


def test_null_in_the_field_is_no_field():
    rows = [Example(f"q{n}", "x", metadata={"document": value}) for n, value in enumerate([None, None, 1, 1])]
    assert grouping.groups_of(rows, suite.parse(BY_DOCUMENT)) == [0, 1, 2, 2]


def test_slices_are_of_groups_too():
    metric = REGISTRY["exact_match"]
    ours = np.repeat(np.arange(DOCUMENTS) > 1, EACH).astype(float)
    theirs = np.repeat(np.arange(DOCUMENTS) % 2, EACH).astype(float)
    documents = np.repeat(np.arange(DOCUMENTS), EACH)
    tags = [["early"] if document < 8 else [] for document in documents]
    [part] = slices.sliced(
        [Measured(metric, theirs, ours)], tags, design="paired", groups=documents.tolist()
    )["exact_match"]
    early = documents < 8
    expected = paired.mean_difference_clustered(ours[early], theirs[early], documents[early].tolist())
    assert part.delta == expected

"""From finished outputs to comparisons and verdicts, and what a verdict rests on."""

import copy
from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.canonical import digest
from evaltrack.errors import Conflict, Invalid
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import LedgerEntry
from evaltrack.notifications.models import Notification
from evaltrack.stats.estimate import Estimate, Undefined
from experiments import conclusion, evidence, gates, suite, verdicts
from experiments.comparison import compare
from experiments.metrics import REGISTRY
from experiments.models import Arm, Comparison, Experiment, ExperimentStatus, MetricResult, Verdict
from experiments.running import planning
from tests.factories import experiments


@pytest.fixture
def experiment(people):
    return experiments.measured(**people)


@pytest.fixture
def awaiting(people):
    """A high-risk experiment whose metrics pass and which waits for people."""
    return experiments.measured(**people, risk="high")


def record_people(experiment, by, low=0.1, high=0.5, agreement=0.6):
    return evidence.record_human_evidence(
        experiment.pk,
        net_preference=Estimate((low + high) / 2, low, high, 12, "test"),
        agreement=Estimate(agreement, agreement - 0.1, agreement + 0.1, 6, "test"),
        judgments=12,
        items=6,
        judgments_root="ab" * 32,
        by=by,
        at=clock.now(),
    )


def test_every_metric_of_the_suite_has_a_vector_per_arm_and_a_comparison(experiment):
    names = ["exact_match", "token_f1", "latency_p50"]
    assert [row.metric for row in experiment.comparisons.all()] == names
    assert MetricResult.objects.filter(run__experiment=experiment).count() == 6
    right = MetricResult.objects.get(run__experiment=experiment, run__arm="candidate", metric="exact_match")
    assert list(right.values) == [1.0] * 30
    wrong = MetricResult.objects.get(run__experiment=experiment, run__arm="baseline", metric="exact_match")
    assert list(wrong.values) == [0.0 if n % 3 == 0 else 1.0 for n in range(30)]


def test_a_missing_answer_counts_as_wrong_and_has_no_latency(people):
    experiment = experiments.submitted(**people, examples=40)

    def says(arm, output, expected):
        return None if arm == Arm.CANDIDATE and output.position == 0 else expected

    experiments.answer_all(experiment, says)
    conclusion.conclude(experiment, at=clock.now())
    of = {row.metric: row for row in experiment.comparisons.all()}
    assert (of["exact_match"].n, of["exact_match"].candidate["value"]) == (40, 39 / 40)
    assert of["latency_p50"].n == 39


def test_concluding_twice_is_a_conflict_and_changes_nothing(people):
    experiment = experiments.submitted(**people)
    experiments.answer_all(experiment, experiments.right_for(list(Arm)))
    seen_by_two = [Experiment.objects.with_names().get(pk=experiment.pk) for _ in range(2)]
    conclusion.conclude(seen_by_two[0], at=clock.now())
    with pytest.raises(Conflict):
        conclusion.conclude(seen_by_two[1], at=clock.now())
    assert experiment.verdicts.count() == 1
    assert experiment.comparisons.count() == 3


def test_equal_answers_pass_once_there_are_enough_of_them(people):
    # Without a single difference the interval still reaches z²/(n + z²): 6.0 points at 60, 4.1 at 90.
    few = experiments.measured(**people, same=True, examples=60, name="few")
    assert few.verdicts.get().outcome == "INCONCLUSIVE"
    assert "About 13 more examples would settle it" in few.verdicts.get().reasons[0]
    enough = experiments.measured(**people, same=True, examples=90, name="enough")
    assert enough.verdicts.get().outcome == "PASS"


def test_the_verdict_follows_again_from_what_is_stored(experiment):
    """Recomputing from the stored rows gives the stored decision, to the digit."""
    verdict = experiment.verdicts.get()
    rule = suite.parse(experiment.policy.body).human
    again = gates.decide(experiment.comparisons.all(), rule=rule, people=None, needed=False)
    assert (again.outcome, again.reasons) == (verdict.outcome, verdict.reasons)
    assert verdicts.evidence_digest(experiment) == verdict.evidence_digest


def test_the_comparisons_follow_again_from_the_vectors(experiment):
    plan = experiment.plan.body
    for rule in suite.parse(experiment.policy.body).metrics:
        vectors = {
            row.run.arm: row.values
            for row in MetricResult.objects.filter(run__experiment=experiment, metric=rule.metric)
        }
        again = compare(rule, REGISTRY[rule.metric], **vectors, design="paired", seed=plan["seed"])
        stored = experiment.comparisons.get(metric=rule.metric)
        assert again.delta.as_json() == stored.delta
        assert {name: test.as_json() for name, test in again.tests.items()} == stored.tests


@pytest.mark.parametrize("field", ["baseline", "candidate", "delta", "tests", "outcome"])
def test_the_evidence_digest_changes_with_any_part_of_a_comparison(experiment, field):
    before = verdicts.evidence_digest(experiment)
    changed = "FAIL" if field == "outcome" else {"undefined": "changed"}
    Comparison.objects.filter(experiment=experiment, metric="token_f1").update(**{field: changed})
    assert verdicts.evidence_digest(experiment) != before


def test_the_evidence_digest_changes_with_the_plan_and_with_people(awaiting, lead):
    before = verdicts.evidence_digest(awaiting)
    record_people(awaiting, lead)
    with_people = verdicts.evidence_digest(awaiting)
    assert with_people != before
    type(awaiting.plan).objects.filter(experiment=awaiting).update(body={**awaiting.plan.body, "seed": 1})
    with_plan = verdicts.evidence_digest(Experiment.objects.get(pk=awaiting.pk))
    assert with_plan not in {before, with_people}
    awaiting.outputs.filter(position=3).update(text="something that nobody said")
    assert verdicts.evidence_digest(Experiment.objects.get(pk=awaiting.pk)) not in {
        before,
        with_people,
        with_plan,
    }


def test_the_plan_is_locked_before_anything_is_measured(people):
    experiment = experiments.submitted(**people)
    planning.start(experiment, at=clock.now())
    assert experiment.plan.digest == digest(experiment.plan.body)
    assert experiment.plan.body["policy"] == experiment.policy.body
    assert experiment.outputs.filter(state="done").count() == 0
    [entry] = LedgerEntry.objects.filter(event=Event.PLAN_LOCKED)
    assert entry.facts == {"plan": experiment.plan.digest}


def test_the_plan_changes_with_each_part_of_the_question(people):
    experiment = experiments.submitted(**people)
    rules = suite.parse(experiment.policy.body)
    by_name = replace(rules, cluster="document")

    def planned(asked, *, under=rules, examples=30, groups=None):
        return digest(planning.plan_body(asked, under, list(range(examples)), groups))

    plans = [
        planned(experiment),
        planned(experiment, examples=29),
        planned(altered(experiment, tier="smoke")),
        planned(altered(experiment, needs_people=True)),
        planned(altered(experiment, candidate=experiment.baseline)),
        planned(experiment, under=replace(rules, alpha=0.1)),
        planned(experiment, under=by_name, groups=[0] * 30),
        planned(experiment, under=by_name, groups=[0] * 29 + [1]),
    ]
    assert len(set(plans)) == len(plans)


def altered(experiment, **changes):
    other = copy.copy(experiment)
    for name, new in changes.items():
        setattr(other, name, new)
    return other


# People


def test_an_experiment_that_needs_people_waits_for_them(awaiting):
    verdict = awaiting.verdicts.get()
    assert awaiting.status == ExperimentStatus.AWAITING_PEOPLE
    assert (verdict.outcome, verdict.automated) == ("INCONCLUSIVE", "PASS")


def test_people_decide_for_good(awaiting, lead):
    verdict = record_people(awaiting, lead)
    awaiting.refresh_from_db()
    assert (awaiting.status, verdict.outcome, verdict.number) == ("decided", "PASS", 2)
    with pytest.raises(Conflict):
        record_people(awaiting, lead)
    assert awaiting.verdicts.count() == 2


def test_people_who_disagree_with_each_other_leave_it_inconclusive(people, lead):
    strict = {**experiments.SUITE, "human": {**experiments.SUITE["human"], "floor": 0.4}}
    experiment = experiments.measured(**people, risk="high", suite=strict)
    assert record_people(experiment, lead, agreement=0.2).outcome == "INCONCLUSIVE"


def test_a_proxy_is_provisional_and_people_supersede_it(awaiting, lead, owner):
    provisional = experiments.proxy_stands_in(awaiting, lead)
    assert (provisional.outcome, provisional.provisional) == ("PASS", True)
    awaiting.refresh_from_db()
    assert awaiting.status == ExperimentStatus.AWAITING_PEOPLE
    final = record_people(awaiting, lead, low=-0.9, high=-0.7)
    assert (final.outcome, final.provisional, final.number) == ("FAIL", False, 3)
    told = Notification.objects.get(dedupe_key=f"experiment-decided:{awaiting.public_id}:3")
    assert told.recipient == owner
    assert told.body.startswith("This REVERSES the provisional PASS.")


def test_without_a_proxy_in_the_policy_nothing_stands_in(people, lead):
    human = {key: value for key, value in experiments.SUITE["human"].items() if key != "proxy"}
    experiment = experiments.measured(**people, risk="high", suite={**experiments.SUITE, "human": human})
    with pytest.raises(Invalid, match="names no proxy metric"):
        experiments.proxy_stands_in(experiment, lead)


def test_a_proxy_cannot_reopen_what_is_decided(experiment, lead):
    with pytest.raises(Conflict, match="does not wait for people"):
        experiments.proxy_stands_in(experiment, lead)


def test_undefined_agreement_never_passes(awaiting, lead):
    verdict = evidence.record_human_evidence(
        awaiting.pk,
        net_preference=Estimate(0.3, 0.1, 0.5, 12, "test"),
        agreement=Undefined("nobody judged the same item"),
        judgments=12,
        items=6,
        judgments_root="ab" * 32,
        by=lead,
        at=clock.now(),
    )
    assert verdict.outcome == "INCONCLUSIVE"


# What the database itself refuses


def test_a_verdict_has_a_known_outcome_and_a_number_of_its_own(experiment):
    with pytest.raises(IntegrityError), transaction.atomic():
        Verdict.objects.update(outcome="MAYBE")
    verdict = experiment.verdicts.get()
    verdict.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        verdict.save(force_insert=True)


def test_each_verdict_is_a_ledger_entry_with_its_digest(awaiting, lead):
    record_people(awaiting, lead)
    entries = LedgerEntry.objects.filter(event=Event.EXPERIMENT_DECIDED).order_by("index")
    assert [entry.facts["number"] for entry in entries] == [1, 2]
    assert [entry.facts["evidence_digest"] for entry in entries] == [
        verdict.evidence_digest for verdict in awaiting.verdicts.order_by("number")
    ]

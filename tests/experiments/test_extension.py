"""From a smaller tier to a larger one: every answer is kept, and the level is spent once."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from annotation.jobs import open_campaigns
from evaltrack import clock
from evaltrack.errors import Conflict, Invalid, Refused
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import LedgerEntry
from evaltrack.stats.estimate import Estimate
from experiments import conclusion, evidence, extension, policies, proxies, submission
from experiments.models import Arm, Component, Evidence, Experiment, Output, OutputState, TestPlan
from experiments.recomputation import recompute
from experiments.running import planning, scheduler
from tests.accounts.callers import bearer, signed_in
from tests.endpoint import adds, serve
from tests.experiments.running.test_scheduler import in_threads
from tests.factories import experiments

LOOKS = experiments.SUITE | {"looks": {"to": "extended", "spending": "pocock"}}
BETTER = experiments.right_for([Arm.CANDIDATE])
CLEARLY = experiments.partly_right({Arm.CANDIDATE: 1.0, Arm.BASELINE: 0.0}, 40)
pytestmark = pytest.mark.django_db


@pytest.fixture
def smoke(people):
    """Ten of forty examples, decided; of these the candidate is right on a third more than the baseline."""
    return experiments.measured(**people, examples=40, tier="smoke", suite=LOOKS)


def extend(experiment, tier="extended"):
    return extension.extend(experiment, tier=tier, by=experiment.component.owner, at=clock.now())


def test_it_is_the_same_question_as_a_further_look_of_the_same_attempt(smoke):
    larger = extend(smoke)
    assert (larger.extends, larger.tier, larger.attempt, larger.status) == (smoke, "extended", 1, "queued")
    for name in ("component", "candidate", "baseline", "dataset_version", "policy", "hypothesis", "context"):
        assert getattr(larger, name) == getattr(smoke, name)
    assert submission.rerun(smoke, by=smoke.component.owner, at=clock.now()).attempt == 2
    entry = LedgerEntry.objects.filter(event=Event.EXPERIMENT_SUBMITTED, subject_id=larger.public_id).get()
    assert f'"extends":"{smoke.public_id}"'.encode() in bytes(entry.canonical)


def test_every_answer_is_kept_and_only_the_others_are_asked(smoke):
    larger = extend(smoke)
    planning.start(larger, at=clock.now())
    kept = larger.outputs.filter(state=OutputState.DONE)
    assert (kept.count(), larger.outputs.filter(state=OutputState.OPEN).count()) == (20, 60)
    for row in kept.select_related("run"):
        before = Output.objects.get(experiment=smoke, run__arm=row.run.arm, position=row.position)
        assert all(getattr(row, name) == getattr(before, name) for name in planning.ANSWER)
        assert row.example_id == before.example_id


def test_a_worker_asks_the_endpoint_for_the_others_alone(people, impatient):
    with serve(adds) as endpoint:
        smoke = experiments.submitted(
            **people, base_url=endpoint.base_url, examples=40, tier="smoke", suite=LOOKS
        )
        scheduler.drain()
        assert len(endpoint.calls) == 20
        larger = extend(Experiment.objects.get(pk=smoke.pk))
        scheduler.drain()
        assert len(endpoint.calls) == 80
    larger.refresh_from_db()
    assert larger.status == "decided"
    assert recompute(Experiment.objects.with_names().get(pk=larger.pk)).findings == ()


def test_an_error_is_an_answer_too(people):
    def says(arm, output, expected):
        return None if arm == Arm.CANDIDATE and output.position % 5 == 0 else expected

    smoke = experiments.submitted(**people, examples=40, tier="smoke", suite=LOOKS | {"max_error_share": 0.9})
    experiments.answer_all(smoke, says)
    conclusion.conclude(smoke, at=clock.now())
    errors = smoke.outputs.filter(outcome="target_error").count()
    larger = extend(Experiment.objects.get(pk=smoke.pk))
    planning.start(larger, at=clock.now())
    assert errors
    assert larger.outputs.filter(outcome="target_error").count() == errors


def test_the_plan_locks_the_look_and_what_came_before(smoke):
    plan = experiments.extended(smoke, BETTER).plan.body
    assert plan["stop_rule"]["sizes"] == [10, 40]
    assert plan["stop_rule"]["final"] == 40
    assert plan["stop_rule"]["level"] < 0.05
    assert plan["extends"]["experiment"] == smoke.public_id
    assert plan["extends"]["plan"] == smoke.plan.digest
    assert set(plan["extends"]["outputs"]) == {"baseline", "candidate"}


def test_the_deciding_intervals_have_the_confidence_of_the_look(smoke):
    larger = experiments.extended(smoke, BETTER)
    for experiment in (smoke, larger):
        level = experiment.plan.body["stop_rule"]["level"]
        for row in experiment.comparisons.exclude(metric="latency_p50"):
            assert row.delta["confidence"] == pytest.approx(1 - level)
            assert "confidence" not in row.candidate


def test_a_first_look_is_more_careful_than_an_only_one(people, smoke):
    alone = experiments.measured(**people, examples=40, tier="smoke", name="other")
    wide, usual = (row.comparisons.get(metric="exact_match").delta for row in (smoke, alone))
    assert wide["value"] == usual["value"]
    assert wide["ci_low"] < usual["ci_low"]


def test_three_tiers_in_a_row(people):
    first = experiments.measured(**people, examples=300, tier="smoke", suite=LOOKS)
    second = experiments.extended(first, BETTER, tier="standard")
    third = experiments.extended(second, BETTER)
    assert [row.plan.body["stop_rule"]["sizes"] for row in (first, second, third)] == [
        [10], [10, 250], [10, 250, 300],
    ]  # fmt: skip
    assert {row.attempt for row in (first, second, third)} == {1}
    assert recompute(third).findings == ()


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────


def code(act):
    with pytest.raises(Conflict) as refused:
        act()
    return refused.value.code


def test_a_policy_that_plans_one_look_has_spent_its_level(people):
    alone = experiments.measured(**people, examples=40, tier="smoke")
    assert code(lambda: extend(alone)) == "no_looks"


def test_it_waits_for_the_verdict(people):
    assert code(lambda: extend(experiments.submitted(**people, tier="smoke", suite=LOOKS))) == "not_decided"


def test_what_was_cancelled_while_people_judged_is_not_extended(people):
    awaiting = experiments.measured(**people, risk="high", examples=40, tier="smoke", suite=LOOKS)
    submission.cancel(awaiting, by=people["owner"], at=clock.now())
    assert code(lambda: extend(awaiting)) == "not_decided"


@pytest.mark.parametrize("tier", ["smoke", "standard"])
def test_a_tier_that_asks_no_more_examples(people, tier):
    whole = experiments.measured(**people, examples=40, suite=LOOKS)
    assert code(lambda: extend(whole, tier)) == "not_larger"


def test_beyond_the_last_look_of_the_policy(people):
    to_standard = experiments.SUITE | {"looks": {"to": "standard", "spending": "pocock"}}
    smoke = experiments.measured(**people, examples=300, tier="smoke", suite=to_standard)
    assert code(lambda: extend(smoke)) == "beyond_the_last_look"
    assert extend(smoke, "standard").tier == "standard"


def test_a_tier_that_is_none(smoke):
    with pytest.raises(Invalid) as bad:
        extend(smoke, "all")
    assert "tier" in bad.value.fields
    sent = signed_in(smoke.component.owner).post(f"{smoke.get_absolute_url()}extend/", {"tier": "all"})
    assert sent.status_code < 500


def test_only_who_may_change_the_component(smoke, outsider):
    with pytest.raises(Refused):
        extension.extend(smoke, tier="extended", by=outsider, at=clock.now())


# ── What may be promoted ─────────────────────────────────────────────────────────────────────────────

WORSE = experiments.partly_right({Arm.CANDIDATE: 0.0, Arm.BASELINE: 1.0}, 300)


def promotable(experiment, environment="production"):
    found = Experiment.objects.with_names().get(pk=experiment.pk)
    refusal = policies.requesting(
        found.component.owner, found, environment, found.verdicts.first(), at=clock.now()
    )
    return refusal.code if refusal else "yes"


@pytest.mark.parametrize(("says", "expected"), [(BETTER, "yes"), (WORSE, "later_look")])
def test_the_newest_look_decides_what_may_be_promoted(people, says, expected):
    standard = experiments.measured(**people, examples=600, suite=LOOKS)
    assert promotable(standard) == "yes"
    later = extend(standard)
    assert promotable(standard) == "yes"
    experiments.answer_all(later, says)
    conclusion.conclude(later, at=clock.now())
    assert promotable(standard) == expected
    live = policies.live_testing(standard.component.owner, standard, standard.verdicts.first())
    assert (live.code == "later_look") == (expected == "later_look")


def test_a_further_look_that_was_cancelled_after_it_failed_counts(people):
    standard = experiments.measured(**people, examples=600, suite=LOOKS)
    Component.objects.filter(pk=standard.component_id).update(risk="high")
    later = experiments.extended(Experiment.objects.with_names().get(pk=standard.pk), WORSE)
    submission.cancel(later, by=people["owner"], at=clock.now())
    assert (later.status, promotable(standard)) == ("cancelled", "later_look")


def test_what_is_offered_is_good_for_every_promotion(smoke):
    assert extension.larger_tiers(smoke) == [("extended", 30)]


# ── Twice, at once, and after a failure ──────────────────────────────────────────────────────────────


def test_twice_is_the_same_experiment_and_another_tier_is_refused(people):
    smoke = experiments.measured(**people, examples=300, tier="smoke", suite=LOOKS)
    assert extend(smoke, "standard") == extend(smoke, "standard")
    assert code(lambda: extend(smoke, "extended")) == "already_extended"


def test_after_a_cancelled_extension_there_may_be_another(smoke):
    first = extend(smoke)
    submission.cancel(first, by=smoke.component.owner, at=clock.now())
    assert extend(smoke) != first


def test_the_database_holds_one_standing_extension(smoke):
    extend(smoke)
    other = submission.rerun(smoke, by=smoke.component.owner, at=clock.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Experiment.objects.filter(pk=other.pk).update(extends=smoke)
    with pytest.raises(IntegrityError), transaction.atomic():
        Experiment.objects.filter(pk=other.pk).update(extends=other)


def test_who_saw_what_an_extension_measured_does_not_cancel_it_and_draw_again(people):
    awaiting = experiments.measured(**people, risk="high", examples=40, tier="smoke", suite=LOOKS)
    larger = experiments.extended(awaiting, BETTER)
    submission.cancel(larger, by=people["owner"], at=clock.now())
    assert code(lambda: extend(awaiting)) == "look_spent"
    page = signed_in(people["owner"]).get(awaiting.get_absolute_url()).content.decode()
    assert "Extend to" not in page


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_is_made(smoke):
    found = []
    in_threads(*[lambda: found.append(extend(Experiment.objects.get(pk=smoke.pk)))] * 3)
    assert len(set(found)) == 1
    assert smoke.extensions.count() == 1


# ── People ───────────────────────────────────────────────────────────────────────────────────────────


def judge(experiment, by):
    return evidence.record_human_evidence(
        experiment.pk,
        net_preference=Estimate(0.3, 0.1, 0.5, 12, "test"),
        agreement=Estimate(0.6, 0.5, 0.7, 6, "test"),
        judgments=12,
        items=6,
        judgments_root="ab" * 32,
        by=by,
        at=clock.now(),
    )


@pytest.fixture
def awaiting(people):
    return experiments.measured(**people, risk="high", examples=40, tier="smoke", suite=LOOKS)


def test_what_people_said_of_the_answers_counts_for_the_extension(awaiting, lead):
    judge(awaiting, lead)
    larger = experiments.extended(awaiting, CLEARLY)
    assert larger.status == "decided"
    verdict = larger.verdicts.get()
    assert (verdict.outcome, verdict.people) == ("PASS", "PASS")
    assert Evidence.objects.get(experiment=larger).body["judged_in"] == awaiting.public_id
    assert recompute(larger).findings == ()


def test_also_when_they_say_it_after_the_extension_was_measured(awaiting, lead):
    larger = experiments.extended(awaiting, CLEARLY)
    assert larger.status == "awaiting_people"
    judge(awaiting, lead)
    larger.refresh_from_db()
    assert larger.status == "decided"
    assert [row.outcome for row in larger.verdicts.all()] == ["PASS", "INCONCLUSIVE"]


def test_an_extension_that_was_cancelled_keeps_nobody_from_their_verdict(awaiting, lead):
    larger = experiments.extended(awaiting, CLEARLY)
    submission.cancel(larger, by=larger.component.owner, at=clock.now())
    assert judge(awaiting, lead).people == "PASS"
    larger.refresh_from_db()
    assert (larger.status, larger.evidence.count()) == ("cancelled", 0)


def test_a_proxy_stands_in_for_both_and_people_replace_it_in_both(awaiting, lead):
    larger = experiments.extended(awaiting, CLEARLY)
    experiments.proxy_stands_in(awaiting, lead)
    larger = Experiment.objects.get(pk=larger.pk)
    assert [row.provisional for row in larger.verdicts.all()] == [True, False]
    judge(awaiting, lead)
    larger = Experiment.objects.get(pk=larger.pk)
    assert larger.status == "decided"
    assert not larger.verdicts.first().provisional
    assert findings(larger) == ""


def test_a_proxy_that_stands_in_already_stands_in_for_the_extension(awaiting, lead):
    experiments.proxy_stands_in(awaiting, lead)
    larger = experiments.extended(awaiting, CLEARLY)
    assert (larger.status, larger.verdicts.get().provisional) == ("awaiting_people", True)
    own, kept = proxies.newest(larger).body, proxies.newest(awaiting).body
    # Of its own examples it may say something else.
    assert own | {"outcome": ""} == kept | {"outcome": "", "judged_in": awaiting.public_id}


def test_a_larger_look_at_which_the_proxy_says_otherwise_takes_back_its_pass(people, lead):
    """The proxy is no metric of the gate, so the metrics alone still pass."""
    secondary = [
        row | ({"role": "secondary"} if row["metric"] == "exact_match" else {}) for row in LOOKS["metrics"]
    ]
    standard = experiments.measured(**people, risk="high", examples=600, suite=LOOKS | {"metrics": secondary})
    larger = experiments.extended(standard, BETTER)
    larger.comparisons.filter(metric="exact_match").update(outcome="FAIL")
    experiments.proxy_stands_in(standard, lead)
    first, second = (Experiment.objects.get(pk=row.pk).verdicts.first() for row in (standard, larger))
    assert (first.outcome, second.outcome, second.automated) == ("PASS", "FAIL", "PASS")
    assert promotable(standard, "staging") == "later_look"
    # People outrank it, also where the larger look was cancelled before they had judged.
    submission.cancel(larger, by=larger.component.owner, at=clock.now())
    assert promotable(standard, "staging") == "later_look"
    judge(standard, lead)
    assert Experiment.objects.get(pk=standard.pk).verdicts.first().outcome == "PASS"
    assert promotable(standard, "staging") == "yes"


def test_when_the_time_of_the_proxy_is_over_no_extension_has_it(awaiting, lead):
    earlier = clock.now() - dt.timedelta(days=15)
    experiments.proxy_stands_in(awaiting, lead, at=earlier)
    first = experiments.extended(awaiting, CLEARLY)
    assert not first.verdicts.get().provisional


def test_no_second_campaign_asks_people_about_answers_that_they_judge_already(awaiting):
    larger = experiments.extended(awaiting, CLEARLY)
    open_campaigns()
    assert (awaiting.campaigns.count(), larger.campaigns.count()) == (1, 0)
    submission.cancel(awaiting, by=awaiting.component.owner, at=clock.now())
    open_campaigns()
    assert larger.campaigns.count() == 1


# ── What somebody with a way into the database did ───────────────────────────────────────────────────


def findings(experiment):
    return " ".join(recompute(Experiment.objects.with_names().get(pk=experiment.pk)).findings)


def alter(rows, **change):
    Output.objects.filter(pk=rows.first().pk).update(**change)


def test_a_kept_answer_that_was_altered_is_named(smoke):
    larger = experiments.extended(smoke, BETTER)
    kept = larger.outputs.filter(finished_at__lt=larger.plan.locked_at, run__arm="candidate")
    alter(kept, endpoint_model="another")
    assert f"An output of the candidate is not the one that was kept from {smoke}." in findings(larger)


def test_an_answer_that_was_altered_on_both_sides_is_named(smoke):
    larger = experiments.extended(smoke, BETTER)
    kept = larger.outputs.filter(finished_at__lt=larger.plan.locked_at, run__arm="candidate").first()
    for experiment in (smoke, larger):
        alter(experiment.outputs.filter(run__arm="candidate", position=kept.position), text="forged")
    assert f"{smoke}, which this extends, is not what the plan names" in findings(larger)


def test_answers_from_before_the_plan_are_named_however_they_came(smoke):
    larger = experiments.extended(smoke, BETTER)
    own = larger.outputs.filter(finished_at__gte=larger.plan.locked_at)
    alter(own, finished_at=smoke.plan.locked_at)
    assert "is older than the plan" in findings(larger)


def test_a_look_that_allows_itself_more_is_named(smoke):
    larger = experiments.extended(smoke, BETTER)
    body = larger.plan.body
    body["stop_rule"] = {"kind": "fixed", "alpha": 0.05}
    TestPlan.objects.filter(experiment=larger).update(body=body)
    assert "another stop rule than the policy gives for this look" in findings(larger)


def test_a_look_at_something_else_is_named(smoke):
    larger = experiments.extended(smoke, BETTER)
    other = submission.rerun(smoke, by=smoke.component.owner, at=clock.now())
    for before in (None, other):
        Experiment.objects.filter(pk=larger.pk).update(extends=before)
        assert "This extends another experiment than the one that the plan names, or none." in findings(
            larger
        )


# ── Doors ────────────────────────────────────────────────────────────────────────────────────────────


def test_by_the_api(smoke, ci):
    client = bearer(ci, "experiments:submit", "experiments:view")
    address = f"/api/v1/experiments/{smoke.public_id}/extend"
    made = client.post(address, {"tier": "extended"}, content_type="application/json")
    assert made.status_code == 202
    assert made.json()["extends"] == smoke.public_id
    again = client.post(address, content_type="application/json")
    assert again.json()["id"] == made.json()["id"]
    wrong = client.post(address, {"tier": "all"}, content_type="application/json")
    assert wrong.status_code == 400
    onward = client.post(f"/api/v1/experiments/{made.json()['id']}/extend", content_type="application/json")
    assert (onward.status_code, onward.json()["code"]) == (409, "not_decided")


def test_by_the_page_which_shows_the_looks(smoke):
    browser = signed_in(smoke.component.owner)
    page = browser.get(smoke.get_absolute_url()).content.decode()
    assert "Look 1: 10 of 40 examples" in page
    assert "Extend to 40 examples" in page
    assert "asks 30 further examples of both arms" in page
    assert "so that all planned looks together err no more than one at 5 %" in page
    done = browser.post(f"{smoke.get_absolute_url()}extend/", {"tier": "extended"}, follow=True)
    assert f'extended from <a href="{smoke.get_absolute_url()}">' in done.content.decode()
    assert "Look 2: 40 of 40 examples" in done.content.decode()
    before = browser.get(smoke.get_absolute_url()).content.decode()
    assert "Look 2: 40 of 40 examples" in before
    assert "Extend to" not in before


def test_a_policy_with_one_look_shows_none(people):
    alone = experiments.measured(**people, examples=40, tier="smoke")
    page = signed_in(alone.component.owner).get(alone.get_absolute_url()).content.decode()
    assert "Looks</h2>" not in page
    assert "with their 95 % interval" in page

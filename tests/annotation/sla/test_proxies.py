"""A proxy passes the gate only where the policy lets it and it is known to agree with people, and for a time."""

import datetime as dt

import pytest
from django.utils.html import escape

from annotation import campaigns
from annotation.agreement import beside_metric
from annotation.models import Campaign
from annotation.sla import validity
from evaltrack import clock
from evaltrack.errors import Refused
from evaltrack.ledger.models import LedgerEntry
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.judge import rectified_mean
from experiments import evidence, jobs, leanings
from experiments.models import Evidence, Experiment
from tests.accounts.callers import signed_in
from tests.factories import annotation as factory
from tests.factories import experiments as made
from tests.factories.proxies import (
    DIFFERING,
    ITEMS,
    REASON,
    SHARES,
    judged,
    late,
    recomputes,
    suite,
    unblock,
    verdict_of,
)

# ── Whether it may pass ──────────────────────────────────────────────────────────────────────────────


def test_a_proxy_that_is_known_to_agree_with_people_may_pass(known, lead):
    found = validity.of(known, at=clock.now())
    assert (found.labels, found.campaigns, found.eligible, found.lacks) == (104, 4, True, ())
    unblock(known, lead)
    verdict = verdict_of(known)
    assert (verdict.outcome, verdict.provisional, verdict.people) == ("PASS", True, "PROXY by exact_match")
    assert "26 judgments are missing; against 104 human labels its bias is" in verdict.reasons[1]
    assert recomputes(known) == ()


def test_the_bias_is_that_of_what_was_said_item_by_item(known):
    """By hand: over all items what the metric says, less what people said."""
    apart = []
    for campaign in Campaign.objects.exclude(pk=known.pk):
        leaning = leanings.leanings(campaign.experiment, "exact_match")
        for task in campaign.tasks.all():
            (judgment,) = campaign.judgments.filter(task=task)
            sources = factory.sources_of(task)
            said = {"first": sources[0], "second": sources[1]}.get(judgment.choice, "tie")
            apart.append(leaning[task.item] - {"candidate": 1, "baseline": -1, "tie": 0}[said])
    found = validity.of(known, at=clock.now())
    assert found.bias.value == pytest.approx(sum(apart) / len(apart))
    assert found.bias.n == len(apart) == 104


def test_a_proxy_that_people_contradict_does_not_pass(several, evaluator_one, lead):
    for experiment in several[:4]:
        judged(experiment, evaluator_one, lead, leans="baseline")
    campaign = late(several[4])
    found = validity.of(campaign, at=clock.now())
    assert not found.eligible
    assert found.bias.value > 1
    unblock(campaign, lead)
    verdict = verdict_of(campaign)
    assert (verdict.outcome, verdict.provisional) == ("INCONCLUSIVE", True)
    assert verdict.reasons[1].startswith("It cannot pass the gate before it is known to agree with people:")
    assert "exact_match's bias" in verdict.reasons[1]
    assert recomputes(campaign) == ()


def test_of_a_campaign_only_what_was_said_lately_counts(known):
    first = Campaign.objects.exclude(pk=known.pk).order_by("pk").first()
    old = [judgment.pk for judgment in first.judgments.order_by("pk")[:6]]
    first.judgments.filter(pk__in=old).update(submitted_at=clock.now() - dt.timedelta(days=91))
    assert validity.of(known, at=clock.now()).labels == 98


def test_what_people_said_long_ago_is_no_longer_known(known, lead):
    found = validity.of(known, at=clock.now() + dt.timedelta(days=91))
    assert (found.labels, found.eligible) == (0, False)
    assert found.lacks[0].startswith("0 human labels of the last 90 days")


def test_one_campaign_says_nothing_of_other_candidates(several, evaluator_one, lead):
    judged(several[0], evaluator_one, lead, differs=DIFFERING[0])
    found = validity.of(late(several[1]), at=clock.now())
    assert found.campaigns == 1
    assert any(
        "favour for one system" in reason and "without an interval" in reason for reason in found.lacks
    )


def test_a_metric_that_was_set_otherwise_is_another_judge(known):
    other = known.experiment
    other.plan.body["metric_versions"]["exact_match"] = "another"
    other.plan.save(update_fields=["body"])
    assert validity.of(known, at=clock.now()).labels == 0


def test_programs_and_other_components_say_nothing(known, lead, owner, platform, custodian):
    Campaign.objects.exclude(pk=known.pk).update(is_simulated=True)
    assert validity.of(known, at=clock.now()).labels == 0
    Campaign.objects.update(is_simulated=False)
    elsewhere = made.measured(
        owner=owner, platform=platform, custodian=custodian, name="other", risk="high", suite=suite()
    )
    assert validity.of(late(elsewhere), at=clock.now()).labels == 0


def test_a_policy_that_does_not_list_it_keeps_a_proxy_from_passing(
    owner, platform, custodian, evaluator_one, lead
):
    given = {"owner": owner, "platform": platform, "custodian": custodian, "risk": "high", "examples": 60}
    several = made.several(SHARES, suite=suite(proxy_may_pass=False), **given)
    for experiment, differs in zip(several, DIFFERING, strict=False):
        judged(experiment, evaluator_one, lead, differs=differs)
    campaign = late(several[4])
    assert validity.of(campaign, at=clock.now()).eligible
    unblock(campaign, lead)
    verdict = verdict_of(campaign)
    assert verdict.outcome == "INCONCLUSIVE"
    assert "does not list it as a proxy that may" in verdict.reasons[1]


def test_a_margin_of_nothing_is_within_nothing(several, evaluator_one, lead):
    campaign = late(several[0])
    campaign.experiment.policy.body["human"]["margin"] = 0
    campaign.experiment.policy.save(update_fields=["body"])
    assert validity.of(campaign, at=clock.now()).lacks == (
        "the policy's margin is 0, and no interval lies within it",
    )


# ── For how long ─────────────────────────────────────────────────────────────────────────────────────


def test_its_time_is_over_once_and_the_experiment_waits_again(known, lead, owner):
    unblock(known, lead)
    later = clock.now() + dt.timedelta(days=14, minutes=1)
    assert evidence.let_proxies_expire(at=later - dt.timedelta(minutes=2)) == 0
    assert [evidence.let_proxies_expire(at=later), evidence.let_proxies_expire(at=later)] == [1, 0]
    verdict = verdict_of(known)
    assert (verdict.outcome, verdict.provisional, verdict.cause) == (
        "INCONCLUSIVE",
        False,
        "the proxy's time is over",
    )
    assert Experiment.objects.get(pk=known.experiment_id).status == "awaiting_people"
    assert lead.notifications.filter(dedupe_key__startswith="proxy-expired").count() == 1
    told = owner.notifications.order_by("-pk").first()
    assert told.body.startswith("The proxy's time is over: the provisional PASS does not hold any more.")
    assert recomputes(known) == ()


def test_the_job_lets_it_expire(known, lead):
    unblock(known, lead, at=clock.now() - dt.timedelta(days=15))
    jobs.let_proxies_expire()
    assert not verdict_of(known).provisional


def test_afterwards_it_can_stand_in_once_more_and_not_before(known, lead):
    unblock(known, lead)
    with pytest.raises(Refused) as refused:
        unblock(known, lead, at=clock.now() + dt.timedelta(days=13))
    assert refused.value.code == "not_blocked"
    unblock(known, lead, at=clock.now() + dt.timedelta(days=15))
    assert verdict_of(known).provisional
    assert Evidence.objects.filter(experiment=known.experiment, kind="proxy").count() == 2


def test_people_who_have_judged_are_not_undone_when_its_time_is_over(known, lead, evaluator_one):
    unblock(known, lead)
    factory.judge_everything([evaluator_one], factory.prefers_candidate)
    campaigns.close(known.pk, by=lead, at=clock.now())
    before = verdict_of(known)
    assert evidence.let_proxies_expire(at=clock.now() + dt.timedelta(days=15)) == 0
    assert verdict_of(known) == before


def test_people_who_say_otherwise_reverse_it_and_the_owner_is_told(known, lead, owner, evaluator_one):
    unblock(known, lead)
    factory.judge_everything([evaluator_one], factory.prefers_baseline)
    campaigns.close(known.pk, by=lead, at=clock.now())
    assert verdict_of(known).outcome == "FAIL"
    message = owner.notifications.order_by("-pk").first()
    assert message.body.startswith("This REVERSES the provisional PASS.")


def test_evidence_of_before_decides_as_it_did(known, lead):
    old = {"metric": "exact_match", "outcome": "PASS", "validity": Undefined("not measured").as_json()}
    verdict = evidence.stand_in(known.experiment, like=old, by=lead, reason=REASON, at=clock.now())
    assert (verdict.outcome, verdict.reasons[0].split(".")[0]) == (
        "PASS",
        "PROXY: exact_match stands in for people and says PASS",
    )
    assert evidence.let_proxies_expire(at=clock.now() + dt.timedelta(days=900)) == 0
    assert recomputes(known) == ()


def test_the_ledger_says_how_well_it_was_known_and_until_when(known, lead):
    unblock(known, lead)
    facts = LedgerEntry.objects.get(event="proxy_evidence_recorded").content["facts"]
    assert (facts["may_pass"], facts["labels"], facts["outcome"]) == (True, 104, "PASS")
    assert facts["expires_at"].startswith(f"{clock.now() + dt.timedelta(days=14):%Y-%m-%d}")


# ── What is shown ────────────────────────────────────────────────────────────────────────────────────


def test_the_page_says_how_well_it_is_known_before_a_lead_decides(known, lead):
    page = signed_in(lead).get(known.get_absolute_url()).content.decode()
    assert "It is known well enough to agree with people, so it may pass the gate." in page
    assert "over 104 items that people judged" in page


def test_every_page_of_the_experiment_says_proxy(known, lead, owner):
    unblock(known, lead)
    client = signed_in(owner)
    page = client.get(known.experiment.get_absolute_url()).content.decode()
    assert "PROXY: provisional" in page
    assert "26 judgments of people are missing" in page
    assert escape("exact_match's bias") in page
    assert "PROXY: provisional" in client.get("/experiments/").content.decode()
    told = client.get(f"/api/v1/experiments/{known.experiment.public_id}").json()["verdict"]
    assert (told["provisional"], told["people"]) == (True, "PROXY by exact_match")
    assert any("against 104 human labels" in reason for reason in told["reasons"])
    evidence.let_proxies_expire(at=clock.now() + dt.timedelta(days=15))
    assert "PROXY: provisional" not in client.get("/experiments/").content.decode()


# ── People beside the metric ─────────────────────────────────────────────────────────────────────────


def test_what_people_would_say_of_all_examples_is_ppi_of_their_sample(known):
    campaign = Campaign.objects.exclude(pk=known.pk).order_by("pk").first()
    said = beside_metric.said(campaign, "exact_match")
    assert (len(said.people), len(said.others)) == (ITEMS, 60 - ITEMS)
    kept = Evidence.objects.get(experiment=campaign.experiment, kind="human").body["beside_metric"]
    expected = rectified_mean(said.people, said.metric, said.others)
    assert kept["net_preference"] == expected.estimate.as_json()
    assert (kept["metric"], kept["metric_only"]) == ("exact_match", 34)


def test_of_examples_that_people_judged_all_of_nothing_is_left_to_the_metric(campaign):
    assert isinstance(beside_metric.of_all_examples(campaign, "no_such_metric"), Undefined)

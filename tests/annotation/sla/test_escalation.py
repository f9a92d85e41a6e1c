"""Overdue tasks reach the leads once; a proxy may stand in for people who are late."""

import pytest

from annotation import campaigns, jobs, opening
from annotation.models import Campaign, Escalation, Level
from annotation.sla import escalation
from evaltrack import clock
from evaltrack.errors import Conflict, Invalid, Refused
from evaltrack.ledger.models import LedgerEntry
from experiments.models import EvidenceKind, Experiment, ExperimentStatus
from tests.accounts.callers import signed_in
from tests.factories import annotation as factory

REASON = "The release cannot wait until Monday."


def escalate():
    return escalation.escalate_overdue(at=clock.now())


def told(somebody):
    return list(somebody.notifications.filter(dedupe_key__startswith="tasks-overdue").order_by("pk"))


# ── Escalation ───────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_escalated_before_it_is_due(campaign, lead):
    assert escalate() == 0
    assert told(lead) == []


def test_each_task_is_escalated_once_and_the_leads_get_one_message(campaign, lead, owner, evaluator_one):
    factory.becomes_due(campaign)
    assert [escalate(), escalate()] == [12, 0]
    jobs.escalate_overdue()
    assert [Escalation.objects.filter(level=level).count() for level in Level] == [0, 6, 6, 0]
    (message,) = told(lead)
    assert message.subject == f"6 overdue tasks: {campaign.experiment} waits for people"
    assert message.path == campaign.get_absolute_url()
    assert "to others" not in message.body
    assert told(owner) == told(evaluator_one) == []


def test_tasks_that_become_due_later_are_told_of_when_they_do(campaign, lead):
    items = list(campaign.tasks.values_list("item", flat=True))
    factory.becomes_due(campaign, *items[:2])
    assert escalate() == 4
    factory.becomes_due(campaign)
    assert escalate() == 8
    assert [message.subject.split()[0] for message in told(lead)] == ["2", "4"]


def test_what_is_judged_is_not_overdue(campaign, both):
    factory.judge_everything(both)
    factory.becomes_due(campaign)
    assert escalate() == 0


def test_one_missing_judgment_is_enough(campaign, both):
    factory.judge_everything(both[:1])
    factory.judge(factory.next_for(both[1]))
    factory.becomes_due(campaign)
    assert escalate() == 10


def test_a_simulated_campaign_is_never_late(campaign):
    simulated = opening.open_campaign(campaign.experiment, at=clock.now(), is_simulated=True)
    factory.becomes_due(simulated)
    assert escalate() == 0


# ── Unblocking by proxy ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def overdue(owner, platform, custodian, lead):
    campaign = factory.open_campaign(
        owner=owner, platform=platform, custodian=custodian, suite=factory.suite(items=12)
    )
    factory.becomes_due(campaign)
    escalate()
    return campaign


def unblock(campaign, by, reason=REASON):
    return escalation.unblock_by_proxy(campaign.pk, by=by, reason=reason, at=clock.now())


def experiment_of(campaign):
    return Experiment.objects.get(pk=campaign.experiment_id)


def test_a_proxy_makes_a_provisional_verdict_and_says_so(overdue, lead):
    unblocked = unblock(overdue, lead)
    verdict = experiment_of(overdue).verdicts.first()
    assert (verdict.outcome, verdict.provisional) == ("INCONCLUSIVE", True)
    assert verdict.people == "PROXY by exact_match"
    assert "PROXY: exact_match stands in for people and says PASS" in verdict.reasons[0]
    assert "It cannot pass the gate" in verdict.reasons[1]
    assert "24 judgments are missing; 0 human labels are known" in verdict.reasons[2]
    assert (unblocked.unblocked_by, unblocked.unblocking_reason) == (lead, REASON)
    assert experiment_of(overdue).status == ExperimentStatus.AWAITING_PEOPLE


def test_a_proxy_stands_in_only_for_people_who_are_late(campaign, lead):
    with pytest.raises(Refused) as refused:
        unblock(campaign, lead)
    assert refused.value.code == "not_overdue"
    assert not campaign.experiment.evidence.exists()


def test_only_leads_let_a_proxy_stand_in(overdue, owner, platform, approver, admin_person, evaluator_one):
    for somebody in (owner, platform, approver, admin_person, evaluator_one):
        with pytest.raises(Refused) as refused:
            unblock(overdue, somebody)
        assert refused.value.code == "not_lead"
    assert not overdue.experiment.evidence.exists()


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("", "reason_too_short"),
        ("too short", "reason_too_short"),
        ("   short     ", "reason_too_short"),
        (f"{REASON}\x00", "unwritable_reason"),
    ],
)
def test_a_reason_is_needed(overdue, lead, reason, code):
    with pytest.raises(Invalid) as refused:
        unblock(overdue, lead, reason)
    assert refused.value.code == code
    assert Campaign.objects.get(pk=overdue.pk).unblocked_at is None


def test_a_campaign_is_unblocked_once(overdue, lead):
    unblock(overdue, lead)
    with pytest.raises(Refused) as refused:
        unblock(overdue, lead)
    assert refused.value.code == "not_blocked"
    assert overdue.experiment.evidence.filter(kind=EvidenceKind.PROXY).count() == 1


def test_a_policy_without_a_proxy_unblocks_nothing(owner, platform, custodian, lead):
    campaign = factory.open_campaign(
        owner=owner, platform=platform, custodian=custodian, suite=factory.suite(proxy="")
    )
    factory.becomes_due(campaign)
    escalate()
    with pytest.raises(Invalid) as refused:
        unblock(campaign, lead)
    assert refused.value.code == "no_proxy"
    assert Campaign.objects.get(pk=campaign.pk).unblocked_at is None


def test_unblocking_is_in_the_ledger_with_its_reason(overdue, lead):
    unblock(overdue, lead)
    events = list(LedgerEntry.objects.order_by("-index").values_list("event", flat=True)[:3])
    assert events == ["campaign_unblocked", "experiment_decided", "proxy_evidence_recorded"]
    entry = LedgerEntry.objects.get(event="campaign_unblocked")
    assert (entry.actor, entry.actor_role) == (lead.public_id, "lead")
    assert entry.content["statements"].keys() == {"reason"}
    assert REASON not in bytes(entry.canonical).decode()


def test_people_go_on_judging_and_supersede_the_proxy(overdue, lead, both, owner):
    unblock(overdue, lead)
    assert factory.judge_everything(both, factory.prefers_candidate) == 24
    campaigns.close(overdue.pk, by=lead, at=clock.now())
    verdicts = [(each.outcome, each.provisional) for each in experiment_of(overdue).verdicts.all()]
    assert verdicts == [("PASS", False), ("INCONCLUSIVE", True), ("INCONCLUSIVE", False)]
    assert "REVERSES" not in owner.notifications.order_by("-pk").first().body


def test_people_who_say_otherwise_replace_the_proxy_and_the_owner_is_told(overdue, lead, both, owner):
    unblock(overdue, lead)
    factory.judge_everything(both, factory.prefers_baseline)
    campaigns.close(overdue.pk, by=lead, at=clock.now())
    verdict = experiment_of(overdue).verdicts.first()
    assert (verdict.outcome, verdict.provisional) == ("FAIL", False)
    message = owner.notifications.order_by("-pk").first()
    assert message.subject == f"{overdue.experiment}: FAIL"
    assert message.body.startswith("This replaces the provisional INCONCLUSIVE.")


def test_a_closed_campaign_needs_no_proxy(overdue, lead, both):
    factory.judge_everything(both)
    campaigns.close(overdue.pk, by=lead, at=clock.now())
    with pytest.raises(Refused) as refused:
        unblock(overdue, lead)
    assert refused.value.code == "not_blocked"


def test_a_simulated_campaign_blocks_nothing(overdue, lead):
    simulated = opening.open_campaign(overdue.experiment, at=clock.now(), is_simulated=True)
    with pytest.raises(Refused) as refused:
        unblock(simulated, lead)
    assert refused.value.code == "simulated"


def test_two_leads_who_unblock_at_once_leave_one_reason(overdue, lead):
    """The second one saw the campaign before the first one's decision."""
    Campaign.objects.filter(pk=overdue.pk).update(
        unblocked_by=lead, unblocked_at=clock.now(), unblocking_reason=REASON
    )
    with pytest.raises((Refused, Conflict)):
        unblock(overdue, lead, "Another reason, a little later.")
    assert Campaign.objects.get(pk=overdue.pk).unblocking_reason == REASON


# ── The page ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_offers_the_proxy_only_when_people_are_late(campaign, lead):
    client = signed_in(lead)
    assert "people still have time to judge" in client.get(campaign.get_absolute_url()).content.decode()
    factory.becomes_due(campaign)
    escalate()
    page = client.get(campaign.get_absolute_url()).content.decode()
    assert f'action="{campaign.get_absolute_url()}unblock/"' in page
    assert "Overdue" in page


def test_unblocking_on_the_page(overdue, lead):
    client = signed_in(lead)
    short = client.post(f"{overdue.get_absolute_url()}unblock/", {"reason": "soon"}, follow=True)
    assert "at least 10 characters" in short.content.decode()
    done = client.post(f"{overdue.get_absolute_url()}unblock/", {"reason": REASON}, follow=True)
    assert "PROXY" in done.content.decode()
    assert REASON in done.content.decode().replace("&#x27;", "'")

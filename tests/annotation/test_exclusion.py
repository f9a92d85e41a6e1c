"""A task that nobody will judge is left out, so that its campaign can close."""

import pytest
from django.db import IntegrityError, transaction

from annotation import assignment, campaigns, presenters
from annotation.agreement import figures
from annotation.models import CampaignStatus, Judgment, Slot, SlotState, Task
from annotation.sla import escalation
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Conflict, Gone, Invalid, Refused
from evaltrack.ledger.models import LedgerEntry
from evaltrack.ledger.verification import verify
from experiments import submission
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory

REASON = "The request was cut off, so nobody can judge it."


def skip(shown, reason="The request or a response is broken"):
    return assignment.give_back(
        shown.public_id, by=shown.evaluator, state="skipped", at=clock.now(), skip_reason=reason
    )


def exclude(task, by, reason=REASON):
    return campaigns.exclude_task(task.pk, by=by, reason=reason, at=clock.now())


@pytest.fixture
def stuck(campaign, both):
    """The task that one evaluator judged and the other one skipped; everything else is judged."""
    stuck = campaign.tasks.order_by("pk").first()
    factory.judge_everything(both[:1], factory.prefers_candidate)
    while shown := factory.next_for(both[1]):
        if shown.task == stuck:
            skip(shown)
        else:
            factory.judge(shown, factory.prefers_candidate(shown))
    factory.the_minute_passes()
    return stuck


def test_a_campaign_closes_without_what_everybody_skipped(campaign, stuck, lead):
    with pytest.raises(Refused, match="1 judgments are still missing"):
        campaigns.close(campaign.pk, by=lead, at=clock.now())
    exclude(stuck, lead)
    assert campaigns.close(campaign.pk, by=lead, at=clock.now()).status == CampaignStatus.CLOSED
    evidence = campaign.experiment.evidence.get()
    assert (evidence.body["judgments"], evidence.body["items"]) == (10, 5)


def test_judgments_of_an_excluded_task_stay_and_count_in_nothing(campaign, stuck, lead):
    assert figures.of(campaign, at=clock.now()).n_judgments == 11
    exclude(stuck, lead)
    found = figures.of(campaign, at=clock.now())
    assert (found.n_judgments, found.n_items, sum(found.counts.values())) == (10, 5, 10)
    assert Judgment.objects.filter(task=stuck).count() == 1


def test_what_was_excluded_is_in_the_root_and_counted_at_the_closing(campaign, stuck, lead):
    exclude(stuck, lead)
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    facts = LedgerEntry.objects.get(event="campaign_closed").content["facts"]
    assert facts["excluded"] == 1
    assert campaigns.judgments_root(campaign) == facts["judgments_root"]
    Task.objects.filter(pk=stuck.pk).update(excluded_by=None, excluded_at=None, exclusion_reason="")
    assert campaigns.judgments_root(campaign) != facts["judgments_root"]


def test_an_exclusion_is_in_the_ledger_with_its_reason(campaign, stuck, lead):
    exclude(stuck, lead)
    entry = LedgerEntry.objects.get(event="task_excluded")
    assert (entry.actor, entry.subject_id) == (lead.public_id, str(campaign.public_id))
    assert entry.content["facts"] == {"task": str(stuck.public_id)}
    assert entry.content["statements"].keys() == {"reason"}
    assert REASON not in bytes(entry.canonical).decode()
    assert verify().ok


def test_an_excluded_task_leaves_the_queue_and_the_screen(campaign, both, lead, evaluator_three):
    skipped = skip(factory.next_for(both[0]))
    shown = factory.next_for(both[1])
    assert shown.task == skipped.task
    exclude(shown.task, lead)
    with pytest.raises(Gone) as refused:
        factory.judge(shown)
    assert refused.value.code == "withdrawn"
    assert factory.judge_everything([both[1], evaluator_three]) == 10
    assert not Judgment.objects.filter(task=shown.task).exists()
    assert presenters.my_work(both[0])[0]["waiting"] is False


def test_an_excluded_task_leaves_the_progress(campaign, stuck, both, lead):
    exclude(stuck, lead)
    body = bearer(lead, Permission.VIEW_CAMPAIGNS).get(f"/api/v1/campaigns/{campaign.public_id}").json()
    assert (body["tasks"], body["excluded"]) == (5, 1)
    assert (body["judgments"], body["judgments_wanted"]) == (10, 10)
    client = signed_in(lead)
    assert "10 of 10 done" in client.get(campaign.get_absolute_url()).content.decode()
    assert "10 of 10" in client.get("/campaigns/").content.decode()


def test_an_excluded_task_leaves_an_evaluators_count(campaign, both, lead):
    skipped = skip(factory.next_for(both[0]))
    exclude(skipped.task, lead)
    screen = presenters.screen(factory.next_for(both[0]))
    assert (screen.done, screen.total) == (0, 5)


def test_an_excluded_task_is_not_overdue(campaign, stuck, lead):
    exclude(stuck, lead)
    factory.becomes_due(campaign)
    assert escalation.escalate_overdue(at=clock.now()) == 0


def test_only_leads_exclude(campaign, stuck, both, owner, platform, approver, admin_person):
    for somebody in (owner, platform, approver, admin_person, both[0]):
        with pytest.raises(Refused) as refused:
            exclude(stuck, somebody)
        assert refused.value.code == "not_lead"


def test_what_nobody_skipped_is_not_excluded(campaign, lead):
    """Leaving out what one does not like would be a way to choose the result."""
    with pytest.raises(Refused) as refused:
        exclude(campaign.tasks.first(), lead)
    assert refused.value.code == "not_skipped"


def test_what_enough_people_judged_is_not_excluded(campaign, both, lead, evaluator_three):
    skipped = skip(factory.next_for(both[0]))
    factory.judge_everything([both[1], evaluator_three])
    with pytest.raises(Conflict) as refused:
        exclude(skipped.task, lead)
    assert refused.value.code == "not_missing"


def test_excluding_twice_is_a_conflict(stuck, lead):
    exclude(stuck, lead)
    with pytest.raises(Conflict):
        exclude(stuck, lead)
    assert LedgerEntry.objects.filter(event="task_excluded").count() == 1


def test_nothing_is_excluded_from_a_closed_campaign(campaign, both, lead, owner):
    skipped = skip(factory.next_for(both[0]))
    submission.cancel(campaign.experiment, by=owner, at=clock.now())
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    with pytest.raises(Refused) as refused:
        exclude(skipped.task, lead)
    assert refused.value.code == "campaign_closed"


@pytest.mark.parametrize("reason", ["", "too short", f"{REASON}\x00"])
def test_a_reason_is_needed(stuck, lead, reason):
    with pytest.raises(Invalid):
        exclude(stuck, lead, reason)
    assert Task.objects.get(pk=stuck.pk).excluded_at is None
    assert Slot.objects.filter(task=stuck, state=SlotState.OPEN).exists()


def test_an_exclusion_says_who_when_and_why(stuck, lead):
    for part in (
        {"excluded_by": lead},
        {"excluded_at": clock.now()},
        {"exclusion_reason": REASON},
        {"excluded_by": lead, "excluded_at": clock.now()},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Task.objects.filter(pk=stuck.pk).update(**part)


# ── The page ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_lists_what_was_skipped_and_why_but_not_by_whom(campaign, both, lead, owner):
    skipped = skip(factory.next_for(both[0]), reason="I cannot judge this subject")
    again = factory.next_for(both[1])
    assert again.task == skipped.task
    skip(again, reason="I cannot judge this subject")
    page = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    assert f"<strong>{skipped.task.item}</strong>: skipped by 2 evaluators" in page
    assert "I cannot judge this subject (2×)" in page
    assert not any(evaluator.username in page for evaluator in both)
    assert "I cannot judge" not in signed_in(owner).get(campaign.get_absolute_url()).content.decode()


def test_excluding_on_the_page(campaign, stuck, lead):
    client, path = signed_in(lead), f"{campaign.get_absolute_url()}exclude/"
    form = {"task": str(stuck.public_id), "reason": REASON}
    short = client.post(path, form | {"reason": "soon"}, follow=True)
    assert "at least 10 characters" in short.content.decode()
    for odd in ("", "soon", str(campaign.public_id)):
        answer = client.post(path, form | {"task": odd}, follow=True)
        assert "no such task" in answer.content.decode()
    done = client.post(path, form, follow=True).content.decode()
    assert "The task is excluded." in done
    assert "1 item that nobody would judge; 1 judgment of it left out of every figure" in done
    assert "skipped by" not in done
    Task.objects.get(pk=stuck.pk, excluded_by=lead, exclusion_reason=REASON)

"""A campaign that the lead pauses: nobody is given its tasks, and nothing that was typed is lost."""

import pytest

from annotation import assignment, campaigns
from annotation.models import Campaign, Judgment
from annotation.queue import NothingToDo, claim_next
from evaltrack import clock
from evaltrack.errors import Gone, Invalid, InvalidTransition, Refused
from evaltrack.ledger.models import LedgerEntry
from tests.accounts.callers import signed_in
from tests.factories import annotation as factory

REASON = "The guidance is being mended."


@pytest.fixture
def paused(campaign, lead):
    return campaigns.pause(campaign.pk, by=lead, reason=REASON, at=clock.now())


def test_the_queue_says_why(paused, evaluator_one):
    nothing = claim_next(evaluator_one, at=clock.now())
    assert isinstance(nothing, NothingToDo)
    assert nothing.reason == "paused"
    assert REASON in nothing.detail
    assert nothing.retry_after_s


def test_what_is_on_a_screen_is_refused_with_the_reason_and_taken_after_resuming(
    campaign, evaluator_one, lead
):
    shown = factory.next_for(evaluator_one)
    campaigns.pause(campaign.pk, by=lead, reason=REASON, at=clock.now())
    for act in (
        lambda: factory.judge(shown, 1),
        lambda: assignment.heartbeat(shown.public_id, by=evaluator_one, at=clock.now()),
    ):
        with pytest.raises(Gone, match=REASON) as refused:
            act()
        assert refused.value.code == "paused"
    assert not Judgment.objects.exists()
    campaigns.resume(campaign.pk, by=lead, at=clock.now())
    assert factory.judge(shown, 1).task == shown.task


def test_other_campaigns_go_on(paused, owner, platform, custodian, evaluator_one):
    other = factory.open_campaign(owner=owner, platform=platform, custodian=custodian, name="other")
    assert factory.next_for(evaluator_one).campaign == other


def test_both_are_in_the_ledger_and_the_reason_is_a_statement(paused, lead):
    campaigns.resume(paused.pk, by=lead, at=clock.now())
    entry = LedgerEntry.objects.get(event="campaign_paused")
    assert REASON not in bytes(entry.canonical).decode()
    assert LedgerEntry.objects.filter(event="campaign_resumed").count() == 1


def test_pausing_twice_and_resuming_what_runs_are_refused(campaign, lead):
    with pytest.raises(InvalidTransition):
        campaigns.resume(campaign.pk, by=lead, at=clock.now())
    campaigns.pause(campaign.pk, by=lead, reason=REASON, at=clock.now())
    with pytest.raises(InvalidTransition):
        campaigns.pause(campaign.pk, by=lead, reason=REASON, at=clock.now())


def test_only_a_lead_pauses_and_says_why(campaign, lead, owner, evaluator_one):
    for somebody in (owner, evaluator_one):
        with pytest.raises(Refused) as refused:
            campaigns.pause(campaign.pk, by=somebody, reason=REASON, at=clock.now())
        assert refused.value.code == "not_lead"
    with pytest.raises(Invalid):
        campaigns.pause(campaign.pk, by=lead, reason="", at=clock.now())
    assert Campaign.objects.get().status == "open"


def test_on_the_page(campaign, lead):
    client, path = signed_in(lead), campaign.get_absolute_url()
    page = client.post(f"{path}pause/", {"reason": REASON}, follow=True).content.decode()
    assert "PAUSED." in page
    assert REASON in page
    page = client.post(f"{path}resume/", follow=True).content.decode()
    assert "PAUSED." not in page
    assert "asks people again" in page

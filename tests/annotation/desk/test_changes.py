"""What a lead changes about an open campaign, and what they must not: choose what people said."""

import datetime as dt

import pytest

from annotation import assignment, campaigns, changes, judging, opening, policies
from annotation.items import Item, ResponseItem
from annotation.models import Campaign, Escalation, Level, Slot, Task
from annotation.sla import escalation, outlook
from evaltrack import clock
from evaltrack.errors import Conflict, ExpectedError, Invalid, Refused
from evaltrack.ledger.models import LedgerEntry
from evaltrack.notifications.models import Notification
from tests.accounts.callers import signed_in
from tests.factories import annotation as factory
from tests.factories import people, stand_alone

WHY = "The evaluators were ill for two days."


def extended(campaign: Campaign, lead, **length) -> Campaign:
    at = clock.now()
    due_at = at + dt.timedelta(**(length or {"days": 3}))
    return changes.extend(campaign.pk, due_at=due_at, by=lead, reason=WHY, at=at)


def withdraw(campaign: Campaign, lead, *items: str) -> int:
    return changes.withdraw_items(campaign.pk, items=items, by=lead, reason=WHY, at=clock.now())


def raised(campaign: Campaign, lead, to: int) -> Campaign:
    return changes.raise_overlap(campaign.pk, to=to, by=lead, reason=WHY, at=clock.now())


def skip(evaluator) -> str:
    shown = factory.next_for(evaluator)
    assignment.give_back(
        shown.public_id, by=evaluator, state="skipped", skip_reason="unclear", at=clock.now()
    )
    return shown.task.item


# ── Withdrawing ──────────────────────────────────────────────────────────────────────────────────────


def test_what_was_judged_cannot_be_left_out(lead, both):
    campaign = stand_alone.campaign(lead, items=3, overlap=2)
    judged = factory.next_for(both[0])
    factory.judge(judged)
    fresh = next(item for item in campaign.tasks.values_list("item", flat=True) if item != judged.task.item)
    with pytest.raises(Conflict) as refused:
        withdraw(campaign, lead, fresh, judged.task.item)
    assert refused.value.code == "judged"
    assert judged.task.item in refused.value.reason
    # All or nothing: the one that nobody judged stays too.
    assert not Task.objects.exclude(excluded_at=None).exists()
    assert withdraw(campaign, lead, fresh) == 1
    campaign.refresh_from_db()
    assert campaign.task_count == 2
    assert LedgerEntry.objects.last().event == "task_excluded"


def test_a_judgment_that_was_taken_back_was_given_all_the_same(lead, both):
    campaign = stand_alone.campaign(lead, items=1, overlap=2)
    given = factory.judge(factory.next_for(both[0]))
    judging.undo(given.public_id, by=both[0], at=clock.now())
    with pytest.raises(Conflict):
        withdraw(campaign, lead, "item 0")


def test_what_cannot_be_the_name_of_an_item_is_answered_in_words(lead):
    campaign = stand_alone.campaign(lead, items=1, overlap=2)
    with pytest.raises(Invalid, match="in this campaign no more, or never did"):
        withdraw(campaign, lead, "item\x00 0")


def test_of_an_experiment_only_what_was_skipped_is_left_out(campaign, lead, both):
    item = campaign.tasks.first().item
    with pytest.raises(Conflict) as refused:
        withdraw(campaign, lead, item)
    assert refused.value.code == "not_skipped"
    assert withdraw(campaign, lead, skip(both[0])) == 1


def test_what_is_on_a_screen_is_taken_from_it(lead, both):
    campaign = stand_alone.campaign(lead, items=2, overlap=1)
    shown = factory.next_for(both[0])
    withdraw(campaign, lead, shown.task.item)
    with pytest.raises(ExpectedError):
        factory.judge(shown)
    assert factory.judge_everything(both) == 1
    assert campaigns.close(campaign.pk, by=lead, at=clock.now()).status == "closed"


def test_an_item_that_is_not_there_withdraws_nothing(lead):
    campaign = stand_alone.campaign(lead, items=2)
    for items in (["item 0", "item 9"], []):
        with pytest.raises(Invalid):
            withdraw(campaign, lead, *items)
    with pytest.raises(Invalid):
        changes.withdraw_items(campaign.pk, items=["item 0"], by=lead, reason="short", at=clock.now())
    assert not Task.objects.exclude(excluded_at=None).exists()


# ── More time ────────────────────────────────────────────────────────────────────────────────────────


def steps(campaign: Campaign) -> list[tuple[int, int]]:
    rows = Escalation.objects.filter(task__campaign=campaign).order_by("round", "level")
    return list(rows.values_list("round", "level").distinct())


def test_with_more_time_the_ladder_begins_anew_and_what_was_done_stays_written(campaign, lead, both):
    factory.becomes_due(campaign)
    escalation.escalate_overdue(at=clock.now())
    first = Escalation.objects.count()
    told = Notification.objects.filter(recipient=lead).count()
    assert steps(campaign) == [(0, Level.REMIND), (0, Level.WIDEN)]
    extended(campaign, lead)
    campaign.refresh_from_db()
    assert escalation.escalate_overdue(at=clock.now()) == 0
    assert Escalation.objects.count() == first
    assert outlook.late(campaign, at=clock.now())["tasks_reminded"] == 0
    assert policies.unblocking(lead, campaign, at=clock.now()).code == "not_overdue"
    factory.becomes_due(campaign)
    campaign.refresh_from_db()
    for _ in range(2):
        escalation.escalate_overdue(at=clock.now())
    assert steps(campaign) == [(round, level) for round in (0, 1) for level in (Level.REMIND, Level.WIDEN)]
    assert Escalation.objects.count() == 2 * first
    assert policies.unblocking(lead, campaign, at=clock.now()) is None
    assert Notification.objects.filter(recipient=lead).count() > told


def test_every_judgment_that_is_asked_for_is_due_later(campaign, lead, owner, both):
    factory.judge(factory.next_for(both[0]))
    after = extended(campaign, lead)
    assert set(Slot.objects.values_list("due_at", flat=True)) == {after.due_at}
    assert set(Task.objects.values_list("due_at", flat=True)) == {after.due_at}
    entry = LedgerEntry.objects.last()
    assert entry.event == "campaign_extended"
    assert Notification.objects.filter(recipient=owner, subject__contains="more time").count() == 1


def test_people_are_never_given_less_time(campaign, lead, owner):
    for length in ({"minutes": 1}, {"days": -1}, {"days": 365 * 11}):
        with pytest.raises(Invalid):
            extended(campaign, lead, **length)
    factory.becomes_due(campaign)
    with pytest.raises(Invalid):
        extended(campaign, lead, seconds=-30)  # after the due time, and over all the same
    with pytest.raises(Refused):
        extended(campaign, owner)
    campaign.refresh_from_db()
    assert campaign.extensions == 0


# ── More evaluators ──────────────────────────────────────────────────────────────────────────────────


def test_further_slots_stand_as_if_they_had_been_asked_for_from_the_beginning(lead):
    for protocol in ("pairwise", "ranking"):
        few = factory.stand_alone(protocol, lead=lead, items=7, overlap=2)
        factory.add_answers(few, "abc"[: factory.RESPONSES[protocol]], lead=lead, items=4, item="later")
        withdraw(few, lead, "later-1")
        raised(few, lead, 5)
        few.refresh_from_db()
        assert few.overlap == 5
        # The same campaign, of five from the beginning.
        whole = stand_alone.campaign(lead, items=0, overlap=5, protocol=protocol)
        Campaign.objects.filter(pk=whole.pk).update(seed=few.seed)
        whole.refresh_from_db()
        letters = "abc"[: factory.RESPONSES[protocol]]
        factory.add_answers(whole, letters, lead=lead, items=7)
        factory.add_answers(whole, letters, lead=lead, items=4, item="later")
        withdraw(whole, lead, "later-1")
        assert placed(few) == placed(whole)


def placed(campaign: Campaign) -> set[tuple]:
    live = campaign.slots.exclude(state="withdrawn")
    return set(live.values_list("task__key", "ordinal", "order_key", "places"))


def test_what_is_held_for_the_check_stays_held(lead):
    campaign = factory.stand_alone("pairwise", lead=lead, items=1, overlap=1)
    told = (ResponseItem("x", "I am ChatGPT, made by OpenAI."), ResponseItem("y", "Nobody."))
    opening.add_items(campaign.pk, iter([(1, Item("h", "Who?", told))]), by=lead, at=clock.now())
    raised(campaign, lead, 3)
    states = campaign.slots.filter(task__item="h").values_list("state", flat=True)
    assert list(states) == ["review"] * 3


def test_nobody_asks_more_once_answers_are_in(lead, both, campaign):
    alone = stand_alone.campaign(lead, items=2, overlap=1)
    adaptive = stand_alone.campaign(lead, items=2)
    Campaign.objects.filter(pk=adaptive.pk).update(
        overlap=2, max_overlap=4, confidence=0.9, calibration_share=0
    )
    for refused, code in ((campaign, "planned"), (adaptive, "adaptive")):
        with pytest.raises(Refused) as told:
            raised(refused, lead, 5)
        assert told.value.code == code
    for to in (0, 1, 99):
        with pytest.raises(Invalid):
            raised(alone, lead, to)
    shown = factory.next_for(both[0])
    while shown.campaign_id != alone.pk:
        factory.judge(shown)
        shown = factory.next_for(both[0])
    factory.judge(shown)
    with pytest.raises(Refused) as told:
        raised(alone, lead, 2)
    assert told.value.code == "judged"
    assert alone.slots.count() == 2


def test_skills_that_are_waived_let_further_people_judge_and_tell_them(lead, both):
    people.skill(lead)
    campaign = stand_alone.campaign(lead, skills=["contract-law"])
    assert factory.next_for(both[0]) is None
    changes.waive_skills(campaign.pk, by=lead, reason=WHY, at=clock.now())
    assert factory.next_for(both[0]) is not None
    assert Notification.objects.filter(recipient=both[1]).count() == 1
    assert LedgerEntry.objects.last().event == "skills_waived"
    with pytest.raises(Refused):
        changes.waive_skills(campaign.pk, by=lead, reason=WHY, at=clock.now())


# ── The page ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_has_every_button_and_says_why_one_is_disabled(lead, both, campaign):
    client = signed_in(lead)
    text = client.get(campaign.get_absolute_url()).content.decode()
    for words in (
        "Give more time",
        "gate policy says how many judge",
        "asks for no skills",
        "Withdraw these",
    ):
        assert words in text
    due_at = clock.now() + dt.timedelta(days=20)
    answer = client.post(
        f"{campaign.get_absolute_url()}extend/",
        {"due_at": f"{due_at:%Y-%m-%dT%H:%M}", "reason": WHY},
        follow=True,
    )
    assert "People have more time." in answer.content.decode()
    answer = client.post(f"{campaign.get_absolute_url()}extend/", {"due_at": "soon"}, follow=True)
    assert "is no time" in answer.content.decode()
    answer = client.post(
        f"{campaign.get_absolute_url()}overlap/", {"overlap": "9", "reason": WHY}, follow=True
    )
    assert "gate policy says" in answer.content.decode()
    alone = stand_alone.campaign(lead, items=3)
    posted = {"items": "item 0\r\n item 2 \r\n", "reason": WHY}
    answer = client.post(f"{alone.get_absolute_url()}withdraw/", posted, follow=True)
    assert "Withdrawn: 2 items." in answer.content.decode()
    for path in ("overlap/", "waive/"):
        client.post(f"{alone.get_absolute_url()}{path}", {"overlap": "2", "reason": WHY})
    alone.refresh_from_db()
    assert (alone.overlap, alone.task_count, alone.slots.exclude(state="withdrawn").count()) == (2, 1, 2)


def test_an_empty_campaign_says_where_its_items_go(lead):
    campaign = stand_alone.campaign(lead, items=0)
    address = f"/api/v1/campaigns/{campaign.public_id}/tasks"
    assert address in signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    full = stand_alone.campaign(lead, items=1)
    assert "EMPTY" not in signed_in(lead).get(full.get_absolute_url()).content.decode()

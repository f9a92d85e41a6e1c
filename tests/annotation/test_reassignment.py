"""A lead gives a late task to somebody else; whoever had it writes nothing that counts any more."""

import datetime as dt
import json
import threading

import pytest
from django.db import transaction

from annotation import assignment, campaigns, queue, reassignment
from annotation.models import Assignment, AssignmentState, Judgment, Slot, SlotState
from annotation.queue import NothingToDo
from annotation.sla import escalation
from evaltrack import clock
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Conflict, Refused
from evaltrack.ledger.models import LedgerEntry
from tests.accounts.callers import bearer, signed_in
from tests.annotation.together import PATIENCE_S, together, wait_until_blocked
from tests.conftest import person, signed
from tests.factories import annotation as factory


def reassign(slot, *, by, to=None, taken_from=None):
    return reassignment.reassign(
        slot.campaign_id, slot.task, ordinal=slot.ordinal, taken_from=taken_from, to=to, by=by, at=clock.now()
    )


def told(somebody, key):
    return list(somebody.notifications.filter(dedupe_key__startswith=key).order_by("pk"))


@pytest.fixture
def held(campaign, evaluator_one):
    """On the first evaluator's screen, and late."""
    shown = factory.next_for(evaluator_one)
    factory.becomes_due(campaign)
    return shown


# ── Fencing ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("to_somebody", [True, False], ids=["to somebody", "to the pool"])
def test_whoever_lost_the_task_cannot_judge_it_any_more(held, lead, both, to_somebody):
    """Also while the slot is free: that a lease ended is forgiven, that a lead took the task is not."""
    reassign(held.slot, by=lead, taken_from=both[0], to=both[1] if to_somebody else None)
    with pytest.raises(Conflict) as refused:
        factory.judge(held, 1)
    assert refused.value.code == "reassigned"
    assert "The lead gave this task to somebody else" in refused.value.reason
    assert [judgment.state for judgment in Judgment.objects.all()] == ["surplus"]
    slot = Slot.objects.get(pk=held.slot_id)
    assert (slot.state, slot.holder, slot.token) == (SlotState.OPEN, None, None)
    held.refresh_from_db()
    assert held.state == AssignmentState.REASSIGNED


def test_what_was_lost_can_be_neither_kept_nor_given_back(held, lead, both):
    reassign(held.slot, by=lead, taken_from=both[0], to=both[1])
    for act in ("heartbeat", "skip", "release"):
        path = f"/api/v1/assignments/{held.public_id}/{act}"
        answer = bearer(both[0], Permission.JUDGE).post(
            path, {"reason": "I know the author."}, content_type="application/json"
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "assignment_ended")


def test_the_new_one_judges_with_the_same_places(held, lead, both):
    reassign(held.slot, by=lead, taken_from=both[0], to=both[1])
    given = [factory.next_for(both[1])]
    while given[-1].slot_id != held.slot_id:
        factory.judge(given[-1])
        given.append(factory.next_for(both[1]))
    assert given[-1].slot.places == held.slot.places
    factory.judge(given[-1])
    assert Slot.objects.get(pk=held.slot_id).holder == both[1]


# ── Keeping it for somebody ──────────────────────────────────────────────────────────────────────────


def test_what_is_kept_for_somebody_is_given_to_nobody_else(campaign, lead, both, evaluator_three):
    slots = list(campaign.slots.all())
    for slot in slots:
        if slot.ordinal == 0:
            reassign(slot, by=lead, to=both[0])
    given = []
    while shown := factory.next_for(evaluator_three):
        given.append(shown.slot.ordinal)
        factory.judge(shown)
    assert given == [1] * 6
    factory.judge_everything([both[0]])
    assert set(campaign.slots.values_list("state", flat=True)) == {SlotState.DONE}


def test_whose_time_was_up_cannot_judge_what_is_kept_for_somebody_else(held, lead, both):
    """That a lease ended is forgiven while the slot is free, and it is free for one person alone."""
    assert assignment.expire_leases(at=held.lease_expires_at + dt.timedelta(seconds=1)) == 1
    reassign(held.slot, by=lead, to=both[1])
    with pytest.raises(Conflict) as refused:
        factory.judge(held, 1)
    assert refused.value.code == "reassigned"
    assert [judgment.state for judgment in Judgment.objects.all()] == ["surplus"]
    assert Slot.objects.get(pk=held.slot_id).state == SlotState.OPEN


def test_whose_time_was_up_may_judge_what_is_kept_for_them(held, lead, both):
    assert assignment.expire_leases(at=held.lease_expires_at + dt.timedelta(seconds=1)) == 1
    reassign(held.slot, by=lead, to=both[0])
    factory.judge(held, 1)
    assert Slot.objects.get(pk=held.slot_id).state == SlotState.DONE


def test_who_waits_for_what_is_kept_is_told_so_and_asks_rarely(campaign, lead, both, evaluator_three):
    factory.judge_everything([evaluator_three])
    for slot in campaign.slots.filter(state=SlotState.OPEN):
        reassign(slot, by=lead, to=both[0])
    found = queue.claim_next(both[1], at=clock.now())
    assert isinstance(found, NothingToDo)
    assert (found.reason, found.retry_after_s) == ("leased_elsewhere", queue.RETRY_SECONDS)


def test_after_its_time_it_is_for_everybody_again(campaign, lead, both, evaluator_three, settings):
    factory.judge_everything([evaluator_three])
    (slot, *_) = campaign.slots.filter(state=SlotState.OPEN)
    kept = reassign(slot, by=lead, to=both[0])
    assert round((kept.reserved_until - clock.now()) / dt.timedelta(hours=1)) == settings.REVIEW_RESERVE_HOURS
    at = kept.reserved_until
    assert reassignment.end_reservations(at=at - dt.timedelta(seconds=1)) == 0
    assert reassignment.end_reservations(at=at) == 1
    slot.refresh_from_db()
    assert (slot.reserved_for, slot.reserved_until) == (None, None)
    assert len(factory.judge_everything([both[1]]) * [0]) == 6


def test_what_was_kept_for_somebody_who_skips_it_is_for_everybody(campaign, lead, both, evaluator_three):
    factory.judge_everything([evaluator_three])
    (slot, *_) = campaign.slots.filter(state=SlotState.OPEN)
    reassign(slot, by=lead, to=both[0])
    shown = factory.next_for(both[0])
    while shown.slot_id != slot.pk:
        factory.judge(shown)
        shown = factory.next_for(both[0])
    assignment.give_back(shown.public_id, by=both[0], state="skipped", at=clock.now())
    slot.refresh_from_db()
    assert (slot.state, slot.reserved_for) == (SlotState.OPEN, None)
    assert factory.next_for(both[1]).slot_id == slot.pk


def test_one_can_have_several_kept_while_something_is_on_the_screen(campaign, lead, both):
    shown = factory.next_for(both[0])
    for slot in campaign.slots.filter(ordinal=0).exclude(task=shown.task):
        reassign(slot, by=lead, to=both[0])
    assert Slot.objects.filter(reserved_for=both[0]).count() == 5
    factory.judge(shown)
    factory.judge_everything([both[0]])
    assert not Slot.objects.filter(reserved_for=both[0], state=SlotState.OPEN).exists()


# ── Who ──────────────────────────────────────────────────────────────────────────────────────────────


def test_only_who_may_judge_it_is_given_it(campaign, held, lead, both, owner, evaluator_three):
    skipped = factory.next_for(evaluator_three)
    while skipped.task_id != held.task_id:
        factory.judge(skipped)
        skipped = factory.next_for(evaluator_three)
    assignment.give_back(skipped.public_id, by=evaluator_three, state="skipped", at=clock.now())
    for nobody in (both[0], evaluator_three, owner, lead, person("former", Role.AUDITOR)):
        with pytest.raises(Refused) as refused:
            reassign(held.slot, by=lead, taken_from=both[0], to=nobody)
        assert refused.value.code == "not_eligible"
    assert Assignment.objects.get(pk=held.pk).state == AssignmentState.SHOWN
    reassign(held.slot, by=lead, taken_from=both[0], to=both[1])
    other = held.task.slots.exclude(pk=held.slot_id).get()
    with pytest.raises(Refused):  # one judgment of a task is enough from one person
        reassign(other, by=lead, to=both[1])


def test_a_closed_campaign_gives_nothing_to_anybody(campaign, lead, both):
    (slot, *_) = campaign.slots.all()
    factory.judge_everything(both)
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    with pytest.raises(Refused) as refused:
        reassign(slot, by=lead)
    assert refused.value.code == "campaign_closed"


@pytest.mark.parametrize("who", ["owner", "evaluator_two", "admin_person", "approver"])
def test_only_a_lead_reassigns(held, evaluator_one, who, request):
    with pytest.raises(Refused):
        reassign(held.slot, by=request.getfixturevalue(who), taken_from=evaluator_one)


def test_what_has_moved_on_is_left_alone(campaign, held, lead, both):
    with pytest.raises(Conflict) as refused:
        reassign(held.slot, by=lead, taken_from=both[1])
    assert refused.value.code == "moved_on"
    with pytest.raises(Conflict):
        reassign(held.slot, by=lead)
    factory.judge(held)
    with pytest.raises(Conflict):
        reassign(held.slot, by=lead, taken_from=both[0])
    assert not LedgerEntry.objects.filter(event="task_reassigned").exists()


# ── What is told and kept ────────────────────────────────────────────────────────────────────────────


def test_both_are_told_and_the_ledger_says_that_a_lead_chose(campaign, held, lead, both):
    reassign(held.slot, by=lead, taken_from=both[0], to=both[1])
    (taken,), (kept,) = told(both[0], "task-taken"), told(both[1], "task-reserved")
    for message in (taken, kept):
        assert campaign.experiment.component.name not in message.subject + message.body
        assert (message.path, message.topic) == ("/queue/", "")
    entry = LedgerEntry.objects.get(event="task_reassigned")
    assert (entry.actor, entry.subject_id) == (lead.public_id, str(campaign.public_id))
    assert entry.facts == {
        "task": str(held.task.public_id),
        "to": "chosen evaluator",
        "evaluator": str(both[1].public_id),
        "taken_from": str(both[0].public_id),
    }


def test_back_to_the_pool_tells_only_whose_it_was(held, lead, both):
    reassign(held.slot, by=lead, taken_from=both[0])
    assert len(told(both[0], "task-taken")) == 1
    assert told(both[1], "task-") == []
    assert factory.next_for(both[0]) is not None


# ── The list ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_says_who_has_what_how_far_it_has_come_and_who_could_have_it(campaign, held, lead, both):
    # On the screen and worked on, so the reminder has left it there.
    escalation.escalate_overdue(at=clock.now())
    found = reassignment.late(campaign, at=clock.now())
    assert found.total == len(found.rows) == 12
    rows = {(row.slot.task_id, row.slot.ordinal): row for row in found.rows}
    row = rows[held.task_id, held.slot.ordinal]
    assert (row.slot.holder, row.level, row.could_judge) == (both[0], 2, [both[1].pseudonym])
    other = next(row for row in found.rows if row.slot.task_id != held.task_id)
    assert (other.slot.holder, sorted(other.could_judge)) == (None, sorted(each.pseudonym for each in both))


def test_before_it_is_due_nothing_is_listed_unless_the_leads_were_warned(campaign, lead, both):
    assert reassignment.late(campaign, at=clock.now()).total == 0
    campaign.escalations.create(level=0, escalated_at=clock.now())
    assert reassignment.late(campaign, at=clock.now()).total == 12


def test_the_eligible_of_the_list_are_those_of_the_act(campaign, held, lead, both, evaluator_three):
    factory.judge(factory.next_for(evaluator_three))
    reassign(held.slot, by=lead, taken_from=both[0], to=both[1])
    for row in reassignment.late(campaign, at=clock.now()).rows:
        people = reassignment.eligible(campaign, row.slot.task).order_by("pseudonym")
        assert row.could_judge == [each.pseudonym for each in people]


def test_the_list_costs_the_same_for_more_rows(campaign, lead, django_assert_max_num_queries, both):
    factory.becomes_due(campaign)
    with django_assert_max_num_queries(12):
        reassignment.late(campaign, at=clock.now())


def test_the_lead_reassigns_on_the_campaigns_page(campaign, held, lead, both):
    client = signed_in(lead)
    path = campaign.get_absolute_url()
    page = client.get(path).content.decode()
    assert "Late, or soon to be" in page
    assert both[0].pseudonym in page
    assert both[0].username not in page
    form = {"task": str(held.task.public_id), "ordinal": held.slot.ordinal, "holder": both[0].pseudonym}
    answer = client.post(f"{path}reassign/", {**form, "to": both[1].pseudonym}, follow=True).content.decode()
    assert f"The task is kept for {both[1].pseudonym}" in answer
    assert f'kept for <span class="mono">{both[1].pseudonym}</span>' in answer
    again = client.post(f"{path}reassign/", {**form, "to": ""}, follow=True).content.decode()
    assert "Look at the list again" in again
    client.post(f"{path}reassign/", {**form, "holder": "", "to": ""})
    assert Slot.objects.get(pk=held.slot_id).reserved_for is None
    for wrong in ({"ordinal": "x"}, {"task": "x"}, {"holder": "E-NOBODY"}, {"to": "E-NOBODY"}):
        client.post(f"{path}reassign/", {**form, **wrong})
    assert LedgerEntry.objects.filter(event="task_reassigned").count() == 2


def test_the_page_says_nothing_where_nothing_is_late(campaign, lead):
    assert "Late, or soon to be" not in signed_in(lead).get(campaign.get_absolute_url()).content.decode()


def test_by_api(campaign, held, lead, both):
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS)
    path = f"/api/v1/campaigns/{campaign.public_id}"
    found = client.get(f"{path}/late").json()
    assert found["total"] == 12
    row = next(each for each in found["results"] if each["holder"])
    body = {name: row[name] for name in ("task", "ordinal", "holder")} | {"to": row["could_judge"][0]}
    answer = client.post(
        f"{path}/reassign",
        json.dumps(body),
        content_type="application/json",
        headers={"Idempotency-Key": "a"},
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["to"] == both[1].pseudonym
    again = client.post(f"{path}/reassign", json.dumps(body), content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "moved_on")
    bad = client.post(f"{path}/reassign", json.dumps(body | {"why": "?"}), content_type="application/json")
    assert bad.status_code == 400


# ── At the same moment ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_reassigning_and_submitting_at_once_is_one_or_the_other(campaign, lead, both):
    outcomes = set()
    for number in range(12):
        shown = factory.next_for(both[0])
        if shown is None:
            break
        slot = shown.slot
        taken_to = reassignment.eligible(campaign, slot.task).first() if number % 2 else None
        judged, moved = together(
            lambda shown=shown: factory.judge(Assignment.objects.get(pk=shown.pk), "tie"),
            lambda slot=slot, to=taken_to: reassign(slot, by=lead, taken_from=both[0], to=to),
        )
        slot.refresh_from_db()
        standing = Judgment.objects.filter(slot=slot).exclude(state="surplus").count()
        if isinstance(moved, Conflict):
            assert moved.code == "moved_on"
            assert (slot.state, standing, isinstance(judged, Judgment)) == (SlotState.DONE, 1, True)
            outcomes.add("submitted")
        else:
            assert isinstance(moved, Slot), moved
            assert (judged.code, slot.state, standing) == ("reassigned", SlotState.OPEN, 0)
            assert Judgment.objects.filter(assignment=shown, state="surplus").count() == 1
            outcomes.add("reassigned")
            Slot.objects.filter(pk=slot.pk).update(priority=number + 1)
    assert outcomes


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_submission_under_way_makes_reassigning_wait_and_stands(campaign, lead, both):
    shown = factory.next_for(both[0])
    began = threading.Event()

    def submit():
        with transaction.atomic():
            judgment = factory.judge(shown)
            began.set()
            wait_until_blocked()
            return judgment

    def take():
        assert began.wait(PATIENCE_S)
        return reassign(shown.slot, by=lead, taken_from=both[0], to=both[1])

    judged, moved = together(submit, take)
    assert isinstance(judged, Judgment), judged
    assert moved.code == "moved_on"
    slot = Slot.objects.get(pk=shown.slot_id)
    assert (slot.state, slot.holder) == (SlotState.DONE, both[0])


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_leads_give_a_task_to_one_person(campaign, held, lead, both, evaluator_three):
    other = signed(person("evaluator_four", Role.EVALUATOR))
    moves = together(
        *[
            lambda to=to: reassign(held.slot, by=lead, taken_from=both[0], to=to)
            for to in (both[1], evaluator_three, other)
        ]
    )
    assert sorted(getattr(each, "code", "moved") for each in moves) == ["moved", "moved_on", "moved_on"]
    assert LedgerEntry.objects.filter(event="task_reassigned").count() == 1

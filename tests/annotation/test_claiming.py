"""The queue: who gets which task, when it goes back, and why there is none."""

import datetime as dt
from collections import Counter

import pytest
from django.db import IntegrityError, transaction

from annotation import assignment, jobs, judging, opening, presenters
from annotation.answers import Answer
from annotation.models import Assignment, AssignmentState, Campaign, Judgment, Slot, SlotState
from annotation.queue import NothingToDo, claim_next
from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import PERMISSIONS, Permission, Role
from evaltrack.errors import Conflict, Refused
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import experiments

SEEING = {Permission.VIEW_EXPERIMENTS, Permission.VIEW_CAMPAIGNS}


def reason_for(evaluator: User, campaign: Campaign | None = None) -> NothingToDo:
    found = claim_next(evaluator, at=clock.now(), campaign=campaign and campaign.public_id)
    assert isinstance(found, NothingToDo)
    return found


def test_the_same_task_is_shown_until_it_is_done(campaign, evaluator_one):
    shown = factory.next_for(evaluator_one)
    assert factory.next_for(evaluator_one) == shown
    assert Slot.objects.filter(state=SlotState.HELD).count() == 1
    factory.judge(shown)
    assert factory.next_for(evaluator_one).task != shown.task


def test_nobody_gets_a_task_twice(campaign, evaluator_one):
    assert factory.judge_everything([evaluator_one]) == 6
    assert Judgment.objects.values("task").distinct().count() == 6
    assert Slot.objects.filter(state=SlotState.OPEN).count() == 6


def test_no_task_is_judged_more_often_than_the_overlap(campaign, both, evaluator_three):
    assert factory.judge_everything([*both, evaluator_three]) == 12
    per_task = Counter(Judgment.objects.values_list("task", flat=True))
    assert set(per_task.values()) == {2}


def test_two_judgments_of_one_task_by_one_person_are_impossible(campaign, evaluator_one):
    one, other = campaign.tasks.first().slots.all()
    for slot in (one, other):
        slot.state, slot.holder = SlotState.DONE, evaluator_one
    one.save()
    with pytest.raises(IntegrityError, match=r"slot_one_judgment_each|holder_id"), transaction.atomic():
        other.save()


def test_tasks_come_by_due_time_and_then_in_their_shuffled_order(campaign, owner, evaluator_one):
    soon = opening.open_campaign(
        experiments.measured(
            owner=owner,
            platform=campaign.experiment.candidate.created_by,
            custodian=campaign.experiment.dataset_version.created_by,
            risk="high",
            name="other",
        ),
        at=clock.now(),
        due_at=clock.now() + dt.timedelta(hours=1),
    )
    came = []
    while shown := factory.next_for(evaluator_one):
        came.append((shown.campaign_id, shown.slot.order_key))
        factory.judge(shown)
    assert [campaign_id for campaign_id, _ in came] == [soon.pk] * 6 + [campaign.pk] * 6
    assert came[:6] == sorted(came[:6])
    assert came[6:] == sorted(came[6:])


def test_two_evaluators_who_press_next_get_different_slots(campaign, both):
    one, two = (factory.next_for(evaluator) for evaluator in both)
    assert one.slot != two.slot


def test_a_campaign_can_be_asked_for(campaign, owner, platform, custodian, evaluator_one):
    other = opening.open_campaign(
        experiments.measured(
            owner=owner, platform=platform, custodian=custodian, risk="high", name="other", examples=31
        ),
        at=clock.now(),
    )
    assert claim_next(evaluator_one, at=clock.now(), campaign=other.public_id).campaign == other


# ── Giving back ──────────────────────────────────────────────────────────────────────────────────────


def give_back(shown: Assignment, state: str) -> Assignment:
    return assignment.give_back(
        shown.public_id, by=shown.evaluator, state=state, at=clock.now(), skip_reason="not my subject"
    )


def test_a_skipped_task_never_comes_back_to_who_skipped_it(campaign, evaluator_one):
    skipped = factory.next_for(evaluator_one)
    assert give_back(skipped, "skipped").skip_reason == "not my subject"
    assert factory.judge_everything([evaluator_one]) == 5
    assert not Judgment.objects.filter(task=skipped.task).exists()


def test_a_slot_that_comes_back_keeps_its_side_and_its_place_in_the_queue(campaign, both):
    before = campaign.slots.order_by("due_at", "order_key").values("pk", "places", "order_key")[0]
    for state in ("skipped", "released"):
        for evaluator in both:
            shown = factory.next_for(evaluator)
            if shown.slot_id == before["pk"]:
                give_back(shown, state)
    slot = Slot.objects.get(pk=before["pk"])
    assert (slot.state, slot.holder, slot.token, slot.lease_until) == (SlotState.OPEN, None, None, None)
    assert {"pk": slot.pk, "places": slot.places, "order_key": slot.order_key} == before


def test_what_one_skips_is_next_for_somebody_else(campaign, both):
    skipped = give_back(factory.next_for(both[0]), "skipped")
    assert factory.next_for(both[1]).slot == skipped.slot


def test_a_released_task_may_come_again(campaign, evaluator_one):
    shown = give_back(factory.next_for(evaluator_one), "released")
    assert factory.next_for(evaluator_one).slot == shown.slot


def test_giving_back_twice_is_once(campaign, both):
    shown = factory.next_for(both[0])
    give_back(shown, "skipped")
    taken = factory.next_for(both[1])
    assert give_back(shown, "skipped").state == AssignmentState.SKIPPED
    assert Slot.objects.get(pk=shown.slot_id).holder == both[1]
    assert taken.slot == shown.slot


def test_what_is_judged_cannot_be_given_back(campaign, evaluator_one):
    shown = factory.next_for(evaluator_one)
    factory.judge(shown)
    with pytest.raises(Conflict) as refused:
        give_back(shown, "released")
    assert refused.value.code == "assignment_ended"
    assert Slot.objects.get(pk=shown.slot_id).state == SlotState.DONE


def test_nobody_gives_back_what_somebody_else_holds(campaign, both):
    shown = factory.next_for(both[0])
    with pytest.raises(Refused) as refused:
        assignment.give_back(shown.public_id, by=both[1], state="released", at=clock.now())
    assert refused.value.code == "not_yours"
    assert Slot.objects.get(pk=shown.slot_id).holder == both[0]


# ── Leases ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_lease_that_ends_returns_the_task(campaign, both):
    late = factory.next_for(both[0])
    factory.lease_ends(late, noticed=False)
    jobs.expire_leases()
    late.refresh_from_db()
    assert late.state == AssignmentState.EXPIRED
    assert factory.next_for(both[1]).slot == late.slot


def test_a_lease_that_lasts_is_left_alone(campaign, evaluator_one):
    shown = factory.next_for(evaluator_one)
    jobs.expire_leases()
    shown.refresh_from_db()
    assert shown.state == AssignmentState.SHOWN


def test_an_empty_queue_does_not_wait_for_the_periodic_job(campaign, both, evaluator_three):
    factory.judge_everything([both[0]])
    late = factory.next_for(both[1])
    Slot.objects.filter(campaign=campaign, state=SlotState.OPEN).update(
        state=SlotState.DONE, holder=evaluator_three
    )
    newcomer = signed(person("newcomer", Role.EVALUATOR))
    assert reason_for(newcomer).reason == "leased_elsewhere"
    factory.lease_ends(late, noticed=False)
    assert factory.next_for(newcomer).slot == late.slot


def test_a_late_answer_counts_while_the_task_is_free(campaign, evaluator_one):
    late = factory.next_for(evaluator_one)
    factory.lease_ends(late)
    jobs.expire_leases()
    judgment = factory.judge(late, 1)
    late.refresh_from_db()
    slot = Slot.objects.get(pk=late.slot_id)
    assert (late.state, slot.state, slot.holder) == (AssignmentState.SUBMITTED, SlotState.DONE, evaluator_one)
    assert judgment.task == late.task


def test_a_late_answer_is_refused_when_somebody_else_has_the_task(campaign, both):
    late = factory.next_for(both[0])
    factory.lease_ends(late)
    taken = factory.next_for(both[1])
    with pytest.raises(Conflict) as refused:
        factory.judge(late, 1)
    assert refused.value.code == "reassigned"
    assert [judgment.state for judgment in Judgment.objects.all()] == ["surplus"]
    taken.refresh_from_db()
    assert taken.state == AssignmentState.SHOWN


def test_a_late_answer_is_refused_when_one_has_the_tasks_other_slot(campaign, both):
    """Its own slot is free again, but two judgments of one task by one person would not be two."""
    late = factory.next_for(both[0])
    factory.lease_ends(late)
    in_between = factory.next_for(both[1])
    assert in_between.slot == late.slot
    other = late.task.slots.exclude(pk=late.slot_id).get()
    Slot.objects.filter(pk=other.pk).update(priority=-1)
    anew = factory.next_for(both[0])
    assert anew.slot == other
    give_back(in_between, "released")
    with pytest.raises(Conflict) as refused:
        factory.judge(late, 1)
    assert refused.value.code == "reassigned"
    assert factory.judge(anew, 2).task == late.task


def test_an_answer_after_giving_back_is_refused(campaign, evaluator_one):
    shown = factory.next_for(evaluator_one)
    give_back(shown, "skipped")
    with pytest.raises(Conflict) as refused:
        factory.judge(shown)
    assert refused.value.code == "assignment_ended"
    assert Slot.objects.get(pk=shown.slot_id).state == SlotState.OPEN


def test_a_heartbeat_renews_the_lease(campaign, evaluator_one):
    shown = factory.next_for(evaluator_one)
    factory.lease_ends(shown, noticed=False)
    renewed = assignment.heartbeat(shown.public_id, by=evaluator_one, at=clock.now())
    slot = Slot.objects.get(pk=shown.slot_id)
    assert slot.lease_until == renewed.lease_expires_at > clock.now()
    jobs.expire_leases()
    assert factory.next_for(evaluator_one) == shown


def test_a_heartbeat_cannot_win_back_what_went_to_somebody_else(campaign, both):
    late = factory.next_for(both[0])
    factory.lease_ends(late)
    taken = factory.next_for(both[1])
    with pytest.raises(Conflict, match="not yours any more"):
        assignment.heartbeat(late.public_id, by=both[0], at=clock.now())
    assert Slot.objects.get(pk=late.slot_id).token == taken.public_id


# ── Reasons ──────────────────────────────────────────────────────────────────────────────────────────


def test_who_is_no_evaluator_is_told_so(campaign, outsider):
    assert reason_for(outsider).reason == "not_qualified"


def test_a_program_gets_nothing_from_the_queue_of_people(campaign, ci):
    grants.grant(ci, Role.EVALUATOR, by=None, at=clock.now())
    assert reason_for(signed(ci)).reason == "not_qualified"


def test_who_has_not_signed_is_sent_to_sign(campaign):
    unsigned = person("unsigned", Role.EVALUATOR)
    assert reason_for(unsigned).reason == "agreement_unsigned"
    assert factory.next_for(signed(unsigned)) is not None


@pytest.mark.parametrize("role", [role for role in Role if PERMISSIONS[role] & SEEING])
def test_who_can_see_results_judges_nothing(campaign, role):
    both_roles = signed(person("both_roles", role, Role.EVALUATOR))
    nothing = reason_for(both_roles)
    assert nothing.reason == "not_qualified"
    assert "cannot judge blind" in nothing.detail


@pytest.mark.parametrize("maker", ["owner", "platform"])
def test_nobody_judges_what_they_made_in_an_earlier_role(campaign, maker, request):
    """The owner submitted the experiment, the platform engineer made both versions."""
    maker = request.getfixturevalue(maker)
    maker.role_grants.update(revoked_at=clock.now(), revoked_by=maker)
    grants.grant(maker, Role.EVALUATOR, by=None, at=clock.now())
    maker = signed(User.objects.get(pk=maker.pk))
    assert reason_for(maker).reason == "own_model"


def test_all_done_is_said_when_nothing_can_come_back(campaign, both):
    factory.judge_everything(both)
    nothing = reason_for(both[0])
    assert (nothing.reason, nothing.retry_after_s) == ("all_done", None)


def test_what_others_hold_may_come_back_and_when(campaign, both, evaluator_three):
    factory.judge_everything([both[0]])
    factory.next_for(both[1])
    Slot.objects.filter(campaign=campaign, state=SlotState.OPEN).update(
        state=SlotState.DONE, holder=evaluator_three
    )
    newcomer = signed(person("newcomer", Role.EVALUATOR))
    nothing = reason_for(newcomer)
    assert nothing.reason == "leased_elsewhere"
    assert 1 <= nothing.retry_after_s <= 60


def test_who_waits_for_a_lease_is_told_its_end(campaign, both, evaluator_three):
    held = factory.next_for(both[1])
    Slot.objects.filter(campaign=campaign, state=SlotState.OPEN, ordinal=0).update(
        state=SlotState.DONE, holder=both[0]
    )
    Slot.objects.filter(campaign=campaign, state=SlotState.OPEN).update(
        state=SlotState.DONE, holder=evaluator_three
    )
    at = clock.now()
    Slot.objects.filter(pk=held.slot_id).update(lease_until=at + dt.timedelta(seconds=20))
    newcomer = signed(person("newcomer", Role.EVALUATOR))
    found = claim_next(newcomer, at=at)
    assert (found.reason, found.retry_after_s) == ("leased_elsewhere", 20)


def test_a_task_that_one_has_judged_is_not_waited_for(campaign, both):
    """The other slot of it is on somebody's screen, and can never be theirs."""
    factory.judge_everything([both[0]])
    factory.next_for(both[1])
    assert reason_for(both[0]).reason == "all_done"


def test_a_task_that_one_has_skipped_is_not_waited_for(campaign, both):
    give_back(factory.next_for(both[0]), "skipped")
    factory.judge_everything([both[0]])
    factory.next_for(both[1])
    nothing = reason_for(both[0])
    assert nothing.reason == "all_done"
    assert nothing.detail == "Nothing is left for you: you have judged or skipped everything that waited."


def test_a_simulated_campaign_asks_nobody(campaign, evaluator_one):
    simulated = opening.open_campaign(campaign.experiment, at=clock.now(), is_simulated=True)
    assert simulated.slots.count() == 12
    assert factory.judge_everything([evaluator_one]) == 6
    assert not simulated.judgments.exists()
    assert reason_for(evaluator_one, simulated).reason == "all_done"


# ── Two tabs ─────────────────────────────────────────────────────────────────────────────────────────


def test_two_tasks_on_one_evaluators_screens_are_impossible(campaign, evaluator_one):
    shown = factory.next_for(evaluator_one)
    other = campaign.slots.filter(state=SlotState.OPEN).exclude(task=shown.task).first()
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.create(
            slot=other,
            campaign=campaign,
            task=other.task,
            evaluator=evaluator_one,
            claimed_at=clock.now(),
            shown_at=clock.now(),
            lease_expires_at=clock.now(),
        )


def test_the_second_tab_shows_what_the_first_one_took(campaign, evaluator_one):
    assert factory.next_for(evaluator_one) == factory.next_for(User.objects.get(pk=evaluator_one.pk))


def test_an_answer_from_the_second_tab_is_the_same_answer(campaign, evaluator_one):
    shown = factory.next_for(evaluator_one)
    answers = [
        judging.submit(
            shown.public_id,
            judgment_id=shown.judgment_id,
            answer=Answer(preference=preference),
            by=evaluator_one,
            at=clock.now(),
        )
        for preference in (1, 2)
    ]
    assert [created for _, created in answers] == [True, False]
    assert answers[0][0] == answers[1][0]


def test_a_slot_that_somebody_has_is_not_given_to_another(campaign, both):
    shown = factory.next_for(both[0])
    stale = Slot(pk=shown.slot_id, task=shown.task, campaign=campaign)
    with pytest.raises(IntegrityError):
        assignment.give(stale, both[1], at=clock.now())
    assert Slot.objects.get(pk=shown.slot_id).holder == both[0]


def test_the_queue_page_says_whether_tasks_wait_for_this_person(campaign, evaluator_one, evaluator_two):
    assert [row["waiting"] for row in presenters.my_work(evaluator_one)] == [True]
    factory.judge_everything([evaluator_one])
    assert [row["waiting"] for row in presenters.my_work(evaluator_one)] == [False]
    assert [row["waiting"] for row in presenters.my_work(evaluator_two)] == [True]

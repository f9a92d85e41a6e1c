"""What somebody is asked for the second time blocks nothing, is counted nowhere, and cannot be told from the rest."""

import datetime as dt

import pytest
from django.db.models import F

from annotation import (
    assignment,
    campaigns,
    glance,
    opening,
    overlap,
    presenters,
    querysets,
    repeats,
    revision,
)
from annotation.agreement import oneself
from annotation.blinding import guesses
from annotation.models import Assignment, Campaign, Escalation, Judgment, Task
from annotation.quality import evaluators
from annotation.queue import NothingToDo, claim_next, why_nothing
from annotation.settling import conflicts
from annotation.sla import breaches, escalation, outlook, standing
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Conflict, Gone, Refused
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory

LATER = dt.timedelta(hours=49)
WORDING = {"question": "Which answer solves the problem?", "guidance": "Solve it. Length is no merit."}


def asked_twice(campaign, share=0.5):
    Campaign.objects.filter(pk=campaign.pk).update(repeat_share=share, repeat_after_hours=48)
    campaign.refresh_from_db()
    return campaign


@pytest.fixture
def campaign(lead):
    """Twelve items, two judgments each."""
    return asked_twice(factory.stand_alone("pairwise", lead=lead, items=12))


def days_pass(campaign):
    """What was judged lies two days back, and cannot be undone."""
    factory.the_minute_passes()
    Judgment.objects.filter(campaign=campaign, state__in=["provisional", "final"]).update(
        state="final", settled_at=clock.now(), submitted_at=F("submitted_at") - LATER
    )


def judged(evaluator, count, prefer=1):
    for _ in range(count):
        factory.judge(factory.next_for(evaluator), prefer)


def again(campaign, evaluator, among=lambda task: True):
    """On the screen for the second time, one of `among`; what else comes before is given back, as if it never had."""
    for _ in range(500):
        shown = factory.next_for(evaluator)
        if shown.slot.is_repeat and among(shown.task):
            return shown
        assignment.give_back(shown.public_id, by=evaluator, state="released", at=clock.now())
        if shown.slot.is_repeat:
            shown.delete()
            shown.slot.delete()
    raise AssertionError("nothing comes again")


@pytest.fixture
def on_the_screen(campaign, evaluator_one):
    judged(evaluator_one, 4)
    days_pass(campaign)
    return again(campaign, evaluator_one)


# ── It blocks nothing ────────────────────────────────────────────────────────────────────────────────


def test_who_said_something_twice_goes_on_after_a_revision(campaign, evaluator_one, evaluator_two, lead):
    """They are asked about the same tasks again, in whichever slot, and a third time about none."""
    judged(evaluator_one, 6)
    days_pass(campaign)
    factory.judge(again(campaign, evaluator_one), 1)
    judged(evaluator_one, 2)
    twice = set(campaign.judgments.filter(is_repeat=True).values_list("task", flat=True))
    assert twice
    factory.the_minute_passes()
    revision.revise(
        campaign.pk, rubric=WORDING, asks_again=True, by=lead, reason="Read in two ways.", at=clock.now()
    )
    # The other one is first, so they are given the other slot of each task.
    judged(evaluator_two, 12)
    days_pass(campaign)
    while shown := factory.next_for(evaluator_one):
        factory.judge(shown, 1)
    days_pass(campaign)
    factory.add_answers(campaign, "ab", lead=lead, items=6, item="zz-further")
    while shown := factory.next_for(evaluator_one):
        factory.judge(shown, 1)
    by_the_new = campaign.judgments.filter(
        evaluator=evaluator_one, rubric__version=2, is_repeat=False, task__in=twice
    )
    assert set(by_the_new.values_list("task", flat=True)) == twice
    said_again = campaign.judgments.filter(evaluator=evaluator_one, is_repeat=True, task__in=twice)
    assert said_again.count() == len(twice)


def test_a_revision_while_it_is_on_the_screen_makes_no_pair_of_the_wrong_order(
    campaign, on_the_screen, evaluator_one, lead
):
    revision.revise(
        campaign.pk, rubric=WORDING, asks_again=True, by=lead, reason="Read in two ways.", at=clock.now()
    )
    shown = factory.next_for(evaluator_one)
    assert shown == on_the_screen
    factory.judge(shown, 1, rubric_version=2)
    while shown := factory.next_for(evaluator_one):
        assert not shown.slot.is_repeat
        factory.judge(shown, 1)
    factory.the_minute_passes()
    assert campaign.judgments.filter(task=on_the_screen.task, rubric__version=2).count() == 2
    assert oneself.of(campaign, at=clock.now()).n == 0


def test_it_keeps_no_conflict_from_being_settled(campaign, evaluator_one, evaluator_two):
    judged(evaluator_one, 4)
    days_pass(campaign)
    while shown := factory.next_for(evaluator_two):
        said = campaign.judgments.filter(task=shown.task, evaluator=evaluator_one).first()
        other = {"first": "second", "second": "first"}.get(said.choice) if said else None
        factory.judge(shown, 1 if other is None else 1 + shown.slot.places.index("01"[other == "second"]))
    days_pass(campaign)
    before = {each.task for each in conflicts.waiting(campaign, at=clock.now())}
    assert len(before) == 4
    shown = again(campaign, evaluator_one, lambda task: task.pk in before)
    assert shown.task_id in {each.task for each in conflicts.waiting(campaign, at=clock.now())}
    factory.judge(shown, 1)
    assert shown.task_id in {each.task for each in conflicts.waiting(campaign, at=clock.now())}


@pytest.fixture
def calibrated(lead, evaluator_one):
    """Adaptive overlap in which every task is always asked of the most people; one of two has judged, and has one of
    them on the screen again."""
    rule = overlap.Adaptive(min=2, max=3, calibration_share=0.5)
    made = opening.open_stand_alone(name="Adaptive", overlap=rule, due_at=None, by=lead, at=clock.now())
    factory.add_answers(made, "ab", lead=lead, items=12)
    asked_twice(made)
    judged(evaluator_one, 6)
    days_pass(made)
    made.tasks.filter(pk=made.judgments.first().task_id).update(is_calibration=True)
    return made, again(made, evaluator_one, lambda task: task.is_calibration)


def test_a_campaign_misses_none_of_them_also_of_tasks_that_are_asked_of_the_most(calibrated):
    made, shown = calibrated
    asked = querysets.asked_slots(made)
    assert shown.slot_id not in asked.values_list("pk", flat=True)
    factory.judge(shown, 1)
    days_pass(made)
    assert asked.count() == made.slots.exclude(pk=shown.slot_id).count()


def test_how_often_people_are_right_is_measured_by_what_they_said_first(calibrated):
    made, shown = calibrated
    before = overlap.evaluator_accuracies(made)
    factory.judge(shown, 2)
    days_pass(made)
    assert overlap.evaluator_accuracies(made) == before


def test_adaptive_overlap_does_not_wait_for_it(lead, both):
    rule = overlap.Adaptive(min=2, max=3, calibration_share=0)
    made = opening.open_stand_alone(name="Adaptive", overlap=rule, due_at=None, by=lead, at=clock.now())
    factory.add_answers(made, "ab", lead=lead, items=8)
    asked_twice(made)
    judged(both[0], 4)
    days_pass(made)
    shown = again(made, both[0])
    while found := factory.next_for(both[1]):
        factory.judge(found, 1)
    days_pass(made)
    assert shown.task_id in overlap.judged(made).values_list("pk", flat=True)
    factory.judge(shown, 1)
    assert shown.task_id in overlap.judged(made).values_list("pk", flat=True)


def test_nobody_else_is_told_to_wait_for_it(lead, evaluator_one, evaluator_two):
    made = asked_twice(factory.stand_alone("pairwise", lead=lead, items=8, overlap=1))
    judged(evaluator_one, 4)
    days_pass(made)
    again(made, evaluator_one)
    while (found := factory.next_for(evaluator_two)) is not None:
        factory.judge(found, 1)
    assert why_nothing(evaluator_two, None, at=clock.now()).reason == "all_done"


def test_who_skips_the_second_time_lets_no_lead_leave_out_what_was_judged(lead, evaluator_one, evaluator_two):
    made = asked_twice(factory.stand_alone("pairwise", lead=lead, items=8))
    judged(evaluator_one, 4)
    days_pass(made)
    shown = again(made, evaluator_one)
    assignment.give_back(
        shown.public_id, by=evaluator_one, state="skipped", at=clock.now(), skip_reason="unclear"
    )
    assert not querysets.skips_without_judgments(made).exists()
    with pytest.raises(Refused) as refused:
        campaigns.exclude_task(shown.task_id, by=lead, reason="It was skipped, they say.", at=clock.now())
    assert refused.value.code == "judged"


# ── It is counted nowhere ────────────────────────────────────────────────────────────────────────────


def test_how_far_a_campaign_is_does_not_know_of_it(campaign, on_the_screen, evaluator_one, lead):
    client = bearer(lead, Permission.VIEW_CAMPAIGNS)

    def told():
        body = client.get(f"/api/v1/campaigns/{campaign.public_id}").json()
        seen = glance.of([campaign], at=clock.now())[0]
        now = standing.counted(campaign, at=clock.now())
        return [
            *(body[name] for name in ("judgments_wanted", "judgments")),
            body["forecast"]["judgments_missing"],
            *(seen.wanted, seen.done, now.wanted, now.done, now.held),
            outlook.waiting(at=clock.now())["judgments_missing"],
        ]

    done = campaign.judgments.filter(is_repeat=False).count()
    expected = [24, done, 24 - done, 24, done, 24, done, 0, 24 - done]
    assert told() == expected
    factory.judge(on_the_screen, 1)
    assert told() == expected


def test_a_campaign_is_not_late_because_of_it(campaign, evaluator_one, evaluator_two, lead):
    judged(evaluator_one, 8)
    judged(evaluator_two, 8)
    days_pass(campaign)
    both_said = set(campaign.slots.filter(state="done", ordinal=0).values_list("task", flat=True)) & set(
        campaign.slots.filter(state="done", ordinal=1).values_list("task", flat=True)
    )
    shown = again(campaign, evaluator_one, lambda task: task.pk in both_said)
    factory.becomes_due(campaign, shown.task.item)
    at = clock.now() + dt.timedelta(days=30)
    escalation.escalate_overdue(at=clock.now())
    assert not Escalation.objects.filter(task=shown.task).exists()
    assert outlook.late(campaign, at=clock.now())["tasks_overdue"] == 0
    factory.judge(shown, 1)
    in_time = clock.now() - dt.timedelta(hours=1)
    Judgment.objects.filter(task=shown.task, is_repeat=False).update(submitted_at=in_time)
    rows = breaches.between(
        querysets.campaigns_visible_to(lead), clock.now() - dt.timedelta(hours=1), clock.now(), at=at
    )
    assert rows == []


def test_the_forecast_counts_what_lessens_the_work(campaign, on_the_screen, evaluator_one):
    factory.judge(on_the_screen, 1)
    people = type(evaluator_one).objects.filter(pk=evaluator_one.pk)
    found = outlook.work_of(people, at=clock.now())[evaluator_one.pk]
    assert found.judged == campaign.judgments.filter(is_repeat=False).count()


def test_no_guess_beside_it_is_in_the_blinding_index(lead, evaluator_one):
    made = asked_twice(factory.stand_alone("pairwise", lead=lead, items=8))
    Campaign.objects.filter(pk=made.pk).update(guess_share=1, production="zz-secret-a")
    made.refresh_from_db()
    judged(evaluator_one, 4)
    days_pass(made)
    judgment = factory.judge(again(made, evaluator_one), 1)
    guesses.give(judgment.public_id, 1, by=evaluator_one, at=clock.now())
    factory.the_minute_passes()
    assert guesses.of(made, at=clock.now()).counts.total() == 0


def test_what_is_measured_of_evaluators_is_what_they_said_first(campaign, on_the_screen):
    factory.judge(on_the_screen, 1)
    factory.the_minute_passes()
    found = evaluators.of(campaign, at=clock.now())
    assert found.read == campaign.judgments.filter(is_repeat=False).count()


# ── Nobody can tell ──────────────────────────────────────────────────────────────────────────────────


def test_the_number_of_a_task_moves_on_whether_or_not_it_came_before(campaign, evaluator_one):
    judged(evaluator_one, 4)
    days_pass(campaign)
    numbers, came_again = [], 0
    for turn in range(7):
        shown = again(campaign, evaluator_one) if turn == 3 else factory.next_for(evaluator_one)
        screen = presenters.screen(shown)
        numbers.append(screen.number)
        came_again += shown.slot.is_repeat
        assert screen.total is None
        factory.judge(shown, 1)
    assert came_again
    assert numbers == list(range(5, 12))
    assert presenters.my_work(evaluator_one)[0]["mine"] == 11
    factory.next_for(evaluator_one)
    assert "Task 12</h1>" in signed_in(evaluator_one).get("/review/").content.decode()


def test_it_comes_only_while_something_else_waits(campaign, evaluator_one):
    judged(evaluator_one, 12)
    days_pass(campaign)
    for _ in range(20):
        assert isinstance(claim_next(evaluator_one, at=clock.now()), NothingToDo)
    assert not Assignment.objects.filter(slot__ordinal__gte=1000).exists()


def test_the_share_is_the_share(lead):
    made = asked_twice(factory.stand_alone("pairwise", lead=lead, overlap=1), share=0.2)
    drawn = [repeats.is_turn(made) for _ in range(4_000)]
    # Four standard deviations and more.
    assert sum(drawn) / len(drawn) == pytest.approx(0.2, abs=0.03)


def test_a_claim_reads_a_part_of_a_long_past_and_each_has_its_time(campaign, evaluator_one, monkeypatch):
    monkeypatch.setattr(repeats, "LOOKED_AT", 3)
    judged(evaluator_one, 6)
    days_pass(campaign)
    newest = campaign.judgments.order_by("-submitted_at").values_list("pk", flat=True)
    assert set(repeats.latest(campaign, evaluator_one, at=clock.now())) == set(newest[:3])
    early = clock.now() - dt.timedelta(hours=1)
    Judgment.objects.filter(pk__in=list(newest[:2])).update(submitted_at=early)
    assert set(repeats.latest(campaign, evaluator_one, at=clock.now())) == set(newest[2:5])


def test_an_answer_that_comes_too_late_is_kept_and_told_like_any_other(
    campaign, on_the_screen, evaluator_one, evaluator_two, lead
):
    factory.lease_ends(on_the_screen)
    with pytest.raises(Conflict) as again_too_late:
        factory.judge(on_the_screen, 1)
    shown = first_time(evaluator_one)
    factory.lease_ends(shown)
    campaign.slots.filter(pk=shown.slot_id).update(state="done", holder=evaluator_two)
    with pytest.raises(Conflict) as too_late:
        factory.judge(shown, 1)
    assert again_too_late.value.code == too_late.value.code == "reassigned"
    assert str(again_too_late.value) == str(too_late.value)
    assert campaign.judgments.filter(state="surplus").count() == 2


def test_of_a_task_that_was_left_out_it_is_not_asked_any_more(campaign, on_the_screen):
    assignment.withdraw(campaign.slots.all(), at=clock.now())
    Task.objects.filter(pk=on_the_screen.task_id).update(
        excluded_at=clock.now(), excluded_by=campaign.opened_by, exclusion_reason="It names a system."
    )
    with pytest.raises(Gone) as refused:
        factory.judge(on_the_screen, 1)
    assert refused.value.code == "withdrawn"


def first_time(evaluator):
    while (shown := factory.next_for(evaluator)).slot.is_repeat:
        factory.judge(shown, 1)
    return shown

"""Time travel: what is late climbs the ladder by working time, each step once, whatever the clock does."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from annotation import assignment, campaigns, pool, queue
from annotation.models import Assignment, Campaign, Escalation, Level, SlaPolicy, Slot, SlotState
from annotation.queue import NothingToDo
from annotation.sla import escalation
from evaltrack import clock
from evaltrack.accounts.roles import Role
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import people
from tests.factories import sla as slas

HOUR = dt.timedelta(hours=1)
# A Friday. 16 working hours later it is Tuesday, and the clocks have gone forward in between.
OPENED = slas.berlin("2026-03-27T16:00")
DUE = slas.berlin("2026-03-31T16:00")


@pytest.fixture
def campaign(lead, evaluator_one):
    slas.policy(lead)
    return slas.campaign(lead, at=OPENED)


def look(text):
    return escalation.escalate_overdue(at=slas.berlin(text))


def levels():
    return [Escalation.objects.filter(level=level).count() for level in Level]


def subjects(somebody, key):
    rows = somebody.notifications.filter(dedupe_key__startswith=key).order_by("pk")
    return list(rows.values_list("subject", flat=True))


def test_each_step_is_taken_at_its_working_hour(campaign, lead, evaluator_one):
    """Due on Tuesday at 16:00; a warning 4 hours before, reminded after 1, widened after 4. What stands alone has
    no proxy."""
    assert campaign.due_at == DUE
    for before, then, reached in (
        ("2026-03-31T11:59", "2026-03-31T12:01", [1, 0, 0, 0]),
        ("2026-03-31T16:59", "2026-03-31T17:01", [1, 3, 0, 0]),
        ("2026-04-01T11:59", "2026-04-01T12:01", [1, 3, 3, 0]),
        ("2026-05-01T00:00", "2026-06-01T00:00", [1, 3, 3, 0]),
    ):
        look(before)
        earlier = levels()
        look(then)
        assert levels() == reached
        assert earlier != reached or then.startswith("2026-06")
        assert look(then) == 0
    assert subjects(lead, "due-soon") == ["6 judgments still missing: Answers"]
    assert subjects(evaluator_one, "tasks-late") == ["3 tasks should have been judged by now"]
    assert subjects(lead, "tasks-overdue") == ["3 overdue tasks: Answers waits for people"]


def test_nothing_happens_over_a_weekend_or_a_holiday(lead):
    slas.policy(lead)
    # Due on Maundy Thursday at 16:00: the second working hour after that is on Tuesday.
    row = slas.campaign(lead, at=slas.berlin("2026-03-31T16:00"))
    assert row.due_at == slas.berlin("2026-04-02T16:00")
    look("2026-04-02T17:01")
    assert levels()[Level.REMIND :] == [3, 0, 0]
    look("2026-04-07T08:59")
    look("2026-04-07T11:59")
    assert levels()[Level.REMIND :] == [3, 0, 0]
    look("2026-04-07T12:01")
    assert levels()[Level.REMIND :] == [3, 3, 0]


def test_a_worker_that_was_away_catches_up_in_one_go(campaign, lead, evaluator_one):
    """The time for a warning has gone by; every other step is taken, in order."""
    assert look("2026-04-20T12:00") == 6
    assert levels() == [0, 3, 3, 0]
    keys = ["tasks-late", "tasks-overdue", "due-soon"]
    assert [len(subjects(lead, key)) + len(subjects(evaluator_one, key)) for key in keys] == [1, 1, 0]


def test_a_clock_that_goes_back_repeats_nothing(campaign):
    assert [look("2026-03-31T12:30"), look("2026-03-31T17:01")] == [1, 3]
    assert [look("2026-03-31T12:30"), look("2026-03-31T17:01"), look("2026-03-31T16:30")] == [0, 0, 0]
    assert levels() == [1, 3, 0, 0]


def test_a_level_that_the_ladder_has_not_is_never_reached(lead):
    slas.policy(lead, ladder={"widen": 0})
    slas.campaign(lead, at=OPENED)
    look("2026-05-01T00:00")
    assert levels() == [0, 0, 3, 0]


def test_paused_and_closed_campaigns_climb_no_further(campaign, lead):
    campaigns.pause(campaign.pk, by=lead, reason="The items are being looked at.", at=OPENED)
    assert look("2026-04-20T12:00") == 0
    campaigns.resume(campaign.pk, by=lead, at=OPENED)
    assert look("2026-04-20T12:00") == 6


def test_what_was_opened_before_there_were_policies_climbs_as_without_one(campaign, settings):
    Campaign.objects.filter(pk=campaign.pk).update(sla=None)
    look("2026-03-31T16:01")
    assert levels() == [0, 3, 3, 0]


# ── Level 1: remind and return to the pool ───────────────────────────────────────────────────────────


def take(evaluator, at, prefetch=False):
    return queue.claim_next(evaluator, at=slas.berlin(at), prefetch=prefetch)


def test_what_nobody_works_on_goes_back_to_the_pool_and_its_holder_is_told(campaign, evaluator_one):
    shown = take(evaluator_one, "2026-03-31T16:55")
    ahead = take(evaluator_one, "2026-03-31T16:59", prefetch=True)
    look("2026-03-31T17:01")
    assert set(Slot.objects.values_list("state", flat=True)) == {SlotState.OPEN}
    for each in (shown, ahead):
        assert Assignment.objects.get(pk=each.pk).state == "expired"
    assert subjects(evaluator_one, "task-returned") == ["A task of yours was late and went back to the pool"]


def test_whoever_is_working_keeps_the_task_and_can_submit(campaign, evaluator_one):
    shown = take(evaluator_one, "2026-03-31T16:55")
    assignment.heartbeat(shown.public_id, by=evaluator_one, at=slas.berlin("2026-03-31T17:00"))
    look("2026-03-31T17:01")
    assert Slot.objects.get(pk=shown.slot_id).token == shown.public_id
    assert subjects(evaluator_one, "task-returned") == []


def test_what_went_back_is_taken_from_whoever_finishes_it_first(campaign, evaluator_one):
    """The answer that somebody had half written is not lost."""
    shown = take(evaluator_one, "2026-03-31T16:55")
    look("2026-03-31T17:01")
    factory.judge(shown, "tie")
    assert Slot.objects.get(pk=shown.slot_id).state == SlotState.DONE


# ── Level 2: widen the pool and tell the lead ────────────────────────────────────────────────────────


@pytest.fixture
def skilled(lead, evaluator_one):
    people.skill(lead, "medicine")
    slas.policy(lead)
    return slas.campaign(lead, at=OPENED, skills=["medicine"])


def test_skills_are_waived_and_whoever_may_judge_now_is_told(skilled, lead, evaluator_one):
    assert isinstance(take(evaluator_one, "2026-04-01T11:00"), NothingToDo)
    look("2026-04-01T11:59")
    assert subjects(evaluator_one, "tasks-waiting") == []
    look("2026-04-01T12:01")
    assert isinstance(take(evaluator_one, "2026-04-01T12:02"), Assignment)
    assert subjects(evaluator_one, "tasks-waiting") == ["Tasks are waiting for you"]
    body = lead.notifications.get(dedupe_key__startswith="tasks-overdue").body
    assert body.startswith(
        "1 evaluator may judge it; the skills that it asked for are not asked for any more"
    )


def test_a_policy_may_say_that_skills_stay(lead, skilled, evaluator_one):
    slas.policy(lead, name="strict", waives_skills=False)
    strict = slas.campaign(lead, at=OPENED, skills=["medicine"], sla="strict")
    look("2026-04-01T12:01")
    found = queue.claim_next(evaluator_one, at=slas.berlin("2026-04-01T12:02"), campaign=strict.public_id)
    assert found.reason == "not_qualified"


def test_who_made_what_is_judged_judges_it_never(skilled, lead):
    """A wider pool asks for fewer skills, not for fewer scruples."""
    other = signed(person("judge_and_lead", Role.EVALUATOR, Role.LEAD))
    look("2026-04-01T12:01")
    skilled.refresh_from_db()
    from_pool = pool.could_judge(skilled)
    assert lead not in from_pool
    assert other not in from_pool


# ── Level 3: propose the proxy ───────────────────────────────────────────────────────────────────────


@pytest.fixture
def blocked(owner, platform, custodian, lead):
    slas.policy(lead, name="default", ladder={"remind": 0, "widen": 0, "proxy": 0})
    return factory.open_campaign(owner=owner, platform=platform, custodian=custodian)


def test_the_proxy_is_offered_once_and_by_nobody_taken(blocked, lead):
    factory.becomes_due(blocked)
    later = clock.now() + 14 * 24 * HOUR
    assert [escalation.escalate_overdue(at=later) for _ in range(2)] == [13, 0]
    (subject,) = subjects(lead, "proxy-offered")
    assert subject == f"Let exact_match stand in for people? {blocked.experiment} still waits"
    blocked.refresh_from_db()
    assert blocked.unblocked_at is None
    assert not blocked.experiment.evidence.exists()


def test_what_a_proxy_stands_in_for_already_is_not_offered_one(blocked, lead):
    factory.becomes_due(blocked)
    at = clock.now()
    Escalation.objects.create(task=blocked.tasks.first(), level=Level.REMIND, escalated_at=at)
    escalation.unblock_by_proxy(blocked.pk, by=lead, reason="The release cannot wait.", at=at)
    escalation.escalate_overdue(at=at)
    assert levels()[Level.PROXY] == 0


# ── What the database holds ──────────────────────────────────────────────────────────────────────────


def test_a_step_twice_is_refused_by_the_database(campaign):
    look("2026-04-20T12:00")
    task = campaign.tasks.first()
    for row in (
        {"task": task, "level": Level.REMIND},
        {"task": task, "level": Level.PROXY},
        {"campaign": campaign, "level": Level.WIDEN},
        {"task": task, "campaign": campaign, "level": Level.WIDEN},
        {"level": Level.WARNING},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Escalation.objects.create(escalated_at=DUE, **row)


def test_one_that_fails_holds_up_no_other(campaign, lead, evaluator_one, caplog):
    broken = slas.campaign(lead, at=OPENED, sla="")
    SlaPolicy.objects.filter(pk=broken.sla_id).update(body={})
    assert look("2026-04-20T12:00") == 6
    assert f"campaign {broken.pk} could not be escalated" in caplog.text

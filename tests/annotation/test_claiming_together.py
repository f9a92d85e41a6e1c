"""Many evaluators, workers and windows at the same moment, on PostgreSQL."""

import threading
from collections import Counter

import pytest
from django.db import transaction

from annotation import assignment, campaigns, judging, opening, queue
from annotation.answers import Answer
from annotation.models import Assignment, Campaign, Escalation, Judgment, Slot, SlotState
from annotation.queue import NothingToDo
from annotation.sla import escalation
from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role
from evaltrack.ledger.models import LedgerEntry
from evaltrack.notifications.models import Notification
from experiments import submission
from tests.annotation.together import PATIENCE_S, together, wait_until_blocked
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import experiments

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def judges_until_done(username: str):
    """An evaluator who asks, judges, and asks again until told that all is done; what they were told last."""

    def judging_on() -> str:
        evaluator = User.objects.get(username=username)
        for _ in range(5_000):
            found = queue.claim_next(evaluator, at=clock.now())
            if not isinstance(found, NothingToDo):
                factory.judge(found, factory.prefers_candidate(found))
            elif found.reason != "leased_elsewhere":
                return found.reason
        return "asked in vain"

    return judging_on


def test_eight_evaluators_judge_a_campaign_to_its_end(transactional_db, owner, platform, custodian):
    campaign = factory.open_campaign(
        owner=owner,
        platform=platform,
        custodian=custodian,
        examples=60,
        suite=factory.suite(items=40, overlap=3),
    )
    names = [f"evaluator{number}" for number in range(8)]
    for name in names:
        signed(person(name, Role.EVALUATOR))
    told = together(*(judges_until_done(name) for name in names))
    assert told == ["all_done"] * 8
    assert set(campaign.slots.values_list("state", flat=True)) == {SlotState.DONE}
    judged = list(Judgment.objects.values_list("task", "evaluator"))
    assert len(judged) == len(set(judged)) == 120
    assert set(Counter(task for task, _ in judged).values()) == {3}
    slots = Assignment.objects.filter(state="submitted").values_list("slot", flat=True)
    assert len(slots) == len(set(slots)) == 120


def test_two_tabs_at_once_show_one_task(campaign, evaluator_one):
    shown = together(*[lambda: queue.claim_next(evaluator_one, at=clock.now())] * 6)
    assert len({each.pk for each in shown}) == 1
    assert Slot.objects.filter(state=SlotState.HELD).count() == 1


def test_two_submits_at_once_are_one_judgment(campaign, evaluator_one):
    shown = factory.next_for(evaluator_one)

    def submit(preference):
        return lambda: judging.submit(
            shown.public_id,
            judgment_id=shown.judgment_id,
            answer=Answer(preference=preference),
            by=User.objects.get(pk=evaluator_one.pk),
            at=clock.now(),
        )

    answers = together(*map(submit, [1, 2, "tie", "both_bad"]))
    assert sorted(created for _, created in answers) == [False, False, False, True]
    assert {judgment.choice for judgment, _ in answers} == {Judgment.objects.get().choice}


def test_giving_back_and_the_end_of_the_lease_do_not_wait_for_each_other(campaign, evaluator_one):
    shown = factory.next_for(evaluator_one)
    factory.lease_ends(shown, noticed=False)
    began = threading.Event()

    def end_the_lease():
        with transaction.atomic():
            Slot.objects.select_for_update().get(pk=shown.slot_id)
            began.set()
            wait_until_blocked()
            return assignment.expire_leases(at=clock.now())

    def skip():
        assert began.wait(PATIENCE_S)
        return assignment.give_back(shown.public_id, by=evaluator_one, state="skipped", at=clock.now())

    ended, given_back = together(end_the_lease, skip)
    assert ended == 1
    assert given_back.code == "assignment_ended"
    assert Slot.objects.get(pk=shown.slot_id).state == SlotState.OPEN


def test_a_slot_that_somebody_is_claiming_this_moment_is_not_called_done(campaign, evaluator_one):
    """Claims pass over locked rows; one that finds nothing else must not tell a person to go home."""
    free = campaign.slots.filter(state=SlotState.OPEN)

    def ask():
        return queue.claim_next(User.objects.get(pk=evaluator_one.pk), at=clock.now())

    with transaction.atomic():
        list(free.select_for_update())
        (told,) = together(ask)
    assert (told.reason, told.retry_after_s) == ("leased_elsewhere", 1)
    assert factory.next_for(evaluator_one) is not None


def test_two_workers_open_one_campaign(transactional_db, owner, platform, custodian, lead, evaluator_one):
    experiment = experiments.measured(owner=owner, platform=platform, custodian=custodian, risk="high")
    opened = together(*[lambda: opening.open_campaign(experiment, at=clock.now())] * 4)
    assert sum(isinstance(each, Campaign) for each in opened) == 1
    assert opened.count(None) == 3
    assert Slot.objects.count() == 12
    assert LedgerEntry.objects.filter(event="campaign_opened").count() == 1
    assert evaluator_one.notifications.count() == 1


def test_two_workers_escalate_each_task_once(campaign, lead):
    factory.becomes_due(campaign)
    counts = together(*[lambda: escalation.escalate_overdue(at=clock.now())] * 4)
    assert sorted(counts) == [0, 0, 0, 12]
    assert Escalation.objects.count() == 12
    assert Notification.objects.filter(recipient=lead, dedupe_key__startswith="tasks-overdue").count() == 1


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize("submitted_first", [False, True])
def test_no_judgment_enters_a_campaign_that_closes(
    campaign, evaluator_one, lead, owner, is_late, submitted_first
):
    """Whoever has the slot first goes on; the other one waits for it and then sees what it did."""
    shown = factory.next_for(evaluator_one)
    submission.cancel(campaign.experiment, by=owner, at=clock.now())
    if is_late:
        factory.lease_ends(shown)
        assignment.expire_leases(at=clock.now())
    began = threading.Event()

    def submit():
        return factory.judge(Assignment.objects.get(pk=shown.pk), 1)

    def close():
        return campaigns.close(campaign.pk, by=lead, at=clock.now())

    def first(act):
        with transaction.atomic():
            done = act()
            began.set()
            wait_until_blocked()
        return done

    def second(act):
        assert began.wait(PATIENCE_S)
        return act()

    one, other = (submit, close) if submitted_first else (close, submit)
    done, then = together(lambda: first(one), lambda: second(other))
    judgment, closed = (done, then) if submitted_first else (then, done)
    assert closed.status == "closed"
    assert getattr(judgment, "code", "stored") == ("stored" if submitted_first else "withdrawn")
    # Nothing can be undone any more, so the root stays true.
    assert [each.state for each in campaign.judgments.all()] == ["final"] * submitted_first
    root = LedgerEntry.objects.get(event="campaign_closed").content["facts"]["judgments_root"]
    assert campaigns.judgments_root(campaign) == root


def test_a_task_that_is_being_excluded_takes_no_judgment(campaign, both, lead):
    skipped = factory.next_for(both[0])
    assignment.give_back(skipped.public_id, by=both[0], state="skipped", at=clock.now())
    shown = factory.next_for(both[1])
    assert shown.task == skipped.task
    began = threading.Event()

    def exclude():
        with transaction.atomic():
            task = campaigns.exclude_task(
                shown.task_id, by=lead, reason="Nobody can judge it.", at=clock.now()
            )
            began.set()
            wait_until_blocked()
        return task

    def submit():
        assert began.wait(PATIENCE_S)
        return factory.judge(Assignment.objects.get(pk=shown.pk), 1)

    excluded, refused = together(exclude, submit)
    assert excluded.excluded_by == lead
    assert refused.code == "withdrawn"
    assert not campaign.judgments.exists()


def test_two_leads_close_a_campaign_once(campaign, both, lead):
    factory.judge_everything(both, factory.prefers_candidate)
    closed = together(*[lambda: campaigns.close(campaign.pk, by=lead, at=clock.now())] * 3)
    assert sorted(getattr(each, "code", "closed") for each in closed) == [
        "already_closed",
        "already_closed",
        "closed",
    ]
    assert campaign.experiment.evidence.count() == 1

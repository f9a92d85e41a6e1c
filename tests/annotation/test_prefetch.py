"""The task after the one on the screen, fetched ahead: theirs, and not yet seen."""

import datetime as dt

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from annotation import assignment, campaigns, queue
from annotation.models import Assignment, AssignmentState, Slot, SlotState
from annotation.queue import NothingToDo
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Conflict, Gone, Refused
from tests.accounts.callers import bearer
from tests.factories import annotation as factory


def fetch_ahead(evaluator):
    return queue.claim_next(evaluator, at=clock.now(), prefetch=True)


def activate(row, by=None):
    return assignment.activate(row.public_id, by=by or row.evaluator, at=clock.now())


@pytest.fixture
def shown(campaign, evaluator_one):
    return factory.next_for(evaluator_one)


@pytest.fixture
def ahead(shown):
    return fetch_ahead(shown.evaluator)


def test_what_is_fetched_ahead_is_another_task_and_not_started(shown, ahead):
    assert ahead.task != shown.task
    assert (ahead.state, ahead.shown_at) == (AssignmentState.PREFETCHED, None)
    until = ahead.claimed_at + dt.timedelta(seconds=settings.REVIEW_PREFETCH_SECONDS)
    assert Slot.objects.get(pk=ahead.slot_id).lease_until == until


def test_fetching_ahead_again_gives_the_same_task(shown, ahead):
    assert fetch_ahead(shown.evaluator) == ahead
    assert factory.next_for(shown.evaluator) == shown
    assert Slot.objects.filter(state=SlotState.HELD).count() == 2


def test_nobody_else_gets_what_was_fetched_ahead(shown, ahead, evaluator_two):
    theirs = [factory.next_for(evaluator_two), fetch_ahead(evaluator_two)]
    assert not {row.slot_id for row in theirs} & {shown.slot_id, ahead.slot_id}


def test_two_tasks_fetched_ahead_are_impossible(shown, ahead):
    Assignment.objects.filter(pk=shown.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        Assignment.objects.filter(pk=shown.pk).update(state=AssignmentState.PREFETCHED)


def test_after_submitting_it_is_shown_with_a_full_lease(shown, ahead):
    factory.judge(shown)
    now_shown = activate(ahead)
    until = now_shown.shown_at + dt.timedelta(seconds=settings.REVIEW_LEASE_SECONDS)
    assert (now_shown.state, now_shown.lease_expires_at) == (AssignmentState.SHOWN, until)
    assert Slot.objects.get(pk=ahead.slot_id).lease_until == until
    assert activate(ahead).shown_at == now_shown.shown_at


def test_a_page_that_is_opened_anew_shows_what_was_fetched_ahead(shown, ahead):
    factory.judge(shown)
    opened = factory.next_for(shown.evaluator)
    assert (opened, opened.state) == (ahead, AssignmentState.SHOWN)


def test_two_tasks_are_never_shown_at_once(shown, ahead):
    with pytest.raises(Conflict) as refused:
        activate(ahead)
    assert refused.value.code == "another_shown"
    ahead.refresh_from_db()
    assert ahead.state == AssignmentState.PREFETCHED


def test_what_nobody_has_seen_cannot_be_judged_or_skipped(shown, ahead):
    with pytest.raises(Conflict) as refused:
        factory.judge(ahead)
    assert refused.value.code == "not_shown"
    with pytest.raises(Conflict) as refused:
        assignment.give_back(ahead.public_id, by=ahead.evaluator, state="skipped", at=clock.now())
    assert refused.value.code == "not_shown"


def test_released_it_goes_to_somebody_else(shown, ahead, evaluator_two):
    assignment.give_back(ahead.public_id, by=ahead.evaluator, state="released", at=clock.now())
    assert factory.next_for(evaluator_two).slot_id == ahead.slot_id


def test_its_lease_ends_like_any_other(shown, ahead, evaluator_two):
    factory.lease_ends(ahead)
    taken = factory.next_for(evaluator_two)
    assert taken.slot_id == ahead.slot_id
    factory.judge(shown)
    with pytest.raises(Conflict) as refused:
        activate(ahead)
    assert refused.value.code == "assignment_ended"


def test_a_task_that_was_left_out_meanwhile_is_gone(shown, ahead, lead, evaluator_two):
    assignment.withdraw(ahead.task.slots.all(), at=clock.now())
    with pytest.raises(Gone) as refused:
        activate(ahead)
    assert refused.value.code == "withdrawn"


def test_a_campaign_that_was_paused_meanwhile_says_why(campaign, shown, ahead, lead):
    campaigns.pause(campaign.pk, by=lead, reason="The rubric is being mended.", at=clock.now())
    with pytest.raises(Gone, match="The rubric is being mended") as refused:
        activate(ahead)
    assert refused.value.code == "paused"


def test_somebody_elses_cannot_be_activated(ahead, evaluator_two):
    with pytest.raises(Refused) as refused:
        activate(ahead, by=evaluator_two)
    assert refused.value.code == "not_yours"


def test_the_last_task_has_none_after_it(campaign, evaluator_one):
    for _ in range(5):
        factory.judge(factory.next_for(evaluator_one))
    factory.next_for(evaluator_one)
    nothing = fetch_ahead(evaluator_one)
    assert isinstance(nothing, NothingToDo)
    assert nothing.reason == "all_done"


def test_by_api(campaign, evaluator_one):
    client = bearer(evaluator_one, Permission.JUDGE)

    def post(path, **body):
        return client.post(f"/api/v1/{path}", body, content_type="application/json")

    first = post("queue/next").json()
    ahead = post("queue/next", prefetch=True).json()
    assert ahead.keys() == first.keys()
    assert post("queue/next", prefetch=True).json()["assignment"] == ahead["assignment"]
    early = post(f"assignments/{ahead['assignment']}/activate")
    assert (early.status_code, early.json()["code"]) == (409, "another_shown")
    judged = post(
        f"assignments/{first['assignment']}/judgment", judgment_id=first["judgment_id"], preference=1
    )
    assert judged.status_code == 201
    activated = post(f"assignments/{ahead['assignment']}/activate")
    assert activated.status_code == 200
    assert activated.json()["judgment_id"] == ahead["judgment_id"]

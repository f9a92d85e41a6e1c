"""Taking a judgment back: an event, until the next judgment or for a minute."""

import datetime as dt

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction

from annotation import assignment, campaigns, jobs, judging, queue
from annotation.agreement import figures
from annotation.answers import Answer
from annotation.models import Assignment, AssignmentState, Judgment, Slot, SlotState
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Conflict, Refused
from tests.accounts.callers import bearer
from tests.factories import annotation as factory


def undo(judgment, by=None, at=None):
    return judging.undo(judgment.public_id, by=by or judgment.evaluator, at=at or clock.now())


@pytest.fixture
def judged(campaign, evaluator_one):
    return factory.judge(factory.next_for(evaluator_one), 1, comment="shorter")


def test_the_task_is_on_the_screen_again_with_a_new_judgment_id(judged):
    back = undo(judged)
    assert back.public_id == judged.assignment.public_id
    assert (back.state, back.ended_at) == (AssignmentState.SHOWN, None)
    assert back.judgment_id != judged.public_id
    slot = Slot.objects.get(pk=judged.slot_id)
    assert (slot.state, slot.token, slot.holder) == (SlotState.HELD, back.public_id, judged.evaluator)
    assert factory.next_for(judged.evaluator) == back


def test_nothing_is_deleted(judged):
    undo(judged)
    judged.refresh_from_db()
    assert (judged.state, judged.comment, judged.choice in ("first", "second")) == ("undone", "shorter", True)
    assert judged.settled_at is not None


def test_judging_it_again_counts_once(campaign, judged):
    again = factory.judge(undo(judged), "tie")
    factory.the_minute_passes()
    assert again.task == judged.task
    assert figures.of(campaign, at=clock.now()).n_judgments == 1
    assert [row.state for row in Judgment.objects.order_by("pk")] == ["undone", "provisional"]


def test_the_old_submission_sent_again_changes_nothing(judged):
    back = undo(judged)
    stored, created = judging.submit(
        back.public_id,
        judgment_id=judged.public_id,
        answer=Answer(preference=2),
        by=judged.evaluator,
        at=clock.now(),
    )
    assert (stored, created, stored.state) == (judged, False, "undone")
    assert Slot.objects.get(pk=judged.slot_id).state == SlotState.HELD


def test_undoing_twice_is_once(judged):
    back = undo(judged)
    again = undo(judged)
    assert (again, again.judgment_id) == (back, back.judgment_id)


def test_the_next_judgment_makes_it_final(judged):
    factory.judge(factory.next_for(judged.evaluator))
    judged.refresh_from_db()
    assert judged.state == "final"
    with pytest.raises(Conflict) as refused:
        undo(judged)
    assert refused.value.code == "too_late"


def test_after_a_minute_it_is_final_whether_or_not_anybody_wrote_that_down(campaign, judged):
    over = judged.submitted_at + dt.timedelta(seconds=settings.REVIEW_UNDO_SECONDS)
    assert figures.of(campaign, at=over - dt.timedelta(seconds=1)).n_judgments == 0
    assert figures.of(campaign, at=over).n_judgments == 1
    with pytest.raises(Conflict) as refused:
        undo(judged, at=over)
    assert refused.value.code == "too_late"


def test_the_sweep_settles_what_is_old_and_nothing_else(judged, evaluator_two):
    factory.the_minute_passes()
    young = factory.judge(factory.next_for(evaluator_two))
    jobs.settle_judgments()
    assert Judgment.objects.get(pk=judged.pk).state == "final"
    assert Judgment.objects.get(pk=young.pk).state == "provisional"


def test_what_was_on_the_screen_meanwhile_is_fetched_ahead_again(judged):
    following = factory.next_for(judged.evaluator)
    ahead = queue.claim_next(judged.evaluator, at=clock.now(), prefetch=True)
    back = undo(judged)
    following.refresh_from_db()
    ahead.refresh_from_db()
    assert (back.state, following.state, ahead.state) == ("shown", "prefetched", "released")
    assert following.shown_at is None
    factory.judge(back)
    assert factory.next_for(judged.evaluator) == following


def test_what_cannot_be_undone_leaves_the_screen_as_it_was(judged):
    shown = factory.next_for(judged.evaluator)
    over = judged.submitted_at + dt.timedelta(seconds=settings.REVIEW_UNDO_SECONDS)
    Judgment.objects.filter(pk=judged.pk).update(state="final", settled_at=over)
    with pytest.raises(Conflict):
        undo(judged)
    shown.refresh_from_db()
    assert shown.state == "shown"


def test_somebody_elses_judgment_is_not_undone(judged, evaluator_two):
    with pytest.raises(Refused) as refused:
        undo(judged, by=evaluator_two)
    assert refused.value.code == "not_yours"


def test_closing_makes_everything_final(campaign, both, lead):
    while shown := factory.next_for(both[0]):
        factory.judge(shown)
    while shown := factory.next_for(both[1]):
        last = factory.judge(shown)
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert not Judgment.objects.exclude(state="final").exists()
    assert campaign.experiment.evidence.get().body["judgments"] == 12
    with pytest.raises(Conflict):
        undo(last)


def test_a_campaign_does_not_close_over_an_undone_judgment(campaign, both, lead):
    while shown := factory.next_for(both[0]):
        factory.judge(shown)
    while shown := factory.next_for(both[1]):
        last = factory.judge(shown)
    undo(last)
    with pytest.raises(Refused) as refused:
        campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert refused.value.code == "still_open"
    assert Judgment.objects.filter(state="provisional").exists()


def test_two_standing_judgments_of_one_slot_are_impossible(judged, evaluator_two):
    with pytest.raises(IntegrityError), transaction.atomic():
        Judgment.objects.create(
            public_id=Assignment.objects.first().public_id,
            assignment=judged.assignment,
            slot=judged.slot,
            campaign=judged.campaign,
            task=judged.task,
            evaluator=evaluator_two,
            choice="tie",
            places="01",
            wall_ms=1,
            submitted_at=clock.now(),
        )


def test_by_api(campaign, evaluator_one):
    client = bearer(evaluator_one, Permission.JUDGE)

    def post(path, **body):
        return client.post(f"/api/v1/{path}", body, content_type="application/json")

    shown = post("queue/next").json()
    at = f"assignments/{shown['assignment']}"
    stored = post(f"{at}/judgment", judgment_id=shown["judgment_id"], preference=2).json()
    assert (stored["state"], stored["preference"]) == ("provisional", 2)
    back = post(f"judgments/{shown['judgment_id']}/undo")
    assert back.status_code == 200
    assert back.json().keys() == {"assignment", "lease_expires_at", "judgment_id"}
    assert back.json()["assignment"] == shown["assignment"]
    again = post(f"{at}/judgment", judgment_id=shown["judgment_id"], preference=1)
    assert (again.status_code, again.json()["state"], again.json()["preference"]) == (200, "undone", 2)
    newly = post(f"{at}/judgment", judgment_id=back.json()["judgment_id"], preference=1)
    assert (newly.status_code, newly.json()["preference"]) == (201, 1)


def test_a_late_answer_is_kept_once_and_counts_nowhere(campaign, both):
    late = factory.next_for(both[0])
    factory.lease_ends(late)
    taken = factory.next_for(both[1])
    for _ in range(3):
        with pytest.raises(Conflict):
            factory.judge(late, 2, comment="my work")
    surplus = Judgment.objects.get()
    assert (surplus.state, surplus.comment) == ("surplus", "my work")
    factory.judge(taken)
    factory.the_minute_passes()
    assert figures.of(campaign, at=clock.now()).n_judgments == 1
    assert assignment.mine(late.public_id, both[0]).state == "expired"

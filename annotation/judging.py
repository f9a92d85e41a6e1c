"""Acts: submit a judgment, take it back, make it final."""

import datetime as dt
import uuid
from dataclasses import asdict

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q

from annotation import assignment as assignments
from annotation import policies, querysets, rubrics
from annotation.answers import Answer
from annotation.blinding import redaction
from annotation.models import (
    Assignment,
    AssignmentState,
    Campaign,
    CampaignStatus,
    Judgment,
    JudgmentState,
    Slot,
    SlotState,
)
from annotation.models.task import FIRST_REPEAT
from annotation.protocols import rules_of
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Gone, Invalid, Refused, refuse_if
from evaltrack.statements import Change, Update

LONGEST_COMMENT = 5000
LONGEST_MS = 2**31 - 1  # what its column holds: 24 days
TAKEN = (
    "reassigned",
    "The lead gave this task to somebody else. Your answer was kept, and does not count. "
    "Ask the queue for the next one.",
)
# Also of what came for the second time, which goes to nobody: an answer of its own would tell it from the rest.
TOO_LATE = (
    "reassigned",
    "Your time for this task was up, and it is not yours any more. Your answer was kept, and does not count. "
    "Ask the queue for the next one.",
)
REVISED = (
    "rubric_changed",
    "The rubric has changed since you were given this task. Look at what changed, then submit again.",
)


def submit(
    assignment_id: uuid.UUID, *, judgment_id: uuid.UUID, answer: Answer, by: User, at: dt.datetime
) -> tuple[Judgment, bool]:
    """Store a judgment; with it whether it is new. The same `judgment_id` again answers with the stored one.

    It can be undone until the evaluator's next one, which makes this one's forerunner final, or for a minute.
    Where the task went to somebody else meanwhile, the answer is kept as surplus, counts nowhere, and `Conflict`
    says so.
    """
    refuse_if(policies.judging(by))
    assignment = assignments.mine(assignment_id, by)
    if judgment_id != assignment.judgment_id:
        if stored := Judgment.objects.filter(public_id=judgment_id, assignment=assignment).first():
            return stored, False  # sent again after it was undone
        raise Invalid(
            "wrong_judgment_id",
            "The judgment_id does not belong to this assignment; send the one that came with the task.",
            {"judgment_id": ["is not this assignment's"]},
        )
    if assignment.state == AssignmentState.SUBMITTED and (stored := stored_as(judgment_id)):
        return stored, False
    judgment = drawn_up(assignment, judgment_id, answer, by=by, at=at)
    assignments.refuse_if_paused(assignment.campaign)
    try:
        with transaction.atomic():
            finish(assignment, by=by, at=at)
            settle(by=by.pk, at=at)
            judgment.save(force_insert=True)
    except (IntegrityError, Conflict) as error:
        # A double click: of two equal posts the second finds the first one's judgment.
        if stored := stored_as(judgment_id):
            return stored, False
        if not isinstance(error, Conflict):
            # Their slot is free again, but they were given the task's other one: one judgment each.
            error = Conflict(
                "reassigned",
                "You were given this task anew after your time was up. Your answer was kept, and does not count. "
                "Ask the queue for the next one.",
            )
        if error.code == "reassigned":
            keep_as_surplus(judgment, at=at)
        raise error from None
    return judgment, True


def stored_as(judgment_id: uuid.UUID) -> Judgment | None:
    return Judgment.objects.filter(public_id=judgment_id).exclude(state=JudgmentState.SURPLUS).first()


def drawn_up(
    assignment: Assignment, judgment_id: uuid.UUID, answer: Answer, *, by: User, at: dt.datetime
) -> Judgment:
    """The answer as a row that is not stored yet, or what is wrong with it."""
    if assignment.shown_at is None:
        raise Conflict("not_shown", "This task was fetched ahead and not shown yet; activate it first.")
    if len(answer.comment) > LONGEST_COMMENT:
        raise Invalid("comment_too_long", f"A comment takes up to {LONGEST_COMMENT} characters.")
    refuse_if_revised(assignment, answer)
    slot = assignment.slot
    said = rules_of(assignment.campaign.protocol).checked(
        answer,
        details=rubrics.of(assignment.campaign.rubric),
        places=slot.places,
        text=lambda: redaction.responses_read(slot=slot.pk, task=slot.task_id)[0]["words"],
    )
    wall_ms = min(max(0, round((at - assignment.shown_at).total_seconds() * 1000)), LONGEST_MS)
    return Judgment(
        public_id=judgment_id,
        assignment=assignment,
        slot=slot,
        campaign=assignment.campaign,
        task_id=assignment.task_id,
        evaluator=by,
        rubric=assignment.campaign.rubric,
        **asdict(said),
        places=slot.places,
        is_repeat=slot.is_repeat,
        comment=answer.comment.replace("\x00", ""),
        # Nobody was active for longer than the task was there.
        active_ms=None if answer.active_ms is None else min(max(answer.active_ms, 0), wall_ms),
        wall_ms=wall_ms,
        submitted_at=at,
    )


def refuse_if_revised(assignment: Assignment, answer: Answer) -> None:
    """Nothing is taken as said by a version of the rubric that the evaluator has not seen."""
    refuse_if_outdated(assignment.campaign, assignment.claimed_at, answer.rubric_version)


def refuse_if_outdated(campaign: Campaign, claimed_at: dt.datetime, seen: int | None) -> None:
    """`seen`: the version that was in sight; None: the one that held when the task was claimed."""
    if seen is None and campaign.revised_at and claimed_at < campaign.revised_at:
        raise Conflict(*REVISED)
    if seen is not None and seen != campaign.rubric.version:
        raise Conflict(*REVISED)


def finish(assignment: Assignment, *, by: User, at: dt.datetime) -> None:
    """Assignment and slot are done, under the token. A lease that ended is forgiven while the slot is free; that a
    lead took the task away is not, and neither is that one keeps it for somebody else."""
    if slot_done(slot=assignment.slot_id, token=assignment.public_id, by=by.pk):
        seen = AssignmentState.SHOWN
    elif slot_done(slot=assignment.slot_id, token=None, by=by.pk):
        seen = AssignmentState.EXPIRED
    elif Slot.objects.filter(pk=assignment.slot_id, state=SlotState.WITHDRAWN).exists():
        if came_again_too_late(assignment):
            raise Conflict(*TOO_LATE)
        raise Gone(
            "withdrawn",
            "This task is not asked for any more: its campaign was closed, or the task was left out. "
            "Ask the queue for the next one.",
        )
    elif assignment.state in (AssignmentState.SKIPPED, AssignmentState.RELEASED):
        raise Conflict("assignment_ended", "You gave this task back; ask the queue for the next one.")
    else:
        refuse_if_taken(assignment)
        raise Conflict(*TOO_LATE)
    by_rubric = assignment.campaign.rubric_id
    if submitted(assignment=assignment.pk, seen=seen, rubric=by_rubric, at=at):
        return
    refuse_if_taken(assignment)
    if not Campaign.objects.filter(pk=assignment.campaign_id, rubric=by_rubric).exists():
        raise Conflict(*REVISED)
    raise Conflict("assignment_ended", "You gave this task back; ask the queue for the next one.")


def came_again_too_late(assignment: Assignment) -> bool:
    """Whether it was the second time and its lease has ended, and not its campaign or its task."""
    return Assignment.objects.filter(
        pk=assignment.pk,
        state=AssignmentState.EXPIRED,
        slot__ordinal__gte=FIRST_REPEAT,
        task__excluded_at=None,
        campaign__status=CampaignStatus.OPEN,
    ).exists()


def refuse_if_taken(assignment: Assignment) -> None:
    if Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.REASSIGNED).exists():
        raise Conflict(*TAKEN)


@Update
def slot_done(*, slot: int, token: uuid.UUID | None, by: int) -> Change:
    """The slot under its token, or, without one, while it is free and kept for nobody else."""
    slots = Slot.objects.filter(pk=slot)
    free = querysets.not_kept_from(by) & Q(state=SlotState.OPEN)
    slots = slots.filter(free if token is None else Q(token=token))
    return slots, {"state": SlotState.DONE, "holder": by, "token": None, "lease_until": None}


@Update
def submitted(*, assignment: int, seen: str, rubric: int, at: dt.datetime) -> Change:
    """While the campaign asks by that version of the rubric. One that is revised in the same moment may be missed;
    `revision.ask_again` looks again."""
    asked = Assignment.objects.filter(pk=assignment, state=seen)
    return asked.filter(campaign__in=Campaign.objects.filter(rubric=rubric)), {
        "state": AssignmentState.SUBMITTED,
        "ended_at": at,
    }


@Update
def settle(*, by: int, at: dt.datetime) -> Change:
    """The evaluator goes on, so what they said before stands."""
    provisional = Judgment.objects.filter(evaluator=by, state=JudgmentState.PROVISIONAL)
    return provisional, {"state": JudgmentState.FINAL, "settled_at": at}


def settle_old(*, at: dt.datetime) -> int:
    """Make final what nobody can undo any more; statistics count it already."""
    return Judgment.objects.filter(
        state=JudgmentState.PROVISIONAL, submitted_at__lte=querysets.undo_limit(at)
    ).update(state=JudgmentState.FINAL, settled_at=at)


def keep_as_surplus(judgment: Judgment, *, at: dt.datetime) -> None:
    """Work that somebody did is never thrown away, even where it counts no more."""
    judgment.state, judgment.settled_at = JudgmentState.SURPLUS, at
    try:
        with transaction.atomic():
            judgment.save(force_insert=True)
    except IntegrityError:
        return  # kept before: the same answer was sent again


@transaction.atomic
def undo(judgment_id: uuid.UUID, *, by: User, at: dt.datetime) -> Assignment:
    """Take the last judgment back: its task is on the screen again, with a new `judgment_id`.

    The judgment stays, marked as undone. What was on the screen meanwhile is fetched ahead again.
    """
    refuse_if(policies.judging(by))
    judgment = Judgment.objects.filter(public_id=judgment_id, evaluator=by).first()
    if judgment is None:
        raise Refused("not_yours", "You have submitted no such judgment.")
    if judgment.state == JudgmentState.UNDONE:
        return undone_before(judgment, by)
    if judgment.state == JudgmentState.SUPERSEDED:
        raise Conflict("asked_again", "The rubric has changed, and this task is asked again; ask the queue.")
    too_late = Conflict(
        "too_late", "This judgment is final: you have gone on to the next, or its minute is over."
    )
    if judgment.submitted_at <= querysets.undo_limit(at):
        raise too_late
    until = at + dt.timedelta(seconds=settings.REVIEW_LEASE_SECONDS)
    # Slots before judgments, as in `submit`: so that the two do not wait for each other.
    make_room(judgment.campaign_id, by, at=at)
    held = Slot.objects.filter(pk=judgment.slot_id, state=SlotState.DONE, holder=by).update(
        state=SlotState.HELD, token=judgment.assignment.public_id, lease_until=until
    )
    taken_back = Judgment.objects.filter(pk=judgment.pk, state=JudgmentState.PROVISIONAL).update(
        state=JudgmentState.UNDONE, settled_at=at
    )
    if not (held and taken_back):
        raise too_late
    try:
        Assignment.objects.filter(pk=judgment.assignment_id, state=AssignmentState.SUBMITTED).update(
            state=AssignmentState.SHOWN, ended_at=None, judgment_id=uuid.uuid4(), lease_expires_at=until
        )
    except IntegrityError as error:
        raise Conflict("busy", "Another window of yours is fetching a task; try again.") from error
    return assignments.mine(judgment.assignment.public_id, by)


def undone_before(judgment: Judgment, by: User) -> Assignment:
    """The answer to an undo that was sent twice."""
    assignment = assignments.mine(judgment.assignment.public_id, by)
    if assignment.state != AssignmentState.SHOWN:
        raise Conflict("too_late", "This judgment was undone before, and its task answered or given back.")
    return assignment


def make_room(campaign_id: int, by: User, *, at: dt.datetime) -> None:
    """Of a campaign, one task is shown and one fetched ahead: the one shown steps back, the other goes."""
    held = Assignment.objects.filter(evaluator=by, campaign=campaign_id)
    shown = held.filter(state=AssignmentState.SHOWN).first()
    if shown is None:
        return
    if ahead := held.filter(state=AssignmentState.PREFETCHED).first():
        assignments.give_back(ahead.public_id, by=by, state=AssignmentState.RELEASED, at=at)
    until = at + dt.timedelta(seconds=settings.REVIEW_PREFETCH_SECONDS)
    Slot.objects.filter(pk=shown.slot_id, token=shown.public_id).update(lease_until=until)
    Assignment.objects.filter(pk=shown.pk, state=AssignmentState.SHOWN).update(
        state=AssignmentState.PREFETCHED, shown_at=None, lease_expires_at=until
    )

"""Act: submit a judgment."""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from annotation import assignment as assignments
from annotation import policies
from annotation.models import Assignment, AssignmentState, Choice, Judgment, Slot, SlotState
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Gone, Invalid, refuse_if

LONGEST_COMMENT = 5000
LONGEST_MS = 2**31 - 1  # what its column holds: 24 days


@dataclass(frozen=True)
class Answer:
    """What the evaluator saw and chose: 1 or 2 is the response in that place."""

    preference: int | str
    comment: str = ""
    active_ms: int | None = None


def submit(
    assignment_id: uuid.UUID, *, judgment_id: uuid.UUID, answer: Answer, by: User, at: dt.datetime
) -> tuple[Judgment, bool]:
    """Store a judgment; with it whether it is new. The same `judgment_id` again answers with the stored one."""
    refuse_if(policies.judging(by))
    assignment = assignments.mine(assignment_id, by)
    if judgment_id != assignment.judgment_id:
        raise Invalid(
            "wrong_judgment_id",
            "The judgment_id does not belong to this assignment; send the one that came with the task.",
            {"judgment_id": ["is not this assignment's"]},
        )
    if stored := Judgment.objects.filter(public_id=judgment_id).first():
        return stored, False
    if len(answer.comment) > LONGEST_COMMENT:
        raise Invalid("comment_too_long", f"A comment takes up to {LONGEST_COMMENT} characters.")
    choice = chosen(answer.preference, assignment.slot)
    wall_ms = min(max(0, round((at - assignment.shown_at).total_seconds() * 1000)), LONGEST_MS)
    try:
        with transaction.atomic():
            finish(assignment, by=by, at=at)
            judgment = Judgment.objects.create(
                public_id=judgment_id,
                assignment=assignment,
                campaign_id=assignment.campaign_id,
                task_id=assignment.task_id,
                evaluator=by,
                choice=choice,
                first_on_slot_1=assignment.slot.first_on_slot_1,
                comment=answer.comment.replace("\x00", ""),
                # Nobody was active for longer than the task was there.
                active_ms=None if answer.active_ms is None else min(max(answer.active_ms, 0), wall_ms),
                wall_ms=wall_ms,
                submitted_at=at,
            )
    except (IntegrityError, Conflict) as error:
        # A double click: of two equal posts the second finds the first one's judgment.
        if stored := Judgment.objects.filter(public_id=judgment_id).first():
            return stored, False
        if isinstance(error, Conflict):
            raise
        # Their slot is free again, but they were given the task's other one: one judgment each.
        raise Conflict(
            "reassigned",
            "You were given this task anew after your time was up. Ask the queue for the next one.",
        ) from error
    return judgment, True


def finish(assignment: Assignment, *, by: User, at: dt.datetime) -> None:
    """Assignment and slot are done, under the token; a lease that ended is forgiven while the slot is free."""
    done = {"state": SlotState.DONE, "holder": by, "token": None, "lease_until": None}
    if Slot.objects.filter(pk=assignment.slot_id, token=assignment.public_id).update(**done):
        seen = AssignmentState.SHOWN
    elif Slot.objects.filter(pk=assignment.slot_id, state=SlotState.OPEN).update(**done):
        seen = AssignmentState.EXPIRED
    elif Slot.objects.filter(pk=assignment.slot_id, state=SlotState.WITHDRAWN).exists():
        raise Gone(
            "withdrawn",
            "This task is not asked for any more: its campaign was closed, or the task was left out. "
            "Ask the queue for the next one.",
        )
    else:
        raise Conflict(
            "reassigned",
            "This task went to somebody else after your time was up. Ask the queue for the next one.",
        )
    ended = Assignment.objects.filter(pk=assignment.pk, state=seen).update(
        state=AssignmentState.SUBMITTED, ended_at=at
    )
    if not ended:
        raise Conflict("assignment_ended", "You gave this task back; ask the queue for the next one.")


def chosen(preference: int | str, slot: Slot) -> Choice:
    """The response that stood in the chosen place."""
    if preference in (1, 2, "1", "2"):
        on_slot_1 = str(preference) == "1"
        return Choice.FIRST if on_slot_1 == slot.first_on_slot_1 else Choice.SECOND
    if preference in (Choice.TIE, Choice.BOTH_BAD):
        return Choice(preference)
    raise Invalid(
        "bad_preference",
        'Choose 1, 2, "tie" or "both_bad".',
        {"preference": ['must be 1, 2, "tie" or "both_bad"']},
    )

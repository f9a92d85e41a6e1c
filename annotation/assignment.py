"""Acts: give an evaluator the next task, take it back."""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from annotation import policies, querysets
from annotation.models import Assignment, AssignmentState, Campaign, Slot, SlotState
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Refused, refuse_if

EXPIRE_BATCH = 500
RETRY_SECONDS = 60


@dataclass(frozen=True)
class NothingToDo:
    """Why there is no task, truly, and when asking again makes sense."""

    reason: str
    detail: str
    retry_after_s: int | None


def claim_next(
    evaluator: User, *, at: dt.datetime, campaign: Campaign | None = None
) -> Assignment | NothingToDo:
    """The assignment shown already, or the next one; else the reason why there is none."""
    if refusal := policies.claiming(evaluator):
        return NothingToDo(refusal.code, refusal.reason, None)
    expire_leases(at=at)
    for _ in range(3):
        try:
            with transaction.atomic():
                shown = shown_assignment(evaluator, campaign)
                assignment = shown or claim(evaluator, campaign, at=at)
        except IntegrityError:
            continue  # the same evaluator in two tabs: one of them won, and this one looks again
        return assignment or why_nothing(evaluator, campaign, at=at)
    raise Conflict("busy", "Another window of yours is fetching a task; try again.")


def shown_assignment(evaluator: User, campaign: Campaign | None) -> Assignment | None:
    shown = Assignment.objects.filter(evaluator=evaluator, state=AssignmentState.SHOWN)
    if campaign is not None:
        shown = shown.filter(campaign=campaign)
    return shown.order_by("pk").first()


def queue(campaign: Campaign | None) -> QuerySet[Slot]:
    slots = querysets.queued_slots()
    return slots if campaign is None else slots.filter(campaign=campaign)


def claim(evaluator: User, campaign: Campaign | None, *, at: dt.datetime) -> Assignment | None:
    free_slots = queue(campaign).filter(state=SlotState.OPEN)
    slots = querysets.left_for(evaluator, free_slots).order_by("due_at", "order_key")
    # SKIP LOCKED: two evaluators who press Next together get different tasks, not a wait.
    slot = slots.select_for_update(skip_locked=True, of=("self",)).first()
    if slot is None:
        return None
    return give(slot, evaluator, at=at)


@transaction.atomic
def give(slot: Slot, evaluator: User, *, at: dt.datetime) -> Assignment:
    """Put an open slot on the evaluator's screen."""
    until = at + dt.timedelta(seconds=settings.REVIEW_LEASE_SECONDS)
    token = uuid.uuid4()
    if not Slot.objects.filter(pk=slot.pk, state=SlotState.OPEN).update(
        state=SlotState.HELD, holder=evaluator, token=token, lease_until=until
    ):
        raise IntegrityError("the slot was taken between reading and writing")
    return Assignment.objects.create(
        public_id=token,
        slot=slot,
        campaign_id=slot.campaign_id,
        task_id=slot.task_id,
        evaluator=evaluator,
        shown_at=at,
        lease_expires_at=until,
    )


def why_nothing(evaluator: User, campaign: Campaign | None, *, at: dt.datetime) -> NothingToDo:
    waiting = queue(campaign)
    # Free slots were passed over because others are claiming them this moment: they come first, as just held.
    elsewhere = querysets.left_for(evaluator, waiting).order_by(F("lease_until").asc(nulls_first=True))
    if (slot := elsewhere.first()) is not None:
        seconds = max(1, round(((slot.lease_until or at) - at).total_seconds()))
        detail = "Other evaluators hold what is left for you; one may come back."
        return NothingToDo("leased_elsewhere", detail, min(seconds, RETRY_SECONDS))
    if waiting.filter(querysets.of_own_models(evaluator)).exists():
        detail = "What is left compares your own models; others judge those."
        return NothingToDo("own_model", detail, None)
    detail = "Nothing is left for you: you have judged or skipped everything that waited."
    return NothingToDo("all_done", detail, None)


def mine(assignment_id: uuid.UUID, evaluator: User) -> Assignment:
    """The evaluator's own assignment. Somebody else's looks the same as none."""
    found = (
        Assignment.objects.select_related("slot", "task__first", "task__second", "campaign__rubric")
        .filter(public_id=assignment_id, evaluator=evaluator)
        .first()
    )
    if found is None:
        raise Refused("not_yours", "This assignment is not yours. Ask the queue for your next task.")
    return found


@transaction.atomic
def give_back(
    assignment_id: uuid.UUID, *, by: User, state: str, at: dt.datetime, skip_reason: str = ""
) -> Assignment:
    """Skip or release: the slot returns to the pool with its side and its order."""
    refuse_if(policies.judging(by))
    assignment = mine(assignment_id, by)
    if assignment.state == state:
        return assignment
    # The slot before its assignment, as in every act: so that no two of them wait for each other.
    free(assignment.slot_id, assignment.public_id)
    ended = Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.SHOWN).update(
        state=state, ended_at=at, skip_reason=skip_reason[:300]
    )
    if not ended:
        raise Conflict("assignment_ended", "This task is not yours any more; ask the queue for the next one.")
    assignment.refresh_from_db()
    return assignment


def free(slot_id: int, token: uuid.UUID) -> int:
    return Slot.objects.filter(pk=slot_id, token=token).update(
        state=SlotState.OPEN, holder=None, token=None, lease_until=None
    )


@transaction.atomic
def withdraw(slots: QuerySet[Slot], *, at: dt.datetime) -> int:
    """Ask nobody any more for those of `slots` that miss their judgment; how many.

    READ COMMITTED is enough, as each act decides by the slot's own row alone. A claim, a submission or a return
    that has the row makes this one wait, and the row is then judged by its newest version: one that was done
    meanwhile is left alone, and the statements after this one see its judgment. Whoever comes later waits for
    this one, and finds neither the token nor an open slot. To ask whether the campaign is still open would not do:
    PostgreSQL looks again at the row that it waited for, but at other tables as they were before the wait.
    """
    # In one order, so that two of these do not wait for each other; the slot before its assignment, as everywhere.
    owed = list(slots.select_for_update(of=("self",)).filter(querysets.OWED).order_by("pk"))
    Slot.objects.filter(pk__in=[slot.pk for slot in owed]).update(
        state=SlotState.WITHDRAWN, holder=None, token=None, lease_until=None
    )
    tokens = [slot.token for slot in owed if slot.token]
    Assignment.objects.filter(public_id__in=tokens, state=AssignmentState.SHOWN).update(
        state=AssignmentState.EXPIRED, ended_at=at
    )
    return len(owed)


@transaction.atomic
def expire_leases(*, at: dt.datetime) -> int:
    """Return slots whose lease has ended to the pool; how many."""
    ended = list(
        Slot.objects.select_for_update(skip_locked=True)
        .filter(state=SlotState.HELD, lease_until__lt=at)
        .order_by("lease_until")[:EXPIRE_BATCH]
    )
    for slot in ended:
        token = slot.token
        assert token is not None  # a held slot has one, by constraint
        Assignment.objects.filter(public_id=token, state=AssignmentState.SHOWN).update(
            state=AssignmentState.EXPIRED, ended_at=at
        )
        free(slot.pk, token)
    return len(ended)


def heartbeat(assignment_id: uuid.UUID, *, by: User, at: dt.datetime) -> Assignment:
    """Renew the lease of a shown assignment."""
    assignment = mine(assignment_id, by)
    until = at + dt.timedelta(seconds=settings.REVIEW_LEASE_SECONDS)
    with transaction.atomic():
        renewed = Slot.objects.filter(pk=assignment.slot_id, token=assignment.public_id).update(
            lease_until=until
        )
        if not renewed:
            raise Conflict(
                "assignment_ended", "This task is not yours any more; ask the queue for the next one."
            )
        Assignment.objects.filter(pk=assignment.pk).update(lease_expires_at=until)
    assignment.lease_expires_at = until
    return assignment

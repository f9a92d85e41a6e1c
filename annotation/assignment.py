"""Acts on one assignment: show what was fetched ahead, keep it, give it back, let it expire."""

import datetime as dt
import uuid

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When

from annotation import policies, querysets
from annotation.models import Assignment, AssignmentState, Campaign, CampaignStatus, Slot, SlotState
from annotation.models.pause import kept_from
from annotation.models.task import FIRST_REPEAT
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Gone, Refused, refuse_if
from evaltrack.statements import Statement

EXPIRE_BATCH = 500
# Two heartbeats may be lost before somebody is taken for away.
WORKING_SECONDS = 90
ENDED = ("assignment_ended", "This task is not yours any more; ask the queue for the next one.")


def give(slot: Slot, evaluator: User, *, at: dt.datetime) -> Assignment:
    """Put a certain open slot on the evaluator's screen."""
    until = at + dt.timedelta(seconds=settings.REVIEW_LEASE_SECONDS)
    token = uuid.uuid4()
    with transaction.atomic():
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
            claimed_at=at,
            shown_at=at,
            lease_expires_at=until,
        )


def mine(assignment_id: uuid.UUID, evaluator: User) -> Assignment:
    """The evaluator's own assignment. Somebody else's looks the same as none."""
    found = assignment_of(assignment=assignment_id, evaluator=evaluator.pk)
    if not found:
        raise Refused("not_yours", "This assignment is not yours. Ask the queue for your next task.")
    return found[0]


@Statement
def assignment_of(*, assignment: uuid.UUID, evaluator: int) -> QuerySet[Assignment]:
    mine = Assignment.objects.filter(public_id=assignment, evaluator=evaluator)
    return mine.select_related("slot", "campaign__rubric")


def refuse_if_paused(campaign: Campaign) -> None:
    if campaign.status == CampaignStatus.PAUSED:
        raise Gone("paused", f"The lead has paused this: {campaign.pause_reason} What you wrote is kept.")


def activate(assignment_id: uuid.UUID, *, by: User, at: dt.datetime) -> Assignment:
    """What was fetched ahead is on the screen now. Doing so again changes nothing."""
    refuse_if(policies.judging(by))
    assignment = mine(assignment_id, by)
    refuse_if_paused(assignment.campaign)
    if assignment.state == AssignmentState.SHOWN:
        return assignment
    if Campaign.objects.filter(kept_from(by), pk=assignment.campaign_id).exists():
        raise Gone("paused", "A lead has paused your work here. Your own page says why, and how to appeal.")
    if assignment.slot.state == SlotState.WITHDRAWN:
        raise Gone("withdrawn", "This task is not asked for any more. Ask the queue for the next one.")
    try:
        with transaction.atomic():
            return show(assignment, at=at)
    except IntegrityError as error:
        raise Conflict("another_shown", "Another task is on your screen; answer that one first.") from error


def show(assignment: Assignment, *, at: dt.datetime) -> Assignment:
    """From fetched ahead to shown, with a full lease. Inside the caller's transaction."""
    until = at + dt.timedelta(seconds=settings.REVIEW_LEASE_SECONDS)
    renewed = Slot.objects.filter(pk=assignment.slot_id, token=assignment.public_id).update(lease_until=until)
    shown = renewed and Assignment.objects.filter(pk=assignment.pk, state=AssignmentState.PREFETCHED).update(
        state=AssignmentState.SHOWN, shown_at=at, lease_expires_at=until
    )
    if not shown:
        raise Conflict(*ENDED)
    assignment.state, assignment.shown_at, assignment.lease_expires_at = AssignmentState.SHOWN, at, until
    return assignment


@transaction.atomic
def give_back(
    assignment_id: uuid.UUID, *, by: User, state: str, at: dt.datetime, skip_reason: str = ""
) -> Assignment:
    """Skip or release: the slot returns to the pool with its side and its order."""
    refuse_if(policies.judging(by))
    assignment = mine(assignment_id, by)
    if assignment.state == state:
        return assignment
    if state == AssignmentState.SKIPPED and assignment.shown_at is None:
        raise Conflict("not_shown", "You have not seen this task yet; release it instead.")
    # The slot before its assignment, as in every act: so that no two of them wait for each other.
    free(assignment.slot_id, assignment.public_id)
    ended = Assignment.objects.filter(querysets.HELD, pk=assignment.pk).update(
        state=state, ended_at=at, skip_reason=skip_reason[:300]
    )
    if not ended:
        raise Conflict(*ENDED)
    if state == AssignmentState.SKIPPED:
        # What a lead kept for them they will not judge: it is kept from nobody any more.
        kept = Slot.objects.filter(pk=assignment.slot_id, reserved_for=by)
        kept.update(reserved_for=None, reserved_until=None)
    assignment.refresh_from_db()
    return assignment


def free(slot_id: int, token: uuid.UUID) -> int:
    """To the pool; what somebody was to say for the second time is asked of nobody else."""
    return Slot.objects.filter(pk=slot_id, token=token).update(
        state=Case(
            When(ordinal__gte=FIRST_REPEAT, then=Value(SlotState.WITHDRAWN.value)),
            default=Value(SlotState.OPEN.value),
        ),
        holder=None,
        token=None,
        lease_until=None,
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
    owed = list(slots.select_for_update(of=("self",)).filter(querysets.UNFINISHED).order_by("pk"))
    Slot.objects.filter(pk__in=[slot.pk for slot in owed]).update(
        state=SlotState.WITHDRAWN, holder=None, token=None, lease_until=None
    )
    tokens = [slot.token for slot in owed if slot.token]
    Assignment.objects.filter(querysets.HELD, public_id__in=tokens).update(
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
    expire(ended, at=at)
    return len(ended)


@transaction.atomic
def return_idle(slots: QuerySet[Slot], *, at: dt.datetime) -> list[User]:
    """Return those of `slots` to the pool that somebody has and is not working on; whose they were.

    Who is working renews the lease every half minute: their text must not be taken from them in the middle of it.
    """
    working_since = at - dt.timedelta(seconds=WORKING_SECONDS)
    renewed = working_since + dt.timedelta(seconds=settings.REVIEW_LEASE_SECONDS)
    unseen = Assignment.objects.filter(public_id=OuterRef("token"), state=AssignmentState.PREFETCHED)
    idle = list(
        slots.select_for_update(skip_locked=True, of=("self",))
        .filter(Q(lease_until__lt=renewed) | Q(Exists(unseen)), state=SlotState.HELD)
        .order_by("pk")
    )
    holders = User.objects.filter(pk__in={slot.holder_id for slot in idle})
    expire(idle, at=at)
    return list(holders)


def expire(held: list[Slot], *, at: dt.datetime, state: str = AssignmentState.EXPIRED) -> None:
    """Inside the caller's transaction, which has the rows."""
    for slot in held:
        token = slot.token
        assert token is not None  # a held slot has one, by constraint
        free(slot.pk, token)
        Assignment.objects.filter(querysets.HELD, public_id=token).update(state=state, ended_at=at)


def heartbeat(assignment_id: uuid.UUID, *, by: User, at: dt.datetime) -> Assignment:
    """Renew the lease of a shown assignment."""
    assignment = mine(assignment_id, by)
    refuse_if_paused(assignment.campaign)
    until = at + dt.timedelta(seconds=settings.REVIEW_LEASE_SECONDS)
    with transaction.atomic():
        renewed = Slot.objects.filter(pk=assignment.slot_id, token=assignment.public_id).update(
            lease_until=until
        )
        if not renewed:
            raise Conflict(*ENDED)
        Assignment.objects.filter(pk=assignment.pk).update(lease_expires_at=until)
    assignment.lease_expires_at = until
    return assignment

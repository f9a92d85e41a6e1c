"""Act: a lead gives a missing judgment to somebody else, or back to the pool, at any level of the ladder.

The slot keeps its sides and its order. Whoever had it loses the token: what they still submit is kept as surplus.
Given to somebody, the slot is *reserved*: free, but given out to nobody else until the reservation ends. It takes no
place on that person's screen, so they can be away, and may have several.
"""

import datetime as dt
import itertools
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Subquery

from annotation import assignment, campaigns, messages, policies, pool, querysets
from annotation.models import AssignmentState, Campaign, Escalation, Level, Slot, SlotState, Task
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Refused, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from evaltrack.notifications import outbox

MOST_SHOWN = 25
MOVED_ON = (
    "moved_on",
    "This task was judged, or went to somebody else, while you looked. Look at the list again.",
)


@transaction.atomic
def reassign(
    campaign_id: int,
    task: Task,
    *,
    ordinal: int,
    taken_from: User | None,
    to: User | None,
    by: User,
    at: dt.datetime,
) -> Slot:
    """Take the missing judgment in the task's slot `ordinal` from its holder; None where nobody has it.

    `to`: for whom it is reserved; None: for everybody who may judge it, whoever had it among them.
    """
    campaign = campaigns.locked(campaign_id)
    refuse_if(policies.reassigning(by, campaign))
    slot = locked_slot(campaign, task, ordinal, holder=taken_from)
    if to is not None and not eligible(campaign, task).filter(pk=to.pk).exists():
        raise Refused(
            "not_eligible",
            f"{to.pseudonym} may not judge this task, or has judged, skipped or been given it already.",
        )
    if taken_from is not None:
        assignment.expire([slot], at=at, state=AssignmentState.REASSIGNED)
    until = at + dt.timedelta(hours=settings.REVIEW_RESERVE_HOURS)
    slot.reserved_for, slot.reserved_until = to, until if to else None
    Slot.objects.filter(pk=slot.pk).update(reserved_for=to, reserved_until=slot.reserved_until)
    if taken_from is not None:
        outbox.post(messages.task_taken(slot, at=at), to=[taken_from], at=at)
    if to is not None:
        outbox.post(messages.task_reserved(slot, at=at), to=[to], at=at)
    facts = {
        "task": str(task.public_id),
        "to": "pool" if to is None else "chosen evaluator",
        "evaluator": None if to is None else str(to.public_id),
        "taken_from": None if taken_from is None else str(taken_from.public_id),
    }
    record(Event.TASK_REASSIGNED, by=by, subject=campaign, facts=facts, at=at)
    slot.refresh_from_db()
    return slot


def locked_slot(campaign: Campaign, task: Task, ordinal: int, *, holder: User | None) -> Slot:
    """A submission that is under way makes this wait; the slot is then done, and nothing is taken from anybody."""
    rows = Slot.objects.select_for_update(of=("self",)).select_related("task", "campaign")
    rows = rows.filter(querysets.FIRST_TIME)  # what one says a second time nobody else can say
    wanted = Q(state=SlotState.OPEN) if holder is None else Q(state=SlotState.HELD, holder=holder)
    slot = rows.filter(wanted, campaign=campaign, task=task, ordinal=ordinal).first()
    if slot is None:
        raise Conflict(*MOVED_ON)
    return slot


def eligible(campaign: Campaign, task: Any) -> QuerySet[User]:
    """Who may be given a judgment of `task`, a task or a reference to one: not whoever has judged or skipped it, or
    has it, or for whom one is kept already."""
    involved = querysets.involving().filter(
        Q(holder=OuterRef("pk")) | Q(reserved_for=OuterRef("pk")), task=task
    )
    skipped = querysets.skips().filter(task=task, evaluator=OuterRef("pk"))
    return pool.may_judge(campaign).exclude(Exists(involved)).exclude(Exists(skipped))


@transaction.atomic
def end_reservations(*, at: dt.datetime) -> int:
    """What was kept for somebody who did not come is for everybody again; how many."""
    over = Slot.objects.select_for_update(skip_locked=True).filter(reserved_until__lte=at)
    ids = list(over.order_by("pk").values_list("pk", flat=True)[: assignment.EXPIRE_BATCH])
    return Slot.objects.filter(pk__in=ids).update(reserved_for=None, reserved_until=None)


# ── What is late ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Late:
    """A judgment that is missing and late, or soon will be: who has it, and who could be given it."""

    slot: Slot
    level: int | None
    could_judge: list[str]

    @property
    def level_in_words(self) -> str:
        return "" if self.level is None else Level(self.level).label

    def as_json(self) -> dict[str, Any]:
        slot = self.slot
        return {
            "task": str(slot.task.public_id),
            "ordinal": slot.ordinal,
            "item": slot.task.item,
            "due_at": slot.due_at,
            "level": self.level,
            "holder": slot.holder.pseudonym if slot.holder else None,
            "reserved_for": slot.reserved_for.pseudonym if slot.reserved_for else None,
            "reserved_until": slot.reserved_until,
            "could_judge": self.could_judge,
        }


@dataclass(frozen=True)
class AllLate:
    rows: list[Late]
    total: int


def late(campaign: Campaign, *, at: dt.datetime) -> AllLate:
    """The judgments that are late, longest first and then what somebody has.

    Once the campaign was warned, also those that soon will be.
    """
    if campaign.status == "closed":
        return AllLate([], 0)
    missing = Slot.objects.filter(querysets.FIRST_TIME, campaign=campaign)
    if not campaign.escalations.exists():
        missing = missing.filter(due_at__lt=at)
    reached = Escalation.objects.filter(task=OuterRef("task")).order_by().values("task")
    # State by state, as each has an index of its own.
    halves = [missing.filter(state=state) for state in (SlotState.HELD, SlotState.OPEN)]
    found = [
        half.select_related("task", "holder", "reserved_for")
        .annotate(level=Subquery(reached.annotate(top=Max("level")).values("top")))
        .order_by("due_at", "task", "ordinal")[:MOST_SHOWN]
        for half in halves
    ]
    slots = sorted(itertools.chain(*found), key=longest_first)[:MOST_SHOWN]
    could = could_judge(campaign, {slot.task_id for slot in slots})
    rows = [Late(slot, slot.level, could[slot.task_id]) for slot in slots]
    return AllLate(rows, sum(half.count() for half in halves))


def longest_first(slot: Slot) -> tuple[dt.datetime, bool, int, int]:
    """Of those due at one moment, what somebody has comes first."""
    return slot.due_at, slot.holder_id is None, slot.task_id, slot.ordinal


def could_judge(campaign: Campaign, tasks: set[int]) -> dict[int, list[str]]:
    """For each task the pseudonyms of `eligible`, in a few queries for all."""
    people = dict(pool.may_judge(campaign).order_by("pseudonym").values_list("pk", "pseudonym"))
    slots = querysets.involving().filter(task__in=tasks)
    out = {
        *slots.filter(holder__isnull=False).values_list("task", "holder"),
        *slots.filter(reserved_for__isnull=False).values_list("task", "reserved_for"),
        *querysets.skips().filter(task__in=tasks).values_list("task", "evaluator"),
    }
    return {task: [name for pk, name in people.items() if (task, pk) not in out] for task in tasks}

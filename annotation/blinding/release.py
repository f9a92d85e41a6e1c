"""Acts of the lead on what the gate holds: accept, redact or exclude; what nothing holds any more is released."""

import datetime as dt
import uuid

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from annotation import campaigns, policies
from annotation.models import Campaign, Decision, Flag, Slot, SlotState
from evaltrack.accounts.models import User
from evaltrack.canonical import canonical_json, sha256_hex
from evaltrack.errors import Conflict, Invalid, NotFound, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record

# Each excluded task is an entry of its own in the ledger.
MOST_EXCLUDED = 200


def undecided(campaign: Campaign) -> QuerySet[Flag]:
    return Flag.objects.filter(task__campaign=campaign, decision="")


@transaction.atomic
def decide(
    campaign_id: int,
    *,
    decision: str,
    by: User,
    at: dt.datetime,
    flag: uuid.UUID | None = None,
    text: str = "",
    reason: str = "",
) -> int:
    """Decide one flag, or every undecided one with the same text; how many. Tasks with none left are released."""
    # One lead at a time, so that the last flag of a task is seen to be the last.
    campaign = campaigns.locked(campaign_id)
    refuse_if(policies.checking(by, campaign))
    if decision not in Decision.values:
        sentence = f"is one of {', '.join(Decision.values)}"
        raise Invalid("bad_decision", f"The decision {sentence}.", {"decision": [sentence]})
    chosen = undecided(campaign)
    chosen = chosen.filter(public_id=flag) if flag else chosen.filter(text=text)
    rows = list(chosen.select_related("task").order_by("pk"))
    if not rows:
        if flag and not Flag.objects.filter(task__campaign=campaign, public_id=flag).exists():
            raise NotFound("no_such_flag", "This campaign has no such flag.")
        raise Conflict("already_decided", "This was decided before; look at what is left.")
    if decision == Decision.EXCLUDE:
        exclude(rows, by=by, reason=reason, at=at)
    else:
        Flag.objects.filter(pk__in=chosen.values("pk")).update(
            decision=decision, decided_by=by, decided_at=at, reason=reason.strip()
        )
        if decision == Decision.REDACT:
            record_redaction(campaign, rows, by=by, at=at)
    release(campaign)
    return len(rows)


def exclude(rows: list[Flag], *, by: User, reason: str, at: dt.datetime) -> None:
    tasks = {row.task_id for row in rows}
    if len(tasks) > MOST_EXCLUDED:
        raise Conflict(
            "too_many",
            f"This would exclude {len(tasks)} items, and {MOST_EXCLUDED} at a time can be. Redact the text instead, "
            "or add the items anew without it.",
        )
    for task in sorted(tasks):
        campaigns.exclude_task(task, by=by, reason=reason, at=at)


def release(campaign: Campaign) -> int:
    """Open the slots of tasks that nothing holds any more, with the side and the order that they had."""
    holding = Flag.objects.filter(task=OuterRef("task"), decision="")
    waiting = Slot.objects.filter(campaign=campaign, state=SlotState.REVIEW)
    return waiting.filter(~Exists(holding)).update(state=SlotState.OPEN)


def record_redaction(campaign: Campaign, rows: list[Flag], *, by: User, at: dt.datetime) -> None:
    """One entry for the act: how much was taken away, a digest that proves which, and the text as a statement."""
    places = [
        [
            str(row.task.public_id),
            str(row.public_id),
            row.part,
            row.start,
            row.end,
            sha256_hex(row.text.encode()),
        ]
        for row in rows
    ]
    record(
        Event.TEXT_REDACTED,
        by=by,
        subject=campaign,
        facts={"flags": len(rows), "places_digest": sha256_hex(canonical_json(places))},
        statements={"text": ", ".join(sorted({row.text for row in rows}))},
        at=at,
    )

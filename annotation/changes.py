"""Acts of the lead on what an open campaign asks: until when, of how many, of whom, about what."""

import datetime as dt
from collections.abc import Iterable, Iterator

from django.db import transaction
from django.db.models import Count

from annotation import campaigns, messages, overlap, policies
from annotation.blinding.sides import Placeable, Placing
from annotation.models import Campaign, Flag, Slot, SlotState
from annotation.onboarding import qualification
from annotation.sla import sla_policies
from evaltrack import reasons
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, ExpectedError, Invalid, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from evaltrack.notifications import outbox

BATCH = 2_000
# So many names are said in a sentence.
NAMED = 5
# Each is an entry of the ledger.
MOST_WITHDRAWN = 500


@transaction.atomic
def extend(campaign_id: int, *, due_at: dt.datetime, by: User, reason: str, at: dt.datetime) -> Campaign:
    """Give people until `due_at`, and begin the ladder of the SLA policy anew from there.

    Steps that were taken stay written down. Skills that are not asked for any more, as people were late, stay so.
    """
    campaign = campaigns.locked(campaign_id)
    refuse_if(policies.extending(by, campaign))
    reason = reasons.checked(reason)
    before = campaign.due_at
    if due_at <= max(before, at):
        sentence = f"lies before {max(before, at):%d %B %Y %H:%M} UTC; people are given more time, never less"
        raise Invalid("bad_due_time", f"The due time {sentence}.", {"due_at": [sentence]})
    sla_policies.refuse_far_away(due_at, at=at)
    campaign.due_at = due_at
    campaign.extensions += 1
    campaign.save(update_fields=["due_at", "extensions"])
    campaign.tasks.update(due_at=due_at)
    # Those that are done too: one that is undone or asked again comes back with the new time.
    campaign.slots.exclude(state=SlotState.WITHDRAWN).update(due_at=due_at)
    if campaign.experiment and not campaign.is_simulated:
        outbox.post(messages.campaign_extended(campaign), to=[campaign.experiment.component.owner], at=at)
    record(
        Event.CAMPAIGN_EXTENDED,
        by=by,
        subject=campaign,
        facts=campaign.experiment_fact()
        | {
            "due_before": before.isoformat(),
            "due_after": due_at.isoformat(),
            "extensions": campaign.extensions,
        },
        statements={"reason": reason},
        at=at,
    )
    return campaign


@transaction.atomic
def raise_overlap(campaign_id: int, *, to: int, by: User, reason: str, at: dt.datetime) -> Campaign:
    """Ask `to` evaluators about each item instead of fewer, while nobody has judged.

    Who stands where in the further judgments is what it would have been, had so many been asked from the beginning.
    """
    campaign = campaigns.locked(campaign_id)
    refuse_if(policies.raising_overlap(by, campaign))
    reason = reasons.checked(reason)
    before = campaign.overlap
    if to <= before:
        sentence = f"is {before} already; it can only be raised"
        raise Invalid("bad_overlap", f"The overlap {sentence}.", {"overlap": [sentence]})
    overlap.columns(to, campaign.protocol)
    for slots in batches(further_slots(campaign, before, to)):
        Slot.objects.bulk_create(slots)
    campaign.overlap = to
    campaign.save(update_fields=["overlap"])
    record(
        Event.OVERLAP_RAISED,
        by=by,
        subject=campaign,
        facts={"before": before, "after": to},
        statements={"reason": reason},
        at=at,
    )
    return campaign


def further_slots(campaign: Campaign, before: int, to: int) -> Iterator[Slot]:
    """Places are drawn in the order in which tasks were added, those that were left out among them: see `Placing`."""
    placing = Placing(overlap=to, seed=campaign.seed)
    held = set(Flag.objects.filter(task__campaign=campaign, decision="").values_list("task", flat=True))
    for task in campaign.tasks.annotate(n=Count("responses")).order_by("pk").iterator(chunk_size=BATCH):
        placeable = Placeable(task.key, task.group, placing.ordinals(task.key, task.n))
        placed = placing.slots(placeable)[before:]
        if task.excluded_at:
            continue
        for each in placed:
            yield Slot(
                task=task,
                campaign=campaign,
                ordinal=each.ordinal,
                order_key=each.order_key,
                places=each.places,
                due_at=task.due_at,
                state=SlotState.REVIEW if task.pk in held else SlotState.OPEN,
            )


def batches(slots: Iterator[Slot]) -> Iterator[list[Slot]]:
    batch: list[Slot] = []
    for slot in slots:
        batch.append(slot)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


@transaction.atomic
def waive_skills(campaign_id: int, *, by: User, reason: str, at: dt.datetime) -> Campaign:
    """Ask for no skills any more, and tell who may judge now. A language and a qualification are never waived."""
    campaign = campaigns.locked(campaign_id)
    refuse_if(policies.waiving(by, campaign))
    reason = reasons.checked(reason)
    skills = sorted(campaign.skills.values_list("slug", flat=True))
    campaign.skills_waived_at = at
    campaign.save(update_fields=["skills_waived_at"])
    if campaign.task_count:
        # The same message reaches nobody twice, so these are the new ones.
        outbox.post(messages.tasks_waiting(campaign), to=qualification.judges_of(campaign), at=at)
    record(
        Event.SKILLS_WAIVED,
        by=by,
        subject=campaign,
        facts={"skills": skills},
        statements={"reason": reason},
        at=at,
    )
    return campaign


@transaction.atomic
def withdraw_items(campaign_id: int, *, items: Iterable[str], by: User, reason: str, at: dt.datetime) -> int:
    """Leave out every task of these items: all of them, or none; how many tasks.

    Each under the rule for one: `policies.excluding`.
    """
    campaign = campaigns.locked(campaign_id)
    names = set(items)
    # PostgreSQL cannot be asked for a NUL, nor has any item one.
    asked = [name for name in names if "\x00" not in name]
    tasks = list(campaign.tasks.filter(item__in=asked, excluded_at=None).order_by("pk"))
    if unknown := sorted(names - {task.item for task in tasks}):
        sentence = f"{listed(unknown)} stand{'s' if len(unknown) == 1 else ''} in this campaign no more, or never did"
        raise Invalid("no_such_item", f"{sentence}. Nothing was withdrawn.", {"items": [sentence]})
    if not 0 < len(tasks) <= MOST_WITHDRAWN:
        sentence = f"name 1 to {MOST_WITHDRAWN} items, a line each"
        raise Invalid("bad_items", f"To withdraw items, {sentence}.", {"items": [sentence]})
    for task in tasks:
        try:
            campaigns.exclude_task(task.pk, by=by, reason=reason, at=at)
        except Invalid:
            raise
        except ExpectedError as error:
            raise Conflict(error.code, f"{task.item}: {error.reason} Nothing was withdrawn.") from None
    return len(tasks)


def listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more

"""Act: make gold of what a senior evaluator settled, for a later campaign.

Never of the task itself: what people said about it counts in figures, perhaps in a verdict, and gold counts in none.
"""

import datetime as dt
import uuid

from django.db import transaction

from annotation import opening, policies
from annotation.blinding import gate, redaction
from annotation.blinding.sides import place_of
from annotation.items import GoldAnswer, Item, ResponseItem
from annotation.models import Adjudication, Campaign, CampaignStatus, Cause, Gold, Protocol, Task
from annotation.protocols.pairwise import as_shown
from annotation.settling import conflicts
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, NotFound, Refusal, refuse_if

# Causes after which an item has one right answer.
CLEAR = (Cause.MISTAKE, Cause.KNOWLEDGE)


def why_not(row: Adjudication) -> Refusal | None:
    """What keeps a settled item from being gold. Asks the database nothing but what comes with the row."""
    campaign = row.campaign
    if campaign.protocol != Protocol.PAIRWISE:
        return Refusal("not_pairwise", "Gold is for campaigns that compare pairs.")
    if campaign.status != CampaignStatus.CLOSED:
        return Refusal(
            "still_judged",
            "Gold says which response is preferred; it is made of this item when the campaign is closed.",
        )
    if row.cause not in CLEAR or row.guideline_unclear:
        return Refusal(
            "no_one_answer",
            "Only an item with one right answer can be gold: one about which somebody slipped or lacked knowledge.",
        )
    if not row.comment.strip():
        return Refusal("no_reason", "Nothing says why this answer is right; evaluators read that of gold.")
    if campaign.experiment and campaign.experiment.dataset_version.is_sealed:
        return Refusal("sealed", "This item belongs to a sealed hold-out; it stays there.")
    return None


def targets(campaign: Campaign) -> list[Campaign]:
    """Campaigns that can take such gold: open ones, over pairs by the same rubric, whose items are added by hand."""
    found = Campaign.objects.filter(
        experiment=None,
        protocol=Protocol.PAIRWISE,
        rubric__name=campaign.rubric.name,
        status__in=[CampaignStatus.OPEN, CampaignStatus.PAUSED],
    )
    return list(found.exclude(pk=campaign.pk).order_by("-opened_at", "-pk"))


@transaction.atomic
def make(adjudication_id: uuid.UUID, campaign: Campaign, *, to: Campaign, by: User, at: dt.datetime) -> Gold:
    """Add the settled item to `to` as hidden gold, with its outcome for the answer; once for each campaign.

    Its text is copied as evaluators read it, what was redacted included; its systems get names that say nothing. The
    gate looks at it like at any other item.
    """
    refuse_if(policies.making_gold(by))
    row = (
        conflicts.standing(campaign)
        .select_related("task", "campaign__rubric", "campaign__experiment__dataset_version")
        .filter(public_id=adjudication_id)
        .first()
    )
    if row is None:
        raise NotFound("no_such_adjudication", "This campaign has settled no such item.")
    refuse_if(why_not(row))
    if to not in targets(campaign):
        raise Conflict("no_target", "Choose an open campaign over pairs, by the same rubric, to add it to.")
    if Gold.objects.filter(adjudication=row, task__campaign=to).exists():
        raise Conflict("made_before", "This item is gold of that campaign already.")
    item = item_of(row)
    opening.add_items(to.pk, iter([(1, item)]), by=by, at=at)
    made = Gold.objects.get(task=Task.objects.get(campaign=to, key=item.key))
    made.adjudication = row
    made.save(update_fields=["adjudication"])
    return made


def item_of(row: Adjudication) -> Item:
    task = row.task
    rows = redaction.of_task_read(task.pk)
    if any([*rows[0]["task__media"], *(file for each in rows for file in each["media"])]):
        raise Conflict(
            "has_media",
            "This item has pictures or recordings; upload them to that campaign and add it there.",
        )
    names_a_system = gate.scanner_of_task(task).scan(row.comment)
    if names_a_system:
        raise Conflict(
            "names_a_system",
            "The reason may name a system, and evaluators would read it; add the item by hand with another one.",
        )
    places = "".join(str(ordinal) for ordinal in range(len(rows)))
    choice = as_shown(str(row.choice), places)
    return Item(
        item=task.item,
        prompt=rows[0]["task__prompt"],
        prompt_format=rows[0]["task__prompt_format"],
        stratum=task.stratum,
        contexts=tuple(rows[0]["task__contexts"]),
        responses=tuple(
            ResponseItem(
                source=f"settled-{row.public_id.hex[:12]}-{place_of(ordinal, places)}",
                text=each["words"],
                format=each["format"],
                contexts=tuple(each["contexts"]),
            )
            for ordinal, each in enumerate(rows)
        ),
        gold=GoldAnswer(choice, row.comment.strip()[:2000]),
    )

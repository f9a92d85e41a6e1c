"""Act: add tasks to a campaign, with their responses and the slots that make up its queue."""

import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import islice

from django.db import IntegrityError, transaction
from django.db.models import Count, F

from annotation import media
from annotation.blinding.gate import Gate, Held
from annotation.blinding.sides import Placeable, Placing
from annotation.items import Item
from annotation.models import Campaign, Flag, Gold, Response, Slot, SlotState, Task
from evaltrack.ndjson import BrokenLines, LineError

# Bounds the memory that adding takes, whatever the number of items.
BATCH = 1000


@transaction.atomic
def add(campaign: Campaign, items: Iterable[tuple[int, Item]], *, due_at: dt.datetime) -> tuple[int, Held]:
    """Add each item as a task: all of them, or nothing. How many there were, and how many are held.

    Items come with their line numbers, by which an item that is there already is named. The caller holds the
    campaign's row, so that the places of two uploads are balanced together.
    """
    added = 0
    gate = Gate(campaign)
    placing = Placing(overlap=campaign.overlap, seed=campaign.seed, already=group_sizes(campaign))
    for batch in batches(items):
        gate.learn(item for _, item in batch)
        gate.refuse_telling_gold(batch)
        files = media.named_by(campaign, batch)
        try:
            with transaction.atomic():
                add_batch(campaign, [item for _, item in batch], placing, files, gate, due_at=due_at)
        except IntegrityError:
            refuse_repeated(campaign, batch)
            raise
        added += len(batch)
    Campaign.objects.filter(pk=campaign.pk).update(task_count=F("task_count") + added)
    return added, gate.found


def group_sizes(campaign: Campaign) -> dict[str, int]:
    rows = campaign.tasks.values("group").annotate(size=Count("pk")).order_by()
    return {row["group"]: row["size"] for row in rows}


def batches(items: Iterable[tuple[int, Item]]) -> Iterator[list[tuple[int, Item]]]:
    source = iter(items)
    while batch := list(islice(source, BATCH)):
        yield batch


def refuse_repeated(campaign: Campaign, batch: list[tuple[int, Item]]) -> None:
    """Say which lines the database has refused. It is not asked before: to look for so many keys again and again
    took PostgreSQL longer than all the rest, as it keeps the plan that it made when there were few tasks."""
    keys = {item.key for _, item in batch}
    seen = set(campaign.tasks.filter(key__in=keys).values_list("key", flat=True))
    repeated = []
    for number, item in batch:
        if item.key in seen:
            reason = f"{item.item!r} with these sources is in the campaign already"
            repeated.append(LineError(number, "item", reason))
        seen.add(item.key)
    if repeated:
        raise BrokenLines(repeated)


def add_batch(
    campaign: Campaign,
    items: list[Item],
    placing: Placing,
    files: media.Files,
    gate: Gate,
    *,
    due_at: dt.datetime,
) -> None:
    tasks = Task.objects.bulk_create(
        Task(
            campaign=campaign,
            item=item.item,
            key=item.key,
            group=item.group,
            prompt=item.prompt,
            prompt_format=item.prompt_format,
            stratum=item.stratum,
            contexts=list(item.contexts),
            media=media.kept(item.media, files),
            due_at=due_at,
            is_calibration=placing.is_calibration(item.key, campaign.calibration_share or 0),
        )
        for item in items
    )
    responses: list[Response] = []
    slots: list[Slot] = []
    gold: list[Gold] = []
    for task, item in zip(tasks, items, strict=True):
        ordinals = placing.ordinals(item.key, len(item.responses))
        by_source = sorted(item.responses, key=lambda response: response.source)
        responses += [
            Response(
                task=task,
                ordinal=ordinal,
                source=response.source,
                output_id=response.output,
                text=response.text,
                format=response.format,
                contexts=list(response.contexts),
                media=media.kept(response.media, files),
            )
            for ordinal, response in zip(ordinals, by_source, strict=True)
        ]
        if item.gold:
            choice = item.gold_choice(dict(zip(item.sources, ordinals, strict=True)))
            gold.append(Gold(task=task, choice=choice, why=item.gold.why, is_check=item.gold.check))
        count = campaign.max_overlap if task.is_calibration else campaign.overlap
        slots += [
            Slot(
                task=task,
                campaign=campaign,
                ordinal=placed.ordinal,
                order_key=placed.order_key,
                places=placed.places,
                due_at=due_at,
            )
            for placed in placing.slots(Placeable(item.key, item.group, ordinals), count=count)
        ]
    flags = gate.flags(tasks, Response.objects.bulk_create(responses), items)
    held = {flag.task_id for flag in flags}
    for slot in slots:
        slot.state = SlotState.REVIEW if slot.task_id in held else SlotState.OPEN
    Gold.objects.bulk_create(gold)
    # Flags before slots: nobody could be given a task of which the flag is still to come.
    Flag.objects.bulk_create(flags)
    Slot.objects.bulk_create(slots)

"""Tasks as another tool gets them: in which order their responses stand there, and what their references stand for.

Nothing of it is stored: the order is drawn with a secret of the campaign, and a reference is the task's own id.
"""

import hashlib
import hmac
import uuid
from collections.abc import Iterable

from annotation.formats.tool_files import Known, Pair
from annotation.models import Campaign, Response, Task


def order_of(campaign: Campaign, key: str, count: int) -> list[int]:
    """Which responses of a task stand where there, by their ordinals."""

    def draw(ordinal: int) -> bytes:
        return hmac.digest(campaign.seed.encode(), f"exported-{key}-{ordinal}".encode(), hashlib.sha256)

    return sorted(range(count), key=draw)


def pairs(campaign: Campaign, references: Iterable[str]) -> Known:
    """By reference, the item and its systems in the order in which they stand there. None where it was excluded."""
    ids = {each: found for each in references if (found := as_id(each))}
    tasks = {
        task.public_id: task for task in Task.objects.filter(campaign=campaign, public_id__in=ids.values())
    }
    sources: dict[int, dict[int, str]] = {task.pk: {} for task in tasks.values()}
    rows = Response.objects.filter(task__in=sources).values_list("task_id", "ordinal", "source")
    for task_id, ordinal, source in rows:
        sources[task_id][ordinal] = source
    stands_for: dict[str, Pair | None] = {}
    for reference, public_id in ids.items():
        if task := tasks.get(public_id):
            systems = sources[task.pk]
            first, second = order_of(campaign, task.key, len(systems))
            stands_for[reference] = (
                None if task.excluded_at else Pair(task.item, systems[first], systems[second])
            )
    return stands_for


def as_id(reference: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(reference)
    except ValueError:
        return None

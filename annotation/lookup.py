"""Rows by the names that addresses and forms give them, for pages and API alike."""

import uuid

from annotation import querysets
from annotation.models import Campaign, Task
from evaltrack.accounts.models import User
from evaltrack.errors import NotFound


def campaign_named(public_id: uuid.UUID, *, seen_by: User) -> Campaign:
    found = querysets.campaigns_visible_to(seen_by).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("no_such_campaign", "There is no such campaign that you may see.")
    return found


def task_named(public_id: str, *, campaign: Campaign) -> Task:
    """The task that a form names, whatever it wrote there."""
    try:
        found = campaign.tasks.filter(public_id=uuid.UUID(public_id)).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound("no_such_task", "This campaign has no such task.")
    return found


def uuid_of(written: str) -> uuid.UUID:
    """The id of a flag that a form names, whatever it wrote there."""
    try:
        return uuid.UUID(written)
    except ValueError:
        raise NotFound("no_such_flag", "This campaign has no such flag.") from None

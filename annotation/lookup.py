"""Rows by the names that addresses and forms give them, for pages and API alike."""

import uuid

from annotation import querysets
from annotation.models import Campaign, Course, Task
from evaltrack.accounts.models import User
from evaltrack.errors import NotFound


def campaign_named(public_id: uuid.UUID, *, seen_by: User) -> Campaign:
    found = querysets.campaigns_visible_to(seen_by).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("no_such_campaign", "There is no such campaign that you may see.")
    return found


def task_named(public_id: str, *, campaign: Campaign) -> Task:
    """The task that a form names, whatever it wrote there."""
    found = campaign.tasks.filter(public_id=uuid_of(public_id)).first()
    if found is None:
        raise NotFound("no_such_task", "This campaign has no such task.")
    return found


def course_named(public_id: uuid.UUID) -> Course:
    found = Course.objects.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("no_such_course", "There is no such course.")
    return found


def uuid_of(text: str) -> uuid.UUID:
    """What a form names, whatever it wrote there; what is none names nothing."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)

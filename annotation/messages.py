"""The wording of what this app tells people. What goes to evaluators names no system."""

import datetime as dt

from annotation.models import Campaign
from evaltrack.notifications.outbox import Message


def campaign_opened(campaign: Campaign) -> Message:
    return Message(
        key=f"campaign-opened:{campaign.public_id}",
        subject=f"People have to judge {campaign.experiment}",
        body=f"{campaign.name}, due {campaign.due_at:%d %B %H:%M} UTC.",
        path=campaign.get_absolute_url(),
    )


def tasks_waiting(campaign: Campaign) -> Message:
    return Message(
        key=f"tasks-waiting:{campaign.public_id}",
        subject="Tasks are waiting for you",
        body=f"{campaign.name}, due {campaign.due_at:%d %B %H:%M} UTC.",
        path="/queue/",
    )


def tasks_overdue(campaign: Campaign, count: int, first_task: int) -> Message:
    return Message(
        key=f"tasks-overdue:{campaign.public_id}:{first_task}",
        subject=f"{count} overdue task{'' if count == 1 else 's'}: {campaign.experiment} waits for people",
        body=(
            "Remind the evaluators, or let the policy's proxy metric stand in on the campaign's page. "
            "What was skipped there and nobody will judge can be excluded."
        ),
        path=campaign.get_absolute_url(),
    )


def tasks_held(campaign: Campaign, count: int, at: dt.datetime) -> Message:
    return Message(
        # Once for each upload, of which there is one at a time.
        key=f"tasks-held:{campaign.public_id}:{at.isoformat()}",
        subject=f"{count} task{'' if count == 1 else 's'} held: text may name a system",
        body=f"{campaign.name}: nobody is given what is held before you have decided about it.",
        path=f"{campaign.get_absolute_url()}flags/",
    )

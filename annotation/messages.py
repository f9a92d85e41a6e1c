"""The wording of what this app tells people. What goes to evaluators names no system."""

import datetime as dt

from annotation.models import Appeal, Campaign
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


def tasks_asked_again(campaign: Campaign) -> Message:
    return Message(
        key=f"tasks-asked-again:{campaign.public_id}:{campaign.rubric.version}",
        subject="The rubric has changed, and tasks are asked again",
        body=f"{campaign.name}, due {campaign.due_at:%d %B %H:%M} UTC. The next task shows what changed.",
        path="/queue/",
    )


def tasks_overdue(campaign: Campaign, count: int, first_task: int, judges: int) -> Message:
    tasks = f"{count} overdue task{'' if count == 1 else 's'}"
    who = f"{judges} evaluator{'' if judges == 1 else 's'} may judge it" if judges else "Nobody may judge it"
    return Message(
        key=f"tasks-overdue:{campaign.public_id}:{first_task}",
        subject=f"{tasks}: {campaign.experiment or campaign} waits for people",
        body=(
            f"{who}; the campaign's page says what it asks for. "
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


def appeal_made(appeal: Appeal) -> Message:
    campaign = appeal.judgment.campaign
    return Message(
        key=f"appeal-made:{appeal.judgment.public_id}",
        subject="An evaluator appeals against a gold item",
        body=f"{campaign.name}. Uphold or decline it on the campaign's page, with a sentence.",
        path=campaign.get_absolute_url(),
    )


def appeal_answered(appeal: Appeal) -> Message:
    return Message(
        key=f"appeal-answered:{appeal.judgment.public_id}",
        subject="Your appeal was answered",
        body=f"{appeal.get_outcome_display()}. {appeal.answer}",
        path="/review/mine/",
    )

"""The wording of what this app tells people. What goes to evaluators names no system, and has no topic: it reaches
no channel."""

import datetime as dt

from annotation.models import Appeal, Campaign, Pause, Slot, Task
from annotation.sla.outlook import Outlook
from evaltrack.notifications.outbox import Message
from evaltrack.notifications.topics import Topic
from evaltrack.stats.estimate import Estimate, Undefined

LEADS = "you are an evaluation lead"
JUDGES = "you may judge this campaign"


def campaign_opened(campaign: Campaign) -> Message:
    return Message(
        key=f"campaign-opened:{campaign.public_id}",
        subject=f"People have to judge {campaign.experiment}",
        body=f"{campaign.name}, due {campaign.due_at:%d %B %H:%M} UTC.",
        path=campaign.get_absolute_url(),
        topic=Topic.CAMPAIGNS,
        why=LEADS,
    )


def tasks_waiting(campaign: Campaign) -> Message:
    return Message(
        key=f"tasks-waiting:{campaign.public_id}",
        subject="Tasks are waiting for you",
        body=f"{campaign.name}, due {campaign.due_at:%d %B %H:%M} UTC.",
        path="/queue/",
        why=JUDGES,
    )


def tasks_asked_again(campaign: Campaign) -> Message:
    return Message(
        key=f"tasks-asked-again:{campaign.public_id}:{campaign.rubric.version}",
        subject="The rubric has changed, and tasks are asked again",
        body=f"{campaign.name}, due {campaign.due_at:%d %B %H:%M} UTC. The next task shows what changed.",
        path="/queue/",
        why=JUDGES,
    )


def people_disagree(campaign: Campaign, shown: Estimate, floor: float) -> Message:
    return Message(
        key=f"people-disagree:{campaign.public_id}:{campaign.rubric.version}",
        subject=f"People disagree more than {campaign.experiment or campaign} can use",
        body=(
            f"{campaign.name}: agreement is {shown.value:.2f}, {shown.ci_low:.2f} to {shown.ci_high:.2f} at every "
            f"look, and the floor is {floor}. More judgments do not mend that. The campaign's page shows who "
            "disagrees with whom; look at what they disagree about, and revise the guidance or pause the campaign."
        ),
        path=campaign.get_absolute_url(),
        topic=Topic.CAMPAIGNS,
        why=LEADS,
    )


def due_soon(campaign: Campaign, expected: Outlook) -> Message:
    missing, found = expected.missing, expected.finished_at
    if isinstance(found, Undefined):
        pace = f"When it will be done cannot be said: {found.reason}."
    else:
        late = " That is too late." if expected.is_late else ""
        pace = f"At the pace of the last two weeks it is done {found:%d %B %H:%M} UTC.{late}"
    return Message(
        key=f"due-soon:{campaign.public_id}{again(campaign)}",
        subject=f"{missing} judgment{plural(missing)} still missing: {campaign.experiment or campaign}",
        body=f"{campaign.name}, due {campaign.due_at:%d %B %H:%M} UTC. {pace}",
        path=campaign.get_absolute_url(),
        topic=Topic.ESCALATIONS,
        why=LEADS,
    )


def tasks_late(campaign: Campaign, count: int, first_task: int) -> Message:
    return Message(
        key=f"tasks-late:{campaign.public_id}:{first_task}{again(campaign)}",
        subject=f"{count} task{plural(count)} should have been judged by now",
        body=f"{campaign.name} was due {campaign.due_at:%d %B %H:%M} UTC. Your queue has what is left for you.",
        path="/queue/",
        why=JUDGES,
    )


def task_returned(campaign: Campaign, first_task: int) -> Message:
    return Message(
        key=f"task-returned:{campaign.public_id}:{first_task}{again(campaign)}",
        subject="A task of yours was late and went back to the pool",
        body=f"{campaign.name}. What you wrote is kept; ask the queue for your next task.",
        path="/queue/",
        why="you were given this task",
    )


def task_taken(slot: Slot, *, at: dt.datetime) -> Message:
    return Message(
        key=f"task-taken:{slot.task.public_id}:{slot.ordinal}:{at.isoformat()}",
        subject="A task of yours was given to somebody else",
        body=f"{slot.campaign.name}. What you wrote is kept; ask the queue for your next task.",
        path="/queue/",
        why="you were given this task",
    )


def task_reserved(slot: Slot, *, at: dt.datetime) -> Message:
    return Message(
        key=f"task-reserved:{slot.task.public_id}:{slot.ordinal}:{at.isoformat()}",
        subject="A task is kept for you",
        body=(
            f"{slot.campaign.name}. It was due {slot.due_at:%d %B %H:%M} UTC, and is kept for you until "
            f"{slot.reserved_until:%d %B %H:%M} UTC; your queue has it."
        ),
        path="/queue/",
        why="a lead has given you this task",
    )


def tasks_overdue(
    campaign: Campaign, count: int, first_task: int, *, judges: int, skills_waived: bool
) -> Message:
    who = f"{judges} evaluator{plural(judges)} may judge it" if judges else "Nobody may judge it"
    widened = "; the skills that it asked for are not asked for any more" if skills_waived else ""
    return Message(
        key=f"tasks-overdue:{campaign.public_id}:{first_task}{again(campaign)}",
        subject=f"{count} overdue task{plural(count)}: {campaign.experiment or campaign} waits for people",
        body=(
            f"{who}{widened}; the campaign's page says what it asks for. "
            "Remind the evaluators, or let the policy's proxy metric stand in on the campaign's page. "
            "What was skipped there and nobody will judge can be excluded."
        ),
        path=campaign.get_absolute_url(),
        topic=Topic.ESCALATIONS,
        why=LEADS,
        is_urgent=True,
    )


def proxy_offered(campaign: Campaign, proxy: str) -> Message:
    return Message(
        key=f"proxy-offered:{campaign.public_id}{again(campaign)}",
        subject=f"Let {proxy} stand in for people? {campaign.experiment} still waits",
        body=(
            f"{campaign.name} was due {campaign.due_at:%d %B %H:%M} UTC, and people have not judged it all. "
            "On its page you can let the proxy stand in: the verdict is provisional until people have judged."
        ),
        path=campaign.get_absolute_url(),
        topic=Topic.ESCALATIONS,
        why=LEADS,
        is_urgent=True,
    )


def campaign_extended(campaign: Campaign) -> Message:
    return Message(
        key=f"campaign-extended:{campaign.public_id}:{campaign.extensions}",
        subject=f"People have more time to judge {campaign.experiment}",
        body=f"{campaign.name} is now due {campaign.due_at:%d %B %H:%M} UTC.",
        path=campaign.get_absolute_url(),
        topic=Topic.CAMPAIGNS,
        why="you own the component",
    )


def again(campaign: Campaign) -> str:
    """After more time was given, the same is told anew."""
    return f":{campaign.extensions}" if campaign.extensions else ""


def plural(count: int) -> str:
    return "" if count == 1 else "s"


def tasks_held(campaign: Campaign, count: int, at: dt.datetime) -> Message:
    return Message(
        # Once for each upload, of which there is one at a time.
        key=f"tasks-held:{campaign.public_id}:{at.isoformat()}",
        subject=f"{count} task{'' if count == 1 else 's'} held: text may name a system",
        body=f"{campaign.name}: nobody is given what is held before you have decided about it.",
        path=f"{campaign.get_absolute_url()}flags/",
        topic=Topic.CAMPAIGNS,
        why=LEADS,
    )


def appeal_made(appeal: Appeal) -> Message:
    campaign = appeal.judgment.campaign
    return Message(
        key=f"appeal-made:{appeal.judgment.public_id}",
        subject="An evaluator appeals against a gold item",
        body=f"{campaign.name}. Uphold or decline it on the campaign's page, with a sentence.",
        path=campaign.get_absolute_url(),
        topic=Topic.CAMPAIGNS,
        why=LEADS,
    )


def appeal_answered(appeal: Appeal) -> Message:
    return Message(
        key=f"appeal-answered:{appeal.judgment.public_id}",
        subject="Your appeal was answered",
        body=f"{appeal.get_outcome_display()}. {appeal.answer}",
        path="/review/mine/",
        why="you have appealed",
    )


def gold_suspended(task: Task, why: str) -> Message:
    return Message(
        key=f"gold-suspended:{task.public_id}",
        subject="A gold item was suspended, as good evaluators fail it",
        body=(
            f"{task.item} in {task.campaign.name}: {why} It measures nobody any more. Look at whether its answer is "
            "right."
        ),
        path=task.campaign.get_absolute_url(),
        topic=Topic.CAMPAIGNS,
        why=LEADS,
    )


def evaluator_paused(row: Pause) -> Message:
    where = "Until further notice" if row.everywhere else f"In {row.campaign.name}"
    return Message(
        key=f"evaluator-paused:{row.public_id}",
        subject="A lead has paused your work",
        body=(
            f"{where} you are given no further tasks: {row.reason} What you judged stays counted, and what is on "
            "your screen you can finish. If you think otherwise, appeal on your own page; a lead answers."
        ),
        path="/review/mine/",
        why="a lead has paused you",
    )


def evaluator_resumed(row: Pause) -> Message:
    where = "Your queue" if row.everywhere else row.campaign.name
    return Message(
        key=f"evaluator-resumed:{row.public_id}",
        subject="You are given tasks again",
        body=f"{where}: the pause has ended.",
        path="/queue/",
        why="you were paused",
    )


def pause_appealed(row: Pause) -> Message:
    return Message(
        key=f"pause-appealed:{row.public_id}",
        subject="An evaluator appeals against being paused",
        body=(
            f"{row.evaluator.pseudonym}, paused in {row.campaign.name}. Uphold the pause or lift it, with a "
            "sentence; where there is another lead, not the one who paused."
        ),
        path=f"{row.campaign.get_absolute_url()}evaluators/{row.evaluator.pseudonym}/",
        topic=Topic.CAMPAIGNS,
        why=LEADS,
    )


def pause_answered(row: Pause) -> Message:
    return Message(
        key=f"pause-answered:{row.public_id}",
        subject="Your appeal was answered",
        body=f"{row.get_outcome_display()}. {row.answer}",
        path="/review/mine/",
        why="you have appealed",
    )

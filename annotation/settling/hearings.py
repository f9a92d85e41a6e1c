"""Acts on a hearing: give a senior evaluator the next conflict, keep it, give it back, let it expire."""

import datetime as dt
import random
import uuid
from typing import Any, BinaryIO

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from annotation import campaigns, media, policies, querysets
from annotation.blinding.sides import Placing
from annotation.models import (
    Assignment,
    Campaign,
    CampaignStatus,
    Hearing,
    HearingState,
    Judgment,
    JudgmentState,
    Task,
)
from annotation.quality import pauses
from annotation.queue import OWN_PAGE, RETRY_SECONDS, NothingToDo
from annotation.settling import conflicts, kept_conflicts
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Gone, NotFound, Refused, refuse_if

# Who names no campaign is given a conflict of one of so many: those that are open, and of the others the newest.
MOST_CAMPAIGNS = 100
# Conflicts that a worker keeps are tried so many at a time, so often: others may have been faster.
AT_ONCE, TRIES = 20, 5
ENDED = ("hearing_ended", "This conflict is not yours any more; ask for the next one.")


def claim_next(
    evaluator: User, *, at: dt.datetime, campaign: uuid.UUID | None = None
) -> Hearing | NothingToDo:
    """The conflict on the evaluator's screen, or the next one, lowest agreement first; else why there is none."""
    if refusal := policies.hearing(evaluator):
        return NothingToDo(refusal.code, refusal.reason, None)
    if campaign is not None and not Campaign.objects.filter(public_id=campaign).exists():
        raise NotFound("no_such_campaign", "There is no such campaign.")
    expire(at=at)
    if (held := held_by(evaluator, campaign)) is not None:
        return held
    blocked: set[str] = set()
    for row in campaigns_to_settle(evaluator, campaign):
        claim = first_kept if kept_conflicts.are_kept(row) else first_found
        if found := claim(row, evaluator, blocked, at=at):
            return found
    return why_nothing(blocked, evaluator)


def first_found(campaign: Campaign, evaluator: User, blocked: set[str], *, at: dt.datetime) -> Hearing | None:
    """Of conflicts that are looked for now. Why there is none, is added to `blocked`."""
    waiting = conflicts.waiting(campaign, at=at)
    kept = kept_from(evaluator, campaign) if waiting else {}
    for each in waiting:
        if why := kept.get(each.task):
            blocked.add(why)
        elif found := take(campaign, each.task, evaluator, at=at) or held_by(evaluator, campaign.public_id):
            return found
        else:
            blocked.add("leased_elsewhere")  # somebody was faster
    return None


def first_kept(campaign: Campaign, evaluator: User, blocked: set[str], *, at: dt.datetime) -> Hearing | None:
    """The same of a large campaign, of which a worker keeps them."""
    for _ in range(TRIES):
        tasks = kept_conflicts.first_for(evaluator.pk, campaign, AT_ONCE)
        if not tasks:
            blocked |= kept_conflicts.why_none(evaluator.pk, campaign)
            return None
        for task in tasks:
            if found := take(campaign, task, evaluator, at=at) or held_by(evaluator, campaign.public_id):
                return found
            # Somebody was faster, or it is none any more.
            kept_conflicts.keep_some(campaign.pk, [task], at=at)
    blocked.add("leased_elsewhere")
    return None


def held_by(evaluator: User, campaign: uuid.UUID | None) -> Hearing | None:
    held = Hearing.objects.filter(adjudicator=evaluator, state=HearingState.HELD)
    if campaign is not None:
        held = held.filter(campaign__public_id=campaign)
    return (
        held.exclude(campaign__status=CampaignStatus.PAUSED)
        .select_related("campaign__rubric", "task")
        .first()
    )


def campaigns_to_settle(evaluator: User, campaign: uuid.UUID | None) -> QuerySet[Campaign]:
    found = querysets.campaigns_to_settle(evaluator).select_related("rubric")
    return found[:MOST_CAMPAIGNS] if campaign is None else found.filter(public_id=campaign)


def kept_from(evaluator: User, campaign: Campaign, task: int | None = None) -> dict[int, str]:
    """Tasks that this evaluator is not given, and why not. Whoever has ever answered one, also if that was taken
    back, or has it on the screen, has a view of their own."""
    of_task = Q() if task is None else Q(task=task)
    held = Hearing.objects.filter(of_task, campaign=campaign, state=HearingState.HELD)
    found = dict.fromkeys(held.values_list("task", flat=True), "leased_elsewhere")
    judged = Judgment.objects.filter(of_task, campaign=campaign, evaluator=evaluator)
    has = Assignment.objects.filter(querysets.HELD, of_task, campaign=campaign, evaluator=evaluator)
    for rows in (judged, has):
        found |= dict.fromkeys(rows.values_list("task", flat=True), "own_judgment")
    return found


def why_nothing(blocked: set[str], evaluator: User) -> NothingToDo:
    if "leased_elsewhere" in blocked:
        detail = "Other senior evaluators are settling what is left for you; one may come back."
        return NothingToDo("leased_elsewhere", detail, RETRY_SECONDS)
    if "own_judgment" in blocked:
        return NothingToDo(
            "own_judgment", "You have judged yourself what is left in conflict; others settle it.", None
        )
    if paused := pauses.anywhere(evaluator):
        return NothingToDo("paused", pauses.sentence(paused), None, OWN_PAGE)
    return NothingToDo("all_done", "No conflict waits for you.", None)


def take(campaign: Campaign, task_id: int, evaluator: User, *, at: dt.datetime) -> Hearing | None:
    """Hold the conflict for the evaluator; None where somebody else has it, or it is none any more."""
    try:
        with transaction.atomic():
            # One at a time with revising, closing, leaving out and extending.
            campaign = campaigns.locked(campaign.pk)
            if campaign.status == CampaignStatus.PAUSED:
                return None
            settle(task_id, at=at)
            of_task = Task.objects.filter(pk=task_id)
            if not conflicts.waiting(campaign, at=at, tasks=of_task):
                return None
            if kept_from(evaluator, campaign, task_id):
                return None
            token, task = uuid.uuid4(), of_task.get()
            return Hearing.objects.create(
                public_id=token,
                campaign=campaign,
                task=task,
                adjudicator=evaluator,
                places=places_of(campaign, task),
                judgments=shuffled(said_about(campaign, of_task, at=at), token),
                claimed_at=at,
                lease_expires_at=at + dt.timedelta(seconds=settings.REVIEW_LEASE_SECONDS),
            )
    except IntegrityError:
        return None


def settle(task: int, *, at: dt.datetime) -> None:
    """What was said becomes final: an undo that is under way makes this wait, and none comes after."""
    Judgment.objects.filter(
        task=task, state=JudgmentState.PROVISIONAL, submitted_at__lte=querysets.undo_limit(at)
    ).update(state=JudgmentState.FINAL, settled_at=at)


def said_about(campaign: Campaign, tasks: QuerySet[Task], *, at: dt.datetime) -> list[str]:
    rows = conflicts.final_of(campaign, tasks, at=at).order_by("public_id")
    return [str(each) for each in rows.values_list("public_id", flat=True)]


def shuffled(judgments: list[str], token: uuid.UUID) -> list[str]:
    """In an order that tells nothing: neither who nor when, and another one for every hearing."""
    random.Random(token.int).shuffle(judgments)
    return judgments


def places_of(campaign: Campaign, task: Task) -> str:
    """Drawn for the task, so that whoever is given it anew sees the same."""
    placing = Placing(overlap=1, seed=campaign.seed)
    return "".join(map(str, placing.shuffled(task.responses.count(), f"hearing-{task.key}")))


def mine(hearing_id: uuid.UUID, evaluator: User) -> Hearing:
    """The evaluator's own hearing. Somebody else's looks the same as none."""
    found = (
        Hearing.objects.select_related("campaign__rubric", "task")
        .filter(public_id=hearing_id, adjudicator=evaluator)
        .first()
    )
    if found is None:
        raise Refused("not_yours", "This conflict is not yours. Ask for the next one.")
    return found


def heartbeat(hearing_id: uuid.UUID, *, by: User, at: dt.datetime) -> Hearing:
    """Renew the lease."""
    refuse_if(policies.adjudicating(by))
    row = mine(hearing_id, by)
    refuse_if_paused(row.campaign)
    until = at + dt.timedelta(seconds=settings.REVIEW_LEASE_SECONDS)
    if not Hearing.objects.filter(pk=row.pk, state=HearingState.HELD).update(lease_expires_at=until):
        raise Conflict(*ENDED)
    row.lease_expires_at = until
    return row


def file_of(
    hearing_id: uuid.UUID, place: int, *, by: User, at: dt.datetime
) -> tuple[BinaryIO, dict[str, Any]]:
    """The picture or recording in a place of a conflict that one has, and what is known of it."""
    refuse_if(policies.adjudicating(by))
    row = mine(hearing_id, by)
    if row.state != HearingState.HELD:
        raise Gone(*ENDED)
    refuse_if_paused(row.campaign)
    return media.opened_in(row.task_id, row.places, place)


def refuse_if_paused(campaign: Campaign) -> None:
    if campaign.status == CampaignStatus.PAUSED:
        raise Gone("paused", f"The lead has paused this: {campaign.pause_reason}")


def release(hearing_id: uuid.UUID, *, by: User, at: dt.datetime) -> Hearing:
    """Give it back, for another senior evaluator. Again, it changes nothing."""
    refuse_if(policies.judging(by))
    row = mine(hearing_id, by)
    if row.state == HearingState.RELEASED:
        return row
    if not end(row, HearingState.RELEASED, at=at):
        raise Conflict(*ENDED)
    return row


def end(row: Hearing, state: HearingState, *, at: dt.datetime) -> bool:
    ended = Hearing.objects.filter(pk=row.pk, state=HearingState.HELD).update(state=state, ended_at=at)
    if ended:
        row.state, row.ended_at = state, at
    return bool(ended)


def expire(*, at: dt.datetime) -> int:
    """End the leases that are over; a worker does so each minute, and whoever asks does at once."""
    over = Hearing.objects.filter(state=HearingState.HELD, lease_expires_at__lt=at)
    return over.update(state=HearingState.EXPIRED, ended_at=at)

"""Act: give an evaluator the next task, or the true reason why there is none."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Field, QuerySet

from annotation import assignment as assignments
from annotation import policies, querysets, repeats, workload
from annotation.models import Assignment, AssignmentState, Campaign, CampaignStatus, Slot, SlotState
from annotation.models.pause import kept_from, unseen_kept_back
from annotation.onboarding import qualification
from annotation.quality import pauses
from evaltrack.accounts import profiles
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, NotFound
from evaltrack.statements import Statement

RETRY_SECONDS = 60
OWN_PAGE = "/review/mine/"


@dataclass(frozen=True)
class NothingToDo:
    """Why there is no task, truly, and when asking again makes sense."""

    reason: str
    detail: str
    retry_after_s: int | None
    # The page on which the evaluator can mend it.
    path: str = ""


def claim_next(
    evaluator: User, *, at: dt.datetime, campaign: uuid.UUID | None = None, prefetch: bool = False
) -> Assignment | NothingToDo:
    """The assignment on the evaluator's screen, or the next one; else the reason why there is none.

    With `prefetch`, one more beside it: theirs, but not seen, so neither its clock nor its work has begun.
    """
    if refusal := policies.claiming(evaluator):
        return NothingToDo(refusal.code, refusal.reason, None)
    for last_try in (False, False, True):
        try:
            with transaction.atomic():
                held = held_by(evaluator, campaign)
                found = wanted(held, at=at, prefetch=prefetch) or claim(
                    evaluator, campaign, at=at, prefetch=prefetch
                )
        except IntegrityError:
            continue  # the same evaluator in two tabs: one of them won, and this one looks again
        if found is not None:
            return found
        # Leases that have ended are looked for by a worker every minute; an empty queue looks at once.
        if last_try or not assignments.expire_leases(at=at):
            return why_nothing(evaluator, campaign, at=at)
    raise Conflict("busy", "Another window of yours is fetching a task; try again.")


def held_by(evaluator: User, campaign: uuid.UUID | None = None) -> list[Assignment]:
    """What the evaluator has; what is shown comes first."""
    rows = held_assignments(evaluator=evaluator.pk, campaign=campaign)
    return sorted(rows, key=lambda row: (row.state != AssignmentState.SHOWN, row.pk))


@Statement
def held_assignments(*, evaluator: int, campaign: uuid.UUID | None) -> QuerySet[Assignment]:
    held = Assignment.objects.filter(querysets.HELD, evaluator=evaluator)
    if campaign is not None:
        held = held.filter(campaign__public_id=campaign)
    held = held.exclude(campaign__status=CampaignStatus.PAUSED).exclude(unseen_kept_back())
    return held.select_related("campaign__rubric")


def shown_assignment(evaluator: User) -> Assignment | None:
    """What is on the evaluator's screen."""
    held = held_by(evaluator)
    return held[0] if held and held[0].state == AssignmentState.SHOWN else None


def wanted(held: list[Assignment], *, at: dt.datetime, prefetch: bool) -> Assignment | None:
    """What the evaluator has already of what they ask for."""
    if prefetch:
        return next((row for row in held if row.state == AssignmentState.PREFETCHED), None)
    if not held:
        return None
    return held[0] if held[0].state == AssignmentState.SHOWN else assignments.show(held[0], at=at)


def claim(
    evaluator: User, campaign: uuid.UUID | None, *, at: dt.datetime, prefetch: bool
) -> Assignment | None:
    """A free slot, held for the evaluator. Inside the caller's transaction."""
    seconds = settings.REVIEW_PREFETCH_SECONDS if prefetch else settings.REVIEW_LEASE_SECONDS
    until = at + dt.timedelta(seconds=seconds)
    since = workload.begin_of_day(evaluator, at)
    for row in campaigns_with_work(evaluator=evaluator.pk, campaign=campaign, since=since):
        if since and workload.load(row).fills(profiles.limit_of(evaluator)):
            return None
        if found := repeats.take(row, evaluator, until=until, at=at) or take_slot(
            row, evaluator, until=until
        ):
            slot_id, task_id, token = found
            return Assignment.objects.create(
                public_id=token,
                slot_id=slot_id,
                campaign=row,
                task_id=task_id,
                evaluator=evaluator,
                state=AssignmentState.PREFETCHED if prefetch else AssignmentState.SHOWN,
                claimed_at=at,
                shown_at=None if prefetch else at,
                lease_expires_at=until,
                number=row.last_number + 1 if since else None,
            )
    return None


@Statement
def campaigns_with_work(
    *, evaluator: int, campaign: uuid.UUID | None, since: dt.datetime | None
) -> QuerySet[Campaign, Any]:
    """With the evaluator's work `since` then on each row, where they have a limit."""
    campaigns = querysets.campaigns_for(evaluator).select_related("rubric")
    if since is not None:
        campaigns = campaigns.annotate(**workload.columns(evaluator, since))
    return campaigns if campaign is None else campaigns.filter(public_id=campaign)


def take_slot(
    campaign: Campaign, evaluator: User, *, until: dt.datetime
) -> tuple[int, int, uuid.UUID] | None:
    """Hold the campaign's first free slot for the evaluator, in one statement: slot, task and token.

    The inner query is Django's; around it stands an UPDATE with RETURNING, which Django cannot write and both
    databases understand.
    """
    inner, parameters = first_free_slot.sql(campaign=campaign.pk, evaluator=evaluator.pk)
    token = uuid.uuid4()
    change = {"state": SlotState.HELD.value, "holder": evaluator.pk, "token": token, "lease_until": until}
    columns: list[Field] = [Slot._meta.get_field(name) for name in change]  # type: ignore[misc]
    names = ", ".join(f"{column.column} = %s" for column in columns)
    values = [
        column.get_db_prep_save(value, connection)
        for column, value in zip(columns, change.values(), strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Slot._meta.db_table} SET {names} WHERE id = ({inner}) RETURNING id, task_id",
            [*values, *parameters],
        )
        row = cursor.fetchone()
    return None if row is None else (row[0], row[1], token)


@Statement
def first_free_slot(*, campaign: int, evaluator: int) -> QuerySet[Slot, Any]:
    """SKIP LOCKED: two evaluators who press Next together get different tasks, not a wait."""
    free = Slot.objects.filter(querysets.not_kept_from(evaluator), campaign=campaign, state=SlotState.OPEN)
    return (
        querysets.left_for(evaluator, free)
        .order_by("due_at", "priority", "order_key")
        .select_for_update(skip_locked=True, of=("self",))
        .values("pk")[:1]
    )


def why_nothing(evaluator: User, campaign: uuid.UUID | None, *, at: dt.datetime) -> NothingToDo:
    """The true reason why the queue has nothing for the evaluator; of several, what they can do most about."""
    if campaign is not None and not Campaign.objects.filter(public_id=campaign).exists():
        raise NotFound("no_such_campaign", "There is no such campaign.")
    here = Campaign.objects.filter(querysets.ASKING)
    here = here if campaign is None else here.filter(public_id=campaign)
    own, fits = querysets.conflicted_for(evaluator), querysets.asks_no_more_than(evaluator)
    others = here.exclude(own)
    kept_back = others.filter(kept_from(evaluator), status=CampaignStatus.OPEN)
    asking = others.exclude(kept_from(evaluator)).filter(status=CampaignStatus.OPEN)
    may = fits & querysets.open_to(evaluator)
    # Read before what is owed: a worker may make the one into the other between the two statements.
    returning = querysets.tasks_that_may_return(evaluator, asking.filter(may)).exists()
    # Free slots were passed over because others are claiming them this moment: they come first, as just held.
    waiting = owed_by(evaluator, asking.filter(may)).order_by(F("lease_until").asc(nulls_first=True))
    if (slot := waiting.first()) is not None:
        if enough := workload.enough_for_today(evaluator, at=at):
            return NothingToDo("workload_cap", *enough)
        # What a lead keeps for somebody comes back with the reservation, if at all.
        until = (
            slot.lease_until or (slot.reserved_until if slot.reserved_for_id != evaluator.pk else at) or at
        )
        seconds = max(1, round((until - at).total_seconds()))
        detail = "Other evaluators hold what is left for you; one may come back."
        return NothingToDo("leased_elsewhere", detail, min(seconds, RETRY_SECONDS))
    if owed_by(evaluator, kept_back.filter(may)).exists():
        return NothingToDo("paused", pauses.told(evaluator, kept_back), None, OWN_PAGE)
    lacking = owed_by(evaluator, asking.exclude(fits)).order_by("due_at", "pk").select_related("campaign")
    if (slot := lacking.first()) is not None:
        return NothingToDo("not_qualified", qualification.sentence(evaluator, slot.campaign), None)
    if course := querysets.courses_before(asking.filter(fits), evaluator).first():
        detail = f"For what is left you have to qualify: learn the rubric {course.rubric_name!r} and pass its test."
        return NothingToDo("not_qualified", detail, None, course.get_absolute_url())
    if Slot.objects.filter(state=SlotState.REVIEW, campaign__in=asking.filter(may)).exists():
        detail = "Tasks wait for the lead's check for text that names a system."
        return NothingToDo("paused", detail, RETRY_SECONDS)
    if returning:
        detail = "A further judgment of some tasks may be asked for; look again later."
        return NothingToDo("leased_elsewhere", detail, RETRY_SECONDS)
    if paused := others.filter(may, status=CampaignStatus.PAUSED).order_by("due_at").first():
        return NothingToDo("paused", f"Paused by the lead: {paused.pause_reason}", RETRY_SECONDS)
    if Slot.objects.filter(
        querysets.OWED, campaign__in=here.filter(own, status=CampaignStatus.OPEN)
    ).exists():
        detail = "What is left compares your own models, or you could see into it in another role; others judge it."
        return NothingToDo("own_model", detail, None)
    detail = "Nothing is left for you: you have judged or skipped everything that waited."
    return NothingToDo("all_done", detail, None)


def owed_by(evaluator: User, campaigns: QuerySet[Campaign]) -> QuerySet[Slot]:
    """Judgments that the evaluator could still give in `campaigns`."""
    return querysets.left_for(evaluator, Slot.objects.filter(querysets.OWED, campaign__in=campaigns))

"""Adjectives for rows of annotation."""

import datetime as dt

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from annotation.models import (
    Assignment,
    AssignmentState,
    Campaign,
    Judgment,
    JudgmentState,
    Slot,
    SlotState,
    Task,
)
from evaltrack.accounts.models import User
from experiments.querysets import owned_or_all

# Campaigns that ask people now: stand-alone ones, and those whose experiment waits for them.
ASKING = Q(is_simulated=False) & (Q(experiment=None) | Q(experiment__status="awaiting_people"))
# Slots that people can judge or are judging: free, or on somebody's screen.
OWED = Q(state__in=[SlotState.OPEN, SlotState.HELD])
# Slots that miss their judgment: those, and what waits for the lead's check.
MISSING = OWED | Q(state=SlotState.REVIEW)
# Assignments that somebody has: on the screen, or fetched ahead. Written as two halves, each of which has a partial
# index: asked with IN, the database reads all that an evaluator has ever been given, at every claim.
HELD = Q(state=AssignmentState.SHOWN) | Q(state=AssignmentState.PREFETCHED)


def asking_campaigns() -> QuerySet[Campaign]:
    return Campaign.objects.filter(ASKING, status="open")


def queued_slots() -> QuerySet[Slot]:
    """Judgments that people still owe."""
    return Slot.objects.filter(OWED, campaign__in=asking_campaigns())


def campaigns_for(evaluator: User | int) -> QuerySet[Campaign]:
    """Campaigns with a free slot, by the due time of the first; none that compares what is the evaluator's own."""
    free = Slot.objects.filter(campaign=OuterRef("pk"), state=SlotState.OPEN)
    return (
        asking_campaigns()
        .exclude(of_own_models(evaluator))
        .annotate(first_due=Subquery(free.order_by("due_at").values("due_at")[:1]))
        .exclude(first_due=None)
        .order_by("first_due", "pk")
    )


def left_for(evaluator: User | int, slots: QuerySet[Slot]) -> QuerySet[Slot]:
    """Those of tasks that `evaluator` does not hold, and has neither judged nor skipped."""
    return slots.exclude(AskedByRow(Slot.objects.filter(task=OuterRef("task"), holder=evaluator))).exclude(
        AskedByRow(skips().filter(task=OuterRef("task"), evaluator=evaluator))
    )


class AskedByRow(Exists):
    """EXISTS for the row in hand alone.

    PostgreSQL makes a join of a plain one, and then may read all that an evaluator has ever judged, at every claim.
    An OFFSET, which changes nothing, forbids that.
    """

    template = "EXISTS(%(subquery)s OFFSET 0)"


def of_own_models(evaluator: User | int) -> Q:
    """Campaigns that compare what `evaluator` owns, made or submitted."""
    return (
        Q(experiment__component__owner=evaluator)
        | Q(experiment__candidate__created_by=evaluator)
        | Q(experiment__baseline__created_by=evaluator)
        | Q(experiment__submitted_by=evaluator)
        | Q(opened_by=evaluator)
    )


def standing_judgments() -> QuerySet[Judgment]:
    """Neither undone nor surplus."""
    return Judgment.objects.filter(state__in=[JudgmentState.PROVISIONAL, JudgmentState.FINAL])


def final_judgments(at: dt.datetime) -> QuerySet[Judgment]:
    """Those that nobody can take back any more, whether or not the sweep has written that down."""
    return Judgment.objects.filter(
        Q(state=JudgmentState.FINAL) | Q(state=JudgmentState.PROVISIONAL, submitted_at__lte=undo_limit(at))
    )


def undo_limit(at: dt.datetime) -> dt.datetime:
    """What was submitted before this moment cannot be undone at `at`."""
    return at - dt.timedelta(seconds=settings.REVIEW_UNDO_SECONDS)


def campaigns_visible_to(user: User) -> QuerySet[Campaign]:
    return Campaign.objects.filter(owned_or_all(user, "experiment__component__owner")).select_related(
        "experiment__component", "rubric", "closed_by", "unblocked_by"
    )


def held_back(campaign: Campaign) -> QuerySet[Task]:
    """Tasks that wait for the lead's check for text that names a system."""
    waiting = Slot.objects.filter(task=OuterRef("pk"), campaign=campaign, state=SlotState.REVIEW)
    return Task.objects.filter(Exists(waiting), campaign=campaign)


def skips() -> QuerySet[Assignment]:
    return Assignment.objects.filter(state=AssignmentState.SKIPPED)


def skips_without_judgments(campaign: Campaign) -> QuerySet[Assignment]:
    """Skips of tasks that still miss judgments."""
    return (
        skips()
        .filter(Exists(Slot.objects.filter(OWED, task=OuterRef("task"))), campaign=campaign)
        .order_by("task__item", "pk")
    )

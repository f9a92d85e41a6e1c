"""Adjectives for rows of annotation."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation.models import Assignment, AssignmentState, Campaign, Slot, SlotState
from evaltrack.accounts.models import User
from experiments.querysets import owned_or_all

# Slots and tasks whose campaign asks people now.
ASKED_OF_PEOPLE = Q(
    campaign__status="open", campaign__is_simulated=False, campaign__experiment__status="awaiting_people"
)
# Slots that miss their judgment: free, or on somebody's screen.
OWED = Q(state__in=[SlotState.OPEN, SlotState.HELD])


def queued_slots() -> QuerySet[Slot]:
    """Judgments that people still owe."""
    return Slot.objects.filter(OWED, ASKED_OF_PEOPLE)


def left_for(evaluator: User, slots: QuerySet[Slot]) -> QuerySet[Slot]:
    """Those that `evaluator` may be given: of tasks not held, judged, skipped or made by themselves."""
    return (
        slots.exclude(of_own_models(evaluator))
        .exclude(Exists(Slot.objects.filter(task=OuterRef("task"), holder=evaluator)))
        .exclude(Exists(skips().filter(task=OuterRef("task"), evaluator=evaluator)))
    )


def of_own_models(evaluator: User) -> Q:
    """Slots that compare what `evaluator` owns, made or submitted."""
    return (
        Q(campaign__experiment__component__owner=evaluator)
        | Q(campaign__experiment__candidate__created_by=evaluator)
        | Q(campaign__experiment__baseline__created_by=evaluator)
        | Q(campaign__experiment__submitted_by=evaluator)
    )


def campaigns_visible_to(user: User) -> QuerySet[Campaign]:
    return Campaign.objects.filter(owned_or_all(user, "experiment__component__owner")).select_related(
        "experiment__component", "rubric", "closed_by", "unblocked_by"
    )


def skips() -> QuerySet[Assignment]:
    return Assignment.objects.filter(state=AssignmentState.SKIPPED)


def skips_without_judgments(campaign: Campaign) -> QuerySet[Assignment]:
    """Skips of tasks that still miss judgments."""
    return (
        skips()
        .filter(Exists(Slot.objects.filter(OWED, task=OuterRef("task"))), campaign=campaign)
        .order_by("task__item", "pk")
    )

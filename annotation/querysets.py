"""Adjectives for rows of annotation."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation.models import Assignment, Campaign, Slot, SlotState
from evaltrack.accounts.models import User
from experiments.querysets import owned_or_all


def claimable_by(evaluator: User) -> QuerySet[Slot]:
    """Open slots that `evaluator` may be given: not judged, skipped or made by themselves."""
    return (
        own_models_left_out(open_slots(), evaluator)
        .exclude(Exists(Slot.objects.filter(task=OuterRef("task"), holder=evaluator)))
        .exclude(
            Exists(Assignment.objects.filter(task=OuterRef("task"), evaluator=evaluator, state="skipped"))
        )
        .order_by("due_at", "order_key")
    )


def open_slots() -> QuerySet[Slot]:
    return Slot.objects.filter(state=SlotState.OPEN, campaign__status="open", campaign__is_simulated=False)


def own_models_left_out(slots: QuerySet[Slot], evaluator: User) -> QuerySet[Slot]:
    return slots.exclude(
        Q(campaign__experiment__component__owner=evaluator)
        | Q(campaign__experiment__candidate__created_by=evaluator)
        | Q(campaign__experiment__baseline__created_by=evaluator)
        | Q(campaign__experiment__submitted_by=evaluator)
    )


def campaigns_visible_to(user: User) -> QuerySet[Campaign]:
    return Campaign.objects.filter(owned_or_all(user, "experiment__component__owner")).select_related(
        "experiment__component", "rubric", "closed_by", "unblocked_by"
    )

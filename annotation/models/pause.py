"""A lead gives an evaluator no further tasks, and what the evaluator says to that."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q


class PauseOutcome(models.TextChoices):
    """What a lead said about an appeal."""

    UPHELD = "upheld", "The pause stays"
    LIFTED = "lifted", "The pause is lifted"


class Pause(models.Model):
    """One evaluator is given nothing: of the campaign, or `everywhere`, of any; then it says where the lead stood.

    In force until it is ended. The evaluator appeals once; a lead answers, once. No row is ever deleted.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    evaluator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="pauses")
    campaign = models.ForeignKey("annotation.Campaign", on_delete=models.PROTECT, related_name="pauses")
    everywhere = models.BooleanField(default=False)
    reason = models.TextField()
    paused_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    paused_at = models.DateTimeField()
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)

    appeal = models.TextField(blank=True)
    appealed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=6, choices=PauseOutcome.choices, blank=True)
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # Also the index by which a claim asks.
            models.UniqueConstraint(
                name="pause_once_in_force", fields=["evaluator", "campaign"], condition=Q(ended_at=None)
            ),
            models.UniqueConstraint(
                name="pause_everywhere_once_in_force",
                fields=["evaluator"],
                condition=Q(ended_at=None, everywhere=True),
            ),
            models.CheckConstraint(name="pause_has_a_reason", condition=~Q(reason="")),
            models.CheckConstraint(name="pause_of_somebody_else", condition=~Q(paused_by=F("evaluator"))),
            models.CheckConstraint(
                name="pause_ended_by_and_at",
                condition=Q(ended_by=None, ended_at=None) | Q(ended_by__isnull=False, ended_at__isnull=False),
            ),
            models.CheckConstraint(
                name="pause_appealed_at_with_words",
                condition=Q(appeal="", appealed_at=None) | ~Q(appeal="") & Q(appealed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="pause_outcome_known", condition=Q(outcome="") | Q(outcome__in=PauseOutcome.values)
            ),
            models.CheckConstraint(
                name="pause_answered_by_and_at_and_how",
                condition=Q(outcome="", answer="", answered_by=None, answered_at=None)
                | Q(appealed_at__isnull=False, answered_by__isnull=False, answered_at__isnull=False)
                & ~Q(outcome="")
                & ~Q(answer=""),
            ),
            models.CheckConstraint(
                name="pause_lifted_is_ended", condition=~Q(outcome="lifted") | Q(ended_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"pause {self.public_id}"

    @property
    def is_in_force(self) -> bool:
        return self.ended_at is None

    @property
    def may_be_appealed(self) -> bool:
        return self.is_in_force and self.appealed_at is None

    @property
    def waits_for_an_answer(self) -> bool:
        return self.is_in_force and self.appealed_at is not None and not self.outcome


def kept_from(evaluator: Any) -> Q:
    """Campaigns whose tasks a pause keeps from the evaluator: one row at most for each, by a partial index."""
    in_force = Pause.objects.filter(evaluator=evaluator, ended_at=None)
    return Q(Exists(in_force.filter(Q(campaign=OuterRef("pk")) | Q(everywhere=True))))


def unseen_kept_back() -> Q:
    """Assignments that were fetched ahead and are not shown, as their evaluator has been paused since."""
    in_force = Pause.objects.filter(evaluator=OuterRef("evaluator"), ended_at=None)
    here = Q(campaign=OuterRef("campaign")) | Q(everywhere=True)
    return Q(state="prefetched") & Q(Exists(in_force.filter(here)))


def paused_in(campaign: int) -> Q:
    """People who are given nothing of the campaign."""
    in_force = Pause.objects.filter(evaluator=OuterRef("pk"), ended_at=None)
    return Q(Exists(in_force.filter(Q(campaign=campaign) | Q(everywhere=True))))

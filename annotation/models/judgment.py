"""What somebody answered. Append-only."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Choice(models.TextChoices):
    FIRST = "first", "The task's first response"
    SECOND = "second", "The task's second response"
    TIE = "tie", "Tie"
    BOTH_BAD = "both_bad", "Both bad"


class Judgment(models.Model):
    """An answer to an assignment.

    `choice` names the response itself, not where it stood; `first_on_slot_1` keeps where it stood, so that a
    habit of picking one side can be found.
    """

    public_id = models.UUIDField(unique=True, editable=False)
    assignment = models.OneToOneField(
        "annotation.Assignment", on_delete=models.PROTECT, related_name="judgment"
    )
    campaign = models.ForeignKey("annotation.Campaign", on_delete=models.PROTECT, related_name="judgments")
    task = models.ForeignKey("annotation.Task", on_delete=models.PROTECT, related_name="judgments")
    evaluator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="judgments"
    )
    choice = models.CharField(max_length=8, choices=Choice.choices)
    first_on_slot_1 = models.BooleanField()
    comment = models.TextField(blank=True)
    active_ms = models.PositiveIntegerField(null=True)
    wall_ms = models.PositiveIntegerField()
    submitted_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="judgment_one_each", fields=["task", "evaluator"]),
            models.CheckConstraint(name="judgment_choice_known", condition=Q(choice__in=Choice.values)),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

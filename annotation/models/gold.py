"""Hidden gold: tasks whose right answer is known, and what evaluators say against it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models.judgment import Choice


class Gold(models.Model):
    """The choice that is right for a task, and why. What is said about such a task is in no figure.

    That a task has this row is all that tells it from another: its own row, slots and assignments are like any.
    """

    task = models.OneToOneField("annotation.Task", on_delete=models.PROTECT, related_name="gold")
    choice = models.CharField(max_length=8, choices=Choice.choices)
    why = models.TextField()
    # An attention check: its answer is obvious to whoever reads it. Shown apart from what measures accuracy.
    is_check = models.BooleanField(default=False)
    # Where it comes from, if a senior evaluator settled the item in an earlier campaign.
    adjudication = models.ForeignKey(
        "annotation.Adjudication", on_delete=models.PROTECT, null=True, related_name="gold"
    )
    # The choice was wrong, or none is right: after an appeal, or by rule.
    corrected_at = models.DateTimeField(null=True)
    suspended_at = models.DateTimeField(null=True)
    # Of gold that was suspended by rule, as good evaluators failed it: see `annotation.quality.gold_rule`.
    suspended_because = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="gold_choice_known", condition=Q(choice__in=Choice.values)),
            models.CheckConstraint(
                name="gold_because_of_a_suspension",
                condition=Q(suspended_because="") | Q(suspended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"gold of {self.task_id}"


class Outcome(models.TextChoices):
    """What a lead said about an appeal."""

    DECLINED = "declined", "Declined: the reference answer stands"
    CORRECTED = "corrected", "Upheld: the reference answer was corrected"
    SUSPENDED = "suspended", "Upheld: the item is not used as a measure any more"


class Appeal(models.Model):
    """An evaluator disagrees with the gold of a judgment, once; a lead answers, once."""

    judgment = models.OneToOneField("annotation.Judgment", on_delete=models.PROTECT, related_name="appeal")
    reason = models.TextField()
    appealed_at = models.DateTimeField()
    # What the gold said then.
    gold_choice = models.CharField(max_length=8, choices=Choice.choices)
    gold_why = models.TextField()
    outcome = models.CharField(max_length=9, choices=Outcome.choices, blank=True)
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="appeal_gold_choice_known", condition=Q(gold_choice__in=Choice.values)
            ),
            models.CheckConstraint(
                name="appeal_outcome_known", condition=Q(outcome="") | Q(outcome__in=Outcome.values)
            ),
            models.CheckConstraint(
                name="appeal_answered_by_and_at_and_how",
                condition=Q(outcome="", answer="", answered_by=None, answered_at=None)
                | Q(answered_by__isnull=False, answered_at__isnull=False) & ~Q(outcome="") & ~Q(answer=""),
            ),
        ]

    def __str__(self) -> str:
        return f"appeal of {self.judgment_id}"

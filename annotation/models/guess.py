"""What evaluators guess about the systems, after they have judged."""

from django.db import models
from django.db.models import Q


class Guessed(models.TextChoices):
    FIRST = "first", "The task's first response"
    SECOND = "second", "The task's second response"
    UNKNOWN = "unknown", "Does not know"


class Guess(models.Model):
    """Which response the evaluator of a judgment thinks is in production. Given once; in no figure but its own."""

    judgment = models.OneToOneField("annotation.Judgment", on_delete=models.PROTECT, related_name="guess")
    guess = models.CharField(max_length=7, choices=Guessed.choices)
    guessed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="guess_known", condition=Q(guess__in=Guessed.values)),
        ]

    def __str__(self) -> str:
        return f"guess beside {self.judgment_id}"

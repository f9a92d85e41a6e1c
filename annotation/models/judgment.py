"""What somebody answered. Append-only."""

import functools
import operator

from django.conf import settings
from django.db import models
from django.db.models import Q


class Choice(models.TextChoices):
    FIRST = "first", "The task's first response"
    SECOND = "second", "The task's second response"
    TIE = "tie", "Tie"
    BOTH_BAD = "both_bad", "Both bad"


class JudgmentState(models.TextChoices):
    """What a judgment is worth. What it says never changes."""

    PROVISIONAL = "provisional", "Can be undone"
    FINAL = "final", "Final"
    UNDONE = "undone", "Undone by who gave it"
    SURPLUS = "surplus", "Given after the task went to somebody else"
    SUPERSEDED = "superseded", "Asked again by a later version of the rubric"


# One column for each protocol.
SAID = ["choice", "rating", "ranking", "spans"]


def says_one_thing() -> Q:
    """One column is filled, and no other."""
    only = [Q(**{f"{column}__isnull": column != filled for column in SAID}) for filled in SAID]
    return functools.reduce(operator.or_, only)


# At most one of these per slot, and per task and evaluator.
STANDING = ["provisional", "final"]


class Said(models.Model):
    """What somebody answered: one column for each protocol, and those of the rubric's further questions."""

    # Pairwise.
    choice = models.CharField(max_length=8, choices=Choice.choices, null=True)
    # 1: better, 2: much better; where the rubric asks, and one response is preferred.
    strength = models.PositiveSmallIntegerField(null=True)
    # Rating: a point of the rubric's scale.
    rating = models.PositiveSmallIntegerField(null=True)
    # Ranking: groups of ordinals, best first; those of a group are tied.
    ranking = models.JSONField(null=True)
    # Spans: start, end, reason, and perhaps severity and note; none says that no error was found.
    spans = models.JSONField(null=True)
    # By criterion of the rubric, as the main answer.
    answers = models.JSONField(default=dict)

    class Meta:
        abstract = True


class Judgment(Said):
    """An answer to an assignment.

    What was said names responses themselves, by their ordinals, not where they stood; `places` keeps where each
    stood, so that a habit of picking one place can be found. Which column holds it, the campaign's protocol says.
    """

    public_id = models.UUIDField(unique=True, editable=False)
    assignment = models.ForeignKey(
        "annotation.Assignment", on_delete=models.PROTECT, related_name="judgments"
    )
    slot = models.ForeignKey("annotation.Slot", on_delete=models.PROTECT, related_name="judgments")
    campaign = models.ForeignKey("annotation.Campaign", on_delete=models.PROTECT, related_name="judgments")
    task = models.ForeignKey("annotation.Task", on_delete=models.PROTECT, related_name="judgments")
    evaluator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="judgments"
    )
    # The version by which it was given.
    rubric = models.ForeignKey("annotation.Rubric", on_delete=models.PROTECT, related_name="+")
    # As the slot has it.
    places = models.CharField(max_length=9)
    comment = models.TextField(blank=True)
    active_ms = models.PositiveIntegerField(null=True)
    wall_ms = models.PositiveIntegerField()
    submitted_at = models.DateTimeField()

    state = models.CharField(max_length=11, choices=JudgmentState.choices, default=JudgmentState.PROVISIONAL)
    # When it became final, or was undone.
    settled_at = models.DateTimeField(null=True)
    # Said for the second time by the same person, to see how far they agree with themselves: counted nowhere else.
    is_repeat = models.BooleanField(default=False, db_default=False)
    # Whether it is in the campaign's sums: see `annotation.agreement.rollup`.
    is_counted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="judgment_one_each",
                fields=["evaluator", "task", "is_repeat"],
                condition=Q(state__in=STANDING),
            ),
            # The overlap is the number of slots, so it is never exceeded.
            models.UniqueConstraint(
                name="judgment_one_per_slot", fields=["slot"], condition=Q(state__in=STANDING)
            ),
            models.CheckConstraint(
                name="judgment_choice_known", condition=Q(choice=None) | Q(choice__in=Choice.values)
            ),
            models.CheckConstraint(name="judgment_says_one_thing", condition=says_one_thing()),
            models.CheckConstraint(
                name="judgment_rating_on_a_scale",
                condition=Q(rating=None) | Q(rating__range=(1, 10)),
            ),
            models.CheckConstraint(name="judgment_places_known", condition=~Q(places="")),
            models.CheckConstraint(name="judgment_state_known", condition=Q(state__in=JudgmentState.values)),
            models.CheckConstraint(
                name="judgment_settled_at",
                condition=Q(state="provisional", settled_at=None)
                | ~Q(state="provisional") & Q(settled_at__isnull=False),
            ),
            models.CheckConstraint(
                name="judgment_strength_of_a_preference",
                # A comparison with no choice is neither true nor false, which a constraint lets pass.
                condition=Q(strength=None)
                | Q(strength__in=[1, 2], choice__isnull=False, choice__in=["first", "second"]),
            ),
        ]
        indexes = [
            models.Index(
                name="judgment_provisional",
                fields=["evaluator", "submitted_at"],
                condition=Q(state="provisional"),
            ),
            models.Index(name="judgment_of_day", fields=["evaluator", "submitted_at"]),
            models.Index(name="judgment_of_evaluator", fields=["evaluator", "campaign"]),
            models.Index(
                name="judgment_repeat", fields=["campaign", "submitted_at"], condition=Q(is_repeat=True)
            ),
            # What became final since somebody looked.
            models.Index(
                name="judgment_uncounted",
                fields=["campaign"],
                condition=Q(state__in=STANDING, is_counted=False),
            ),
            models.Index(
                name="judgment_final", fields=["campaign", "settled_at"], condition=Q(state="final")
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

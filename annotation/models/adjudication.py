"""What a senior evaluator settled where others disagree. What it says never changes."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models.judgment import SAID, Choice, Said, says_one_thing


class Cause(models.TextChoices):
    """Why people disagreed about an item, as who settles it sees it. A closed list, so that it can be counted."""

    MISTAKE = "mistake", "A slip: somebody misread or overlooked something"
    AMBIGUOUS = "ambiguous", "The request or a response can be read in two ways"
    GUIDELINE = "guideline", "The rubric does not say how to judge this"
    DEFENSIBLE = "defensible", "Both answers can be defended"
    KNOWLEDGE = "knowledge", "It takes knowledge that not everybody has"
    BROKEN = "broken", "The item is broken: it has no answer"


class WaitingConflict(models.Model):
    """A conflict of a large campaign that nobody has settled, as a worker found it: derived, see
    `annotation.settling.kept_conflicts`. In the order in which conflicts are settled.
    """

    task = models.OneToOneField(
        "annotation.Task", on_delete=models.PROTECT, primary_key=True, related_name="waiting_conflict"
    )
    campaign = models.ForeignKey(
        "annotation.Campaign", on_delete=models.PROTECT, related_name="waiting_conflicts", db_index=False
    )
    agreement = models.FloatField()
    judgments = models.PositiveSmallIntegerField()
    draw = models.PositiveBigIntegerField()

    class Meta:
        indexes = [
            models.Index(
                name="waiting_conflict_in_order", fields=["campaign", "agreement", "-judgments", "draw"]
            )
        ]

    def __str__(self) -> str:
        return str(self.task_id)


class HearingState(models.TextChoices):
    HELD = "held", "On somebody's screen"
    SUBMITTED = "submitted", "Settled"
    RELEASED = "released", "Given back"
    EXPIRED = "expired", "Not settled in time"
    WITHDRAWN = "withdrawn", "No conflict any more"


class Hearing(models.Model):
    """One claim of a conflict by one senior evaluator. Its id is random and says nothing; it is the fencing token.

    `places` says which response stands where, as with slots: drawn for the task, whatever its evaluators saw.
    `judgments` are the ids of what was said, in the order in which it is shown, which is drawn too.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    campaign = models.ForeignKey("annotation.Campaign", on_delete=models.PROTECT, related_name="hearings")
    task = models.ForeignKey("annotation.Task", on_delete=models.PROTECT, related_name="hearings")
    adjudicator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="hearings"
    )
    places = models.CharField(max_length=9)
    judgments = models.JSONField()
    state = models.CharField(max_length=9, choices=HearingState.choices, default=HearingState.HELD)
    claimed_at = models.DateTimeField()
    lease_expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="hearing_state_known", condition=Q(state__in=HearingState.values)),
            models.CheckConstraint(name="hearing_places_known", condition=~Q(places="")),
            models.CheckConstraint(
                name="hearing_ended_at",
                condition=Q(state="held", ended_at=None) | ~Q(state="held") & Q(ended_at__isnull=False),
            ),
            # Two adjudicators must not settle the same conflict, nor one of them two in two tabs.
            models.UniqueConstraint(name="hearing_one_per_task", fields=["task"], condition=Q(state="held")),
            models.UniqueConstraint(
                name="hearing_one_each", fields=["adjudicator", "campaign"], condition=Q(state="held")
            ),
        ]
        indexes = [
            # Whoever has seen what others said of a task is not asked to judge it.
            models.Index(name="hearing_of_adjudicator", fields=["adjudicator", "task"]),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class AdjudicationState(models.TextChoices):
    """What an adjudication is worth."""

    STANDING = "standing", "Settles the item"
    SURPLUS = "surplus", "Given after the conflict went to somebody else"
    SUPERSEDED = "superseded", "What it settled is asked again by a later version of the rubric"


def says_nothing() -> Q:
    return Q(**{f"{column}__isnull": True for column in SAID}, strength=None, answers={})


class Adjudication(Said):
    """The label of a task about which its evaluators disagree, and why they did.

    The columns of what is said are those of a judgment. It is no judgment: no figure about agreement or preference
    reads it.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    hearing = models.OneToOneField(Hearing, on_delete=models.PROTECT, related_name="adjudication")
    campaign = models.ForeignKey(
        "annotation.Campaign", on_delete=models.PROTECT, related_name="adjudications"
    )
    task = models.ForeignKey("annotation.Task", on_delete=models.PROTECT, related_name="adjudications")
    adjudicator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="adjudications"
    )
    rubric = models.ForeignKey("annotation.Rubric", on_delete=models.PROTECT, related_name="+")
    places = models.CharField(max_length=9)
    cause = models.CharField(max_length=10, choices=Cause.choices)
    guideline_unclear = models.BooleanField(default=False)
    # What the rubric should say; for the lead, who writes its next version.
    guideline_note = models.TextField(blank=True)
    # The version of the rubric that answers the note.
    answered_in = models.ForeignKey(
        "annotation.Rubric", on_delete=models.PROTECT, null=True, related_name="+"
    )
    comment = models.TextField(blank=True)
    # How far the judgments agreed that were settled, and how many these were.
    agreement = models.FloatField()
    judgments = models.PositiveSmallIntegerField()
    active_ms = models.PositiveIntegerField(null=True)
    wall_ms = models.PositiveIntegerField()
    adjudicated_at = models.DateTimeField()
    state = models.CharField(
        max_length=10, choices=AdjudicationState.choices, default=AdjudicationState.STANDING
    )
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="adjudication_one_stands_per_task", fields=["task"], condition=Q(state="standing")
            ),
            models.CheckConstraint(name="adjudication_cause_known", condition=Q(cause__in=Cause.values)),
            models.CheckConstraint(
                name="adjudication_state_known", condition=Q(state__in=AdjudicationState.values)
            ),
            models.CheckConstraint(
                name="adjudication_superseded_at",
                condition=Q(state="superseded", superseded_at__isnull=False)
                | ~Q(state="superseded") & Q(superseded_at=None),
            ),
            models.CheckConstraint(
                name="adjudication_says_one_thing_or_the_item_is_broken",
                condition=~Q(cause="broken") & says_one_thing() | Q(cause="broken") & says_nothing(),
            ),
            models.CheckConstraint(
                name="adjudication_choice_known", condition=Q(choice=None) | Q(choice__in=Choice.values)
            ),
            models.CheckConstraint(
                name="adjudication_rating_on_a_scale",
                condition=Q(rating=None) | Q(rating__range=(1, 10)),
            ),
            models.CheckConstraint(
                name="adjudication_strength_of_a_preference",
                condition=Q(strength=None)
                | Q(strength__in=[1, 2], choice__isnull=False, choice__in=["first", "second"]),
            ),
            models.CheckConstraint(name="adjudication_places_known", condition=~Q(places="")),
            models.CheckConstraint(
                name="adjudication_unclear_guideline_says_what",
                condition=Q(guideline_unclear=False, guideline_note="", answered_in=None)
                | Q(guideline_unclear=True) & ~Q(guideline_note=""),
            ),
            models.CheckConstraint(
                name="adjudication_cause_guideline_is_unclear",
                condition=~Q(cause="guideline") | Q(guideline_unclear=True),
            ),
            models.CheckConstraint(
                name="adjudication_settles_a_disagreement",
                condition=Q(agreement__gte=0, agreement__lt=1, judgments__gte=2),
            ),
        ]
        indexes = [
            models.Index(
                name="adjudication_open_note",
                fields=["campaign"],
                condition=Q(guideline_unclear=True, answered_in=None, state="standing"),
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

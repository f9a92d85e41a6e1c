"""What an evaluator goes through before judging by a rubric: guidelines, training, a test.

All of it stands in rows of its own. A judgment belongs to a task of a campaign, and there is none here, so nothing
that is answered on the way can be counted with what people judge.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotation.models.judgment import Choice


class Course(models.Model):
    """The way to qualify for a rubric, all its versions. The guidelines are the rubric's own."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    rubric_name = models.CharField(max_length=80, unique=True)
    # Of `items` questions, the share that must be answered right.
    pass_mark = models.FloatField()
    items = models.PositiveSmallIntegerField()
    # How often one may try again, and how long after the last time.
    retries = models.PositiveSmallIntegerField()
    wait_hours = models.PositiveSmallIntegerField()
    seed = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="course_pass_mark_is_a_share", condition=Q(pass_mark__gt=0, pass_mark__lte=1)
            ),
            models.CheckConstraint(name="course_asks_something", condition=Q(items__gte=1)),
        ]

    def __str__(self) -> str:
        return self.rubric_name

    def get_absolute_url(self) -> str:
        """The evaluator's page of it."""
        return f"/review/courses/{self.public_id}/"


class LessonKind(models.TextChoices):
    TRAINING = "training", "Training"
    TEST = "test", "Test"


class Lesson(models.Model):
    """An item with the choice that is right, and why. `responses` stand in an order that was drawn."""

    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="lessons")
    kind = models.CharField(max_length=8, choices=LessonKind.choices)
    item = models.CharField(max_length=200)
    key = models.CharField(max_length=64)
    group = models.CharField(max_length=64)
    prompt = models.TextField()
    prompt_format = models.CharField(max_length=8)
    # Two of {source, text, format}.
    responses = models.JSONField()
    choice = models.CharField(max_length=8, choices=Choice.choices)
    why = models.TextField()

    class Meta:
        constraints = [
            # Also across kinds: what was explained in training tests nothing.
            models.UniqueConstraint(name="lesson_once", fields=["course", "key"]),
            models.CheckConstraint(name="lesson_kind_known", condition=Q(kind__in=LessonKind.values)),
            models.CheckConstraint(name="lesson_choice_known", condition=Q(choice__in=Choice.values)),
        ]

    def __str__(self) -> str:
        return self.item


class Sitting(models.Model):
    """One evaluator at the training, or at one attempt of the test."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="sittings")
    evaluator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=LessonKind.choices)
    started_at = models.DateTimeField()
    # The rule as it stood then.
    pass_mark = models.FloatField()
    ended_at = models.DateTimeField(null=True)
    right = models.PositiveSmallIntegerField(null=True)
    passed = models.BooleanField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="sitting_kind_known", condition=Q(kind__in=LessonKind.values)),
            models.UniqueConstraint(
                name="sitting_one_open", fields=["course", "evaluator", "kind"], condition=Q(ended_at=None)
            ),
            models.CheckConstraint(
                name="sitting_ended_with_a_score",
                condition=Q(ended_at=None, right=None, passed=None)
                | Q(ended_at__isnull=False, right__isnull=False, passed__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)


class Question(models.Model):
    """A lesson as one evaluator was shown it, and what they answered. An answer is never changed."""

    sitting = models.ForeignKey(Sitting, on_delete=models.PROTECT, related_name="questions")
    lesson = models.ForeignKey(Lesson, on_delete=models.PROTECT, related_name="+")
    ordinal = models.PositiveSmallIntegerField()
    first_on_slot_1 = models.BooleanField()
    choice = models.CharField(max_length=8, choices=Choice.choices, null=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="question_place_once", fields=["sitting", "ordinal"]),
            models.UniqueConstraint(name="question_lesson_once", fields=["sitting", "lesson"]),
            models.CheckConstraint(
                name="question_choice_known", condition=Q(choice=None) | Q(choice__in=Choice.values)
            ),
            models.CheckConstraint(
                name="question_answered_at",
                condition=Q(choice=None, answered_at=None)
                | Q(choice__isnull=False, answered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sitting_id}/{self.ordinal}"

    @property
    def is_right(self) -> bool:
        return self.choice == self.lesson.choice


class Qualification(models.Model):
    """That somebody may judge by a rubric: by passing its test, or granted by a lead with a reason."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    course = models.ForeignKey(Course, on_delete=models.PROTECT, related_name="qualifications")
    evaluator = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    sitting = models.OneToOneField(Sitting, on_delete=models.PROTECT, null=True, related_name="+")
    qualified_at = models.DateTimeField()
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    grant_reason = models.TextField(blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True)
    revocation_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="qualification_one_standing",
                fields=["course", "evaluator"],
                condition=Q(revoked_at=None),
            ),
            models.CheckConstraint(
                name="qualification_by_test_or_lead",
                condition=Q(sitting__isnull=False, granted_by=None, grant_reason="")
                | Q(sitting=None, granted_by__isnull=False) & ~Q(grant_reason=""),
            ),
            models.CheckConstraint(
                name="qualification_revoked_by_and_at_and_why",
                condition=Q(revoked_by=None, revoked_at=None, revocation_reason="")
                | Q(revoked_by__isnull=False, revoked_at__isnull=False) & ~Q(revocation_reason=""),
            ),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

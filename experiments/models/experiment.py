"""One question: is the candidate at least as good as its baseline on this dataset?"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from experiments.querysets import ExperimentQuerySet


class Tier(models.TextChoices):
    SMOKE = "smoke", "Smoke (10 examples)"
    STANDARD = "standard", "Standard (250 examples)"
    EXTENDED = "extended", "Extended (all examples)"


class Lane(models.TextChoices):
    """How urgent. `rank` orders the lanes: a pull request waits for the gate."""

    GATE = "gate", "Gate"
    STANDARD = "standard", "Standard"
    EXTENDED = "extended", "Extended"


class ExperimentStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    WAITING = "waiting", "Waiting"
    AWAITING_PEOPLE = "awaiting_people", "Awaiting people"
    DECIDED = "decided", "Decided"
    UNDECIDED = "undecided", "Undecided"
    CANCELLED = "cancelled", "Cancelled"


class Experiment(models.Model):
    public_id = models.CharField(max_length=24, unique=True)
    component = models.ForeignKey(
        "experiments.Component", on_delete=models.PROTECT, related_name="experiments"
    )
    candidate = models.ForeignKey("experiments.ComponentVersion", on_delete=models.PROTECT, related_name="+")
    baseline = models.ForeignKey("experiments.ComponentVersion", on_delete=models.PROTECT, related_name="+")
    dataset_version = models.ForeignKey(
        "datasets.DatasetVersion", on_delete=models.PROTECT, related_name="experiments"
    )
    tier = models.CharField(max_length=10, choices=Tier.choices, default=Tier.STANDARD)
    lane = models.CharField(max_length=10, choices=Lane.choices, default=Lane.STANDARD)
    policy = models.ForeignKey("experiments.GatePolicy", on_delete=models.PROTECT, related_name="experiments")
    hypothesis = models.TextField(blank=True)
    context = models.JSONField(default=dict, blank=True)
    needs_people = models.BooleanField()
    attempt = models.PositiveIntegerField()
    # The experiment that asked the same on a smaller tier; its answers are kept, and this is a further look.
    extends = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="extensions")

    status = models.CharField(
        max_length=16, choices=ExperimentStatus.choices, default=ExperimentStatus.QUEUED
    )
    reason = models.TextField(blank=True)
    # Nothing is asked while it is paused.
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    paused_at = models.DateTimeField(null=True)
    # The most that answers may cost, and what is spent or reserved of it, in millionths of a US dollar.
    budget_micro = models.PositiveBigIntegerField(null=True)
    committed_micro = models.PositiveBigIntegerField(default=0)
    # A store or an endpoint that is down: when to try again, and how often it was tried in vain.
    next_attempt_at = models.DateTimeField(null=True)
    failed_attempts = models.PositiveIntegerField(default=0)

    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    submitted_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = ExperimentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="experiment_status_known", condition=Q(status__in=ExperimentStatus.values)
            ),
            models.CheckConstraint(name="experiment_tier_known", condition=Q(tier__in=Tier.values)),
            models.CheckConstraint(name="experiment_lane_known", condition=Q(lane__in=Lane.values)),
            models.CheckConstraint(
                name="experiment_paused_by_and_at",
                condition=Q(paused_by=None, paused_at=None)
                | Q(paused_by__isnull=False, paused_at__isnull=False),
            ),
            models.CheckConstraint(name="experiment_compares_two", condition=~Q(candidate=F("baseline"))),
            models.CheckConstraint(
                name="experiment_extends_another", condition=Q(extends=None) | ~Q(extends=F("id"))
            ),
            # Looks are a sequence: two extensions of one experiment would spend the same part of the level twice.
            models.UniqueConstraint(
                name="experiment_extended_once",
                fields=["extends"],
                condition=~Q(status__in=["cancelled", "undecided"]),
            ),
            models.CheckConstraint(
                name="experiment_undecided_says_why",
                condition=~Q(status__in=["undecided", "waiting"]) | ~Q(reason=""),
            ),
        ]
        indexes = [
            models.Index(
                name="experiment_open",
                fields=["next_attempt_at"],
                condition=Q(status__in=["queued", "running", "waiting"]),
            ),
            models.Index(name="experiment_newest", fields=["component", "-submitted_at", "-id"]),
        ]

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        return f"/experiments/{self.public_id}/"


class TestPlan(models.Model):
    """What was going to be measured and how it would be judged, locked before the first output."""

    __test__ = False  # not a test class, whatever its name suggests to pytest

    experiment = models.OneToOneField(Experiment, on_delete=models.PROTECT, related_name="plan")
    body = models.JSONField()
    digest = models.CharField(max_length=64)
    # The number of the group of each example, in the order of positions, where the policy groups them.
    groups = models.JSONField(null=True)
    # Sentences, once everything was collected.
    deviations = models.JSONField(null=True)
    locked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"Plan of {self.experiment_id}"


class DailyNumber(models.Model):
    """The last number given out on a day, for ids such as exp-20251122-001."""

    prefix = models.CharField(max_length=8)
    day = models.DateField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(name="daily_number_once", fields=["prefix", "day"])]

    def __str__(self) -> str:
        return f"{self.prefix}-{self.day:%Y%m%d}-{self.last:03d}"

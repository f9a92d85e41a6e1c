"""Two versions on live traffic side by side, and whom each of them answered."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class TrafficArm(models.TextChoices):
    CONTROL = "control", "Control"
    TREATMENT = "treatment", "Treatment"


class LiveTest(models.Model):
    """A router sends a share of the units to the candidate of an experiment, the rest to its baseline.

    Metric, margin, split and planned size are fixed before the first unit. `conclusion` is what was found when it
    ended.
    """

    public_id = models.CharField(max_length=24, unique=True)
    component = models.ForeignKey(
        "experiments.Component", on_delete=models.PROTECT, related_name="live_tests"
    )
    # What reaches users has passed an evaluation: the column cannot be empty.
    experiment = models.ForeignKey(
        "experiments.Experiment", on_delete=models.PROTECT, related_name="live_tests"
    )
    metric = models.CharField(max_length=60)
    margin = models.FloatField()
    treatment_share = models.FloatField()
    planned_units = models.PositiveIntegerField()
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)
    ending_reason = models.TextField(blank=True)
    conclusion = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="live_test_split", condition=Q(treatment_share__gt=0, treatment_share__lt=1)
            ),
            models.CheckConstraint(name="live_test_planned", condition=Q(planned_units__gt=0, margin__gte=0)),
            models.CheckConstraint(
                name="live_test_ended_by_and_at",
                condition=Q(ended_at=None, ended_by=None, conclusion__isnull=True, ending_reason="")
                | Q(ended_at__isnull=False, ended_by__isnull=False, conclusion__isnull=False),
            ),
            models.UniqueConstraint(
                name="live_test_one_running", fields=["component"], condition=Q(ended_at=None)
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        return f"/live-tests/{self.public_id}/"


class LiveUnit(models.Model):
    """What was randomised, usually a user: the arm it met first, and the sum of its `n` values.

    `crossed`: it met the other arm too, so nothing can be learnt from it.
    """

    test = models.ForeignKey(LiveTest, on_delete=models.PROTECT, related_name="units")
    unit = models.CharField(max_length=80)
    arm = models.CharField(max_length=10, choices=TrafficArm.choices)
    crossed = models.BooleanField(default=False)
    n = models.PositiveIntegerField(default=0)
    total = models.FloatField(default=0)
    before = models.FloatField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="live_unit_once", fields=["test", "unit"]),
            models.CheckConstraint(name="live_unit_arm_known", condition=Q(arm__in=TrafficArm.values)),
        ]

    def __str__(self) -> str:
        return f"{self.unit} in {self.test_id}"

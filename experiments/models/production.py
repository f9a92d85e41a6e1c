"""What production answered: samples, their sums by the day, silences, and the alerts that were raised."""

from django.db import models
from django.db.models import F, Q

from experiments.models.livetest import TrafficArm


class ProductionMonitor(models.Model):
    """What was heard of a component. Its row is the lock under which samples are counted exactly once."""

    component = models.OneToOneField(
        "experiments.Component", on_delete=models.PROTECT, related_name="production_monitor"
    )
    samples = models.PositiveBigIntegerField(default=0)
    newest_sample_at = models.DateTimeField(null=True)
    first_received_at = models.DateTimeField(null=True)
    # Of `samples`, how many the last look for a drop knew.
    samples_looked_at = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"Production of {self.component}"


class ProductionSilence(models.Model):
    """A time in which the newest sample that had come in was older than it should be."""

    monitor = models.ForeignKey(ProductionMonitor, on_delete=models.PROTECT, related_name="silences")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="silence_ends_later", condition=Q(ended_at__gt=F("began_at"))),
            models.UniqueConstraint(name="silence_once", fields=["monitor", "began_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.began_at} to {self.ended_at}"


class ProductionSample(models.Model):
    """One answer that was given in production, kept once however often it is sent.

    `values` holds each metric's value; `body` what was asked and answered, until its retention is over.
    """

    deployment = models.ForeignKey(
        "experiments.Deployment", on_delete=models.PROTECT, related_name="production_samples"
    )
    key = models.CharField(max_length=80)
    # Where it was given by the other version of a live test, it says nothing about the deployment.
    live_test = models.ForeignKey(
        "experiments.LiveTest", on_delete=models.PROTECT, null=True, related_name="samples"
    )
    arm = models.CharField(max_length=10, choices=TrafficArm.choices, blank=True)
    sampled_at = models.DateTimeField()
    received_at = models.DateTimeField()
    values = models.JSONField()
    body = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="sample_once", fields=["deployment", "key"]),
            models.CheckConstraint(
                name="sample_arm_of_a_test",
                condition=Q(live_test=None, arm="") | Q(live_test__isnull=False, arm__in=TrafficArm.values),
            ),
        ]
        indexes = [
            models.Index(name="sample_by_time", fields=["deployment", "-sampled_at"]),
            models.Index(name="sample_text_by_age", fields=["received_at"], condition=Q(body__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.key


class ProductionWindow(models.Model):
    """One metric of one deployment on one day (UTC): sums that add up to any longer time.

    `buckets` counts the values of a metric that is read as a quantile by their logarithm: the first bucket, then the
    counts from there on.
    """

    deployment = models.ForeignKey(
        "experiments.Deployment", on_delete=models.PROTECT, related_name="production_windows"
    )
    metric = models.CharField(max_length=60)
    day = models.DateField()
    n = models.PositiveIntegerField()
    mean = models.FloatField()
    squares = models.FloatField()
    buckets = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="window_once", fields=["deployment", "metric", "day"]),
            models.CheckConstraint(name="window_has_values", condition=Q(n__gt=0, squares__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.day}"


class AlertState(models.TextChoices):
    NONE = "none", "No drop"
    WATCH = "watch", "Watch"
    SUSPECTED = "suspected", "Suspected"
    CONFIRMED = "confirmed", "Confirmed"


class ProductionAlert(models.Model):
    """The state of a metric's alert from a moment on; the newest of a deployment and metric holds."""

    deployment = models.ForeignKey(
        "experiments.Deployment", on_delete=models.PROTECT, related_name="production_alerts"
    )
    metric = models.CharField(max_length=60)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=AlertState.choices)
    change = models.JSONField()
    text = models.TextField()
    since = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(name="alert_number_once", fields=["deployment", "metric", "number"]),
            models.CheckConstraint(name="alert_state_known", condition=Q(state__in=AlertState.values)),
        ]

    def __str__(self) -> str:
        return f"{self.metric}: {self.get_state_display()}"

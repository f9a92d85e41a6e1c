"""Numbers: a metric of a run, and what the two runs of an experiment say about each other."""

from django.db import models
from django.db.models import Q

from evaltrack.vectors import VectorField


class Role(models.TextChoices):
    """What a metric may do to the verdict."""

    GATING = "gating", "Gating"
    GUARDRAIL = "guardrail", "Guardrail"
    SECONDARY = "secondary", "Secondary"


class MetricOutcome(models.TextChoices):
    PASS = "PASS", "Pass"
    FAIL = "FAIL", "Fail"
    INCONCLUSIVE = "INCONCLUSIVE", "Inconclusive"


class MetricResult(models.Model):
    """One metric of one run: its summary, and the value of each example in the run's order.

    The values are one vector in one row, NaN where the metric is undefined for an example, so that comparing
    two runs reads two rows and not two thousand.
    """

    run = models.ForeignKey("experiments.Run", on_delete=models.PROTECT, related_name="metrics")
    metric = models.CharField(max_length=60)
    kind = models.CharField(max_length=12)
    summary = models.JSONField()
    values = VectorField()
    # Reason → ranges of places in the vector, as `experiments.gaps` has them; null where none were kept.
    undefined = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="metric_result_once", fields=["run", "metric"])]

    def __str__(self) -> str:
        return f"{self.metric} of {self.run_id}"


class Comparison(models.Model):
    """Candidate against baseline on one metric. Written once, with everything needed to check it."""

    experiment = models.ForeignKey(
        "experiments.Experiment", on_delete=models.PROTECT, related_name="comparisons"
    )
    metric = models.CharField(max_length=60)
    order = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=10, choices=Role.choices)
    kind = models.CharField(max_length=12)
    direction = models.CharField(max_length=6)
    unit = models.CharField(max_length=20, blank=True)
    design = models.CharField(max_length=12)
    n = models.PositiveIntegerField()
    margin = models.FloatField()
    baseline = models.JSONField()
    candidate = models.JSONField()
    delta = models.JSONField()
    tests = models.JSONField()
    decided_by = models.CharField(max_length=40)
    p_adjusted = models.FloatField(null=True)
    # {"low", "high", "left_out", "examples"}: the difference, had what was left out gone against it or for it.
    bounds = models.JSONField(null=True)
    outcome = models.CharField(max_length=12, choices=MetricOutcome.choices)
    explanation = models.TextField()

    class Meta:
        ordering = ["order"]
        constraints = [
            models.UniqueConstraint(name="comparison_once", fields=["experiment", "metric"]),
            models.CheckConstraint(name="comparison_role_known", condition=Q(role__in=Role.values)),
            models.CheckConstraint(
                name="comparison_outcome_known", condition=Q(outcome__in=MetricOutcome.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} of {self.experiment_id}"


class SliceResult(models.Model):
    """One comparison within each tag of the dataset: a list of slices. Written with it; it decides nothing."""

    comparison = models.OneToOneField(Comparison, on_delete=models.PROTECT, related_name="slices")
    parts = models.JSONField()

    def __str__(self) -> str:
        return f"Slices of {self.comparison_id}"

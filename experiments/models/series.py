"""Every measurement as a point in time: one long, narrow table that is read by ranges of time."""

from typing import Any

from django.db import models
from django.db.models import F, Q

from evaltrack.stats.estimate import CONFIDENCE
from experiments.models.run import Arm


class PointSource(models.TextChoices):
    """Who measured. `origin` of a point is the key of a run, of evidence (people and proxies) or of a deployment."""

    AUTOMATED = "automated", "Experiments"
    HUMAN = "human", "People"
    PROXY = "proxy", "Proxies"
    PRODUCTION = "production", "Production"


class MetricPoint(models.Model):
    """One metric of one version at a moment, as one source gave it. Derived, and never changed but for a day of
    production, which grows with its samples.

    The key is what is asked for, in the order in which it is asked: one index finds a range of time, and tells
    that a point is there already. On PostgreSQL the table is partitioned by month of `at`, and so every unique
    index holds it. No foreign key is kept by the database: to attach a month would lock the tables that it
    points to, and `recompute_series` proves every column from the records.
    """

    pk = models.CompositePrimaryKey("component_id", "metric", "at", "source", "origin")
    component = models.ForeignKey(
        "experiments.Component",
        on_delete=models.PROTECT,
        related_name="points",
        db_constraint=False,
        db_index=False,
    )
    metric = models.CharField(max_length=60)
    at = models.DateTimeField()
    source = models.CharField(max_length=10, choices=PointSource.choices)
    origin = models.BigIntegerField()

    version = models.ForeignKey(
        "experiments.ComponentVersion",
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    # Nothing of production, which answers what it is asked.
    arm = models.CharField(max_length=10, choices=Arm.choices, blank=True)
    dataset_version = models.ForeignKey(
        "datasets.DatasetVersion",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    experiment = models.ForeignKey(
        "experiments.Experiment",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )

    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    n = models.PositiveIntegerField()
    confidence = models.FloatField(default=CONFIDENCE)
    method = models.TextField(blank=True)
    # Why there is no value, or no interval.
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="point_source_known", condition=Q(source__in=PointSource.values)),
            models.CheckConstraint(
                name="point_of_production_has_no_arm",
                condition=Q(source="production", arm="", dataset_version=None, experiment=None)
                | ~Q(source="production")
                & Q(arm__in=Arm.values, dataset_version__isnull=False, experiment__isnull=False),
            ),
            models.CheckConstraint(
                name="point_without_interval_says_why",
                condition=Q(value__isnull=False, low__isnull=False, high__isnull=False, reason="")
                & Q(low__lte=F("value"), high__gte=F("value"))
                | Q(low=None, high=None) & ~Q(reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} of {self.component_id} at {self.at}"

    @property
    def statistic(self) -> dict[str, Any]:
        """As the API has it."""
        if self.value is None:
            return {"undefined": self.reason}
        body: dict[str, Any] = {
            "value": self.value,
            "ci_low": self.low,
            "ci_high": self.high,
            "n": self.n,
            "method": self.method,
        }
        if self.reason:
            body["ci_undefined"] = self.reason
        return body if self.confidence == CONFIDENCE else body | {"confidence": self.confidence}

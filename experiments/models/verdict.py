"""The rules of a gate, the evidence beyond metrics, and the dated decisions."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from experiments.models.metric import MetricOutcome


class GatePolicy(models.Model):
    """Which metrics decide, with which margins, and when people must judge. Versioned, never changed."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=80)
    version = models.PositiveIntegerField()
    body = models.JSONField()
    digest = models.CharField(max_length=64)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "gate policies"
        constraints = [models.UniqueConstraint(name="gate_policy_once", fields=["name", "version"])]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class EvidenceKind(models.TextChoices):
    HUMAN = "human", "Human judgments"
    PROXY = "proxy", "Proxy metric"


class Evidence(models.Model):
    """What people said, or what stands in for them. Append-only: newer evidence of a kind supersedes older."""

    experiment = models.ForeignKey(
        "experiments.Experiment", on_delete=models.PROTECT, related_name="evidence"
    )
    kind = models.CharField(max_length=8, choices=EvidenceKind.choices)
    body = models.JSONField()
    digest = models.CharField(max_length=64)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="evidence_kind_known", condition=Q(kind__in=EvidenceKind.values)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} evidence of {self.experiment_id}"


class Verdict(models.Model):
    """A decision at a moment. A newer one supersedes it and says why; none is ever edited."""

    experiment = models.ForeignKey(
        "experiments.Experiment", on_delete=models.PROTECT, related_name="verdicts"
    )
    number = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=12, choices=MetricOutcome.choices)
    provisional = models.BooleanField(default=False)
    automated = models.CharField(max_length=12, choices=MetricOutcome.choices)
    people = models.CharField(max_length=200)
    reasons = models.JSONField()
    evidence_digest = models.CharField(max_length=64)
    cause = models.CharField(max_length=200)
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(name="verdict_number_once", fields=["experiment", "number"]),
            models.CheckConstraint(
                name="verdict_outcome_known",
                condition=Q(outcome__in=MetricOutcome.values, automated__in=MetricOutcome.values),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome}{' (provisional, PROXY)' if self.provisional else ''}"

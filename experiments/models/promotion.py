"""A request to run a version in an environment, resting on one experiment."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from experiments.models.registry import Environment
from experiments.querysets import PromotionQuerySet


class PromotionStatus(models.TextChoices):
    OPEN = "open", "Open"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"


DECIDED = [PromotionStatus.APPROVED, PromotionStatus.REJECTED]


class PromotionRequest(models.Model):
    public_id = models.CharField(max_length=24, unique=True)
    component = models.ForeignKey(
        "experiments.Component", on_delete=models.PROTECT, related_name="promotions"
    )
    version = models.ForeignKey(
        "experiments.ComponentVersion", on_delete=models.PROTECT, related_name="promotions"
    )
    environment = models.CharField(max_length=12, choices=Environment.choices)
    # No promotion without an experiment: the column cannot be empty.
    experiment = models.ForeignKey(
        "experiments.Experiment", on_delete=models.PROTECT, related_name="promotions"
    )
    reason = models.TextField()
    evidence_digest = models.CharField(max_length=64)
    decision_digest = models.CharField(max_length=64)

    status = models.CharField(max_length=12, choices=PromotionStatus.choices, default=PromotionStatus.OPEN)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    closed_at = models.DateTimeField(null=True)
    closing_reason = models.TextField(blank=True)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        verbose_name = "promotion"
        constraints = [
            models.CheckConstraint(
                name="promotion_status_known", condition=Q(status__in=PromotionStatus.values)
            ),
            models.CheckConstraint(
                name="promotion_environment_known", condition=Q(environment__in=Environment.values)
            ),
            models.CheckConstraint(name="promotion_says_why", condition=~Q(reason="")),
            models.CheckConstraint(
                name="promotion_closed_by_and_at",
                condition=Q(status="open", closed_by=None, closed_at=None)
                | ~Q(status="open") & Q(closed_by__isnull=False, closed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="promotion_second_person",
                condition=~Q(status__in=DECIDED) | ~Q(closed_by=F("requested_by")),
            ),
            models.CheckConstraint(
                name="promotion_decision_says_why",
                condition=~Q(status__in=DECIDED) | ~Q(closing_reason=""),
            ),
            models.UniqueConstraint(
                name="promotion_one_open", fields=["component", "environment"], condition=Q(status="open")
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    def get_absolute_url(self) -> str:
        return f"/promotions/{self.public_id}/"

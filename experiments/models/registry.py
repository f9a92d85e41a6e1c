"""What changes: components, their immutable versions, and which version runs where."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from experiments.querysets import ComponentQuerySet


class ComponentKind(models.TextChoices):
    MODEL = "model", "Model"
    PROMPT = "prompt", "Prompt"
    RAG = "rag", "RAG configuration"
    # Asked about the answers of others, by the metrics that name it.
    JUDGE = "judge", "Judge"


class Risk(models.TextChoices):
    LOW = "low", "Low risk"
    HIGH = "high", "High risk"


class Environment(models.TextChoices):
    STAGING = "staging", "Staging"
    PRODUCTION = "production", "Production"


class Component(models.Model):
    name = models.SlugField(max_length=80, unique=True)
    kind = models.CharField(max_length=10, choices=ComponentKind.choices)
    risk = models.CharField(max_length=10, choices=Risk.choices)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="components")
    policy = models.ForeignKey(
        "experiments.GatePolicy", on_delete=models.PROTECT, null=True, blank=True, related_name="components"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    objects = ComponentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="component_kind_known", condition=Q(kind__in=ComponentKind.values)),
            models.CheckConstraint(name="component_risk_known", condition=Q(risk__in=Risk.values)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/components/{self.name}/"


class ComponentVersion(models.Model):
    """An immutable configuration; its digest is what a promotion binds."""

    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="versions")
    version = models.CharField(max_length=40)
    configuration = models.JSONField()
    digest = models.CharField(max_length=64)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="component_version_once", fields=["component", "version"]),
        ]

    def __str__(self) -> str:
        return f"{self.component} {self.version}"

    @property
    def public_id(self) -> str:
        return f"{self.component.name}/{self.version}"


class Deployment(models.Model):
    """Which version ran in an environment from when to when, and the promotion that put it there."""

    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="deployments")
    environment = models.CharField(max_length=12, choices=Environment.choices)
    version = models.ForeignKey(ComponentVersion, on_delete=models.PROTECT, related_name="deployments")
    promotion = models.OneToOneField(
        "experiments.PromotionRequest", on_delete=models.PROTECT, related_name="deployment"
    )
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="deployment_environment_known", condition=Q(environment__in=Environment.values)
            ),
            models.CheckConstraint(
                name="deployment_ends_later", condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at"))
            ),
            models.UniqueConstraint(
                name="deployment_one_current",
                fields=["component", "environment"],
                condition=Q(ended_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} in {self.environment}"

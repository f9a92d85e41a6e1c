"""How long things may take, and what was done about what took longer."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Priority(models.TextChoices):
    URGENT = "urgent", "Urgent"
    NORMAL = "normal", "Normal"
    LOW = "low", "Low"


class SlaPolicy(models.Model):
    """A calendar, times by priority, and the ladder. Versioned, never changed; `annotation.sla.rules` reads it."""

    name = models.CharField(max_length=80)
    version = models.PositiveIntegerField()
    body = models.JSONField()
    digest = models.CharField(max_length=64)
    # None: what holds where nobody has defined one.
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "SLA policies"
        constraints = [models.UniqueConstraint(name="sla_policy_once", fields=["name", "version"])]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class Level(models.IntegerChoices):
    WARNING = 0, "Warned before it was due"
    REMIND = 1, "Reminded, and returned to the pool"
    WIDEN = 2, "Pool widened, and brought to the leads"
    PROXY = 3, "Proxy offered"


# Of a campaign as a whole; the others are of single tasks.
OF_CAMPAIGN = (Level.WARNING, Level.PROXY)


class Escalation(models.Model):
    """A step of the ladder that a task or a campaign has reached: once a round, however many workers look."""

    task = models.ForeignKey(
        "annotation.Task", on_delete=models.PROTECT, null=True, related_name="escalations"
    )
    campaign = models.ForeignKey(
        "annotation.Campaign", on_delete=models.PROTECT, null=True, related_name="escalations"
    )
    level = models.PositiveSmallIntegerField(choices=Level.choices)
    # How often the campaign had been extended then: with more time the ladder begins anew.
    round = models.PositiveSmallIntegerField(default=0)
    escalated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="escalation_once", fields=["task", "level", "round"]),
            models.UniqueConstraint(
                name="escalation_once_per_campaign", fields=["campaign", "level", "round"]
            ),
            models.CheckConstraint(
                name="escalation_of_task_or_campaign",
                condition=Q(level__in=OF_CAMPAIGN, task=None, campaign__isnull=False)
                | Q(level__in=[Level.REMIND, Level.WIDEN], task__isnull=False, campaign=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id or self.campaign} level {self.level}"

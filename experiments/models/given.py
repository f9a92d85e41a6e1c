"""What scorers said of outputs."""

from django.db import models
from django.db.models import Q


class GivenValue(models.Model):
    """The value of a metric for one output that evaltrack did not compute itself: asked for once, and kept.

    Either a value, or the reason why there is none. `versions` is what the scorer said of itself. Append-only.
    """

    output = models.ForeignKey("experiments.Output", on_delete=models.PROTECT, related_name="given")
    metric = models.CharField(max_length=60)
    value = models.FloatField(null=True)
    reason = models.CharField(max_length=300, blank=True)
    versions = models.CharField(max_length=300)
    given_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="given_value_once", fields=["output", "metric"]),
            models.CheckConstraint(
                name="given_value_or_reason",
                condition=Q(value=None) & ~Q(reason="") | Q(value__isnull=False, reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric} of {self.output_id}"

"""A comparison of several runs that somebody wants to find again, and to show to others."""

import uuid
from urllib.parse import urlencode

from django.conf import settings
from django.db import models

LONGEST_NAME = 80


class SavedComparison(models.Model):
    """The runs and the reference by name, and the metric looked at; what it shows follows from the runs."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    component = models.ForeignKey(
        "experiments.Component", on_delete=models.PROTECT, related_name="saved_comparisons"
    )
    name = models.CharField(max_length=LONGEST_NAME)
    runs = models.JSONField()
    reference = models.CharField(max_length=40)
    metric = models.CharField(max_length=60)
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(name="saved_comparison_once", fields=["component", "name"]),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        asked = [("reference", self.reference), *(("run", run) for run in self.runs), ("metric", self.metric)]
        return f"{self.component.get_absolute_url()}compare/?{urlencode(asked)}"

"""Pictures and recordings that items refer to."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class Media(models.Model):
    """A file that was uploaded for a campaign.

    `digest` is that of the bytes that were sent, by which items name it; `blob` is the address of the bytes that are
    shown, from which everything is gone that could tell who made them.
    """

    campaign = models.ForeignKey("annotation.Campaign", on_delete=models.PROTECT, related_name="media")
    digest = models.CharField(max_length=64)
    blob = models.CharField(max_length=64)
    kind = models.CharField(max_length=5, choices=[("image", "Picture"), ("audio", "Recording")])
    content_type = models.CharField(max_length=10)
    size = models.PositiveIntegerField()
    # Of a picture, so that the page keeps its place free; 0 for a recording.
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="media_once", fields=["campaign", "digest"]),
            models.CheckConstraint(
                name="media_type_known",
                condition=Q(kind="image", content_type="image/png", width__gt=0, height__gt=0)
                | Q(
                    kind="audio",
                    content_type__in=["audio/wav", "audio/mpeg", "audio/ogg"],
                    width=0,
                    height=0,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.digest[:12]}"

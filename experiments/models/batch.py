"""A file of questions that an endpoint answers in its own time, and what is known of it there."""

import uuid

from django.db import models
from django.db.models import Q


class BatchState(models.TextChoices):
    PREPARED = "prepared", "Prepared"  # its outputs are its own; perhaps its file is there
    UPLOADED = "uploaded", "Uploaded"  # the file is there; perhaps the batch is
    SENT = "sent", "Sent"  # the batch is there
    ENDED = "ended", "Ended"


class Batch(models.Model):
    """`key` is the lease token of the outputs it asks for, and what the batch is called at the endpoint.

    So its answers are accepted once, and a batch that was made by a worker that died is found again.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    run = models.ForeignKey("experiments.Run", on_delete=models.PROTECT, related_name="batches")
    state = models.CharField(max_length=10, choices=BatchState.choices, default=BatchState.PREPARED)
    requests = models.PositiveIntegerField()
    file_id = models.CharField(max_length=200, blank=True)
    remote_id = models.CharField(max_length=200, blank=True)
    # The endpoint's own word for where it is.
    remote_status = models.CharField(max_length=40, blank=True)
    # A sentence: what failed last, or how it ended.
    detail = models.TextField(blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    next_look_at = models.DateTimeField()
    failed_looks = models.PositiveIntegerField(default=0)
    # Who looks at it now: of two workers one.
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "batches"
        constraints = [
            models.CheckConstraint(name="batch_state_known", condition=Q(state__in=BatchState.values)),
            models.CheckConstraint(
                name="batch_ended_has_time",
                condition=Q(state="ended", ended_at__isnull=False) | ~Q(state="ended") & Q(ended_at=None),
            ),
            models.CheckConstraint(
                name="batch_sent_has_id", condition=~Q(state="sent") | ~Q(remote_id="") & ~Q(file_id="")
            ),
            models.CheckConstraint(
                name="batch_uploaded_has_file", condition=~Q(state="uploaded") | ~Q(file_id="")
            ),
            models.CheckConstraint(
                name="batch_leased_has_token",
                condition=Q(lease_token=None, lease_until=None)
                | Q(lease_token__isnull=False, lease_until__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="batch_due", fields=["next_look_at"], condition=~Q(state="ended")),
        ]

    def __str__(self) -> str:
        return f"batch {self.key}"

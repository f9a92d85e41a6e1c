import uuid

from django.conf import settings
from django.db import models


class Notification(models.Model):
    """One message to one person: shown in the inbox, and sent by e-mail where there is an address.

    It is written in the transaction of the act that it tells of (a transactional outbox), so that neither
    can be there without the other; sending happens later and may happen twice, under the same `public_id`.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications"
    )
    subject = models.CharField(max_length=200)
    body = models.TextField()
    path = models.CharField(max_length=300, blank=True)
    topic = models.CharField(max_length=20, blank=True)
    # Why this person is told, as a mail says it at its end.
    why = models.CharField(max_length=200, blank=True)
    # Mailed at once, whatever the hour, to whoever wants mail at all.
    is_urgent = models.BooleanField(default=False)
    dedupe_key = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    # Null once nothing is left to do: it was sent, or a digest lists it, or there is no address, or it was given up.
    send_after = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # The mail that lists it, where the person gets one a day.
    digest = models.ForeignKey(
        "notifications.Digest", on_delete=models.PROTECT, null=True, related_name="notifications"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(name="notification_once", fields=["dedupe_key", "recipient"]),
        ]
        indexes = [
            models.Index(
                name="notification_due", fields=["send_after"], condition=models.Q(send_after__isnull=False)
            ),
            models.Index(name="notification_inbox", fields=["recipient", "-created_at"]),
        ]

    def __str__(self) -> str:
        return self.subject

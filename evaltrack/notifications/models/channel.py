"""Where messages go besides people, and what became of each of them there."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class ChannelKind(models.TextChoices):
    SLACK = "slack", "Slack-compatible webhook"
    WEBHOOK = "webhook", "Signed webhook"


class Channel(models.Model):
    """An address outside that gets the messages of some topics. Ended by removing, never deleted.

    Its address is a secret, as whoever knows Slack's can write there; `host` is what people see of it.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=7, choices=ChannelKind.choices)
    topics = models.JSONField(default=list)
    host = models.CharField(max_length=260)
    # Both by `evaltrack.encryption`; nothing is left of them once the channel is removed.
    encrypted_address = models.TextField()
    encrypted_secret = models.TextField(blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField()
    # Without a person: it paused by itself, and the reason says why.
    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    paused_at = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=300, blank=True)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    removed_at = models.DateTimeField(null=True)
    # Since when nothing has been taken, what was said last, how often in a row, and when it is tried again.
    failing_since = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    worked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="channel_named_once", fields=["name"], condition=Q(removed_at__isnull=True)
            ),
            models.CheckConstraint(name="channel_kind_known", condition=Q(kind__in=ChannelKind.values)),
            models.CheckConstraint(
                name="channel_keeps_secrets_until_removed",
                condition=Q(removed_at__isnull=False, encrypted_address="", encrypted_secret="")
                | Q(removed_at=None, kind="slack", encrypted_secret="") & ~Q(encrypted_address="")
                | Q(removed_at=None, kind="webhook") & ~Q(encrypted_address="") & ~Q(encrypted_secret=""),
            ),
            models.CheckConstraint(
                name="channel_removed_by_and_at",
                condition=Q(removed_by=None, removed_at=None)
                | Q(removed_by__isnull=False, removed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="channel_paused_at_and_why",
                condition=Q(paused_at=None, paused_by=None, pause_reason="")
                | Q(paused_at__isnull=False) & ~Q(pause_reason=""),
            ),
            models.CheckConstraint(
                name="channel_fails_in_words",
                condition=Q(failing_since=None, problem="", failures=0, retry_at=None)
                | Q(failing_since__isnull=False, failures__gt=0) & ~Q(problem=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> str:
        if self.removed_at:
            return "removed"
        if self.paused_at:
            return "paused"
        return "failing" if self.failing_since else "active"


class Delivery(models.Model):
    """One message to one channel, written in the transaction of the act that it tells of.

    It is sent at least once, each time under the same `public_id`, and waits, was sent or was given up.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="deliveries")
    dedupe_key = models.CharField(max_length=200)
    topic = models.CharField(max_length=20, blank=True)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    path = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    send_after = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    given_up_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(name="delivery_once", fields=["dedupe_key", "channel"]),
            models.CheckConstraint(
                name="delivery_waits_or_was_sent_or_given_up",
                condition=Q(send_after__isnull=False, sent_at=None, given_up_at=None)
                | Q(send_after=None, sent_at__isnull=False, given_up_at=None)
                | Q(send_after=None, sent_at=None, given_up_at__isnull=False) & ~Q(problem=""),
            ),
        ]
        indexes = [
            models.Index(
                name="delivery_due", fields=["channel", "send_after"], condition=Q(send_after__isnull=False)
            ),
            models.Index(name="delivery_newest", fields=["channel", "-created_at"]),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def kind(self) -> str:
        """What has happened, in a word: the first part of the key."""
        return self.dedupe_key.partition(":")[0]

    @property
    def state(self) -> str:
        if self.sent_at:
            return "sent"
        return "given up" if self.given_up_at else "waiting"

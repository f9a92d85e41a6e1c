"""How somebody wants to be told, and the mails that gather what has happened."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q


class MailMode(models.TextChoices):
    AT_ONCE = "at_once", "At once, a mail for each message"
    DIGEST = "digest", "Once a day, one mail for all"
    NONE = "none", "No mail: I look into the inbox"


class MailPreference(models.Model):
    """What somebody has chosen; who has none is mailed at once, at any hour. Times are those of their time zone."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="mail_preference"
    )
    mode = models.CharField(max_length=7, choices=MailMode.choices, default=MailMode.AT_ONCE)
    digest_hour = models.PositiveSmallIntegerField(default=8)
    # Across midnight where the end comes before the beginning.
    quiet_from = models.TimeField(null=True)
    quiet_to = models.TimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="mail_mode_known", condition=Q(mode__in=MailMode.values)),
            models.CheckConstraint(name="mail_digest_at_an_hour", condition=Q(digest_hour__lte=23)),
            models.CheckConstraint(
                name="mail_quiet_from_and_to",
                condition=Q(quiet_from=None, quiet_to=None)
                | Q(quiet_from__isnull=False, quiet_to__isnull=False) & ~Q(quiet_from=F("quiet_to")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_mode_display()}: {self.user_id}"


class Digest(models.Model):
    """One mail that lists what somebody was told since the one before. What is in it never changes, so a mail that
    is sent twice is twice the same one."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="digests")
    # The moment of the day that the person has chosen: one digest for each.
    due_at = models.DateTimeField()
    created_at = models.DateTimeField()
    # Null once nothing is left to do: it was sent, or given up.
    send_after = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="digest_once_a_day", fields=["recipient", "due_at"]),
        ]
        indexes = [
            models.Index(name="digest_due", fields=["send_after"], condition=Q(send_after__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

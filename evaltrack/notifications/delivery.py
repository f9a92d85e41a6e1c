"""Sends due messages by e-mail, with back-off; a mail server that is down costs nothing but time."""

import datetime as dt
import logging
import smtplib

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction

from evaltrack import clock
from evaltrack.notifications.models import Notification

log = logging.getLogger(__name__)
BATCH = 100
MOST_ATTEMPTS = 10


def deliver_due() -> int:
    """Send what is due; how many were sent."""
    sent = 0
    for notification_id in due_ids(clock.now()):
        sent += deliver(notification_id)
    return sent


def due_ids(at: dt.datetime) -> list[int]:
    due = Notification.objects.filter(send_after__lte=at).order_by("send_after")
    return list(due.values_list("pk", flat=True)[:BATCH])


def deliver(notification_id: int) -> bool:
    at = clock.now()
    # The next attempt is booked before this one: a worker killed while it sends delays the message, no more.
    with transaction.atomic():
        row = (
            Notification.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("recipient")
            .filter(pk=notification_id, send_after__lte=at)
            .first()
        )
        if row is None:
            return False
        row.attempts += 1
        exhausted = row.attempts >= MOST_ATTEMPTS
        row.send_after = None if exhausted else at + dt.timedelta(minutes=2 ** min(row.attempts, 8))
        row.save(update_fields=["attempts", "send_after"])
    mail = EmailMessage(
        subject=row.subject,
        body=f"{row.body}\n\n{settings.SITE_URL}{row.path}\n",
        to=[row.recipient.email],
        headers={"Message-ID": f"<{row.public_id}@evaltrack>"},
    )
    try:
        mail.send()
    except (OSError, smtplib.SMTPException) as error:
        log.warning("notification %s was not sent, attempt %s: %s", row.public_id, row.attempts, error)
        return False
    Notification.objects.filter(pk=row.pk).update(sent_at=clock.now(), send_after=None)
    return True

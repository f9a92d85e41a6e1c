"""Sends due messages by e-mail, as each person has chosen; a mail server that is down or hangs costs only time."""

import datetime as dt
import logging
import smtplib
import time
from uuid import UUID

from django.core.mail import EmailMessage
from django.db import transaction

from evaltrack import clock
from evaltrack.notifications import digests, mails, preferences
from evaltrack.notifications.models import Digest, MailMode, Notification

log = logging.getLogger(__name__)
BATCH = 100
MOST_ATTEMPTS = 10
# No further mail is begun after this; EMAIL_TIMEOUT bounds each step of the last one.
RUN_SECONDS = 40


def deliver_due() -> int:
    """Send what is due; how many mails were sent."""
    until = time.monotonic() + RUN_SECONDS
    sent = 0
    digests.gather_due(clock.now())
    for send, rows in [(deliver_digest, Digest.objects), (deliver, Notification.objects)]:
        due = rows.filter(send_after__lte=clock.now()).order_by("send_after", "pk")
        for row_id in list(due.values_list("pk", flat=True)[:BATCH]):
            if time.monotonic() >= until:
                return sent
            try:
                sent += send(row_id)
            except Exception:
                log.exception("%s %s was not sent and will be tried again", rows.model.__name__, row_id)
    return sent


def deliver(notification_id: int) -> bool:
    """Mail one message, if its person wants that now; else book when."""
    with transaction.atomic():
        row = (
            Notification.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("recipient__profile")
            .filter(pk=notification_id, send_after__lte=clock.now())
            .first()
        )
        if row is None:
            return False
        at = clock.now()
        choice = preferences.of(row.recipient)
        moment = preferences.next_mail(choice, row, at=at)
        if moment is None or moment > at:
            row.send_after = moment
            row.save(update_fields=["send_after"])
            return False
        if preferences.is_gathered(choice, row):
            return False  # its digest is about to be made
        book(row, at=at)
    if not sent(mails.of_message(row), id=row.public_id, attempts=row.attempts):
        return False
    Notification.objects.filter(pk=row.pk).update(sent_at=clock.now(), send_after=None)
    return True


def deliver_digest(digest_id: int) -> bool:
    with transaction.atomic():
        row = (
            Digest.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("recipient__profile")
            .filter(pk=digest_id, send_after__lte=clock.now())
            .first()
        )
        if row is None:
            return False
        at = clock.now()
        choice = preferences.of(row.recipient)
        moment = None if choice.mode == MailMode.NONE else preferences.after_quiet(choice, at)
        if moment is None or moment > at:
            row.send_after = moment
            row.save(update_fields=["send_after"])
            return False
        book(row, at=at)
    if not sent(mails.of_digest(row), id=row.public_id, attempts=row.attempts):
        return False
    at = clock.now()
    Digest.objects.filter(pk=row.pk).update(sent_at=at, send_after=None)
    Notification.objects.filter(digest=row.pk, sent_at=None).update(sent_at=at)
    return True


def book(row: Notification | Digest, *, at: dt.datetime) -> None:
    """The next attempt is booked before this one: a worker killed while it sends delays the mail, no more."""
    row.attempts += 1
    exhausted = row.attempts >= MOST_ATTEMPTS
    row.send_after = None if exhausted else at + dt.timedelta(minutes=2 ** min(row.attempts, 8))
    row.save(update_fields=["attempts", "send_after"])


def sent(mail: EmailMessage, *, id: UUID, attempts: int) -> bool:
    """Whether the mail server has taken it. Each time it leaves under the same id, so mail programs show one."""
    mail.extra_headers["Message-ID"] = f"<{id}@evaltrack>"
    try:
        mail.send()
    except (OSError, smtplib.SMTPException) as error:
        log.warning("mail %s was not sent, attempt %s: %s", id, attempts, error)
        return False
    return True

"""Sending by e-mail: what is due, again with growing pauses, and at last not any more."""

import datetime as dt

import pytest
from django.core import mail
from django.db import connection

from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.notifications import delivery, jobs, outbox
from evaltrack.notifications.delivery import MOST_ATTEMPTS
from evaltrack.notifications.models import Notification
from evaltrack.notifications.outbox import Message
from tests.annotation.together import together

SERVERS = "tests.notifications.mail_servers"


def news(person, key="occasion:1", subject="Something happened"):
    message = Message(key=key, subject=subject, body="Look at it.", path="/somewhere/")
    outbox.post(message, to=[person], at=clock.now())
    return person.notifications.get(dedupe_key=key)


def becomes_due(row):
    Notification.objects.filter(pk=row.pk).update(send_after=clock.now() - dt.timedelta(seconds=1))


def test_what_is_due_is_sent_once(lead, settings):
    row = news(lead)
    assert [delivery.deliver_due(), delivery.deliver_due()] == [1, 0]
    (sent,) = mail.outbox
    assert (sent.subject, sent.to) == ("Something happened", [lead.email])
    assert sent.body.startswith(f"Look at it.\n\n{settings.SITE_URL}/somewhere/\n")
    row.refresh_from_db()
    assert row.sent_at is not None
    assert (row.send_after, row.attempts) == (None, 1)


def test_a_message_has_the_same_id_each_time_it_is_sent(lead):
    """Sending may happen twice; a mail program then shows one message."""
    row = news(lead)
    delivery.deliver_due()
    becomes_due(row)
    delivery.deliver_due()
    ids = [sent.extra_headers["Message-ID"] for sent in mail.outbox]
    assert ids == [f"<{row.public_id}@evaltrack>"] * 2


def test_what_is_not_due_waits(lead):
    row = news(lead)
    Notification.objects.filter(pk=row.pk).update(send_after=clock.now() + dt.timedelta(hours=1))
    assert delivery.deliver_due() == 0
    assert mail.outbox == []


def test_who_has_no_address_gets_no_mail(lead):
    User.objects.filter(pk=lead.pk).update(email="")
    news(User.objects.get(pk=lead.pk))
    assert delivery.deliver_due() == 0
    assert mail.outbox == []


def test_a_mail_server_that_is_down_is_tried_again_with_growing_pauses(lead, settings):
    settings.EMAIL_BACKEND = f"{SERVERS}.Down"
    row, pauses = news(lead), []
    for attempt in range(1, MOST_ATTEMPTS):
        before = clock.now()
        assert delivery.deliver_due() == 0
        row.refresh_from_db()
        assert (row.attempts, row.sent_at) == (attempt, None)
        pauses.append(round((row.send_after - before).total_seconds() / 60))
        becomes_due(row)
    assert pauses == [2, 4, 8, 16, 32, 64, 128, 256, 256]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert delivery.deliver_due() == 1


def test_at_last_it_is_given_up_and_stays_in_the_inbox(lead, settings):
    settings.EMAIL_BACKEND = f"{SERVERS}.Down"
    row = news(lead)
    for _ in range(MOST_ATTEMPTS):
        becomes_due(row)
        delivery.deliver_due()
    row.refresh_from_db()
    assert (row.attempts, row.send_after, row.sent_at) == (MOST_ATTEMPTS, None, None)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert delivery.deliver_due() == 0
    assert lead.notifications.get() == row


def test_an_address_that_is_refused_holds_up_nobody_else(lead, owner, settings):
    settings.EMAIL_BACKEND = f"{SERVERS}.Picky"
    User.objects.filter(pk=lead.pk).update(email="nobody@example.invalid")
    refused, fine = news(User.objects.get(pk=lead.pk)), news(owner)
    assert delivery.deliver_due() == 1
    assert [sent.to for sent in mail.outbox] == [[owner.email]]
    refused.refresh_from_db()
    fine.refresh_from_db()
    assert (refused.sent_at, refused.attempts) == (None, 1)
    assert fine.sent_at is not None


def test_a_worker_killed_while_it_sends_delays_the_message_and_no_more(lead, settings):
    row = news(lead)
    settings.EMAIL_BACKEND = f"{SERVERS}.Killing"
    with pytest.raises(SystemExit):
        jobs.deliver()
    row.refresh_from_db()
    assert (row.attempts, row.sent_at) == (1, None)
    assert row.send_after > clock.now()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    jobs.deliver()
    assert mail.outbox == []
    becomes_due(row)
    jobs.deliver()
    assert len(mail.outbox) == 1


def test_a_long_queue_is_sent_in_batches_oldest_first(lead):
    at = clock.now() - dt.timedelta(hours=1)
    for number in range(delivery.BATCH + 5):
        message = Message(key=f"k{number}", subject=f"{number}", body="")
        outbox.post(message, to=[lead], at=at + dt.timedelta(seconds=number))
    assert [delivery.deliver_due(), delivery.deliver_due()] == [delivery.BATCH, 5]
    assert [int(sent.subject) for sent in mail.outbox] == list(range(delivery.BATCH + 5))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_workers_send_a_message_once(lead):
    assert connection.vendor == "postgresql"
    row = news(lead)
    sent = together(*[lambda: delivery.deliver(row.pk)] * 4)
    assert sorted(sent) == [False, False, False, True]
    assert len(mail.outbox) == 1

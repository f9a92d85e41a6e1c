"""People who read their mail as they have chosen, and what they are told."""

import datetime as dt

from django.core import mail

from evaltrack import clock
from evaltrack.notifications import outbox, preferences
from evaltrack.notifications.outbox import Message
from evaltrack.notifications.preferences import Choice
from evaltrack.notifications.timing import Quiet

NIGHT = Quiet(dt.time(22), dt.time(7))
BERLIN = "Europe/Berlin"
SERVERS = "tests.notifications.mail_servers"


def choose(person, **given):
    preferences.choose(Choice(**{"zone": BERLIN, **given}), by=person, at=clock.now())


def tell(person, number=1, *, is_urgent=False, topic="", at=None):
    message = Message(
        key=f"news:{number}",
        subject=f"News {number}",
        body="Look at it.",
        path=f"/news/{number}/",
        topic=topic,
        why="you are an evaluation lead",
        is_urgent=is_urgent,
    )
    outbox.post(message, to=[person], at=at or clock.now())


def subjects():
    return [each.subject for each in mail.outbox]

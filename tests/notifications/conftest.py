"""Channels on loopback, and what is told to them."""

import datetime as dt

import pytest

from evaltrack import clock
from evaltrack.notifications import channels, outbox
from evaltrack.notifications.outbox import Message
from evaltrack.notifications.topics import Topic


@pytest.fixture
def add(platform):
    """Adds a channel at a receiver."""

    def added(receiver, *, name="Leads", kind="webhook", topics=(Topic.ESCALATIONS,), by=platform):
        where = {"name": name, "kind": kind, "address": receiver.address, "topics": topics}
        return channels.add(**where, by=by, at=clock.now())[0]

    return added


@pytest.fixture
def tell():
    """Tells channels of something, to which their topics belong."""

    def told(number=1, *, topic=Topic.ESCALATIONS, subject="6 overdue tasks", body="Nobody may judge it."):
        message = Message(
            key=f"tasks-overdue:{number}", subject=subject, body=body, path="/campaigns/7/", topic=topic
        )
        outbox.post(message, to=[], at=clock.now())

    return told


@pytest.fixture
def travel(monkeypatch):
    """Sets the clock, in UTC."""

    def to(text):
        at = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
        monkeypatch.setattr(clock, "now", lambda: at)
        return at

    to("2026-03-27 12:00")
    return to

"""Messages to channels: what hangs, fails or refuses is said in words, holds up nobody else, and loses nothing."""

import json

import pytest
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.notifications import channels, outbox, payloads, sending
from evaltrack.notifications.models import Delivery
from evaltrack.notifications.outbox import Message
from evaltrack.notifications.topics import Topic
from tests.notifications.waiting import later
from tests.notifications.webhooks import answers, in_turn, receiving, takes

# ── The outbox ───────────────────────────────────────────────────────────────────────────────────────


def test_a_message_reaches_the_channels_of_its_topic_once(add, tell):
    with receiving() as one, receiving() as other:
        add(one)
        add(other, name="Owners", topics=[Topic.VERDICTS])
        tell()
        tell()
        assert [sending.deliver_due(), sending.deliver_due()] == [1, 0]
    assert len(one.calls) == 1
    assert other.calls == []


def test_a_message_without_a_topic_reaches_no_channel(add, lead):
    with receiving() as receiver:
        add(receiver, topics=list(Topic))
        message = Message(key="tasks-waiting:1", subject="Tasks are waiting for you", body="")
        outbox.post(message, to=[lead], at=clock.now())
        sending.deliver_due()
    assert receiver.calls == []


def test_a_message_is_there_only_if_its_act_was_done(add, tell):
    with receiving() as receiver:
        add(receiver)
        with transaction.atomic():
            tell()
            transaction.set_rollback(True)
        assert sending.deliver_due() == 0
    assert receiver.calls == []


def test_a_second_row_for_one_occasion_and_channel_is_impossible(add, tell):
    with receiving() as receiver:
        channel = add(receiver)
    tell()
    row = Delivery.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(
            channel=channel, dedupe_key=row.dedupe_key, created_at=clock.now(), send_after=clock.now()
        )


# ── What arrives ─────────────────────────────────────────────────────────────────────────────────────


def test_a_webhook_arrives_signed_under_its_stable_id(platform, tell, settings):
    settings.SITE_URL = "https://evaltrack.example"
    with receiving(in_turn(answers(500), takes)) as receiver:
        _, secret = channels.add(
            name="Programs", kind="webhook", address=receiver.address, topics=["escalations"],
            by=platform, at=clock.now(),
        )  # fmt: skip
        tell(subject="6 overdue tasks", body="Somebody typed this.")
        sending.deliver_due()
        later(hours=1)
        sending.deliver_due()
    first, second = receiver.calls
    row = Delivery.objects.get()
    for call in (first, second):
        event = json.loads(call.body)
        assert event["id"] == call.id == str(row.public_id)
        assert event["data"]["url"] == "https://evaltrack.example/campaigns/7/"
        assert b"typed" not in call.body
        assert call.headers["Content-Type"].startswith("application/cloudevents+json")
        stamp = int(call.headers["webhook-timestamp"])
        assert abs(stamp - clock.now().timestamp()) < 60
        expected = payloads.signature(secret, id=call.id, timestamp=stamp, body=call.body)
        assert call.headers["webhook-signature"] == expected
    assert (row.state, row.attempts, row.problem) == ("sent", 2, "")


def test_a_chat_gets_the_words_and_no_signature(add, tell):
    with receiving() as receiver:
        add(receiver, kind="slack")
        tell(subject="<b>6</b> overdue")
        sending.deliver_due()
    (call,) = receiver.calls
    assert call.path == "/hooks/T0/B0secret"
    assert json.loads(call.body)["text"].startswith("&lt;b&gt;6&lt;/b&gt; overdue\nNobody may judge it.\n")
    assert not [name for name in call.headers if name.lower().startswith("webhook-")]

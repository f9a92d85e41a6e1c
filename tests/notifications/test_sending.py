"""Messages to channels: what hangs, fails or refuses is said in words, holds up nobody else, and loses nothing."""

import datetime as dt
import json
import logging
import time

import pytest
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.integrations import webhooks
from evaltrack.notifications import channels, outbox, payloads, sending
from evaltrack.notifications.models import Channel, Delivery, Notification
from evaltrack.notifications.outbox import Message
from evaltrack.notifications.topics import Topic
from tests.notifications.webhooks import Reply, answers, hangs_up, in_turn, receiving, takes


def later(**time_):
    """As if so much time had gone by: for whatever waits."""
    gone = dt.timedelta(**time_)
    for row in Delivery.objects.filter(send_after__isnull=False):
        Delivery.objects.filter(pk=row.pk).update(send_after=row.send_after - gone)
    for row in Channel.objects.filter(failing_since__isnull=False):
        Channel.objects.filter(pk=row.pk).update(
            retry_at=row.retry_at - gone, failing_since=row.failing_since - gone
        )


def states():
    return [each.state for each in Delivery.objects.order_by("pk")]


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


# ── What misbehaves ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (answers(500, b"we are  broken\n\x00\x07"), "It answered 500: we are broken ␀."),
        (answers(503), "It answered 503."),
        (answers(408), "It answered 408."),
        (answers(425), "It answered 425."),
        (answers(429), "It answered 429."),
        (hangs_up, "It broke the connection (ClientOSError)."),
        (lambda call: Reply(after_s=30), "It did not answer within 3 seconds."),
        (lambda call: Reply(500, drips_for_s=30), "It answered 500."),
    ],
    ids=["500", "503", "408", "425", "429", "reset", "hangs", "drips"],
)
def test_what_may_pass_is_said_in_words_and_tried_again(behaviour, words, add, tell, monkeypatch):
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 3.0)
    with receiving(in_turn(behaviour, takes)) as receiver:
        channel = add(receiver)
        tell()
        before = time.monotonic()
        assert sending.deliver_due() == 0
        assert time.monotonic() - before < 8
        channel.refresh_from_db()
        assert channel.state == "failing"
        assert channel.problem.startswith(words)
        assert states() == ["waiting"]
        assert sending.deliver_due() == 0  # it rests
        assert len(receiver.calls) == 1
        later(minutes=2)
        assert sending.deliver_due() == 1
    channel.refresh_from_db()
    assert (channel.state, channel.problem, channel.failures) == ("active", "", 0)
    assert states() == ["sent"]


def test_nobody_there_is_said_without_the_address(add, tell, caplog):
    with receiving() as receiver:
        channel = add(receiver)
    tell()
    with caplog.at_level(logging.DEBUG):
        sending.deliver_due()
    channel.refresh_from_db()
    assert channel.problem.startswith("It cannot be reached: ")
    assert "B0secret" not in channel.problem
    assert "B0secret" not in caplog.text


def test_a_wait_that_is_asked_for_is_kept(add, tell):
    with receiving(answers(429, Retry_After="1800")) as receiver:
        channel = add(receiver)
        tell()
        sending.deliver_due()
        channel.refresh_from_db()
        wait = channel.retry_at - clock.now()
        assert dt.timedelta(minutes=29) < wait <= dt.timedelta(minutes=30)


def test_pauses_grow(add, tell):
    pauses = []
    with receiving(answers(500)) as receiver:
        channel = add(receiver)
        tell()
        for _ in range(9):
            at = clock.now()
            sending.deliver_due()
            channel.refresh_from_db()
            pauses.append(round((channel.retry_at - at).total_seconds() / 60))
            later(hours=2)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    assert len(receiver.calls) == 9


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_message_that_is_refused_is_given_up_and_others_go_on(status, add, tell, admin_person, platform):
    with receiving(in_turn(answers(status, b"no such field"), takes)) as receiver:
        channel = add(receiver)
        tell(1)
        tell(2)
        assert sending.deliver_due() == 1
        assert states() == ["given up", "sent"]
        (told,) = admin_person.notifications.all()
        assert told.body.startswith(f"It answered {status}: no such field.")
        assert told.path == f"/channels/{channel.public_id}/"
        later(days=1)
        assert sending.deliver_due() == 0
        assert channels.send_again(channel.public_id, by=platform, at=clock.now()) == 1
        assert sending.deliver_due() == 1
    assert receiver.calls[0].id == receiver.calls[2].id
    assert states() == ["sent", "sent"]


@pytest.mark.parametrize("status", [301, 307, 401, 403, 404, 410])
def test_an_address_that_is_refused_pauses_its_channel_and_loses_nothing(
    status, add, tell, admin_person, platform
):
    with (
        receiving() as elsewhere,
        receiving(
            in_turn(answers(status, b"channel_is_archived", Location=elsewhere.address), takes)
        ) as receiver,
    ):
        channel = add(receiver)
        tell(1)
        tell(2)
        assert sending.deliver_due() == 0
        assert elsewhere.calls == []
        channel.refresh_from_db()
        assert channel.state == "paused"
        assert channel.pause_reason.startswith(f"It answered {status}")
        assert states() == ["waiting", "waiting"]
        assert len(receiver.calls) == 1
        told = admin_person.notifications.get()
        assert told.subject == "The channel “Leads” has paused: messages wait"
        assert told.topic == ""
        later(days=9)
        assert sending.deliver_due() == 0
        channels.resume(channel.public_id, by=platform, at=clock.now())
        assert sending.deliver_due() == 2


def test_what_takes_nothing_for_days_pauses_and_admins_are_told_once(add, tell, admin_person, platform):
    with receiving(in_turn(*[answers(500)] * 5, takes)) as receiver:
        channel = add(receiver)
        for number in range(3):
            tell(number)
        for _ in range(5):
            sending.deliver_due()
            later(days=1)
        channel.refresh_from_db()
        assert channel.state == "paused"
        assert channel.pause_reason == "It has taken nothing for 3 days. It answered 500."
        assert admin_person.notifications.count() == platform.notifications.count() == 1
        assert states() == ["waiting"] * 3
        channels.resume(channel.public_id, by=platform, at=clock.now())
        sending.deliver_due()  # one more failure, and then it works
        later(hours=1)
        sending.deliver_due()
    assert states() == ["sent"] * 3


def test_one_message_that_always_fails_holds_up_no_others_and_ends(add, tell, admin_person):
    poison = lambda call: Reply(500, b"") if b"poison" in call.body else Reply()  # noqa: E731
    with receiving(poison) as receiver:
        channel = add(receiver)
        tell(0, subject="poison")
        for number in range(1, 40):
            tell(number)
            sending.deliver_due()
            later(hours=2)
            if "given up" in states():
                break
        sending.deliver_due()
    assert states() == ["given up", *["sent"] * number]
    assert sum(b"poison" in call.body for call in receiver.calls) == sending.MOST_ATTEMPTS
    assert admin_person.notifications.get().body.startswith("It answered 500. So it did 10 times.")
    channel.refresh_from_db()
    assert channel.paused_at is None


def test_a_channel_that_hangs_delays_no_other(add, tell, monkeypatch):
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 3.0)
    arrived = []

    def notes(call):
        arrived.append(time.monotonic())
        return Reply()

    with receiving(lambda call: Reply(after_s=30)) as hanging, receiving(notes) as fine:
        add(hanging, name="Hangs")
        add(fine, name="Works")
        for number in range(5):
            tell(number)
        begun = time.monotonic()
        assert sending.deliver_due() == 5
        assert time.monotonic() - begun < 8
    assert max(arrived) - begun < 2.5
    assert len(hanging.calls) == 1
    assert Delivery.objects.filter(channel__name="Hangs", send_after__isnull=False).count() == 5


def test_a_run_ends(add, tell, monkeypatch):
    monkeypatch.setattr(sending, "RUN_SECONDS", 1)
    with receiving(lambda call: Reply(after_s=0.4)) as receiver:
        add(receiver)
        for number in range(20):
            tell(number)
        begun = time.monotonic()
        assert 1 <= sending.deliver_due() <= 4
        assert time.monotonic() - begun < 4


def test_a_host_that_is_listed_no_more_gets_nothing(add, tell, settings):
    with receiving() as receiver:
        channel = add(receiver)
        tell()
        settings.CHANNEL_HOSTS = []
        sending.deliver_due()
        assert receiver.calls == []
    channel.refresh_from_db()
    assert "EVALTRACK_CHANNEL_HOSTS" in channel.pause_reason


def test_another_secret_key_is_said_and_a_new_address_mends_it(add, tell, settings, platform):
    with receiving() as receiver:
        channel = add(receiver, kind="slack")
        tell()
        settings.SECRET_KEY = "another one, of which the old rows know nothing"
        sending.deliver_due()
        channel.refresh_from_db()
        assert "EVALTRACK_SECRET_KEY has changed" in channel.pause_reason
        assert states() == ["waiting"]
        channels.change(
            channel.public_id, topics=channel.topics, address=receiver.address, by=platform, at=clock.now()
        )
        channels.resume(channel.public_id, by=platform, at=clock.now())
        assert sending.deliver_due() == 1


def test_what_waits_for_a_paused_channel_is_sent_when_it_resumes(add, tell, platform):
    with receiving() as receiver:
        channel = add(receiver)
        channels.pause(channel.public_id, by=platform, at=clock.now())
        tell()
        assert sending.deliver_due() == 0
        channels.resume(channel.public_id, by=platform, at=clock.now())
        assert sending.deliver_due() == 1


def test_telling_of_a_channel_that_fails_reaches_no_channel(add, tell, admin_person):
    with receiving(answers(404)) as broken, receiving() as fine:
        add(broken, name="Broken", topics=list(Topic))
        add(fine, name="Fine", topics=list(Topic))
        tell()
        sending.deliver_due()
        sending.deliver_due()
    assert len(fine.calls) == 1
    assert Notification.objects.filter(dedupe_key__startswith="channel-stopped").count() == 2

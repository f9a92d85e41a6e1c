"""Channels that misbehave: said in words, retried where sensible, and nobody else waits."""

import datetime as dt
import logging
import time

import pytest

from evaltrack import clock, encryption
from evaltrack.integrations import webhooks
from evaltrack.notifications import channels, sending
from evaltrack.notifications.models import Channel, Delivery, Notification
from evaltrack.notifications.topics import Topic
from tests.notifications.waiting import later, states
from tests.notifications.webhooks import Reply, answers, hangs_up, in_turn, receiving, takes


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


@pytest.mark.parametrize(
    "said",
    ["Cannot POST {}", "{0}" * 9, "x" * 186 + "{}", "<b>No hook B0secret, token=T0ken-secret"],
    ids=["whole", "often", "cut", "parts"],
)
def test_an_answer_that_repeats_the_address_gives_it_to_nobody(said, add, tell, admin_person, caplog):
    with receiving() as receiver:
        receiver.behaviour = lambda call: Reply(404, said.format(call.path).encode())
        receiver.address += "?token=T0ken-secret"
        channel = add(receiver)
        tell()
        with caplog.at_level(logging.DEBUG):
            sending.deliver_due()
        assert len(receiver.calls) == 1
    channel.refresh_from_db()
    assert channel.pause_reason.startswith("It answered 404: ")
    told = admin_person.notifications.get().body
    for shown in (channel.pause_reason, channel.deliveries.get().problem, told, caplog.text):
        assert "B0se" not in shown
        assert "T0ke" not in shown


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


def test_who_added_a_channel_and_looks_after_none_any_more_is_not_told_of_it(add, tell, lead, admin_person):
    """They may judge by now, and then are told of no experiment."""
    with receiving(answers(404)) as receiver:
        add(receiver, by=lead)
        lead.role_grants.update(revoked_at=clock.now(), revoked_by=admin_person)
        tell()
        sending.deliver_due()
    assert admin_person.notifications.count() == 1
    assert lead.notifications.count() == 0


def test_what_was_told_shortly_before_an_outage_waits_for_its_end(add, tell, platform):
    """Some of what was told at one moment was taken before it, and the rest is not to blame."""
    with receiving(in_turn(takes, *[answers(500)] * 40)) as receiver:
        channel = add(receiver)
        for number in range(3):
            tell(number)
        for _ in range(sending.MOST_ATTEMPTS * 3):
            sending.deliver_due()
            later(hours=2)
        assert states() == ["sent", "waiting", "waiting"]
        channels.resume(channel.public_id, by=platform, at=clock.now())
        sending.deliver_due()
    assert states() == ["sent", "waiting", "waiting"]


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


def test_what_nobody_foresaw_at_one_channel_stops_no_other_and_loses_nothing(add, tell):
    with receiving() as odd, receiving() as fine:
        channel = add(odd, name="A secret that spells no bytes")
        Channel.objects.filter(pk=channel.pk).update(encrypted_secret=encryption.encrypted("whsec_x"))
        add(fine, name="Fine")
        tell()
        assert sending.deliver_due() == 1
    assert (len(odd.calls), len(fine.calls)) == (0, 1)
    assert Delivery.objects.get(channel=channel).state == "waiting"

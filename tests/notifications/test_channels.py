"""Who says where messages go, what of it is shown, and what the ledger keeps."""

import re

import pytest
from django.db import IntegrityError, transaction

from evaltrack import clock, encryption
from evaltrack.errors import Conflict, Invalid, NotFound, Refused
from evaltrack.ledger.models import LedgerEntry
from evaltrack.notifications import channels, sending
from evaltrack.notifications.models import Channel, Delivery
from evaltrack.notifications.topics import Topic
from tests.accounts.callers import signed_in
from tests.notifications.webhooks import receiving

ADDRESS = "http://127.0.0.1:9/hooks/T0/B0secret"


def add(by, **changed):
    given = {"name": "Leads", "kind": "slack", "address": ADDRESS, "topics": ["escalations"], **changed}
    return channels.add(**given, by=by, at=clock.now())


def entries(event):
    return LedgerEntry.objects.filter(event=event)


# ── Who ──────────────────────────────────────────────────────────────────────────────────────────────


# Said, as their fixtures are asked for by name: what touches the database comes before what drives a browser.
@pytest.mark.django_db
@pytest.mark.parametrize("who", ["admin_person", "platform", "lead"])
def test_a_channel_is_added_by(who, request):
    channel, secret = add(request.getfixturevalue(who))
    assert (channel.state, secret) == ("active", "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "who", ["owner", "approver", "auditor", "custodian", "evaluator_one", "outsider", "ci"]
)
def test_a_channel_is_not_added_by(who, request):
    with pytest.raises(Refused):
        add(request.getfixturevalue(who))


def test_nobody_lets_out_what_they_do_not_see_themselves(lead, platform):
    """A lead sees no promotions, neither here nor in a chat."""
    with pytest.raises(Refused) as refused:
        add(lead, topics=["promotions"])
    assert refused.value.code == "topic_not_yours"
    channel, _ = add(platform, topics=["promotions"])
    with pytest.raises(Refused):  # not by taking its messages elsewhere either
        channels.change(channel.public_id, topics=["promotions"], address=ADDRESS, by=lead, at=clock.now())
    channels.change(channel.public_id, topics=["verdicts"], by=lead, at=clock.now())


# ── What was typed ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": " "}, "bad_name"),
        ({"name": "x" * 81}, "bad_name"),
        ({"kind": "pager"}, "bad_kind"),
        ({"topics": []}, "bad_topics"),
        ({"topics": ["secrets"]}, "bad_topics"),
        ({"address": "ftp://127.0.0.1/"}, "bad_address"),
        ({"address": "127.0.0.1:80"}, "bad_address"),
        ({"address": "http://127.0.0.1:70000/"}, "bad_address"),
        ({"address": "http://127.0.0.1/a\nb"}, "bad_address"),
        ({"address": "http://[::1/"}, "bad_address"),
        ({"address": "http://127.0.0.1/" + "x" * 2000}, "bad_address"),
    ],
)
def test_what_cannot_be_used_is_said(changed, code, platform):
    with pytest.raises(Invalid) as refused:
        add(platform, **changed)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "address",
    ["http://169.254.169.254/latest/meta-data/", "http://localhost:5432/", "http://127.0.0.1.evil.example/"],
)
def test_a_host_that_is_not_listed_is_refused(address, platform):
    with pytest.raises(Refused) as refused:
        add(platform, address=address)
    assert refused.value.code == "host_not_allowed"


def test_a_name_is_taken_until_its_channel_is_removed(platform):
    channel, _ = add(platform)
    with pytest.raises(Conflict) as refused:
        add(platform)
    assert refused.value.code == "name_taken"
    channels.remove(channel.public_id, by=platform, at=clock.now())
    add(platform)


# ── Secrets ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_database_gives_no_secret_away(platform):
    channel, secret = add(platform, kind="webhook")
    row = Channel.objects.filter(pk=channel.pk).values_list().get()
    assert not [value for value in map(str, row) if "B0secret" in value or secret in value]
    assert encryption.decrypted(channel.encrypted_address) == ADDRESS
    assert encryption.decrypted(channel.encrypted_secret) == secret
    assert channel.host == "127.0.0.1:9"


def test_the_ledger_keeps_who_let_what_out_and_where_to_and_no_secret(platform, lead):
    channel, secret = add(platform, kind="webhook")
    channels.change(
        channel.public_id, topics=["verdicts", "escalations"], address=ADDRESS, by=lead, at=clock.now()
    )
    _, renewed = channels.renew_secret(channel.public_id, by=platform, at=clock.now())
    channels.remove(channel.public_id, by=lead, at=clock.now())
    (added,), (removed,) = entries("channel_added"), entries("channel_removed")
    assert (added.actor, removed.actor) == (platform.public_id, lead.public_id)
    assert added.facts == {"kind": "webhook", "topics": ["escalations"], "host": "127.0.0.1:9"}
    changes = [entry.facts["change"] for entry in entries("channel_changed").order_by("index")]
    assert changes == ["topics and address", "new secret"]
    for entry in LedgerEntry.objects.all():
        held = bytes(entry.canonical).decode() + str(entry.names)
        assert not [word for word in ("B0secret", secret, renewed) if word in held]


def test_nothing_is_left_of_the_secrets_of_a_removed_channel(platform, tell):
    channel, _ = add(platform, kind="webhook")
    tell()
    channels.remove(channel.public_id, by=platform, at=clock.now())
    channel.refresh_from_db()
    assert (channel.encrypted_address, channel.encrypted_secret, channel.state) == ("", "", "removed")
    row = Delivery.objects.get()
    assert (row.state, row.problem) == ("given up", "The channel was removed.")
    tell(2)
    assert sending.deliver_due() == 0
    with pytest.raises(NotFound):
        channels.resume(channel.public_id, by=platform, at=clock.now())


def test_a_chat_has_no_secret_to_renew(platform):
    channel, _ = add(platform)
    with pytest.raises(Conflict):
        channels.renew_secret(channel.public_id, by=platform, at=clock.now())


def test_a_change_that_changes_nothing_is_no_entry(platform):
    channel, _ = add(platform)
    channels.change(channel.public_id, topics=["escalations"], by=platform, at=clock.now())
    assert not entries("channel_changed").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "pager"},
        {"encrypted_address": ""},
        {"encrypted_secret": "a chat has none"},
        {"failures": 3},
        {"pause_reason": "not paused"},
        {"removed_at": clock.now},
    ],
    ids=str,
)
def test_the_database_refuses_a_channel_that_makes_no_sense(wrong, platform):
    channel, _ = add(platform)
    values = {name: value() if callable(value) else value for name, value in wrong.items()}
    with pytest.raises(IntegrityError), transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(**values)


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_empty_page_says_what_to_do(lead):
    page = signed_in(lead).get("/channels/").content.decode()
    assert "No channels yet" in page
    assert "Let no evaluator read where they arrive" in page


def test_the_secret_is_on_the_page_that_adds_and_on_no_later_one(platform):
    client = signed_in(platform)
    form = {"name": "Programs", "kind": "webhook", "address": ADDRESS, "topics": ["escalations", "verdicts"]}
    answer = client.post("/channels/", form)
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", answer.content.decode())[0]
    assert "no-store" in answer.headers["Cache-Control"]
    channel = Channel.objects.get()
    for path in ("/channels/", f"/channels/{channel.public_id}/", "/ledger/"):
        page = client.get(path).content.decode()
        assert secret not in page
        assert "B0secret" not in page
    again = client.post(f"/channels/{channel.public_id}/", {"act": "secret"}).content.decode()
    assert re.search(r"whsec_[A-Za-z0-9+/=]+", again)[0] != secret


def test_what_was_wrong_is_said_and_the_rest_is_kept(lead):
    form = {"name": "Leads", "kind": "slack", "address": "http://10.0.0.1/x", "topics": ["escalations"]}
    answer = signed_in(lead).post("/channels/", form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "10.0.0.1:80 is not on the list" in page
    assert 'value="Leads"' in page
    assert not Channel.objects.exists()


def test_a_channel_is_tried_out_paused_resumed_and_removed_on_its_page(lead):
    client = signed_in(lead)
    with receiving() as receiver:
        form = {"name": "Leads", "kind": "slack", "address": receiver.address, "topics": ["escalations"]}
        path = client.post("/channels/", form).url
        assert "Nothing yet" in client.get(path).content.decode()
        client.post(path, {"act": "try"})
        sending.deliver_due()
    assert len(receiver.calls) == 1
    page = client.get(path).content.decode()
    assert "channel-tried" in page
    assert "1 sent, 0 waiting, 0 given up" in page
    client.post(path, {"act": "pause"})
    assert "by lead. Somebody has paused it." in client.get(path).content.decode()
    client.post(path, {"act": "resume"})
    assert Channel.objects.get().state == "active"
    assert client.post(path, {"act": "remove"}).url == "/channels/"
    assert client.get(path).status_code == 404
    assert client.post(path, {"act": "pause"}).status_code == 404


def test_subjects_of_messages_are_not_on_the_page(lead, platform, tell):
    """A lead looks after a channel whose promotions they do not see."""
    channel, _ = add(platform, topics=[Topic.PROMOTIONS])
    tell(topic=Topic.PROMOTIONS, subject="prm-20260101-001: decide about it")
    page = signed_in(lead).get(f"/channels/{channel.public_id}/").content.decode()
    assert "prm-20260101-001" not in page
    assert str(Delivery.objects.get().public_id) in page


def test_what_was_typed_is_shown_as_text(lead):
    add(lead, name="<b>Leads</b>")
    page = signed_in(lead).get("/channels/").content.decode()
    assert "&lt;b&gt;Leads&lt;/b&gt;" in page
    assert "<b>Leads" not in page

"""Acts: say where messages go besides people. Secrets are shown once, to whoever made them."""

import datetime as dt
import uuid
from collections.abc import Iterable

from django.db import IntegrityError, transaction

from evaltrack import encryption
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, NotFound, refuse_if
from evaltrack.integrations import hosts
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from evaltrack.notifications import messages, outbox, payloads, policies, sending
from evaltrack.notifications.models import Channel, ChannelKind, Delivery
from evaltrack.notifications.topics import Topic

LONGEST_NAME, LONGEST_ADDRESS = 80, 2000


def add(
    *, name: str, kind: str, address: str, topics: Iterable[str], by: User, at: dt.datetime
) -> tuple[Channel, str]:
    """A new channel, and the secret by which its receiver checks signatures; empty for a Slack-compatible one."""
    refuse_if(policies.managing(by))
    name, chosen = checked_name(name), checked_topics(topics)
    if kind not in ChannelKind.values:
        raise Invalid("bad_kind", "Choose what kind of channel it is.", {"kind": ["is not chosen"]})
    refuse_if(policies.letting_out(by, chosen))
    host = checked_address(address)
    secret = payloads.new_secret() if kind == ChannelKind.WEBHOOK else ""
    try:
        with transaction.atomic():
            channel = Channel.objects.create(
                name=name,
                kind=kind,
                topics=chosen,
                host=host,
                encrypted_address=encryption.encrypted(address.strip()),
                encrypted_secret=encryption.encrypted(secret) if secret else "",
                added_by=by,
                added_at=at,
            )
            record(
                Event.CHANNEL_ADDED, by=by, subject=channel, facts={"kind": kind, **facts_of(channel)}, at=at
            )
    except IntegrityError:
        sentence = "There is a channel of this name already."
        raise Conflict("name_taken", sentence) from None
    return channel, secret


@transaction.atomic
def change(
    channel_id: uuid.UUID, *, topics: Iterable[str], address: str = "", by: User, at: dt.datetime
) -> Channel:
    """Other topics, and another address where one is given."""
    channel = locked(channel_id, by=by)
    chosen = checked_topics(topics)
    # All of them: another address lets out what the channel had before, too.
    refuse_if(policies.letting_out(by, chosen))
    changed = [] if chosen == channel.topics else ["topics"]
    channel.topics = chosen
    if address.strip():
        channel.host = checked_address(address)
        channel.encrypted_address = encryption.encrypted(address.strip())
        changed.append("address")
        sending.recovered(channel)
    if changed:
        channel.save()
        note(channel, " and ".join(changed), by=by, at=at)
    return channel


@transaction.atomic
def renew_secret(channel_id: uuid.UUID, *, by: User, at: dt.datetime) -> tuple[Channel, str]:
    """The old secret signs nothing any more."""
    channel = locked(channel_id, by=by)
    if channel.kind != ChannelKind.WEBHOOK:
        raise Conflict("no_secret", "A Slack-compatible channel has no secret: its address is one.")
    secret = payloads.new_secret()
    channel.encrypted_secret = encryption.encrypted(secret)
    channel.save(update_fields=["encrypted_secret"])
    note(channel, "new secret", by=by, at=at)
    return channel, secret


@transaction.atomic
def pause(channel_id: uuid.UUID, *, by: User, at: dt.datetime) -> Channel:
    """What is for it waits until it is resumed."""
    channel = locked(channel_id, by=by)
    if channel.paused_at:
        raise Conflict("paused", "This channel is paused already.")
    channel.paused_at, channel.paused_by, channel.pause_reason = at, by, "Somebody has paused it."
    channel.save(update_fields=["paused_at", "paused_by", "pause_reason"])
    note(channel, "paused", by=by, at=at)
    return channel


@transaction.atomic
def resume(channel_id: uuid.UUID, *, by: User, at: dt.datetime) -> Channel:
    """Send what waits, from now on; also for one that only rests after failures."""
    channel = locked(channel_id, by=by)
    if not (channel.paused_at or channel.failing_since):
        raise Conflict("active", "This channel is active.")
    was_paused = channel.paused_at is not None
    channel.paused_at, channel.paused_by, channel.pause_reason = None, None, ""
    sending.recovered(channel)
    channel.save()
    waiting = Delivery.objects.filter(channel=channel, send_after__isnull=False, attempts__gt=0)
    waiting.update(send_after=at, attempts=0)
    if was_paused:
        note(channel, "resumed", by=by, at=at)
    return channel


@transaction.atomic
def send_again(channel_id: uuid.UUID, *, by: User, at: dt.datetime) -> int:
    """Try once more what was given up, under the ids that it had; how many."""
    channel = locked(channel_id, by=by)
    given_up = Delivery.objects.filter(channel=channel, given_up_at__isnull=False)
    return given_up.update(given_up_at=None, send_after=at, attempts=0)


@transaction.atomic
def try_out(channel_id: uuid.UUID, *, by: User, at: dt.datetime) -> None:
    channel = locked(channel_id, by=by)
    outbox.post_to([channel], messages.channel_tried(channel, at=at), at=at)


@transaction.atomic
def remove(channel_id: uuid.UUID, *, by: User, at: dt.datetime) -> Channel:
    """Nothing goes there any more; what waited is given up, and address and secret are gone."""
    channel = locked(channel_id, by=by)
    channel.removed_at, channel.removed_by = at, by
    channel.encrypted_address = channel.encrypted_secret = ""
    channel.save()
    Delivery.objects.filter(channel=channel, send_after__isnull=False).update(
        send_after=None, given_up_at=at, problem=sending.REMOVED
    )
    record(Event.CHANNEL_REMOVED, by=by, subject=channel, at=at)
    return channel


def locked(channel_id: uuid.UUID, *, by: User) -> Channel:
    refuse_if(policies.managing(by))
    rows = Channel.objects.select_for_update(of=("self",), no_key=True).select_related("added_by")
    channel = rows.filter(public_id=channel_id, removed_at=None).first()
    if channel is None:
        raise NotFound("no_such_channel", "There is no such channel; it may have been removed.")
    return channel


def note(channel: Channel, what: str, *, by: User, at: dt.datetime) -> None:
    facts = {"change": what, **facts_of(channel)}
    record(Event.CHANNEL_CHANGED, by=by, subject=channel, facts=facts, at=at)


def facts_of(channel: Channel) -> dict[str, object]:
    return {"topics": list(channel.topics), "host": channel.host}


# ── What was typed ───────────────────────────────────────────────────────────────────────────────────


def checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        sentence = f"takes 1 to {LONGEST_NAME} characters"
        raise Invalid("bad_name", f"The name {sentence}.", {"name": [sentence]})
    return name


def checked_topics(topics: Iterable[str]) -> list[str]:
    given = set(topics)
    if not given or given - set(Topic.values):
        sentence = "are chosen from the list, at least one"
        raise Invalid("bad_topics", f"Topics {sentence}.", {"topics": [sentence]})
    return [topic for topic in Topic.values if topic in given]


def checked_address(address: str) -> str:
    """Its host and port, as people see them."""
    address = address.strip()
    place = hosts.place_of(address) if address.isascii() and address.isprintable() else None
    if place is None or " " in address or len(address) > LONGEST_ADDRESS:
        sentence = "is a whole one, such as https://hooks.example.com/T0/B0"
        raise Invalid("bad_address", f"The address {sentence}.", {"address": [sentence]})
    refuse_if(hosts.telling(address))
    host, port = place
    return f"{host}:{port}"[:260]

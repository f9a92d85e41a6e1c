"""Sends what waits for channels. A channel that hangs or fails holds up itself alone, and loses nothing.

What is known to have been taken is marked so; what may have been taken, as when a worker dies in between, is sent
again under the same id.
"""

import datetime as dt
import logging
import time

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from evaltrack import clock, encryption
from evaltrack.accounts.models import User
from evaltrack.integrations import hosts
from evaltrack.integrations.webhooks import Failed, Post, Posting, Taken
from evaltrack.notifications import messages, outbox, payloads, policies
from evaltrack.notifications.models import Channel, ChannelKind, Delivery
from evaltrack.notifications.payloads import Told

log = logging.getLogger(__name__)
# No further message is begun after this; the last ones then take up to their timeout.
RUN_SECONDS = 40
# How often one message is tried while others of its channel go through.
MOST_ATTEMPTS = 10
REMOVED = "The channel was removed."
# After so long a time without any success a channel pauses by itself.
PATIENCE = dt.timedelta(days=3)


def deliver_due() -> int:
    """Send what is due, one message at a time to each channel, all channels at once; how many were taken."""
    until = time.monotonic() + RUN_SECONDS
    sending: dict[int, Delivery] = {}
    finished: set[int] = set()
    taken = 0
    end_what_was_removed(clock.now())
    if not ready_channels(clock.now()).exists():
        return 0
    with Posting(private=settings.PRIVATE_ADDRESSES) as pool:
        while True:
            ready = ready_channels(clock.now()).exclude(pk__in=[*sending, *finished])
            for channel_id in ready.values_list("pk", flat=True) if time.monotonic() < until else []:
                try:
                    delivery = book(channel_id)
                    if delivery is None:
                        finished.add(channel_id)
                    elif isinstance(post := written(delivery), Failed):
                        settle(delivery, post)
                    else:
                        sending[channel_id] = delivery
                        pool.start(channel_id, post)
                except Exception:
                    finished.add(channel_id)
                    log.exception("channel %s: its message was not sent and will be tried again", channel_id)
            if not pool.in_flight:
                return taken
            for channel_id, outcome in pool.collect(timeout_s=1.0):
                delivery = sending.pop(channel_id)
                try:
                    settle(delivery, outcome)
                    taken += isinstance(outcome, Taken)
                except Exception:
                    finished.add(channel_id)
                    log.exception("message %s: what came of it was not stored", delivery.public_id)


def end_what_was_removed(at: dt.datetime) -> None:
    """What was told in the moment in which its channel was removed."""
    late = Delivery.objects.filter(channel__removed_at__isnull=False, send_after__isnull=False)
    late.update(send_after=None, given_up_at=at, problem=REMOVED)


def ready_channels(at: dt.datetime) -> QuerySet[Channel]:
    """Those for which something is due, and that may be tried now."""
    due = Delivery.objects.filter(channel=OuterRef("pk"), send_after__lte=at)
    rested = Q(retry_at=None) | Q(retry_at__lte=at)
    return Channel.objects.filter(rested, Exists(due), paused_at=None, removed_at=None).order_by("pk")


@transaction.atomic
def book(channel_id: int) -> Delivery | None:
    """The channel's next message. Its next attempt is booked before this one, far behind the timeout of a call: so
    no other worker sends it meanwhile, and a worker that is killed delays it, no more."""
    at = clock.now()
    row = (
        Delivery.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("channel")
        .filter(channel__in=ready_channels(at).filter(pk=channel_id), send_after__lte=at)
        .order_by("send_after", "pk")
        .first()
    )
    if row is None:
        return None
    row.attempts += 1
    row.send_after = at + pause_after(row.attempts)
    row.save(update_fields=["attempts", "send_after"])
    return row


def pause_after(failures: int) -> dt.timedelta:
    """Twice as long each time, from 2 minutes up to about an hour."""
    return dt.timedelta(minutes=2 ** min(failures, 6))


def written(delivery: Delivery) -> Post | Failed:
    """The message as bytes for its channel, or why it cannot be sent there at all."""
    channel = delivery.channel
    try:
        address, secret = encryption.decrypted(channel.encrypted_address), ""
        if channel.kind == ChannelKind.WEBHOOK:
            secret = encryption.decrypted(channel.encrypted_secret)
    except encryption.Unreadable:
        said = "Its address cannot be read any more, as EVALTRACK_SECRET_KEY has changed. Enter it again."
        return Failed(said, may_pass=False)
    if refusal := hosts.telling(address):
        return Failed(refusal.reason, may_pass=False)
    told = Told(
        id=delivery.public_id,
        kind=delivery.kind,
        topic=delivery.topic,
        subject=delivery.subject,
        body=delivery.body,
        path=delivery.path,
        url=f"{settings.SITE_URL}{delivery.path}",
        site=settings.SITE_URL,
        at=delivery.created_at,
    )
    if not secret:
        body = payloads.encoded(payloads.slack(told))
        return Post(address, body, {"Content-Type": "application/json; charset=utf-8"})
    body = payloads.encoded(payloads.cloud_event(told))
    signed = payloads.signed_headers(secret, id=told.id, at=clock.now(), body=body)
    return Post(address, body, {"Content-Type": "application/cloudevents+json; charset=utf-8", **signed})


# ── What came of it ──────────────────────────────────────────────────────────────────────────────────


@transaction.atomic
def settle(delivery: Delivery, outcome: Taken | Failed) -> None:
    """Write down what came of an attempt. Channels are locked before deliveries, here and in every act."""
    at = clock.now()
    channel = Channel.objects.select_for_update(no_key=True).get(pk=delivery.channel_id)
    waiting = Delivery.objects.filter(pk=delivery.pk, send_after__isnull=False)
    if isinstance(outcome, Taken):
        # Also where the channel was removed meanwhile: it was taken.
        Delivery.objects.filter(pk=delivery.pk).update(
            sent_at=at, send_after=None, given_up_at=None, problem=""
        )
        worked(channel, at=at)
        return
    detail = outcome.detail[:300]
    log.warning("channel %s, message %s: %s", channel.public_id, delivery.public_id, detail)
    waiting.update(problem=detail)
    if channel.removed_at or channel.paused_at:
        return  # whoever did that has said what becomes of what waits
    if outcome.may_pass:
        passes_on(channel, delivery, outcome, at=at)
    elif outcome.of_address:
        waiting.update(send_after=at)
        stop(channel, detail, at=at)
    else:
        give_up(delivery, detail, at=at)


def passes_on(channel: Channel, delivery: Delivery, outcome: Failed, *, at: dt.datetime) -> None:
    """A failure that may pass: the channel rests, and then another message is tried before this one."""
    worked_since = channel.worked_at is not None and channel.worked_at > delivery.created_at
    # Fewer failures in a row than this message alone has had: others were taken between its attempts.
    alone = worked_since and channel.failures + 1 < delivery.attempts
    if alone and delivery.attempts >= MOST_ATTEMPTS:
        give_up(delivery, f"{outcome.detail[:250]} So it did {delivery.attempts} times.", at=at)
    channel.failures += 1
    channel.failing_since = channel.failing_since or at
    channel.problem = outcome.detail[:300]
    pause = max(pause_after(channel.failures - 1).total_seconds(), outcome.retry_after_s or 0)
    channel.retry_at = at + dt.timedelta(seconds=pause)
    channel.save(update_fields=["failures", "failing_since", "problem", "retry_at"])
    if at - channel.failing_since >= PATIENCE:
        stop(channel, f"It has taken nothing for {PATIENCE.days} days. {channel.problem[:250]}", at=at)


def worked(channel: Channel, *, at: dt.datetime) -> None:
    channel.worked_at = at
    recovered(channel)
    channel.save(update_fields=["worked_at", "failing_since", "problem", "failures", "retry_at"])


def recovered(channel: Channel) -> None:
    channel.failing_since, channel.problem, channel.failures, channel.retry_at = None, "", 0, None


def stop(channel: Channel, reason: str, *, at: dt.datetime) -> None:
    """Pause by itself, and tell those who can mend it. What is for it waits."""
    channel.paused_at, channel.pause_reason = at, reason[:300]
    channel.save(update_fields=["paused_at", "pause_reason"])
    outbox.post(messages.channel_stopped(channel, at=at), to=keepers(channel), at=at)


def give_up(delivery: Delivery, problem: str, *, at: dt.datetime) -> None:
    """Not to be tried again by itself; it stays, and people are told."""
    Delivery.objects.filter(pk=delivery.pk, send_after__isnull=False).update(
        send_after=None, given_up_at=at, problem=problem
    )
    delivery.problem = problem
    outbox.post(messages.message_refused(delivery, at=at), to=keepers(delivery.channel), at=at)


def keepers(channel: Channel) -> set[User]:
    """Who added it is one only while they look after channels: later they may judge, or be gone."""
    added = {channel.added_by} if policies.managing(channel.added_by) is None else set()
    return {*outbox.holders("admin", "platform"), *added}

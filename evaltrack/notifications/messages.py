"""The wording of what this app tells people: about channels that take nothing. These go to no channel themselves."""

import datetime as dt

from django.urls import reverse

from evaltrack.notifications.models import Channel, Delivery
from evaltrack.notifications.outbox import Message

WHY = "you look after the channels, or added this one"


def page_of(channel: Channel) -> str:
    return reverse("channel", args=[channel.public_id])


def channel_stopped(channel: Channel, *, at: dt.datetime) -> Message:
    return Message(
        key=f"channel-stopped:{channel.public_id}:{at.isoformat()}",
        subject=f"The channel “{channel}” has paused: messages wait",
        body=(
            f"{channel.pause_reason}\nNothing is lost: what is for it waits. "
            "Mend the cause and resume it on its page, or remove it."
        ),
        path=page_of(channel),
        why=WHY,
    )


def message_refused(delivery: Delivery, *, at: dt.datetime) -> Message:
    channel = delivery.channel
    return Message(
        # Once a day: a channel that refuses every message is no reason for as many mails.
        key=f"channel-refused:{channel.public_id}:{at:%Y-%m-%d}",
        subject=f"The channel “{channel}” did not take a message",
        body=(
            f"{delivery.problem}\nIt was given up, and others go on. "
            "On the channel's page you can have it sent again."
        ),
        path=page_of(channel),
        why=WHY,
    )


def channel_tried(channel: Channel, *, at: dt.datetime) -> Message:
    """For the channel itself, to see whether it takes messages."""
    return Message(
        key=f"channel-tried:{at.isoformat()}",
        subject="A message to try out this channel",
        body="Nothing has happened; somebody wanted to see whether messages arrive here.",
        path=page_of(channel),
    )

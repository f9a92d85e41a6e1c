"""The only way to tell anybody anything: `post` a message in the act's own transaction."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from evaltrack.accounts.models import User
from evaltrack.notifications.models import Channel, Delivery, Notification


@dataclass(frozen=True)
class Message:
    """What is said. `key` names the occasion: the same key reaches the same person, and the same channel, once.

    Its first part, up to the colon, is the kind of the occasion. `topic` lets the message out to channels, so only
    what is meant for leads and owners has one. `why` ends "You get this because …".
    """

    key: str
    subject: str
    body: str
    path: str = ""
    topic: str = ""
    why: str = ""
    is_urgent: bool = False

    @property
    def one_line(self) -> str:
        """The subject, whatever the names in it: mail refuses any other."""
        return " ".join(self.subject.split())[:200]


def post(message: Message, *, to: Iterable[User], at: dt.datetime) -> None:
    """Tell people, and the channels of the message's topic. In the transaction of the act that it tells of."""
    Notification.objects.bulk_create(
        [
            Notification(
                recipient=person,
                subject=message.one_line,
                body=message.body,
                path=message.path,
                topic=message.topic,
                why=message.why,
                is_urgent=message.is_urgent,
                dedupe_key=message.key,
                created_at=at,
                send_after=at if person.email else None,
            )
            for person in to
        ],
        ignore_conflicts=True,
    )
    if message.topic:
        # Chosen here, as SQLite cannot look into a list; there are few of them.
        channels = Channel.objects.filter(removed_at=None)
        post_to([channel for channel in channels if message.topic in channel.topics], message, at=at)


def post_to(channels: Iterable[Channel], message: Message, *, at: dt.datetime) -> None:
    """Let channels have a message; while one is paused, what is for it waits there."""
    Delivery.objects.bulk_create(
        [
            Delivery(
                channel=channel,
                dedupe_key=message.key,
                topic=message.topic,
                subject=message.one_line,
                body=message.body,
                path=message.path,
                created_at=at,
                send_after=at,
            )
            for channel in channels
        ],
        ignore_conflicts=True,
    )


def holders(*roles: str) -> list[User]:
    """People who hold one of `roles` now."""
    return list(
        User.objects.filter(
            is_active=True, is_machine=False, role_grants__role__in=roles, role_grants__revoked_at=None
        ).distinct()
    )

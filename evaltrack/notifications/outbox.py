"""The only way to tell anybody anything: `post` a message in the act's own transaction."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from evaltrack.accounts.models import User
from evaltrack.notifications.models import Notification


@dataclass(frozen=True)
class Message:
    """What is said. `key` names the occasion: the same key reaches the same person once."""

    key: str
    subject: str
    body: str
    path: str = ""


def post(message: Message, *, to: Iterable[User], at: dt.datetime) -> None:
    Notification.objects.bulk_create(
        [
            Notification(
                recipient=person,
                # One line, whatever the names in it: mail refuses any other subject.
                subject=" ".join(message.subject.split())[:200],
                body=message.body,
                path=message.path,
                dedupe_key=message.key,
                created_at=at,
                send_after=at if person.email else None,
            )
            for person in to
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

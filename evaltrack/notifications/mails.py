"""Mails as people read them: the message or the digest, why one gets it, and where to change that."""

from collections import defaultdict
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from evaltrack.accounts import hours
from evaltrack.notifications import preferences
from evaltrack.notifications.models import Digest, Notification
from evaltrack.notifications.topics import Topic

MOST_LISTED = 200


def of_message(row: Notification) -> EmailMessage:
    context = {"message": row, "address": f"{settings.SITE_URL}{row.path}"}
    return mail(row.recipient, row.subject, "notifications/mail.txt", context)


def of_digest(digest: Digest) -> EmailMessage:
    """What was told, by topic; times are those of the reader's zone."""
    rows = list(digest.notifications.order_by("created_at", "pk")[: MOST_LISTED + 1])
    count = digest.notifications.count()
    place = hours.zone(preferences.of(digest.recipient).zone)
    groups: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows[:MOST_LISTED]:
        line = {
            "subject": row.subject,
            "when": f"{row.created_at.astimezone(place):%d %B %H:%M}",
            "address": f"{settings.SITE_URL}{row.path}",
        }
        groups[title_of(row.topic)].append(line)
    context = {
        "groups": sorted(groups.items()),
        "more": max(0, count - MOST_LISTED),
        "inbox": f"{settings.SITE_URL}{reverse('inbox')}",
    }
    subject = f"{count} message{'' if count == 1 else 's'} from evaltrack"
    return mail(digest.recipient, subject, "notifications/digest.txt", context)


def title_of(topic: str) -> str:
    return Topic(topic).label.partition(":")[0] if topic in Topic.values else "Your tasks, and yourself"


def mail(recipient: Any, subject: str, template: str, context: dict[str, Any]) -> EmailMessage:
    context["settings_address"] = f"{settings.SITE_URL}{reverse('mail-preferences')}"
    return EmailMessage(subject=subject, body=render_to_string(template, context), to=[recipient.email])

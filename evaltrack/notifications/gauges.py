"""What a scraper is told of the outbox: numbers alone."""

import datetime as dt

from django.db.models import Count, Min, Q

from evaltrack.notifications.models import Delivery, Digest, Notification
from evaltrack.openmetrics import Gauge


def of_outbox(at: dt.datetime) -> list[Gauge]:
    """What should have left: it is due, or was tried in vain. Mail that is booked for later and messages of paused
    channels are as their people want them."""
    late = Q(send_after__lte=at) | Q(send_after__isnull=False, attempts__gt=0)
    kinds = {
        "mail": Notification.objects.filter(late),
        "digest": Digest.objects.filter(late),
        "channel": Delivery.objects.filter(late, channel__paused_at=None, channel__removed_at=None),
    }
    found = {kind: rows.aggregate(count=Count("*"), first=Min("created_at")) for kind, rows in kinds.items()}
    return [
        Gauge(
            "evaltrack_outbox_undelivered",
            "Messages that should have left and have not.",
            [((("kind", kind),), each["count"]) for kind, each in found.items()],
        ),
        Gauge(
            "evaltrack_outbox_oldest_seconds",
            "Age of the oldest of them; 0 where there is none.",
            [
                ((("kind", kind),), max(0.0, (at - each["first"]).total_seconds()) if each["first"] else 0.0)
                for kind, each in found.items()
            ],
        ),
    ]

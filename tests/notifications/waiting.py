"""What waits for channels: its states, and time that goes by for it."""

import datetime as dt

from evaltrack.notifications.models import Channel, Delivery


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

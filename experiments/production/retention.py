"""Act: what was asked and answered in production is forgotten in time; its values stay."""

import datetime as dt

from django.conf import settings

from experiments.models import ProductionSample

BATCH = 1_000


def forget_texts(*, at: dt.datetime) -> int:
    """Delete the texts of samples that came in longer ago than they may be kept; how many."""
    limit = at - dt.timedelta(days=settings.PRODUCTION_TEXT_DAYS)
    forgotten = 0
    while True:
        old = ProductionSample.objects.filter(received_at__lt=limit, body__isnull=False)
        keys = list(old.order_by("received_at").values_list("pk", flat=True)[:BATCH])
        forgotten += ProductionSample.objects.filter(pk__in=keys).update(body=None)
        if len(keys) < BATCH:
            return forgotten

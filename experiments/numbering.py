"""Public ids that people can say: exp-20251122-001."""

import datetime as dt

from django.db import transaction

from experiments.models import DailyNumber

EXPERIMENT, PROMOTION, LIVE_TEST = "exp", "prm", "abt"


def next_public_id(prefix: str, *, at: dt.datetime) -> str:
    """The next free id of the day. Call it inside the transaction that uses it: a rollback frees the number."""
    day = at.astimezone(dt.UTC).date()
    assert transaction.get_connection().in_atomic_block
    DailyNumber.objects.bulk_create([DailyNumber(prefix=prefix, day=day, last=0)], ignore_conflicts=True)
    row = DailyNumber.objects.select_for_update().get(prefix=prefix, day=day)
    row.last += 1
    row.save(update_fields=["last"])
    return str(row)

"""Whether workers are heard of, by the rows of their scheduler and of their queue."""

import datetime as dt

from django.db.models import Count, Max, Min
from django_q.models import OrmQ, Schedule

# The scheduler looks every half minute; jobs that are due for this long say that no worker runs.
SILENT_AFTER = dt.timedelta(minutes=5)


def problem(*, at: dt.datetime) -> str:
    """Nothing while a worker is heard of; otherwise what is seen."""
    silent_since = at - SILENT_AFTER
    if Schedule.objects.filter(next_run__lt=silent_since).exists():
        return "silent: no periodic job has run for five minutes"
    if OrmQ.objects.filter(lock__lt=silent_since).exists():
        return "silent: wake-ups are not taken from the queue"
    return "" if Schedule.objects.exists() else "never started"


def last_tick() -> dt.datetime | None:
    """When a worker last sent the jobs of a minute on their way; None before there was any.

    Whoever sends one books its next run, a minute later.
    """
    found = Schedule.objects.filter(minutes=1).aggregate(next=Max("next_run"))["next"]
    return found and found - dt.timedelta(minutes=1)


def wake_ups(*, at: dt.datetime) -> tuple[int, dt.datetime | None]:
    """How many wait to be taken from the queue, and since when the first of them does."""
    found = OrmQ.objects.filter(lock__lte=at).aggregate(count=Count("pk"), first=Min("lock"))
    return found["count"], found["first"]

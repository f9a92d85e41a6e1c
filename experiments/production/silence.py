"""Whether anything is heard of production: how old the newest sample is, now and in the last week."""

import datetime as dt

from evaltrack.notifications import outbox
from experiments import messages
from experiments.models import ProductionMonitor, ProductionSilence

# Older news is no news.
FRESH = dt.timedelta(hours=4)
WEEK = dt.timedelta(days=7)


def lag(monitor: ProductionMonitor | None, *, at: dt.datetime) -> dt.timedelta | None:
    """How old the newest sample is; None where there is none."""
    return at - monitor.newest_sample_at if monitor and monitor.newest_sample_at else None


def is_fresh(monitor: ProductionMonitor | None, *, at: dt.datetime) -> bool:
    age = lag(monitor, at=at)
    return age is not None and age <= FRESH


def end(monitor: ProductionMonitor, *, at: dt.datetime) -> None:
    """A newer sample came in: keep the silence that went before. Inside the intake, under its lock."""
    if monitor.newest_sample_at and at > monitor.newest_sample_at + FRESH:
        ProductionSilence.objects.get_or_create(
            monitor=monitor, began_at=monitor.newest_sample_at + FRESH, defaults={"ended_at": at}
        )


def fresh_share(monitor: ProductionMonitor, *, at: dt.datetime) -> float | None:
    """The share of the last 7 days, or of the time since the first samples came, in which news was fresh."""
    begin = at - WEEK
    if monitor.newest_sample_at is None or monitor.first_received_at is None:
        return None
    begin = max(begin, monitor.first_received_at)
    times = [(row.began_at, row.ended_at) for row in monitor.silences.filter(ended_at__gt=begin)]
    silent, reached = dt.timedelta(), begin
    if not is_fresh(monitor, at=at):
        times.append((monitor.newest_sample_at + FRESH, at))
    # They may overlap: what comes in late may be newer than before, and still too old.
    for since, until in sorted(times):
        if until > reached:
            silent += until - max(since, reached)
            reached = until
    return 1 - silent / (at - begin) if at > begin else None


def tell(*, at: dt.datetime) -> None:
    """Tell the owner and the platform of every component that has fallen silent, once for each silence."""
    silent = ProductionMonitor.objects.filter(newest_sample_at__lt=at - FRESH)
    for monitor in silent.select_related("component__owner"):
        people = [monitor.component.owner, *outbox.holders("platform")]
        outbox.post(messages.production_silent(monitor), to=people, at=at)

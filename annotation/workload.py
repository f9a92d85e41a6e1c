"""How much somebody judges in a day, and whether that is enough for today."""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Max, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Least

from annotation import querysets
from annotation.models import Assignment
from evaltrack.accounts import hours, profiles
from evaltrack.accounts.models import User
from evaltrack.accounts.profiles import Limit

# Where the browser told no active time, the time on the screen counts, up to where somebody would be taken for idle.
LONGEST_UNTOLD_MS = 5 * 60_000


@dataclass(frozen=True)
class Load:
    """Standing judgments of a day, the active time on them, and tasks that somebody has and has not judged."""

    judged: int
    active_ms: int
    held: int

    def fills(self, limit: Limit) -> bool:
        """Whether another task would be too much."""
        too_many = limit.judgments is not None and self.judged + self.held >= limit.judgments
        too_long = limit.minutes is not None and self.active_ms >= limit.minutes * 60_000
        return too_many or too_long


def begin_of_day(evaluator: User, at: dt.datetime) -> dt.datetime | None:
    """Since when the evaluator's judgments count against their limit; None where there is no limit."""
    if profiles.limit_of(evaluator).is_none:
        return None
    return hours.day_of(at, profiles.of(evaluator).time_zone)[0]


def columns(evaluator: User | int, since: dt.datetime) -> dict[str, Any]:
    """Annotations from which `load` reads a load. They do not depend on the row, so they are computed once."""
    told = Coalesce("active_ms", Least(F("wall_ms"), Value(LONGEST_UNTOLD_MS)))
    judged = one_row(querysets.standing_judgments().filter(evaluator=evaluator, submitted_at__gte=since))
    held = one_row(Assignment.objects.filter(querysets.HELD, evaluator=evaluator))
    numbered = one_row(Assignment.objects.filter(evaluator=evaluator, number__isnull=False))
    return {
        "judged": Coalesce(Subquery(judged.annotate(n=Count("pk")).values("n")), 0),
        "active_ms": Coalesce(Subquery(judged.annotate(n=Sum(told)).values("n")), 0),
        "held": Coalesce(Subquery(held.annotate(n=Count("pk")).values("n")), 0),
        "last_number": Coalesce(Subquery(numbered.annotate(n=Max("number")).values("n")), 0),
    }


def one_row(rows: QuerySet) -> QuerySet:
    return rows.order_by().values("evaluator")


def load(row: Any) -> Load:
    return Load(judged=row.judged, active_ms=row.active_ms, held=row.held)


def load_of(evaluator: User, *, since: dt.datetime) -> Load:
    return load(User.objects.annotate(**columns(evaluator, since)).get(pk=evaluator.pk))


def enough_for_today(evaluator: User, *, at: dt.datetime) -> tuple[str, int] | None:
    """Why there is no further task today, and the seconds until tomorrow; None where the limit leaves room."""
    since = begin_of_day(evaluator, at)
    if since is None:
        return None
    limit, today = profiles.limit_of(evaluator), load_of(evaluator, since=since)
    if not today.fills(limit):
        return None
    zone = profiles.of(evaluator).time_zone
    tomorrow = hours.day_of(at, zone)[1]
    begins = tomorrow.astimezone(hours.zone(zone))
    detail = (
        f"That is enough for today: your limit is {in_words(limit)} a day. "
        f"Tasks come again on {begins:%A} at {begins:%H:%M} ({zone})."
    )
    profile = profiles.of(evaluator)
    if not today.fills(Limit(profile.judgments_per_day, profile.minutes_per_day)):
        detail += " It is your own limit; you can change it in your profile."
    return detail, max(1, math.ceil((tomorrow - at).total_seconds()))


def in_words(limit: Limit) -> str:
    parts = []
    if limit.judgments is not None:
        parts.append(f"{limit.judgments} judgment{'' if limit.judgments == 1 else 's'}")
    if limit.minutes is not None:
        parts.append(f"{limit.minutes} minute{'' if limit.minutes == 1 else 's'} of work")
    return " or ".join(parts)

"""How a campaign stands against its SLA policy: what is late, how long things have waited, when it will be done."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation import pool, querysets
from annotation.models import Campaign, Escalation, Judgment, Level, Slot
from annotation.models.judgment import STANDING
from annotation.sla import forecast, rules, sla_policies
from annotation.sla.calendars import Calendar
from annotation.sla.forecast import Past
from evaltrack.accounts import profiles
from evaltrack.accounts.models import User
from evaltrack.stats.estimate import Undefined

# Pace is that of the last two weeks.
LOOKS_BACK = dt.timedelta(days=14)


@dataclass(frozen=True)
class Outlook:
    missing: int
    # Due no later, elsewhere in the queue: people are given that first.
    ahead: int
    finished_at: dt.datetime | Undefined
    due_at: dt.datetime

    @property
    def is_late(self) -> bool:
        return isinstance(self.finished_at, dt.datetime) and self.finished_at > self.due_at

    def as_json(self) -> dict[str, Any]:
        found = self.finished_at
        return {
            "judgments_missing": self.missing,
            "judgments_ahead": self.ahead,
            "finished_at": found.as_json() if isinstance(found, Undefined) else found,
            "is_late": self.is_late,
        }


def of(campaign: Campaign, *, at: dt.datetime) -> Outlook:
    """From what those who may judge the campaign have judged lately, in the hours in which they work."""
    return expected(
        pool.may_judge(campaign),
        missing=querysets.count_missing(Slot.objects.filter(campaign=campaign)),
        overlap=campaign.overlap,
        before=querysets.asking_campaigns().exclude(pk=campaign.pk),
        policy=sla_policies.of(campaign),
        due_at=campaign.due_at,
        at=at,
    )


def expected(
    people: QuerySet[User],
    *,
    missing: int,
    overlap: int,
    before: QuerySet[Campaign],
    policy: rules.Policy,
    due_at: dt.datetime,
    at: dt.datetime,
) -> Outlook:
    """`before`: campaigns that are served first where they are due no later."""
    ahead = querysets.count_missing(Slot.objects.filter(campaign__in=before.filter(due_at__lte=due_at)))
    since, pasts = lately(people, policy, at=at)
    if missing and len(pasts) < overlap:
        finished: dt.datetime | Undefined = Undefined(
            f"{len(pasts)} evaluators may judge it, and each item needs {overlap}"
        )
    else:
        finished = forecast.finished_at(pasts, missing=missing + ahead, since=since, at=at)
    return Outlook(missing, ahead, finished, due_at)


def lately(
    people: QuerySet[User], policy: rules.Policy, *, at: dt.datetime
) -> tuple[dt.datetime, list[Past]]:
    """What each of `people` has judged anywhere in two weeks, or since the first of them began."""
    given = (
        Judgment.objects.filter(
            evaluator=OuterRef("pk"),
            submitted_at__range=(at - LOOKS_BACK, at),
            state__in=STANDING,
            # What is said for the second time takes their time, and lessens nothing that is missing.
            is_repeat=False,
        )
        .order_by()
        .values("evaluator")
    )
    # One by one: each evaluator's days are a range of an index.
    rows = list(
        people.select_related("profile").annotate(
            judged=Coalesce(Subquery(given.annotate(n=Count("pk")).values("n")), 0),
            began=Subquery(given.annotate(first=Min("submitted_at")).values("first")),
        )
    )
    since = min((row.began for row in rows if row.began), default=at)
    return since, [Past(calendar_of(row, policy), row.judged) for row in rows]


def calendar_of(evaluator: User, policy: rules.Policy) -> Calendar:
    """The hours that the evaluator has declared; who has declared none works by the policy's calendar."""
    profile = profiles.of(evaluator)
    if not profile.hours:
        return policy.calendar
    return rules.calendar_of(profile.time_zone, profile.hours, policy.holidays)


def late(campaign: Campaign, *, at: dt.datetime) -> dict[str, Any]:
    """What is late, and which steps were taken about it since the due time was last moved."""
    reached = Escalation.objects.filter(
        Q(task__campaign=campaign) | Q(campaign=campaign), round=campaign.extensions
    )
    steps = dict(reached.values_list("level").annotate(n=Count("pk")))
    overdue = Slot.objects.filter(querysets.MISSING, campaign=campaign, due_at__lt=at)
    return {
        "tasks_overdue": overdue.values("task").distinct().count(),
        "warned": bool(steps.get(Level.WARNING)),
        "tasks_reminded": steps.get(Level.REMIND, 0),
        "tasks_brought_to_leads": steps.get(Level.WIDEN, 0),
        "proxy_offered": bool(steps.get(Level.PROXY)),
        "skills_waived_at": campaign.skills_waived_at,
    }


def waiting(*, at: dt.datetime) -> dict[str, Any]:
    """How long the judgments that people owe have waited, since their campaigns opened."""
    rows = Slot.objects.filter(querysets.MISSING, campaign__in=querysets.asking_campaigns())
    counts = rows.order_by().values_list("campaign__opened_at").annotate(n=Count("pk"))
    ages = [(at - opened, count) for opened, count in counts]
    return {
        "judgments_missing": sum(count for _, count in ages),
        "judgments_overdue": rows.filter(due_at__lt=at).count(),
        "age_p50_ms": milliseconds(forecast.share_is_younger(ages, 0.5)),
        "age_p95_ms": milliseconds(forecast.share_is_younger(ages, 0.95)),
    }


def milliseconds(age: dt.timedelta | None) -> int | None:
    return None if age is None else age // dt.timedelta(milliseconds=1)

"""How a campaign stands against its SLA policy: what is late, how long things have waited, when it will be done."""

import datetime as dt
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from django.db.models import Count, Min, Q, QuerySet

from annotation import pool, querysets
from annotation.models import Campaign, Escalation, Judgment, Level, Slot, SlotState
from annotation.models.judgment import STANDING
from annotation.sla import forecast, rules, sla_policies
from annotation.sla.calendars import Calendar
from annotation.sla.forecast import Past
from evaltrack.accounts import profiles
from evaltrack.accounts.models import User
from evaltrack.stats.estimate import Undefined

# Pace is that of the last two weeks.
LOOKS_BACK = dt.timedelta(days=14)
PROFILE = ("profile__time_zone", "profile__hours")


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
    work = work_of(people, at=at).values()
    return foreseen(
        work, Calendars(policy), missing=missing, ahead=ahead, overlap=overlap, due_at=due_at, at=at
    )


@dataclass(frozen=True)
class Work:
    """What somebody has judged anywhere in two weeks and since when, and the hours that they have declared."""

    judged: int
    began: dt.datetime | None
    # None of somebody who has no profile.
    time_zone: str | None
    hours: dict[str, list[str]] | None


class Calendars:
    """The hours that evaluators have declared; who has declared none works by the policy's calendar.

    The same hours are the same calendar, so that those who keep them are looked at together.
    """

    def __init__(self, policy: rules.Policy) -> None:
        self.policy = policy
        self.usual = policy.calendar
        self.own: dict[tuple[str, str], Calendar] = {}

    def of(self, work: Work) -> Calendar:
        if not work.hours or work.time_zone is None:
            return self.usual
        key = work.time_zone, repr(work.hours)
        if key not in self.own:
            self.own[key] = rules.calendar_of(work.time_zone, work.hours, self.policy.holidays)
        return self.own[key]


def foreseen(
    work: Collection[Work],
    calendars: Calendars,
    *,
    missing: int,
    ahead: int,
    overlap: int,
    due_at: dt.datetime,
    at: dt.datetime,
) -> Outlook:
    """From the work of all who may judge it."""
    if missing and len(work) < overlap:
        finished: dt.datetime | Undefined = Undefined(
            f"{len(work)} evaluators may judge it, and each item needs {overlap}"
        )
    else:
        since = min((each.began for each in work if each.began), default=at)
        pasts = [Past(calendars.of(each), each.judged) for each in work]
        finished = forecast.finished_at(pasts, missing=missing + ahead, since=since, at=at)
    return Outlook(missing, ahead, finished, due_at)


def work_of(people: QuerySet[User], *, at: dt.datetime) -> dict[int, Work]:
    """What each of `people` has judged anywhere in two weeks, and since when."""
    rows = {pk: (zone, hours) for pk, zone, hours in people.values_list("pk", *PROFILE)}
    # In one pass: asked one by one, a page waited half a second for 200 people in a busy fortnight.
    given = Judgment.objects.filter(
        evaluator__in=list(rows),
        submitted_at__range=(at - LOOKS_BACK, at),
        state__in=STANDING,
        # What is said for the second time takes their time, and lessens nothing that is missing.
        is_repeat=False,
    )
    said = given.order_by().values_list("evaluator").annotate(n=Count("pk"), first=Min("submitted_at"))
    judged = {pk: (n, first) for pk, n, first in said}
    return {pk: Work(*judged.get(pk, (0, None)), zone, hours) for pk, (zone, hours) in rows.items()}


# ── Many campaigns at once ───────────────────────────────────────────────────────────────────────────


class Survey:
    """What the outlooks of all campaigns have in common, asked once: what each of them misses, who goes before whom,
    and what everybody has judged."""

    def __init__(self, *, at: dt.datetime) -> None:
        self.at = at
        self.missing: Counter[int] = Counter()
        # State by state, as each has an index of its own.
        for state in (SlotState.OPEN, SlotState.HELD, SlotState.REVIEW):
            rows = Slot.objects.filter(querysets.FIRST_TIME, state=state).order_by().values_list("campaign")
            self.missing.update(dict(rows.annotate(n=Count("pk"))))
        asking = querysets.asking_campaigns().order_by("due_at").values_list("pk", "due_at")
        self.asking = dict(asking)
        self.due = list(self.asking.values())
        self.until = [0, *accumulate(self.missing[pk] for pk in self.asking)]
        self.work = work_of(profiles.evaluators(), at=at)
        self.calendars: dict[int | None, Calendars] = {}

    def outlook(self, campaign: Campaign, judges: Collection[int]) -> Outlook:
        """As `of`, of a campaign that these may judge."""
        if campaign.sla_id not in self.calendars:
            self.calendars[campaign.sla_id] = Calendars(sla_policies.of(campaign))
        missing = self.missing[campaign.pk]
        ahead = self.until[bisect_right(self.due, campaign.due_at)]
        if campaign.pk in self.asking and self.asking[campaign.pk] <= campaign.due_at:
            ahead -= missing
        return foreseen(
            [self.work[pk] for pk in judges if pk in self.work],
            self.calendars[campaign.sla_id],
            missing=missing,
            ahead=ahead,
            overlap=campaign.overlap,
            due_at=campaign.due_at,
            at=self.at,
        )


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

"""When what is missing will have been judged, if people go on as they did. Pure."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from annotation.sla.calendars import Calendar
from evaltrack.stats.estimate import Undefined

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
# Further away nobody's pace says anything.
LONGEST = 90
# Fewer judgments show no pace.
FEWEST = 10


@dataclass(frozen=True)
class Past:
    """What somebody has judged since a moment, and when they work."""

    calendar: Calendar
    judgments: int


@dataclass(frozen=True)
class Pace:
    calendar: Calendar
    per_hour: float

    def judged(self, start: dt.datetime, end: dt.datetime) -> float:
        return self.per_hour * (self.calendar.between(start, end) / HOUR)


def paces(pasts: Iterable[Past], *, since: dt.datetime, at: dt.datetime) -> list[Pace]:
    """Judgments per working hour. Hours in which somebody worked and did not judge count: so they will again.

    Of less than an hour nothing is concluded but what that hour would hold. Those who have one calendar go together.
    """
    given: dict[int, tuple[Calendar, int]] = {}
    for past in pasts:
        if past.judgments:
            _, before = given.get(id(past.calendar), (past.calendar, 0))
            given[id(past.calendar)] = past.calendar, before + past.judgments
    return [
        Pace(calendar, judgments / max(calendar.between(since, at) / HOUR, 1.0))
        for calendar, judgments in given.values()
    ]


def finished_at(
    pasts: Sequence[Past], *, missing: int, since: dt.datetime, at: dt.datetime
) -> dt.datetime | Undefined:
    """When `missing` judgments will have been given by those who gave the ones of `pasts`."""
    if sum(past.judgments for past in pasts) < FEWEST:
        return Undefined(f"who may judge has given fewer than {FEWEST} judgments lately, which shows no pace")
    people, done, start = paces(pasts, since=since, at=at), 0.0, at
    for _ in range(LONGEST):
        today = sum(pace.judged(start, start + DAY) for pace in people)
        if done + today >= missing:
            return within(people, start, missing - done)
        done, start = done + today, start + DAY
    return Undefined(f"at this pace it takes more than {LONGEST} days")


def within(people: Sequence[Pace], start: dt.datetime, wanted: float) -> dt.datetime:
    """The minute of the day from `start` on by which so much is judged."""
    early, late = 0, 24 * 60
    while early < late:
        middle = (early + late) // 2
        if sum(pace.judged(start, start + dt.timedelta(minutes=middle)) for pace in people) >= wanted:
            late = middle
        else:
            early = middle + 1
    return start + dt.timedelta(minutes=early)


def share_is_younger(ages: Sequence[tuple[dt.timedelta, int]], share: float) -> dt.timedelta | None:
    """The age that `share` of all do not exceed, of ages with how many have each; None where there is nothing."""
    total, seen = sum(count for _, count in ages), 0
    for age, count in sorted(ages):
        seen += count
        if seen >= share * total:
            return age
    return None

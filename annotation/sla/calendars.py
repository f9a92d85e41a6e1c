"""Working time: which moments count, and how much of it lies between two. Pure.

Hours are those that clocks on the wall show. Where clocks are put forward, what they skip has no length; where they
are put back, hours begin and end when their time is shown first, so whoever works through such a night works an hour
more.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from evaltrack.accounts.hours import WEEKDAYS

NAMES = list(WEEKDAYS)
NOTHING = dt.timedelta()
SECOND = dt.timedelta(seconds=1)


@dataclass(frozen=True)
class Calendar:
    """When people work: from and to by weekday, as time since midnight, in the time zone `place`; not on holidays."""

    place: dt.tzinfo
    hours: Mapping[str, tuple[dt.timedelta, dt.timedelta]]
    holidays: frozenset[dt.date] = frozenset()

    def __post_init__(self) -> None:
        if not self.hours:
            raise ValueError("has no working hours: nothing would ever be due")

    def on(self, date: dt.date) -> tuple[dt.datetime, dt.datetime]:
        """From when to when people work on `date`; where they do not, both are the same."""
        midnight = dt.datetime.combine(date, dt.time())
        day_off = (NOTHING, NOTHING)
        hours = day_off if date in self.holidays else self.hours.get(NAMES[date.weekday()], day_off)
        start, end = (moment(midnight + each, self.place) for each in hours)
        return start, end

    def add(self, at: dt.datetime, amount: dt.timedelta) -> dt.datetime:
        """The first moment at which `amount` has been worked since `at`.

        Where `amount` is negative, the last moment from which so much is worked until `at`.
        """
        if amount == NOTHING:
            return at
        left, direction = abs(amount), 1 if amount > NOTHING else -1
        today = at.astimezone(self.place).date()
        for days in count():
            start, end = self.on(today + direction * dt.timedelta(days=days))
            start, end = (max(start, at), end) if direction > 0 else (start, min(end, at))
            worked = max(end - start, NOTHING)
            if worked >= left:
                return start + left if direction > 0 else end - left
            left -= worked
        raise AssertionError("there is always another day")

    def between(self, one: dt.datetime, other: dt.datetime) -> dt.timedelta:
        """The working time from `one` to `other`; negative where `other` is earlier."""
        if other < one:
            return -self.between(other, one)
        date, last = (each.astimezone(self.place).date() for each in (one, other))
        total = NOTHING
        while date <= last:
            start, end = self.on(date)
            total += max(min(end, other) - max(start, one), NOTHING)
            date += dt.timedelta(days=1)
        return total


def moment(wall: dt.datetime, place: dt.tzinfo) -> dt.datetime:
    """When clocks in `place` show `wall`: the first time of two; where they skip it, the moment of the change."""
    shown = wall.replace(tzinfo=place).astimezone(dt.UTC)
    if shown.astimezone(place).replace(tzinfo=None) == wall:
        return shown
    # Skipped: the change lies between what the offset after it and the one before it make of `wall`.
    before, after = wall.replace(tzinfo=place, fold=1).astimezone(dt.UTC), shown
    earlier = before.astimezone(place).utcoffset()
    while after - before > SECOND:
        middle = before + SECOND * ((after - before) // SECOND // 2)
        if middle.astimezone(place).utcoffset() == earlier:
            before = middle
        else:
            after = middle
    return after

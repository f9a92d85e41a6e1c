"""Time zones, working hours, and where a day begins and ends for somebody. Pure."""

import datetime as dt
import re
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

WEEKDAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")

Hours = dict[str, list[str]]


def zone_names() -> list[str]:
    return sorted(available_timezones() | {"UTC"})


def zone(name: str) -> dt.tzinfo:
    """The zone; UTC where this machine does not know it, as after an update of its tables."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return dt.UTC


def day_of(at: dt.datetime, zone_name: str) -> tuple[dt.datetime, dt.datetime]:
    """When the day of `at` began there, and when it ends."""
    place = zone(zone_name)
    date = at.astimezone(place).date()
    return midnight(date, place), midnight(date + dt.timedelta(days=1), place)


def midnight(date: dt.date, place: dt.tzinfo) -> dt.datetime:
    """Where clocks are put forward at midnight, the day's first moment; where they are put back, the first of two."""
    return dt.datetime.combine(date, dt.time(), tzinfo=place).astimezone(dt.UTC)


def problems(given: Mapping[str, list[str]]) -> dict[str, str]:
    """What is wrong with working hours, by weekday."""
    found = {}
    for day, times in given.items():
        if day not in WEEKDAYS:
            found[day] = f"is no weekday; these are {', '.join(WEEKDAYS)}"
        elif not (isinstance(times, list) and len(times) == 2 and all(map(is_time, times))):
            found[day] = "takes a beginning and an end, such as 09:00 and 17:30"
        elif times[0] >= times[1]:
            found[day] = "ends before it begins"
    return found


def is_time(text: object) -> bool:
    return isinstance(text, str) and TIME.fullmatch(text) is not None


def spoken(hours: Mapping[str, list[str]]) -> str:
    """For people: days with the same hours stand together."""
    runs: list[tuple[list[str], list[str]]] = []
    for day in WEEKDAYS:
        times = hours.get(day)
        if times and runs and runs[-1][1] == times and follows(runs[-1][0][-1], day):
            runs[-1][0].append(day)
        elif times:
            runs.append(([day], times))
    return "; ".join(f"{days_in_words(days)} {start}–{end}" for days, (start, end) in runs)


def follows(one: str, other: str) -> bool:
    order = list(WEEKDAYS)
    return order.index(other) == order.index(one) + 1


def days_in_words(days: list[str]) -> str:
    names = [WEEKDAYS[day] for day in days]
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"

"""What an SLA policy says: when something is due, when to warn, and what happens once it is late. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from annotation.sla.calendars import Calendar
from evaltrack.accounts import hours
from evaltrack.errors import Invalid
from experiments.suite import Reading

PRIORITIES = ("urgent", "normal", "low")
# What happens once something is late, by the name under which a policy has its delay.
WARNING, REMIND, WIDEN, PROXY = range(4)
LEVELS = {"remind": REMIND, "widen": WIDEN, "proxy": PROXY}
MOST_HOURS = 2_000
MOST_HOLIDAYS = 1_000
# So long may the slowest way to the last level take: longer is a slip, such as an hour a week.
LONGEST_WEEKS = 104
EXAMPLE = '{"mon": ["09:00", "17:00"]}'


@dataclass(frozen=True)
class Target:
    """Working hours from the opening until something is due, and from the warning until then."""

    due_hours: float
    warn_hours: float


@dataclass(frozen=True)
class Policy:
    """`ladder`: working hours after the due time, by level; what is not there never happens.

    `waives_skills`: whether widening the pool means that skills are not asked for any more. A language, a
    qualification and whom a campaign is about are never waived.
    """

    time_zone: str
    hours: Mapping[str, list[str]]
    holidays: tuple[str, ...]
    targets: Mapping[str, Target]
    ladder: Mapping[str, float]
    waives_skills: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "calendar": {
                "time_zone": self.time_zone,
                "hours": dict(self.hours),
                "holidays": list(self.holidays),
            },
            "priorities": {
                name: {"due_hours": target.due_hours, "warn_hours": target.warn_hours}
                for name, target in self.targets.items()
            },
            "ladder": dict(self.ladder),
            "waives_skills": self.waives_skills,
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> "Policy":
        """As `as_json` wrote it; what others wrote goes through `parse`."""
        calendar = body["calendar"]
        return cls(
            time_zone=calendar["time_zone"],
            hours=calendar["hours"],
            holidays=tuple(calendar["holidays"]),
            targets={name: Target(**target) for name, target in body["priorities"].items()},
            ladder=body["ladder"],
            waives_skills=body["waives_skills"],
        )

    @cached_property
    def calendar(self) -> Calendar:
        return calendar_of(self.time_zone, self.hours, self.holidays)

    def due_at(self, priority: str, *, opened_at: dt.datetime) -> dt.datetime:
        return self.calendar.add(opened_at, dt.timedelta(hours=self.targets[priority].due_hours))

    def warns_until(self, priority: str, *, at: dt.datetime) -> dt.datetime:
        """At `at` it is time to warn of what is due up to this moment."""
        return self.calendar.add(at, dt.timedelta(hours=self.targets[priority].warn_hours))

    def late_until(self, level: int, *, at: dt.datetime) -> dt.datetime | None:
        """What was due by this moment has reached `level` at `at`; None where the ladder has no such level."""
        name = next(name for name, number in LEVELS.items() if number == level)
        if name not in self.ladder:
            return None
        return self.calendar.add(at, -dt.timedelta(hours=self.ladder[name]))


def calendar_of(time_zone: str, working_hours: Mapping[str, list[str]], holidays: Iterable[str]) -> Calendar:
    return Calendar(
        hours.zone(time_zone),
        {day: (since_midnight(start), since_midnight(end)) for day, (start, end) in working_hours.items()},
        frozenset(map(dt.date.fromisoformat, holidays)),
    )


def since_midnight(time: str) -> dt.timedelta:
    hour, minute = time.split(":")
    return dt.timedelta(hours=int(hour), minutes=int(minute))


def around_the_clock(due_hours: float) -> Policy:
    """What holds where nobody has defined a policy: leads hear at once of what is late, and no demand is waived."""
    target = Target(due_hours, warn_hours=due_hours / 4)
    return Policy(
        time_zone="UTC",
        hours={day: ["00:00", "24:00"] for day in hours.WEEKDAYS},
        holidays=(),
        targets=dict.fromkeys(PRIORITIES, target),
        ladder={"remind": 0, "widen": 0, "proxy": due_hours / 6},
        waives_skills=False,
    )


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────


def parse(body: Any) -> Policy:
    """The policy that `body` describes; Invalid with one sentence per bad field."""
    if not isinstance(body, dict):
        raise Invalid("bad_sla", "policy must be an object", {"policy": ["must be an object"]})
    reading = Reading()
    reading.known(body, {"calendar", "priorities", "ladder", "waives_skills"}, "policy")
    calendar = part(body, "calendar", "policy", reading)
    reading.known(calendar, {"time_zone", "hours", "holidays"}, "policy.calendar")
    waives = body.get("waives_skills", True)
    if not isinstance(waives, bool):
        reading.wrong("policy.waives_skills", "must be true or false")
    policy = Policy(
        time_zone=time_zone(calendar, reading),
        hours=working_hours(calendar, reading),
        holidays=holidays(calendar, reading),
        targets=targets(part(body, "priorities", "policy", reading), reading),
        ladder=ladder(part(body, "ladder", "policy", reading), reading),
        waives_skills=waives,
    )
    if not reading.problems:
        refuse_endless(policy, reading)
    if reading.problems:
        path, sentences = next(iter(reading.problems.items()))
        raise Invalid("bad_sla", f"{path} {sentences[0]}", reading.problems)
    return policy


def part(source: dict, name: str, path: str, reading: Reading) -> dict:
    value = source.get(name)
    if path in reading.problems:
        return {}
    if not isinstance(value, dict):
        reading.wrong(f"{path}.{name}", "is missing" if value is None else "must be an object")
        return {}
    return value


def time_zone(calendar: dict, reading: Reading) -> str:
    name = calendar.get("time_zone", "UTC")
    if name not in hours.zone_names():
        reading.wrong("policy.calendar.time_zone", "is no time zone; they look like Europe/Berlin")
    return name


def working_hours(calendar: dict, reading: Reading) -> dict[str, list[str]]:
    path = "policy.calendar.hours"
    given = part(calendar, "hours", "policy.calendar", reading)
    if calendar.get("hours") == {}:
        reading.wrong(
            path,
            f"has no working hours, so nothing would ever be due; give at least one day, as in {EXAMPLE}",
        )
    wrong = hours.problems(given)
    for day, sentence in wrong.items():
        reading.wrong(f"{path}.{day}", sentence)
    return {day: times for day, times in given.items() if day not in wrong}


def holidays(calendar: dict, reading: Reading) -> tuple[str, ...]:
    path = "policy.calendar.holidays"
    given = calendar.get("holidays", [])
    if not isinstance(given, list) or len(given) > MOST_HOLIDAYS:
        reading.wrong(path, f"must be a list of up to {MOST_HOLIDAYS} dates such as 2026-12-25")
        return ()
    for place, each in enumerate(given):
        if not is_date(each):
            reading.wrong(f"{path}.{place}", "is no date; they look like 2026-12-25")
    return tuple(sorted({each for each in given if is_date(each)}))


def is_date(text: Any) -> bool:
    try:
        return isinstance(text, str) and dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def targets(given: dict, reading: Reading) -> dict[str, Target]:
    path = "policy.priorities"
    reading.known(given, PRIORITIES, path)
    return {name: target(part(given, name, path, reading), f"{path}.{name}", reading) for name in PRIORITIES}


def target(given: dict, path: str, reading: Reading) -> Target:
    """The warning is given as a share of the time that has passed, or as working hours before the due time."""
    reading.known(given, {"due_hours", "warn_share", "warn_hours"}, path)
    if "due_hours" not in given and path not in reading.problems:
        reading.wrong(f"{path}.due_hours", "is missing")
    if {"warn_share", "warn_hours"} <= set(given):
        reading.wrong(f"{path}.warn_share", "and warn_hours say the same; give one of them")
    due = reading.number(given, "due_hours", 0, 0, MOST_HOURS, path)
    share = reading.number(given, "warn_share", 0.75, 0, 1, path)
    warn = reading.number(given, "warn_hours", round(due * (1 - share), 6), 0, MOST_HOURS, path)
    if "warn_hours" in given and warn > due:
        reading.wrong(
            f"{path}.warn_hours", "is more than due_hours, so everybody would be warned at the opening"
        )
    return Target(due, warn)


def ladder(given: dict, reading: Reading) -> dict[str, float]:
    path = "policy.ladder"
    reading.known(given, LEVELS, path)
    found = {name: reading.number(given, name, 0, 0, MOST_HOURS, path) for name in LEVELS if name in given}
    found = {name: hours for name, hours in found.items() if f"{path}.{name}" not in reading.problems}
    for (lower, earlier), (upper, later) in pairwise(found.items()):
        if later < earlier:
            reading.wrong(f"{path}.{upper}", f"comes before {lower}")
    return found


def refuse_endless(policy: Policy, reading: Reading) -> None:
    """A few minutes a week would put due times centuries away."""
    week = sum((end - start for start, end in policy.calendar.hours.values()), dt.timedelta())
    longest = max(target.due_hours for target in policy.targets.values())
    if dt.timedelta(hours=longest + max(policy.ladder.values(), default=0)) > LONGEST_WEEKS * week:
        reading.wrong(
            "policy.calendar.hours",
            f"are {week.total_seconds() / 3600:g} a week, so the last level would take more than "
            f"{LONGEST_WEEKS} weeks; give more hours or shorter times",
        )

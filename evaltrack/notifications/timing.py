"""When somebody is mailed: quiet hours and the hour of the digest, as clocks on their wall show them. Pure."""

import datetime as dt
from dataclasses import dataclass

from evaltrack.accounts import hours

MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class Quiet:
    """From one time of the day to another; across midnight where the end comes first."""

    start: dt.time
    end: dt.time

    def covers(self, wall: dt.time) -> bool:
        if self.start < self.end:
            return self.start <= wall < self.end
        return wall >= self.start or wall < self.end


def is_quiet(at: dt.datetime, zone_name: str, quiet: Quiet | None) -> bool:
    return quiet is not None and quiet.covers(at.astimezone(hours.zone(zone_name)).time())


def quiet_ends(at: dt.datetime, zone_name: str, quiet: Quiet) -> dt.datetime:
    """The first moment after `at`, which is quiet, that is not.

    A time that clocks skip is over at once when they are put forward; one that they show twice, when they are put
    back, is each time what it says.
    """
    place = hours.zone(zone_name)
    today = at.astimezone(place).date()
    moments = [
        dt.datetime.combine(today + dt.timedelta(days=day), quiet.end, tzinfo=place)
        .replace(fold=fold)
        .astimezone(dt.UTC)
        for day in range(3)
        for fold in (0, 1)
    ]
    ends = min(each for each in moments if each > at and not is_quiet(each, zone_name, quiet))
    # Of a time that was skipped, the moment found lies up to the skipped hour too late.
    while ends - MINUTE > at and not is_quiet(ends - MINUTE, zone_name, quiet):
        ends -= MINUTE
    return ends


def digest_after(at: dt.datetime, zone_name: str, hour: int) -> dt.datetime:
    """The first digest that lists what happened at `at`: one on each date, whatever clocks do on it."""
    return next(each for each in digests_around(at, zone_name, hour) if each > at)


def digest_before(at: dt.datetime, zone_name: str, hour: int) -> dt.datetime:
    """The last moment of a digest up to `at`."""
    return next(each for each in reversed(digests_around(at, zone_name, hour)) if each <= at)


def digests_around(at: dt.datetime, zone_name: str, hour: int) -> list[dt.datetime]:
    place = hours.zone(zone_name)
    today = at.astimezone(place).date()
    return [
        dt.datetime.combine(today + dt.timedelta(days=day), dt.time(hour), tzinfo=place).astimezone(dt.UTC)
        for day in range(-2, 3)
    ]

"""Quiet hours and the hour of the digest, also on the days on which clocks change."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltrack.accounts import hours
from evaltrack.notifications import timing
from evaltrack.notifications.timing import Quiet

NIGHT = Quiet(dt.time(22), dt.time(7))
BERLIN = "Europe/Berlin"
# With changes at 02:00, at midnight, by half an hour, and without any.
ZONES = [
    BERLIN,
    "America/New_York",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "UTC",
    "no/such",
]


def utc(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_a_night_goes_across_midnight():
    assert [NIGHT.covers(dt.time(hour)) for hour in (21, 22, 0, 6, 7)] == [False, True, True, True, False]
    noon = Quiet(dt.time(12), dt.time(13))
    assert [noon.covers(dt.time(hour)) for hour in (11, 12, 13)] == [False, True, False]


def test_quiet_hours_are_those_of_the_wall():
    at = utc("2026-07-01 20:30")
    assert timing.is_quiet(at, BERLIN, NIGHT)
    assert not timing.is_quiet(at, "UTC", NIGHT)
    assert not timing.is_quiet(at, BERLIN, None)
    assert timing.quiet_ends(at, BERLIN, NIGHT) == utc("2026-07-02 05:00")


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-03-28 23:30", "2026-03-29 05:00"),  # an hour shorter
        ("2026-10-24 22:30", "2026-10-25 06:00"),  # an hour longer
        ("2026-03-29 00:59", "2026-03-29 05:00"),
    ],
)
def test_a_night_in_which_clocks_change_ends_when_the_wall_says_so(at, ends):
    assert timing.quiet_ends(utc(at), BERLIN, NIGHT) == utc(ends)


def test_an_end_that_clocks_skip_is_over_at_once():
    early = Quiet(dt.time(22), dt.time(2, 30))
    assert timing.quiet_ends(utc("2026-03-29 00:10"), BERLIN, early) == utc("2026-03-29 01:00")


def test_an_end_that_clocks_show_twice_is_each_time_what_it_says():
    early = Quiet(dt.time(22), dt.time(2, 30))
    assert timing.quiet_ends(utc("2026-10-25 00:10"), BERLIN, early) == utc("2026-10-25 00:30")
    assert timing.quiet_ends(utc("2026-10-25 01:10"), BERLIN, early) == utc("2026-10-25 01:30")


times = st.times().map(lambda each: each.replace(second=0, microsecond=0))
moments = st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 31), timezones=st.just(dt.UTC))


@given(moments, times, times, st.sampled_from(ZONES))
def test_after_a_quiet_moment_comes_the_first_that_is_not(at, start, end, zone):
    quiet = Quiet(start, end)
    if start == end or not timing.is_quiet(at, zone, quiet):
        return
    ends = timing.quiet_ends(at, zone, quiet)
    assert at < ends <= at + dt.timedelta(hours=26)
    assert not timing.is_quiet(ends, zone, quiet)
    before = [at + (ends - at) * step / 50 for step in range(50)]
    assert all(timing.is_quiet(each, zone, quiet) for each in before)


@given(moments, st.integers(0, 23), st.sampled_from(ZONES))
def test_there_is_one_digest_on_each_date_and_none_is_passed_over(at, hour, zone):
    before, after = timing.digest_before(at, zone, hour), timing.digest_after(at, zone, hour)
    assert before <= at < after
    assert dt.timedelta(hours=22) <= after - before <= dt.timedelta(hours=26)
    assert timing.digest_after(before, zone, hour) == after
    place = hours.zone(zone)
    assert (after.astimezone(place).date() - before.astimezone(place).date()).days == 1


def test_a_digest_keeps_its_hour_when_clocks_change():
    at = utc("2026-03-27 12:00")
    found = []
    for _ in range(3):
        at = timing.digest_after(at, BERLIN, 8)
        found.append(at)
    assert found == [utc("2026-03-28 07:00"), utc("2026-03-29 06:00"), utc("2026-03-30 06:00")]

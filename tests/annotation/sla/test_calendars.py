"""Working time over weekends, holidays and changes of the clocks: worked out by hand, and as laws."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from annotation.sla.calendars import Calendar, moment
from evaltrack.accounts.hours import WEEKDAYS

HOUR = dt.timedelta(hours=1)
NOTHING = dt.timedelta()
BERLIN = ZoneInfo("Europe/Berlin")


def calendar(zone="Europe/Berlin", start=9, end=17, days="mon tue wed thu fri", holidays=()):
    hours = dict.fromkeys(days.split(), (start * HOUR, end * HOUR))
    return Calendar(ZoneInfo(zone), hours, frozenset(map(dt.date.fromisoformat, holidays)))


def at(text, zone=BERLIN):
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone)


OFFICE = calendar()
NIGHT = calendar(start=1, end=4, days="sat sun")
ALWAYS = calendar(start=0, end=24, days=" ".join(WEEKDAYS))


# ── By hand ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        # Monday to Friday from 9 to 17; 2026-03-06 is a Friday.
        ("2026-03-04T10:00", 4, "2026-03-04T14:00"),
        ("2026-03-04T09:00", 8, "2026-03-04T17:00"),  # the evening, not the next morning
        ("2026-03-04T16:00", 2, "2026-03-05T10:00"),
        ("2026-03-06T16:00", 2, "2026-03-09T10:00"),  # over the weekend
        ("2026-03-07T12:00", 1, "2026-03-09T10:00"),  # asked on a Saturday
        ("2026-03-04T03:00", 1, "2026-03-04T10:00"),  # before work
        ("2026-03-04T22:00", 1, "2026-03-05T10:00"),  # after work
        ("2026-03-04T10:00", 40, "2026-03-11T10:00"),
        ("2026-03-09T10:00", -2, "2026-03-06T16:00"),
        ("2026-03-05T09:00", -8, "2026-03-04T09:00"),
        ("2026-03-07T12:00", -1, "2026-03-06T16:00"),
    ],
)
def test_working_time_passes_only_at_work(start, hours, end):
    assert OFFICE.add(at(start), hours * HOUR) == at(end)
    assert OFFICE.between(at(start), at(end)) == hours * HOUR


def test_holidays_are_left_out():
    # Good Friday and Easter Monday of 2026.
    easter = calendar(holidays=["2026-04-03", "2026-04-06"])
    assert easter.add(at("2026-04-02T16:00"), 2 * HOUR) == at("2026-04-07T10:00")
    assert OFFICE.add(at("2026-04-02T16:00"), 2 * HOUR) == at("2026-04-03T10:00")
    assert easter.between(at("2026-04-02T16:00"), at("2026-04-07T10:00")) == 2 * HOUR


def test_a_holiday_is_one_where_the_calendar_is():
    """It is the 25th in Tokyo for nine hours before it is in London."""
    tokyo = calendar("Asia/Tokyo", start=0, end=24, days=" ".join(WEEKDAYS), holidays=["2026-12-25"])
    eve = at("2026-12-24T14:00", dt.UTC)  # 23:00 in Tokyo
    assert tokyo.add(eve, 2 * HOUR) == at("2026-12-25T16:00", dt.UTC)


def test_office_hours_are_the_same_by_the_clock_on_both_sides_of_a_change():
    """Clocks go forward on 2026-03-29 and back on 2026-10-25: 9:00 is 8:00 UTC before, and 7:00 after."""
    spring = OFFICE.add(at("2026-03-27T16:00"), 2 * HOUR)
    assert spring == at("2026-03-30T10:00") == at("2026-03-30T08:00", dt.UTC)
    autumn = OFFICE.add(at("2026-10-23T16:00"), 2 * HOUR)
    assert autumn == at("2026-10-26T10:00") == at("2026-10-26T09:00", dt.UTC)


def test_a_night_in_which_clocks_change_is_an_hour_shorter_or_longer():
    # From 1:00 to 4:00: two hours on the last Sunday of March, four on that of October.
    assert NIGHT.between(at("2026-03-29T00:00"), at("2026-03-29T12:00")) == 2 * HOUR
    assert NIGHT.between(at("2026-10-25T00:00"), at("2026-10-25T12:00")) == 4 * HOUR
    assert NIGHT.between(at("2026-06-07T00:00"), at("2026-06-07T12:00")) == 3 * HOUR
    assert NIGHT.add(at("2026-03-29T00:00"), 1.5 * HOUR) == at("2026-03-29T03:30")
    assert NIGHT.add(at("2026-10-25T00:00"), 2.5 * HOUR) == at("2026-10-25T01:30", dt.UTC)  # 2:30, again


def test_days_of_23_and_25_hours():
    for date, hours in (("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-07", 24)):
        start, end = ALWAYS.on(dt.date.fromisoformat(date))
        assert (end - start) == hours * HOUR


def test_what_clocks_skip_has_no_length():
    skipped = calendar(start=2.25, end=3, days="sun")
    start, end = skipped.on(dt.date(2026, 3, 29))
    assert start == end == at("2026-03-29T01:00", dt.UTC)
    # The next one is a week later.
    assert skipped.add(at("2026-03-28T12:00"), HOUR / 2) == at("2026-04-05T02:45")


def test_a_day_that_a_place_never_had_is_no_working_day():
    """Samoa went from the 29th to the 31st of December 2011."""
    apia = calendar("Pacific/Apia", start=0, end=24, days=" ".join(WEEKDAYS))
    start, end = apia.on(dt.date(2011, 12, 30))
    assert start == end
    assert apia.add(start - HOUR, 2 * HOUR) == start + HOUR


def test_clocks_that_change_by_half_an_hour():
    """Lord Howe: 2:00 becomes 2:30 on 2026-10-04."""
    place = ZoneInfo("Australia/Lord_Howe")
    change = at("2026-10-03T15:30", dt.UTC)
    assert moment(dt.datetime(2026, 10, 4, 2, 10), place) == change
    assert moment(dt.datetime(2026, 10, 4, 2, 30), place) == change
    assert moment(dt.datetime(2026, 10, 4, 1, 59), place) == change - HOUR / 60


def test_a_calendar_without_working_hours_is_refused_in_words():
    with pytest.raises(ValueError, match="has no working hours"):
        Calendar(BERLIN, {})


# ── As laws ──────────────────────────────────────────────────────────────────────────────────────────

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"]
# Where clocks change at midnight.
ZONES += ["America/Havana", "America/Sao_Paulo", "Africa/Cairo"]
MOMENTS = st.datetimes(dt.datetime(2011, 1, 1), dt.datetime(2030, 1, 1), timezones=st.just(dt.UTC))
AMOUNTS = st.integers(0, 12 * 24 * 3600).map(lambda seconds: dt.timedelta(seconds=seconds))


@st.composite
def calendars(draw):
    days = draw(st.sets(st.sampled_from(list(WEEKDAYS)), min_size=1))
    hours = {}
    for day in days:
        start = draw(st.integers(0, 24 * 60 - 60))
        hours[day] = (start * HOUR / 60, draw(st.integers(start + 60, 24 * 60)) * HOUR / 60)
    holidays = draw(st.sets(st.dates(dt.date(2011, 1, 1), dt.date(2030, 12, 31)), max_size=10))
    return Calendar(ZoneInfo(draw(st.sampled_from(ZONES))), hours, frozenset(holidays))


@st.composite
def around(draw, start):
    """Within some weeks, so that there is not much to walk through."""
    return start + draw(st.sampled_from([1, -1])) * draw(AMOUNTS)


@given(st.data(), calendars(), MOMENTS)
def test_working_time_adds_up(data, office, one):
    other, third = data.draw(around(one)), data.draw(around(one))
    assert office.between(one, other) + office.between(other, third) == office.between(one, third)


@given(st.data(), calendars(), MOMENTS)
def test_no_more_is_worked_than_time_passes(data, office, one):
    other = data.draw(around(one))
    assert abs(office.between(one, other)) <= abs(other - one)


@given(calendars(), MOMENTS, AMOUNTS, st.sampled_from([1, -1]))
def test_what_was_added_has_been_worked(office, one, amount, sign):
    assert office.between(one, office.add(one, sign * amount)) == sign * amount


@given(st.data(), calendars(), MOMENTS)
def test_adding_what_was_worked_leads_to_the_end_of_that_work(data, office, one):
    other = data.draw(around(one))
    there = office.add(one, office.between(one, other))
    assert abs(there - one) <= abs(other - one)
    assert office.between(there, other) == NOTHING


@given(calendars(), MOMENTS, AMOUNTS, AMOUNTS, st.sampled_from([1, -1]))
def test_two_amounts_in_turn_are_their_sum(office, one, first, second, sign):
    assume(second)
    assert office.add(office.add(one, sign * first), sign * second) == office.add(
        one, sign * (first + second)
    )


@given(calendars(), MOMENTS, AMOUNTS, AMOUNTS, AMOUNTS, st.sampled_from([1, -1]))
def test_later_and_longer_end_no_earlier(office, one, wait, less, more, sign):
    less, more = sorted([less, more])
    assert office.add(one, sign * less) <= office.add(one + wait, sign * less)
    assert sign * (office.add(one, sign * more) - office.add(one, sign * less)) >= NOTHING


@given(calendars(), MOMENTS, AMOUNTS, AMOUNTS)
def test_what_is_late_by_an_amount_was_due_before_so_much_work(office, due, delay, later):
    """So a single moment tells apart, in one query, all that is late by `delay`."""
    now = due + later
    assert (office.add(due, delay) <= now) == (due <= office.add(now, -delay)) or delay == NOTHING


@given(calendars(), MOMENTS, st.integers(0, 72 * 60))
def test_minute_by_minute_it_is_the_same(office, one, minutes):
    """Counted by the clock on the wall, where it shows no time twice."""
    one = one.replace(second=0, microsecond=0)
    other = one + dt.timedelta(minutes=minutes)
    walls = [(one + dt.timedelta(minutes=each)).astimezone(office.place) for each in range(minutes)]
    assume(all(wall.utcoffset() == walls[0].utcoffset() for wall in walls))
    assume(not any(wall.utcoffset() != wall.replace(fold=1).utcoffset() for wall in walls))

    def works(wall):
        since = dt.timedelta(hours=wall.hour, minutes=wall.minute)
        start, end = office.hours.get(list(WEEKDAYS)[wall.weekday()], (NOTHING, NOTHING))
        return wall.date() not in office.holidays and start <= since < end

    assert office.between(one, other) == dt.timedelta(minutes=sum(map(works, walls)))

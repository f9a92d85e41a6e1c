"""Where a day begins and ends, working hours, and language tags: pure functions."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltrack.accounts import hours, languages

MOMENTS = st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2060, 1, 1), timezones=st.just(dt.UTC))
# Among them zones whose clocks change at midnight, that skipped a day, or that lie half an hour beside the others.
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/Sao_Paulo",
        "Asia/Beirut",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "Africa/Cairo",
    ]
)


@given(MOMENTS, ZONES)
def test_every_moment_lies_in_its_day_and_days_follow_each_other(at, name):
    start, end = hours.day_of(at, name)
    assert start <= at < end
    assert dt.timedelta(hours=22) <= end - start <= dt.timedelta(hours=26)
    assert hours.day_of(start, name) == (start, end)
    assert hours.day_of(end, name)[0] == end
    assert start.astimezone(ZoneInfo(name)).date() == at.astimezone(ZoneInfo(name)).date()


def test_a_day_with_a_change_of_clocks_is_longer_or_shorter():
    def length(*date):
        start, end = hours.day_of(dt.datetime(*date, 12, tzinfo=dt.UTC), "Europe/Berlin")
        return (end - start) / dt.timedelta(hours=1)

    assert [length(2026, 3, 29), length(2026, 6, 1), length(2026, 10, 25)] == [23, 24, 25]


def test_a_zone_that_is_not_known_any_more_is_taken_for_utc():
    at = dt.datetime(2026, 5, 1, 23, tzinfo=dt.UTC)
    for name in ("Europe/Atlantis", "../etc/passwd", ""):
        assert hours.day_of(at, name) == hours.day_of(at, "UTC")


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"mon": ["09:00", "17:00"], "sun": ["00:00", "24:00"]}, []),
        ({"mon": ["17:00", "09:00"]}, ["mon"]),
        ({"mon": ["09:00", "09:00"]}, ["mon"]),
        ({"mon": ["9:00", "17:00"]}, ["mon"]),
        ({"mon": ["09:00", "24:01"]}, ["mon"]),
        ({"mon": ["09:00"]}, ["mon"]),
        ({"mon": "0917"}, ["mon"]),
        ({"mon": [9, 17]}, ["mon"]),
        ({"monday": ["09:00", "17:00"]}, ["monday"]),
    ],
)
def test_hours_have_a_beginning_and_a_later_end(given, wrong):
    assert list(hours.problems(given)) == wrong


def test_days_with_the_same_hours_are_said_together():
    week = {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "fri")} | {"sat": ["10:00", "12:00"]}
    assert hours.spoken(week) == "Monday to Wednesday 09:00–17:00; Friday 09:00–17:00; Saturday 10:00–12:00"
    assert hours.spoken({}) == ""


@pytest.mark.parametrize(
    ("typed", "usual"),
    [
        ("de", "de"),
        ("DE-ch", "de-CH"),
        (" en-gb ", "en-GB"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("sl-rozaj-1994", "sl-rozaj-1994"),
        ("german", None),
        ("d", None),
        ("de_CH", None),
        ("de-", None),
        ("", None),
        ("dé", None),
        ("de-CH-" + "x" * 40, None),
    ],
)
def test_language_tags_are_written_in_the_usual_way(typed, usual):
    assert languages.canonical(typed) == usual
    assert usual is None or languages.canonical(usual) == usual


def test_a_variety_covers_its_language_and_not_the_other_way_round():
    assert languages.covers("de-CH", "de")
    assert languages.covers("de", "de")
    assert not languages.covers("de", "de-CH")
    assert not languages.covers("den", "de")

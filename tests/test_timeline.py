"""Measurements along time: what is drawn where, and what is joined."""

import datetime as dt
import re

from evaltrack.templatetags import timeline
from evaltrack.templatetags.timeline import Spot

DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def spot(days: float, value: float, *, group: object = 1, line: str = "level", title: str = "") -> Spot:
    statistic = {"value": value, "ci_low": value - 0.1, "ci_high": value + 0.1}
    return Spot(DAY + dt.timedelta(days=days), statistic, line, group, title)


def drawn(*spots: Spot) -> str:
    return str(timeline.plot(spots, label=lambda value: f"{value:g}"))


def test_distances_are_those_of_time():
    places = [
        float(x)
        for x in re.findall(
            r"<circle class='point' cx='([\d.]+)%'", drawn(spot(0, 0.5), spot(1, 0.5), spot(9, 0.5))
        )
    ]
    assert places[2] - places[1] > 7.9 * (places[1] - places[0])


def test_a_band_joins_what_means_the_same_and_breaks_where_it_does_not():
    same = [spot(0, 0.5), spot(1, 0.6)]
    assert drawn(*same).count("<polygon") == 1
    assert drawn(*same, spot(2, 0.5, group=2), spot(3, 0.5, group=2)).count("<polygon") == 2
    assert drawn(spot(0, 0.5), spot(1, 0.6, group=2)).count("<polygon") == 0


def test_arms_have_each_their_band():
    several = [spot(day, 0.5, line=line) for day in (0, 1) for line in ("baseline", "candidate")]
    found = drawn(*several)
    assert found.count("<polygon") == 2
    assert found.count("line-baseline") == found.count("line-candidate") == 3


def test_what_is_undefined_is_not_drawn():
    nothing = Spot(DAY, {"undefined": "none"}, "level", 1, "")
    assert "Nothing to draw" in drawn(nothing)
    assert drawn(nothing, spot(1, 0.5)).count("<circle") == 1


def test_a_single_point_stands_in_the_middle():
    assert "cx='50.0%'" in drawn(spot(0, 0.5))


def test_titles_are_escaped():
    assert "<b>" not in drawn(spot(0, 0.5, title="<b>"))

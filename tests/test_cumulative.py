"""Distributions as curves: what is drawn is the share of values up to each place."""

from xml.etree import ElementTree

import numpy as np
import pytest

from evaltrack.templatetags.cumulative import STEPS, plot, reach


def curve(markup, name):
    for line in ElementTree.fromstring(f"<div>{markup}</div>").iter("polyline"):
        if name in line.get("class"):
            return [tuple(map(float, point.split(","))) for point in line.get("points").split()]
    return None


def test_a_curve_passes_through_its_quantiles():
    values = np.random.default_rng(1).lognormal(6, 0.5, size=5000)
    points = curve(plot({"candidate": values}), "candidate")
    assert len(points) == STEPS + 1
    end = reach({"candidate": values})
    across, down = points[STEPS // 2]
    assert (across, down) == pytest.approx((np.median(values) / end * 100, 50), abs=0.01)


def test_both_share_an_axis_that_stragglers_do_not_stretch():
    fast, slow = [100.0] * 99 + [90_000.0], [200.0] * 100
    assert reach({"baseline": slow, "candidate": fast}) < 2000
    assert max(x for x, _ in curve(plot({"baseline": slow, "candidate": fast}), "candidate")) <= 102


def test_it_rises_from_the_left():
    points = curve(plot({"baseline": [3.0, 1.0, 2.0]}), "baseline")
    assert points == sorted(points, key=lambda point: (point[0], -point[1]))


def test_an_arm_without_values_is_left_out_and_none_are_said():
    assert curve(plot({"baseline": [], "candidate": [1.0]}), "baseline") is None
    assert "no values" in plot({"baseline": [], "candidate": []})

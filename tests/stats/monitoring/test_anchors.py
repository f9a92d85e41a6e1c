"""The system's change and the raters': what each is blamed for, and how often the interval holds."""

import numpy as np
import pytest

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.independent import welch_difference
from evaltrack.stats.monitoring import apart_from_raters
from evaltrack.stats.paired import mean_difference_t

approx = pytest.approx


def periods(rng, system, raters, n=200, anchors=60):
    known = rng.normal(3, 1, anchors)
    return (
        rng.normal(3 + system + raters, 1, n),
        rng.normal(3, 1, n),
        known + raters + rng.normal(0, 0.4, anchors),
        known + rng.normal(0, 0.4, anchors),
    )


def test_what_the_raters_did_is_not_the_systems():
    after, before, again, first = periods(np.random.default_rng(1), system=0.0, raters=-0.5)
    moved = apart_from_raters(after, before, again, first)
    assert moved.seen.ci_high < 0
    assert moved.raters.ci_high < 0
    assert moved.system.ci_low < 0 < moved.system.ci_high
    assert moved.seen == welch_difference(after, before)
    assert moved.raters == mean_difference_t(again, first)
    assert moved.system.value == approx(moved.seen.value - moved.raters.value)
    assert moved.as_json()["system"] == moved.system.as_json()


def test_exchanging_the_periods_mirrors():
    after, before, again, first = periods(np.random.default_rng(2), 0.2, 0.1)
    there, back = (
        apart_from_raters(after, before, again, first),
        apart_from_raters(before, after, first, again),
    )
    assert (there.system.ci_low, there.system.ci_high) == approx((-back.system.ci_high, -back.system.ci_low))


def test_it_holds_in_95_percent_of_samples():
    rng = np.random.default_rng(3)
    held = []
    for _ in range(2000):
        system = apart_from_raters(*periods(rng, 0.3, -0.4, n=30, anchors=15)).system
        held.append(system.ci_low <= 0.3 <= system.ci_high)
    assert np.mean(held) == approx(0.95, abs=0.015)


def test_what_is_missing():
    some = [1.0, 2.0, 4.0]
    assert "no anchor items" in apart_from_raters(some, some, [], []).system.reason
    assert isinstance(apart_from_raters([], some, some, some).system, Undefined)
    assert "equal" in apart_from_raters(some, some, some, some).system.ci_undefined
    with pytest.raises(ValueError):
        apart_from_raters(some, some, some, some[:2])

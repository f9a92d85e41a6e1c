import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.independent import miettinen_nurminen
from evaltrack.stats.intervals import mean_t, wilson
from evaltrack.stats.monitoring import drop, mean_drop, relative_change, share_drop

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
counts = st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def seen(value, low, high):
    return Estimate(value, low, high, 500, "m")


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (seen(-0.05, -0.07, -0.03), "confirmed"),
        (seen(-0.05, -0.09, -0.01), "suspected"),
        (seen(-0.05, -0.11, 0.01), "watch"),
        (seen(-0.015, -0.019, -0.011), "watch"),
        (seen(-0.01, -0.05, 0.03), "none"),
        (seen(0.05, 0.01, 0.09), "none"),
        (Estimate(-0.3, None, None, 1, "m", "one value has no spread"), "watch"),
        (Estimate(0.3, None, None, 1, "m", "one value has no spread"), "none"),
    ],
)
def test_the_state_follows_from_where_the_interval_lies(change, state):
    found = drop(change, margin=0.02, scale="absolute")
    assert found.state == state
    assert found.text.startswith(f"{state}: changed by {change.value:+.4g}")
    assert found.text.endswith("absolute")


def test_an_unchanged_share_is_often_watched_and_next_to_never_confirmed():
    """Exactly, for 90 % of 200 before and after: chances of all pairs of counts that matter."""
    n, successes = 200, np.arange(155, 201)
    chance = stats.binom.pmf(successes, n, 0.9)
    states = dict.fromkeys(("none", "watch", "suspected", "confirmed"), 0.0)
    for after, p1 in zip(successes.tolist(), chance.tolist(), strict=True):
        for before, p0 in zip(successes.tolist(), chance.tolist(), strict=True):
            states[share_drop((after, n), (before, n), margin=0.02).state] += p1 * p0
    assert sum(states.values()) == approx(1, abs=1e-6)
    assert 1 - states["none"] == approx(0.226, abs=1e-3)  # what an alarm on the point estimate would do
    assert states["suspected"] + states["confirmed"] == approx(0.025, abs=5e-3)
    assert states["confirmed"] < 0.01


def test_a_share_of_ninety_that_falls_to_eighty_per_cent():
    window = share_drop((160, 200), (180, 200), margin=0.02)
    assert (window.state, window.change) == ("confirmed", miettinen_nurminen(160, 200, 180, 200))
    watched = share_drop((160, 200), (180, 200), margin=0.02, any_time=True)
    assert (watched.state, watched.change.kind) == ("watch", "any-time")
    assert share_drop((800, 1000), (900, 1000), margin=0.02, any_time=True).state == "confirmed"
    relative = share_drop((160, 200), (180, 200), margin=0.05, scale="relative")
    assert relative.change.value == approx(-1 / 9)
    assert relative.state == "suspected"
    assert relative.text.endswith("margin -5.00%, relative to the level before")


def test_relative_change_is_mover_r_of_fagerland_lydersen_and_laake_2017():
    """Perondi 2004: 7/34 against 1/34, ratio 7.0000 (1.1537 to 41.9763), printed by the authors' package."""
    found = relative_change(wilson(7, 34), wilson(1, 34))
    assert 1 + found.value == approx(7)
    assert (1 + found.ci_low, 1 + found.ci_high) == approx((1.1537, 41.9763), abs=5e-5)


@repeatable
@given(counts, counts)
def test_a_relative_limit_is_where_newcombe_s_interval_of_a_contrast_touches_zero(after, before):
    """MOVER-R inverts the interval of p₁ − r·p₀, whose halves are those of the two Wilson intervals."""
    ours, theirs = wilson(*after), wilson(*before)
    found = relative_change(ours, theirs)
    if before[0] == 0:
        assert isinstance(found, Undefined)
        return
    for limit, sign in ((1 + found.ci_low, 1), (1 + found.ci_high, -1)):
        contrast = ours.value - limit * theirs.value
        near = ours.value - ours.ci_low if sign > 0 else ours.ci_high - ours.value
        far = theirs.ci_high - theirs.value if sign > 0 else theirs.value - theirs.ci_low
        assert sign * contrast == approx(math.hypot(near, limit * far), abs=1e-7 * max(1, limit))


@repeatable
@given(st.integers(0, 10**6), st.floats(-3, 3), st.floats(0.3, 3))
def test_a_relative_change_of_means_scales_with_neither_side(seed, after_mean, before_mean):
    rng = np.random.default_rng(seed)
    after, before = rng.normal(after_mean, 1, 30), rng.normal(before_mean, 0.1, 30)
    once, scaled = (relative_change(mean_t(after * c), mean_t(before * c)) for c in (1.0, 8.0))
    assert (once.ci_low, once.ci_high) == approx((scaled.ci_low, scaled.ci_high))
    assert once.ci_low <= after.mean() / before.mean() - 1 <= once.ci_high


def test_means_are_compared_by_welch_or_relative_to_the_level_before():
    rng = np.random.default_rng(7)
    before, after = rng.normal(4.0, 0.5, 400), rng.normal(3.6, 0.5, 400)
    assert mean_drop(after, before, margin=0.2).state == "confirmed"
    assert mean_drop(after, before, margin=0.05, scale="relative").state == "confirmed"
    assert mean_drop(after, before, margin=0.2, scale="relative").state == "watch"
    assert mean_drop(before, after, margin=0.0).state == "none"


def test_degenerate_and_malformed_windows():
    assert share_drop((0, 0), (1, 2), margin=0.02) == Undefined("one side has no examples")
    assert isinstance(share_drop((1, 2), (0, 0), margin=0.02, scale="relative"), Undefined)
    assert "not clearly above 0" in share_drop((1, 2), (0, 9), margin=0.02, scale="relative").reason
    assert "not clearly above 0" in mean_drop([1, 2], [-1, 1], margin=0.1, scale="relative").reason
    assert mean_drop([], [1.0], margin=0.1, scale="relative") == Undefined("there are no values")
    nothing = share_drop((0, 50), (45, 50), margin=0.5, scale="relative")
    assert (nothing.state, nothing.change.ci_low) == ("confirmed", -1)
    single = mean_drop([1.0], [2.0, 2.1], margin=0.1, scale="relative")
    assert (single.state, single.change.ci_low) == ("watch", None)
    for call in (
        lambda: share_drop((1, 2), (1, 2), margin=-0.1),
        lambda: share_drop((1, 2), (1, 2), margin=math.nan),
        lambda: share_drop((3, 2), (1, 2), margin=0.1),
        lambda: share_drop((1, 2), (1, 2), margin=0.1, scale="relative", any_time=True),
        lambda: drop(seen(0, -1, 1), margin=0.1, scale="points"),
        lambda: mean_drop([math.nan], [1.0], margin=0.1),
    ):
        with pytest.raises(ValueError):
            call()

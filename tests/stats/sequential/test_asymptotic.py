import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.independent import welch_difference
from evaltrack.stats.intervals import mean_t
from evaltrack.stats.preference import net_preference
from evaltrack.stats.sequential import (
    linear_any_time,
    linear_p_any_time,
    mean_any_time,
    mean_difference_any_time,
)
from evaltrack.stats.sequential.asymptotic import (
    best_rho,
    log_normal_mixture,
    log_one_sided_mixture,
    normal_mixture_bound,
    one_sided_bound,
)

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)


def test_the_normal_mixture_has_the_values_of_confseq():
    """Printed in the unit tests of Howard et al. 2021's package, two-sided."""
    rho = best_rho(100)
    assert rho == approx(12.60056, abs=5e-6)
    assert float(log_normal_mixture(10, 100, rho)) == approx(-0.6510052, abs=5e-8)
    assert normal_mixture_bound(100, rho) == approx(30.35209, abs=5e-6)


def test_the_one_sided_mixture_has_the_values_of_confseq():
    rho = best_rho(100, 0.1)
    assert float(log_one_sided_mixture(10, 100, rho)) == approx(-0.06502391, abs=5e-9)
    assert one_sided_bound(100, rho) == approx(27.66071, abs=5e-6)


@repeatable
@given(st.floats(1, 1e5), st.floats(0.1, 1e4), st.floats(1e-6, 0.2))
def test_one_side_costs_less_than_both_and_errs_no_more_than_it_says(v, rho, alpha):
    bound = one_sided_bound(v, rho, alpha)
    assert 0 < bound < normal_mixture_bound(v, rho, alpha / 2)
    assert float(log_one_sided_mixture(bound, v, rho)) == approx(-math.log(alpha), abs=1e-6)


def test_the_expected_one_sided_evidence_of_a_fair_walk_is_one():
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    for v in (0.5, 3.0):
        evidence = np.exp(log_one_sided_mixture(nodes * math.sqrt(v), v, 12.6))
        assert float(weights @ evidence) / math.sqrt(2 * math.pi) == approx(1, abs=1e-6)


@pytest.mark.parametrize(("n", "radius"), [(50, 0.43608), (100, 0.30352), (500, 0.14101), (1000, 0.10251)])
def test_the_radius_is_that_of_waudby_smith_2024(n, radius):
    estimate = linear_any_time(0.0, 1.0, n, planned=100)
    assert (-estimate.ci_low, estimate.ci_high) == approx((radius, radius), abs=5e-6)
    squared = 0.0793615  # their ρ², in their formula
    theirs = math.sqrt(2 * (n * squared + 1) / (n**2 * squared) * math.log(math.sqrt(n * squared + 1) / 0.05))
    assert estimate.ci_high == approx(theirs, abs=1e-7)


def test_the_bound_is_tightest_near_the_planned_number():
    def at_1000(planned):
        return linear_any_time(0.0, 1.0, 1000, planned=planned).ci_high

    assert at_1000(1000) < min(at_1000(500), at_1000(2000), at_1000(100))


@repeatable
@given(st.integers(0, 10**6), st.integers(50, 3000), st.integers(1, 5000))
def test_the_interval_contains_student_s(seed, n, planned):
    values = np.random.default_rng(seed).exponential(size=n)
    any_time, once = mean_any_time(values, planned=planned), mean_t(values)
    assert any_time.ci_low < once.ci_low < once.ci_high < any_time.ci_high
    assert (any_time.kind, any_time.n, any_time.clusters) == ("any-time", n, None)


@repeatable
@given(st.floats(-1, 1), st.floats(0.01, 10), st.integers(50, 10**6), st.floats(-1, 1))
def test_the_p_value_is_under_a_twentieth_exactly_when_the_interval_excludes_the_null(value, spread, n, null):
    estimate = linear_any_time(value, spread, n, planned=300)
    test = linear_p_any_time(value, spread, n, planned=300, null=null)
    if abs(test.p_value - 0.05) > 1e-9:
        assert (test.p_value < 0.05) == (not estimate.ci_low <= null <= estimate.ci_high)


def test_clusters_are_what_is_counted():
    rng = np.random.default_rng(4)
    items = np.repeat(np.arange(60), 5).tolist()
    votes = np.where(rng.random(300) < rng.beta(1.4, 0.9, size=60).repeat(5), 1.0, -1.0)
    found, once = mean_any_time(votes, items, planned=60), net_preference(votes, items)
    assert (found.n, found.clusters, found.value) == (300, 60, once.value)
    # Both intervals rest on the same cluster-robust standard error, t with 59 degrees of freedom: 2.001.
    ratio = (found.ci_high - found.value) / (once.ci_high - once.value)
    assert ratio == approx(normal_mixture_bound(60, best_rho(60)) / math.sqrt(60) / 2.000995, rel=1e-6)
    each = mean_any_time(votes, list(range(300)), planned=60)
    alone = mean_any_time(votes, planned=60)
    assert (each.ci_low, each.ci_high, each.clusters) == (alone.ci_low, alone.ci_high, 300)


def test_degenerate_and_malformed_values():
    assert mean_any_time([], planned=100) == Undefined("there are no values")
    few = mean_any_time([1.0] * 49, planned=100)
    assert (few.value, few.ci_low, few.kind) == (1.0, None, "any-time")
    assert "50 are needed" in few.ci_undefined
    assert "spread is unknown" in mean_any_time([0.1 + 0.2] * 80, planned=100).ci_undefined
    assert (
        "49 independent units" in mean_any_time([1.0, 0.0] * 49, list(range(49)) * 2, planned=9).ci_undefined
    )
    assert isinstance(linear_p_any_time(0.1, 0.0, 80, planned=100), Undefined)
    for call in (
        lambda: linear_any_time(math.nan, 1.0, 80, planned=100),
        lambda: linear_any_time(0.0, -1.0, 80, planned=100),
        lambda: linear_any_time(0.0, 1.0, 80, planned=0),
        lambda: mean_any_time([1.0, 2.0], ["a"], planned=100),
        lambda: mean_any_time([1.0, math.nan], planned=100),
    ):
        with pytest.raises(ValueError):
            call()


# ── Against a window that is finished ────────────────────────────────────────────────────────────────


def test_a_drop_against_a_finished_window_is_seldom_wrongly_seen():
    """5,000 new values looked at after each 50th, where nothing changed: at most 5 % of 400 histories ever miss 0."""
    rng = np.random.default_rng(4)
    missed = 0
    for _ in range(400):
        before, after = rng.exponential(size=800), rng.exponential(size=5000)
        looks = [mean_difference_any_time(after[:n], before, planned=1000) for n in range(100, 5001, 50)]
        missed += any(not look.ci_low <= 0 <= look.ci_high for look in looks)
    assert missed / 400 <= 0.05


def test_it_is_wider_than_welchs_and_narrows():
    rng = np.random.default_rng(5)
    before, after = rng.normal(size=500), rng.normal(size=2000)
    some, all_ = (mean_difference_any_time(after[:n], before, planned=1000) for n in (200, 2000))
    welch = welch_difference(after, before)
    assert all_.value == approx(welch.value)
    assert welch.ci_high - welch.ci_low < all_.ci_high - all_.ci_low < some.ci_high - some.ci_low
    assert all_.kind == "any-time"


@pytest.mark.parametrize(
    ("after", "before", "reason"),
    [
        ([0.0, 1.0] * 24, [0.0, 1.0], "48 independent units"),
        ([0.5] * 60, [0.0, 1.0], "all 60 units are equal"),
        ([0.0, 1.0] * 30, [0.5], "do not differ"),
    ],
)
def test_without_spread_or_enough_values_it_has_no_interval(after, before, reason):
    found = mean_difference_any_time(after, before, planned=100)
    assert reason in found.ci_undefined
    assert isinstance(mean_difference_any_time([], before, planned=100), Undefined)

"""What several looks cost: Jennison and Turnbull's tables, simulated paths, all outcomes counted."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.planning import PairedMeans, PairedShares, WinRate, look_plan, share_stopping_time
from evaltrack.stats.sequential import (
    crossing_chances,
    looks,
    obrien_fleming_constant,
    overall_error,
    pocock_constant,
    share_any_time,
)

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=30)
MANY = PairedMeans(1.0)  # of which a small difference takes so many that whole numbers do not show


def planned(bound, count, power):
    """A plan of equally spaced looks with the bounds of Pocock or of O'Brien and Fleming."""
    shares = [k / count for k in range(1, count + 1)]
    if bound == "pocock":
        critical = [pocock_constant(count)] * count
    else:
        critical = [obrien_fleming_constant(count) / share**0.5 for share in shares]
    return look_plan(MANY, 0.01, shares, power=power, critical=critical)


@pytest.mark.parametrize(
    ("bound", "power", "inflation"),
    [
        ("pocock", 0.8, [1.110, 1.166, 1.202, 1.229]),
        ("pocock", 0.9, [1.100, 1.151, 1.183, 1.207]),
        ("obrien-fleming", 0.8, [1.008, 1.017, 1.024, 1.028]),
        ("obrien-fleming", 0.9, [1.007, 1.016, 1.022, 1.026]),
    ],
)
def test_maximum_sizes_are_those_of_jennison_and_turnbull_2000(bound, power, inflation):
    found = [planned(bound, count, power).inflation for count in (2, 3, 4, 5)]
    assert [round(each, 3) for each in found] == inflation


@pytest.mark.parametrize(("bound", "expected"), [("pocock", 0.685), ("obrien-fleming", 0.750)])
def test_five_looks_save_a_quarter_or_more_where_the_difference_is_there(bound, expected):
    plan = planned(bound, 5, 0.9)
    assert plan.expected_with / plan.fixed == approx(expected, abs=5e-4)
    assert plan.fixed < plan.expected_without < plan.maximum


def test_sizes_and_power_in_simulation():
    plan = look_plan(MANY, 0.1, [0.2, 0.5, 1.0], spending="pocock")
    sizes = [look.n for look in plan.looks]
    rng = np.random.default_rng(1)
    for truth, expected in ((0.0, plan.expected_without), (0.1, plan.expected_with)):
        steps = np.diff(sizes, prepend=0)
        sums = np.cumsum(rng.normal(truth * steps, np.sqrt(steps), size=(40_000, 3)), axis=1)
        z = sums / np.sqrt(sizes)
        crossed = np.abs(z) >= [look.critical for look in plan.looks]
        stopped_at = np.where(crossed.any(axis=1), crossed.argmax(axis=1), 2)
        assert np.array(sizes)[stopped_at].mean() == approx(expected, rel=0.01)
        rejected = (crossed[np.arange(len(z)), stopped_at] & (z[np.arange(len(z)), stopped_at] > 0)).mean()
        assert rejected == approx(0.8 if truth else 0.025, abs=0.008)


@repeatable
@given(
    st.lists(st.floats(0.05, 0.95), max_size=3, unique=True).map(sorted),
    st.sampled_from(["obrien-fleming", "pocock"]),
    st.sampled_from([0.8, 0.9]),
)
def test_looks_cost_at_most_and_save_on_average(early, spending, power):
    shares = [x for i, x in enumerate(early) if i == 0 or x > 1.05 * early[i - 1]] + [1.0]
    plan = look_plan(MANY, 0.01, shares, spending=spending, power=power)
    assert plan.maximum >= plan.fixed - 1
    assert plan.expected_with <= plan.expected_without + 1e-6
    assert plan.expected_without <= plan.maximum
    last = plan.looks[-1]
    assert last.stopped_without == approx(0.05, abs=1e-6)
    assert last.stopped_with >= power - 1e-6
    stops = [look.stopped_with for look in plan.looks]
    assert stops == sorted(stops)


def test_one_look_is_the_plan_without_looks():
    plan = look_plan(PairedShares(0.06), 0.02, [1.0])
    assert plan.maximum == plan.fixed == plan.expected_with == plan.expected_without == 1175
    assert plan.sentence == (
        "At most 1,175 examples in 1 looks, on average 1,175 if a difference of 0.02 is there and 1,175 if none is; "
        "one look takes 1,175."
    )


@repeatable
@given(st.floats(-4, 4), st.sampled_from(["obrien-fleming", "pocock"]))
def test_a_drift_the_other_way_exchanges_the_bounds(drift, spending):
    shares = [0.3, 0.6, 1.0]
    critical = [look.critical for look in looks(shares, spending=spending)]
    there, back = (crossing_chances(shares, critical, each) for each in (drift, -drift))
    for (lower, upper), mirrored in zip(there, back, strict=True):
        assert (upper, lower) == approx(mirrored, abs=1e-9)
    level = overall_error(shares, critical)
    assert [sum(each) for each in crossing_chances(shares, critical)] == approx(level)


def test_of_a_plan_that_does_not_exist_and_what_is_refused():
    assert isinstance(look_plan(PairedMeans(0.0), 0.1, [0.5, 1.0]), Undefined)
    assert isinstance(look_plan(PairedShares(0.1), 0.0, [0.5, 1.0]), Undefined)
    for shares in ([], [0.5], [0.5, 2.0]):
        with pytest.raises(ValueError, match="final size"):
            look_plan(MANY, 0.1, shares)
    with pytest.raises(ValueError, match="drift"):
        crossing_chances([1.0], [1.96], float("nan"))


def test_a_win_rate_of_sixty_percent_watched_vote_by_vote():
    """Half have stopped after 210 votes; a test at one look needs 194 for a power of 80 %."""
    found = share_stopping_time(0.6, 3000)
    assert found.median == 210
    assert found.expected == approx(241.2, abs=0.1)
    assert found.above > 0.99
    assert WinRate().needed(0.1).n == 194


def test_a_fair_coin_is_seldom_thought_unfair():
    fair = share_stopping_time(0.5, 500)
    assert fair.median is None
    assert fair.above == approx(fair.below)
    assert fair.above + fair.below == approx(0.034, abs=5e-4)
    assert fair.expected == approx(485.2, abs=0.1)
    for most in (50, 2000):
        assert sum((share_stopping_time(0.5, most).above, share_stopping_time(0.5, most).below)) < 0.05


@pytest.mark.parametrize(("truth", "null"), [(0.9, 0.5), (0.3, 0.6)])
def test_it_counts_all_sequences(truth, null):
    most, above, below, total = 13, 0.0, 0.0, 0.0
    seen = cache(share_any_time)
    for outcomes in product((0, 1), repeat=most):
        chance = truth ** sum(outcomes) * (1 - truth) ** (most - sum(outcomes))
        stopped = most
        for n in range(1, most + 1):
            shown = seen(sum(outcomes[:n]), n)
            if shown.ci_low > null or shown.ci_high < null:
                stopped = n
                above += chance * (shown.ci_low > null)
                below += chance * (shown.ci_high < null)
                break
        total += chance * stopped
    found = share_stopping_time(truth, most, null=null)
    assert (found.above, found.below, found.expected) == approx((above, below, total), abs=1e-9)


def test_impossible_stopping_times_are_refused():
    for wrong in ((0.0, 10), (1.0, 10), (0.5, 0), (0.5, 30_000)):
        with pytest.raises(ValueError):
            share_stopping_time(*wrong)
    assert share_stopping_time(0.7, 5).as_json()["median"] is None

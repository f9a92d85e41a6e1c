import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltrack.stats.sequential import (
    alpha_spent,
    looks,
    obrien_fleming_constant,
    overall_error,
    pocock_constant,
    repeated_p,
)

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
Z = stats.norm.ppf(0.975)
# Steps of information, scaled so that the last look is at `final`.
steps = st.lists(st.floats(0.05, 1), min_size=1, max_size=6)


def times_of(widths, final=1.0):
    return np.minimum(np.cumsum(widths) / np.sum(widths) * final, 1.0).tolist()


@pytest.mark.parametrize(
    ("count", "error"),
    [(1, 0.050), (2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193), (20, 0.248), (50, 0.320)],
)
def test_repeated_looks_at_a_nominal_twentieth_err_as_armitage_mcpherson_and_rowe_found(count, error):
    assert overall_error(range(1, count + 1), [Z] * count)[-1] == approx(error, abs=5e-4)


@pytest.mark.parametrize(
    ("count", "pocock", "obrien_fleming"),
    [(2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024), (5, 2.413, 2.040)],
)
def test_constants_of_pocock_and_obrien_fleming(count, pocock, obrien_fleming):
    assert pocock_constant(count) == approx(pocock, abs=6e-4)  # 2.2895 is printed as 2.289
    assert obrien_fleming_constant(count) == approx(obrien_fleming, abs=5e-4)


def test_the_bounds_of_four_looks_by_obrien_and_fleming_are_those_of_jennison_and_turnbull():
    constant = obrien_fleming_constant(4)
    assert [round(constant * math.sqrt(4 / k), 2) for k in range(1, 5)] == [4.05, 2.86, 2.34, 2.02]
    assert pocock_constant(1) == obrien_fleming_constant(1) == approx(Z)


def test_lan_demets_bounds_of_five_looks():
    """As in the programs of Reboussin et al. 2000, remembered, and reproduced here."""
    times = [0.2, 0.4, 0.6, 0.8, 1.0]
    assert [look.critical for look in looks(times)] == approx(
        [4.8769, 3.3569, 2.6803, 2.2898, 2.0310], abs=1.5e-4
    )
    assert [look.critical for look in looks(times, spending="pocock")] == approx(
        [2.4380, 2.4268, 2.4101, 2.3966, 2.3859], abs=1.5e-4
    )


def test_lan_demets_bounds_agree_with_a_published_one_sided_table():
    """Printed by another program for one side at 0.05, which is each side of two at 0.1."""
    first, second = looks([0.25, 0.5], level=0.1)
    assert first.alpha_spent / 2 == approx(8.85754e-5, rel=1e-5)
    assert (first.critical, second.critical) == approx((3.74955, 2.53993), abs=2e-5)


@repeatable
@given(steps, st.floats(1.0, 4.0))
def test_the_recursion_agrees_with_the_multivariate_normal(widths, z):
    times = np.array(times_of(widths[:3]))
    inside = stats.multivariate_normal(
        cov=np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times)), allow_singular=True
    ).cdf(np.full(len(times), z), lower_limit=np.full(len(times), -z))
    assert overall_error(times, [z] * len(times))[-1] == approx(1 - inside, abs=3e-5)


@repeatable
@given(steps, st.floats(0.2, 1.0), st.sampled_from(["obrien-fleming", "pocock"]))
def test_unequal_looks_spend_what_the_spending_function_allows(widths, final, spending):
    found = looks(times_of(widths, final), spending=spending)
    spent = overall_error([look.information for look in found], [look.critical for look in found])
    assert spent == approx([look.alpha_spent for look in found], rel=1e-6)
    assert spent[-1] <= 0.05 + 1e-9
    for look in found:
        assert look.nominal_p == approx(2 * stats.norm.sf(look.critical))


def test_earlier_bounds_do_not_depend_on_later_looks():
    alone, escalated = looks([0.25]), looks([0.25, 0.6, 1.0])
    assert escalated[0] == alone[0]
    assert escalated[-1].alpha_spent == approx(0.05)
    assert escalated[-1].critical > Z


def test_escalation_from_250_examples_to_1000_under_the_null():
    first, final = looks([0.25, 1.0])
    rng = np.random.default_rng(5)
    early = rng.normal(size=200_000)
    late = (early + math.sqrt(3) * rng.normal(size=200_000)) / 2
    crossed = (np.abs(early) >= first.critical) | (np.abs(late) >= final.critical)
    assert crossed.mean() == approx(0.05, abs=0.0015)


def test_extreme_looks_have_finite_bounds():
    early = looks([1e-4, 0.5, 1.0])[0]
    assert 30 < early.critical < 40
    assert early.nominal_p < 1e-200
    assert alpha_spent(1.0) == approx(0.05)
    assert alpha_spent(1.0, "pocock") == approx(0.05)


def test_impossible_plans_are_refused():
    for call in (
        lambda: looks([]),
        lambda: looks([0.0, 1.0]),
        lambda: looks([0.5, 0.5]),
        lambda: looks([0.5, 1.1]),
        lambda: looks([math.nan]),
        lambda: looks([0.5], spending="linear"),
        lambda: looks([0.5], level=0.0),
        lambda: looks(np.linspace(0.001, 1, 1000).tolist()),
        lambda: overall_error([1, 2], [1.96]),
        lambda: overall_error([1, 2], [1.96, math.inf]),
        lambda: pocock_constant(0),
    ):
        with pytest.raises(ValueError):
            call()


@repeatable
@given(steps, st.floats(0.2, 1.0), st.sampled_from(["obrien-fleming", "pocock"]), st.floats(0.001, 0.2))
def test_a_look_rejects_at_a_level_exactly_when_its_repeated_p_is_at_most_that_level(
    widths, final, spending, level
):
    times = times_of(widths, final)
    bound = looks(times, spending=spending, level=level)[-1].nominal_p
    if bound > 1e-280:
        assert repeated_p(bound, times, spending=spending) == approx(level, rel=1e-6)
        assert repeated_p(min(1.0, bound * 1.01), times, spending=spending) > level
        assert repeated_p(bound / 1.01, times, spending=spending) < level


def test_of_one_look_at_the_end_p_is_repeated_p():
    for p in (0.0001, 0.03, 0.5):
        assert repeated_p(p, [1.0], spending="pocock") == approx(p, rel=1e-6)
    assert repeated_p(1.0, [0.25, 1.0]) == 1.0
    assert repeated_p(0.0, [0.25, 1.0]) <= 1.1e-12
    for nothing in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError):
            repeated_p(nothing, [1.0])


def test_under_the_null_a_repeated_p_falls_to_a_twentieth_at_any_look_in_a_twentieth_of_cases():
    times = [0.2, 0.5, 1.0]
    rng = np.random.default_rng(11)
    paths = np.cumsum(rng.normal(size=(200_000, 3)) * np.sqrt(np.diff(times, prepend=0)), axis=1) / np.sqrt(
        times
    )
    p = 2 * stats.norm.sf(np.abs(paths))
    for level in (0.05, 0.02):
        # The largest p of each look whose repeated p is the level: what the function was inverted from.
        bounds = [look.nominal_p for look in looks(times, spending="pocock", level=level)]
        assert [repeated_p(b, times[: k + 1], spending="pocock") for k, b in enumerate(bounds)] == approx(
            [level] * 3
        )
        assert (p <= bounds).any(axis=1).mean() == approx(level, abs=0.0015)

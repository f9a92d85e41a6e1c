"""Plans for shares against R, published sizes, and the exact power of the tests that decide."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.independent import miettinen_nurminen_score
from evaltrack.stats.paired import mcnemar_exact, mcnemar_mid_p, tango_score
from evaltrack.stats.planning import IndependentShares, PairedShares, WinRate, mcnemar_power
from evaltrack.stats.planning.enumeration import critical

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)


def likely(distribution):
    return range(int(distribution.ppf(1e-9)), int(distribution.ppf(1 - 1e-9)) + 1)


def test_two_proportions_as_in_r():
    """power.prop.test(n = 50, p1 = .50, p2 = .75), and the same with power = .90."""
    assert IndependentShares(0.5).power(50, 0.25) == approx(0.7401659, abs=5e-8)
    plan = IndependentShares(0.5).needed(0.25, 0.9)
    assert plan.unrounded == approx(76.7, abs=0.05)
    assert plan.n == 77


def test_two_points_from_80_percent_need_6039_examples_on_each_side():
    plan = IndependentShares(0.8).needed(0.02)
    assert plan.unrounded == approx(6038.5, abs=0.05)
    assert plan.n == 6039


@pytest.mark.parametrize(("discordant", "examples"), [(0.04, 783), (0.06, 1175), (0.10, 1960), (0.20, 3922)])
def test_connor_1987_plans_for_two_points(discordant, examples):
    plan = PairedShares(discordant).needed(0.02)
    assert round(plan.unrounded) == examples
    assert plan.n == math.ceil(plan.unrounded)
    assert plan.exact_power == approx(0.8, abs=0.012)


def test_connor_1987_and_the_exact_power_of_five_points():
    plan = PairedShares(0.10).needed(0.05)
    assert plan.n == 312
    assert plan.exact_power == approx(0.8101, abs=5e-5)
    assert mcnemar_power(312, 0.10, 0.05, mid=False) == approx(0.7638, abs=5e-5)
    assert PairedShares(0.06).needed(0.02).unrounded == approx(1175.0, abs=0.05)


@pytest.mark.parametrize(("n", "discordant", "difference"), [(40, 0.3, 0.2), (15, 1.0, 0.5), (9, 0.5, -0.4)])
@pytest.mark.parametrize(("mid", "test"), [(True, mcnemar_mid_p), (False, mcnemar_exact)])
def test_exact_power_adds_up_the_tables_that_the_test_rejects(n, discordant, difference, mid, test):
    pairs, ours = stats.binom(n, discordant), (1 + difference / discordant) / 2
    power = 0.0
    for k in range(n + 1):
        for b in range(k + 1):
            candidate = [1] * b + [0] * (k - b) + [0] * (n - k)
            baseline = [0] * b + [1] * (k - b) + [0] * (n - k)
            if test(candidate, baseline).p_value < 0.05 and (2 * b - k) * difference > 0:
                power += pairs.pmf(k) * stats.binom.pmf(b, k, ours)
    assert mcnemar_power(n, discordant, difference, mid=mid) == approx(power, abs=1e-9)


@pytest.mark.parametrize("level", [0.2, 0.05, 0.01, 1e-4, 1e-8])
@pytest.mark.parametrize("mid", [True, False])
def test_the_critical_counts_are_the_last_that_the_test_rejects(level, mid):
    pairs = np.concatenate([np.arange(0, 300), np.arange(300, 20_000, 517), [10**6, 10**7]])
    most = critical(pairs, mid=mid, level=level)

    def p(count, k):
        at_most, at = stats.binom.cdf(count, k, 0.5), stats.binom.pmf(count, k, 0.5)
        return 2 * at_most - at if mid else 2 * at_most

    for k, count in zip(pairs.tolist(), most.tolist(), strict=True):
        assert count == -1 or p(count, k) < level
        assert 2 * (count + 1) >= k or p(count + 1, k) >= level


def test_a_plan_too_large_to_enumerate_is_still_a_plan():
    plan = PairedShares(0.3).needed(1e-7)
    assert plan.n > 10**14
    assert plan.exact_power is None


@repeatable
@given(st.integers(1, 400), st.floats(0.001, 1), st.floats(0, 1))
def test_the_exact_test_has_less_power_than_mid_p_and_neither_more_than_1(n, discordant, part):
    exact, mid = (mcnemar_power(n, discordant, part * discordant, mid=mid) for mid in (False, True))
    assert 0 <= exact <= mid <= 1
    assert (
        mcnemar_power(n, discordant, 0.0) <= 0.05
    )  # mid-p may exceed its level a little; not so one of its sides


@pytest.mark.parametrize(
    ("discordant", "delta", "margin"), [(0.10, 0.0, 0.05), (0.20, 0.02, 0.05), (0.30, -0.10, 0.02)]
)
def test_a_paired_plan_with_a_margin_settles_four_times_out_of_five(discordant, delta, margin):
    """Exact enumeration of Tango's test at −margin, on the side of it where delta lies."""
    n = PairedShares(discordant, margin=margin).needed(delta).n
    side = 1 if delta > -margin else -1
    only_candidate = (discordant + delta) / 2 / discordant
    power = 0.0
    pairs = stats.binom(n, discordant)
    for k in likely(pairs):
        for b in range(k + 1):
            if side * tango_score(b, k - b, n, -margin) > 1.959964:
                power += pairs.pmf(k) * stats.binom.pmf(b, k, only_candidate)
    assert power == approx(0.8, abs=0.04)


@pytest.mark.parametrize(("delta", "margin"), [(0.0, 0.10), (0.05, 0.05), (-0.25, 0.05)])
def test_an_independent_plan_with_a_margin_settles_four_times_out_of_five(delta, margin):
    """Exact enumeration of Miettinen and Nurminen's test at −margin, on the side of it where delta lies."""
    n = IndependentShares(0.8, margin=margin).needed(delta).n
    side = 1 if delta > -margin else -1
    ours, theirs = stats.binom(n, 0.8 + delta), stats.binom(n, 0.8)
    power = sum(
        ours.pmf(x1) * theirs.pmf(x2)
        for x1 in range(int(ours.ppf(1e-6)), int(ours.ppf(1 - 1e-6)) + 1)
        for x2 in range(int(theirs.ppf(1e-6)), int(theirs.ppf(1 - 1e-6)) + 1)
        if side * miettinen_nurminen_score(x1, n, x2, n, -margin) > 1.959964
    )
    assert power == approx(0.8, abs=0.02)


def test_two_points_not_worse():
    assert PairedShares(0.06, margin=0.02).needed(0.0).n == 1250


def test_win_rates():
    assert [WinRate().needed(difference).n for difference in (0.05, 0.10, 0.20)] == [783, 194, 47]
    assert WinRate().needed(0.10, 0.9).n == 259


def test_ties_and_votes_on_one_prompt_take_more_judgments():
    decisive = WinRate().needed(0.10).unrounded
    assert WinRate(ties=0.2).needed(0.10).unrounded == approx(decisive / 0.8)
    shared = WinRate(ties=0.2, votes=5, alike=0.3)
    assert shared.needed(0.10).unrounded == approx(decisive / 0.8 * 2.2)
    assert (shared.needed(0.10).n, shared.prompts(shared.needed(0.10).n)) == (534, 107)


def test_a_win_rate_has_the_promised_power():
    """60 % of decisive votes, 20 % ties, counted by the score test of the decisive ones."""
    n = WinRate(ties=0.2).needed(0.10).n
    decisive = stats.binom(n, 0.8)
    power = 0.0
    for k in likely(decisive):
        wins = [w for w in range(k + 1) if (w - k / 2) / math.sqrt(k / 4) > 1.959964]
        power += decisive.pmf(k) * stats.binom.pmf(wins, k, 0.6).sum()
    assert power == approx(0.8, abs=0.02)


def test_a_difference_on_the_limit_is_never_settled():
    assert "no number of examples" in PairedShares(0.1, margin=0.02).needed(-0.02).reason
    assert "no number of examples" in PairedShares(0.1).needed(0.0).reason
    assert "no number of judgments" in WinRate().needed(0.0).reason
    assert PairedShares(0.1).power(1000, 0.0) == 0.025


def test_no_discordance():
    # Tango's lower limit of 0 differences in n is −z²/(n + z²): above −0.02 from n = z²·0.98/0.02 = 188.2 on
    assert PairedShares(0.0, margin=0.02).needed(0.0).n == 189
    assert "without discordant examples" in PairedShares(0.0).needed(0.0).reason
    assert isinstance(PairedShares(0.0).detectable(1000), Undefined)
    assert mcnemar_power(100, 0.0, 0.0) == 0


def test_some_differences_no_number_shows():
    assert "50 examples detect no difference at all" in PairedShares(0.01).detectable(50).reason
    assert isinstance(IndependentShares(0.99).detectable(20), Undefined)
    assert IndependentShares(0.99).detectable(20, worse=True).difference < -0.3


@repeatable
@given(st.floats(0.01, 1), st.floats(0.05, 0.95))
def test_the_detectable_difference_is_the_plan_read_backwards(discordant, part):
    delta = discordant * part
    n = PairedShares(discordant).needed(delta).n
    assert PairedShares(discordant).detectable(n).difference <= delta * (1 + 1e-9)
    if n > 20:
        fewer = PairedShares(discordant).detectable(n - 1)
        assert isinstance(fewer, Undefined) or fewer.difference > delta * (1 - 1e-9)


share_designs = st.one_of(
    st.builds(IndependentShares, st.floats(0.1, 0.95)),
    st.builds(PairedShares, st.floats(0.1, 1)),
    st.builds(WinRate, st.floats(0, 0.6), st.integers(1, 9), st.floats(0, 1)),
)


@repeatable
@given(share_designs, st.sampled_from([0.0, 0.03, 0.08]), st.integers(20, 20_000), st.booleans())
def test_reading_a_plan_forwards_backwards_and_by_its_power_agrees(design, margin, n, worse):
    design = replace(design, margin=margin)
    plan = design.detectable(n, 0.9, worse=worse)
    if isinstance(plan, Undefined):
        return
    assert (plan.difference < -margin) == worse
    assert design.needed(plan.difference, 0.9).unrounded == approx(n, rel=1e-6)
    assert design.power(n, plan.difference) == approx(0.9, abs=1e-6)
    assert design.power(n + 50, plan.difference) > 0.9 - 1e-9
    assert f"{n:,} {design.counted} show" in plan.sentence


@repeatable
@given(st.floats(0.05, 0.95), st.floats(0.01, 0.99))
def test_turning_right_and_wrong_round_changes_no_plan(baseline, part):
    difference = (1 - baseline) * part
    there = IndependentShares(baseline).needed(difference).unrounded
    back = IndependentShares(1 - baseline).needed(-difference).unrounded
    assert there == approx(back, rel=1e-6)
    assert PairedShares(0.5).needed(part / 2).unrounded == PairedShares(0.5).needed(-part / 2).unrounded


def test_the_sentence_names_what_was_assumed():
    assert PairedShares(0.06).needed(0.02).sentence == (
        "1,175 examples show a difference of 0.02 with 80 % power, exactly 80.7 % "
        "(Connor 1987; discordant 0.06, level 0.05)."
    )
    not_worse = PairedShares(0.06, margin=0.02).needed(0.0, 0.9)
    assert (
        "show that a difference of 0 is not worse than the margin of 0.02 with 90 % power"
        in not_worse.sentence
    )
    worse = PairedShares(0.06, margin=0.02).needed(-0.05)
    assert "a difference of -0.05 is worse than the margin of 0.02" in worse.sentence
    assert (
        WinRate(ties=0.2)
        .needed(0.1)
        .sentence.startswith("243 judgments show a win rate of 60 % with 80 % power")
    )
    body = PairedShares(0.06).needed(0.02).as_json()
    assert body["inputs"] == {"discordant": 0.06, "margin": 0.0, "level": 0.05}
    assert (body["n"], body["counted"], body["method"]) == (1175, "examples", "Connor 1987")


@pytest.mark.parametrize(
    ("impossible", "problem"),
    [
        (lambda: PairedShares(1.2), "discordant share lies between 0 and 1, not at 1.2"),
        (lambda: PairedShares(math.nan), "discordant share"),
        (lambda: PairedShares(0.1).needed(0.2), "0.2 exceeds the discordant share of 0.1"),
        (lambda: PairedShares(0.1, margin=-0.1), "margin is a finite number from 0 up"),
        (lambda: PairedShares(0.1, margin=1), "differ by at most 1"),
        (lambda: PairedShares(0.1, level=0), "a level lies between 0 and 1"),
        (lambda: PairedShares(0.1).needed(math.nan), "exceeds"),
        (lambda: PairedShares(0.1).needed(0.05, 1.0), "a power from 0.5 to below 1"),
        (lambda: PairedShares(0.1).detectable(0), "at least one of its examples"),
        (lambda: PairedShares(0.1).power(0, 0.05), "at least one of its examples"),
        (lambda: mcnemar_power(10, 0.1, 0.2), "do not differ by 0.2"),
        (lambda: IndependentShares(0.0), "the baseline is a share between 0 and 1, not 0.0"),
        (lambda: IndependentShares(0.8).needed(0.3), "make a share of 1.1"),
        (lambda: IndependentShares(0.1, margin=0.2), "reaches below 0"),
        (lambda: WinRate(ties=1.0), "share of ties"),
        (lambda: WinRate(votes=0), "one vote or more"),
        (lambda: WinRate(alike=1.5), "correlate by 0 to 1"),
        (lambda: WinRate(margin=0.5), "no win rate is worse"),
        (lambda: WinRate().needed(0.6), "one half plus 0.6"),
    ],
)
def test_impossible_plans_are_refused(impossible, problem):
    with pytest.raises(ValueError, match=problem):
        impossible()

"""Plans for means against R and Miller, the noncentral t against integration, and pilots against what made them."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.planning import OneMean, PairedMeans, TwoMeans, paired_means_from_pilot

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)


def test_two_means_as_in_r():
    """power.t.test(n = 20, delta = 1, sd = 1), and the same with power = .90; like R it drops the far tail."""
    assert TwoMeans(1.0).power(20, 1.0) == approx(0.8689528, abs=5e-8)
    plan = TwoMeans(1.0).needed(1.0, 0.9)
    assert plan.unrounded == approx(22.0211, abs=1e-4)
    assert plan.n == 23


@pytest.mark.parametrize(("design", "oracle"), [(OneMean, TTestPower), (TwoMeans, TTestIndPower)])
@pytest.mark.parametrize(("n", "effect"), [(5, 1.5), (30, 0.5), (400, 0.2)])
def test_t_plans_agree_with_statsmodels(design, oracle, n, effect):
    named = {"nobs": n} if design is OneMean else {"nobs1": n}
    expected = oracle().power(effect_size=effect, alpha=0.05, alternative="larger", **named)
    one_sided = design(2.0, level=0.10)  # R's and ours: one side of a two-sided test
    assert one_sided.power(n, 2 * effect) == approx(expected, abs=1e-6)


def test_the_t_plan_costs_two_more_than_the_normal_one():
    for sd in (1.0, 2.0, 5.0):
        exact, normal = OneMean(sd).needed(1.0).n, PairedMeans(sd).needed(1.0).n
        assert 1 <= exact - normal <= 3


def test_miller_2024_plans_969_questions_for_three_points():
    assert PairedMeans(math.sqrt(1 / 9)).needed(0.03).n == 969
    many = PairedMeans(math.sqrt(1 / 9), 0.4, 0.4, 10**7, 10**7)
    assert many.needed(0.03).n == 969


def test_more_answers_to_a_question_take_away_their_noise_only():
    once = PairedMeans(0.3, 0.4, 0.2)
    assert once.sd == approx(math.sqrt(0.09 + 0.16 + 0.04))
    often = replace(once, candidate_samples=4, baseline_samples=4)
    assert often.sd == approx(math.sqrt(0.09 + 0.04 + 0.01))
    assert often.needed(0.05).unrounded / once.needed(0.05).unrounded == approx(0.14 / 0.29)


def test_a_margin_moves_the_null_and_more_power_costs_more():
    assert PairedMeans(1.0, margin=0.1).needed(0.0).n == PairedMeans(1.0).needed(0.1).n
    assert PairedMeans(1.0, margin=0.1).needed(-0.3).n == PairedMeans(1.0).needed(0.2).n
    assert OneMean(1.0, margin=0.1).needed(0.0).n == OneMean(1.0).needed(0.1).n
    assert PairedMeans(1.0).needed(0.1, 0.9).n > PairedMeans(1.0).needed(0.1).n
    assert PairedMeans(1.0, level=0.01).needed(0.1).n > PairedMeans(1.0).needed(0.1).n


@pytest.mark.parametrize("design", [OneMean, TwoMeans, PairedMeans])
def test_no_spread_and_no_distance(design):
    assert "no spread" in design(0.0).needed(0.1).reason
    assert "no spread" in design(0.0).detectable(10).reason
    assert "no number of examples" in design(1.0, margin=0.02).needed(-0.02).reason


@repeatable
@given(st.floats(0.01, 100), st.integers(2, 10_000))
def test_the_detectable_mean_difference_needs_as_many_examples(sd, n):
    found = PairedMeans(sd).detectable(n)
    assert found.difference == approx((1.959964 + 0.841621) * sd / math.sqrt(n), rel=1e-5)
    assert PairedMeans(sd).needed(found.difference).n in (n, n + 1)


@repeatable
@given(
    st.sampled_from([OneMean, TwoMeans]),
    st.floats(0.01, 100),
    st.integers(2, 5000),
    st.booleans(),
    st.booleans(),
)
def test_reading_a_t_plan_forwards_and_backwards_agrees(design, sd, n, with_margin, worse):
    plan = design(sd, margin=sd / 10 if with_margin else 0.0).detectable(n, worse=worse)
    assert plan.design.power(n, plan.difference) == approx(0.8, abs=1e-9)
    assert plan.design.needed(plan.difference).unrounded == approx(n, rel=1e-6)
    shifted = replace(plan.design, sd=3 * sd, margin=3 * plan.design.margin)
    assert shifted.detectable(n, worse=worse).difference == approx(3 * plan.difference)


def test_large_and_tiny_effects():
    assert TwoMeans(1.0).needed(100.0).n == 2
    assert OneMean(1.0).power(1, 5.0) == 0
    expected = 2 * ((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) / 1e-8) ** 2
    assert TwoMeans(1.0).needed(1e-8).unrounded == approx(expected)


def drawn_scores(rng, questions, k_ours, k_theirs):
    """Scores with ω = 0.3, noise 0.5 and 0.2, and question effects that both sides share."""
    shared = rng.normal(0, 2, size=(questions, 1))
    effect = rng.normal(0.1, 0.3, size=(questions, 1))
    ours = shared + effect + rng.normal(0, 0.5, size=(questions, k_ours))
    return ours, shared + rng.normal(0, 0.2, size=(questions, k_theirs))


def test_a_pilot_shows_its_variances():
    pilot = paired_means_from_pilot(*drawn_scores(np.random.default_rng(1), 20_000, 3, 2), margin=0.1)
    assert (pilot.candidate_noise, pilot.baseline_noise) == (approx(0.5, abs=0.01), approx(0.2, abs=0.01))
    assert pilot.spread == approx(0.3, abs=0.02)
    assert (pilot.candidate_samples, pilot.baseline_samples, pilot.margin) == (3, 2, 0.1)


def test_a_pilot_plans_with_what_its_own_means_vary_by():
    ours, theirs = drawn_scores(np.random.default_rng(2), 40, 3, 2)
    pilot = paired_means_from_pilot(ours, theirs)
    assert pilot.sd == approx((ours.mean(axis=1) - theirs.mean(axis=1)).std(ddof=1))
    single = paired_means_from_pilot(ours[:, :1], theirs[:, :1])
    assert (single.candidate_noise, single.baseline_noise) == (0, 0)
    assert single.sd == approx((ours - theirs[:, :1])[:, 0].std(ddof=1))


def test_a_pilot_of_noise_alone_has_no_spread():
    pilot = paired_means_from_pilot([[0, 1], [1, 0]], [[1, 0], [0, 1]])
    assert (pilot.spread, pilot.candidate_noise) == (0, approx(math.sqrt(0.5)))
    assert paired_means_from_pilot([[1, 2]], [[1, 2]]) == Undefined(
        "the spread between questions needs 2 questions or more, there are 1"
    )


def test_the_promised_power_in_simulation():
    rng = np.random.default_rng(3)
    design = PairedMeans(0.3, 0.5, 0.2, 3, 2)
    n = design.needed(0.1).n
    differences = np.array(
        [np.subtract(*(s.mean(axis=1) for s in drawn_scores(rng, n, 3, 2))) for _ in range(2000)]
    )
    t = differences.mean(axis=1) / (differences.std(axis=1, ddof=1) / math.sqrt(n))
    assert (t > stats.t.ppf(0.975, n - 1)).mean() == approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    ("impossible", "problem"),
    [
        (lambda: OneMean(-1.0), "the sd is a standard deviation"),
        (lambda: TwoMeans(math.inf), "the sd is a standard deviation"),
        (lambda: OneMean(1.0).needed(math.inf), "finite number"),
        (lambda: OneMean(1.0).detectable(0), "at least one"),
        (lambda: PairedMeans(-1.0), "the spread is a standard deviation"),
        (lambda: PairedMeans(1.0, -1.0), "the candidate noise is a standard deviation"),
        (lambda: PairedMeans(1.0, baseline_samples=0), "baseline_samples is not 0"),
        (lambda: PairedMeans(1.0).needed(math.nan), "finite number"),
        (lambda: paired_means_from_pilot([1, 2], [1, 2]), "questions × samples"),
        (lambda: paired_means_from_pilot([[1], [2]], [[1]]), "questions × samples"),
        (lambda: paired_means_from_pilot([[1], [math.nan]], [[1], [1]]), "finite"),
    ],
)
def test_impossible_plans_are_refused(impossible, problem):
    with pytest.raises(ValueError, match=problem):
        impossible()


@pytest.mark.parametrize("design", [OneMean, TwoMeans])
def test_one_value_on_a_side_shows_no_difference_however_large(design):
    assert isinstance(design(1.0).detectable(1), Undefined)


@pytest.mark.parametrize(("n", "effect"), [(9_000_000, 0.018), (3, 1e12), (250, 1e9), (2, 1e15)])
def test_power_is_a_number_where_scipys_distribution_gives_none(n, effect):
    assert OneMean(1.0).power(n, effect) == approx(1.0)
    assert OneMean(1e-9).needed(effect * 1e-9).n <= n

"""The report of a preference against statsmodels, its own parts, and what turning the sides round must do."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.sandwich_covariance import cov_cluster

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.preference import net_preference, net_preference_two_way, preference, scope_of

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
OUTCOMES = ("win", "loss", "tie", "both_bad")
TURNED = {"win": "loss", "loss": "win", "tie": "tie", "both_bad": "both_bad"}
judged = st.lists(
    st.tuples(st.sampled_from(OUTCOMES), st.integers(0, 9), st.integers(0, 7)), min_size=1, max_size=60
)


def test_counts_and_rates():
    said = ["win"] * 30 + ["loss"] * 10 + ["tie"] * 20 + ["both_bad"] * 15
    report = preference(said, range(75), ["ann", "ben", "cleo"] * 25, seed=1)
    assert (report.wins, report.losses, report.ties, report.both_bad) == (30, 10, 20, 15)
    assert (report.prompts, report.raters) == (75, 3)
    assert report.net.value == approx(20 / 75)
    assert report.win_rate.value == approx(40 / 60)
    assert report.win_rate.n == 60
    assert report.decisive_rate.value == approx(30 / 40)
    assert report.test.p_value == approx(stats.binomtest(30, 40).pvalue)
    assert report.scope == (
        "Raters: 3. With fewer than 8 the result is about these raters, and others may prefer otherwise."
    )
    assert report.deciding == report.net
    assert report.as_json()["both_bad"] == 15


def test_two_ways_of_clustering_are_added_and_the_votes_taken_away():
    rng = np.random.default_rng(1)
    prompts, raters = (each.ravel() for each in np.indices((30, 9)))
    scores = np.clip(
        np.rint(
            rng.normal(0.3, 0.6, size=(30, 1)) + rng.normal(0, 0.6, size=9) + rng.normal(0, 0.7, (30, 9))
        ),
        -1,
        1,
    ).ravel()
    net = net_preference_two_way(scores, prompts, raters)
    fit = sm.OLS(scores, np.ones(270)).fit()
    variance = sum(
        sign * cov_cluster(fit, group, use_correction=False)[0, 0] * g / (g - 1)
        for sign, group, g in ((1, prompts, 30), (1, raters, 9), (-1, np.arange(270), 270))
    )
    half = stats.t.ppf(0.975, 8) * math.sqrt(variance)
    assert (net.value, net.clusters) == (approx(scores.mean()), 9)
    assert (net.ci_low, net.ci_high) == (approx(net.value - half), approx(net.value + half))
    by_prompt = net_preference(scores, prompts)
    assert net.ci_low < by_prompt.ci_low < by_prompt.ci_high < net.ci_high


def test_several_judgments_of_one_rater_on_one_prompt_are_one_group():
    rng = np.random.default_rng(2)
    prompts, raters = (each.ravel() for each in np.indices((12, 9)))
    scores = rng.integers(-1, 2, size=108).astype(float)
    once = net_preference_two_way(scores, prompts, raters)
    thrice = net_preference_two_way(np.tile(scores, 3), np.tile(prompts, 3), np.tile(raters, 3))
    assert (once.ci_low, once.ci_high) == approx((thrice.ci_low, thrice.ci_high))


@repeatable
@given(judged)
def test_turning_the_sides_mirrors_the_report(rows):
    said, prompts, raters = zip(*rows, strict=True)
    there = preference(said, prompts, raters, seed=1)
    back = preference([TURNED[each] for each in said], prompts, raters, seed=1)
    assert (there.wins, there.losses, there.ties, there.both_bad) == (
        back.losses,
        back.wins,
        back.ties,
        back.both_bad,
    )
    for name, mirror in (("net", 0), ("net_two_way", 0), ("win_rate", 1), ("decisive_rate", 1)):
        one, other = getattr(there, name), getattr(back, name)
        assert isinstance(one, Undefined) == isinstance(other, Undefined)
        if isinstance(one, Undefined):
            continue
        assert one.value == approx(mirror - other.value)
        assert (one.ci_low is None) == (other.ci_low is None)
        if one.ci_low is not None:
            assert (one.ci_low, one.ci_high) == approx((mirror - other.ci_high, mirror - other.ci_low))
    if not isinstance(there.test, Undefined):
        assert there.test.p_value == approx(back.test.p_value)


@repeatable
@given(judged, st.integers(0, 9))
def test_both_bad_moves_net_preference_only(rows, prompt):
    said, prompts, raters = zip(*rows, strict=True)
    before = preference(said, prompts, raters, seed=1)
    after = preference((*said, "both_bad"), (*prompts, prompt), (*raters, raters[0]), seed=1)
    assert after.win_rate == before.win_rate
    assert after.decisive_rate == before.decisive_rate
    assert after.test == before.test or prompt not in prompts
    assert abs(after.net.value) <= abs(before.net.value)


@repeatable
@given(judged)
def test_the_two_way_interval_is_never_narrower_than_by_prompt_with_its_degrees_of_freedom(rows):
    said, prompts, raters = zip(*rows, strict=True)
    report = preference(said, prompts, raters, seed=1)
    wide, narrow = report.net_two_way, report.net
    if wide.ci_low is not None and wide.ci_low > -1 and wide.ci_high < 1 and "t interval" in narrow.method:
        assert wide.ci_low <= narrow.ci_low + 1e-12
        assert wide.ci_high >= narrow.ci_high - 1e-12


def test_few_raters_speak_for_themselves():
    assert scope_of(7).startswith("Raters: 7.")
    assert scope_of(8) == ""
    prompts, raters = (each.ravel() for each in np.indices((20, 4)))
    few = net_preference_two_way([1, 0, 0, -1] * 20, prompts, raters)
    assert (few.ci_low, few.clusters) == (None, 4)
    assert few.ci_undefined == "judgments of 4 raters do not support an interval: 5 are needed"
    assert "4 prompts" in net_preference_two_way([1] * 80, raters, prompts).ci_undefined


@pytest.mark.parametrize(("people", "has_scope"), [(5, True), (8, False)])
def test_from_five_raters_on_both_decide(people, has_scope):
    prompts, raters = (each.ravel() for each in np.indices((20, people)))
    said = np.random.default_rng(3).choice(OUTCOMES, size=20 * people).tolist()
    report = preference(said, prompts, raters, seed=1)
    assert bool(report.scope) == has_scope
    assert report.deciding == report.net_two_way


def test_nothing_to_report():
    nothing = preference([], [], [], seed=1)
    assert nothing.net == nothing.net_two_way == nothing.win_rate == Undefined("there are no judgments")
    assert (nothing.prompts, nothing.raters, nothing.scope) == (0, 0, "")
    bad = preference(["both_bad"] * 3, range(3), range(3), seed=1)
    assert bad.win_rate == Undefined("every judgment found both bad")
    assert bad.decisive_rate == Undefined("no judgment preferred one side")
    assert isinstance(bad.test, Undefined)
    prompts, raters = (each.ravel().tolist() for each in np.indices((9, 9)))
    unanimous = preference(["win"] * 81, prompts, raters, seed=1)
    assert unanimous.deciding == unanimous.net
    assert unanimous.deciding.ci_low > 0.3
    assert "same mean" in net_preference_two_way([0.5] * 81, prompts, raters).ci_undefined


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: preference(["draw"], [1], [1], seed=1), "not draw"),
        (lambda: preference(["win"], [1, 2], [1], seed=1), "2 prompts and 1 raters"),
        (lambda: net_preference_two_way([1], [1], []), "1 prompts and 0 raters"),
        (lambda: net_preference_two_way([2], [1], [1]), "between -1 and 1"),
    ],
)
def test_malformed_judgments_are_refused(call, problem):
    with pytest.raises(ValueError, match=problem):
        call()


@pytest.mark.parametrize(
    ("wins", "prompts", "enough"), [(20, 10, True), (19, 10, False), (20, 9, False), (0, 0, False)]
)
def test_a_word_takes_twenty_decisive_votes_on_ten_prompts(wins, prompts, enough):
    said = ["win"] * wins + ["tie"] * 10 * (wins > 0)
    of = [i % max(prompts, 1) for i in range(len(said))]
    report = preference(said, of, [0] * len(said), seed=1)
    assert (report.too_little == "") == enough
    assert enough or f"{wins} decisive votes on {prompts} prompts" in report.too_little
    assert report.as_json()["too_little"] == report.too_little

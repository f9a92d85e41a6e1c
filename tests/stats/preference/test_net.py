import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import mean_t, wilson
from evaltrack.stats.preference import left_pick_rate, net_preference

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
judged = st.lists(st.tuples(st.sampled_from([-1, 0, 1]), st.integers(0, 9)), min_size=5, max_size=60)

SIX_PROMPTS = [[1, 1, 0, 1], [0, 0, -1, 0], [1, 1, 1], [0, 1, 0, 0, 0], [-1, 0, 0], [1, 0, 0, 1, 1]]


def test_net_preference_of_six_prompts_is_clustered():
    scores = [score for prompt in SIX_PROMPTS for score in prompt]
    prompts = [number for number, prompt in enumerate(SIX_PROMPTS) for _ in prompt]
    net = net_preference(scores, prompts)
    assert net.value == approx(0.33333, abs=5e-6)
    assert (net.ci_low, net.ci_high) == (approx(-0.1706, abs=5e-5), approx(0.8372, abs=5e-5))
    assert (net.n, net.clusters) == (24, 6)
    robust = sm.OLS(scores, np.ones(24)).fit(
        cov_type="cluster", cov_kwds={"groups": np.array(prompts), "df_correction": True}, use_t=True
    )
    # statsmodels also multiplies by (n − 1)/(n − k), which is 1 here
    assert (net.ci_low, net.ci_high) == approx(tuple(robust.conf_int()[0]))


@repeatable
@given(judged)
def test_turning_every_judgment_mirrors_net_preference(judgments):
    scores, prompts = zip(*judgments, strict=True)
    there, back = net_preference(scores, prompts), net_preference([-score for score in scores], prompts)
    assert there.value == -back.value
    assert (there.ci_low is None) == (len(set(prompts)) < 5)
    if there.ci_low is not None:
        assert (there.ci_low, there.ci_high) == approx((-back.ci_high, -back.ci_low))
        assert -1 <= there.ci_low <= there.value <= there.ci_high <= 1


@repeatable
@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=5, max_size=60))
def test_one_judgment_a_prompt_is_the_t_interval_of_the_mean(scores):
    assume(len(set(scores)) > 1)
    net, mean = net_preference(scores, range(len(scores))), mean_t(scores)
    assert net.ci_low == approx(max(mean.ci_low, -1))
    assert net.ci_high == approx(min(mean.ci_high, 1))


def test_repeating_judgments_of_the_same_prompts_adds_no_evidence():
    scores, prompts = [1, 1, 0, -1, 1, 0], list("abcdef")
    once, thrice = net_preference(scores, prompts), net_preference(scores * 3, prompts * 3)
    assert (once.ci_low, once.ci_high) == approx((thrice.ci_low, thrice.ci_high))


def test_fewer_than_five_prompts_have_no_interval():
    net = net_preference([1, 1, 0, -1] * 10, list("abcd") * 10)
    assert (net.value, net.ci_low, net.clusters) == (0.25, None, 4)
    assert "5 are needed" in net.ci_undefined


def test_prompts_that_are_all_alike_leave_room_for_unseen_ones():
    unseen = wilson(0, 40).ci_high
    won = net_preference([1] * 80, list(range(40)) * 2)
    assert (won.value, won.ci_low, won.ci_high) == (1, approx(1 - 2 * unseen), 1)
    tied = net_preference([0] * 40, range(40))
    assert (tied.value, tied.ci_low, tied.ci_high) == (0, approx(-unseen), approx(unseen))
    split = net_preference([1, -1] * 40, [prompt for prompt in range(40) for _ in "ab"])
    assert (split.ci_low, split.ci_high) == (approx(-unseen), approx(unseen))


def test_no_judgments_are_undefined_and_malformed_ones_refused():
    assert net_preference([], []) == Undefined("there are no judgments")
    for scores, prompts in (([1], []), ([2], ["a"]), ([math.nan], ["a"])):
        with pytest.raises(ValueError):
            net_preference(scores, prompts)


def test_left_pick_rate_is_a_share_of_the_decisive_judgments():
    rate = left_pick_rate(60, 100)
    assert rate.value == 0.6
    assert rate.ci_low > 0.5  # 60 of 100 already shows a bias
    assert left_pick_rate(12, 20).ci_low < 0.5
    assert left_pick_rate(0, 0) == Undefined("no judgment preferred one side")
    with pytest.raises(ValueError):
        left_pick_rate(3, 2)

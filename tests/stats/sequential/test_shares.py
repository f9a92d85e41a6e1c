import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special
from scipy.optimize import brentq

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.independent import newcombe_independent
from evaltrack.stats.intervals import wilson
from evaltrack.stats.sequential import share_any_time, share_difference_any_time, share_p_any_time
from evaltrack.stats.sequential.asymptotic import best_rho
from evaltrack.stats.sequential.shares import LOG_THRESHOLD, log_beta_mixture

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
counts = st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def limits(estimate):
    return estimate.ci_low, estimate.ci_high


@pytest.mark.parametrize(
    ("successes", "n", "expected"),
    [
        (7, 10, (0.26674, 0.96336)),
        (60, 100, (0.44077, 0.74604)),
        (600, 1000, (0.54459, 0.65375)),
        (0, 20, (0, 0.26067)),
    ],
)
def test_beta_mixture_interval_of_fixed_counts(successes, n, expected):
    assert limits(share_any_time(successes, n)) == approx(expected, abs=5e-6)


def test_a_mixture_over_betas_centred_at_the_null_gives_the_bernoulli_interval_of_confseq():
    """Howard et al. 2021's "Bernoulli" interval: the same mixture with a prior Beta(r/(1 − p), r/p) at each p.

    It is not shown to users; its printed values check the likelihood ratio that ours is made of.
    """

    def excess(p):
        spread = p * (1 - p)
        r = best_rho(100 * spread) - spread
        prior = special.betaln(r / (1 - p), r / p)
        posterior = special.betaln(r / (1 - p) + 700, r / p + 300)
        uniform = log_beta_mixture(700, 1000, p) - special.betaln(701, 301)  # − log likelihood
        return posterior - prior + uniform - LOG_THRESHOLD

    found = brentq(excess, 0.01, 0.7), brentq(excess, 0.7, 0.99)
    assert found == approx((0.651629, 0.745949), abs=1e-6)  # the print cuts off at six digits


def test_the_interval_contains_wilson_s_for_all_counts():
    for n in [*range(1, 40), 99, 400]:
        for successes in range(n // 2 + 1):  # both are symmetrical
            any_time, once = share_any_time(successes, n), wilson(successes, n)
            assert any_time.ci_low <= once.ci_low <= once.ci_high <= any_time.ci_high


@repeatable
@given(counts)
def test_exchanging_success_and_failure_mirrors_the_interval(count):
    successes, n = count
    there, back = share_any_time(successes, n), share_any_time(n - successes, n)
    assert limits(there) == approx((1 - back.ci_high, 1 - back.ci_low), abs=1e-12)
    assert there.kind == "any-time"


@repeatable
@given(counts, st.floats(0.01, 0.99))
def test_the_p_value_is_under_a_twentieth_exactly_when_the_interval_excludes_the_null(count, null):
    estimate, test = share_any_time(*count), share_p_any_time(*count, null)
    if abs(test.p_value - 0.05) > 1e-9:
        assert (test.p_value < 0.05) == (not estimate.ci_low <= null <= estimate.ci_high)


@pytest.mark.parametrize("truth", [0.5, 0.9])
def test_looking_after_every_vote_up_to_500_errs_at_most_once_in_twenty(truth):
    rng = np.random.default_rng(1)
    n = np.arange(1, 501)
    successes = np.cumsum(rng.random((4000, 500)) < truth, axis=1)
    ever_wrong = (log_beta_mixture(successes, n, truth) >= LOG_THRESHOLD).any(axis=1)
    assert 0.01 < ever_wrong.mean() <= 0.05


def test_the_expected_evidence_under_the_null_is_one():
    """What the guarantee rests on, without simulation: E Mₙ(p) = 1."""
    for n in (1, 7, 40):
        x = np.arange(n + 1)
        for p in (0.03, 0.5, 0.8):
            likelihood = special.binom(n, x) * p**x * (1 - p) ** (n - x)
            assert likelihood @ np.exp(log_beta_mixture(x, n, p)) == approx(1)


@repeatable
@given(counts, counts)
def test_the_interval_of_a_difference_is_mirrored_and_contains_newcombe_s(ours, theirs):
    there, back = share_difference_any_time(*ours, *theirs), share_difference_any_time(*theirs, *ours)
    assert limits(there) == approx((-back.ci_high, -back.ci_low), abs=1e-7)
    once = newcombe_independent(*ours, *theirs)
    assert there.ci_low <= once.ci_low + 1e-9
    assert once.ci_high <= there.ci_high + 1e-9


@repeatable
@given(counts, counts)
def test_the_interval_of_a_difference_agrees_with_a_search_over_all_pairs(ours, theirs):
    p2 = np.linspace(1e-6, 1 - 1e-6, 20_001)
    there = share_difference_any_time(*ours, *theirs)
    for limit in limits(there):
        p1 = p2 + limit
        inside = (p1 > 0) & (p1 < 1)
        if abs(limit) < 1 and inside.sum() > 100:
            least = log_beta_mixture(*ours, p1[inside]) + log_beta_mixture(*theirs, p2[inside])
            assert least.min() == approx(LOG_THRESHOLD, abs=0.02)


def test_degenerate_and_malformed_counts():
    assert share_any_time(0, 0) == share_p_any_time(0, 0) == Undefined("there are no observations")
    assert share_difference_any_time(0, 0, 1, 2) == Undefined("one side has no examples")
    assert limits(share_any_time(0, 1)) == (0, approx(0.975))
    assert share_difference_any_time(0, 9, 9, 9).ci_low == -1
    assert share_p_any_time(1, 1).p_value == 1
    assert share_p_any_time(0, 10**5).p_value == 0
    for call in (
        lambda: share_any_time(3, 2),
        lambda: share_p_any_time(1, 2, 0.0),
        lambda: share_p_any_time(1, 2, math.nan),
        lambda: share_difference_any_time(1, 2, 3, 2),
    ):
        with pytest.raises(ValueError):
            call()

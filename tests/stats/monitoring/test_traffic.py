import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.monitoring import sample_ratio, sample_ratio_any_time
from evaltrack.stats.monitoring.traffic import CONCENTRATIONS, log_dirichlet_mixture

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
arms = st.lists(st.tuples(st.integers(20, 400), st.integers(1, 5)), min_size=2, max_size=4)


def test_the_mismatch_of_kohavi_tang_and_xu():
    found = sample_ratio([821_588, 815_482], [0.5, 0.5])
    assert found.test.statistic == approx(22.774, abs=5e-4)
    assert found.test.p_value == approx(1.8e-6, abs=5e-8)
    assert found.alarm
    assert "Sample ratio mismatch: 1637070 assigned, an arm is 0.37% off" in found.text
    # An organisation that only acts on 5 % sees no alarm here.
    tolerated = sample_ratio([821_588, 815_482], [1, 1], minimum_deviation=0.05)
    assert not tolerated.alarm
    assert tolerated.text.startswith("A mismatch below the deviation that was registered")
    assert sample_ratio_any_time([821_588, 815_482], [1, 1]).alarm


def test_the_multinomial_mixture_has_the_values_of_its_authors_package():
    """Log marginal likelihoods printed in the unit tests of Lindon's package, prior Dirichlet(1, 1, 1)."""
    planned = np.array([0.4, 0.4, 0.2])
    for counts, alternative, plan in (
        ([2, 2, 1], -6.4457198193855785, -5.27460083993072),
        ([20, 17, 9], -7.028201432058012, -4.0776406466061985),
        ([60, 63, 32], -19.96484521090386, -15.781031228536165),
    ):
        found = log_dirichlet_mixture(np.array(counts, dtype=float), planned, [1, 1, 1])
        assert found == approx(alternative - plan, abs=1e-9)


@repeatable
@given(arms, st.randoms(use_true_random=False))
def test_the_order_of_the_arms_does_not_matter(split, random):
    shuffled = random.sample(split, len(split))
    for method in (sample_ratio, sample_ratio_any_time):
        found, other = (method(*zip(*pairs, strict=True)) for pairs in (split, shuffled))
        if isinstance(found, Undefined):
            assert isinstance(other, Undefined)
        else:
            assert found.deviation == approx(other.deviation)
            assert found.test.statistic == approx(other.test.statistic, abs=1e-9)


@repeatable
@given(arms)
def test_the_chi_square_test_agrees_with_scipy(split):
    counts, weights = (np.array(each) for each in zip(*split, strict=True))
    expected = counts.sum() * weights / weights.sum()
    found = sample_ratio(counts.tolist(), weights.tolist())
    if expected.min() >= 5:
        oracle = stats.chisquare(counts, expected)
        assert (found.test.statistic, found.test.p_value) == approx((oracle.statistic, oracle.pvalue))


def test_the_expected_evidence_under_the_plan_is_one():
    """What the guarantee rests on: however often a healthy split is looked at, p < 0.001 once in 1,000 at most."""
    planned, n = np.array([0.5, 0.3, 0.2]), 12
    counts = [np.array([i, j, n - i - j], dtype=float) for i in range(n + 1) for j in range(n + 1 - i)]
    chances = [stats.multinomial.pmf(each, n, planned) for each in counts]
    for size in CONCENTRATIONS:
        evidence = [math.exp(log_dirichlet_mixture(each, planned, size * planned)) for each in counts]
        assert np.dot(chances, evidence) == approx(1)


def test_an_arm_that_is_dead_is_found_within_dozens_and_a_slight_tilt_within_a_hundred_thousand():
    assert sample_ratio_any_time([30, 0], [1, 1]).alarm
    assert sample_ratio_any_time([51_000, 49_000], [1, 1]).alarm
    assert not sample_ratio_any_time([50_200, 49_800], [1, 1]).alarm


def test_degenerate_and_malformed_counts():
    assert "nobody" in sample_ratio_any_time([0, 0], [1, 1]).reason
    assert "expects 4 of 8" in sample_ratio([8, 0], [1, 1]).reason
    assert isinstance(sample_ratio([0, 0], [1, 1]), Undefined)
    for counts, planned in (
        ([5], [1]),
        ([5, 5], [1, 1, 1]),
        ([5, -1], [1, 1]),
        ([5, 1.5], [1, 1]),
        ([5, math.nan], [1, 1]),
        ([5, 5], [1, 0]),
        ([5, 5], [1, math.nan]),
    ):
        for method in (sample_ratio, sample_ratio_any_time):
            with pytest.raises(ValueError):
                method(counts, planned)
    with pytest.raises(ValueError):
        sample_ratio([50, 50], [1, 1], minimum_deviation=-0.1)

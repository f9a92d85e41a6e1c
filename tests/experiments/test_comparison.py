"""Candidate against baseline on one metric."""

import pytest

from evaltrack.stats.estimate import Undefined
from experiments.comparison import compare
from experiments.metrics import REGISTRY
from experiments.suite import MetricRule


def comparison(metric, baseline, candidate, *, design="paired", margin=0.0):
    return compare(
        MetricRule(metric, margin=margin),
        REGISTRY[metric],
        baseline=baseline,
        candidate=candidate,
        design=design,
        seed=7,
    )


# 40 examples: both right 20, the candidate alone 12, the baseline alone 4, neither 4.
CANDIDATE = [1.0] * 32 + [0.0] * 8
BASELINE = [1.0] * 20 + [0.0] * 12 + [1.0] * 4 + [0.0] * 4


def test_a_difference_is_candidate_minus_baseline():
    found = comparison("exact_match", BASELINE, CANDIDATE)
    assert (found.baseline.value, found.candidate.value) == (0.6, 0.8)
    assert found.delta.value == pytest.approx(0.2)
    assert found.oriented == found.delta


def test_the_pairing_decides_and_the_unpaired_test_stands_beside_it():
    found = comparison("exact_match", BASELINE, CANDIDATE)
    assert found.decided_by == "mcnemar_mid_p"
    assert set(found.tests) == {"two_proportion_z", "mcnemar_mid_p"}
    # X ~ Bin(16, ½): P(X ≤ 4) + P(X < 4) = (2517 + 697) / 65536.
    assert found.tests["mcnemar_mid_p"].p_value == pytest.approx((2517 + 697) / 65536)


def test_independent_arms_are_compared_without_pairs():
    found = comparison("exact_match", BASELINE, CANDIDATE, design="independent")
    assert (found.decided_by, set(found.tests)) == ("two_proportion_z", {"two_proportion_z"})
    assert found.delta.value == pytest.approx(0.2)


def test_where_less_is_better_the_interval_is_turned():
    baseline, candidate = [100.0 + n % 7 for n in range(40)], [90.0 + n % 5 for n in range(40)]
    found = comparison("output_tokens", baseline, candidate)
    assert found.delta.value < 0 < found.oriented.value
    assert found.oriented.ci_low == pytest.approx(-found.delta.ci_high)
    assert found.oriented.ci_high == pytest.approx(-found.delta.ci_low)
    assert found.decided_by == "paired_t"


def test_quantiles_are_bootstrapped_and_the_seed_makes_it_repeatable():
    baseline, candidate = ([float(base + (n * 37) % 101) for n in range(300)] for base in (200, 100))
    one, other = (comparison("latency_p50", baseline, candidate) for _ in range(2))
    assert one == other
    assert one.decided_by == "paired_bootstrap"
    assert one.delta.value == -100
    assert one.oriented.ci_low > 0


def test_quantiles_of_independent_arms_are_undefined():
    found = comparison("latency_p50", [1.0, 2.0], [1.0, 2.0], design="independent")
    assert found.delta == Undefined("quantiles are compared on the same examples only")


def test_a_pair_with_one_missing_value_is_left_out_and_counted():
    found = comparison("output_tokens", [5.0, None, 7.0, 8.0], [5.0, 6.0, None, 9.0])
    assert (found.n, found.missing) == (2, 2)
    assert found.delta.value == pytest.approx(0.5)


@pytest.mark.parametrize("metric", ["exact_match", "output_tokens", "latency_p95"])
@pytest.mark.parametrize("design", ["paired", "independent"])
def test_no_values_at_all_are_undefined_and_not_zero(metric, design):
    found = comparison(metric, [None, None], [None, None], design=design)
    assert isinstance(found.delta, Undefined)
    assert isinstance(found.candidate, Undefined)
    # Where neither arm has a value the metric does not apply; a gap has one side only.
    assert (found.n, found.missing, found.p_worse) == (0, 0, None)


def test_vectors_of_different_lengths_do_not_pair():
    with pytest.raises(ValueError):
        comparison("exact_match", [1.0], [1.0, 0.0])


def test_a_binary_comparison_says_how_many_more_examples_would_settle_it():
    found = comparison("exact_match", [1.0, 0.0] * 10, [0.0, 1.0] * 9 + [1.0, 1.0], margin=0.05)
    assert "20 examples show a difference from" in found.advice
    assert "more examples would settle it" in found.advice

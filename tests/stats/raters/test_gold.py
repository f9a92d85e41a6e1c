"""Gold accuracy: shrinking helps, flags are rare where they are wrong, and little evidence says nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from evaltrack.stats.intervals import wilson
from evaltrack.stats.raters import gold_accuracies

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=60)
answers = st.lists(
    st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=12
)


def report(counts, threshold=0.7):
    right, answered = zip(*counts, strict=True)
    return gold_accuracies(right, answered, threshold=threshold)


def test_few_raters_are_shrunk_by_a_flat_prior():
    alone = report([(8, 10), (3, 12)])
    assert (alone.mean, alone.weight) == (0.5, 2)
    first = alone.raters[0]
    assert first.shrunk == approx(9 / 12)
    assert first.seen == wilson(8, 10)
    assert first.below == approx(special.betainc(9, 3, 0.7))


@repeatable
@given(answers)
def test_the_shrunk_accuracy_lies_between_the_raters_share_and_the_mean_of_all(counts):
    shown = report(counts)
    for (x, n), rater in zip(counts, shown.raters, strict=True):
        assert rater.shrunk == approx((x + shown.mean * shown.weight) / (n + shown.weight))
        if n:
            low, high = sorted([x / n, shown.mean])
            assert low - 1e-12 <= rater.shrunk <= high + 1e-12
        assert (rater.standing == "n too small") == (n < 10)
        assert rater.standing != "below" or rater.below > 0.95


@repeatable
@given(answers, st.randoms())
def test_the_order_of_raters_changes_nothing(counts, random):
    order = random.sample(range(len(counts)), len(counts))
    here, there = report(counts), report([counts[i] for i in order])
    for place, i in enumerate(order):
        assert there.raters[place].shrunk == approx(here.raters[i].shrunk, abs=1e-4)


def test_shrinking_brings_estimates_nearer_to_the_truth():
    """Twenty raters with 3 to 60 answers each: the error of the shrunk accuracies is a quarter smaller."""
    rng = np.random.default_rng(1)
    errors = []
    for _ in range(100):
        accuracy, n = rng.beta(16, 4, size=20), rng.integers(3, 61, size=20)
        x = rng.binomial(n, accuracy)
        shrunk = [rater.shrunk for rater in gold_accuracies(x, n, threshold=0.7).raters]
        errors.append([((x / n - accuracy) ** 2).mean(), ((shrunk - accuracy) ** 2).mean()])
    raw, better = np.sqrt(np.mean(errors, axis=0))
    assert raw == approx(0.087, abs=0.01)
    assert better < 0.8 * raw


def test_the_spread_of_accuracies_is_found_again():
    rng = np.random.default_rng(2)
    n = np.full(2000, 40)
    shown = gold_accuracies(rng.binomial(n, rng.beta(16, 4, size=2000)), n, threshold=0.7)
    assert shown.mean == approx(0.8, abs=0.01)
    assert shown.weight == approx(20, rel=0.15)


def test_false_positives_are_those_of_a_rater_at_the_threshold():
    good = [(18, 20), (17, 20), (19, 20), (16, 20), (18, 20), (36, 40), (9, 10)]
    rater = report([*good, (8, 20)]).raters[-1]
    assert rater.standing == "below"
    # With the spread as it is: the numbers of right answers that are flagged, and their chances at 70 %.
    shown = report([*good, (8, 20)])
    a, b = shown.mean * shown.weight, (1 - shown.mean) * shown.weight
    flagged = [x for x in range(21) if stats.beta.cdf(0.7, a + x, b + 20 - x) > 0.95]
    assert rater.false_positives == approx(stats.binom.pmf(flagged, 20, 0.7).sum())
    assert rater.false_positives < 0.05
    assert report(good).raters[0].standing == "not shown to be below"
    assert report([(1, 9)]).raters[0].standing == "n too small"


def test_nobody_is_flagged_where_nothing_could_show_it():
    shown = report([(0, 10)] * 2, threshold=0.01).raters[0]
    assert (shown.standing, shown.false_positives) == ("not shown to be below", 0)
    assert shown.as_json()["standing"] == "not shown to be below"


@pytest.mark.parametrize(
    ("right", "answered", "threshold"), [([3], [2], 0.7), ([1], [2], 1.0), ([1], [2, 3], 0.7)]
)
def test_what_is_no_count_or_threshold_is_refused(right, answered, threshold):
    with pytest.raises(ValueError):
        gold_accuracies(right, answered, threshold=threshold)

"""Each rater's pull to the left: shrunk the more, the less was seen, and nearer to the truth for it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltrack.stats.raters import leanings

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=40)


def picks(counts):
    """Raters in order with so many left picks of so many."""
    rater = np.repeat(np.arange(len(counts)), [n for _, n in counts])
    return rater, np.concatenate([[1] * x + [0] * (n - x) for x, n in counts])


def test_few_picks_are_shrunk_more_than_many():
    few, many, *_ = leanings(*picks([(4, 5), (80, 100), *[(50, 100)] * 8]))
    assert few.seen.value == many.seen.value == 0.8
    assert 0.5 < few.shrunk < 0.7 < many.shrunk < 0.8
    assert few.low < 0.5 < many.low


def test_few_raters_have_the_posterior_of_a_flat_prior():
    one, other = leanings(*picks([(3, 10), (0, 0 + 4)]))
    law = stats.beta(4, 8)
    assert (one.shrunk, one.low, one.high) == approx((law.mean(), law.ppf(0.025), law.ppf(0.975)))
    assert other.shrunk == approx(1 / 6)


@repeatable
@given(
    st.lists(
        st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
        min_size=5,
        max_size=12,
    )
)
def test_left_for_right_mirrors_and_the_order_changes_nothing(counts):
    rater, left = picks(counts)
    ours, mirrored = leanings(rater, left), leanings(rater, 1 - left)
    for one, other in zip(ours, mirrored, strict=True):
        assert (one.shrunk, one.low, one.high) == approx(
            (1 - other.shrunk, 1 - other.high, 1 - other.low), abs=1e-4
        )
        assert one.low <= one.shrunk <= one.high
    shuffled = np.random.default_rng(1).permutation(len(rater))
    assert leanings(rater[shuffled], left[shuffled]) == ours


def test_shrinking_brings_nearer_to_the_truth_and_its_limits_hold():
    rng = np.random.default_rng(2)
    seen, shrunk, held = [], [], []
    for _ in range(60):
        truth = rng.beta(20, 18, size=25)
        n = rng.integers(5, 60, size=25)
        found = leanings(*picks(list(zip(rng.binomial(n, truth).tolist(), n.tolist(), strict=True))))
        seen += [each.seen.value - p for each, p in zip(found, truth, strict=True)]
        shrunk += [each.shrunk - p for each, p in zip(found, truth, strict=True)]
        held += [each.low <= p <= each.high for each, p in zip(found, truth, strict=True)]
    assert np.square(shrunk).mean() < 0.5 * np.square(seen).mean()
    assert np.mean(held) == approx(0.95, abs=0.03)


def test_nobody_and_what_is_refused():
    assert leanings([], []) == ()
    for wrong in ([0.5, 1], [1]):
        with pytest.raises(ValueError):
            leanings([0, 0], wrong)
    assert leanings([7], [1])[0].as_json()["rater"] == 7

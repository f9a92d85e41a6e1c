"""One-sided limits of a quantile: the numbers that everybody knows, the binomial law, and what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import quantile
from evaltrack.stats.upper import examples_for_upper_limit, quantile_upper

repeatable = settings(derandomize=True, deadline=None)
levels = st.sampled_from([0.5, 0.9, 0.95, 0.99])


@pytest.mark.parametrize(("q", "n"), [(0.5, 5), (0.9, 29), (0.95, 59), (0.99, 299)])
def test_the_fewest_values_for_a_limit(q, n):
    assert examples_for_upper_limit(q) == n
    assert 1 - q**n >= 0.95 > 1 - q ** (n - 1)
    assert quantile_upper(np.arange(n), q).limit == n - 1
    assert f"{n} are needed" in quantile_upper(np.arange(n - 1), q).reason


@repeatable
@given(levels, st.integers(0, 500))
def test_the_rank_is_the_lowest_that_holds(q, more):
    n = examples_for_upper_limit(q) + more
    limit = quantile_upper(np.arange(1, n + 1), q)
    assert limit.limit == limit.rank
    assert stats.binom.cdf(limit.rank - 1, n, q) >= 0.95 - 1e-9
    assert stats.binom.cdf(limit.rank - 2, n, q) < 0.95


@repeatable
@given(st.integers(1000, 1500), st.integers(0, 99))
def test_it_lies_above_the_value_and_below_the_two_sided_limit(n, seed):
    values = np.random.default_rng(seed).lognormal(size=n)
    two_sided, one_sided = quantile(values, 0.99), quantile_upper(values, 0.99)
    assert two_sided.value <= one_sided.limit <= two_sided.ci_high


@pytest.mark.parametrize("n", [59, 100, 400])
def test_it_holds_in_95_percent_of_samples(n):
    rng = np.random.default_rng(n)
    true = stats.lognorm.ppf(0.95, 1)
    held = np.mean([quantile_upper(rng.lognormal(size=n), 0.95).limit >= true for _ in range(3000)])
    assert 0.94 <= held <= 0.99


def test_what_has_no_limit():
    assert isinstance(quantile_upper([], 0.95), Undefined)
    assert isinstance(quantile_upper([3.0], 0.5), Undefined)
    assert quantile_upper([7.0] * 59, 0.95).limit == 7.0
    with pytest.raises(ValueError):
        quantile_upper([1.0] * 100, 1.0)
    with pytest.raises(ValueError):
        quantile_upper([float("nan")] * 100, 0.95)


def test_as_json():
    assert quantile_upper(np.arange(59.0), 0.95).as_json() == {
        "limit": 58.0,
        "rank": 59,
        "n": 59,
        "q": 0.95,
        "confidence": 0.95,
    }

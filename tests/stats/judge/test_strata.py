"""Human labels by stratum beside a judge: one stratum, many, and how often the interval holds."""

import numpy as np
import pytest
from scipy import stats

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.judge import Stratum, rectified_mean, rectified_strata
from tests.stats.judge.simulated import labels_and_judge

approx = pytest.approx


def drawn(rng, n=120, others=1000):
    """A large stratum that the judge knows and a small one that people label as much, in which it errs."""
    return [
        Stratum(0.9, *labels_and_judge(rng, n, others, 0.8, 0.05, 0.1)),
        Stratum(0.1, *labels_and_judge(rng, n, others, 0.4, 0.3, 0.3)),
    ]


TRUTH = 0.9 * 0.8 + 0.1 * 0.4


def test_one_stratum_is_the_rectified_mean():
    parts = labels_and_judge(np.random.default_rng(1), 120, 2000, 0.7, 0.1, 0.1)
    alone, whole = rectified_mean(*parts), rectified_strata([Stratum(1.0, *parts)])
    assert whole.strata == (alone,)
    assert whole.estimate.value == approx(alone.estimate.value)
    assert (whole.estimate.ci_low, whole.estimate.ci_high) == approx(
        (alone.estimate.ci_low, alone.estimate.ci_high)
    )


def test_without_a_judge_it_is_the_stratified_mean():
    rng = np.random.default_rng(2)
    labels = [rng.normal(2, 1, 40), rng.normal(5, 2, 30)]
    strata = [Stratum(p, y, y, []) for p, y in zip((0.7, 0.3), labels, strict=True)]
    found = rectified_strata(strata).estimate
    variances = [p**2 * y.var(ddof=1) / len(y) for p, y in zip((0.7, 0.3), labels, strict=True)]
    df = sum(variances) ** 2 / (variances[0] ** 2 / 39 + variances[1] ** 2 / 29)
    half = stats.t.ppf(0.975, df) * sum(variances) ** 0.5
    value = 0.7 * labels[0].mean() + 0.3 * labels[1].mean()
    assert (found.value, found.ci_low, found.ci_high) == approx((value, value - half, value + half))
    assert found.n == 70


def test_it_holds_in_95_percent_of_samples_and_a_good_judge_narrows_it():
    rng = np.random.default_rng(3)
    held, narrower = [], []
    for _ in range(600):
        strata = drawn(rng)
        found = rectified_strata(strata).estimate
        held.append(found.ci_low <= TRUTH <= found.ci_high)
        people = rectified_strata([Stratum(s.share, s.labels, s.labels, []) for s in strata]).estimate
        narrower.append((found.ci_high - found.ci_low) / (people.ci_high - people.ci_low))
    assert np.mean(held) == approx(0.95, abs=0.025)
    assert np.mean(narrower) < 0.85


def test_exchanging_the_strata_changes_nothing():
    strata = drawn(np.random.default_rng(4))
    one, other = (rectified_strata(order).estimate for order in (strata, strata[::-1]))
    assert (one.value, one.ci_low) == approx((other.value, other.ci_low))


def test_what_is_missing_or_wrong():
    some = [1.0, 0.0] * 20
    assert "stratum 1" in rectified_strata([Stratum(0.5, some, some, []), Stratum(0.5, [], [], [])]).reason
    few = rectified_strata([Stratum(0.9, some * 2, some * 2, []), Stratum(0.1, some[:9], some[:9], [])])
    assert "9 in the smallest stratum" in few.estimate.ci_undefined
    alike = rectified_strata([Stratum(0.9, some, some, []), Stratum(0.1, [1.0] * 20, [1.0] * 20, [])])
    assert "spread is unknown" in alike.estimate.ci_undefined
    assert isinstance(rectified_strata([Stratum(1.0, [], [], [])]), Undefined)
    for shares in ((0.5, 0.6), (1.2, -0.2)):
        with pytest.raises(ValueError):
            rectified_strata([Stratum(share, some, some, []) for share in shares])
    with pytest.raises(ValueError):
        rectified_strata([])

"""Counts of many patterns drawn at once have the distribution of numpy's, which draws them one by one."""

import numpy as np
import pytest
from scipy import stats

from evaltrack.stats.multinomial import Multinomial

DRAWS = 4000
# 600 patterns of very unlike frequency, 40,000 units.
FREQUENT = np.random.default_rng(3).permutation(np.r_[np.repeat([1, 2, 7, 60], 149), 6000, 5000, 4000, 14570])


@pytest.fixture(scope="module")
def drawn():
    sampler = Multinomial(FREQUENT)
    assert sampler.is_wide
    rng = np.random.default_rng(1)
    return np.concatenate([sampler.draw(400, rng) for _ in range(DRAWS // 400)])


def test_as_many_units_are_drawn_as_there_are(drawn):
    assert drawn.shape == (DRAWS, 600)
    assert (drawn.sum(axis=1) == FREQUENT.sum()).all()
    assert (drawn >= 0).all()
    assert (drawn == np.floor(drawn)).all()


@pytest.mark.parametrize("times", [1, 2, 7, 60, 6000])
def test_each_count_is_binomial(drawn, times):
    units = int(FREQUENT.sum())
    counts = drawn[:, times == FREQUENT].ravel()
    law = stats.binom(units, times / units)
    edges = np.unique(law.ppf(np.linspace(0.02, 0.98, 20)))
    seen = np.bincount(np.searchsorted(edges, counts), minlength=len(edges) + 1)
    expected = len(counts) * np.diff(law.cdf(edges), prepend=0.0, append=1.0)
    # Counts of one draw add up to a constant, so those of several patterns are a little alike: 600 hide that.
    assert stats.chisquare(seen, expected).pvalue > 1e-3


def test_counts_of_one_draw_vary_together_as_those_of_a_multinomial(drawn):
    rng = np.random.default_rng(2)
    shares = FREQUENT / FREQUENT.sum()
    for feature in rng.normal(size=(20, len(FREQUENT))):
        variance = FREQUENT.sum() * (shares @ feature**2 - (shares @ feature) ** 2)
        z = (drawn @ feature - FREQUENT @ feature) / np.sqrt(variance)
        assert abs(z.mean()) * np.sqrt(DRAWS) < 4.5
        assert z.var() == pytest.approx(1, abs=4.5 * np.sqrt(2 / DRAWS))


def test_few_patterns_or_units_are_drawn_by_numpy():
    for multiplicity in ([5, 9, 2], [100_000, 300_000]):
        times = np.array(multiplicity)
        ours = Multinomial(times).draw(50, np.random.default_rng(4))
        assert (ours == np.random.default_rng(4).multinomial(times.sum(), times / times.sum(), size=50)).all()


def test_the_seed_decides():
    one, other = (Multinomial(FREQUENT).draw(30, np.random.default_rng(seed)) for seed in (5, 5))
    assert (one == other).all()

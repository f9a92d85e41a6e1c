import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.sequential import bounded_mean_any_time
from evaltrack.stats.sequential.scores import LOG_STAKE, log_capital, predictable_bets

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
scores = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), min_size=1, max_size=120)


def test_the_interval_agrees_with_the_grid_of_the_paper():
    """Waudby-Smith & Ramdas 2024, theorem 3, written out: a product per mean of a grid."""
    x = np.random.default_rng(3).beta(2, 5, 200)
    grid = np.linspace(0, 1, 2001)[1:-1]
    up, down = np.ones_like(grid), np.ones_like(grid)
    total, squares = 0.5, 0.25
    for t, score in enumerate(x, start=1):
        bet = math.sqrt(2 * math.log(2 / 0.05) / (squares / t * t * math.log(t + 1)))
        up *= 1 + np.minimum(bet, 0.5 / grid) * (score - grid)
        down *= 1 - np.minimum(bet, 0.5 / (1 - grid)) * (score - grid)
        total += score
        squares += (score - total / (t + 1)) ** 2
    held = grid[np.maximum(up, down) / 2 < 20]
    found = bounded_mean_any_time(x)
    assert (found.ci_low, found.ci_high) == approx((held[0], held[-1]), abs=1 / 2000)
    assert found.kind == "any-time"


@repeatable
@given(scores)
def test_capital_falls_with_the_mean_so_that_the_means_held_form_an_interval(values):
    x = np.array(values)
    bets = predictable_bets(x)
    capital = [log_capital(x, bets, mean) for mean in np.linspace(0, 1, 101)]
    assert (np.diff(capital) <= 1e-9).all()


@repeatable
@given(scores)
def test_turning_the_scale_round_mirrors_the_interval(values):
    there, back = bounded_mean_any_time(values), bounded_mean_any_time([1 - x for x in values])
    assert (there.ci_low, there.ci_high) == approx((1 - back.ci_high, 1 - back.ci_low), abs=1e-9)
    assert 0 <= there.ci_low <= there.value <= there.ci_high <= 1


def ever_wrong(x, mean):
    """For each row, whether the interval missed the mean after any of its scores."""
    n = x.shape[1]
    missed = np.zeros(len(x), dtype=bool)
    for side, centre in ((x, mean), (1 - x, 1 - mean)):
        bets = np.array([predictable_bets(row) for row in side])
        capital = np.cumsum(np.log1p(np.minimum(bets, 0.5 / centre) * (side - centre)), axis=1)
        assert capital[0, -1] == approx(log_capital(side[0], bets[0], centre))
        missed |= (capital[:, :n] >= LOG_STAKE).any(axis=1)
    return missed


@pytest.mark.parametrize(
    ("draw", "mean"),
    [
        (lambda rng: rng.choice([0, 0.5, 1], p=[0.4, 0.2, 0.4], size=(2000, 500)), 0.5),
        (lambda rng: rng.beta(0.5, 4.5, size=(2000, 500)), 0.1),
    ],
    ids=["votes with ties", "skewed scores"],
)
def test_looking_after_every_score_up_to_500_errs_at_most_once_in_twenty(draw, mean):
    assert 0.005 < ever_wrong(draw(np.random.default_rng(2)), mean).mean() <= 0.05


def test_degenerate_and_malformed_scores():
    assert bounded_mean_any_time([]) == Undefined("there are no scores")
    alike = bounded_mean_any_time([0.5] * 40)
    assert alike.ci_low < 0.5 < alike.ci_high
    one = bounded_mean_any_time([1.0])
    assert one.value == one.ci_high == 1
    assert one.ci_low < 0.1
    for values in ([1.5], [-0.1], [math.nan], [[0.5]]):
        with pytest.raises(ValueError):
            bounded_mean_any_time(values)

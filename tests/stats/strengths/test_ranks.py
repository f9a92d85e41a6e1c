"""Sets of ranks: what they hold of known systems, and how often they are wrong about equal ones."""

import numpy as np
import pytest

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.multiplicity import holm
from evaltrack.stats.strengths import Ranks, rank_sets, strengths
from evaltrack.stats.strengths.ranks import _p_equal
from tests.stats.strengths.test_davidson import UNDEFEATED, season_by_place, tastings
from tests.stats.strengths.voting import drawn


def test_the_puddings_may_have_almost_any_rank():
    assert set(map(str, rank_sets(strengths(*tastings(), order=False)))) == {str(Ranks(1, 6))}


def test_only_baltimore_stands_out():
    ranks = rank_sets(strengths(*season_by_place()))
    assert ranks[:5] == [Ranks(1, 6)] * 5
    assert ranks[5:] == [Ranks(1, 7), Ranks(6, 7)]


def test_clear_differences_leave_one_rank_each():
    fitted = strengths(*drawn(np.random.default_rng(1), 3000, theta=(0.0, 1.0, -1.0)))
    assert rank_sets(fitted) == [Ranks(2, 2), Ranks(1, 1), Ranks(3, 3)]


def test_ranks_are_the_counts_of_significant_differences():
    fitted = strengths(*drawn(np.random.default_rng(2), 150, theta=(0.0, 0.4, -0.3, 0.9, 0.1)))
    pairs = [(i, j) for i in range(5) for j in range(i + 1, 5)]
    adjusted = dict(zip(pairs, holm([_p_equal(fitted, *pair) for pair in pairs]), strict=True))
    ranks = rank_sets(fitted)
    for system, found in enumerate(ranks):
        stronger = [
            other
            for other in range(5)
            if other != system
            and adjusted[tuple(sorted((system, other)))] < 0.05
            and fitted.strengths[other] > fitted.strengths[system]
        ]
        assert found.best == 1 + len(stronger)
        assert found.best <= found.worst
    assert sum(r.best - 1 for r in ranks) == sum(5 - r.worst for r in ranks)
    narrow = rank_sets(fitted, level=0.5)
    assert all(r.best <= n.best and n.worst <= r.worst for r, n in zip(ranks, narrow, strict=True))


def test_the_p_values_agree_with_the_intervals():
    fitted = strengths(*drawn(np.random.default_rng(3), 60))
    for pair in ((0, 1), (0, 2), (1, 2)):
        difference = fitted.difference(*pair)
        excludes = not difference.ci_low <= 0 <= difference.ci_high
        assert (_p_equal(fitted, *pair) < 0.05) == excludes


def test_what_only_a_penalty_keeps_finite_decides_no_rank():
    assert rank_sets(strengths(*UNDEFEATED, fall_back=True))[3] == Ranks(1, 4)


def test_few_prompts_and_no_level():
    left, right, outcomes, _ = drawn(np.random.default_rng(4), 100)
    fitted = strengths(left, right, outcomes, np.arange(len(left)) % 4)
    assert rank_sets(fitted) == Undefined("votes on 4 prompts do not rank systems: 5 are needed")
    with pytest.raises(ValueError, match="level"):
        rank_sets(fitted, level=1.0)


@pytest.mark.slow
def test_equal_systems_are_ranked_apart_in_no_more_than_5_percent_of_cases():
    """Six equal systems, votes clustered by prompt; without Holm's correction it would be 33 %."""
    rng = np.random.default_rng(6)
    fits = [strengths(*drawn(rng, 60, theta=(0,) * 6, alike=1)) for _ in range(400)]
    wrong = [any(r != Ranks(1, 6) for r in rank_sets(fit)) for fit in fits]
    assert np.mean(wrong) <= 0.06

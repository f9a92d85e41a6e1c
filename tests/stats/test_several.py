"""Several candidates against statsmodels and scipy, and what must hold whatever the examples."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import cochrans_q as oracle_q

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.multiplicity import holm
from evaltrack.stats.paired import mcnemar_mid_p, mcnemar_z, paired_t, tango_difference
from evaltrack.stats.several import cochrans_q, compare, friedman

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)

# Hollander & Wolfe 1973, as in R's friedman.test: seconds to round first base in three ways, 22 runners.
ROUNDING_TIMES = """
5.40 5.50 5.55  5.85 5.70 5.75  5.20 5.60 5.50  5.55 5.50 5.40  5.90 5.85 5.70  5.45 5.55 5.60  5.40 5.40 5.35
5.45 5.50 5.35  5.25 5.15 5.00  5.85 5.80 5.70  5.25 5.20 5.10  5.65 5.55 5.45  5.60 5.35 5.45  5.05 5.00 4.95
5.50 5.50 5.40  5.45 5.55 5.50  5.55 5.55 5.35  5.45 5.50 5.55  5.50 5.45 5.25  5.65 5.60 5.40  5.70 5.65 5.55
6.30 6.30 6.25
"""


def test_rounding_first_base():
    found = friedman(np.array(ROUNDING_TIMES.split(), dtype=float).reshape(22, 3))
    assert found.statistic == approx(11.143, abs=5e-4)
    assert found.p_value == approx(0.003805, abs=5e-7)


def tables(values, fewest=2, most=5):
    return st.integers(fewest, most).flatmap(
        lambda k: st.lists(st.lists(values, min_size=k, max_size=k), min_size=1, max_size=30)
    )


@repeatable
@given(tables(st.integers(0, 1)))
def test_cochrans_q_agrees_with_statsmodels(table):
    assume(any(0 < sum(row) < len(row) for row in table))
    ours, theirs = cochrans_q(table), oracle_q(np.array(table))
    assert (ours.statistic, ours.p_value) == approx((theirs.statistic, theirs.pvalue))


@repeatable
@given(tables(st.integers(0, 4), fewest=3))
def test_friedman_agrees_with_scipy(table):
    assume(any(len(set(row)) > 1 for row in table))
    ours, theirs = friedman(table), stats.friedmanchisquare(*zip(*table, strict=True))
    assert (ours.statistic, ours.p_value) == approx((theirs.statistic, theirs.pvalue))


@repeatable
@given(tables(st.integers(0, 1), most=2))
def test_two_candidates_are_mcnemars(table):
    ours, theirs = zip(*table, strict=True)
    z, q = mcnemar_z(ours, theirs), cochrans_q(table)
    assert isinstance(z, Undefined) == isinstance(q, Undefined)
    if not isinstance(q, Undefined):
        assert (q.statistic, q.p_value) == approx((z.statistic**2, z.p_value))
        # With two candidates ranks are wins and losses, so Friedman's test is the same.
        assert friedman(table).statistic == approx(q.statistic)


@repeatable
@given(tables(st.integers(0, 1), fewest=3), st.randoms(use_true_random=False))
def test_examples_on_which_all_agree_and_the_order_of_candidates_change_no_q(table, random):
    q = cochrans_q(table)
    k = len(table[0])
    more = cochrans_q([*table, [0] * k, [1] * k, [1] * k])
    order = random.sample(range(k), k)
    shuffled = cochrans_q([[row[i] for i in order] for row in table])
    if isinstance(q, Undefined):
        assert isinstance(more, Undefined)
    else:
        assert more.statistic == approx(q.statistic)
        assert shuffled.statistic == approx(q.statistic)


@repeatable
@given(tables(st.integers(0, 1), fewest=3))
def test_binary_pairs_are_mid_p_and_tango_with_holm(table):
    found = compare(table)
    columns = list(zip(*table, strict=True))
    tests = [mcnemar_mid_p(columns[pair.one], columns[pair.other]).p_value for pair in found.pairs]
    assert [pair.test.p_value for pair in found.pairs] == tests
    assert [pair.adjusted for pair in found.pairs] == holm(tests)
    assert len(found.pairs) == math.comb(len(columns), 2)
    assert all(
        pair.difference == tango_difference(columns[pair.one], columns[pair.other]) for pair in found.pairs
    )


def test_scores_are_compared_by_t_with_holm():
    rng = np.random.default_rng(1)
    table = rng.normal(size=(40, 1)) + rng.normal([0, 0.2, 1], 1, size=(40, 3))
    found = compare(table)
    assert found.method == "Friedman's test"
    assert found.omnibus == friedman(table)
    raw = [paired_t(table[:, i], table[:, j]).p_value for i, j in ((0, 1), (0, 2), (1, 2))]
    assert [pair.adjusted for pair in found.pairs] == approx(holm(raw))
    assert found.pairs[1].difference.value == approx((table[:, 0] - table[:, 2]).mean())
    assert found.as_json()["pairs"][2]["other"] == 2


def test_one_reference_costs_fewer_comparisons():
    rng = np.random.default_rng(2)
    table = (rng.random((200, 4)) < [0.6, 0.7, 0.65, 0.75]).astype(int)
    everybody, against = compare(table), compare(table, reference=0)
    assert [(pair.one, pair.other) for pair in against.pairs] == [(1, 0), (2, 0), (3, 0)]
    mirrored = [pair for pair in everybody.pairs if pair.one == 0]
    for pair, mirror in zip(against.pairs, mirrored, strict=True):
        assert pair.difference.value == -mirror.difference.value
        assert pair.adjusted <= mirror.adjusted


def test_all_alike():
    same = compare([[1, 1, 1], [0, 0, 0]])
    assert same.omnibus == Undefined("all 3 candidates agree on all 2 examples, so Q is 0/0")
    assert {pair.adjusted for pair in same.pairs} == {1.0}
    assert all(pair.difference.ci_low < 0 < pair.difference.ci_high for pair in same.pairs)
    tied = compare([[0.5, 0.5], [0.7, 0.7]])
    assert tied.omnibus == Undefined("all 2 candidates are tied on all 2 examples, so no ranks differ")
    assert (tied.pairs[0].test, tied.pairs[0].adjusted) == (Undefined("all 2 differences are 0"), None)
    assert cochrans_q(np.zeros((0, 3))) == friedman(np.zeros((0, 3))) == compare(np.zeros((0, 3)))


def test_a_pair_without_a_test_still_counts_in_the_family():
    rng = np.random.default_rng(3)
    first = rng.normal(size=30)
    other = first + rng.normal(0.4, 1, size=30)
    found = compare(np.column_stack([first, first + 1, other]))
    assert "t is infinite" in found.pairs[0].test.reason
    smallest = min(pair.test.p_value for pair in found.pairs[1:])
    assert min(pair.adjusted for pair in found.pairs[1:]) == approx(3 * smallest)


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: compare([1, 0, 1]), "2 or more"),
        (lambda: compare([[1], [0]]), "2 or more"),
        (lambda: compare([[1, math.nan]]), "finite"),
        (lambda: compare([[1, 0]], reference=2), "no candidate 2 among 2"),
        (lambda: cochrans_q([[1, 2]]), "0 or 1"),
    ],
)
def test_malformed_tables_are_refused(call, problem):
    with pytest.raises(ValueError, match=problem):
        call()


def test_the_level_of_q_under_the_null():
    """Four equal candidates with hard and easy examples in common: 5 % of tables should be rejected."""
    rng = np.random.default_rng(4)
    chance = rng.beta(1, 1, size=(2000, 100, 1))
    outcomes = (rng.random((2000, 100, 4)) < chance).astype(float)
    rejected = np.mean([cochrans_q(table).p_value < 0.05 for table in outcomes])
    assert rejected == approx(0.05, abs=0.013)

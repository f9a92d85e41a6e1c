"""Conger's kappa: Gwet's printed values, Cohen's kappa for two raters, and what must not change it."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaltrack.stats.coefficients import fleiss_kappa
from evaltrack.stats.conger import conger_error, conger_kappa
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.kappa import cohen_kappa, table_of

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=50)

# Gwet 2014, as in irrCAC's raw4raters; a dot is a gap.
GWET = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . .
. 3 3 3 2 3 4 2 2 5 1 3
1 2 3 3 2 4 4 1 2 5 1 .
"""


def columns(text):
    rows = [line.split() for line in text.strip().split("\n")]
    cells = [(u, r, int(x) - 1) for r, row in enumerate(rows) for u, x in enumerate(row) if x != "."]
    return tuple(np.array(column) for column in zip(*cells, strict=True))


def judged(matrix):
    """Columns of a table of units × raters in which −1 is a gap."""
    unit, rater = np.nonzero(matrix >= 0)
    return unit, rater, matrix[unit, rater]


def drawn(seed, units=40, raters=3, k=3, missing=0.2, gap=0.3):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, size=(units, 1))
    leaning = rng.dirichlet(np.ones(k), size=raters)
    own = np.stack([rng.choice(k, p=p, size=units) for p in leaning], axis=1)
    matrix = np.where(rng.random((units, raters)) < 1 - gap, truth, own)
    return np.where(rng.random((units, raters)) < missing, -1, matrix)


def test_the_four_raters_of_gwet_2014():
    kappa = conger_kappa(*columns(GWET), k=5, seed=1)
    assert round(kappa.value, 5) == 0.76282
    assert round(conger_error(*columns(GWET), k=5), 5) == 0.14917
    assert kappa.n == 11


@repeatable
@given(st.integers(0, 10_000), st.sampled_from([None, "linear", "quadratic"]))
def test_of_two_raters_without_gaps_it_is_cohens(seed, weights):
    matrix = drawn(seed, raters=2, missing=0.0)
    assume(len(np.unique(matrix)) > 1)
    cohen = cohen_kappa(table_of(*matrix.T, 3), seed=1, weights=weights)
    assume(isinstance(cohen, Estimate))
    assert conger_kappa(*judged(matrix), k=3, seed=1, weights=weights).value == approx(cohen.value)


@repeatable
@given(st.integers(0, 10_000))
def test_without_gaps_it_is_no_smaller_than_fleiss(seed):
    matrix = drawn(seed, missing=0.0)
    counts = np.stack([(matrix == label).sum(axis=1) for label in range(3)], axis=1)
    assert conger_kappa(*judged(matrix), k=3, seed=1).value >= fleiss_kappa(counts, seed=1).value - 1e-12


@repeatable
@given(st.integers(0, 10_000), st.permutations(range(3)), st.permutations(range(3)))
def test_neither_names_nor_order_change_anything(seed, labels, raters):
    unit, rater, label = judged(drawn(seed))
    shuffled = np.random.default_rng(seed).permutation(len(unit))
    ours = conger_kappa(unit, rater, label, k=3, seed=1)
    theirs = conger_kappa(
        9 * unit[shuffled], np.array(raters)[rater][shuffled], np.array(labels)[label][shuffled], k=3, seed=1
    )
    assert theirs.value == approx(ours.value)
    error = conger_error(unit, rater, label, k=3)
    assert conger_error(unit, np.array(raters)[rater], np.array(labels)[label], k=3) == approx(error)


@repeatable
@given(st.integers(0, 10_000))
def test_doubling_all_units_keeps_the_value_and_divides_the_error_by_root_two(seed):
    once = drawn(seed)
    twice = np.concatenate([once, once])
    one, two = (conger_kappa(*judged(each), k=3, seed=1) for each in (once, twice))
    assert two.value == approx(one.value)
    n = int((once >= 0).any(axis=1).sum())
    ratio = conger_error(*judged(once), k=3) / conger_error(*judged(twice), k=3)
    # n(n − 1) in the one and 2n(2n − 1) in the other, of twice the sum of squares.
    assert ratio == approx(np.sqrt((2 * n - 1) / (n - 1)))


def test_the_error_is_that_of_the_bootstrap():
    matrix = drawn(5, units=400, missing=0)
    kappa = conger_kappa(*judged(matrix), k=3, seed=1)
    half = 1.96 * conger_error(*judged(matrix), k=3)
    assert (kappa.ci_high - kappa.ci_low) / 2 == approx(half, rel=0.06)


def test_what_has_no_value_or_no_interval():
    assert "no unit has two ratings" in conger_kappa([], [], [], k=2, seed=1).reason
    assert "no unit has two ratings" in conger_kappa([0, 1], [0, 1], [0, 1], k=2, seed=1).reason
    alone = conger_kappa([0, 1, 2], [0, 0, 0], [0, 1, 1], k=2, seed=1)
    assert isinstance(alone, Undefined)
    same = np.repeat(np.arange(12), 2), np.tile([0, 1], 12), np.zeros(24, int)
    assert "only one category was used" in conger_kappa(*same, k=2, seed=1).reason
    assert isinstance(conger_error(*same, k=2), Undefined)
    assert isinstance(conger_error([0, 0], [0, 1], [0, 1], k=2), Undefined)
    assert "10 are needed" in conger_kappa(*judged(drawn(1, units=9, missing=0)), k=3, seed=1).ci_undefined
    agreed = np.repeat(np.random.default_rng(1).integers(0, 3, size=(30, 1)), 3, axis=1)
    complete = conger_kappa(*judged(agreed), k=3, seed=1)
    assert complete.value == complete.ci_high == 1
    assert 0.6 < complete.ci_low < 1


def test_what_is_refused():
    with pytest.raises(ValueError, match="twice"):
        conger_kappa([0, 0], [1, 1], [0, 1], k=2, seed=1)
    with pytest.raises(ValueError, match="numbered from 0 to 1"):
        conger_kappa([0, 0], [0, 1], [0, 2], k=2, seed=1)
    with pytest.raises(ValueError, match="one length"):
        conger_kappa([0, 0], [0, 1], [0], k=2, seed=1)

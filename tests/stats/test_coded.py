"""Arrays of numbers in place of units of labels: the same agreement, for a million judgments."""

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.agreement import krippendorff_alpha
from evaltrack.stats.alpha import alpha_without_each, coded_alpha
from evaltrack.stats.coefficients import fleiss_kappa
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.kappa import cohen_kappa, table_of
from evaltrack.stats.patterns import distinct_units

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=50)
judgments = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 4)), max_size=60)
LEVELS = ["nominal", "ordinal", "interval", "ratio"]


@repeatable
@given(judgments, st.sampled_from(LEVELS))
def test_alpha_and_its_interval_are_those_of_the_units(given_judgments, level):
    units, labels = np.array(given_judgments, dtype=int).reshape(-1, 2).T
    by_unit = {}
    for unit, label in given_judgments:
        by_unit.setdefault(unit, []).append(label)
    expected = krippendorff_alpha(by_unit, level=level, seed=3)
    shown = coded_alpha(units, labels, level=level, seed=3)
    if isinstance(expected, Undefined):
        assert shown == expected
        return
    assert shown.value == approx(expected.value, abs=1e-9)
    assert (shown.n, shown.method, shown.ci_undefined) == (expected.n, expected.method, expected.ci_undefined)
    if shown.ci_low is not None:
        assert (shown.ci_low, shown.ci_high) == approx((expected.ci_low, expected.ci_high), abs=1e-9)


def test_alpha_without_each_rater():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, size=60)
    careless = rng.integers(0, 3, size=60)
    said = np.stack([truth, truth, np.where(rng.random(60) < 0.9, truth, careless), careless])
    units, raters = np.tile(np.arange(60), 4), np.repeat([2, 3, 5, 9], 60)
    without = alpha_without_each(units, raters, said.ravel(), level="nominal")
    assert list(without) == [2, 3, 5, 9]
    assert max(without, key=without.get) == 9
    for rater, row in zip(without, range(4), strict=True):
        rest = np.delete(said, row, axis=0).T.tolist()
        assert without[rater] == approx(krippendorff_alpha(rest, level="nominal", seed=1).value)
    two = alpha_without_each([0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 1], level="nominal")
    assert two == {0: Undefined("no unit has two ratings"), 1: Undefined("no unit has two ratings")}
    with pytest.raises(ValueError, match="one length"):
        alpha_without_each([0], [0, 1], [0], level="nominal")


def test_values_behind_the_labels():
    units, labels = [0, 0, 1, 1, 2, 2], [0, 1, 1, 2, 2, 2]
    spread = coded_alpha(units, labels, level="interval", values=[1, 2, 10], seed=1)
    expected = krippendorff_alpha([[1, 2], [2, 10], [10, 10]], level="interval", seed=1)
    assert spread.value == approx(expected.value)
    with pytest.raises(ValueError, match="ascending"):
        coded_alpha(units, labels, level="interval", values=[1, 10, 2], seed=1)
    with pytest.raises(ValueError, match="ratio"):
        coded_alpha(units, labels, level="ratio", values=[-1, 1, 2], seed=1)
    with pytest.raises(ValueError, match="level of measurement"):
        coded_alpha(units, labels, level="metric", seed=1)


def test_a_hundred_thousand_judgments_against_the_package():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 5, size=(33_333, 1))
    labels = np.where(rng.random((33_333, 3)) < 0.7, truth, rng.integers(0, 5, size=(33_333, 3)))
    seen = rng.random(labels.shape) < 0.9
    units = np.broadcast_to(np.arange(33_333)[:, None], labels.shape)[seen]
    counts = np.stack([((labels == label) & seen).sum(axis=1) for label in range(5)], axis=1)
    for level in ("nominal", "ordinal", "interval"):
        oracle = krippendorff.alpha(
            value_counts=counts, value_domain=list(range(5)), level_of_measurement=level
        )
        shown = coded_alpha(units, labels[seen], level=level, seed=1)
        assert shown.value == approx(oracle, abs=1e-9)
        assert shown.ci_low < shown.value < shown.ci_high
    patterns, times = distinct_units(units, labels[seen], 5)
    assert fleiss_kappa(patterns.toarray(), times=times, seed=1) == fleiss_kappa(counts, seed=1)


def test_a_table_of_two_raters():
    table = table_of([0, 1, 1, 2], [0, 1, 2, 2], 4)
    assert table.tolist() == [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert table_of([], [], 2).tolist() == [[0, 0], [0, 0]]
    assert cohen_kappa(table, seed=1).value == approx(0.6363636)
    with pytest.raises(ValueError, match="do not stand beside"):
        table_of([0], [0, 1], 2)
    with pytest.raises(ValueError, match="numbered from 0 to 1"):
        table_of([0], [2], 2)

"""Sums that follow each judgment: exactly those of all units again, and the coefficients of the other modules."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaltrack.stats.agreement import krippendorff_alpha
from evaltrack.stats.coefficients import fleiss_kappa, gwet_ac, standard_error
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.live import LiveAgreement

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=80)
judgments = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3)), max_size=50)
SQUARED = np.subtract.outer(np.arange(4), np.arange(4)) ** 2


def matrix(given_judgments, units=8):
    counts = np.zeros((units, 4), dtype=int)
    for unit, label in given_judgments:
        counts[unit, label] += 1
    return counts


def same(one, other):
    return one.as_json() == other.as_json()


@repeatable
@given(judgments, st.sampled_from([None, SQUARED]))
def test_judgment_by_judgment_is_exactly_all_units_again(given_judgments, disagreement):
    live, counts = LiveAgreement.of(np.empty((0, 4)), disagreement=disagreement), np.zeros((8, 4), dtype=int)
    for unit, label in given_judgments:
        counts[unit] = live.judge(counts[unit], label)
    assert same(live, LiveAgreement.of(counts, disagreement=disagreement))


@repeatable
@given(judgments, st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3)), max_size=10))
def test_amending_and_withdrawing_leave_no_trace(before, amended):
    counts = matrix(before)
    live = LiveAgreement.of(counts)
    for unit, label in amended:
        moved = counts[unit].copy()
        if moved.any():  # one of its judgments is taken back for another label
            moved[np.argmax(moved)] -= 1
            moved[label] += 1
        live.change(counts[unit], moved)
        counts[unit] = moved
    assert same(live, LiveAgreement.of(counts))
    for row in counts:
        live.change(row, [0] * 4)
    assert live.by_size == {}


@repeatable
@given(judgments, judgments)
def test_parts_add_up(one, other):
    here, there = matrix(one), matrix(other)
    both = LiveAgreement.of(here).merged(LiveAgreement.of(there))
    assert same(both, LiveAgreement.of(np.concatenate([here, there])))
    stored = LiveAgreement.from_json(json.loads(json.dumps(both.as_json())))
    assert same(stored, both)


def value_of(result):
    return None if isinstance(result, Undefined) else result.value


@repeatable
@given(judgments)
def test_the_values_are_those_of_the_other_modules(given_judgments):
    counts = matrix(given_judgments)
    units = [np.repeat(range(4), row).tolist() for row in counts]
    for disagreement, weights, level in ((None, None, "nominal"), (SQUARED, "quadratic", "interval")):
        live = LiveAgreement.of(counts, disagreement=disagreement)
        for name, expected in (
            ("alpha", krippendorff_alpha(units, level=level, seed=1)),
            ("fleiss", fleiss_kappa(counts, seed=1, weights=weights)),
            ("gwet", gwet_ac(counts, seed=1, weights=weights)),
        ):
            shown = live.value(name)
            if isinstance(expected, Undefined):
                assert shown == expected
            else:
                assert shown == approx(expected.value, abs=1e-9)


def test_percent_agreement_is_that_of_pairs_averaged_over_units():
    live = LiveAgreement.of([[2, 0], [1, 1], [2, 1], [1, 0]])
    assert live.value("percent") == approx((1 + 0 + 1 / 3) / 3)
    with_distances = LiveAgreement.of([[1, 0, 1], [1, 1, 0]], disagreement=[[0, 1, 2], [1, 0, 1], [2, 1, 0]])
    assert with_distances.value("percent") == approx((0 + 0.5) / 2)


@repeatable
@given(
    st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=2, max_size=20),
    st.sampled_from([None, SQUARED]),
)
def test_errors_are_those_of_gwet_where_units_have_equally_many_ratings(units, disagreement):
    counts = np.array([np.bincount(unit, minlength=4) for unit in units])
    assume(np.count_nonzero(counts.sum(axis=0)) > 1)
    live = LiveAgreement.of(counts, disagreement=disagreement)
    weights = None if disagreement is None else "quadratic"
    for chance in ("gwet", "fleiss"):
        assert live.standard_error(chance) == approx(
            standard_error(counts, chance, weights=weights), abs=1e-6
        )


@pytest.mark.parametrize("coefficient", ["percent", "alpha", "fleiss", "gwet"])
def test_errors_are_those_of_the_bootstrap_with_gaps_too(coefficient):
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 3, size=(400, 1))
    labels = np.where(rng.random((400, 4)) < 0.6, truth, rng.integers(0, 3, size=(400, 4)))
    seen = rng.random((400, 4)) < 0.7
    counts = np.stack([((labels == label) & seen).sum(axis=1) for label in range(3)], axis=1)
    drawn = [LiveAgreement.of(counts[rng.integers(0, 400, 400)]).value(coefficient) for _ in range(400)]
    assert LiveAgreement.of(counts).standard_error(coefficient) == approx(np.std(drawn), rel=0.12)


def test_the_interval_holds_at_every_look_and_starts_at_fifty_units():
    row = [[2, 0], [0, 2], [1, 1], [2, 0], [0, 2]]
    few, many = LiveAgreement.of(row, times=[9] * 5), LiveAgreement.of(row, times=[40] * 5)
    assert "50 are needed" in few.estimate("gwet", planned=200).ci_undefined
    shown = many.estimate("gwet", planned=200)
    assert (shown.kind, shown.n) == ("any-time", 200)
    once = 1.96 * many.standard_error("gwet")
    assert 1.3 * once < shown.ci_high - shown.value < 2 * once
    # Few units deviate: the limit would lie beyond complete agreement.
    high = LiveAgreement.of([[2, 0], [0, 2], [1, 1]], times=[30, 30, 1]).estimate("alpha", planned=60)
    assert high.ci_high == 1
    agreed = LiveAgreement.of([[2, 0], [0, 2]], times=[50, 50]).estimate("alpha", planned=60)
    assert (agreed.value, agreed.ci_low) == (1, None)


def test_what_has_no_value():
    empty = LiveAgreement(3)
    for coefficient in ("percent", "alpha", "fleiss", "gwet"):
        assert empty.value(coefficient) == Undefined("no unit has two ratings")
        assert isinstance(empty.estimate(coefficient, planned=50), Undefined)
        assert isinstance(empty.standard_error(coefficient), Undefined)
    one = LiveAgreement.of([[2, 0]] * 20)
    words = "only one category was used; agreement 20/20 units, 95 % lower limit 0.84"
    assert one.value("alpha") == one.value("gwet") == Undefined(words)
    assert one.value("percent") == 1


def test_what_is_refused():
    live = LiveAgreement.of([[2, 0]])
    with pytest.raises(ValueError, match="no unit with 3 ratings"):
        live.change([2, 1], [0, 0])
    with pytest.raises(ValueError, match="numbered from 0 to 1"):
        live.judge([2, 0], 2)
    with pytest.raises(ValueError, match="have 2 counts"):
        live.judge([2, 0, 0], 1)
    with pytest.raises(ValueError, match="percent, alpha"):
        LiveAgreement.of([[1, 1]]).value("kappa")
    with pytest.raises(ValueError, match="same labels"):
        live.merged(LiveAgreement(3))
    for wrong in ([[0, 1], [2, 0]], [[1, 1], [1, 0]], [[0, 0], [0, 0]], [[0]]):
        with pytest.raises(ValueError, match="disagree"):
            LiveAgreement(2, np.array(wrong))
    with pytest.raises(ValueError, match="one label"):
        LiveAgreement(1)
    assert math.isclose(live.value("percent"), 1)

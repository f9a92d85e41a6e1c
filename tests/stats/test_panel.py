"""Kinds of items: what a judgment changes is exactly all of them again, and the figures are the other modules'."""

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaltrack.stats.agreement import krippendorff_alpha, preference_kappa
from evaltrack.stats.coefficients import fleiss_kappa, gwet_ac, standard_error
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import wilson
from evaltrack.stats.panel import Panel

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=80)
# Of eight units of four items: unit and label.
judgments = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3)), max_size=50)
ITEMS = np.arange(8) // 2
NAMES = ("first", "second", "tie", "both_bad")


def matrix(given_judgments, units=8):
    counts = np.zeros((units, 4), dtype=int)
    for unit, label in given_judgments:
        counts[unit, label] += 1
    return counts


def of_item(counts, item):
    return Panel.of(counts[item == ITEMS], np.zeros(2, dtype=int))


def same(one, other):
    return one.as_json() == other.as_json()


@repeatable
@given(judgments)
def test_judgment_by_judgment_is_exactly_all_units_again(given_judgments):
    live, counts = Panel(4), matrix([])
    for unit, label in given_judgments:
        before = of_item(counts, unit // 2)
        counts[unit, label] += 1
        live = live.minus(before).plus(of_item(counts, unit // 2))
    assert same(live, Panel.of(counts, ITEMS))
    for item in range(4):
        live = live.minus(of_item(counts, item))
    assert live.kinds == {}


@repeatable
@given(judgments, judgments)
def test_parts_add_up_and_are_kept_as_text(one, other):
    here, there = matrix(one), matrix(other)
    both = Panel.of(here, ITEMS).plus(Panel.of(there, ITEMS))
    assert same(both, Panel.of(np.concatenate([here, there]), np.concatenate([ITEMS, ITEMS + 4])))
    assert same(Panel.from_json(json.loads(json.dumps(both.as_json()))), both)


@repeatable
@given(judgments, st.randoms(use_true_random=False))
def test_neither_the_order_of_units_nor_that_of_items_changes_a_figure(given_judgments, random):
    counts, order = matrix(given_judgments), list(range(8))
    random.shuffle(order)
    one, other = Panel.of(counts, ITEMS), Panel.of(counts[order], ITEMS[order])
    assert one.alpha("ordinal", seed=1) == other.alpha("ordinal", seed=1)
    assert one.beyond_chance("gwet", seed=1) == other.beyond_chance("gwet", seed=1)
    assert one.preference(seed=1) == other.preference(seed=1)
    assert one.percent() == other.percent()


def figure(result):
    return result if isinstance(result, Undefined) else approx(result.value, abs=1e-9)


def value_of(result):
    return result if isinstance(result, Undefined) else result.value


@repeatable
@given(judgments)
def test_the_values_are_those_of_the_other_modules(given_judgments):
    counts = matrix(given_judgments)
    units = [np.repeat(range(4), row).tolist() for row in counts]
    panel = Panel.of(counts, ITEMS)
    for level in ("nominal", "ordinal", "interval", "ratio"):
        assert value_of(panel.alpha(level, seed=1)) == figure(krippendorff_alpha(units, level=level, seed=1))
    for weights in (None, "quadratic"):
        found = panel.beyond_chance("fleiss", seed=1, weights=weights)
        assert value_of(found) == figure(fleiss_kappa(counts, seed=1, weights=weights))
        found = panel.beyond_chance("gwet", seed=1, weights=weights)
        assert value_of(found) == figure(gwet_ac(counts, seed=1, weights=weights))
    said = [
        (unit, rater, NAMES[label]) for unit, labels in enumerate(units) for rater, label in enumerate(labels)
    ]
    item_of = {unit: unit // 2 for unit in range(8)}
    expected = preference_kappa(said, between="raters", seed=1, item_of=item_of)
    found = panel.preference(seed=1)
    if found.judgments:
        assert found == expected
    else:
        assert found.kappa == expected.kappa


@repeatable
@given(judgments)
def test_alpha_has_the_interval_of_its_own_module(given_judgments):
    counts = np.concatenate([matrix(given_judgments)] * 3)
    units = {unit: np.repeat(range(4), row).tolist() for unit, row in enumerate(counts)}
    for level in ("nominal", "ordinal"):
        expected = krippendorff_alpha(units, level=level, seed=1, item_of={unit: unit for unit in units})
        found = Panel.of(counts).alpha(level, seed=1)
        if isinstance(expected, Undefined):
            assert found == expected
        else:
            assert (found.ci_low is None) == (expected.ci_low is None)
            assert (found.n, found.clusters, found.method) == (
                expected.n,
                expected.clusters,
                expected.method,
            )


def test_units_of_one_item_are_drawn_together():
    rng = np.random.default_rng(1)
    counts = np.array([np.bincount(row, minlength=2) for row in rng.integers(0, 2, size=(12, 3))])
    copies, items = np.repeat(counts, 5, axis=0), np.repeat(np.arange(12), 5)
    alone = fleiss_kappa(copies, seed=1)
    together = Panel.of(copies, items).beyond_chance("fleiss", seed=1)
    assert (together.n, together.clusters, alone.clusters) == (60, 12, None)
    assert together.value == approx(alone.value)
    assert together.ci_high - together.ci_low > 1.8 * (alone.ci_high - alone.ci_low)
    assert Panel.of(copies[::-1], items[::-1]).beyond_chance("fleiss", seed=1) == together
    with pytest.raises(ValueError, match="no item for each"):
        Panel.of(copies, items[:9])


def test_the_share_that_agrees_counts_items_where_they_have_several_pairs():
    yes, no = [2, 0], [1, 1]
    assert Panel.of([yes, no, yes]).percent() == wilson(2, 3)
    assert Panel(2).percent() == Undefined("there are no pairs of judgments")
    # A unit with three ratings has three pairs: each counts once.
    assert Panel.of([yes, no, [2, 1], [1, 0]]).percent().value == approx((1 + 0 + 1) / 5)
    agreed = [no if n % 3 == 0 else yes for n in range(60)]
    found = Panel.of(agreed, np.arange(60) // 6).percent()
    assert (found.value, found.n, found.clusters) == (approx(2 / 3), 60, 10)
    assert 0 <= found.ci_low < found.value < found.ci_high <= 1
    assert Panel.of([yes] * 6, np.arange(6) // 3).percent().ci_low is None
    all_agree = Panel.of([yes] * 20, np.arange(20) // 2).percent()
    assert (all_agree.value, all_agree.ci_high) == (1, 1)
    assert all_agree.ci_low < 0.9


@repeatable
@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=10, max_size=30))
def test_errors_are_nearly_those_of_gwet_where_units_have_equally_many_ratings(units):
    counts = np.array([np.bincount(unit, minlength=4) for unit in units])
    assume(np.count_nonzero(counts.sum(axis=0) >= len(units) / 4) > 1)
    for chance in ("gwet", "fleiss"):
        found = Panel.of(counts).standard_error(chance)
        # A jackknife is a little wider, by about 1/n.
        assert found == approx(standard_error(counts, chance), rel=0.35, abs=1e-6)


@pytest.mark.parametrize("coefficient", ["percent", "alpha", "fleiss", "gwet", "preference"])
def test_errors_are_those_of_the_bootstrap_with_gaps_too(coefficient):
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, size=(400, 1))
    labels = np.where(rng.random((400, 4)) < 0.6, truth, rng.integers(0, 4, size=(400, 4)))
    seen = rng.random((400, 4)) < 0.7
    counts = np.stack([((labels == label) & seen).sum(axis=1) for label in range(4)], axis=1)

    def drawn():
        return Panel.of(counts[rng.integers(0, 400, 400)]).any_time(coefficient, planned=400).value

    values = [drawn() for _ in range(400)]
    assert Panel.of(counts).standard_error(coefficient) == approx(np.std(values), rel=0.12)


def test_the_interval_holds_at_every_look_and_starts_at_fifty_units():
    row = np.array([[2, 0], [0, 2], [1, 1], [2, 0], [0, 2]])
    few, many = Panel.of(np.repeat(row, 9, axis=0)), Panel.of(np.repeat(row, 40, axis=0))
    assert "50 are needed" in few.any_time("gwet", planned=200).ci_undefined
    shown = many.any_time("gwet", planned=200)
    assert (shown.kind, shown.n) == ("any-time", 200)
    once = 1.96 * many.standard_error("gwet")
    assert 1.3 * once < shown.ci_high - shown.value < 2 * once
    # Few units deviate: the limit would lie beyond complete agreement.
    high = Panel(2, {((0, 2),): 30, ((1, 1),): 1, ((2, 0),): 30}).any_time("alpha", planned=60)
    assert high.ci_high == 1
    agreed = Panel(2, {((0, 2),): 50, ((2, 0),): 50}).any_time("alpha", planned=60)
    assert (agreed.value, agreed.ci_low) == (1, None)


def test_what_has_no_value():
    empty = Panel(3)
    for coefficient in ("percent", "alpha", "fleiss", "gwet", "preference"):
        assert empty.any_time(coefficient, planned=50) == Undefined("no unit has two ratings")
        assert isinstance(empty.standard_error(coefficient), Undefined)
    one = Panel.of([[2, 0]] * 20)
    words = "only one category was used; agreement 20/20 units, 95 % lower limit 0.84"
    assert one.alpha("nominal", seed=1) == one.any_time("gwet", planned=50) == Undefined(words)
    assert one.percent().value == 1


def test_what_is_refused():
    panel = Panel.of([[2, 0]])
    with pytest.raises(ValueError, match="not there to be taken away"):
        panel.minus(Panel.of([[2, 1]]))
    with pytest.raises(ValueError, match="percent, alpha"):
        Panel.of([[1, 1]]).any_time("kappa", planned=50)
    with pytest.raises(ValueError, match="same labels"):
        panel.plus(Panel(3))
    with pytest.raises(ValueError, match="one label"):
        Panel(1)
    for kinds in ({((1, 0, 0),): 1}, {((0, 0),): 1}, {((1, -1),): 1}):
        with pytest.raises(ValueError, match="2 labels"):
            Panel(2, kinds)
    for kinds in ({(): 1}, {((1, 0),): 0}, {((2, 0), (1, 0)): 1}):
        with pytest.raises(ValueError, match="are none"):
            Panel(2, kinds)
    with pytest.raises(ValueError, match="ascending"):
        panel.alpha("interval", seed=1, values=[2, 1])

"""Pace, reading, runs, variety, sides, ties, severity and drift: what they find, and how often they err."""

import numpy as np
import pytest
from scipy import stats

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.monitoring import cusum_threshold
from evaltrack.stats.multiplicity import benjamini_hochberg
from evaltrack.stats.raters import drift, longest_runs, overuse, pace, severity, sides, unread, variety
from evaltrack.stats.raters.habits import _as_many
from evaltrack.stats.raters.monotony import _have_run, _longest, chance_of_run

approx = pytest.approx


def panel(rng, items, raters, each):
    """`each` of the raters, drawn at random, on each item."""
    item = np.repeat(np.arange(items), each)
    rater = np.concatenate([rng.choice(raters, size=each, replace=False) for _ in range(items)])
    return rater, item


def share_raised(results, level):
    """Of all raters in all results, the share with false positives up to `level`."""
    return np.mean([each.false_positives <= level for shown in results for each in shown])


# ── Speed ────────────────────────────────────────────────────────────────────────────────────────────


def timed(rng, items=150, raters=10, hurried=None):
    rater, item = panel(rng, items, raters, 3)
    log = rng.normal(3, 1, size=items)[item] + rng.normal(0, 0.2, size=raters)[rater]
    log += rng.normal(0, 0.5, size=len(item))
    if hurried is not None:
        log[rater == hurried] -= 2
    return rater, item, np.exp(log)


def test_a_hurried_rater_stands_out_and_others_do_not():
    shown = pace(*timed(np.random.default_rng(1), hurried=4))
    hurried = shown[4]
    assert hurried.score < -4
    assert hurried.false_positives == min(each.false_positives for each in shown) < 0.02
    assert [each.rater for each in shown] == list(range(10))


def test_pace_errs_as_often_as_it_says():
    rng = np.random.default_rng(2)
    results = [pace(*timed(rng, items=100)) for _ in range(150)]
    assert share_raised(results, 0.05) == approx(0.05, abs=0.02)


def test_pace_does_not_depend_on_the_unit_of_time():
    rater, item, seconds = timed(np.random.default_rng(3))
    scores = [[each.score for each in pace(rater, item, seconds * unit)] for unit in (1, 1000)]
    assert scores[0] == approx(scores[1])


def test_pace_needs_raters_and_differences():
    rater, item, seconds = timed(np.random.default_rng(4), raters=4)
    assert pace(rater, item, seconds) == Undefined("4 raters share 10 items with others: 5 are needed")
    rater, item, seconds = timed(np.random.default_rng(4))
    assert "same pace" in pace(rater, item, np.ones(len(item))).reason
    with pytest.raises(ValueError, match="positive"):
        pace(rater, item, seconds * 0)


def test_answers_below_the_reading_floor():
    # Ten answers to texts of 100 words, which take 30 seconds to read; four came within 29.
    shown = unread([3] * 10 + [5] * 10, [29.0] * 4 + [31.0] * 6 + [60.0] * 10, [100] * 20)
    assert [(each.rater, each.score, each.n) for each in shown] == [(3, 0.4, 10), (5, 0.0, 10)]
    assert shown[0].false_positives == approx(stats.binom.sf(3, 10, 0.1))
    assert shown[1].false_positives == 1
    assert shown[0].adjusted == approx(2 * shown[0].false_positives)
    assert unread([], [], []) == ()
    with pytest.raises(ValueError):
        unread([1], [-1.0], [3])
    with pytest.raises(ValueError, match="finite"):
        unread([1], [float("nan")], [3])


# ── One key ──────────────────────────────────────────────────────────────────────────────────────────


def test_runs_by_hand():
    rows = np.array([[1, 1, 2, 2, 2, 1], [0, 1, 0, 1, 0, 1], [3, 3, 3, 3, 3, 3]])
    assert [_longest(row) for row in rows] == [3, 1, 6]
    for length in range(1, 7):
        assert _have_run(rows, length).tolist() == [length <= 3, length <= 1, True]


def test_the_chance_of_a_run_is_that_of_all_orders():
    """Five of one label and five of another: 2 of 252 orders have no run longer than 1, 252/252 one of 1 or more."""
    ordered = longest_runs([7] * 10, [0] * 5 + [1] * 5, seed=1)[0]
    assert (ordered.rater, ordered.score, ordered.n) == (7, 5, 10)
    # A run of five of either label: 12 + 12 orders less those with both, counted by hand below.
    orders = [np.array([int(place in chosen) for place in range(10)]) for chosen in _choices(10, 5)]
    exact = np.mean([_longest(order) >= 5 for order in orders])
    assert ordered.false_positives == approx(exact, abs=0.012)


def _choices(n, k):
    return [
        {place for place in range(n) if number >> place & 1}
        for number in range(2**n)
        if number.bit_count() == k
    ]


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.4, 0.3, 0.2, 0.1), (0.97, 0.03)])
def test_the_formula_for_long_sequences_agrees_with_drawing(shares):
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(len(shares)), (600 * np.array(shares)).astype(int))
    runs = np.array([_longest(order) for order in rng.permuted(np.tile(labels, (3000, 1)), axis=1)])
    for length in np.quantile(runs, (0.2, 0.5, 0.9, 0.99)).astype(int):
        drawn = (runs >= length).mean()
        assert chance_of_run(np.bincount(labels), length) == approx(drawn, abs=0.03)
    assert longest_runs([0] * 600, labels, seed=1)[0].false_positives < 1e-9
    assert chance_of_run(np.array([600]), 600) == 1
    assert chance_of_run(np.array([300, 300]), 301) == 0


def test_straight_lining_is_found_and_random_order_is_not():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, size=60)
    lined = labels.copy()
    lined[20:45] = 1
    shown = longest_runs([0] * 60 + [1] * 60, np.concatenate([labels, lined]), seed=1)
    assert shown[0].false_positives > 0.05
    assert (shown[1].score, shown[1].false_positives) == (approx(25, abs=3), approx(1 / 2001))
    # One label only: every order has that run, which says nothing against the order.
    assert longest_runs([0] * 30, [2] * 30, seed=1)[0].false_positives == 1
    assert longest_runs([0] * 9, [2] * 9, seed=1) == ()
    with pytest.raises(ValueError, match="do not stand beside"):
        longest_runs([0], [1, 2], seed=1)


def test_runs_err_no_more_often_than_they_say():
    rng = np.random.default_rng(5)
    results = [longest_runs([0] * 40, rng.integers(0, 3, size=40), seed=i) for i in range(150)]
    assert share_raised(results, 0.05) <= 0.09


def labelled(rng, lazy=None, items=120, raters=8):
    rater, item = panel(rng, items, raters, 3)
    truth = rng.integers(0, 3, size=items)[item]
    label = np.where(rng.random(len(item)) < 0.7, truth, rng.integers(0, 3, size=len(item)))
    if lazy is not None:
        label[rater == lazy] = 1
    return rater, item, label


def test_a_rater_who_always_says_the_same_lacks_variety():
    shown = variety(*labelled(np.random.default_rng(1), lazy=2), k=3, seed=1)
    assert (shown[2].score, shown[2].false_positives) == (0, approx(1 / 2001))
    assert sum(each.adjusted < 0.05 for each in shown) == 1


def test_variety_errs_no_more_often_than_it_says():
    rng = np.random.default_rng(2)
    results = [variety(*labelled(rng), k=3, seed=i) for i in range(25)]
    assert share_raised(results, 0.05) <= 0.09


def test_variety_of_few_is_undefined():
    assert variety([0, 1] * 9, np.repeat(range(9), 2), [0, 1] * 9, k=2, seed=1) == Undefined(
        "no rater shares 10 items with others"
    )
    assert isinstance(variety([], [], [], k=2, seed=1), Undefined)
    assert variety([0, 1] * 10, np.repeat(range(10), 2), [0] * 20, k=2, seed=1)[0].false_positives == 1


# ── Habits ───────────────────────────────────────────────────────────────────────────────────────────


def test_sides_are_the_two_sided_binomial_test_over_all_raters():
    left = [*[1] * 18, *[0] * 2, *[1] * 11, *[0] * 9, *[1] * 3, *[0] * 17]
    shown = sides(np.repeat([0, 1, 2], 20), left)
    expected = [stats.binomtest(x, 20).pvalue for x in (18, 11, 3)]
    assert [each.false_positives for each in shown] == approx(expected)
    assert [each.adjusted for each in shown] == approx(benjamini_hochberg(expected))
    assert [each.score for each in shown] == approx([0.9, 0.55, 0.15])
    assert sides([], []) == ()
    with pytest.raises(ValueError, match="1 or 0"):
        sides([0], [2])


def test_ties_that_others_do_not_see():
    rng = np.random.default_rng(1)
    rater, item = panel(rng, 100, 6, 3)
    tie = rng.random(len(item)) < 0.15
    tie[rater == 3] = rng.random((rater == 3).sum()) < 0.6
    shown = overuse(rater, item, tie)
    assert shown[3].score > 0.3
    assert shown[3].false_positives < 1e-6
    assert all(each.adjusted > 0.05 for each in shown if each.rater != 3)


def test_the_chance_of_ties_is_exact():
    # Three items: 1 of 2, 2 of 3 and 1 of 2 chose it, so all three are 1/2 · 2/3 · 1/2.
    t, m = np.array([1, 2, 1]), np.array([2, 3, 2])
    assert _as_many(3, t, m) == approx(1 / 6)
    assert _as_many(0, t, m) == approx(1)
    many_t, many_m = np.full(3000, 1), np.full(3000, 3)
    assert _as_many(1050, many_t, many_m) == approx(stats.binom.sf(1049, 3000, 1 / 3), rel=0.02)


def test_overuse_errs_no_more_often_than_it_says():
    rng = np.random.default_rng(2)
    results = []
    for _ in range(150):
        rater, item = panel(rng, 60, 6, 3)
        results.append(overuse(rater, item, rng.random(len(item)) < rng.random(60)[item]))
    assert 0.01 <= share_raised(results, 0.05) <= 0.06
    # Who judged alone is compared with nobody.
    assert overuse([0, 1], [0, 1], [1, 0]) == ()


def scored(rng, harsh=None, items=80, raters=6):
    rater, item = panel(rng, items, raters, 3)
    score = rng.integers(1, 6, size=items)[item] + rng.integers(-1, 2, size=len(item))
    return rater, item, score - (rater == harsh)


def test_severity_is_the_distance_from_others_in_points():
    rng = np.random.default_rng(1)
    shown = severity(*scored(rng, harsh=1))
    assert shown[1].score == approx(-1, abs=0.25)
    assert shown[1].adjusted < 0.001
    exact = severity([0, 1] * 10, np.repeat(range(10), 2), [3, 4] * 10)
    assert [each.score for each in exact] == approx([-1, 1])
    assert [each.score for each in severity([0, 1] * 10, np.repeat(range(10), 2), [3, 3] * 10)] == [0, 0]
    assert severity([0, 1], [0, 0], [1, 2]) == ()


def test_severity_errs_as_often_as_it_says():
    rng = np.random.default_rng(3)
    assert share_raised([severity(*scored(rng)) for _ in range(200)], 0.05) == approx(0.05, abs=0.02)


def test_drift_on_anchor_items():
    rng = np.random.default_rng(1)
    known = rng.integers(1, 6, size=80).astype(float)
    steady = drift(known + rng.normal(0, 0.5, 80), known, sd=0.5)
    moved = drift(known + rng.normal(0, 0.5, 80) - 0.5 * (np.arange(80) >= 40), known, sd=0.5)
    assert steady.chart.signal is None
    assert moved.chart.signal.direction == "down"
    assert 40 < moved.chart.signal.period < 70
    assert moved.threshold == cusum_threshold(1000)
    assert moved.false_positives == approx(1 - np.exp(-0.08))
    assert drift([], [], sd=1) == Undefined("there are no scores of anchor items")
    with pytest.raises(ValueError, match="known scores do not stand beside"):
        drift([1.0], [1.0, 2.0], sd=1)


def test_the_false_positives_of_drift_are_about_what_is_said():
    rng = np.random.default_rng(2)
    results = [drift(rng.normal(size=200), np.zeros(200), sd=1, run_length=500) for _ in range(300)]
    assert np.mean([each.chart.signal is not None for each in results]) == approx(0.33, abs=0.07)


def test_an_indication_as_json():
    first = sides([4] * 10, [1] * 10)[0].as_json()
    assert first == {
        "rater": 4,
        "score": 1.0,
        "n": 10,
        "false_positives": 0.001953125,
        "adjusted": 0.001953125,
    }

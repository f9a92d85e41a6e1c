import csv
import math
import os
from itertools import combinations
from pathlib import Path

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from evaltrack.stats.agreement import krippendorff_alpha, preference_kappa
from evaltrack.stats.alpha import alphas, coded, pattern_counts
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.kappa import cohen_kappa, percent_agreement

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=50)
square_tables = st.integers(2, 5).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 30), min_size=k, max_size=k), min_size=k, max_size=k)
)

COHEN_1960 = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
FEINSTEIN_BALANCED = [[40, 9], [6, 45]]
FEINSTEIN_SKEWED = [[80, 10], [5, 5]]


def units_of(*raters):
    """Units from one line per rater, as reliability data are printed; a dot is a missing rating."""
    rows = [[None if mark == "." else int(mark) for mark in rater.split()] for rater in raters]
    return list(zip(*rows, strict=True))


KRIPPENDORFF_C = units_of(
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
THREE_CODERS = units_of(
    ". . . . . 3 4 1 2 1 1 3 3 . 3",
    "1 . 2 1 3 3 4 3 . . . . . . .",
    ". . 2 1 3 4 4 . 2 1 1 3 3 . 4",
)


@pytest.mark.parametrize(
    ("table", "kappa", "digits"),
    [
        (COHEN_1960, 0.492, 3),
        ([[0, 4, 1], [0, 8, 0], [0, 1, 5]], 0.4842, 4),  # SAS output quoted by statsmodels' tests
        (FEINSTEIN_BALANCED, 0.70, 2),
        (FEINSTEIN_SKEWED, 0.32, 2),
    ],
)
def test_kappa_matches_cohen_1960_sas_and_feinstein_cicchetti_1990(table, kappa, digits):
    assert round(cohen_kappa(table, seed=1).value, digits) == kappa


def test_the_paradox_of_feinstein_and_cicchetti_shows_in_the_raw_agreement():
    assert percent_agreement(FEINSTEIN_BALANCED).value == percent_agreement(FEINSTEIN_SKEWED).value == 0.85


@repeatable
@given(square_tables)
def test_kappa_agrees_with_statsmodels_and_scikit_learn(table):
    counts = np.array(table)
    assume(counts.sum() and max(counts.diagonal()) < counts.sum())
    value = cohen_kappa(table, seed=1).value
    rows, columns = np.indices(counts.shape)
    oracle = cohen_kappa_score(rows.ravel(), columns.ravel(), sample_weight=counts.ravel())
    assert value == approx(oracle, abs=1e-9)
    assert value == approx(cohens_kappa(counts, return_results=False), abs=1e-9)


@repeatable
@given(square_tables, st.randoms(use_true_random=False))
def test_renaming_the_labels_leaves_kappa_unchanged(table, random):
    counts = np.array(table)
    assume(counts.sum() and max(counts.diagonal()) < counts.sum())
    order = random.sample(range(len(counts)), len(counts))
    renamed = cohen_kappa(counts[np.ix_(order, order)], seed=1)
    ours = cohen_kappa(counts, seed=1)
    assert renamed.value == approx(ours.value, abs=1e-12)
    # The draws go to other cells, so the limits agree up to the noise of 2,000 draws.
    assert (renamed.ci_low is None) == (ours.ci_low is None)
    if ours.ci_low is not None:
        assert (renamed.ci_low, renamed.ci_high) == approx((ours.ci_low, ours.ci_high), abs=0.15)


@repeatable
@given(square_tables)
def test_exchanging_the_raters_leaves_kappa_unchanged(table):
    ours, theirs = cohen_kappa(table, seed=1), cohen_kappa(np.array(table).T, seed=1)
    assert isinstance(ours, Undefined) == isinstance(theirs, Undefined)
    assert isinstance(ours, Undefined) or ours.value == approx(theirs.value, abs=1e-12)


def test_kappa_interval_agrees_with_the_asymptotic_one_on_a_large_table():
    table = np.array(COHEN_1960) * 10
    ours, oracle = cohen_kappa(table, seed=1), cohens_kappa(table)
    assert (ours.ci_low, ours.ci_high) == approx((oracle.kappa_low, oracle.kappa_upp), abs=0.003)


def test_kappa_at_complete_agreement_keeps_an_interval_that_includes_one():
    twenty, thousand = cohen_kappa([[10, 0], [0, 10]], seed=1), cohen_kappa([[500, 0], [0, 500]], seed=1)
    assert twenty.value == twenty.ci_high == thousand.ci_high == 1
    assert 0.5 < twenty.ci_low < 0.8 < 0.98 < thousand.ci_low < 1


def test_the_seed_decides_the_interval_and_is_recorded():
    assert cohen_kappa(COHEN_1960, seed=1) == cohen_kappa(COHEN_1960, seed=1)
    assert cohen_kappa(COHEN_1960, seed=1).ci_low != cohen_kappa(COHEN_1960, seed=2).ci_low
    assert cohen_kappa(COHEN_1960, seed=2).seed == 2


def test_one_category_only_is_undefined_in_words():
    words = "only one category was used; agreement 20/20 items, 95 % lower limit 0.84"
    assert cohen_kappa([[20, 0], [0, 0]], seed=1) == Undefined(words)
    assert cohen_kappa([[7]], seed=1).reason.startswith("only one category")
    assert cohen_kappa([[0, 0], [0, 0]], seed=1) == Undefined("there are no items rated by both")
    assert percent_agreement([[0, 0], [0, 0]]) == Undefined("there are no observations")
    assert percent_agreement([[20, 0], [0, 0]]).value == 1


def test_few_items_have_a_kappa_without_an_interval():
    one = cohen_kappa([[0, 1], [0, 0]], seed=1)
    assert (one.value, one.ci_low) == (0, None)
    assert one.ci_undefined == "1 items do not support an interval with 2 labels: 8 are needed"
    assert cohen_kappa([[4, 0], [1, 3]], seed=1).ci_low is not None


@pytest.mark.parametrize("table", [[[1, 2]], [[-1, 2], [0, 1]], [[0.5, 1], [1, 1]], [[math.nan]], []])
def test_what_is_no_table_of_counts_is_refused(table):
    with pytest.raises(ValueError):
        cohen_kappa(table, seed=1)


@pytest.mark.parametrize(
    ("level", "alpha"),
    [("nominal", 0.743421), ("ordinal", 0.815388), ("interval", 0.849107), ("ratio", 0.797403)],
)
def test_alpha_matches_krippendorff_2011_data_c(level, alpha):
    result = krippendorff_alpha(KRIPPENDORFF_C, level=level, seed=1)
    assert result.value == approx(alpha, abs=5e-7)
    assert result.n == 11  # the last unit has one rating
    assert result.ci_low < alpha < result.ci_high


def test_alpha_matches_the_three_coders_of_the_package_documentation():
    assert krippendorff_alpha(THREE_CODERS, level="nominal", seed=1).value == approx(0.691358, abs=5e-7)
    assert krippendorff_alpha(THREE_CODERS, level="interval", seed=1).value == approx(0.810845, abs=5e-7)


ratings = st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=5), min_size=2, max_size=15)


@repeatable
@given(ratings, st.sampled_from(["nominal", "ordinal", "interval", "ratio"]))
def test_alpha_by_sums_agrees_with_the_package(units, level):
    assume(len({rating for unit in units for rating in unit}) > 1)
    values, numbered = coded(units, level)
    counts = pattern_counts(numbered, len(values))
    by_sums = alphas(np.ones((1, len(units))), counts, values, level)[0]
    oracle = krippendorff.alpha(
        value_counts=counts.toarray(), value_domain=values, level_of_measurement=level
    )
    assert by_sums == approx(oracle, abs=1e-9)


@repeatable
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=30))
def test_nominal_alpha_of_two_raters_is_scott_s_pi_corrected_for_size(pairs):
    shares = np.bincount(np.ravel(pairs)) / (2 * len(pairs))
    by_chance = float(shares @ shares)
    assume(by_chance < 1)
    pi = (np.mean([one == other for one, other in pairs]) - by_chance) / (1 - by_chance)
    alpha = krippendorff_alpha(pairs, level="nominal", seed=1)
    assert alpha.value == approx(pi + (1 - pi) / (2 * len(pairs)), abs=1e-9)


@repeatable
@given(ratings, st.permutations("abcdefg"), st.randoms(use_true_random=False))
def test_neither_names_nor_order_change_nominal_alpha(units, names, random):
    assume(len({rating for unit in units for rating in unit}) > 1)
    renamed = [[names[rating] for rating in unit] for unit in units]
    value = krippendorff_alpha(units, level="nominal", seed=1).value
    assert krippendorff_alpha(renamed, level="nominal", seed=1).value == approx(value, abs=1e-9)
    random.shuffle(units)
    assert krippendorff_alpha(units, level="nominal", seed=1).value == approx(value, abs=1e-9)


def test_the_order_of_units_and_raters_does_not_change_the_interval_of_alpha():
    rng = np.random.default_rng(2)
    units = {f"unit {i}": [f"label {x}" for x in rng.integers(0, 3, 4)] for i in range(40)}
    turned = {name: units[name][::-1] for name in reversed(units)}
    assert krippendorff_alpha(units, level="nominal", seed=5) == krippendorff_alpha(
        turned, level="nominal", seed=5
    )


def test_alpha_is_not_bootstrapped_from_fewer_than_ten_units():
    nine = krippendorff_alpha([[1, 1], [2, 2], [1, 2]] * 3, level="nominal", seed=1)
    assert nine.ci_low is None
    assert nine.ci_undefined == "9 units do not support a bootstrap interval: 10 are needed"
    assert krippendorff_alpha([[1, 1], [2, 2]] * 5, level="nominal", seed=1).ci_low is not None


def test_alpha_with_one_deviating_unit_has_no_interval():
    alpha = krippendorff_alpha([[1, 1]] * 40 + [[1, 2]], level="nominal", seed=1)
    assert alpha.value == approx(0.0)
    assert "too few units deviate" in alpha.ci_undefined


def test_rare_disagreement_leaves_room_that_a_bootstrap_would_not():
    """One of twenty units deviates, and a third of all draws does not hold it."""
    units = [["a", "a"]] * 15 + [["b", "b"]] * 4 + [["a", "b"]]
    shown = krippendorff_alpha(units, level="nominal", seed=1)
    values, numbered = coded(units, "nominal")
    counts = pattern_counts(numbered, len(values))
    drawn = np.random.default_rng(1).multinomial(20, np.full(20, 1 / 20), size=2000).astype(float)
    alone = np.nanquantile(alphas(drawn, counts, values, "nominal"), (0.025, 0.975))
    assert shown.ci_low < alone[0] - 0.05
    assert shown.ci_high >= alone[1] - 0.02
    assert shown.method == "unit bootstrap, no narrower than a Dirichlet posterior of prior mass 2"


def test_complete_agreement_leaves_room_below_one():
    """Up to 11.35 % of units might disagree unseen (Wilson, 0 of 30); two such labels differ half the time."""
    alpha = krippendorff_alpha([["a", "a"]] * 15 + [["b", "b"]] * 15, level="nominal", seed=1)
    assert (alpha.value, alpha.ci_high) == (1, 1)
    assert alpha.ci_low == approx(1 - 0.113513 / 0.5, abs=1e-5)


def test_alpha_without_anything_to_compare_is_undefined():
    assert krippendorff_alpha([], level="nominal", seed=1) == Undefined("no unit has two ratings")
    assert krippendorff_alpha([[1, None], [2]], level="ordinal", seed=1) == Undefined(
        "no unit has two ratings"
    )
    one_value = krippendorff_alpha([[3, 3]] * 20, level="interval", seed=1)
    assert one_value.reason == "only one category was used; agreement 20/20 units, 95 % lower limit 0.84"


@pytest.mark.parametrize(
    ("unit", "level"),
    [([1.0, math.nan], "nominal"), (["a", "b"], "ordinal"), ([-1, 2], "ratio"), ([1, 2], "metric")],
)
def test_ratings_that_do_not_fit_the_level_are_refused(unit, level):
    with pytest.raises(ValueError):
        krippendorff_alpha([unit, unit], level=level, seed=1)


def test_many_values_do_not_need_a_matrix_of_all_pairs(monkeypatch):
    rng = np.random.default_rng(4)
    truth = rng.normal(size=80)
    units = np.stack([truth, truth + 0.5 * rng.normal(size=80)], axis=1).tolist()
    by_package = krippendorff_alpha(units, level="interval", seed=1)
    monkeypatch.setattr("evaltrack.stats.agreement.PACKAGE_CELLS", 0)
    by_sums = krippendorff_alpha(units, level="interval", seed=1)
    assert by_sums.value == approx(by_package.value, abs=1e-12)
    assert by_sums.ci_low < by_sums.value < by_sums.ci_high


# Preferences


def judgments_by(**raters):
    """Judgments of tasks 0, 1, 2 … from a string per rater: A and B are responses, = a tie, x both bad."""
    labels = {"A": "A", "B": "B", "=": "tie", "x": "both_bad"}
    return [
        (task, rater, labels[mark])
        for rater, marks in raters.items()
        for task, mark in enumerate(marks)
        if mark != "."
    ]


def test_preference_kappa_by_hand():
    """Six tasks, two raters, four agree; of 12 labels 2 are ties and 2 "both bad".

    t = b = 1/6, so pE = 1/36 + 1/36 + 2·(1/3)² = 5/18, and kappa = (2/3 − 5/18)/(13/18) = 7/13.
    """
    result = preference_kappa(judgments_by(one="AB=xAB", two="AB=xBA"), between="raters", seed=1)
    assert (result.agree, result.comparable) == (4, 6)
    assert (result.ties, result.both_bad, result.judgments) == (2, 2, 12)
    assert result.kappa.value == approx(7 / 13)
    assert result.kappa.n == result.kappa.clusters == 6
    assert "10 are needed" in result.kappa.ci_undefined


def test_both_bad_is_a_category_of_its_own_and_not_a_tie():
    apart = preference_kappa(judgments_by(one="AB=xAB", two="ABx=AB"), between="raters", seed=1)
    assert apart.agree == 4


@repeatable
@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 3), st.sampled_from(["A", "B", "tie", "both_bad"])),
        min_size=1,
        max_size=40,
    )
)
def test_preference_counts_are_those_of_all_pairs_of_judgments(judgments):
    pairs = [(x, y) for x, y in combinations(judgments, 2) if x[0] == y[0]]
    for between, selected in (
        ("raters", [p for p in pairs if p[0][1] != p[1][1]]),
        ("self", [p for p in pairs if p[0][1] == p[1][1]]),
    ):
        result = preference_kappa(judgments, between=between, seed=1)
        assert result.comparable == len(selected)
        assert result.agree == sum(x[2] == y[2] for x, y in selected)
        assert result.judgments == len(judgments)


@repeatable
@given(st.lists(st.sampled_from(["AA", "AB", "A=", "Ax", "BB", "==", "xx"]), min_size=12, max_size=40))
def test_renaming_responses_raters_and_tasks_leaves_preference_kappa_unchanged(tasks):
    one, two = ("".join(marks) for marks in zip(*tasks, strict=True))
    ours = preference_kappa(judgments_by(one=one, two=two), between="raters", seed=3)
    turned = str.maketrans("AB", "BA")
    renamed = judgments_by(p=two.translate(turned), q=one.translate(turned))
    tasks_renamed = [(f"task {task}", rater, label) for task, rater, label in reversed(renamed)]
    theirs = preference_kappa(tasks_renamed, between="raters", seed=3)
    assert ours == theirs


def test_tasks_of_one_item_are_resampled_together():
    marks = "AB=AB=ABAB" * 12
    noisy = "AB=ABAAB=B" * 12
    judgments = judgments_by(one=marks, two=noisy)
    by_task = preference_kappa(judgments, between="raters", seed=1).kappa
    copies = {task: task % 10 for task in range(120)}  # twelve copies of ten items: ten independent things
    by_item = preference_kappa(judgments, between="raters", seed=1, item_of=copies).kappa
    assert (by_task.value, by_task.clusters, by_item.clusters) == (by_item.value, 120, 10)
    assert by_item.ci_high - by_item.ci_low > 2 * (by_task.ci_high - by_task.ci_low)


def test_units_of_one_item_are_resampled_together():
    units = {task: ["AB"[task % 2], "AB"[(task // 3) % 2]] for task in range(120)}
    by_unit = krippendorff_alpha(units, level="nominal", seed=1)
    alone = krippendorff_alpha(units, level="nominal", seed=1, item_of={task: task for task in units})
    assert (alone.value, alone.ci_low, alone.ci_high) == (by_unit.value, by_unit.ci_low, by_unit.ci_high)
    # Twelve equal units of each of ten items are ten independent things.
    copies = {task: units[task % 10] for task in units}
    as_many = krippendorff_alpha(copies, level="nominal", seed=1)
    as_ten = krippendorff_alpha(copies, level="nominal", seed=1, item_of={task: task % 10 for task in units})
    assert (as_many.value, as_ten.n, as_ten.clusters) == (as_ten.value, 120, 10)
    assert as_ten.ci_high - as_ten.ci_low > 2 * (as_many.ci_high - as_many.ci_low)
    few = krippendorff_alpha(copies, level="nominal", seed=1, item_of={task: task % 9 for task in units})
    assert few.ci_low is None


def test_complete_preference_agreement_leaves_room_below_one():
    kappa = preference_kappa(judgments_by(one="AB" * 15, two="AB" * 15), between="raters", seed=1).kappa
    assert (kappa.value, kappa.ci_high) == (1, 1)
    assert kappa.ci_low == approx(1 - 0.113513 / 0.5, abs=1e-5)


def test_preferences_without_anything_to_compare_are_undefined():
    nothing = preference_kappa([], between="raters", seed=1)
    assert nothing.kappa == Undefined("no task has two judgments by different raters")
    assert nothing.as_json()["judgments"] == 0
    alone = preference_kappa(judgments_by(one="AB="), between="raters", seed=1)
    assert isinstance(alone.kappa, Undefined)
    never_twice = preference_kappa(judgments_by(one="AB", two="AB"), between="self", seed=1)
    assert never_twice.kappa == Undefined("no task has two judgments by the same rater")
    for mark in "=x":
        only = preference_kappa(judgments_by(one=mark * 4, two=mark * 4), between="raters", seed=1)
        assert only.kappa.reason.startswith("only one category was used; agreement 4/4")


def test_a_task_with_three_responses_is_refused():
    with pytest.raises(ValueError, match="two responses"):
        preference_kappa([(1, "r", "A"), (1, "s", "B"), (1, "t", "C")], between="raters", seed=1)
    with pytest.raises(ValueError, match="between"):
        preference_kappa([], between="everybody", seed=1)


def wmt16(pair):
    """Judgments of the 2016 Conference on Machine Translation: a task is a segment with two systems."""
    path = Path(os.environ["EVALTRACK_DATA"], "wmt16", f"wmt16.collapsed.{pair}.csv")
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            one, two = int(row["system1rank"]), int(row["system2rank"])
            if -1 in (one, two):
                continue
            systems = row["system1Id"], row["system2Id"]
            label = "tie" if one == two else systems[two < one]
            yield (row["segmentId"], frozenset(systems)), row["judgeID"], label


@pytest.mark.shared_data
@pytest.mark.skipif(
    not Path(os.environ.get("EVALTRACK_DATA") or "/dev/null", "wmt16").is_dir(),
    reason="EVALTRACK_DATA names no folder with wmt16",
)
@pytest.mark.parametrize(
    ("pair", "between", "kappa", "agree", "comparable", "ties", "judgments"),
    [
        ("deu-eng", "raters", 0.429, 1315, 1964, 1182, 12926),
        ("deu-eng", "self", 0.647, 226, 284, 1182, 12926),
        ("tur-eng", "raters", 0.333, 618, 1097, 2367, 9684),
        ("tur-eng", "self", 0.531, 88, 127, 2367, 9684),
    ],
)
def test_preference_kappa_of_wmt16(pair, between, kappa, agree, comparable, ties, judgments):
    result = preference_kappa(wmt16(pair), between=between, seed=1)
    assert (result.agree, result.comparable) == (agree, comparable)
    assert (result.ties, result.both_bad, result.judgments) == (ties, 0, judgments)
    assert isinstance(result.kappa, Estimate)
    assert round(result.kappa.value, 3) == kappa
    assert result.kappa.ci_low < kappa < result.kappa.ci_high

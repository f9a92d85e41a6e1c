import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from evaltrack.stats.classification import auc_difference, delong, label_differences
from evaltrack.stats.estimate import Undefined

approx = pytest.approx
labels = st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=2, max_size=60)


def predicted(rng, n, k=3, right=(0.8, 0.7)):
    truth = rng.integers(0, k, size=n)
    sides = [np.where(rng.random(n) < p, truth, rng.integers(0, k, size=n)) for p in right]
    return truth, *sides


def by_sklearn(truth, said):
    macro = precision_recall_fscore_support(truth, said, average="macro", zero_division=0)
    return dict(zip(("precision", "recall", "f1"), macro, strict=False), accuracy=accuracy_score(truth, said))


@settings(derandomize=True, deadline=None, max_examples=40)  # the oracle takes 5 ms a call
@given(labels)
def test_the_figures_are_those_of_scikit_learn(rows):
    truth, ours, theirs = np.array(rows).T
    differences = label_differences(truth, ours, theirs, seed=1)
    first, second = by_sklearn(truth, ours), by_sklearn(truth, theirs)
    for name, value in first.items():
        assert differences[name].value == approx(value - second[name])
    if min(len({*truth, *ours}), len({*truth, *theirs})) > 1:
        kappa = cohen_kappa_score(truth, ours) - cohen_kappa_score(truth, theirs)
        assert differences["kappa"].value == approx(kappa)


def test_one_label_has_its_own_precision_recall_and_f1():
    truth, ours, theirs = predicted(np.random.default_rng(1), 200)
    differences = label_differences(truth, ours, theirs, seed=1, label=2)
    assert sorted(differences) == ["f1", "precision", "recall"]
    oracles = [
        precision_recall_fscore_support(truth, said, labels=[2], average="macro") for said in (ours, theirs)
    ]
    for i, name in enumerate(("precision", "recall", "f1")):
        assert differences[name].value == approx(oracles[0][i] - oracles[1][i])
    assert "0/0" in label_differences(truth, ours, theirs, seed=1, label=9)["f1"].reason


def test_the_interval_is_that_of_resampled_rows():
    truth, ours, theirs = predicted(rng := np.random.default_rng(2), 300)
    ours_now = label_differences(truth, ours, theirs, seed=1)
    draws = {name: [] for name in ("accuracy", "f1")}
    for _ in range(400):
        rows = rng.integers(0, 300, size=300)
        first, second = by_sklearn(truth[rows], ours[rows]), by_sklearn(truth[rows], theirs[rows])
        for name, values in draws.items():
            values.append(first[name] - second[name])
    for name, values in draws.items():
        assert (ours_now[name].ci_low, ours_now[name].ci_high) == approx(
            np.quantile(values, (0.025, 0.975)), abs=0.015
        )


def test_swapping_mirrors_and_the_seed_repeats():
    truth, ours, theirs = predicted(np.random.default_rng(3), 2000)
    there = label_differences(truth, ours, theirs, seed=1)
    back = label_differences(truth, theirs, ours, seed=1)
    assert there == label_differences(truth, ours, theirs, seed=1)
    for name, difference in there.items():
        assert difference.value == approx(-back[name].value)
        assert (difference.ci_low, difference.ci_high) == approx(
            (-back[name].ci_high, -back[name].ci_low), abs=0.004
        )
        assert 0 < difference.ci_low < difference.value < difference.ci_high


def test_names_of_classes_do_not_matter_nor_do_many_of_them():
    truth, ours, theirs = predicted(np.random.default_rng(4), 500)
    few = label_differences(truth, ours, theirs, seed=1)
    many = label_differences(
        truth * 150, ours * 150, theirs * 150, seed=1
    )  # 301³ cells, of which 27 are used
    assert few.keys() == many.keys()
    for name, one in few.items():
        assert (one.value, one.ci_low, one.ci_high) == pytest.approx(
            (many[name].value, many[name].ci_low, many[name].ci_high)
        )


def test_too_little_to_resample():
    truth, ours, theirs = predicted(np.random.default_rng(6), 49)
    assert "50 are needed" in label_differences(truth, ours, theirs, seed=1)["f1"].ci_undefined
    same = label_differences(truth.repeat(2), ours.repeat(2), ours.repeat(2), seed=1)
    assert all(d.value == 0 and "5 are needed" in d.ci_undefined for d in same.values())
    assert label_differences([], [], [], seed=1)["f1"] == Undefined("there are no examples in common")
    one = label_differences([0] * 60, [0] * 60, [0] * 60, seed=1)
    assert isinstance(one["kappa"], Undefined)
    rare = np.array([1] * 2 + [0] * 98)
    other = np.array([1] * 1 + [0] * 92 + [1] * 7)
    recall = label_differences(rare, rare, other, seed=1, label=1)["recall"]
    assert "too few" in recall.ci_undefined


@pytest.mark.parametrize(
    "arguments", [([0.5], [1], [1]), ([-1], [1], [1]), ([1], [1], [1, 2]), ([[1]], [[1]], [[1]])]
)
def test_what_is_no_label_is_refused(arguments):
    with pytest.raises(ValueError):
        label_differences(*arguments, seed=1)


def scores(rng, n=300):
    truth = (rng.random(n) < 0.4).astype(int)
    shared = rng.normal(size=n)
    return truth, *(np.round(truth * lift + shared + rng.normal(size=n), 1) for lift in (1.5, 0.8))


def by_definition(truth, said):
    ones, zeros = said[truth == 1][:, None], said[truth == 0][None, :]
    wins = (ones > zeros) + 0.5 * (ones == zeros)
    return wins.mean(axis=1), wins.mean(axis=0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_auc_difference_is_delongs_by_definition_and_scikit_learns(seed):
    truth, ours, theirs = scores(np.random.default_rng(seed))
    difference, tested = auc_difference(truth, ours, theirs), delong(truth, ours, theirs)
    (v10, v01), (w10, w01) = by_definition(truth, ours), by_definition(truth, theirs)
    cov10, cov01 = np.cov(v10, w10) / len(v10), np.cov(v01, w01) / len(v01)
    s = cov10 + cov01
    error = math.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    assert difference.value == approx(roc_auc_score(truth, ours) - roc_auc_score(truth, theirs))
    assert tested.statistic == approx(difference.value / error)
    assert difference.ci_high - difference.ci_low == approx(2 * 1.959964 * error, rel=1e-6)
    assert (tested.p_value < 0.05) == (difference.ci_low > 0 or difference.ci_high < 0)


def test_auc_depends_on_the_order_of_scores_alone():
    truth, ours, theirs = scores(np.random.default_rng(4))
    difference = auc_difference(truth, ours, theirs)
    assert auc_difference(truth, np.exp(ours), 3 * theirs - 7) == difference
    back = auc_difference(truth, theirs, ours)
    assert (back.value, back.ci_low) == approx((-difference.value, -difference.ci_high))


def test_auc_of_too_little():
    assert "both kinds" in auc_difference([1, 1], [0.1, 0.2], [0.3, 0.1]).reason
    assert "both kinds" in auc_difference([], [], []).reason
    truth, ours, theirs = [1] * 9 + [0] * 20, np.arange(29.0), np.arange(29.0)[::-1]
    assert "10 of each" in auc_difference(truth, ours, theirs).ci_undefined
    assert "10 of each" in delong(truth, ours, theirs).reason
    truth = [1] * 15 + [0] * 15
    assert "alike" in delong(truth, np.arange(30.0), np.arange(30.0) * 2).reason
    with pytest.raises(ValueError):
        auc_difference([2], [1], [1])
    with pytest.raises(ValueError):
        auc_difference([1], [1], [1, 2])

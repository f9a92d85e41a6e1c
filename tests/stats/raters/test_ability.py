"""Accuracy without a known truth: what its interval covers, and that the raters draw each other together."""

import numpy as np
import pytest

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.raters import abilities

K = 4
SHARES = (0.4, 0.4, 0.12, 0.08)


def judged(raters, units, overlap, seed):
    """Columns of judgments by raters of known accuracy, and these accuracies."""
    rng = np.random.default_rng(seed)
    accuracy = rng.beta(16, 4, size=raters)
    truth = rng.choice(K, size=units, p=SHARES)
    unit = np.repeat(np.arange(units), overlap)
    who = np.concatenate([rng.permutation(raters)[:overlap] for _ in range(units)])
    wrong = (truth[unit] + rng.integers(1, K, size=len(unit))) % K
    label = np.where(rng.random(len(unit)) < accuracy[who], truth[unit], wrong)
    return (unit, who, label), accuracy


# The least that was seen in 50 panels of each kind is 0.90.
@pytest.mark.parametrize(("raters", "units", "overlap"), [(5, 60, 3), (10, 60, 2), (8, 30, 3), (20, 500, 3)])
def test_the_interval_covers_the_accuracy_in_at_least_87_percent(raters, units, overlap):
    covered = []
    for seed in range(30):
        columns, accuracy = judged(raters, units, overlap, seed)
        for each in abilities(*columns, k=K):
            if isinstance(each.seen, Estimate):
                covered.append(each.seen.ci_low <= accuracy[each.rater] <= each.seen.ci_high)
    assert np.mean(covered) >= 0.87


def test_shrinking_comes_nearer_to_the_truth_where_little_is_known():
    apart = {"seen": [], "shrunk": []}
    for seed in range(40):
        columns, accuracy = judged(8, 30, 3, seed)
        for each in abilities(*columns, k=K):
            if isinstance(each.seen, Estimate):
                apart["seen"].append((each.seen.value - accuracy[each.rater]) ** 2)
                apart["shrunk"].append((each.shrunk - accuracy[each.rater]) ** 2)
    assert np.mean(apart["shrunk"]) < 0.95 * np.mean(apart["seen"])


def test_the_model_is_the_simpler_one_below_five_judgments_for_each_label():
    columns, _ = judged(10, 30, 4, 1)
    models = {each.rater: (each.model, each.seen) for each in abilities(*columns, k=K)}
    counts = np.bincount(columns[1])
    assert {models[rater][0] for rater in range(10) if 10 <= counts[rater] < 20} == {"one coin"}
    columns, _ = judged(10, 300, 4, 1)
    assert {each.model for each in abilities(*columns, k=K)} == {"confusion matrix"}


def test_two_raters_do_not_say_who_is_right():
    found = abilities([0, 0, 1, 1] * 10, [0, 1, 0, 1] * 10, [0, 1, 1, 1] * 10, k=K)
    assert isinstance(found, Undefined)


def test_who_shared_few_items_is_told_so_and_keeps_a_place():
    columns, _ = judged(5, 60, 3, 1)
    unit, who, label = (np.append(column, [extra]) for column, extra in zip(columns, (0, 5, 0), strict=True))
    last = abilities(unit, who, label, k=K)[-1]
    assert last.rater == 5
    assert "n too small" in last.seen.as_json()["undefined"]


def test_a_unit_of_one_rater_changes_nothing():
    columns, _ = judged(6, 80, 3, 2)
    more = [np.append(column, [extra]) for column, extra in zip(columns, (999, 0, 3), strict=True)]
    assert abilities(*columns, k=K) == abilities(*more, k=K)

"""Dawid and Skene's anaesthetists to the printed digits, and what must hold whatever the judgments."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.raters import dawid_skene

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None, max_examples=50)

# Dawid & Skene 1979: 45 patients; observer 1 three times, observers 2 to 5 once.
PATIENTS = """
    111 1111; 333 4334; 112 2122; 222 3121; 222 3222; 222 3322; 112 2111; 333 3433; 222 2223; 232 2223; 444 4444;
    222 3343; 111 1111; 222 3212; 121 1111; 111 2111; 111 1111; 111 1111; 222 2221; 222 1322; 222 2222; 222 2221;
    222 3222; 221 2222; 111 1111; 111 1111; 232 2222; 111 1111; 111 1111; 112 1121; 111 1111; 333 3233; 111 1111;
    222 2222; 222 3232; 433 4343; 221 2232; 232 3233; 333 3432; 111 1111; 111 1111; 121 2111; 232 2222; 121 1111;
    222 2222
"""


def anaesthetists():
    units, raters, labels = [], [], []
    for unit, row in enumerate(PATIENTS.split(";")):
        first, others = row.split()
        for rater, label in [*((0, x) for x in first), *enumerate(others, start=1)]:
            units.append(unit)
            raters.append(rater)
            labels.append(int(label) - 1)
    return units, raters, labels


def test_the_anaesthetists_of_dawid_and_skene_1979():
    found = dawid_skene(*anaesthetists(), k=4, smoothing=None)
    assert found.shares.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]
    assert found.shares.round(4).tolist() == [0.4000, 0.4216, 0.1118, 0.0667]
    assert round(found.log_likelihood, 3) == -190.731
    assert found.converged
    assert found.confusion[0].round(3).tolist() == [
        [0.907, 0.093, 0, 0],
        [0.070, 0.877, 0.053, 0],
        [0, 0.339, 0.661, 0],
        [0, 0, 0.556, 0.444],
    ]
    # Against most of the votes: patients 2, 12 and 36. Unsure about two alone.
    assert [int(found.labels[patient - 1]) + 1 for patient in (2, 12, 36)] == [4, 3, 4]
    top = found.posteriors.max(axis=1)
    assert (np.flatnonzero(top < 0.99) + 1).tolist() == [35, 38]
    assert top[[34, 37]].round(3).tolist() == [0.948, 0.979]
    assert found.few_labels == ()


def crowd(rng, units, raters, each, k, accuracy):
    truth = rng.integers(0, k, size=units)
    unit = np.repeat(np.arange(units), each)
    rater = np.concatenate([rng.choice(raters, size=each, replace=False) for _ in range(units)])
    wrong = (truth[unit] + rng.integers(1, k, size=len(unit))) % k
    return truth, unit, rater, np.where(rng.random(len(unit)) < accuracy[rater], truth[unit], wrong)


@pytest.mark.parametrize("one_coin", [False, True])
def test_labels_and_raters_are_found_again(one_coin):
    rng = np.random.default_rng(1)
    accuracy = np.array([0.95, 0.9, 0.85, 0.6, 0.5, 0.4, 0.4, 0.35])
    truth, *judged = crowd(rng, 2000, 8, 4, 3, accuracy)
    found = dawid_skene(*judged, k=3, one_coin=one_coin)
    votes = np.zeros((2000, 3))
    np.add.at(votes, (judged[0], judged[2]), 1)
    majority = votes / votes.sum(axis=1, keepdims=True)
    by_votes = (majority.argmax(axis=1) == truth).mean()
    assert (found.labels == truth).mean() > by_votes + 0.05
    assert found.accuracies == approx(accuracy, abs=0.06)
    # What is shown as probable is right as often as it says.
    assert found.posteriors.max(axis=1).mean() == approx((found.labels == truth).mean(), abs=0.03)


judgments = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=60
)


@repeatable
@given(judgments, st.booleans(), st.sampled_from([None, (1.0, 0.1)]))
def test_each_round_is_at_least_as_likely_and_all_shares_add_up(given_judgments, one_coin, smoothing):
    columns = np.array(given_judgments).T
    before = -np.inf
    for rounds in (1, 2, 3, 10):
        found = dawid_skene(*columns, k=3, one_coin=one_coin, smoothing=smoothing, most=rounds)
        if smoothing is None:
            assert found.log_likelihood >= before - 1e-9
            before = found.log_likelihood
        assert found.posteriors.sum(axis=1) == approx(1)
        assert found.confusion.sum(axis=2) == approx(1)
        assert found.shares.sum() == approx(1)
        assert ((found.entropy >= -1e-12) & (found.entropy <= np.log2(3) + 1e-9)).all()


@repeatable
@given(judgments, st.permutations(range(3)), st.randoms())
def test_neither_names_nor_order_change_anything(given_judgments, names, random):
    columns = np.array(given_judgments).T
    order = random.sample(range(len(given_judgments)), len(given_judgments))
    here = dawid_skene(*columns, k=3, most=20)
    units, raters, labels = columns[:, order]
    there = dawid_skene(units, raters, np.array(names)[labels], k=3, most=20)
    assert there.posteriors[:, names] == approx(here.posteriors, abs=1e-6)
    assert there.log_likelihood == approx(here.log_likelihood, abs=1e-6)


def test_three_labels_make_nobody_perfect():
    units, raters, labels = [0, 1, 2] * 3, [0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 1, 0] * 3
    smooth, plain = (
        dawid_skene(units, raters, labels, k=2),
        dawid_skene(units, raters, labels, k=2, smoothing=None),
    )
    assert plain.accuracies == approx(1)
    assert (smooth.accuracies < 0.98).all()
    assert smooth.few_labels == (0, 1, 2)


def test_a_unit_without_judgments_has_the_shares_of_all():
    found = dawid_skene([0, 0, 1, 1, 3, 3], [0, 1] * 3, [0, 0, 0, 0, 1, 1], k=2)
    assert found.posteriors[2] == approx(found.posteriors.mean(axis=0), abs=0.01)


def test_what_is_missing_or_wrong():
    assert dawid_skene([], [], [], k=2) == Undefined("there are no judgments")
    for columns, k in (
        (([0], [0], [2]), 2),
        (([0], [0, 1], [0]), 2),
        (([0], [0], [0]), 1),
        (([-1], [0], [0]), 2),
    ):
        with pytest.raises(ValueError):
            dawid_skene(*columns, k=k)
    for smoothing in ((0.1, 1.0), (0.0, 0.0), (1.0, -0.1)):
        with pytest.raises(ValueError, match="smoothing"):
            dawid_skene([0], [0], [0], k=2, smoothing=smoothing)
    unfinished = dawid_skene(*anaesthetists(), k=4, most=2)
    assert (unfinished.iterations, unfinished.converged) == (2, False)

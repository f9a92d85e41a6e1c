"""What is drawn for a rater is drawn once, and says what it said when everything was drawn at each look."""

import numpy as np
import pytest
from scipy import special

from evaltrack.stats.raters import central_tendency, longest_runs, variety
from evaltrack.stats.remembered import remembered

DRAWS, SEED = 2000, 7


def drawn_runs(own, name):
    def longest(rows):
        place = np.arange(1, rows.shape[1])
        starts = np.where(rows[:, 1:] != rows[:, :-1], place, 0)
        since = np.maximum.accumulate(np.insert(starts, 0, 0, axis=1), axis=1)
        return (np.arange(rows.shape[1]) - since).max(axis=1) + 1

    orders = np.random.default_rng([SEED, name]).permuted(np.tile(own, (DRAWS, 1)), axis=1)
    seen = int(longest(own[None, :])[0])
    return seen, (1 + int((longest(orders) >= seen).sum())) / (1 + DRAWS)


def drawn_variety(own, counts, name, k):
    def entropy(tallies):
        return special.entr(tallies / tallies.sum(axis=1, keepdims=True)).sum(axis=1) / np.log(2)

    kinds, times = np.unique(counts, axis=0, return_counts=True)
    rng, tallies = np.random.default_rng([SEED, name]), np.zeros((DRAWS, k), dtype=np.int64)
    for kind, many in zip(kinds, times.tolist(), strict=True):
        tallies += rng.multinomial(many, kind / kind.sum(), size=DRAWS)
    seen = entropy(np.bincount(own, minlength=k)[None, :])[0]
    return (1 + int((entropy(tallies) <= seen + 1e-9).sum())) / (1 + DRAWS)


def drawn_tendency(own, scores, name):
    first, size = np.cumsum([0, *map(len, scores[:-1])]), np.array([len(each) for each in scores])
    places = first + np.random.default_rng([SEED, name]).integers(0, size, size=(DRAWS, len(size)))
    drawn = np.concatenate(scores)[places].var(axis=1)
    as_little = (drawn <= own.var() * (1 + 1e-12)).sum()
    return own.var() / drawn.mean(), (1 + int(as_little)) / (1 + DRAWS)


@pytest.fixture
def judged():
    """Rater, item and label of 400 judgments of 100 items by 12 raters; three of them keep to one label."""
    rng, k = np.random.default_rng(3), 5
    item = np.repeat(np.arange(100), 4)
    rater = np.concatenate([rng.permutation(12)[:4] for _ in range(100)]) + 40
    label = np.where(rng.random(400) < 0.6, (item * 7) % k, rng.integers(0, k, 400))
    return rater, item, np.where((rater < 43) & (rng.random(400) < 0.8), 2, label), k


def test_runs_are_as_likely_as_when_the_runs_of_each_order_are_measured(judged):
    rater, _, label, _ = judged
    for _ in range(2):
        for each in longest_runs(rater, label, seed=SEED):
            assert (each.score, each.false_positives) == drawn_runs(label[rater == each.rater], each.rater)


def test_variety_is_as_unlikely_as_when_it_is_drawn_anew(judged):
    rater, item, label, k = judged
    counts = np.stack([np.bincount(label[item == each], minlength=k) for each in range(100)])
    for _ in range(2):
        for each in variety(rater, item, label, k=k, seed=SEED):
            mine = rater == each.rater
            assert each.false_positives == drawn_variety(label[mine], counts[item[mine]], each.rater, k)


def test_a_tendency_to_the_middle_is_as_unlikely_as_when_it_is_drawn_anew(judged):
    rater, item, label, _ = judged
    x = label + 1.0
    for _ in range(2):
        for each in central_tendency(rater, item, x, seed=SEED):
            mine = rater == each.rater
            theirs = [x[item == one] for one in item[mine]]
            assert (each.score, each.false_positives) == drawn_tendency(x[mine], theirs, each.rater)


@pytest.mark.parametrize("length", range(1, 9))
def test_an_order_without_any_run_has_none(length):
    found = longest_runs(np.zeros(12, int), np.repeat(np.arange(12), length)[:12], seed=1)
    assert [each.score for each in found] == [length]


def test_what_was_asked_once_is_answered_again_without_work_and_other_numbers_are_another_question():
    asked = []

    @remembered(2)
    def total(numbers, weight):
        asked.append(numbers.tolist())
        return float(numbers.sum() * weight)

    numbers = np.arange(4)
    assert total(numbers, 2) == total(numbers.copy(), 2) == 12.0
    assert asked == [[0, 1, 2, 3]]
    numbers[0] = 1
    assert total(numbers, 2) == 14.0
    assert total(numbers.astype(float), 2) == 14.0  # of another kind
    assert total(np.array([[1, 1], [2, 3]]), 2) == 14.0
    assert len(asked) == 4
    assert total(np.arange(4), 2) == 12.0  # only the latest two are kept
    assert len(asked) == 5


def test_what_failed_is_asked_again():
    times = []

    @remembered(2)
    def fails(number):
        times.append(number)
        raise ValueError("not yet")

    for _ in range(2):
        with pytest.raises(ValueError, match="not yet"):
            fails(1)
    assert times == [1, 1]

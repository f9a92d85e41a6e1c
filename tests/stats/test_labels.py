"""Figures of labels with intervals, against the differences of two classifiers that were there before."""

import numpy as np
import pytest

from evaltrack.stats.classification import label_differences
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.labels import Labelled, difference, figure, p_below

OTHER = 9


def sides(n, seed=1, right=(0.8, 0.7), k=3):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    said = [np.where(rng.random(n) < share, truth, rng.integers(0, k, n)) for share in right]
    return [Labelled(truth, each, OTHER) for each in said]


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_macro_differences_are_those_of_the_joint_table(name):
    ours, theirs = sides(300)
    known = label_differences(ours.truth, ours.said, theirs.said, seed=1)[name]
    found = difference(ours, theirs, name, "macro", seed=1)
    assert (found.value, found.ci_low, found.ci_high) == pytest.approx(
        (known.value, known.ci_low, known.ci_high)
    )


def test_exchanging_the_sides_turns_the_interval_round():
    ours, theirs = sides(300)
    one, other = (difference(*pair, "f1", "micro", seed=1) for pair in ((ours, theirs), (theirs, ours)))
    assert one.value == pytest.approx(-other.value)
    assert one.ci_low == pytest.approx(-other.ci_high, abs=0.01)


def test_the_test_agrees_with_the_interval():
    ours, theirs = sides(300, right=(0.5, 0.9))
    seen = difference(ours, theirs, "f1", "macro", seed=1)
    assert p_below(ours, theirs, "f1", "macro", -seen.ci_high - 0.01, seed=1).p_value < 0.025
    assert p_below(ours, theirs, "f1", "macro", -seen.ci_low, seed=1).p_value > 0.9


@pytest.mark.parametrize(
    ("n", "right", "words"),
    [(20, (0.8, 0.7), "do not support a bootstrap"), (100, (1.0, 1.0), "label 0 examples differently")],
)
def test_too_little_gives_the_value_and_says_why_there_is_no_interval(n, right, words):
    ours, theirs = sides(n, right=right)
    found = difference(ours, theirs, "f1", "macro", seed=1)
    assert isinstance(found, Estimate)
    assert words in found.ci_undefined
    assert isinstance(p_below(ours, theirs, "f1", "macro", 0.1, seed=1), Undefined)


def test_without_examples_there_is_nothing():
    none = Labelled(np.zeros(0, int), np.zeros(0, int), OTHER)
    assert isinstance(figure(none, "f1", "macro", seed=1), Undefined)
    assert isinstance(difference(none, none, "f1", "macro", seed=1), Undefined)
    assert isinstance(p_below(none, none, "f1", "macro", 0, seed=1), Undefined)


def test_labels_of_other_examples_are_refused():
    ours, theirs = sides(60)
    with pytest.raises(ValueError, match="the same examples"):
        difference(ours, Labelled(theirs.truth[::-1].copy(), theirs.said, OTHER), "f1", "macro", seed=1)
    with pytest.raises(ValueError, match="the truth is a class"):
        Labelled(np.array([OTHER]), np.array([0]), OTHER)


@pytest.mark.slow
def test_the_interval_of_macro_f1_covers_what_it_should():
    """The truth by a million examples; 95 % within two standard errors of 600 runs."""
    truth = figure(sides(1_000_000, seed=0, right=(0.75, 0.5))[0], "f1", "macro", seed=1).value
    covered = 0
    for seed in range(1, 601):
        seen = figure(sides(200, seed=seed, right=(0.75, 0.5))[0], "f1", "macro", seed=1)
        covered += seen.ci_low <= truth <= seen.ci_high
    assert 0.925 < covered / 600 < 0.97

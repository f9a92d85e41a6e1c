"""Agreement with others counts the others only."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import wilson
from evaltrack.stats.raters import with_others

repeatable = settings(derandomize=True, deadline=None, max_examples=60)


def test_by_hand():
    # Item 0: 0 0 1. Item 1: 2 0 1, all different. Item 2: rater 0 alone.
    raters, items, labels = [0, 1, 2, 0, 1, 2, 0], [0, 0, 0, 1, 1, 1, 2], [0, 0, 1, 2, 0, 1, 2]
    first, _, third = with_others(raters, items, labels, k=3)
    # Beside rater 0 the others said 0 and 1 of item 0 and 0 and 1 of item 1: split both times.
    assert (first.agreement, first.split, first.alone) == (Undefined("no item on which others agree"), 2, 1)
    assert (third.agreement, third.split, third.alone) == (wilson(0, 1), 1, 0)


def test_of_two_raters_who_differ_neither_agrees():
    """With the own judgment counted both would agree with a consensus half of the time."""
    one, two = with_others([0, 1] * 12, np.repeat(range(12), 2), [0, 1] * 12, k=2)
    assert (one.agreement.value, two.agreement.value) == (0, 0)


judgments = st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 6)), st.integers(0, 2), max_size=30)


@repeatable
@given(judgments)
def test_against_counting_one_by_one(given_judgments):
    raters, items = np.array(list(given_judgments), dtype=int).reshape(-1, 2).T
    shown = with_others(raters, items, list(given_judgments.values()), k=3)
    assert [rater.rater for rater in shown] == sorted({rater for rater, _ in given_judgments})
    for rater in shown:
        agree = n = split = alone = 0
        for (who, item), label in given_judgments.items():
            if who != rater.rater:
                continue
            others = [x for (other, it), x in given_judgments.items() if it == item and other != who]
            tally = sorted((others.count(x) for x in range(3)), reverse=True)
            if not others:
                alone += 1
            elif tally[0] == tally[1]:
                split += 1
            else:
                n += 1
                agree += others.count(label) == tally[0]
        expected = wilson(agree, n) if n else Undefined("no item on which others agree")
        assert (rater.agreement, rater.split, rater.alone) == (expected, split, alone)


def test_what_is_refused():
    with pytest.raises(ValueError, match="twice"):
        with_others([0, 0], [1, 1], [0, 1], k=2)
    with pytest.raises(ValueError, match="do not stand beside"):
        with_others([0, 0], [1], [0, 1], k=2)
    with pytest.raises(ValueError, match="numbered from 0 to 1"):
        with_others([0], [1], [2], k=2)
    with pytest.raises(ValueError, match="labels do not stand"):
        with_others([0], [1], [0, 1], k=2)
    assert with_others([], [], [], k=2) == ()

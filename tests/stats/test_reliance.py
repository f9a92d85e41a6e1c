"""Words follow from the lower limit, and from enough evidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.reliance import Reliance, reliance, units_off_majority


def alpha(low, high, n=100, **more):
    return Estimate((low + high) / 2, low, high, n, "unit bootstrap", **more)


@pytest.mark.parametrize(
    ("low", "high", "word", "sentence"),
    [
        (0.8, 0.9, "reliable", "Reliable: the lower 95 % limit of agreement is 0.800, at least 0.800."),
        (
            0.7999,
            0.9,
            "tentative",
            "For tentative conclusions: the lower 95 % limit of agreement is 0.799, between 0.667 and 0.800.",
        ),
        (
            0.6,
            0.9,
            "unsettled",
            "Not yet to be relied on: the lower 95 % limit of agreement is 0.600 and the upper one 0.900; "
            "more units would tell.",
        ),
        (
            -0.1,
            0.5,
            "unreliable",
            "Not to be relied on: the lower 95 % limit of agreement is -0.100 and the upper one 0.500.",
        ),
    ],
)
def test_the_word_follows_from_the_lower_limit(low, high, word, sentence):
    assert reliance(alpha(low, high), off_majority=50) == Reliance(word, sentence)


@pytest.mark.parametrize(
    ("agreement", "off", "reason"),
    [
        (alpha(0.9, 1, n=29), 20, "29 units were rated twice; 30 are needed"),
        (alpha(0.9, 1, n=100, clusters=12), 20, "12 items were rated twice; 30 are needed"),
        (alpha(0.9, 1), 4, "4 units have another than the commonest label; 5 are needed"),
        (
            Estimate(0.9, None, None, 40, "unit bootstrap", "it cannot be resampled"),
            9,
            "it cannot be resampled",
        ),
    ],
)
def test_no_word_without_evidence(agreement, off, reason):
    sentence = f"Too little evidence for a word: {reason}."
    assert reliance(agreement, off_majority=off) == Reliance("too little evidence", sentence)


def test_what_is_undefined_stays_so_in_words():
    shown = reliance(Undefined("no unit has two ratings"), off_majority=0)
    assert shown.as_json() == {
        "word": "undefined",
        "sentence": "Agreement has no value: no unit has two ratings.",
    }
    with pytest.raises(ValueError, match="no number of units"):
        reliance(alpha(0.9, 1), off_majority=-1)


@given(st.floats(-1, 1), st.floats(0, 0.3), st.floats(0, 0.2))
def test_a_higher_lower_limit_never_earns_a_lesser_word(low, width, more):
    order = ["unreliable", "unsettled", "tentative", "reliable"]
    words = [reliance(alpha(x, x + width), off_majority=9).word for x in (low, low + more)]
    assert order.index(words[0]) <= order.index(words[1])


def test_units_off_the_commonest_label():
    counts = [
        [3, 0],
        [2, 1],
        [0, 3],
        [0, 1],
        [3, 0],
        [3, 0],
    ]  # the fourth has one rating and pairs with nothing
    assert units_off_majority(counts) == 2
    assert units_off_majority(counts, times=[10, 2, 3, 9, 1, 1]) == 5
    assert units_off_majority([[1, 0]]) == 0

"""Runs in common, of many pairs of texts at once: the same as counted one by one."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.metrics import grams
from experiments.metrics.base import Answered
from experiments.metrics.reference import CHRF_OF_SENTENCES, METRICS

ALPHABETS = ["ab", "abé’", "日本語の文字", "".join(map(chr, range(0x4E00, 0x5600))), "\ud800a\U0001f600\x00"]
TEXT = st.sampled_from(ALPHABETS).flatmap(lambda letters: st.text(letters, max_size=40))
[CHRF] = [metric for metric in METRICS if metric.name == "chrf"]


def counted(ours: str, theirs: str, highest: int) -> list[int]:
    found = []
    for n in range(1, highest + 1):
        said, meant = (Counter(grams.slices(text, n)) for text in (ours, theirs))
        found += [said.total() if meant else 0, meant.total(), (said & meant).total()]
    return found


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(TEXT, TEXT), max_size=70), st.integers(1, 7))
def test_pairs_counted_together_are_counted_right(pairs, highest):
    assert grams.counts(pairs, highest) == [counted(*pair, highest) for pair in pairs]


@pytest.mark.parametrize("pairs", [1, 3, 300])
def test_more_than_is_sorted_at_once(pairs):
    one = ("the cat sat on the mat " * 100, "on the mat the cat " * 90)
    assert len(one[0]) * 300 > grams.MOST_AT_ONCE
    assert grams.counts([one] * pairs, 6) == [counted(*one, 6)] * pairs


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.none() | TEXT, st.none() | TEXT), max_size=20))
def test_chrf_of_several_answers_is_sacrebleus_of_each(rows):
    found = CHRF.of_all([Answered("", wanted, said) for said, wanted in rows])
    for value, (said, wanted) in zip(found, rows, strict=True):
        if wanted is None:
            assert value.reason == "the example has no reference answer"
        elif said is None:
            assert value == 0.0
        else:
            score = CHRF_OF_SENTENCES.sentence_score(said, [wanted]).score / 100
            assert value == min(score, 1.0)

"""What contradicts what, in each protocol: pure, and held against counting by hand."""

from fractions import Fraction
from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.answers import Said
from annotation.protocols import rules_of
from annotation.rubrics import Criterion, Details
from annotation.settling import disagreement

FIVE = Details(scale=("bad", "", "", "", "good"))
TEN = Details(scale=("bad", *[""] * 8, "good"))
PLAIN = Details()


def orders(ordinals):
    """Rankings of these, ties allowed: a rank for each, and groups by it."""
    ranks = st.lists(st.integers(0, len(ordinals) - 1), min_size=len(ordinals), max_size=len(ordinals))

    def grouped(given):
        groups: dict[int, list[int]] = {}
        for ordinal, rank in zip(ordinals, given, strict=True):
            groups.setdefault(rank, []).append(ordinal)
        return [groups[rank] for rank in sorted(groups)]

    return ranks.map(grouped)


SPANS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 10)).map(
        lambda place: {"start": place[0], "end": sum(place), "reason": "wrong"}
    ),
    max_size=4,
)
ANSWERS = {
    "pairwise": st.sampled_from(["first", "second", "tie", "both_bad"]).map(
        lambda choice: Said(choice=choice)
    ),
    "rating": st.integers(1, 5).map(lambda point: Said(rating=point)),
    "ranking": orders(range(4)).map(lambda ranking: Said(ranking=ranking)),
    "spans": SPANS.map(lambda spans: Said(spans=spans)),
}
PROTOCOLS = list(ANSWERS)


def several(protocol, fewest=2):
    return st.lists(ANSWERS[protocol], min_size=fewest, max_size=6)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(data=st.data())
def test_agreement_is_a_share_and_the_order_of_answers_is_nothing(protocol, data):
    said = data.draw(several(protocol))
    rules = rules_of(protocol)
    found = disagreement.of(said, rules, FIVE)
    assert 0 <= found.agreement <= 1
    turned = disagreement.of(said[::-1], rules, FIVE)
    assert (found.agreement, found.is_conflict) == (pytest.approx(turned.agreement), turned.is_conflict)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(data=st.data())
def test_who_says_the_same_agrees_and_a_conflict_is_never_whole_agreement(protocol, data):
    said = data.draw(several(protocol))
    rules = rules_of(protocol)
    same = disagreement.of([said[0]] * len(said), rules, FIVE)
    assert (same.agreement, same.is_conflict) == (1, False)
    found = disagreement.of(said, rules, FIVE)
    if found.is_conflict:
        assert found.agreement < 1
        # What is in conflict stays so, whoever else is asked.
        assert disagreement.of([*said, data.draw(ANSWERS[protocol])], rules, FIVE).is_conflict


@pytest.mark.parametrize("protocol", PROTOCOLS)
@given(data=st.data())
def test_likeness_is_symmetric_and_one_for_the_same(protocol, data):
    one, other = data.draw(ANSWERS[protocol]), data.draw(ANSWERS[protocol])
    rules = rules_of(protocol)
    assert rules.alike(one, other, FIVE) == pytest.approx(rules.alike(other, one, FIVE))
    assert rules.alike(one, one, FIVE) == 1


@given(several("pairwise"))
def test_of_preferences_it_is_the_share_of_pairs_that_said_the_same(said):
    pairs = list(combinations(said, 2))
    share = Fraction(sum(one.choice == other.choice for one, other in pairs), len(pairs))
    found = disagreement.of(said, rules_of("pairwise"), PLAIN)
    assert found.agreement == pytest.approx(float(share))
    assert found.is_conflict == (len({each.choice for each in said}) > 1)


@given(orders(range(5)), orders(range(5)))
def test_of_rankings_it_is_one_less_kendalls_distance(one, other):
    """Counted pair by pair, as Fagin et al. write it with p = 1/2."""

    def rank(ranking):
        return {each: place for place, group in enumerate(ranking) for each in group}

    a, b, distance = rank(one), rank(other), Fraction(0)
    for i, j in combinations(range(5), 2):
        tied = (a[i] == a[j], b[i] == b[j])
        if tied == (False, False):
            distance += (a[i] < a[j]) != (b[i] < b[j])
        elif tied != (True, True):
            distance += Fraction(1, 2)
    found = rules_of("ranking").alike(Said(ranking=one), Said(ranking=other), PLAIN)
    assert found == pytest.approx(float(1 - distance / 10))


@pytest.mark.parametrize(
    ("details", "one", "other", "is_conflict"),
    [(FIVE, 3, 4, False), (FIVE, 3, 5, True), (TEN, 5, 7, False), (TEN, 5, 8, True)],
)
def test_ratings_contradict_each_other_more_than_a_quarter_of_the_scale_apart(
    details, one, other, is_conflict
):
    found = disagreement.of([Said(rating=one), Said(rating=other)], rules_of("rating"), details)
    assert found.is_conflict == is_conflict


@pytest.mark.parametrize(
    ("one", "other", "is_conflict"),
    [
        ([[0], [1]], [[1], [0]], True),
        ([[0, 1]], [[1], [0]], True),
        ([[0], [1], [2]], [[1], [0], [2]], True),
        ([[0], [1], [2]], [[0, 1], [2]], False),
        ([[0], [1], [2], [3]], [[1], [0], [2], [3]], False),
        ([[0], [1], [2], [3]], [[1], [0], [3], [2]], True),
    ],
)
def test_rankings_contradict_each_other_where_more_than_a_quarter_of_all_pairs_differ(
    one, other, is_conflict
):
    found = disagreement.of([Said(ranking=one), Said(ranking=other)], rules_of("ranking"), PLAIN)
    assert found.is_conflict == is_conflict


def spans(*places):
    return Said(spans=[{"start": start, "end": end, "reason": "wrong"} for start, end in places])


@pytest.mark.parametrize(
    ("one", "other", "agreement", "is_conflict"),
    [
        (spans(), spans((0, 4)), 0, True),
        (spans((0, 4)), spans((4, 8)), 0, True),
        (spans((0, 4)), spans((0, 12)), 0.5, False),
        (spans((0, 4)), spans((0, 13)), 8 / 17, True),
        # The same place twice, for two reasons, is the same place.
        (spans((0, 4), (0, 4)), spans((0, 4)), 1, False),
    ],
)
def test_marks_contradict_each_other_where_less_than_half_is_marked_by_both(
    one, other, agreement, is_conflict
):
    found = disagreement.of([one, other], rules_of("spans"), PLAIN)
    assert (found.agreement, found.is_conflict) == (pytest.approx(agreement), is_conflict)


def test_one_judgment_contradicts_nothing():
    assert disagreement.of([Said(choice="tie")], rules_of("pairwise"), PLAIN) is None


def test_criteria_are_compared_for_themselves():
    details = Details(criteria=(Criterion("true", "Which is truer?"), Criterion("kind", "Which is kinder?")))
    one = Said(choice="tie", answers={"true": "first", "kind": "tie"})
    other = Said(choice="tie", answers={"true": "second", "kind": "tie"})
    found = disagreement.of([one, other], rules_of("pairwise"), details)
    assert (found.is_conflict, found.criteria) == (False, ("true",))
    # An earlier version of the rubric has asked for less.
    assert disagreement.of([one, Said(choice="tie")], rules_of("pairwise"), details).criteria == ()


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(2, 9), st.integers(0, 99)), min_size=1, max_size=30),
)
def test_the_lowest_agreement_comes_first_then_more_judgments_then_as_drawn(rows):
    ordered = sorted(rows, key=lambda row: disagreement.lowest_first(row[0], row[1], lambda: row[2]))
    for (low, many, drawn), (high, few, later) in pairwise(ordered):
        assert round(low, 9) <= round(high, 9)
        if round(low, 9) == round(high, 9):
            assert many >= few
            assert many > few or drawn <= later

"""How sure a label is: against values computed by hand, and people whose skill is known."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.settling import confidence
from annotation.settling.confidence import Accuracies

LABELS = confidence.LABELS
SAID = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(LABELS)), max_size=8)
KNOWN = st.builds(
    Accuracies,
    usual=st.floats(0.25, 0.95),
    known=st.dictionaries(st.integers(0, 5), st.floats(0.25, 0.95)),
)


def test_the_posterior_of_two_who_agree():
    # 0.8 · 0.7 against three labels that both missed, each with 0.2/3 · 0.3/3.
    found = confidence.posterior([(1, "tie"), (2, "tie")], Accuracies(0.5, known={1: 0.8, 2: 0.7}))
    assert found["tie"] == pytest.approx(0.56 / (0.56 + 3 * (0.2 / 3) * 0.1))
    assert found["first"] == found["second"] == found["both_bad"]


def test_the_posterior_of_two_who_do_not():
    found = confidence.posterior([(1, "tie"), (2, "first")], Accuracies(0.5, known={1: 0.8, 2: 0.7}))
    tie, first, other = 0.8 * 0.1, (0.2 / 3) * 0.7, (0.2 / 3) * 0.1
    assert found["tie"] == pytest.approx(tie / (tie + first + 2 * other))
    assert found["first"] == pytest.approx(first / (tie + first + 2 * other))


def test_nothing_said_leaves_every_label_alike():
    assert set(confidence.posterior([], Accuracies(0.7)).values()) == {0.25}


@given(SAID, KNOWN)
def test_a_posterior_is_a_distribution_whatever_the_order(said, known):
    found = confidence.posterior(said, known)
    assert sum(found.values()) == pytest.approx(1)
    assert confidence.posterior(said[::-1], known) == pytest.approx(found)


@given(SAID, KNOWN, st.integers(0, 5), st.sampled_from(LABELS))
def test_a_further_vote_never_makes_its_label_less_probable(said, known, evaluator, label):
    before = confidence.posterior(said, known)[label]
    assert confidence.posterior([*said, (evaluator, label)], known)[label] >= before - 1e-12


@given(st.lists(SAID, max_size=20))
def test_accuracies_are_between_a_guess_and_the_best(tasks):
    found = confidence.accuracies(tasks)
    assert all(0.25 <= found.of(evaluator) <= confidence.BEST_ACCURACY for evaluator in range(6))
    assert found == confidence.accuracies(tasks)


def test_people_are_found_to_be_about_as_good_as_they_are():
    chance = random.Random(7)
    skill = {1: 0.9, 2: 0.8, 3: 0.7, 4: 0.6, 5: 0.5}

    def said(evaluator, truth):
        if chance.random() < skill[evaluator]:
            return truth
        return chance.choice([label for label in LABELS if label != truth])

    tasks = []
    for _ in range(4000):
        truth = chance.choice(LABELS)
        tasks.append([(evaluator, said(evaluator, truth)) for evaluator in chance.sample(sorted(skill), 2)])
    found = confidence.accuracies(tasks)
    for evaluator, accuracy in skill.items():
        assert found.of(evaluator) == pytest.approx(accuracy, abs=0.08)
    assert sorted(skill, key=found.of) == [5, 4, 3, 2, 1]


def test_a_newcomer_is_taken_for_an_average_evaluator():
    found = confidence.accuracies([[(1, "tie"), (2, "tie")]] * 50 + [[(1, "tie"), (3, "first")]])
    assert found.of(99) == found.usual
    assert abs(found.of(3) - found.usual) < 0.1


def test_a_task_that_one_person_judged_says_nothing():
    assert confidence.accuracies([[(1, "tie")]] * 50) == confidence.accuracies([])

"""Which response stands where, and in which order tasks come."""

from collections import Counter, defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation import opening, presenters
from annotation.blinding import Placeable, Placing
from evaltrack import clock
from tests.factories import annotation as factory

groups = st.sampled_from(["", "short", "long", "German"])
# Tasks as (group, whether the reference is first).
tasks_of_a_campaign = st.lists(st.tuples(groups, st.booleans()), min_size=0, max_size=60)


def placeable(tasks):
    return [Placeable(f"item-{number}", *task) for number, task in enumerate(tasks)]


def place(tasks, *, overlap, seed, already=None):
    """Every slot with its task's number."""
    placing = Placing(overlap=overlap, seed=seed, already=already)
    return [(number, slot) for number, task in enumerate(tasks) for slot in placing.slots(task)]


def uneven(placed, tasks):
    """How much more often the reference stands on slot 1 than the other system."""
    on_slot_1 = sum(slot.first_on_slot_1 == tasks[number].reference_is_first for number, slot in placed)
    return abs(2 * on_slot_1 - len(placed))


@given(tasks_of_a_campaign, st.integers(1, 5), st.text(max_size=20))
def test_each_system_stands_on_slot_1_equally_often_to_within_one_in_every_group(tasks, overlap, seed):
    tasks = placeable(tasks)
    placed = place(tasks, overlap=overlap, seed=seed)
    for group in {task.group for task in tasks}:
        in_group = [(number, slot) for number, slot in placed if tasks[number].group == group]
        assert uneven(in_group, tasks) <= 1
        for ordinal in range(overlap):
            assert uneven([each for each in in_group if each[1].ordinal == ordinal], tasks) <= 1


@given(tasks_of_a_campaign, st.integers(0, 60), st.integers(1, 3), st.text(max_size=20))
def test_tasks_that_are_added_later_are_balanced_with_those_before(tasks, split, overlap, seed):
    tasks = placeable(tasks)
    earlier, later = tasks[:split], tasks[split:]
    already = Counter(task.group for task in earlier)
    placed = place(earlier, overlap=overlap, seed=seed) + [
        (len(earlier) + number, slot)
        for number, slot in place(later, overlap=overlap, seed=seed, already=already)
    ]
    assert placed == place(tasks, overlap=overlap, seed=seed)


@given(tasks_of_a_campaign, st.integers(1, 6), st.text(max_size=20))
def test_every_task_gets_each_ordinal_once_and_its_sides_alternate(tasks, overlap, seed):
    of_task = defaultdict(list)
    for number, slot in place(placeable(tasks), overlap=overlap, seed=seed):
        of_task[number].append((slot.ordinal, slot.first_on_slot_1))
    assert sorted(of_task) == list(range(len(tasks)))
    for slots in of_task.values():
        assert [ordinal for ordinal, _ in sorted(slots)] == list(range(overlap))
        sides = [side for _, side in sorted(slots)]
        assert all(one != following for one, following in pairwise(sides))


@given(tasks_of_a_campaign, st.integers(1, 6), st.text(max_size=20))
def test_rounds_come_one_after_the_other(tasks, overlap, seed):
    placed = place(placeable(tasks), overlap=overlap, seed=seed)
    by_order = sorted((slot for _, slot in placed), key=lambda slot: slot.order_key)
    assert [slot.ordinal for slot in by_order] == sorted(slot.ordinal for _, slot in placed)


@given(tasks_of_a_campaign, st.integers(1, 4), st.text(max_size=20), st.randoms())
def test_a_task_keeps_its_place_in_the_queue_whatever_order_the_tasks_are_given_in(
    tasks, overlap, seed, chance
):
    tasks = placeable(tasks)
    mixed = tasks.copy()
    chance.shuffle(mixed)

    def by_key(given_tasks):
        return {
            (given_tasks[number].key, slot.ordinal): slot.order_key
            for number, slot in place(given_tasks, overlap=overlap, seed=seed)
        }

    assert by_key(tasks) == by_key(mixed)


def order(seed: str, ordinal: int = 0) -> list[int]:
    placed = place(placeable([("", True)] * 40), overlap=2, seed=seed)
    in_round = [(number, slot) for number, slot in placed if slot.ordinal == ordinal]
    return [number for number, slot in sorted(in_round, key=lambda each: each[1].order_key)]


def test_different_seeds_give_different_orders_and_sides():
    assert order("one") != order("another")
    sides = {
        seed: [slot.first_on_slot_1 for _, slot in place(placeable([("", True)] * 40), overlap=1, seed=seed)]
        for seed in ("one", "another")
    }
    assert sides["one"] != sides["another"]


def test_each_round_has_its_own_order():
    assert order("one", 0) != order("one", 1)
    assert sorted(order("one", 0)) == sorted(order("one", 1))


def test_a_tasks_side_does_not_follow_from_its_place_in_the_order():
    """Sides that alternated along the order could be learned by an evaluator."""
    placed = place(placeable([("", True)] * 200), overlap=1, seed="one")
    slots = sorted((slot for _, slot in placed), key=lambda slot: slot.order_key)
    changes = sum(one.first_on_slot_1 != following.first_on_slot_1 for one, following in pairwise(slots))
    assert 60 < changes < 140


@pytest.mark.parametrize("overlap", [1, 2, 3])
def test_a_campaign_counterbalances_the_arms_whatever_its_overlap(owner, platform, custodian, lead, overlap):
    """`first` is drawn as well, so what must be balanced for a person is baseline and candidate."""
    campaign = factory.open_campaign(
        owner=owner, platform=platform, custodian=custodian, suite=factory.suite(items=30, overlap=overlap)
    )
    candidate_first = Counter(
        (factory.sources_of(slot.task)[0] == "candidate") == slot.first_on_slot_1
        for slot in campaign.slots.select_related("task")
    )
    assert candidate_first[True] == candidate_first[False] == 15 * overlap


def test_the_rows_of_tasks_do_not_put_one_arm_first(owner, platform, custodian, lead):
    campaign = factory.open_campaign(
        owner=owner, platform=platform, custodian=custodian, suite=factory.suite(items=30)
    )
    arms = Counter(factory.sources_of(task)[0] for task in campaign.tasks.all())
    assert min(arms["baseline"], arms["candidate"]) >= 1


def test_the_seed_cannot_be_guessed(campaign):
    """Who knew it could compute which system stands where."""
    again = opening.open_campaign(campaign.experiment, at=clock.now(), is_simulated=True)
    assert len(campaign.seed) == 64
    assert len({campaign.seed, again.seed}) == 2
    names = [campaign.experiment.public_id, campaign.experiment.component.name, str(campaign.public_id)]
    assert not [name for name in names if name in campaign.seed]


def test_what_a_person_sees_is_what_the_slot_says(campaign, both):
    for evaluator in both:
        while shown := factory.next_for(evaluator):
            screen = presenters.screen(shown)
            texts = factory.texts_of(shown.task)
            if not shown.slot.first_on_slot_1:
                texts.reverse()
            assert [response.text for response in screen.responses] == texts
            assert [response.slot for response in screen.responses] == [1, 2]
            factory.judge(shown)

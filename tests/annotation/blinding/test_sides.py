"""Which response stands where, and in which order tasks come."""

from collections import Counter, defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation import opening, presenters
from annotation.blinding.sides import Placeable, Placing, place_of
from evaltrack import clock
from tests.factories import annotation as factory

groups = st.sampled_from(["", "short", "long", "German"])


def orders(n):
    return st.permutations(range(n)).map(tuple)


# Tasks as (group, which response each system's is); all of a campaign's tasks have n responses.
tasks_of_a_campaign = st.integers(1, 9).flatmap(
    lambda n: st.lists(st.tuples(groups, orders(n)), min_size=0, max_size=60)
)


def placeable(tasks):
    return [Placeable(f"item-{number}", *task) for number, task in enumerate(tasks)]


def place(tasks, *, overlap, seed, already=None):
    """Every slot with its task's number."""
    placing = Placing(overlap=overlap, seed=seed, already=already)
    return [(number, slot) for number, task in enumerate(tasks) for slot in placing.slots(task)]


def stood(placed, tasks):
    """How often each system stood in each place."""
    return Counter(
        (system, place_of(ordinal, slot.places))
        for number, slot in placed
        for system, ordinal in enumerate(tasks[number].ordinals)
    )


@given(tasks_of_a_campaign, st.integers(1, 5), st.text(max_size=20))
def test_each_system_stands_in_each_place_equally_often_to_within_one_in_every_group(tasks, overlap, seed):
    tasks = placeable(tasks)
    placed = place(tasks, overlap=overlap, seed=seed)
    for group in {task.group for task in tasks}:
        for ordinal in range(overlap):
            in_round = [
                (number, slot)
                for number, slot in placed
                if tasks[number].group == group and slot.ordinal == ordinal
            ]
            counts = stood(in_round, tasks)
            n = len(tasks[0].ordinals)
            seen = [counts[system, place] for system in range(n) for place in range(1, n + 1)]
            assert max(seen) - min(seen) <= 1


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 4), st.text(max_size=20))
def test_over_whole_blocks_each_system_stands_in_each_place_exactly_as_often(n, blocks, overlap, seed):
    tasks = placeable([("", tuple(range(n)))] * (n * blocks))
    counts = stood(place(tasks, overlap=overlap, seed=seed), tasks)
    assert set(counts.values()) == {blocks * overlap}
    assert len(counts) == n * n


@given(st.sampled_from([2, 4, 6, 8]), st.text(max_size=20))
def test_of_an_even_number_each_system_also_stands_beside_each_other_equally_often(n, seed):
    tasks = placeable([("", tuple(range(n)))] * n)
    beside = Counter(pair for _, slot in place(tasks, overlap=1, seed=seed) for pair in pairwise(slot.places))
    assert len(beside) == n * (n - 1)
    assert set(beside.values()) == {1}


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
def test_every_task_gets_each_ordinal_once_and_its_first_slots_have_different_orders(tasks, overlap, seed):
    of_task = defaultdict(list)
    for number, slot in place(placeable(tasks), overlap=overlap, seed=seed):
        of_task[number].append((slot.ordinal, slot.places))
    assert sorted(of_task) == list(range(len(tasks)))
    for number, slots in of_task.items():
        assert [ordinal for ordinal, _ in sorted(slots)] == list(range(overlap))
        n = len(tasks[number][1])
        assert all(sorted(places) == [str(each) for each in range(n)] for _, places in slots)
        assert len({places for _, places in slots}) == min(n, overlap)
        assert all(one != following for (_, one), (_, following) in pairwise(slots)) or n == 1


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
    placed = place(placeable([("", (0, 1))] * 40), overlap=2, seed=seed)
    in_round = [(number, slot) for number, slot in placed if slot.ordinal == ordinal]
    return [number for number, slot in sorted(in_round, key=lambda each: each[1].order_key)]


def test_different_seeds_give_different_orders_and_sides():
    assert order("one") != order("another")
    sides = {
        seed: [slot.places for _, slot in place(placeable([("", (0, 1))] * 40), overlap=1, seed=seed)]
        for seed in ("one", "another")
    }
    assert sides["one"] != sides["another"]


def test_each_round_has_its_own_order():
    assert order("one", 0) != order("one", 1)
    assert sorted(order("one", 0)) == sorted(order("one", 1))


def test_a_tasks_side_does_not_follow_from_its_place_in_the_order():
    """Sides that alternated along the order could be learned by an evaluator."""
    placed = place(placeable([("", (0, 1))] * 200), overlap=1, seed="one")
    slots = sorted((slot for _, slot in placed), key=lambda slot: slot.order_key)
    changes = sum(one.places != following.places for one, following in pairwise(slots))
    assert 60 < changes < 140


@pytest.mark.parametrize("overlap", [1, 2, 3])
def test_a_campaign_counterbalances_the_arms_whatever_its_overlap(owner, platform, custodian, lead, overlap):
    """`first` is drawn as well, so what must be balanced for a person is baseline and candidate."""
    campaign = factory.open_campaign(
        owner=owner, platform=platform, custodian=custodian, suite=factory.suite(items=30, overlap=overlap)
    )
    candidate_first = Counter(
        (factory.sources_of(slot.task)[0] == "candidate") == (slot.places == "01")
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
            texts = [factory.texts_of(shown.task)[int(ordinal)] for ordinal in shown.slot.places]
            assert [response.text for response in screen.responses] == texts
            assert [response.slot for response in screen.responses] == [1, 2]
            factory.judge(shown)

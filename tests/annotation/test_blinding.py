"""Which response stands where, and in which order tasks come."""

from collections import Counter, defaultdict
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from annotation import presenters
from annotation.blinding import place
from tests.factories import annotation as factory

strata = st.lists(st.sampled_from(["", "short", "long", "German"]), min_size=0, max_size=60)


def keyed(strata_of_tasks):
    return [(f"item-{number}", stratum) for number, stratum in enumerate(strata_of_tasks)]


@given(strata, st.integers(1, 6), st.text(max_size=20))
def test_sides_are_balanced_within_one_in_every_stratum(strata_of_tasks, overlap, seed):
    tasks = keyed(strata_of_tasks)
    placed = place(tasks, overlap=overlap, seed=seed)
    for group in {"", *strata_of_tasks}:
        in_group = [slot for slot in placed if tasks[slot.task][1] == group]
        first = sum(slot.first_on_slot_1 for slot in in_group)
        assert abs(2 * first - len(in_group)) <= 1
        for ordinal in range(overlap):
            a_round = [slot for slot in in_group if slot.ordinal == ordinal]
            assert abs(2 * sum(slot.first_on_slot_1 for slot in a_round) - len(a_round)) <= 1


@given(strata, st.integers(1, 6), st.text(max_size=20))
def test_every_task_gets_each_ordinal_once_and_its_sides_alternate(strata_of_tasks, overlap, seed):
    of_task = defaultdict(list)
    for slot in place(keyed(strata_of_tasks), overlap=overlap, seed=seed):
        of_task[slot.task].append((slot.ordinal, slot.first_on_slot_1))
    assert sorted(of_task) == list(range(len(strata_of_tasks)))
    for slots in of_task.values():
        assert [ordinal for ordinal, _ in sorted(slots)] == list(range(overlap))
        sides = [side for _, side in sorted(slots)]
        assert all(one != following for one, following in pairwise(sides))


@given(strata, st.integers(1, 6), st.text(max_size=20))
def test_order_keys_are_a_permutation_and_rounds_come_one_after_the_other(strata_of_tasks, overlap, seed):
    placed = place(keyed(strata_of_tasks), overlap=overlap, seed=seed)
    assert sorted(slot.order_key for slot in placed) == list(range(len(placed)))
    by_order = sorted(placed, key=lambda slot: slot.order_key)
    assert [slot.ordinal for slot in by_order] == sorted(slot.ordinal for slot in placed)


@given(strata, st.integers(1, 4), st.text(max_size=20), st.randoms())
def test_a_task_keeps_its_place_whatever_order_the_tasks_are_given_in(strata_of_tasks, overlap, seed, chance):
    tasks = keyed(strata_of_tasks)
    mixed = tasks.copy()
    chance.shuffle(mixed)

    def by_key(given_tasks):
        return {
            (given_tasks[slot.task][0], slot.ordinal): (slot.order_key, slot.first_on_slot_1)
            for slot in place(given_tasks, overlap=overlap, seed=seed)
        }

    assert by_key(tasks) == by_key(mixed)


def order(seed: str, ordinal: int = 0) -> list[int]:
    placed = place(keyed([""] * 40), overlap=2, seed=seed)
    in_round = [slot for slot in placed if slot.ordinal == ordinal]
    return [slot.task for slot in sorted(in_round, key=lambda slot: slot.order_key)]


def test_different_seeds_give_different_orders_and_sides():
    assert order("one") != order("another")
    sides = {
        seed: [slot.first_on_slot_1 for slot in place(keyed([""] * 40), overlap=1, seed=seed)]
        for seed in ("one", "another")
    }
    assert sides["one"] != sides["another"]


def test_each_round_has_its_own_order():
    assert order("one", 0) != order("one", 1)
    assert sorted(order("one", 0)) == sorted(order("one", 1))


def test_a_tasks_side_does_not_follow_from_its_place_in_the_order():
    """Sides that alternated along the order could be learned by an evaluator."""
    placed = place(keyed([""] * 200), overlap=1, seed="one")
    sides = [slot.first_on_slot_1 for slot in sorted(placed, key=lambda slot: slot.order_key)]
    changes = sum(one != following for one, following in pairwise(sides))
    assert 60 < changes < 140


def test_a_campaign_counterbalances_the_arms_and_not_only_its_rows(campaign):
    """`first` is drawn as well, so what must be balanced for a person is baseline and candidate."""
    slots = campaign.slots.select_related("task__first__run")
    first_shown = Counter((slot.task.first.run.arm == "candidate") == slot.first_on_slot_1 for slot in slots)
    assert first_shown[True] == first_shown[False] == 6


def test_the_rows_of_tasks_do_not_put_one_arm_first(owner, platform, custodian, lead):
    campaign = factory.open_campaign(
        owner=owner, platform=platform, custodian=custodian, suite=factory.suite(items=30)
    )
    arms = Counter(campaign.tasks.values_list("first__run__arm", flat=True))
    assert min(arms["baseline"], arms["candidate"]) >= 5


def test_what_a_person_sees_is_what_the_slot_says(campaign, both):
    for evaluator in both:
        while shown := factory.next_for(evaluator):
            screen = presenters.screen(shown)
            texts = [shown.task.first.text, shown.task.second.text]
            if not shown.slot.first_on_slot_1:
                texts.reverse()
            assert [response.text for response in screen.responses] == texts
            assert [response.slot for response in screen.responses] == [1, 2]
            factory.judge(shown)

"""Pure: which response stands where, and in which order tasks come. Fixed by a seed when a campaign opens."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from datasets.sampling import shuffled_rank


@dataclass(frozen=True)
class Placeable:
    """A task to be placed. Within its group, one pair of systems in one stratum, sides are balanced.

    One system of the pair is the reference: `reference_is_first` says which of the task's responses is its.
    """

    key: str
    group: str
    reference_is_first: bool


@dataclass(frozen=True)
class Placed:
    """A slot to be: the task's place in the given sequence, its ordinal, its order and its side."""

    task: int
    ordinal: int
    order_key: int
    first_on_slot_1: bool


def place(tasks: Sequence[Placeable], *, overlap: int, seed: str) -> list[Placed]:
    """Slots for `tasks`.

    What is balanced is the system and not the task's row: in permuted blocks of two within a group, the reference
    stands on slot 1 as often as the other system, to within one; further slots of a task alternate. Each round
    over the tasks has its own order, so that two evaluators do not meet the same neighbours.
    """
    sides: dict[int, bool] = {}
    groups: dict[str, list[int]] = defaultdict(list)
    for place_of_task, task in enumerate(tasks):
        groups[task.group].append(place_of_task)
    for group, members in groups.items():
        members.sort(key=lambda member: shuffled_rank(f"{seed}-block", tasks[member].key))
        for block in range(0, len(members), 2):
            heads = shuffled_rank(f"{seed}-side-{group}", str(block))[0] % 2 == 0
            for offset, member in enumerate(members[block : block + 2]):
                reference_on_slot_1 = heads ^ bool(offset)
                sides[member] = reference_on_slot_1 == tasks[member].reference_is_first
    placed = []
    for ordinal in range(overlap):
        order = sorted(
            range(len(tasks)), key=lambda task: shuffled_rank(f"{seed}-{ordinal}", tasks[task].key)
        )
        placed += [
            Placed(task, ordinal, ordinal * len(tasks) + rank, sides[task] ^ bool(ordinal % 2))
            for rank, task in enumerate(order)
        ]
    return placed

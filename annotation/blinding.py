"""Pure: which response stands where, and in which order tasks come. Fixed by a seed when a campaign opens."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from datasets.sampling import shuffled_rank


@dataclass(frozen=True)
class Placed:
    """A slot to be: the task's place in the given sequence, its ordinal, its order and its side."""

    task: int
    ordinal: int
    order_key: int
    first_on_slot_1: bool


def place(tasks: Sequence[tuple[str, str]], *, overlap: int, seed: str) -> list[Placed]:
    """Slots for `tasks`, each given as (key, stratum).

    Sides come in permuted blocks of two within a stratum, so that each response stands first equally often, to
    within one; further slots of a task alternate. Each round over the tasks has its own order, so that two
    evaluators do not meet the same neighbours.
    """
    sides: dict[int, bool] = {}
    strata: dict[str, list[int]] = defaultdict(list)
    for place_of_task, (_, stratum) in enumerate(tasks):
        strata[stratum].append(place_of_task)
    for stratum, members in strata.items():
        members.sort(key=lambda member: shuffled_rank(f"{seed}-block", tasks[member][0]))
        for block in range(0, len(members), 2):
            heads = shuffled_rank(f"{seed}-side-{stratum}", str(block))[0] % 2 == 0
            for offset, member in enumerate(members[block : block + 2]):
                sides[member] = heads ^ bool(offset)
    placed = []
    for ordinal in range(overlap):
        order = sorted(range(len(tasks)), key=lambda task: shuffled_rank(f"{seed}-{ordinal}", tasks[task][0]))
        placed += [
            Placed(task, ordinal, ordinal * len(tasks) + rank, sides[task] ^ bool(ordinal % 2))
            for rank, task in enumerate(order)
        ]
    return placed

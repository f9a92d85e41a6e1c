"""Pure: which response stands where, and in which order tasks come. Fixed by a seed when tasks are added."""

import hashlib
import hmac
from collections import Counter
from dataclasses import dataclass

# Each round over the tasks has its own shuffle: the round above these bits, a random number below.
ROUND_BITS = 40


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
    """A slot to be: its ordinal within the task, its place in the queue and its side."""

    ordinal: int
    order_key: int
    first_on_slot_1: bool


class Placing:
    """Places tasks one after the other, so that any number of them can be streamed.

    What is balanced is the system and not the task's row: in permuted blocks of two within a group, the reference
    stands on slot 1 as often as the other system, to within one; further slots of a task alternate. Each round
    over the tasks has its own order, so that two evaluators do not meet the same neighbours.

    `seed` is secret: who could guess it could compute which system stands where. `already` says how many tasks
    each group has, where tasks are added to a campaign.
    """

    def __init__(self, *, overlap: int, seed: str, already: dict[str, int] | None = None) -> None:
        self.overlap = overlap
        self.seed = seed.encode()
        self.placed = Counter(already or {})

    def slots(self, task: Placeable, *, count: int | None = None) -> list[Placed]:
        """The task's slots: as many as the overlap says, or `count`."""
        block, offset = divmod(self.placed[task.group], 2)
        self.placed[task.group] += 1
        heads = bool(self.draw(f"side-{task.group}-{block}") % 2)
        reference_on_slot_1 = heads ^ bool(offset)
        first_on_slot_1 = reference_on_slot_1 == task.reference_is_first
        return [
            self.slot(task.key, ordinal, first_on_slot_1=first_on_slot_1)
            for ordinal in range(count or self.overlap)
        ]

    def slot(self, key: str, ordinal: int, *, first_on_slot_1: bool) -> Placed:
        """One slot of a task whose slot 0 has this side."""
        return Placed(ordinal, self.order(key, ordinal), first_on_slot_1 ^ bool(ordinal % 2))

    def is_calibration(self, key: str, share: float) -> bool:
        """Whether the task is one of the random share that is always asked of the most people."""
        return self.draw(f"calibration-{key}") < share * 2**64

    def order(self, key: str, ordinal: int) -> int:
        return (ordinal << ROUND_BITS) + self.draw(f"order-{ordinal}-{key}") % (1 << ROUND_BITS)

    def draw(self, what: str) -> int:
        """A number that nobody without the seed can foretell."""
        return int.from_bytes(hmac.digest(self.seed, what.encode(), hashlib.sha256)[:8])

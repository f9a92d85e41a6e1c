"""Pure: which response stands where, and in which order tasks come. Fixed by a seed when tasks are added."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

# Each round over the tasks has its own shuffle: the round above these bits, a random number below.
ROUND_BITS = 40


@dataclass(frozen=True)
class Placeable:
    """A task to be placed. Within its group, the same systems in one stratum, places are balanced.

    `ordinals` says which of the task's responses each system gave; systems stand in one order in the whole group.
    """

    key: str
    group: str
    ordinals: tuple[int, ...]


@dataclass(frozen=True)
class Placed:
    """A slot to be: its ordinal within the task, its place in the queue, and which response stands where."""

    ordinal: int
    order_key: int
    places: str


def ordinal_at(place: int, places: str) -> int:
    """Which response stands in a place, counted from 1: "20" puts the response 2 into place 1."""
    return int(places[place - 1])


def place_of(ordinal: int, places: str) -> int:
    return places.index(str(ordinal)) + 1


class Placing:
    """Places tasks one after the other, so that any number of them can be streamed.

    What is balanced is the system and not the task's row. Of n systems, each n tasks of a group are a block: a
    Latin square, in which every system stands in every place once. So in each round over a group every system
    stands in every place equally often, to within one. A task's further slots take the square's next rows. Each
    round has its own order, so that two evaluators do not meet the same neighbours.

    `seed` is secret: who could guess it could compute which system stands where. `already` says how many tasks
    each group has, where tasks are added to a campaign.
    """

    def __init__(self, *, overlap: int, seed: str, already: dict[str, int] | None = None) -> None:
        self.overlap = overlap
        self.seed = seed.encode()
        self.placed = Counter(already or {})

    def slots(self, task: Placeable, *, count: int | None = None) -> list[Placed]:
        """The task's slots: as many as the overlap says, or `count`."""
        n = len(task.ordinals)
        block, offset = divmod(self.placed[task.group], n)
        self.placed[task.group] += 1
        systems = self.shuffled(n, f"places-{task.group}-{block}")
        return [
            Placed(
                ordinal,
                self.order(task.key, ordinal),
                "".join(str(task.ordinals[systems[each]]) for each in row_of_square(n, offset + ordinal)),
            )
            for ordinal in range(count or self.overlap)
        ]

    def further(self, key: str, ordinal: int, *, first: str) -> Placed:
        """One more slot of a pair whose slot 0 has the places `first`: sides go on alternating."""
        return Placed(ordinal, self.order(key, ordinal), first[::-1] if ordinal % 2 else first)

    def ordinals(self, key: str, n: int) -> tuple[int, ...]:
        """Which response each system's is, drawn: not even our own rows put one system before the other."""
        return tuple(self.shuffled(n, f"rows-{key}"))

    def is_calibration(self, key: str, share: float) -> bool:
        """Whether the task is one of the random share that is always asked of the most people."""
        return self.is_drawn(f"calibration-{key}", share)

    def is_drawn(self, what: str, share: float) -> bool:
        """Whether this is one of a random share."""
        return self.draw(what) < share * 2**64

    def order(self, key: str, ordinal: int) -> int:
        return (ordinal << ROUND_BITS) + self.draw(f"order-{ordinal}-{key}") % (1 << ROUND_BITS)

    def shuffled(self, n: int, what: str) -> Sequence[int]:
        return sorted(range(n), key=lambda each: self.draw(f"{what}-{each}"))

    def draw(self, what: str) -> int:
        """A number that nobody without the seed can foretell."""
        return int.from_bytes(hmac.digest(self.seed, what.encode(), hashlib.sha256)[:8])


def row_of_square(n: int, row: int) -> list[int]:
    """A row of Williams' square: 0, 1, n-1, 2, n-2, … moved on by the row.

    Each number stands in each column once. With an even n, each also follows each other once, so that what
    stands beside a response is balanced too (Williams 1949).
    """
    zigzag = [(step + 1) // 2 if step % 2 else (n - step // 2) % n for step in range(n)]
    return [(each + row) % n for each in zigzag]

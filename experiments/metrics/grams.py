"""Pure: how many runs of characters, or of anything else, two texts have in common."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

# Of a number of 63 bits the first of those that hold an order.
ORDER_BIT = 60
# Of texts whose characters have lower numbers than this each character is its own letter.
LETTERS = 512


def counts(ours: str, theirs: str, highest: int) -> list[int]:
    """For runs of 1 to `highest` characters how many ours has, how many theirs, and how many both, as sacrebleu
    counts. `highest` is 7 at most.

    A run is one number, and numpy sorts those of all orders and both texts at once in a third of the time of slices.
    """
    orders = range(1, highest + 1)
    points = np.frombuffer((ours + theirs).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if points.max(initial=0) < LETTERS:
        letters, bits = points.astype(np.int64), LETTERS.bit_length() - 1
    else:
        alphabet, letters = np.unique(points, return_inverse=True)
        bits = max(1, (len(alphabet) - 1).bit_length())
    if bits * orders[-1] < ORDER_BIT:
        found = shared(letters, len(ours), bits, orders)
    else:
        found = [in_common(slices(ours, n), slices(theirs, n)) for n in orders]
    of_each: list[int] = []
    for n, both in zip(orders, found, strict=True):
        said, meant = max(0, len(ours) - n + 1), max(0, len(theirs) - n + 1)
        # Without runs of this order in the reference sacrebleu counts none of the answer's.
        of_each += [said if meant else 0, meant, both]
    return of_each


def shared(letters: NDArray[np.int64], border: int, bits: int, orders: range) -> list[int]:
    """Of each order how many runs the letters before the border and those behind it have in common.

    The bits of a run's number: its order, its letters, and the lowest tells behind the border it stands.
    """
    letters = letters << 1
    run, before, behind = letters, [], []
    for n in orders:
        if n > 1:
            run = (run[:-1] << bits) | letters[n - 1 :]
        numbered = run | (n << ORDER_BIT)
        before.append(numbered[: max(0, border - n + 1)])
        behind.append(numbered[border:])
    both = np.concatenate([*before, *behind])
    both[sum(map(len, before)) :] |= 1
    both.sort()
    if not len(both):
        return [0] * len(orders)
    runs = both >> 1
    starts = np.flatnonzero(np.concatenate([[True], runs[1:] != runs[:-1]]))
    theirs = np.add.reduceat(both & 1, starts)
    fewer = np.minimum(np.diff(starts, append=len(both)) - theirs, theirs)
    found = np.bincount(both[starts] >> ORDER_BIT, weights=fewer, minlength=orders[-1] + 1)
    return found[1:].astype(int).tolist()


def slices(line: str, n: int) -> list[str]:
    return [line[start : start + n] for start in range(len(line) - n + 1)]


def in_common(ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> int:
    """How many of them both have, each as often as the one that has it less often.

    Where one has none of them twice, as runs of some length do not occur twice in a short text, sets tell in a third
    of the time of counting.
    """
    one, other = set(ours), set(theirs)
    shared = one & other
    if not shared or len(one) == len(ours) or len(other) == len(theirs):
        return len(shared)
    mine, yours, both = Counter(ours), Counter(theirs), list(shared)
    return sum(map(min, map(mine.__getitem__, both), map(yours.__getitem__, both)))

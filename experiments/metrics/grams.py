"""Pure: how many runs of characters, or of anything else, two texts have in common."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

# The bits of a number that is sorted.
BITS = 63
# Of texts whose characters have lower numbers than this each character is its own letter.
LETTERS = 511
# So many characters are sorted at once: of more, what is worked out does not fit into the processor's cache.
MOST_AT_ONCE = 20_000


def counts(pairs: Sequence[tuple[str, str]], highest: int) -> list[list[int]]:
    """Of each pair of texts, for runs of 1 to `highest` characters, how many the first has, how many the second, and
    how many both, as sacrebleu counts. `highest` is 7 at most.

    A run is one number, and numpy sorts those of many pairs at once in a fifth of the time of slices.
    """
    if not pairs:
        return []
    texts = [text for pair in pairs for text in pair]
    letters, bits = lettered("".join(texts))
    # A run's letters, its pair, and in which text of both it stands.
    fits = bits * highest + (len(pairs) - 1).bit_length() + 1 <= BITS
    if len(pairs) > 1 and not (fits and len(letters) <= MOST_AT_ONCE):
        half = len(pairs) // 2
        return counts(pairs[:half], highest) + counts(pairs[half:], highest)
    orders = range(1, highest + 1)
    if fits:
        found = shared(letters, [len(text) for text in texts], bits, highest)
    else:
        found = [[in_common(*(slices(text, n) for text in texts)) for n in orders]]
    return [
        [number for n, both in zip(orders, of_pair, strict=True) for number in (*totals(*pair, n), both)]
        for pair, of_pair in zip(pairs, found, strict=True)
    ]


def totals(ours: str, theirs: str, n: int) -> tuple[int, int]:
    """How many runs of n characters each has. Without one in the reference sacrebleu counts none of the answer's."""
    said, meant = max(0, len(ours) - n + 1), max(0, len(theirs) - n + 1)
    return said if meant else 0, meant


def lettered(text: str) -> tuple[NDArray[np.int64], int]:
    """The characters of a text as numbers from 1, and how many bits they take."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    if points.max(initial=0) < LETTERS:
        return points.astype(np.int64) + 1, LETTERS.bit_length()
    alphabet, letters = np.unique(points, return_inverse=True)
    return letters + 1, len(alphabet).bit_length()


def shared(letters: NDArray[np.int64], sizes: Sequence[int], bits: int, highest: int) -> list[list[int]]:
    """Of each pair of texts, which follow on each other, how many runs of each order both have.

    Runs of the highest order are sorted once. With the first letter in the highest bits they are in order by their
    first letters too, which are the runs of lower orders; what goes on behind a text's end is no letter.
    """
    text, ends = np.arange(len(sizes)), np.cumsum(sizes)
    left = np.repeat(ends, sizes) - np.arange(len(letters))
    padded = np.concatenate([letters, np.zeros(highest - 1, dtype=np.int64)])
    run = np.zeros(len(letters), dtype=np.int64)
    for n in range(highest):
        run = (run << bits) | padded[n : n + len(letters)]
    whole = (1 << bits * highest) - 1
    of_text = np.array([whole & ~(whole >> bits * n) for n in range(highest + 1)])[np.minimum(left, highest)]
    pair = np.repeat(text >> 1, sizes) << bits * highest
    ordered = np.sort(((pair | (run & of_text)) << 1) | np.repeat(text & 1, sizes))
    second, ordered = ordered & 1, ordered >> 1
    found = np.empty((highest, len(sizes) // 2))
    for n in range(1, highest + 1):
        runs = ordered >> bits * (highest - n)
        starts = np.flatnonzero(np.diff(runs, prepend=-1))
        theirs = np.add.reduceat(second, starts) if len(starts) else starts
        fewer = np.minimum(theirs, np.diff(starts, append=len(runs)) - theirs)
        runs = runs[starts]
        fewer[runs & ((1 << bits) - 1) == 0] = 0
        found[n - 1] = np.bincount(runs >> bits * n, weights=fewer, minlength=len(sizes) // 2)
    return found.T.astype(int).tolist()


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

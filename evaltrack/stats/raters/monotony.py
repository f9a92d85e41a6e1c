"""Raters who press one key: long runs of one label, and labels less varied than those of others on the same items."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.patterns import Counts, distinct_rows, whole
from evaltrack.stats.raters.judgments import Indication, columns, indications, label_counts
from evaltrack.stats.remembered import remembered

DRAWS = 2000
FEWEST_JUDGMENTS = 10
MANY_JUDGMENTS = 500
SURE = 3.0  # the logarithm of 20
MOST_REMEMBERED = 4096  # raters


def longest_runs(
    raters: ArrayLike, labels: ArrayLike, *, seed: int, many: int = MANY_JUDGMENTS
) -> tuple[Indication, ...]:
    """The longest run of one label of each rater, against the same labels in random order.

    Judgments stand in the order in which each rater gave them. `false_positives` is the share of 2,000 orders with a
    run as long (its own one among them), from `many` judgments on by formula; items must come in random order, or
    runs of alike items look like straight-lining. Raters with fewer than 10 judgments are left out.
    """
    who, label = whole(raters, "rater numbers"), whole(labels, "label numbers")
    if who.ndim != 1 or who.shape != label.shape:
        raise ValueError(f"{label.shape} labels do not stand beside {who.shape} raters")
    names, place = np.unique(who, return_inverse=True)
    found = []
    for number, name in enumerate(names.tolist()):
        own = label[place == number]
        n = len(own)
        if n < FEWEST_JUDGMENTS:
            continue
        longest = _longest(own)
        chance = (
            _drawn_chance_of_run(seed, name, own, longest)
            if n < many
            else chance_of_run(np.bincount(own), longest)
        )
        found.append((name, longest, n, chance))
    return indications(*zip(*found, strict=True)) if found else ()


@remembered(MOST_REMEMBERED)
def _drawn_chance_of_run(seed: int, name: int, own: Counts, longest: int) -> float:
    # Each rater has draws of their own: who else has judged changes nothing.
    rng = np.random.default_rng([seed, name])
    # Numbered anew, labels fit into a byte: the orders are the same, and shuffled faster.
    kinds = np.unique(own, return_inverse=True)[1].astype(np.uint8 if len(own) <= 256 else np.int64)
    orders = rng.permuted(np.tile(kinds, (DRAWS, 1)), axis=1)
    return (1 + int(_have_run(orders, longest).sum())) / (1 + DRAWS)


def chance_of_run(counts: Counts, length: int) -> float:
    """About how often labels that occur `counts` times have a run of `length` or more in random order.

    The other labels leave g = n − count + 1 gaps for a label. That some gap holds `length` or more of it has the
    probability Σ_j (−1)^(j+1) C(g, j) · count!/(count − j·length)! · (n − j·length)!/n!, exactly. The runs of
    different labels are taken for independent, which is off by little in long sequences.
    """
    n, none = int(counts.sum()), 1.0
    for count in counts[counts >= length].tolist():
        gaps = n - count + 1
        j = np.arange(1, min(gaps, count // length) + 1)
        logs = special.gammaln(gaps + 1) - special.gammaln(j + 1) - special.gammaln(gaps - j + 1)
        logs += special.gammaln(count + 1) - special.gammaln(count - j * length + 1)
        logs += special.gammaln(n - j * length + 1) - special.gammaln(n + 1)
        # With so many runs to be expected the terms lose their digits, and one is sure to be there.
        some = 1.0 if logs[0] > SURE else float(((-1.0) ** (j + 1) * np.exp(logs)).sum())
        none *= 1 - min(max(some, 0.0), 1.0)
    return 1 - none


def _longest(labels: Counts) -> int:
    """The length of the longest run of equal numbers."""
    begins = np.flatnonzero(np.diff(labels, prepend=labels[0] - 1))
    return int(np.diff(np.append(begins, len(labels))).max())


def _have_run(rows: NDArray[np.integer], length: int) -> NDArray[np.bool_]:
    """Whether each row has a run of `length` equal numbers or more."""
    # `joined` says of each place whether so many places from it on equal the one after each: doubled until it is
    # long enough.
    joined, reach = rows[:, 1:] == rows[:, :-1], 1
    wanted = length - 1
    if not wanted:
        return np.ones(len(rows), dtype=bool)
    while reach < wanted:
        step = min(reach, wanted - reach)
        joined = joined[:, :-step] & joined[:, step:]
        reach += step
    return joined.any(axis=1)


def variety(
    raters: ArrayLike, items: ArrayLike, labels: ArrayLike, *, k: int, seed: int
) -> tuple[Indication, ...] | Undefined:
    """The entropy of each rater's labels, in bits, against that of others on the same items.

    Somebody who always says the same has 0. `false_positives` is the share of 2,000 imagined raters with as little,
    who on each item give a label that one of its raters has given, each equally likely: if its raters are alike, the
    own label is one of those. Only items that others judged too count; raters with fewer than 10 of them are left
    out. Undefined where all are.
    """
    found = [
        (name, own, n, _drawn_chance_of_entropy(seed, name, kinds, times, own))
        for name, own, n, kinds, times in _beside_others(raters, items, labels, k)
    ]
    if not found:
        return Undefined(f"no rater shares {FEWEST_JUDGMENTS} items with others")
    return indications(*zip(*found, strict=True))


def entropies(raters: ArrayLike, items: ArrayLike, labels: ArrayLike, *, k: int) -> dict[int, float]:
    """The score of `variety` of each rater alone: nothing is drawn for it."""
    return {name: own for name, own, _, _, _ in _beside_others(raters, items, labels, k)}


def _beside_others(
    raters: ArrayLike, items: ArrayLike, labels: ArrayLike, k: int
) -> Iterator[tuple[int, float, int, Counts, Counts]]:
    """Of each rater the entropy, the number of items that others judged too, and these: items with the same ratings
    together, and how many there are."""
    who, what = columns(raters, items)
    label, row, counts = label_counts(what, labels, k)
    shared = counts.sum(axis=1)[row] >= 2 if len(row) else np.zeros(0, dtype=bool)
    who, label, row = who[shared], label[shared], row[shared]
    names, place = np.unique(who, return_inverse=True)
    for number, name in enumerate(names.tolist()):
        mine = place == number
        n = int(mine.sum())
        if n >= FEWEST_JUDGMENTS:
            own = float(_entropy(np.bincount(label[mine], minlength=k)[None, :])[0])
            yield name, own, n, *distinct_rows(counts[row[mine]])


@remembered(MOST_REMEMBERED)
def _drawn_chance_of_entropy(seed: int, name: int, kinds: Counts, times: Counts, own: float) -> float:
    rng = np.random.default_rng([seed, name])
    tallies = np.zeros((DRAWS, kinds.shape[1]), dtype=np.int64)
    for kind, many in zip(kinds, times.tolist(), strict=True):
        tallies += rng.multinomial(many, kind / kind.sum(), size=DRAWS)
    return (1 + int((_entropy(tallies) <= own + 1e-9).sum())) / (1 + DRAWS)


def _entropy(tallies: Counts) -> NDArray[np.float64]:
    return special.entr(tallies / tallies.sum(axis=1, keepdims=True)).sum(axis=1) / np.log(2)

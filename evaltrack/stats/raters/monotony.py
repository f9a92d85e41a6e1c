"""Raters who press one key: long runs of one label, and labels less varied than those of others on the same items."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.patterns import Counts, distinct_rows, whole
from evaltrack.stats.raters.judgments import Indication, columns, indications, label_counts

DRAWS = 2000
FEWEST_JUDGMENTS = 10
MANY_JUDGMENTS = 500
SURE = 3.0  # the logarithm of 20


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
        longest = int(_runs(own[None, :])[0])
        if n < many:
            # Each rater has draws of their own: who else has judged changes nothing.
            rng = np.random.default_rng([seed, name])
            orders = rng.permuted(np.tile(own, (DRAWS, 1)), axis=1)
            chance = (1 + int((_runs(orders) >= longest).sum())) / (1 + DRAWS)
        else:
            chance = chance_of_run(np.bincount(own), longest)
        found.append((name, longest, n, chance))
    return indications(*zip(*found, strict=True)) if found else ()


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


def _runs(rows: Counts) -> Counts:
    """The length of the longest run of equal numbers in each row."""
    draws, n = rows.shape
    place = np.arange(1, n)
    starts = np.where(rows[:, 1:] != rows[:, :-1], place, 0)
    since = np.maximum.accumulate(
        np.concatenate([np.zeros((draws, 1), dtype=np.int64), starts], axis=1), axis=1
    )
    return (np.arange(n) - since).max(axis=1) + 1


def variety(
    raters: ArrayLike, items: ArrayLike, labels: ArrayLike, *, k: int, seed: int
) -> tuple[Indication, ...] | Undefined:
    """The entropy of each rater's labels, in bits, against that of others on the same items.

    Somebody who always says the same has 0. `false_positives` is the share of 2,000 imagined raters with as little,
    who on each item give a label that one of its raters has given, each equally likely: if its raters are alike, the
    own label is one of those. Only items that others judged too count; raters with fewer than 10 of them are left
    out. Undefined where all are.
    """
    who, what = columns(raters, items)
    label, row, counts = label_counts(what, labels, k)
    shared = counts.sum(axis=1)[row] >= 2 if len(row) else np.zeros(0, dtype=bool)
    who, label, row = who[shared], label[shared], row[shared]
    names, place = np.unique(who, return_inverse=True)
    found = []
    for number, name in enumerate(names.tolist()):
        mine = place == number
        n = int(mine.sum())
        if n < FEWEST_JUDGMENTS:
            continue
        rng = np.random.default_rng([seed, name])
        own = _entropy(np.bincount(label[mine], minlength=k)[None, :])[0]
        # Items with the same ratings are drawn together.
        kinds, times = distinct_rows(counts[row[mine]])
        tallies = np.zeros((DRAWS, k), dtype=np.int64)
        for kind, many in zip(kinds, times.tolist(), strict=True):
            tallies += rng.multinomial(many, kind / kind.sum(), size=DRAWS)
        as_little = int((_entropy(tallies) <= own + 1e-9).sum())
        found.append((name, float(own), n, (1 + as_little) / (1 + DRAWS)))
    if not found:
        return Undefined(f"no rater shares {FEWEST_JUDGMENTS} items with others")
    return indications(*zip(*found, strict=True))


def _entropy(tallies: Counts) -> NDArray[np.float64]:
    return special.entr(tallies / tallies.sum(axis=1, keepdims=True)).sum(axis=1) / np.log(2)

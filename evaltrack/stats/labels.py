"""Precision, recall and F1 of labels, averaged over classes: of one side, and the difference of two.

A class over which is averaged is a number that occurs as truth or is said; `other` is a number that is said where no
class was: it is wrong, and no class. What is 0/0 counts 0, as scikit-learn has it with zero_division=0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from evaltrack.stats.classification import FEWEST_DIFFERENT, FEWEST_EXAMPLES
from evaltrack.stats.estimate import CONFIDENCE, Estimate, TestResult, Undefined
from evaltrack.stats.intervals import percentile_limits, tail_of
from evaltrack.stats.resampling import DRAWN_CELLS, DRAWS, resampled

# Fewer draws than this beyond a limit do not show where it lies.
DRAWS_BEYOND = 10
FEWEST_GROUPS = 30

Counts = NDArray[np.int64]
Vector = NDArray[np.float64]
NO_EXAMPLES = Undefined("there are no examples with a label")


@dataclass(frozen=True, eq=False)
class Labelled:
    """The true and the said class of each example, whole numbers from 0; `other` is no class."""

    truth: Counts
    said: Counts
    other: int

    def __post_init__(self) -> None:
        if len(self.truth) != len(self.said):
            raise ValueError("each example has one true and one said label")
        if len(self.truth) and (self.truth == self.other).any():
            raise ValueError("the truth is a class")


def figure(of: Labelled, name: str, average: str, *, seed: int) -> Estimate | Undefined:
    """One side's figure ("precision", "recall" or "f1"; "macro" or "micro") with a bootstrap interval of 95 %.

    Undefined without examples; without an interval from fewer than 50, or where every draw is the same.
    """
    n = len(of.truth)
    if n == 0:
        return NO_EXAMPLES
    table = Table.of(of)
    value = float(table.values(table.counts[None, :].astype(float), 0, name, average)[0])
    method = f"bootstrap of {average} {name}"
    if n < FEWEST_EXAMPLES:
        reason = f"{n} examples do not support a bootstrap interval: {FEWEST_EXAMPLES} are needed"
        return Estimate(value, None, None, n, method, reason)
    draws = np.concatenate([table.values(weights, 0, name, average) for weights in table.drawn(seed, None)])
    if np.ptp(draws) < 1e-12:
        return Estimate(
            value, None, None, n, method, "every draw gives the same figure, so its spread is unknown"
        )
    return Estimate(value, *percentile_limits(draws, value), n, method, seed=seed)


def difference(
    ours: Labelled,
    theirs: Labelled,
    name: str,
    average: str,
    *,
    seed: int,
    confidence: float = CONFIDENCE,
    groups: ArrayLike | None = None,
) -> Estimate | Undefined:
    """ours − theirs on the same examples, with the percentile interval of a paired bootstrap of examples.

    With `groups`, the number of each example's group, whole groups are drawn. Undefined without examples; without an
    interval from fewer than 50 examples, fewer than 30 groups, fewer than 5 examples that are labelled differently,
    or where the confidence asks for limits beyond what so many draws show.
    """
    value, draws, reason, units = _compared(ours, theirs, name, average, seed, groups)
    n = len(ours.truth)
    if n == 0:
        return NO_EXAMPLES
    method = f"paired bootstrap of a difference of {average} {name}"
    tail = tail_of(confidence)
    if not reason and tail * DRAWS < DRAWS_BEYOND:
        reason = f"{DRAWS:,} resamples do not show limits of {confidence:.4%} confidence"
    if reason:
        return Estimate(value, None, None, n, method, reason, clusters=units)
    limits = percentile_limits(draws, value, tail)
    return Estimate(value, *limits, n, method, confidence=confidence, seed=seed, clusters=units)


def p_below(
    ours: Labelled,
    theirs: Labelled,
    name: str,
    average: str,
    margin: float,
    *,
    seed: int,
    groups: ArrayLike | None = None,
) -> TestResult | Undefined:
    """One-sided p of H0: ours − theirs ≥ −margin, by inverting the interval of `difference`.

    The share of draws at or above −margin, counting the data as one more, so that p is never 0.
    """
    if not (math.isfinite(margin) and margin >= 0):
        raise ValueError(f"a margin is a finite number from 0 up, not {margin}")
    if len(ours.truth) == 0:
        return NO_EXAMPLES
    _, draws, reason, _ = _compared(ours, theirs, name, average, seed, groups)
    if reason:
        return Undefined(reason)
    return TestResult(None, (1 + int((draws >= -margin).sum())) / (1 + len(draws)))


@dataclass(frozen=True, eq=False)
class Table:
    """The distinct patterns of labels (truth, then what each side says), and how often each occurs."""

    patterns: Counts
    counts: Counts
    place: Counts
    classes: int
    width: int

    @classmethod
    def of(cls, *sides: Labelled) -> Table:
        columns = np.stack([sides[0].truth, *(side.said for side in sides)])
        # Classes are numbered anew, so that the table is as small as what occurs; what is no class comes last.
        occurring = np.unique(columns)
        classes = occurring[occurring != sides[0].other]
        numbered = np.where(columns == sides[0].other, len(classes), np.searchsorted(classes, columns))
        patterns, place, counts = np.unique(numbered, axis=1, return_inverse=True, return_counts=True)
        return cls(patterns, counts, place.ravel(), len(classes), max(len(counts), 3 * len(classes)))

    def values(self, weights: Vector, side: int, name: str, average: str) -> Vector:
        """The figure of a side in each row of `weights` (draws × patterns)."""
        truth, said = self.patterns[0], self.patterns[1 + side]
        true = weights @ self._member(truth)
        given = weights @ self._member(said)
        right = weights @ (self._member(truth) * (truth == said)[:, None])
        if average == "micro":
            true, given, right = (part.sum(axis=1, keepdims=True) for part in (true, given, right))
        top, bottom = {
            "precision": (right, given),
            "recall": (right, true),
            "f1": (2 * right, true + given),
        }[name]
        parts = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
        occurs = true + given > 0
        return parts.sum(axis=1) / np.maximum(occurs.sum(axis=1), 1)

    def _member(self, labels: Counts) -> Vector:
        return (labels[:, None] == np.arange(self.classes)).astype(np.float64)

    def drawn(self, seed: int, groups: ArrayLike | None) -> Iterator[Vector]:
        """Bootstrap weights (draws × patterns) in blocks, of examples or of whole groups."""
        if groups is None:
            yield from resampled(self.counts, self.width, seed)
            return
        group = np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
        count = int(group.max()) + 1
        ones = np.ones(len(group))
        holds = csr_array((ones, (group, self.place)), shape=(count, len(self.counts)))
        rng = np.random.default_rng(seed)
        step = max(1, DRAWN_CELLS // max(count, self.width))
        for start in range(0, DRAWS, step):
            rows = min(step, DRAWS - start)
            times = rng.multinomial(count, np.full(count, 1 / count), size=rows).astype(np.float64)
            yield times @ holds


def _compared(
    ours: Labelled, theirs: Labelled, name: str, average: str, seed: int, groups: ArrayLike | None
) -> tuple[float, Vector, str, int | None]:
    """The difference, its draws, why there are none, and the number of groups."""
    if len(ours.truth) != len(theirs.truth) or not np.array_equal(ours.truth, theirs.truth):
        raise ValueError("both sides have labels of the same examples")
    n, none = len(ours.truth), np.zeros(0)
    if n == 0:
        return 0.0, none, "there are no examples", None
    table = Table.of(ours, theirs)
    whole = table.counts[None, :].astype(np.float64)
    value = float((table.values(whole, 0, name, average) - table.values(whole, 1, name, average))[0])
    units = None if groups is None else len(np.unique(np.asarray(groups)))
    differ = int((ours.said != theirs.said).sum())
    if n < FEWEST_EXAMPLES:
        reason = f"{n} examples do not support a bootstrap interval: {FEWEST_EXAMPLES} are needed"
    elif units is not None and units < FEWEST_GROUPS:
        reason = f"{units} groups do not support a bootstrap of groups: {FEWEST_GROUPS} are needed"
    elif differ < FEWEST_DIFFERENT:
        reason = f"the two label {differ} examples differently: {FEWEST_DIFFERENT} are needed for an interval"
    else:
        drawn = table.drawn(seed, groups)
        draws = [table.values(w, 0, name, average) - table.values(w, 1, name, average) for w in drawn]
        return value, np.concatenate(draws), "", units
    return value, none, reason, units

"""Where disagreement comes from: who judges, which item, or which part of the rubric and the data.

Each two judgments of an item differ by a distance. These distances vary, and their variance is divided by the moments
of products of two of them (as in Henderson 1953): two that share a rater and no item vary together as raters do, two
that share an item and no rater as items do, two that share a group and neither as groups do. What is left is chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaltrack.stats.estimate import Undefined, rounded
from evaltrack.stats.intervals import all_equal
from evaltrack.stats.patterns import Counts, whole
from evaltrack.stats.raters.judgments import beside, columns

FEWEST_RATERS = 5
FEWEST_ITEMS = 20
BLOCKS = 20
# Pairs of one item that share no rater need four judgments; from so many such items on there are enough.
FEWEST_WITH_FOUR = 10
MOST_OF_AN_ITEM = 50
# A origin is said to be there, and one to be larger than another, beyond so many standard errors.
CERTAIN = 2.0

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Origin:
    """The share of the variance of distances that goes with one origin, and its standard error (jackknife over
    items); or why that cannot be said."""

    share: float | Undefined
    standard_error: float = 0.0

    @property
    def is_there(self) -> bool:
        return not isinstance(self.share, Undefined) and self.share > CERTAIN * self.standard_error

    def as_json(self) -> dict[str, Any]:
        if isinstance(self.share, Undefined):
            return self.share.as_json()
        return {"value": rounded(self.share), "standard_error": rounded(self.standard_error)}


@dataclass(frozen=True, slots=True)
class Origins:
    """`most` names the origin that explains most, where one is there and surely larger than the others."""

    raters: Origin
    items: Origin
    groups: Origin
    most: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "raters": self.raters.as_json(),
            "items": self.items.as_json(),
            "rubric": self.groups.as_json(),
            "most": self.most,
        }


def origins(
    raters: ArrayLike, items: ArrayLike, values: ArrayLike, groups: ArrayLike, *, nominal: bool
) -> Origins | Undefined:
    """The shares of raters, items and groups, each judgment in columns.

    The distance of two judgments is 0 or 1 for labels, and the squared difference otherwise. Each distance has two
    raters, so that their share is twice the variance of one. Items of fewer than four judgments cannot tell a hard
    item from chance; with fewer than five raters one of them cannot be told from the others. Of an item with more
    than 50 judgments the first 50 count. Undefined below 20 items of two judgments, and without any disagreement.
    """
    who, what = columns(raters, items)
    x, group = beside(values, len(who), "values"), whole(groups, "group numbers")
    if group.shape != who.shape:
        raise ValueError(f"{group.shape} groups do not stand beside {who.shape} judgments")
    pairs = _pairs(who, what, x, group, nominal=nominal)
    if pairs.items < FEWEST_ITEMS:
        return Undefined(f"{pairs.items} items have two judgments: {FEWEST_ITEMS} are needed")
    if all_equal(pairs.distance, 1.0):
        return Undefined("every two judgments of an item lie equally far apart")
    whole_ = pairs.shares(np.ones(len(pairs.distance), dtype=bool))
    # Items fall into blocks at random, always in the same way; each block is left out in turn.
    numbers = int(pairs.item.max()) + 1
    block = np.random.default_rng(numbers).permutation(numbers)[pairs.item] % BLOCKS
    left_out = np.array([pairs.shares(block != number) for number in range(BLOCKS)])
    with np.errstate(invalid="ignore"):
        errors = np.sqrt((BLOCKS - 1) / BLOCKS * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    few_raters = len(np.unique(pairs.rater)) < FEWEST_RATERS
    reasons = (
        f"fewer than {FEWEST_RATERS} raters" if few_raters else "",
        f"fewer than {FEWEST_WITH_FOUR} items have four judgments"
        if pairs.with_four < FEWEST_WITH_FOUR
        else "",
        "there is one group only" if len(np.unique(pairs.group)) < 2 else "",
    )
    found = [
        Origin(Undefined(reason))
        if reason
        else Origin(Undefined("too few pairs to tell it from chance"))
        if not np.isfinite([share, error]).all()
        else Origin(max(float(share), 0.0), float(error))
        for reason, share, error in zip(reasons, whole_, errors, strict=True)
    ]
    return Origins(found[0], found[1], found[2], _most(found))


def _most(found: list[Origin]) -> str | None:
    there = sorted(
        (
            (float(each.share), each.standard_error, name)
            for each, name in zip(found, ("raters", "items", "rubric"), strict=True)
            if each.is_there and not isinstance(each.share, Undefined)
        ),
        reverse=True,
    )
    if not there:
        return None
    if len(there) == 1:
        return there[0][2]
    (largest, error, name), (second, other, _) = there[:2]
    return name if largest - second > CERTAIN * (error**2 + other**2) ** 0.5 else None


@dataclass(frozen=True)
class _Pairs:
    """Each two judgments of an item; the second half of `rater` and `in_item` is that of the other rater."""

    item: Counts
    group: Counts
    rater: Counts
    in_item: Counts
    couple: Counts
    distance: Vector
    items: int
    with_four: int

    def shares(self, kept: NDArray[np.bool_]) -> tuple[float, float, float]:
        """Of raters, items and groups, in the variance of distances of the pairs that are kept; NaN where no two
        pairs tell it."""
        item, group, d = self.item[kept], self.group[kept], self.distance[kept]
        variance = float(d.var())
        if variance <= 0:
            return np.nan, np.nan, np.nan
        both = np.concatenate([kept, kept])
        rater, in_item = self.rater[both], self.in_item[both]
        means = np.bincount(group, weights=d) / np.maximum(np.bincount(group), 1)
        in_group = d - means[group]
        twice = np.concatenate([in_group, in_group])
        # Two pairs of the same two raters share both, and count twice in what they vary together.
        alike = _squares(self.couple[kept]) - len(d)
        total, many = _apart(rater, in_item, twice)
        raters = _over(total, many + 2 * alike)
        # Of the products within an item, those of one pair with itself and those that share a rater go.
        shared = _squares(in_item, twice) - float((in_group**2).sum())
        items = _over(_squares(item, in_group) - shared, _squares(item) - (_squares(in_item) - len(d)))
        groups = _over(*_apart(group, item, d - d.mean()))
        return 2 * raters / variance, items / variance, groups / variance


def _squares(of: Counts, values: Vector | None = None) -> float:
    """The sum of squared sums, or of squared counts."""
    return float((np.bincount(of, weights=values).astype(np.float64) ** 2).sum())


def _apart(outer: Counts, inner: Counts, values: Vector) -> tuple[float, float]:
    """The sum of products of two values with one `outer` and different `inner`, and how many there are."""
    return _squares(outer, values) - _squares(inner, values), _squares(outer) - _squares(inner)


def _over(total: float, many: float) -> float:
    return total / many if many > 0 else float("nan")


def _numbered(names: Counts) -> Counts:
    return np.unique(names, return_inverse=True)[1]


def _pairs(who: Counts, what: Counts, x: Vector, group: Counts, *, nominal: bool) -> _Pairs:
    _, row = np.unique(what, return_inverse=True)
    order = np.argsort(row, kind="stable")
    who, row, x, group = _numbered(who)[order], row[order], x[order], group[order]
    size = np.bincount(row)
    first = np.cumsum(size) - size
    place = np.arange(len(row)) - first[row]
    ones, others = [], []
    # Each judgment beside the one that stands `step` later in its item.
    for step in range(1, min(int(size.max(initial=0)), MOST_OF_AN_ITEM)):
        here = np.flatnonzero(place + step < np.minimum(size, MOST_OF_AN_ITEM)[row])
        ones.append(here)
        others.append(here + step)
    one = np.concatenate(ones) if ones else np.zeros(0, dtype=np.int64)
    other = np.concatenate(others) if others else np.zeros(0, dtype=np.int64)
    difference = x[one] - x[other]
    lesser, greater = np.minimum(who[one], who[other]), np.maximum(who[one], who[other])
    item = row[one]
    rater = np.concatenate([lesser, greater])
    names = int(rater.max(initial=0)) + 1
    return _Pairs(
        item,
        _numbered(group[one]),
        rater,
        _numbered(np.concatenate([item, item]) * names + rater),
        _numbered(lesser * names + greater),
        (difference != 0).astype(np.float64) if nominal else difference**2,
        int((size >= 2).sum()),
        int((size >= 4).sum()),
    )

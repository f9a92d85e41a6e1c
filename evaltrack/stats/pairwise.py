"""The mean of Cohen's kappa over pairs of raters: a detail beside alpha, never the headline."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaltrack.stats.alpha import pattern_counts
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.kappa import kappas
from evaltrack.stats.resampling import bootstrap_estimate, one_label, resampled

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PairwiseKappa:
    """Mean kappa over pairs of raters, how many pairs share a unit, and how many of these it leaves out."""

    kappa: Estimate | Undefined
    pairs: int
    pairs_undefined: int

    def as_json(self) -> dict[str, Any]:
        return {"kappa": self.kappa.as_json(), "pairs": self.pairs, "pairs_undefined": self.pairs_undefined}


def mean_pairwise_kappa(
    ratings: Iterable[tuple[Hashable, Hashable, Hashable]],
    *,
    seed: int,
    item_of: Mapping[Hashable, Hashable] | None = None,
) -> PairwiseKappa:
    """Cohen's kappa averaged over pairs of raters, weighted by the units that both rated.

    A rating is (unit, rater, label); a rater rates a unit once. The ratings themselves are needed, not the
    tables of the pairs: a unit that three people rated is in three tables, and the bootstrap must draw it
    once. Pairs whose kappa is undefined (one category only) are left out and counted; being left out happens
    to pairs that agree, so where pairs share few units this mean is too low, and alpha the better summary.
    `n` counts the units with two raters. Undefined without such units, and when no pair has a kappa.

    The interval resamples units, or the items that `item_of` names for each: units that share a prompt are not
    independent. `clusters` then counts those items.
    """
    units: dict[Hashable, dict[Hashable, Hashable]] = defaultdict(dict)
    for unit, rater, label in ratings:
        if rater in units[unit]:
            raise ValueError(f"{rater!r} rated {unit!r} twice; repeats belong to the agreement with oneself")
        units[unit][rater] = label
    shared = {unit: given for unit, given in units.items() if len(given) >= 2}
    n = len(shared)
    if n == 0:
        return PairwiseKappa(Undefined("no unit was rated by two people"), 0, 0)
    patterns, pairs, k = _patterns(shared, item_of)
    independent = patterns.total()
    distinct = sorted(patterns)
    multiplicity = np.array([patterns[pattern] for pattern in distinct])
    counts = pattern_counts(distinct, pairs * k * k)
    tables = (multiplicity @ counts).reshape(1, pairs, k, k)
    undefined = int(np.isnan(kappas(tables)).sum())
    if undefined == pairs:
        reason = "each pair of raters used one category only, so no pair has a kappa"
        return PairwiseKappa(one_label(n, "units") if k == 1 else Undefined(reason), pairs, undefined)
    draws = [
        _weighted_means((weights @ counts).reshape(-1, pairs, k, k))
        for weights in resampled(multiplicity, pairs * k * k, seed)
    ]
    value, differ = float(_weighted_means(tables)[0]), _differing(tables[0])
    method, clusters = ("unit bootstrap", None) if item_of is None else ("bootstrap over items", independent)
    kappa = bootstrap_estimate(
        value, np.concatenate(draws), independent, differ, method, n=n, clusters=clusters, seed=seed
    )
    return PairwiseKappa(kappa, pairs, undefined)


class Shared(NamedTuple):
    """Each two ratings of a unit, as columns: the unit, the lesser rater, the other one, what each of them said."""

    unit: Ints
    one: Ints
    other: Ints
    said_one: Ints
    said_other: Ints


def together(units: Ints, raters: Ints, labels: Ints) -> Shared:
    """The ratings of each two raters of a unit; `units` ascend, and a rater rates a unit once."""
    found: list[Shared] = []
    n, step = len(units), 1
    while step < n:
        here = np.flatnonzero(units[step:] == units[:-step])
        if not len(here):
            break
        there = here + step
        swap = raters[here] > raters[there]
        one, other = np.where(swap, there, here), np.where(swap, here, there)
        found.append(Shared(units[here], raters[one], raters[other], labels[one], labels[other]))
        step += 1
    if not found:
        return Shared(*[np.empty(0, dtype=np.int64)] * 5)
    return Shared(*(np.concatenate(column) for column in zip(*found, strict=True)))


def pulls_on_the_mean(tables: Ints, pair: Ints, said_one: Ints, said_other: Ints) -> NDArray[np.float64]:
    """What each two ratings of a unit do to the mean of kappa over pairs, in the first order.

    `tables` (pairs × k × k) has all ratings of each pair; the columns say which pair two ratings are of, and what
    each said. A kappa of n units that agree in A of them, and by chance in R, adds n(A − R)/(n − R) to the weighted
    sum; a unit changes A, R and n. Pairs without a kappa pull at nothing.
    """
    t = tables.astype(np.float64)
    n, rows, columns = t.sum(axis=(1, 2)), t.sum(axis=2), t.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_chance = (rows * columns).sum(axis=1) / n
        left, beyond = n - by_chance, np.trace(t, axis1=1, axis2=2) - by_chance
        defined = left > 1e-12 * n
        weight = n[defined].sum()
        mean = (n * beyond / left)[defined].sum() / weight
        p, a, b = pair, said_one, said_other
        d_chance = (columns[p, a] + rows[p, b] - by_chance[p]) / n[p]
        change = (beyond[p] + n[p] * ((a == b) - d_chance)) / left[p]
        change -= n[p] * beyond[p] * (1 - d_chance) / left[p] ** 2
    return np.where(defined[p], change - mean, 0.0) / weight if weight else np.zeros(len(p))


def spread_of(pulls: NDArray[np.float64]) -> float | Undefined:
    """√items times the standard error of the mean, from what each item pulls in all (the delta method)."""
    items = len(pulls)
    if items < 2:
        return Undefined("the spread over items needs two of them")
    if not pulls.any():
        return Undefined("no item pulls at the mean")
    return float(np.sqrt(items * items / (items - 1) * (pulls**2).sum()))


def _patterns(
    shared: dict[Hashable, dict[Hashable, Hashable]], item_of: Mapping[Hashable, Hashable] | None
) -> tuple[Counter[tuple[int, ...]], int, int]:
    """Distinct units, or items, as the table cells that they fill; how many pairs and labels there are.

    A cell is (pair, label of one, label of the other).
    """
    raters = {
        rater: i for i, rater in enumerate(sorted({r for given in shared.values() for r in given}, key=repr))
    }
    used = sorted({label for given in shared.values() for label in given.values()}, key=repr)
    labels = {label: i for i, label in enumerate(used)}
    k = len(labels)
    numbered = {
        unit: sorted((raters[rater], labels[x]) for rater, x in given.items())
        for unit, given in shared.items()
    }
    together = {(one, other) for unit in numbered.values() for (one, _), (other, _) in combinations(unit, 2)}
    pairs = {pair: i for i, pair in enumerate(sorted(together))}
    cells: dict[Hashable, list[int]] = defaultdict(list)
    for name, unit in numbered.items():
        both = combinations(unit, 2)
        cells[name if item_of is None else item_of[name]] += [
            (pairs[r, s] * k + ours) * k + theirs for (r, ours), (s, theirs) in both
        ]
    return Counter(tuple(sorted(filled)) for filled in cells.values()), len(pairs), k


def _weighted_means(tables: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean kappa of each row of tables (draws × pairs × k × k), weighted by items; NaN if no pair has one."""
    values = kappas(tables)
    weights = np.where(np.isnan(values), 0.0, tables.sum(axis=(-2, -1)))
    with np.errstate(invalid="ignore"):
        return (weights * np.nan_to_num(values)).sum(axis=-1) / weights.sum(axis=-1)


def _differing(tables: NDArray[np.float64]) -> float:
    """Harmonic mean over the pairs that have a kappa of the chance that their labels differ."""
    n = tables.sum(axis=(-2, -1))
    differ = 1 - (tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1) / n**2
    defined = ~np.isnan(kappas(tables))
    return float(n[defined].sum() / (n[defined] / differ[defined]).sum())

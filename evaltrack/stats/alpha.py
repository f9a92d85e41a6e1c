"""Krippendorff's coefficient for many weightings of the same units at once, by sums over values.

α = 1 − D_o/D_e (Krippendorff 2004). Every difference function but the ratio one is determined by sums, so a
bootstrap draw costs a few vector products: nominal by counts, interval by sums of squares, and ordinal is the
interval difference of mid-ranks: Σ_{g=c..k} n_g − (n_c + n_k)/2 is the distance of the mid-ranks of c and k.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import real_values
from evaltrack.stats.patterns import distinct_units, whole
from evaltrack.stats.posterior import gamma_weights, random_units, widened
from evaltrack.stats.resampling import FEWEST_UNITS, bootstrap_estimate, one_label, resampled

Level = Literal["nominal", "ordinal", "interval", "ratio"]
LEVELS = ("nominal", "ordinal", "interval", "ratio")


def coded(units: Sequence[Sequence[Any]], level: Level) -> tuple[NDArray[np.float64], list[list[int]]]:
    """The values that occur, ascending, and the units with each rating replaced by the index of its value.

    Nominal labels of any kind are ordered by their text, so that the order of the units changes no result.
    """
    if level not in LEVELS:
        raise ValueError(f"the level of measurement is one of {', '.join(LEVELS)}, not {level!r}")
    ratings = [rating for unit in units for rating in unit]
    if any(isinstance(rating, float) and rating != rating for rating in ratings):
        raise ValueError("a rating is NaN; a missing rating is None")
    if level == "nominal":
        index = {label: number for number, label in enumerate(sorted(set(ratings), key=repr))}
        return np.arange(len(index), dtype=np.float64), [[index[rating] for rating in unit] for unit in units]
    if any(isinstance(rating, str) for rating in ratings):
        raise ValueError(f"{level} ratings are numbers")
    values, flat = np.unique(np.asarray(ratings, dtype=np.float64), return_inverse=True)
    if not np.isfinite(values).all() or (level == "ratio" and values[0] < 0):
        raise ValueError(f"{level} ratings are finite{' and not negative' if level == 'ratio' else ''}")
    ends = np.cumsum([len(unit) for unit in units])[:-1]
    return values, [part.tolist() for part in np.split(flat, ends)]


def pattern_counts(patterns: Sequence[Sequence[int]], values: int) -> sparse.csr_array:
    """How often each pattern (row) contains each value (column)."""
    rows = np.repeat(np.arange(len(patterns)), [len(pattern) for pattern in patterns])
    columns = np.concatenate([np.asarray(pattern, dtype=np.int64) for pattern in patterns])
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(patterns), values))


def alphas(
    weights: NDArray[np.float64], counts: sparse.csr_array, values: NDArray[np.float64], level: Level
) -> NDArray[np.float64]:
    """Alpha for each row of `weights` (draws × patterns); NaN where a row holds one value only."""
    size = np.asarray(counts.sum(axis=1)).ravel()
    pairable = 1 / (size - 1)
    totals = weights @ counts
    n = totals.sum(axis=1)
    if level == "nominal":
        same = np.asarray(counts.power(2).sum(axis=1)).ravel()
        observed = weights @ ((size**2 - same) * pairable)
        expected = n**2 - (totals**2).sum(axis=1)
    elif level == "ratio":
        with np.errstate(invalid="ignore"):
            difference = np.abs(values[:, None] - values) / (values[:, None] + values)
        squared = np.nan_to_num(difference) ** 2  # 0 against 0 is 0/0, and no difference
        observed = weights @ (np.asarray((counts.multiply(counts @ squared)).sum(axis=1)).ravel() * pairable)
        expected = ((totals @ squared) * totals).sum(axis=1)
    elif level == "interval":
        centred = values - values.mean()  # sums of squares of large numbers would lose their digits
        spread = size * (counts @ centred**2) - (counts @ centred) ** 2
        observed = 2 * weights @ (spread * pairable)
        expected = 2 * (n * (totals @ centred**2) - (totals @ centred) ** 2)
    else:
        ranks = np.cumsum(totals, axis=1) - totals / 2 - n[:, None] / 2  # mid-ranks, centred on their mean
        squares = ((weights @ (counts * (size * pairable)[:, None])) * ranks**2).sum(axis=1)
        sums = (weights * pairable * (counts @ ranks.T).T ** 2).sum(axis=1)
        observed = 2 * (squares - sums)
        expected = 2 * n * (totals * ranks**2).sum(axis=1)
    one_value = (totals > 0).sum(axis=1) < 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(one_value, np.nan, 1 - (n - 1) * observed / expected)


def coded_alpha(
    units: ArrayLike, labels: ArrayLike, *, level: Level, seed: int, values: ArrayLike | None = None
) -> Estimate | Undefined:
    """Krippendorff's alpha of single judgments in two arrays of whole numbers, for hundreds of thousands of them.

    Judgment i says that unit `units[i]` has label `labels[i]`. Labels are numbered from 0 in ascending order of what
    they stand for: `values`, one number for each; the label numbers themselves without it. Value, interval and gaps
    are those of `agreement.krippendorff_alpha` on the same ratings.
    """
    found = _distinct(units, labels, level, values)
    return found if isinstance(found, Undefined) else with_interval(*found, level, seed=seed)


def alpha_without_each(
    units: ArrayLike, raters: ArrayLike, labels: ArrayLike, *, level: Level, values: ArrayLike | None = None
) -> dict[int, float | Undefined]:
    """Alpha with each rater left out in turn, by rater; the columns as in `coded_alpha`.

    How far agreement rests on one person. The interval of alpha is about other units, judged by these raters; the
    range of these values is what can be said of other raters.
    """
    unit, who, label = (
        whole(units, "unit numbers"),
        whole(raters, "rater numbers"),
        whole(labels, "label numbers"),
    )
    if not unit.shape == who.shape == label.shape:
        raise ValueError("units, raters and labels are columns of one length")
    found: dict[int, float | Undefined] = {}
    for rater in np.unique(who).tolist():
        others = who != rater
        left = _distinct(unit[others], label[others], level, values)
        found[rater] = left if isinstance(left, Undefined) else left[0]
    return found


def _distinct(
    units: ArrayLike, labels: ArrayLike, level: Level, values: ArrayLike | None
) -> tuple[float, sparse.csr_array, NDArray[np.int64], NDArray[np.float64]] | Undefined:
    """Alpha, and what it is of: distinct units with two ratings, how many there are, and the values that occur."""
    if level not in LEVELS:
        raise ValueError(f"the level of measurement is one of {', '.join(LEVELS)}, not {level!r}")
    if values is None:
        highest = int(np.asarray(labels).max(initial=0))
        scale = np.arange(highest + 1, dtype=np.float64)
    else:
        scale = real_values(values)
        if (np.diff(scale) <= 0).any() or (level == "ratio" and len(scale) and scale[0] < 0):
            raise ValueError("labels stand for ascending values, at the ratio level from 0 up")
    counts, multiplicity = distinct_units(units, labels, len(scale))
    paired = np.asarray(counts.sum(axis=1)).ravel() >= 2
    counts, multiplicity = counts[paired], multiplicity[paired]
    n = int(multiplicity.sum())
    if n == 0:
        return Undefined("no unit has two ratings")
    totals = multiplicity @ counts
    used = np.flatnonzero(totals)
    if len(used) == 1:
        return one_label(n, "units")
    counts, scale = counts[:, used].tocsr(), scale[used]
    value = float(alphas(multiplicity[None, :].astype(np.float64), counts, scale, level)[0])
    return value, counts, multiplicity, scale


def with_interval(
    value: float,
    counts: sparse.csr_array,
    multiplicity: NDArray[np.int64],
    values: NDArray[np.float64],
    level: Level,
    *,
    seed: int,
    items: tuple[NDArray[np.int64], NDArray[np.float64]] | None = None,
) -> Estimate:
    """Alpha of distinct units (`counts`, each `multiplicity` times) with its interval.

    `items` draws items in place of units: how many there are of each kind, and how many units of each pattern an item
    of that kind has.
    """
    n = int(multiplicity.sum())
    totals = multiplicity @ counts
    differ = 1 - float(((totals / totals.sum()) ** 2).sum())
    drawn, made_of = (multiplicity, None) if items is None else items
    independent = int(drawn.sum())

    def of(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return alphas(weights if made_of is None else weights @ made_of, counts, values, level)

    blocks = resampled(drawn, len(values), seed) if independent >= FEWEST_UNITS and value < 1 else ()
    draws = np.concatenate([np.empty(0), *(of(weights) for weights in blocks)])
    if items is None:
        shown = bootstrap_estimate(value, draws, n, differ, "unit bootstrap", n=n, seed=seed)
    else:
        method, clusters = "bootstrap over items", independent
        shown = bootstrap_estimate(
            value, draws, independent, differ, method, n=n, clusters=clusters, seed=seed
        )

    def likely(rng: np.random.Generator) -> NDArray[np.float64]:
        sizes = np.asarray(counts.sum(axis=1)).ravel().astype(np.int64)
        rows, mass = random_units(sizes, multiplicity, len(values), rng)
        both = sparse.vstack([counts, sparse.csr_array(rows.astype(np.float64))], format="csr")
        seen = gamma_weights(drawn, rng)
        seen = seen if made_of is None else seen @ made_of
        # An item has as many units as items have on average.
        prior = gamma_weights(mass, rng) * (n / independent)
        return alphas(np.concatenate([seen, prior], axis=1), both, values, level)

    return widened(shown, len(multiplicity) + len(drawn), len(values), seed, likely)

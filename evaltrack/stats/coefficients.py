"""Agreement of any number of raters beyond chance, from how many of them gave each unit each label.

All are (p_o − p_e)/(1 − p_e) and differ in what chance would give. p_o is the share of pairs of ratings of a unit
that agree, averaged over units with two ratings or more; the shares π of the labels are averaged over all units
with a rating (Gwet 2014), so that gaps cost nothing but precision. With weights, near labels agree in part: AC1
becomes AC2.

Which one: `fleiss_kappa` and Krippendorff's alpha (`agreement`) ask for agreement beyond that of people who use
labels as often as these raters did. Where one label is nearly all there is they are low though people agree;
`gwet_ac` stays high there, too high in the eyes of its critics (Vach & Gerke 2023). It stands beside kappa and
never in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.kappa import Weights, agreement_weights
from evaltrack.stats.patterns import Counts, distinct_rows
from evaltrack.stats.posterior import gamma_weights, random_units, widened
from evaltrack.stats.resampling import FEWEST_UNITS, bootstrap_estimate, one_label, resampled

Chance = Literal["gwet", "fleiss", "brennan_prediger"]
Matrix = NDArray[np.float64]

NO_PAIR = Undefined("no unit has two ratings")
# p_e this near to 1 is 1, but for rounding.
LEAST_UNLIKE = 1e-12


def by_gwet(shares: Matrix, agreement: Matrix) -> Matrix:
    """T_w/(k(k − 1))·Σ π(1 − π), T_w the sum of all weights: chance agrees where a rater is in doubt (Gwet 2008)."""
    k = len(agreement)
    return agreement.sum() / (k * (k - 1)) * (shares * (1 - shares)).sum(axis=-1)


def by_fleiss(shares: Matrix, agreement: Matrix) -> Matrix:
    """Σ w π π′: raters draw labels as often as all of them did (Fleiss 1971; for two raters Scott 1955)."""
    return ((shares @ agreement) * shares).sum(axis=-1)


def by_brennan_prediger(shares: Matrix, agreement: Matrix) -> Matrix:
    """T_w/k²: each label equally often (Brennan & Prediger 1981; with two labels PABAK)."""
    return np.full(shares.shape[:-1], agreement.sum() / agreement.size)


BY_CHANCE: dict[Chance, Callable[[Matrix, Matrix], Matrix]] = {
    "gwet": by_gwet,
    "fleiss": by_fleiss,
    "brennan_prediger": by_brennan_prediger,
}


def gwet_ac(
    counts: ArrayLike,
    *,
    seed: int,
    weights: Weights = None,
    times: ArrayLike | None = None,
) -> Estimate | Undefined:
    """Gwet's AC1, and AC2 with weights (Gwet 2008, 2014), with a bootstrap interval over units.

    The interval is widened to that of `posterior` where it is narrower, as a bootstrap is where labels are rare.

    `counts` (units × labels) says how many raters gave each unit each label, over all labels of the rubric in its
    order; `times`, how many units each row stands for. `weights`, for ordered labels: `kappa.agreement_weights`.
    `n` counts units with two ratings. Units that share a prompt are not independent: see `panel.Panel.beyond_chance`.

    Undefined without a unit that two people rated, with one label, and when only one label was used: there is then
    agreement, but no chance to compare it with. Without an interval below ten units or items.
    """
    return _coefficient("gwet", counts, seed, weights, times)


def fleiss_kappa(
    counts: ArrayLike,
    *,
    seed: int,
    weights: Weights = None,
    times: ArrayLike | None = None,
) -> Estimate | Undefined:
    """Fleiss' kappa (1971), for units with unequally many ratings as well; arguments and gaps as in `gwet_ac`."""
    return _coefficient("fleiss", counts, seed, weights, times)


def brennan_prediger(
    counts: ArrayLike,
    *,
    seed: int,
    weights: Weights = None,
    times: ArrayLike | None = None,
) -> Estimate | Undefined:
    """Brennan and Prediger's coefficient (1981), chance using labels evenly; arguments and gaps as in `gwet_ac`."""
    return _coefficient("brennan_prediger", counts, seed, weights, times)


@dataclass(frozen=True, slots=True)
class _Units:
    """What a coefficient needs of each distinct unit, and how many units are like it."""

    shares: Matrix
    agreed: Matrix  # the share of pairs of its ratings that agree; 0 where there is no pair
    paired: Matrix  # 1 where there is a pair
    times: Counts
    agreement: Matrix

    def values(self, chance: Chance, sums: Matrix) -> Matrix:
        """The coefficient of each row of sums, which are columns of `features` added up; NaN where undefined."""
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = BY_CHANCE[chance](sums[:, 3:] / sums[:, 2:3], self.agreement)
            unlike = 1 - expected
            value = (sums[:, 0] / sums[:, 1] - expected) / unlike
            return np.where(unlike > LEAST_UNLIKE, value, np.nan)

    def features(self) -> Matrix:
        """Agreement, pairs, one and shares of each distinct unit: sums of them are all that a draw needs."""
        return np.column_stack([self.agreed, self.paired, np.ones(len(self.times)), self.shares])


def _units(table: Counts, times: Counts, weights: Weights) -> _Units:
    agreement = agreement_weights(weights, table.shape[1])
    c = table.astype(np.float64)
    size = c.sum(axis=1)
    paired = size >= 2
    with np.errstate(invalid="ignore", divide="ignore"):
        agreed = ((c * (c @ agreement.T)).sum(axis=1) - size) / (size * (size - 1))
    return _Units(
        c / size[:, None], np.where(paired, agreed, 0.0), paired.astype(np.float64), times, agreement
    )


def _coefficient(
    chance: Chance,
    counts: ArrayLike,
    seed: int,
    weights: Weights,
    times: ArrayLike | None,
) -> Estimate | Undefined:
    return of_items(chance, *distinct_rows(counts, times), weights, seed)


def of_items(
    chance: Chance,
    table: Counts,
    units: Counts,
    weights: Weights,
    seed: int,
    items: tuple[Counts, sparse.csr_array] | None = None,
) -> Estimate | Undefined:
    """The coefficient of distinct units (rows of `table`, each with a rating), of which `units` counts each.

    `items` are then drawn: how many are of each kind, and how many units of each row an item of that kind has.
    """
    found = _units(table, units, weights)
    n = int(units @ found.paired)
    if table.shape[1] < 2:
        return Undefined("one label leaves nothing to agree on")
    if n == 0:
        return NO_PAIR
    if np.count_nonzero(table.sum(axis=0)) == 1:
        return one_label(n, "units")
    features = found.features()
    sums = units @ features
    value = float(found.values(chance, sums[None, :])[0])
    if math.isnan(value):
        return Undefined("the labels that were used do not disagree by these weights")
    expected = float(BY_CHANCE[chance](sums[3:] / sums[2], found.agreement))
    method, clusters, independent, drawn = "unit bootstrap", None, n, units
    if items is not None:
        drawn, made_of = items
        # Rounded, as sums of the same numbers in another order differ in the last bit, and order must change nothing.
        features = np.round(made_of @ features, 12)
        clusters = independent = int(drawn[features[:, 1] > 0].sum())
        method = "bootstrap over items"
    blocks = resampled(drawn, features.shape[1], seed) if independent >= FEWEST_UNITS and value < 1 else ()
    draws = np.concatenate([np.empty(0), *(found.values(chance, rows @ features) for rows in blocks)])
    shown = bootstrap_estimate(
        value, draws, independent, 1 - expected, method, n=n, clusters=clusters, seed=seed
    )

    def likely(rng: np.random.Generator) -> Matrix:
        rows, mass = random_units(table.sum(axis=1), units, table.shape[1], rng)
        prior = _units(rows, np.ones(len(rows), dtype=np.int64), weights).features()
        # An item has as many units as items have on average.
        prior *= units.sum() / drawn.sum()
        sums = gamma_weights(drawn, rng) @ features + gamma_weights(mass, rng) @ prior
        return found.values(chance, sums)

    return widened(shown, len(features), table.shape[1], seed, likely)


def features_of(
    chance: Chance, table: Counts, weights: Weights = None
) -> tuple[Matrix, Callable[[Matrix], Matrix]]:
    """What each distinct unit adds to the sums that a coefficient is made of, and the coefficient of such sums."""
    found = _units(table, np.ones(len(table), dtype=np.int64), weights)
    return found.features(), lambda sums: found.values(chance, sums)


def standard_error(
    counts: ArrayLike, chance: Chance, *, weights: Weights = None, times: ArrayLike | None = None
) -> float | Undefined:
    """Gwet's linearised standard error of a coefficient (2014), for comparison with other programs.

    With it and Student's t with units − 1 degrees of freedom his programs make their intervals. At complete agreement
    it is 0, which no interval should rest on. Undefined where the coefficient is, and from one unit.
    """
    table, multiplicity = distinct_rows(counts, times)
    units = _units(table, multiplicity, weights)
    n, pairs = float(multiplicity.sum()), float(multiplicity @ units.paired)
    if table.shape[1] < 2 or pairs == 0 or n < 2:
        return NO_PAIR if pairs == 0 else Undefined("a standard error needs two labels and two units")
    sums = multiplicity @ units.features()
    value = float(units.values(chance, sums[None, :])[0])
    if math.isnan(value) or np.count_nonzero(table.sum(axis=0)) == 1:
        return one_label(int(pairs), "units")
    shares = sums[3:] / n
    expected = float(BY_CHANCE[chance](shares, units.agreement))
    k = len(units.agreement)
    # How far chance agreement moves with one unit's shares, per unit: half the derivative of p_e, up to a constant.
    if chance == "gwet":
        pull = units.shares @ (units.agreement.sum() / (k * (k - 1)) * (1 - shares)) - expected
    elif chance == "fleiss":
        pull = units.shares @ ((units.agreement + units.agreement.T) @ shares / 2) - expected
    else:
        pull = np.zeros(len(table))
    own = n / pairs * (units.agreed - expected * units.paired)
    influence = (own - 2 * (1 - value) * pull) / (1 - expected)
    return math.sqrt(float(multiplicity @ (influence - value) ** 2) / (n * (n - 1)))

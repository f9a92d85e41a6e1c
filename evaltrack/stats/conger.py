"""Conger's kappa: agreement of several raters beyond what each by their own use of labels would give.

Fleiss' kappa takes all raters for one who labels at random; Conger (1980) lets chance be that of each pair of raters
with their own shares of labels, and is Cohen's kappa for two. Raters who use labels differently have less agreement
by chance, so it is the larger one: 0.763 and 0.761 for the four raters of Gwet 2014. It needs to know who gave which
label, and so raters who judged many units each. Shares are those of each rater's own units, gaps allowed (Gwet 2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaltrack.stats.coefficients import LEAST_UNLIKE, NO_PAIR
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.kappa import Weights, agreement_weights
from evaltrack.stats.patterns import Counts, codes, whole
from evaltrack.stats.posterior import IMAGINED, PRIOR_UNITS, gamma_weights, widened
from evaltrack.stats.resampling import FEWEST_UNITS, bootstrap_estimate, one_label, resampled

Matrix = NDArray[np.float64]


def conger_kappa(
    units: ArrayLike, raters: ArrayLike, labels: ArrayLike, *, k: int, seed: int, weights: Weights = None
) -> Estimate | Undefined:
    """Conger's kappa (1980) of judgments in three columns of numbers from 0, with a bootstrap interval over units.

    Rater `raters[i]` gave unit `units[i]` label `labels[i]`, below k, at most once. `weights`, for ordered labels:
    `kappa.agreement_weights`. The interval is widened as that of `coefficients.fleiss_kappa`; it is about other units
    judged by these raters. `n` counts units with two ratings.

    Undefined without such a unit, and when only one label was used. Without an interval below ten units.
    """
    table = _table(units, raters, labels, k)
    rows, times = _distinct(table)
    seen = _Ratings(rows, k, agreement_weights(weights, k))
    n = int(times @ seen.paired)
    if n == 0:
        return NO_PAIR
    if len(np.unique(table[table >= 0])) == 1:
        return one_label(n, "units")
    value, expected = (float(each[0]) for each in seen.values(times[None, :] @ seen.features))
    if math.isnan(value):
        return Undefined("by chance these raters would agree completely")
    blocks = resampled(times, seen.features.shape[1], seed) if n >= FEWEST_UNITS and value < 1 else ()
    draws = np.concatenate([np.empty(0), *(seen.values(drawn @ seen.features)[0] for drawn in blocks)])
    shown = bootstrap_estimate(value, draws, n, 1 - expected, "unit bootstrap", n=n, seed=seed)

    def likely(rng: np.random.Generator) -> Matrix:
        # The prior's units have the gaps of those seen, and labels drawn evenly.
        gaps = rows[rng.choice(len(rows), size=IMAGINED, p=times / times.sum())]
        random = np.where(gaps >= 0, rng.integers(0, k, size=gaps.shape), -1)
        prior = _Ratings(random, k, seen.agreement).features
        mass = np.full(IMAGINED, PRIOR_UNITS / IMAGINED)
        return seen.values(gamma_weights(times, rng) @ seen.features + gamma_weights(mass, rng) @ prior)[0]

    return widened(shown, len(rows), k, seed, likely)


def conger_error(
    units: ArrayLike, raters: ArrayLike, labels: ArrayLike, *, k: int, weights: Weights = None
) -> float | Undefined:
    """Gwet's linearised standard error (2014) of `conger_kappa`, for comparison with other programs.

    Undefined where the coefficient is, and from one unit.
    """
    table = _table(units, raters, labels, k)
    seen = _Ratings(table, k, agreement_weights(weights, k))
    n, pairs = len(table), int(seen.paired.sum())
    if n < 2 or pairs == 0:
        return NO_PAIR if pairs == 0 else Undefined("a standard error needs two units")
    sums = seen.features.sum(axis=0)[None, :]
    value, expected = (float(each[0]) for each in seen.values(sums))
    if math.isnan(value) or len(np.unique(table[table >= 0])) == 1:
        return one_label(pairs, "units")
    given = np.eye(k)[table] * (table >= 0)[:, :, None]  # units × raters × labels
    judged = given.sum(axis=(0, 2))
    shares = given.sum(axis=0) / judged[:, None]
    # How a unit moves each rater's shares: its own label in place of the share, by how few units the rater has.
    moved = n / judged[:, None] * (given - (table >= 0)[:, :, None] * shares)
    symmetric = (seen.agreement + seen.agreement.T) / 2
    others = (shares.sum(axis=0) - shares) @ symmetric
    r = table.shape[1]
    pull = 2 * (moved * others).sum(axis=(1, 2)) / (r * (r - 1))
    # As in `coefficients.standard_error`, how many units have a pair is taken as fixed.
    own = n / pairs * (seen.agreed - expected * seen.paired)
    influence = (own - (1 - value) * pull) / (1 - expected) - value
    return math.sqrt(float(influence @ influence) / (n * (n - 1)))


def _table(units: ArrayLike, raters: ArrayLike, labels: ArrayLike, k: int) -> Counts:
    """The label of each unit (row) by each rater (column), −1 for a gap."""
    unit, who, label = (
        whole(units, "unit numbers"),
        whole(raters, "rater numbers"),
        whole(labels, "label numbers"),
    )
    if unit.ndim != 1 or not unit.shape == who.shape == label.shape:
        raise ValueError("units, raters and labels are columns of one length")
    if k < 2 or label.max(initial=0) >= k:
        raise ValueError(f"labels are numbered from 0 to {k - 1}, and are two or more")
    _, row = np.unique(unit, return_inverse=True)
    _, column = np.unique(who, return_inverse=True)
    table = np.full((int(row.max(initial=-1)) + 1, int(column.max(initial=-1)) + 1), -1, dtype=np.int64)
    table[row, column] = label
    if int((table >= 0).sum()) != len(label):
        raise ValueError("a rater judged a unit twice; repeats belong to the agreement with oneself")
    return table


def _distinct(table: Counts) -> tuple[Counts, Counts]:
    _, first, times = np.unique(codes(table.T + 1, len(table)), return_index=True, return_counts=True)
    return table[first], times.astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Ratings:
    """What the coefficient needs of each row of labels: sums of `features` over rows are all of it."""

    rows: Counts
    k: int
    agreement: Matrix

    @property
    def paired(self) -> Matrix:
        return ((self.rows >= 0).sum(axis=1) >= 2).astype(np.float64)

    @property
    def agreed(self) -> Matrix:
        """The share of the pairs of a unit's ratings that agree; 0 where there is no pair."""
        counts = np.stack([(self.rows == label).sum(axis=1) for label in range(self.k)], axis=1)
        size = counts.sum(axis=1)
        same = ((counts @ self.agreement) * counts).sum(axis=1) - size
        return np.divide(same, size * (size - 1), out=np.zeros(len(size)), where=size >= 2)

    @property
    def features(self) -> Matrix:
        """Agreement, pairs, and who gave which label (raters × labels)."""
        given = np.eye(self.k)[self.rows] * (self.rows >= 0)[:, :, None]
        return np.column_stack([self.agreed, self.paired, given.reshape(len(self.rows), -1)])

    def values(self, sums: Matrix) -> tuple[Matrix, Matrix]:
        """Kappa and agreement by chance of each row of sums; NaN where a rater has no unit, or chance is 1."""
        r = self.rows.shape[1]
        given = sums[:, 2:].reshape(len(sums), r, self.k)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = given / given.sum(axis=2, keepdims=True)
            all_of_them = shares.sum(axis=1)
            pairs = ((all_of_them @ self.agreement) * all_of_them).sum(axis=1)
            alone = ((shares @ self.agreement) * shares).sum(axis=(1, 2))
            expected = (pairs - alone) / (r * (r - 1)) if r > 1 else np.full(len(sums), np.nan)
            unlike = 1 - expected
            kappa = (sums[:, 0] / sums[:, 1] - expected) / unlike
            return np.where(unlike > LEAST_UNLIKE, kappa, np.nan), expected

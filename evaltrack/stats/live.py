"""Agreement while judgments come in: sums that a new judgment changes, instead of all units again.

For units with m ratings each, by m, it keeps how many there are and, over them, whole-number sums of what a unit with
counts c of its labels contributes: d = Σ δ_ij c_i c_j (how far its ratings disagree), d², c, d·c and c cᵀ.
Alpha, Fleiss' kappa, Gwet's AC and percent agreement follow from these, and so do their standard errors by the delta
method. Being whole numbers, they are the same whatever the order in which judgments arrived, were amended or merged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.patterns import Counts, distinct_rows, whole
from evaltrack.stats.resampling import one_label
from evaltrack.stats.sequential.asymptotic import linear_any_time

Coefficient = Literal["percent", "alpha", "fleiss", "gwet"]
Vector = NDArray[np.float64]

NO_PAIR = Undefined("no unit has two ratings")


@dataclass(frozen=True, slots=True)
class _Influence:
    """A coefficient, and what a unit with m ratings pulls it by: `fixed`[m] + `apart`[m]·d + `along`[m]·c."""

    value: float
    fixed: dict[int, float]
    apart: dict[int, float]
    along: dict[int, Vector]


@dataclass(slots=True, eq=False)
class LiveAgreement:
    """Sums over units for k labels, numbered from 0 to k − 1.

    `disagreement` says by how much two labels differ: a symmetric k × k matrix of whole numbers, 0 on the diagonal. 1
    for each pair (nominal) without it; squared distances make alpha that of the interval level and the others those
    with quadratic weights. The ordinal level needs all units again (`agreement.krippendorff_alpha`).
    """

    k: int
    disagreement: Counts = field(default_factory=lambda: np.empty((0, 0), dtype=np.int64))
    by_size: dict[int, Counts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.k < 2:
            raise ValueError("one label leaves nothing to agree on")
        if not self.disagreement.size:
            self.disagreement = 1 - np.eye(self.k, dtype=np.int64)
        delta = whole(self.disagreement, "disagreements")
        if delta.shape != (self.k, self.k) or delta.diagonal().any() or (delta != delta.T).any():
            raise ValueError(f"disagreements of {self.k} labels are symmetric, and 0 on the diagonal")
        if np.count_nonzero(delta) < self.k * (self.k - 1):
            raise ValueError("labels that differ disagree by 1 or more")
        self.disagreement = delta

    def change(self, before: ArrayLike, after: ArrayLike) -> None:
        """A unit whose labels were counted as `before` now has `after`; no ratings are k zeros."""
        for counts, sign in ((self._checked(before), -1), (self._checked(after), 1)):
            if (size := int(counts.sum())) == 0:
                continue
            sums = self.by_size.get(size, 0) + sign * self._contribution(counts)
            if sums[0] < 0:
                raise ValueError(f"no unit with {size} ratings is left to take away")
            if sums[0]:
                self.by_size[size] = sums
            else:
                self.by_size.pop(size, None)

    def judge(self, before: ArrayLike, label: int) -> Counts:
        """One more judgment of a unit with the counts `before`; the counts that it has now."""
        if not 0 <= label < self.k:
            raise ValueError(f"labels are numbered from 0 to {self.k - 1}")
        after = self._checked(before).copy()
        after[label] += 1
        self.change(before, after)
        return after

    def merged(self, other: LiveAgreement) -> LiveAgreement:
        """The sums of both, which must have no unit in common."""
        if self.k != other.k or (self.disagreement != other.disagreement).any():
            raise ValueError("only sums over the same labels and disagreements add up")
        both = {size: sums.copy() for size, sums in self.by_size.items()}
        for size, sums in other.by_size.items():
            both[size] = both[size] + sums if size in both else sums.copy()
        return LiveAgreement(self.k, self.disagreement, both)

    @classmethod
    def of(
        cls, counts: ArrayLike, *, times: ArrayLike | None = None, disagreement: ArrayLike | None = None
    ) -> LiveAgreement:
        """The sums of a matrix of counts, units × labels, each row standing for as many units as `times` says."""
        table, multiplicity = distinct_rows(counts, times)
        delta = np.empty((0, 0)) if disagreement is None else disagreement
        live = cls(table.shape[1], whole(delta, "disagreements"))
        for row, many in zip(table, multiplicity, strict=True):
            size = int(row.sum())
            live.by_size[size] = live.by_size.get(size, 0) + many * live._contribution(row)
        return live

    def as_json(self) -> dict[str, Any]:
        return {
            "labels": self.k,
            "disagreement": self.disagreement.tolist(),
            "sums": {str(size): self.by_size[size].tolist() for size in sorted(self.by_size)},
        }

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> LiveAgreement:
        sums = {int(size): np.array(row, dtype=np.int64) for size, row in body["sums"].items()}
        return cls(body["labels"], np.array(body["disagreement"], dtype=np.int64), sums)

    def value(self, coefficient: Coefficient) -> float | Undefined:
        """The coefficient of all units so far; Undefined as in `coefficients` and `agreement`."""
        found = self._influence(coefficient)
        return found if isinstance(found, Undefined) else found.value

    def estimate(self, coefficient: Coefficient, *, planned: int) -> Estimate | Undefined:
        """The coefficient with an interval that holds at every look (`sequential.linear_any_time`).

        `planned` is the number of units at which the interval is to be narrowest, fixed before the first look. `n`
        counts units with two ratings. Without an interval below 50 units and while the error has not been seen.
        """
        found = self._influence(coefficient)
        if isinstance(found, Undefined):
            return found
        units = self._paired()
        shown = linear_any_time(found.value, math.sqrt(units) * self._error(found), units, planned=planned)
        if shown.ci_high is None or shown.ci_high <= 1:
            return shown
        return replace(shown, ci_high=max(1.0, shown.value))

    def standard_error(self, coefficient: Coefficient) -> float | Undefined:
        """By the delta method; that of Gwet 2014 where all units have equally many ratings, alpha's apart."""
        found = self._influence(coefficient)
        return found if isinstance(found, Undefined) else self._error(found)

    def _checked(self, counts: ArrayLike) -> Counts:
        c = whole(counts, "counts of ratings")
        if c.shape != (self.k,):
            raise ValueError(f"{self.k} labels have {self.k} counts, not {c.shape}")
        return c

    def _contribution(self, c: Counts) -> Counts:
        """1, d, d², c, d·c and c cᵀ of a unit, in a row."""
        d = int(c @ self.disagreement @ c)
        return np.concatenate([[1, d, d * d], c, d * c, np.outer(c, c).ravel()])

    def _totals(self, size: int) -> Counts:
        return self.by_size[size][3 : 3 + self.k]

    def _paired(self) -> int:
        return sum(int(sums[0]) for size, sums in self.by_size.items() if size >= 2)

    def _influence(self, coefficient: Coefficient) -> _Influence | Undefined:
        pairs = self._paired()
        if pairs == 0:
            return NO_PAIR
        if coefficient == "percent":
            return self._percent(pairs)
        sizes = [size for size in self.by_size if size >= 2 or coefficient != "alpha"]
        totals = np.sum([self._totals(size) for size in sizes], axis=0)
        if np.count_nonzero(totals) == 1:
            return one_label(pairs, "units")
        return self._alpha(totals) if coefficient == "alpha" else self._beyond_chance(coefficient, pairs)

    def _percent(self, pairs: int) -> _Influence:
        scale = float(self.disagreement.max())
        apart = {size: -1 / (pairs * scale * size * (size - 1)) for size in self.by_size if size >= 2}
        value = 1 + sum(float(apart[size] * self.by_size[size][1]) for size in apart)
        return _Influence(value, dict.fromkeys(apart, 0.0), apart, dict.fromkeys(apart, np.zeros(self.k)))

    def _alpha(self, totals: Counts) -> _Influence:
        """α = 1 − (n − 1)D/E: D = Σ d/(m − 1), E = Σ δ_ij t_i t_j, of n ratings in all t of each label."""
        sizes = [size for size in self.by_size if size >= 2]
        n = int(totals.sum())
        observed = sum(int(self.by_size[size][1]) / (size - 1) for size in sizes)
        expected = int(totals @ self.disagreement @ totals)
        rate = (n - 1) / expected
        pull = 2 * rate * observed / expected * (self.disagreement @ totals).astype(np.float64)
        return _Influence(
            1 - rate * observed,
            {size: -observed * size / expected for size in sizes},
            {size: -rate / (size - 1) for size in sizes},
            dict.fromkeys(sizes, pull),
        )

    def _beyond_chance(self, coefficient: Coefficient, pairs: int) -> _Influence | Undefined:
        scale, k = float(self.disagreement.max()), self.k
        weights = 1 - self.disagreement / scale
        units = sum(int(sums[0]) for sums in self.by_size.values())
        shares = np.sum([self._totals(size) / size for size in self.by_size], axis=0) / units
        if coefficient == "fleiss":
            expected, slope = float(shares @ weights @ shares), 2 * weights @ shares
        elif coefficient == "gwet":
            rate = float(weights.sum()) / (k * (k - 1))
            expected, slope = rate * float(shares @ (1 - shares)), rate * (1 - 2 * shares)
        else:
            raise ValueError(f"a coefficient is percent, alpha, fleiss or gwet, not {coefficient!r}")
        agreed = self._percent(pairs)
        value = (agreed.value - expected) / (1 - expected)
        pull = -(1 - value) / (1 - expected) * slope / units
        ones = {
            size: (1 - agreed.value) / pairs / (1 - expected) if size >= 2 else 0.0 for size in self.by_size
        }
        return _Influence(
            value,
            {size: one - float(pull @ shares) for size, one in ones.items()},
            {size: agreed.apart.get(size, 0.0) / (1 - expected) for size in self.by_size},
            {size: pull / size for size in self.by_size},
        )

    def _error(self, influence: _Influence) -> float:
        """√ of the sum over units of squared pulls about their mean, from the sums alone."""
        total = squares = units = 0.0
        k = self.k
        for size, fixed in influence.fixed.items():
            sums = self.by_size[size]
            n, d, d2, c, dc = (
                float(sums[0]),
                float(sums[1]),
                float(sums[2]),
                sums[3 : 3 + k],
                sums[3 + k : 3 + 2 * k],
            )
            cc = sums[3 + 2 * k :].reshape(k, k)
            a, b = influence.apart[size], influence.along[size]
            units += n
            total += fixed * n + a * d + float(b @ c)
            squares += fixed**2 * n + a**2 * d2 + float(b @ cc @ b)
            squares += 2 * (fixed * a * d + fixed * float(b @ c) + a * float(b @ dc))
        left = squares - total**2 / units if units > 1 else 0.0
        # What rounding leaves of nothing is nothing.
        return math.sqrt(left * units / (units - 1)) if left > 1e-14 * squares else 0.0

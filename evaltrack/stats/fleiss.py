"""The table that Fleiss printed: kappa of each label against all others, and its test against chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

from numpy.typing import ArrayLike

from evaltrack.stats.estimate import TestResult, Undefined, rounded
from evaltrack.stats.patterns import distinct_rows


@dataclass(frozen=True, slots=True)
class LabelKappa:
    """Kappa of one label against all others together, and z of the hypothesis that it is 0 in truth."""

    kappa: float
    test: TestResult

    def as_json(self) -> dict[str, object]:
        return {"kappa": rounded(self.kappa), "test": self.test.as_json()}


@dataclass(frozen=True, slots=True)
class FleissTable:
    """Kappa over all labels with its z, the agreement behind it, and each label by itself."""

    kappa: float
    test: TestResult
    observed: float
    by_chance: float
    labels: tuple[LabelKappa | Undefined, ...]


def fleiss_table(counts: ArrayLike, *, times: ArrayLike | None = None) -> FleissTable | Undefined:
    """Which labels people agree on (Fleiss 1971), with his z as corrected by Fleiss, Nee & Landis (1979).

    `counts` (units × labels) as in `coefficients.fleiss_kappa`, with equally many ratings of each unit. z tests
    kappa = 0 alone: its standard error holds under that hypothesis and makes no interval (Zapf et al. 2016).

    Undefined without two ratings of each unit, where units have unequally many, and when only one label was used;
    likewise for a label that nobody used.
    """
    table, multiplicity = distinct_rows(counts, times)
    size = table.sum(axis=1)
    if not len(size) or size.max() < 2:
        return Undefined("no unit has two ratings")
    if size.min() != size.max():
        return Undefined("the z of Fleiss is for equally many ratings of each unit")
    units, m = float(multiplicity.sum()), float(size[0])
    shares = multiplicity @ table / (units * m)
    spread = shares * (1 - shares)
    if not spread.any():
        return Undefined("only one category was used")
    # Σ n_ij(m − n_ij): ordered pairs of ratings of which one alone is the label.
    apart = multiplicity @ (table * (m - table)) / (units * m * (m - 1))
    own_error = math.sqrt(2 / (units * m * (m - 1)))
    labels: list[LabelKappa | Undefined] = []
    for share, unlike in zip(spread, apart, strict=True):
        if share:
            kappa = 1 - float(unlike / share)
            labels.append(LabelKappa(kappa, _against_chance(kappa / own_error)))
        else:
            labels.append(Undefined("nobody used this label"))
    total = float(spread.sum())
    kappa = 1 - float(apart.sum()) / total
    skew = float((spread * (1 - 2 * shares)).sum())
    error = own_error * math.sqrt(max(total**2 - skew, 0.0)) / total
    return FleissTable(
        kappa, _against_chance(kappa / error), 1 - float(apart.sum()), 1 - total, tuple(labels)
    )


def _against_chance(z: float) -> TestResult:
    return TestResult(z, min(1.0, math.erfc(abs(z) / math.sqrt(2))))

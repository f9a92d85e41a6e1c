"""Several candidates on the same examples: do they differ at all, and which differ from which?

`values` has examples as rows and candidates as columns, larger is better. `n` counts examples. Examples that not
every candidate answered are left out, and counted, by the caller.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from evaltrack.stats.estimate import Estimate, TestResult, Undefined, rounded
from evaltrack.stats.multiplicity import holm
from evaltrack.stats.paired import mean_difference_t, paired_t
from evaltrack.stats.paired.binary import mid_p_of, tango_limits
from evaltrack.stats.paired.examples import NO_PAIRS

Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pair:
    """Candidate `one` less candidate `other`, by column.

    `difference` has the interval of this pair alone; `adjusted` is its p after Holm's correction over all pairs, to
    be compared with the level of the whole family: the interval may exclude 0 where `adjusted` is not below 0.05.
    """

    one: int
    other: int
    difference: Estimate
    test: TestResult | Undefined
    adjusted: float | None

    def as_json(self) -> dict[str, Any]:
        return {
            "one": self.one,
            "other": self.other,
            "difference": self.difference.as_json(),
            "test": self.test.as_json(),
            "adjusted": None if self.adjusted is None else rounded(self.adjusted),
        }


@dataclass(frozen=True, slots=True)
class Several:
    """`omnibus` tests that all are alike, as `method` says. Pairs do not wait for it: Holm's correction is enough."""

    omnibus: TestResult | Undefined
    method: str
    pairs: tuple[Pair, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "omnibus": self.omnibus.as_json(),
            "method": self.method,
            "pairs": [pair.as_json() for pair in self.pairs],
        }


def compare(values: ArrayLike, *, reference: int | None = None) -> Several | Undefined:
    """All candidates against each other, or against the column `reference` alone, which costs fewer comparisons.

    Where all values are 0 or 1: Cochran's Q, then McNemar's mid-p and Tango's interval for each pair; else Friedman's
    test, then the paired t test and its interval. P-values of the pairs are adjusted by Holm. Friedman's test looks
    at ranks and the t tests at means, so they can disagree. A pair that has no test counts as p = 1 in the family,
    which is therefore as large as planned.

    Undefined without examples. ValueError for fewer than two candidates, other shapes and NaN.
    """
    table = _table(values)
    n, k = table.shape
    if reference is not None and not 0 <= reference < k:
        raise ValueError(f"there is no candidate {reference} among {k}")
    if n == 0:
        return NO_PAIRS
    if reference is None:
        asked = list(combinations(range(k), 2))
    else:
        asked = [(other, reference) for other in range(k) if other != reference]
    binary = _is_binary(table)
    found = _binary_pairs(table, asked) if binary else _mean_pairs(table, asked)
    adjusted = holm([1.0 if isinstance(test, Undefined) else test.p_value for _, test in found])
    pairs = tuple(
        Pair(one, other, difference, test, None if isinstance(test, Undefined) else p)
        for (one, other), (difference, test), p in zip(asked, found, adjusted, strict=True)
    )
    if binary:
        return Several(cochrans_q(table), "Cochran's Q", pairs)
    return Several(friedman(table), "Friedman's test", pairs)


def cochrans_q(values: ArrayLike) -> TestResult | Undefined:
    """Cochran's Q test (1950) that all candidates have the same share of 0/1 outcomes; two candidates: McNemar's z².

    With column totals T_j, row totals R_i and k columns Q = (k − 1)(k·ΣT_j² − (ΣT_j)²)/(k·ΣR_i − ΣR_i²), χ² with
    k − 1 degrees of freedom. Only examples on which the candidates differ count; with fewer than 24/k of these p is
    rough (Tate & Brown 1970), and the pairs decide.

    Undefined without examples, and where all candidates agree on each of them: Q is then 0/0.
    """
    table = _table(values)
    if not _is_binary(table):
        raise ValueError("Cochran's Q is for outcomes that are 0 or 1")
    n, k = table.shape
    if n == 0:
        return NO_PAIRS
    columns, rows = table.sum(axis=0), table.sum(axis=1)
    within = k * rows.sum() - rows @ rows
    if within == 0:
        return Undefined(f"all {k} candidates agree on all {n} examples, so Q is 0/0")
    q = float((k - 1) * (k * (columns @ columns) - columns.sum() ** 2) / within)
    return TestResult(q, float(special.chdtrc(k - 1, q)))


def friedman(values: ArrayLike) -> TestResult | Undefined:
    """Friedman's test (1937) that no candidate tends to rank above another within examples, with tied ranks averaged.

    The statistic is corrected for ties and χ² with k − 1 degrees of freedom. It is about ranks: a candidate that wins
    by little often and loses by much seldom ranks high and may have the lower mean.

    Undefined without examples, and where every example has all candidates tied.
    """
    table = _table(values)
    n, k = table.shape
    if n == 0:
        return NO_PAIRS
    ranks = stats.rankdata(table, axis=1)
    deviations = ranks - (k + 1) / 2
    within = float((deviations**2).sum())  # n·k(k² − 1)/12 less what ties take away
    if within == 0:
        return Undefined(f"all {k} candidates are tied on all {n} examples, so no ranks differ")
    totals = deviations.sum(axis=0)
    statistic = (k - 1) * float(totals @ totals) / within
    return TestResult(statistic, float(special.chdtrc(k - 1, statistic)))


def _table(values: ArrayLike) -> Table:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError(
            f"several candidates are a table of examples × 2 or more, not of shape {table.shape}"
        )
    if not np.isfinite(table).all():
        raise ValueError(
            "values must be finite; leave out examples that not every candidate answered, and count them"
        )
    return table


def _is_binary(table: Table) -> bool:
    return bool(((table == 0) | (table == 1)).all())


def _binary_pairs(
    table: Table, asked: list[tuple[int, int]]
) -> list[tuple[Estimate, TestResult | Undefined]]:
    n = len(table)
    both = np.rint(table.T @ table).astype(np.int64)  # examples right for both, all pairs at once
    found: list[tuple[Estimate, TestResult | Undefined]] = []
    for one, other in asked:
        b, c = (int(both[each, each] - both[one, other]) for each in (one, other))
        interval = Estimate(
            (b - c) / n, *tango_limits(b, c, n), n, "Tango score interval of a paired difference"
        )
        found.append((interval, TestResult(None, mid_p_of(b, c))))
    return found


def _mean_pairs(table: Table, asked: list[tuple[int, int]]) -> list[tuple[Estimate, TestResult | Undefined]]:
    columns = np.ascontiguousarray(table.T)
    found = []
    for one, other in asked:
        difference = mean_difference_t(columns[one], columns[other])
        assert isinstance(difference, Estimate)  # there are examples
        found.append((difference, paired_t(columns[one], columns[other])))
    return found

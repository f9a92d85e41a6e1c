"""How often each of many patterns occurs when units are drawn with replacement: multinomial counts, exactly and fast.

numpy draws one binomial for each pattern, 0.2 µs each: 0.8 s for 2,000 draws of 2,000 patterns. Here each pattern has
a Poisson count by inversion, which takes a tenth of that. Their sum is a little below the number of units, and single
units fill it up; the few draws in which it is not are drawn as numpy does. Given their sum, Poisson counts are
multinomial, and with independent units added they still are: the distribution is the same, not an approximation.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

# By so many standard deviations of their sum the Poisson counts lie below the number of units: 2 % of draws do not.
SLACK = 2.0
# What one binomial, one Poisson count and one single unit cost, in nanoseconds.
BINOMIAL, POISSON, UNIT = 190, 25, 40
FEWEST_UNITS = 1000  # of fewer, drawing each by itself takes no time
WIDEST = 10.0  # standard deviations from the mean to the end of a table of Poisson counts: 1e-23 lies beyond
CELLS = 1024  # of a guide from a uniform number to its place in a table (Chen & Asau 1974)

Counts = NDArray[np.int64]
Matrix = NDArray[np.float64]


class Multinomial:
    """Draws as many units as there are, with replacement; pattern i has `multiplicity[i]` of them, one or more."""

    def __init__(self, multiplicity: Counts) -> None:
        self.multiplicity = multiplicity
        self.units = int(multiplicity.sum())
        self.filled = SLACK * math.sqrt(self.units)
        by_poisson = POISSON * len(multiplicity) + UNIT * self.filled
        self.is_wide = self.units >= FEWEST_UNITS and by_poisson < BINOMIAL * len(multiplicity)
        self.cost = (
            by_poisson if self.is_wide else BINOMIAL * len(multiplicity)
        )  # of one draw, in nanoseconds
        if self.is_wide:
            self.counts = _Poisson(multiplicity, 1 - self.filled / self.units)
            self.pattern_of = np.repeat(np.arange(len(multiplicity)), multiplicity)

    def draw(self, rows: int, rng: np.random.Generator) -> Matrix:
        """Counts, draws (rows) × patterns."""
        if not self.is_wide:
            return self._by_binomials(rows, rng)
        counts = self.counts.draw(rows, rng)
        lacking = (self.units - counts.sum(axis=0)).astype(np.int64)
        over = np.flatnonzero(lacking < 0)
        lacking[over] = 0
        single = self.pattern_of[rng.integers(0, self.units, size=int(lacking.sum()))]
        np.add.at(counts.ravel(), single * rows + np.repeat(np.arange(rows), lacking), 1.0)
        counts[:, over] = self._by_binomials(len(over), rng).T
        return counts.T

    def _by_binomials(self, rows: int, rng: np.random.Generator) -> Matrix:
        shares = self.multiplicity / self.units
        return rng.multinomial(self.units, shares, size=rows).astype(np.float64)


class _Poisson:
    """Independent counts with the means `thinned` times the multiplicities, from one table for each multiplicity."""

    def __init__(self, multiplicity: Counts, thinned: float) -> None:
        distinct, kind = np.unique(multiplicity, return_inverse=True)
        below, guides, zeros, size = [], [], [], 0
        grid = np.arange(CELLS + 1) / CELLS
        for mean in (distinct * thinned).tolist():
            least, table = _cumulated(mean)
            # The place of the first chance above the start of each cell; where a cell holds another place too, its
            # complement, a number below 0.
            place = size + np.searchsorted(table, grid, side="right")
            guides.append(np.where(place[:-1] == place[1:], place[:-1], ~place[:-1]))
            zeros.append(size - least)
            below.append(table)
            size += len(table)
        self.below = np.concatenate(below)
        self.guide = np.concatenate(guides)
        self.first_cell = (kind * CELLS)[:, None]
        self.zero = np.array(zeros)[kind][:, None]

    def draw(self, columns: int, rng: np.random.Generator) -> Matrix:
        """Patterns × columns: for each uniform number the first count whose cumulated chance lies above it."""
        uniform = rng.random((len(self.zero), columns))
        place = self.guide[(uniform * CELLS).astype(np.int64) + self.first_cell]
        flat, drawn = place.ravel(), uniform.ravel()
        open_ = np.flatnonzero(flat < 0)
        flat[open_] = ~flat[open_]
        while len(open_):
            open_ = open_[drawn[open_] >= self.below[flat[open_]]]
            flat[open_] += 1
        return np.subtract(place, self.zero, out=uniform)


def _cumulated(mean: float) -> tuple[int, Matrix]:
    """The least count of a table, and the chance of each count or a lower one; the last is 1."""
    reach = WIDEST * (math.sqrt(mean) + 1)
    least = max(0, math.floor(mean - reach))
    count = np.arange(least, math.ceil(mean + 2 * reach))
    below = np.cumsum(np.exp(count * math.log(mean) - mean - special.gammaln(count + 1)))
    below[-1] = 1.0
    return least, below

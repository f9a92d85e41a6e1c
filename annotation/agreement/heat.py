"""Pure: how far each two of some raters agree, as a matrix to look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from evaltrack.stats.kappa import kappas

Rater = TypeVar("Rater")

# Of fewer tasks in common a kappa says little, and its cell stays empty.
FEWEST = 10
# Upper ends of what is drawn in one colour.
LEVELS = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class Cell:
    """`kappa` is None where both used one and the same label, or have too little in common."""

    n: int
    kappa: float | None

    @property
    def level(self) -> int | None:
        """From 0, hardly above chance, to 4."""
        return None if self.kappa is None else sum(self.kappa >= end for end in LEVELS)


@dataclass(frozen=True)
class Row:
    """`mean` is the mean kappa with the others, weighted by tasks in common; None where no cell has one."""

    name: str
    mean: float | None
    # None on the diagonal.
    cells: tuple[Cell | None, ...]


def matrix(names: Mapping[Rater, str], tables: Mapping[tuple[Rater, Rater], NDArray[np.int64]]) -> list[Row]:
    """A row for each rater, those who agree most with the others first; columns in the same order."""
    found: dict[tuple[Rater, Rater], Cell] = {}
    for (one, other), table in tables.items():
        n, kappa = int(table.sum()), float(kappas(np.asarray(table, dtype=np.float64)))
        cell = Cell(n, None if n < FEWEST or np.isnan(kappa) else kappa)
        found[one, other] = found[other, one] = cell
    nothing = Cell(0, None)

    def mean_of(rater: Rater) -> float | None:
        cells = [found.get((rater, each), nothing) for each in names if each != rater]
        known = [(cell.n, cell.kappa) for cell in cells if cell.kappa is not None]
        weight = sum(n for n, _ in known)
        return sum(n * kappa for n, kappa in known) / weight if weight else None

    means = {rater: mean_of(rater) for rater in names}

    def place(rater: Rater) -> tuple[bool, float, str]:
        mean = means[rater]
        return mean is None, -(mean or 0.0), names[rater]

    order = sorted(names, key=place)
    return [
        Row(
            names[rater],
            means[rater],
            tuple(None if each == rater else found.get((rater, each), nothing) for each in order),
        )
        for rater in order
    ]

"""Pure: what a campaign will take of people, what that costs, and how closely it then says something."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from evaltrack.stats.planning import LEVEL, KappaPrecision
from evaltrack.stats.planning.design import normal_quantile

# Fewer judgments do not say how long one takes.
FEWEST = 20
# Seconds for a judgment where nobody has judged by the protocol yet. Of pairs, crowd workers took 36.8 in the median
# for AlpacaFarm's instructions (README of AlpacaEval); the others are set beside that, and are guesses.
ASSUMED_SECONDS = {"pairwise": 40.0, "rating": 30.0, "ranking": 90.0, "spans": 120.0}
# What is assumed of answers, as in the planner of components.
TIES, ALIKE, KAPPA, PREVALENCE = 0.2, 0.3, 0.6, 0.5


@dataclass(frozen=True)
class Judgments:
    """How many it takes at least and at most: the same where the overlap is fixed."""

    fewest: int
    most: int

    @property
    def is_range(self) -> bool:
        return self.fewest < self.most


@dataclass(frozen=True)
class Duration:
    """Seconds for one judgment; of how many past ones it is the median, or None where it is assumed."""

    seconds: float
    learned_from: int | None


def judgments(items: int, *, overlap: int, most: int | None = None, calibration: float = 0) -> Judgments:
    """`most`, where the overlap is adaptive; the share `calibration` of items is always asked of so many."""
    if most is None:
        return Judgments(items * overlap, items * overlap)
    always = round(items * calibration)
    return Judgments(always * most + (items - always) * overlap, items * most)


def duration(protocol: str, active_ms: Sequence[int]) -> Duration:
    if len(active_ms) < FEWEST:
        return Duration(ASSUMED_SECONDS[protocol], None)
    return Duration(median(active_ms) / 1000, len(active_ms))


def hours(count: int, each: Duration) -> float:
    return count * each.seconds / 3600


def cost(count: int, each: Duration, rate: Decimal) -> Decimal:
    """In the unit of `rate`, which is for an hour, to the hundredth."""
    exact = rate * count * Decimal(str(each.seconds)) / 3600
    return exact.quantize(Decimal("0.01"))


def win_rate_half_width(items: int, overlap: int) -> float:
    """Half the interval of a win rate near one half, ties as halves, over items of which each has so many votes.

    A vote has the variance (1 − ties)/4; votes on one item correlate, so that the mean of k has the part
    (1 + (k − 1)ρ)/k of it (Kish 1965).
    """
    variance = (1 - TIES) / 4 * (1 + (overlap - 1) * ALIKE) / overlap
    return normal_quantile(LEVEL) * math.sqrt(variance / items)


def kappa_half_width(items: int) -> float:
    """Of two evaluators; further ones make it narrower."""
    return KappaPrecision(KAPPA, PREVALENCE).half_width(items)

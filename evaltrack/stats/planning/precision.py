"""How many items make the interval of an agreement narrow enough."""

from __future__ import annotations

import math
from dataclasses import dataclass

from evaltrack.stats.planning.design import LEVEL, check_share, normal_quantile, whole


@dataclass(frozen=True, slots=True)
class KappaPrecision:
    """Cohen's kappa of two raters and two labels: what it is thought to be, and how often the first label occurs.

    One item's variance is (1 − κ)[(1 − κ)(1 − 2κ) + κ(2 − κ)/(2π(1 − π))] with both raters using the first label with
    probability π (Bloch & Kraemer 1989, Donner & Eliasziw 1992). Rare labels cost most: a half-width of 0.1 round 0.6
    needs 246 items at 50 % and 705 at 10 %.
    """

    kappa: float
    prevalence: float
    level: float = LEVEL

    def __post_init__(self) -> None:
        check_share("the prevalence of a label", self.prevalence)
        check_share("the level", self.level)
        if not -1 < self.kappa < 1:
            raise ValueError(f"a kappa to plan for lies between -1 and 1, not at {self.kappa}")
        if self.variance <= 0:
            raise ValueError(
                f"two raters who use a label for {self.prevalence:.0%} of items have no kappa of {self.kappa}"
            )

    @property
    def variance(self) -> float:
        """Of kappa from one item: that from n is this over n."""
        kappa, unlike = self.kappa, 2 * self.prevalence * (1 - self.prevalence)
        return (1 - kappa) * ((1 - kappa) * (1 - 2 * kappa) + kappa * (2 - kappa) / unlike)

    def half_width(self, n: int) -> float:
        """Half the width of the asymptotic interval from n items."""
        if n < 1:
            raise ValueError(f"a plan needs an item, not {n}")
        return normal_quantile(self.level) * math.sqrt(self.variance / n)

    def needed(self, half_width: float) -> int:
        """The items for an interval that reaches this far to either side."""
        if not 0 < half_width < math.inf:
            raise ValueError(f"half the width of an interval is above 0, not {half_width}")
        return whole(self.variance * (normal_quantile(self.level) / half_width) ** 2)

"""Plans for shares of 0/1 outcomes: on different examples, on the same ones, and of votes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from evaltrack.stats.independent import constrained_shares
from evaltrack.stats.paired import tango_variance
from evaltrack.stats.planning.design import ROUNDING, NormalDesign, check_share, whole
from evaltrack.stats.planning.enumeration import mcnemar_power

MOST_ENUMERATED = 10_000_000  # beyond, normal quantiles are as good and tables too many


@dataclass(frozen=True)
class IndependentShares(NormalDesign):
    """Two shares on different examples, equally many on each side; `baseline` is the share to compare with.

    The z-test's plan: s₀² is the variance pooled under H0, s₁² that of both shares (Fleiss, Levin & Paik 2003, R's
    `power.prop.test`). With a margin s₀ is taken at the shares that fit the truth best among those −margin apart
    (Farrington & Manning 1990), as Miettinen and Nurminen's score does.
    """

    baseline: float
    counted: ClassVar[str] = "examples on each side"
    method: ClassVar[str] = "two-proportion z"

    def check(self) -> None:
        check_share("the baseline", self.baseline)
        if self.margin >= self.baseline:
            raise ValueError(
                f"a margin of {self.margin} reaches below 0 from a baseline of {self.baseline}: no candidate is worse"
            )

    def check_difference(self, difference: float) -> None:
        candidate = self.baseline + difference
        if not -ROUNDING <= candidate <= 1 + ROUNDING:
            raise ValueError(
                f"a baseline of {self.baseline} and a difference of {difference} make a share of {candidate:.6g}, "
                "which is not between 0 and 1"
            )

    def reach(self, *, worse: bool) -> float:
        return self.baseline - self.margin if worse else 1 - self.baseline + self.margin

    def spreads(self, difference: float) -> tuple[float, float]:
        candidate = min(max(self.baseline + difference, 0.0), 1.0)
        middle = (candidate + self.baseline) / 2
        ours, theirs = middle, middle
        if self.margin:
            ours, theirs = constrained_shares(candidate, 1, self.baseline, 1, -self.margin)
        null, truth = (
            math.sqrt(max(p * (1 - p) + q * (1 - q), 0.0))
            for p, q in ((ours, theirs), (candidate, self.baseline))
        )
        return null, truth


@dataclass(frozen=True)
class PairedShares(NormalDesign):
    """Two shares on the same examples; `discordant` ψ is the share of those on which the two sides differ.

    Connor 1987: s₀² = ψ and s₁² = ψ − δ². With a margin the null moves to −margin, and s₀² is the variance that
    Tango's test takes there. ψ is the key input: ask for it or see it in earlier runs, as the size is proportional to
    it. Without a margin `exact_power` is that of McNemar's mid-p test, up to
    ten million examples.
    """

    discordant: float
    method: ClassVar[str] = "Connor 1987"

    def check(self) -> None:
        if not 0 <= self.discordant <= 1:
            raise ValueError(f"the discordant share lies between 0 and 1, not at {self.discordant}")
        if self.margin >= 1:
            raise ValueError(f"two shares differ by at most 1: a margin of {self.margin} excludes nothing")

    @property
    def unplannable(self) -> str:
        return "" if self.discordant or self.margin else "without discordant examples there is no difference"

    def check_difference(self, difference: float) -> None:
        if not abs(difference) <= self.discordant + ROUNDING:
            raise ValueError(
                f"a difference of {difference} exceeds the discordant share of {self.discordant}: "
                "only examples on which the two sides differ make a difference"
            )

    def reach(self, *, worse: bool) -> float:
        return self.discordant - self.margin if worse else self.discordant + self.margin

    def spreads(self, difference: float) -> tuple[float, float]:
        ours, theirs = (self.discordant + difference) / 2, (self.discordant - difference) / 2
        null = tango_variance(ours, theirs, 1.0, -self.margin) if self.margin else self.discordant
        return math.sqrt(null), math.sqrt(max(self.discordant - difference**2, 0.0))

    def enumerated(self, n: int, difference: float) -> float | None:
        if self.margin or n > MOST_ENUMERATED:
            return None
        return mcnemar_power(n, self.discordant, difference, level=self.level)


@dataclass(frozen=True)
class WinRate(NormalDesign):
    """The share of wins among decisive votes against ½; a difference of 0.1 is a win rate of 60 %.

    n counts judgments. Of these the share `ties` decides nothing. Where `votes` judgments share a prompt and
    correlate by `alike`, n is multiplied by the design effect 1 + (votes − 1)·alike (Kish 1965); `prompts` says how
    many prompts that is. s₀² = (½ − m)(½ + m), s₁² = p(1 − p).
    """

    ties: float = 0.0
    votes: int = 1
    alike: float = 0.0
    counted: ClassVar[str] = "judgments"
    method: ClassVar[str] = "score test of a share"

    def check(self) -> None:
        if not 0 <= self.ties < 1:
            raise ValueError(f"the share of ties lies from 0 to below 1, not at {self.ties}")
        if self.votes < 1 or self.votes != int(self.votes):
            raise ValueError(f"a prompt gets one vote or more, not {self.votes}")
        if not 0 <= self.alike <= 1:
            raise ValueError(f"votes on one prompt correlate by 0 to 1, not by {self.alike}")
        if self.margin >= 0.5:
            raise ValueError(f"no win rate is worse than a margin of {self.margin} below one half")

    @property
    def design_effect(self) -> float:
        """By how much votes that share a prompt inflate the variance."""
        return 1 + (self.votes - 1) * self.alike

    def phrase(self, difference: float) -> str:
        return f"a win rate of {100 * (0.5 + difference):.4g} %"

    def prompts(self, n: int) -> int:
        """The prompts that n judgments take."""
        return whole(n / self.votes)

    def check_difference(self, difference: float) -> None:
        if not abs(difference) <= 0.5 + ROUNDING:
            raise ValueError(f"a win rate of one half plus {difference} is not between 0 and 1")

    def reach(self, *, worse: bool) -> float:
        return 0.5 - self.margin if worse else 0.5 + self.margin

    def spreads(self, difference: float) -> tuple[float, float]:
        inflation = self.design_effect / (1 - self.ties)
        null, truth = 0.25 - self.margin**2, max(0.25 - difference**2, 0.0)
        return math.sqrt(null * inflation), math.sqrt(truth * inflation)

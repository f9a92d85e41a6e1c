"""Plans for means: one or two samples by the exact t test, and questions answered several times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from scipy.optimize import brentq

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.planning.design import FAR, Design, NormalDesign, normal_quantile

NO_SPREAD = "the differences have no spread to plan with"


def check_spread(name: str, spread: float) -> None:
    if not (math.isfinite(spread) and spread >= 0):
        raise ValueError(f"{name} is a standard deviation, a finite number from 0 up, not {spread}")


@dataclass(frozen=True)
class TMeans(Design):
    """A mean by Student's t, exactly, through the noncentral t distribution (R's `power.t.test`).

    `sd` is the standard deviation of one value on its side, in the units of the difference. With df degrees of
    freedom power is P(T > t_{1−α/2}) with noncentrality |δ + m|/sd·√(n/samples). Values are taken as normal.
    """

    sd: float
    samples: ClassVar[int]

    def check(self) -> None:
        check_spread("the sd", self.sd)

    @property
    def unplannable(self) -> str:
        return "" if self.sd else NO_SPREAD

    @property
    def unit(self) -> float:
        return self.sd

    def check_difference(self, difference: float) -> None:
        if not math.isfinite(difference):
            raise ValueError(f"a difference of means is a finite number, not {difference}")

    def reach(self, *, worse: bool) -> float:
        return math.inf

    def chance(self, n: float, difference: float) -> float:
        df = self.samples * (n - 1)
        if df <= 0:
            return 0.0  # one value has no spread
        distance = abs(difference + self.margin) / self.sd * math.sqrt(n / self.samples)
        critical = float(special.stdtrit(df, 1 - self.level / 2))
        power = float(1 - special.nctdtr(df, distance, critical))
        if math.isnan(power):
            # So scipy's nctdtr has it where nearly everything rejects; Abramowitz & Stegun 26.7.10 is exact enough.
            power = float(
                special.ndtr(
                    (distance - critical * (1 - 1 / (4 * df))) / math.sqrt(1 + critical**2 / (2 * df))
                )
            )
        return power

    def size(self, difference: float, power: float) -> float:
        if self.chance(2, difference) >= power:
            return 2.0
        sought = normal_quantile(self.level) + float(special.ndtri(power))
        normal = self.samples * (sought * self.sd / (difference + self.margin)) ** 2
        if normal > FAR:
            return normal  # t is normal long before
        highest = normal + 2
        while self.chance(highest, difference) < power:
            highest *= 2
        return float(brentq(lambda n: self.chance(n, difference) - power, 2.0, highest, xtol=1e-9))


@dataclass(frozen=True)
class OneMean(TMeans):
    """One mean against 0, or paired differences by example: `sd` is theirs, and df = n − 1."""

    samples: ClassVar[int] = 1
    method: ClassVar[str] = "one-sample t, noncentral t"


@dataclass(frozen=True)
class TwoMeans(TMeans):
    """Two means on different examples, equally many and with one `sd` on each side; df = 2(n − 1)."""

    samples: ClassVar[int] = 2
    counted: ClassVar[str] = "examples on each side"
    method: ClassVar[str] = "two-sample t, noncentral t"


@dataclass(frozen=True)
class PairedMeans(NormalDesign):
    """A paired difference of means where each question is answered several times (Miller 2024).

    `spread` ω is the standard deviation, over questions, of the difference of the expected scores; `candidate_noise`
    and `baseline_noise` are those of single answers to one question, of which each side samples `candidate_samples`
    and `baseline_samples`. One question's difference has the variance ω² + σ_A²/K_A + σ_B²/K_B. With differences of
    single answers, or with scores that never vary, `spread` is their standard deviation and the noise is 0.

    n counts questions and uses normal quantiles: below 30 questions add two.
    """

    spread: float
    candidate_noise: float = 0.0
    baseline_noise: float = 0.0
    candidate_samples: int = 1
    baseline_samples: int = 1
    counted: ClassVar[str] = "examples"
    method: ClassVar[str] = "Miller 2024"

    def check(self) -> None:
        for name in ("spread", "candidate_noise", "baseline_noise"):
            check_spread(f"the {name.replace('_', ' ')}", getattr(self, name))
        for name in ("candidate_samples", "baseline_samples"):
            if not getattr(self, name) >= 1:
                raise ValueError(
                    f"a question is answered once or more, so {name} is not {getattr(self, name)}"
                )

    @property
    def sd(self) -> float:
        """The standard deviation of one question's difference of mean scores."""
        return math.sqrt(
            self.spread**2
            + self.candidate_noise**2 / self.candidate_samples
            + self.baseline_noise**2 / self.baseline_samples
        )

    @property
    def unplannable(self) -> str:
        return "" if self.sd else NO_SPREAD

    @property
    def unit(self) -> float:
        return self.sd

    def check_difference(self, difference: float) -> None:
        if not math.isfinite(difference):
            raise ValueError(f"a difference of means is a finite number, not {difference}")

    def reach(self, *, worse: bool) -> float:
        return math.inf

    def spreads(self, difference: float) -> tuple[float, float]:
        return self.sd, self.sd


def paired_means_from_pilot(
    candidate: ArrayLike, baseline: ArrayLike, *, margin: float = 0.0
) -> PairedMeans | Undefined:
    """The design that a pilot shows: scores as questions × samples, the same questions in the same order.

    Noise is the mean variance within questions, with K − 1 degrees of freedom each; ω² is the variance of the
    differences of means less the part of it that is noise, and 0 where the noise explains all of it. Change the
    numbers of samples with `dataclasses.replace` to see what more answers for each question would save.

    Undefined from fewer than two questions. A side with one sample for each question does not show its noise, which
    then is part of the spread, where more samples do not reduce it. ValueError for other shapes and for NaN.
    """
    sides = [np.asarray(side, dtype=np.float64) for side in (candidate, baseline)]
    if any(side.ndim != 2 or not side.shape[1] for side in sides) or len(sides[0]) != len(sides[1]):
        raise ValueError(
            f"a pilot has questions × samples on both sides, not {sides[0].shape} and {sides[1].shape}"
        )
    if not all(np.isfinite(side).all() for side in sides):
        raise ValueError("scores must be finite; leave out questions without them, and count them")
    if len(sides[0]) < 2:
        return Undefined(f"the spread between questions needs 2 questions or more, there are {len(sides[0])}")
    ours, theirs = (float(side.var(axis=1, ddof=1).mean()) if side.shape[1] > 1 else 0.0 for side in sides)
    k_ours, k_theirs = sides[0].shape[1], sides[1].shape[1]
    between = float((sides[0].mean(axis=1) - sides[1].mean(axis=1)).var(ddof=1))
    return PairedMeans(
        math.sqrt(max(between - ours / k_ours - theirs / k_theirs, 0.0)),
        math.sqrt(ours),
        math.sqrt(theirs),
        k_ours,
        k_theirs,
        margin=margin,
    )

"""What every plan has in common: the size for a difference, the difference for a size, the power of both."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from scipy import special
from scipy.optimize import brentq

from evaltrack.stats.estimate import Undefined, rounded

LEVEL = 0.05
POWER = 0.8
ROUNDING = 1e-12
FAR = 1e12  # a size that no plan carries out


def normal_quantile(level: float) -> float:
    """The z that a two-sided test at this level has to exceed."""
    return float(special.ndtri(1 - level / 2))


def check_power(power: float) -> None:
    if not 0.5 <= power < 1:
        raise ValueError(f"a plan promises a power from 0.5 to below 1, not {power}")


def check_share(name: str, share: float) -> None:
    if not 0 < share < 1:  # also refuses NaN
        raise ValueError(f"{name} is a share between 0 and 1, not {share}")


def whole(examples: float) -> int:
    """Rounded up, but not for the sake of the last bits of a float."""
    return max(1, math.ceil(examples * (1 - ROUNDING)))


@dataclass(frozen=True, slots=True)
class Plan:
    """`n` of what the design counts show a true difference of `difference` with the wanted `power`.

    `design` holds what was assumed. `unrounded` is the n that formulas print before it becomes a whole number.
    For a plan that was read backwards, n was given and `difference` is the smallest that it shows.
    """

    design: Design
    n: int
    unrounded: float
    difference: float
    power: float

    @property
    def exact_power(self) -> float | None:
        """The power of the deciding test at n by enumeration, where the design has one; it takes milliseconds."""
        return self.design.enumerated(self.n, self.difference)

    @property
    def sentence(self) -> str:
        """For example "1,175 examples show a difference of 0.02 with 80 % power (Connor 1987; …)."""
        design = self.design
        shown = design.phrase(self.difference)
        if design.margin:
            negated = "not " if self.difference > -design.margin else ""
            shown = f"that {shown} is {negated}worse than the margin of {design.margin:.4g}"
        usual = {each.name: each.default for each in fields(design) if each.name != "level"}
        assumed = ", ".join(
            f"{name.replace('_', ' ')} {value:.4g}"
            for name, value in design.inputs.items()
            if value != usual.get(name)
        )
        exact = self.exact_power
        exactly = "" if exact is None else f", exactly {exact:.1%}".replace("%", " %")
        return (
            f"{self.n:,} {design.counted} show {shown} with {100 * self.power:.4g} % power{exactly} "
            f"({design.method}; {assumed})."
        )

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "n": self.n,
            "counted": self.design.counted,
            "difference": rounded(self.difference),
            "power": rounded(self.power),
            "method": self.design.method,
            "inputs": {name: rounded(value) for name, value in self.design.inputs.items()},
        }
        if (exact := self.exact_power) is not None:
            body["exact_power"] = rounded(exact)
        return body


@dataclass(frozen=True)
class Design(ABC):
    """What is compared and how much it varies; the truth of a plan, guessed or seen in a pilot.

    A difference is candidate − baseline, larger is better. A comparison is settled when its interval falls on that
    side of −`margin` where the true difference lies; a rejection on the wrong side is no power. `level` is two-sided:
    0.05 is that of the 95 % interval, so a margin is tested at one-sided 2.5 %.
    """

    counted: ClassVar[str] = "examples"
    method: ClassVar[str]
    margin: float = field(default=0.0, kw_only=True)
    level: float = field(default=LEVEL, kw_only=True)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.margin) and self.margin >= 0):
            raise ValueError(f"a margin is a finite number from 0 up, not {self.margin}")
        if not 0 < self.level < 1:
            raise ValueError(f"a level lies between 0 and 1, not at {self.level}")
        self.check()

    @property
    def inputs(self) -> dict[str, float]:
        """What was assumed, by name, the margin and the level last."""
        names = sorted((each.name for each in fields(self)), key=lambda name: name in ("margin", "level"))
        return {name: getattr(self, name) for name in names}

    @property
    def unplannable(self) -> str:
        """Why there is nothing to plan with, if so."""
        return ""

    @abstractmethod
    def check(self) -> None:
        """ValueError for inputs that no data could have."""

    @abstractmethod
    def check_difference(self, difference: float) -> None:
        """ValueError for a difference that these inputs do not allow."""

    @abstractmethod
    def reach(self, *, worse: bool) -> float:
        """How far a difference can lie above −margin (below it, if `worse`); may be infinite."""

    @abstractmethod
    def chance(self, n: float, difference: float) -> float:
        """The power of n, which need not be whole, for a difference off the limit."""

    @abstractmethod
    def size(self, difference: float, power: float) -> float:
        """The n, not rounded, that has this power for a difference off the limit."""

    def phrase(self, difference: float) -> str:
        """The difference in the words of a plan's sentence."""
        return f"a difference of {difference:.4g}"

    def enumerated(self, n: int, difference: float) -> float | None:
        """The power of the deciding test by enumeration, where the design has one."""
        return None

    def power(self, n: float, difference: float) -> float:
        """The chance that n settle the comparison if `difference` is the truth; ValueError if it cannot be."""
        self.check_difference(difference)
        if not (math.isfinite(n) and n >= 1):
            raise ValueError(f"a plan needs at least one of its {self.counted}, not {n}")
        if self.unplannable or self._on_the_limit(difference):
            return self.level / 2
        return self.chance(n, difference)

    def needed(self, difference: float, power: float = POWER) -> Plan | Undefined:
        """How many settle the comparison with this power if `difference` is the truth.

        Undefined when the difference lies on −margin, where no number is enough, or nothing varies.
        """
        check_power(power)
        self.check_difference(difference)
        if self.unplannable:
            return Undefined(self.unplannable)
        if self._on_the_limit(difference):
            return Undefined(
                f"the difference lies on the limit itself: no number of {self.counted} would settle it"
            )
        unrounded = self.size(difference, power)
        n = whole(unrounded)
        return Plan(self, n, unrounded, difference, power)

    def detectable(self, n: int, power: float = POWER, *, worse: bool = False) -> Plan | Undefined:
        """The smallest difference above −margin (or below it, if `worse`) that n show with this power.

        The plan of `needed` read backwards. Undefined where even the largest possible difference is too small.
        """
        check_power(power)
        if n < 1:
            raise ValueError(f"a plan needs at least one of its {self.counted}, not {n}")
        if self.unplannable:
            return Undefined(self.unplannable)
        sign, farthest = (-1.0 if worse else 1.0), self.reach(worse=worse)

        def lacking(distance: float) -> float:
            return power - self.chance(n, sign * distance - self.margin)

        if math.isinf(farthest):
            farthest = 1.0
            # One value has no spread, so that no distance is enough.
            while lacking(farthest) > 0 and farthest < FAR * self.unit:
                farthest *= 2
            while lacking(farthest / 2) < 0:
                farthest /= 2
        if farthest <= 0 or lacking(farthest) > 0:
            return Undefined(f"{n} {self.counted} detect no difference at all under these assumptions")
        nearest = farthest * 1e-9
        if lacking(nearest) <= 0:
            return Undefined(f"{n} {self.counted} are more than any difference needs")
        distance = brentq(lacking, nearest, farthest, xtol=1e-15 * farthest, rtol=1e-13)
        difference = sign * float(distance) - self.margin
        return Plan(self, int(n), float(n), difference, power)

    def _on_the_limit(self, difference: float) -> bool:
        return math.isclose(difference, -self.margin, rel_tol=1e-12, abs_tol=ROUNDING * self.unit)

    @property
    def unit(self) -> float:
        """The size of a large difference, to tell a small one from rounding."""
        return 1.0


@dataclass(frozen=True)
class NormalDesign(Design):
    """Plans by normal quantiles: n = ((z_{α/2}·s₀ + z_β·s₁)/(δ + m))², good to about a tenth.

    s₀ and s₁ are the standard deviations of one example's difference, under the null and the truth.
    """

    @abstractmethod
    def spreads(self, difference: float) -> tuple[float, float]:
        """s₀ and s₁ if the difference is the truth."""

    def chance(self, n: float, difference: float) -> float:
        null, truth = self.spreads(difference)
        beyond = math.sqrt(n) * abs(difference + self.margin) - normal_quantile(self.level) * null
        if truth == 0:
            return 1.0 if beyond >= 0 else 0.0
        return float(special.ndtr(beyond / truth))

    def size(self, difference: float, power: float) -> float:
        null, truth = self.spreads(difference)
        sought = normal_quantile(self.level) * null + float(special.ndtri(power)) * truth
        return (sought / (difference + self.margin)) ** 2

"""A few planned looks: how large z must be at each, so that all looks together err no more than the level.

At the share t of the final information the test statistic is Z(t) = S(t)/√t, where S is a Brownian path: what is
added between two looks is normal and independent of what came before (Jennison & Turnbull 2000). So the density
of the paths that have not crossed yet is carried from look to look by numerical integration (Armitage, McPherson
& Rowe 1969), and each bound is the root at which the chance to cross now is what may be spent now (Lan & DeMets
1983). Information may be unequal and unplanned: the bound at a look depends on the looks so far alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.optimize import brentq

LEVEL = 0.05
# Nodes of a Gauss–Legendre rule in each panel; a panel is as wide as the standard deviation of a step.
NODES, WEIGHTS = np.polynomial.legendre.leggauss(6)
FARTHEST = 8.0  # standard deviations: beyond them lies less than 2e-15
HIGHEST = 37.0  # the largest z whose tail is a float
# Looks closer than this share of the information would need panels without number, and add nothing.
CLOSEST = 0.0025

Spending = Literal["obrien-fleming", "pocock"]


@dataclass(frozen=True, slots=True)
class Look:
    """What holds at one look: the level spent so far, and from which |z| or p on the null is rejected.

    `nominal_p` is the two-sided p-value of `critical`; a 1 − nominal_p interval excludes the null exactly then
    (the repeated confidence interval of Jennison & Turnbull 1989).
    """

    information: float
    alpha_spent: float
    critical: float
    nominal_p: float


def _checked(information: Sequence[float]) -> NDArray[np.float64]:
    """Steps of information; ValueError unless the looks are ordered and far enough apart."""
    times = np.asarray(information, dtype=np.float64)
    if times.ndim != 1 or not len(times) or not np.isfinite(times).all() or times[0] <= 0:
        raise ValueError("looks are a sequence of positive amounts of information")
    steps = np.diff(times, prepend=0.0)
    if (steps < CLOSEST * times).any():
        raise ValueError(
            f"each look adds at least {CLOSEST:.2%} of the information so far; "
            "for looks after every observation use an any-time interval"
        )
    return steps


class Paths:
    """The paths that have not crossed: places, and the probability at each. S drifts by `drift` per information."""

    def __init__(self, drift: float = 0.0) -> None:
        self.place, self.mass, self.drift = np.zeros(1), np.ones(1), drift

    def tails(self, bound: float, step: float) -> tuple[float, float]:
        """The chances that S lies below −bound and above bound after the step: exact however small."""
        moved, root = self.place + self.drift * step, math.sqrt(step)
        below = float(self.mass @ special.ndtr((-bound - moved) / root))
        return below, float(self.mass @ special.ndtr((moved - bound) / root))

    def crossing(self, bound: float, step: float) -> float:
        """The chance that |S| exceeds the bound after the step."""
        return sum(self.tails(bound, step))

    def carry(self, bound: float, step: float, next_step: float) -> None:
        """Move on by a step and keep what is inside ±bound, on a grid fine enough for this step and the next."""
        panels = max(4, math.ceil(2 * bound / math.sqrt(min(step, next_step))))
        edges = np.linspace(-bound, bound, panels + 1)
        half = bound / panels
        place = ((edges[:-1] + half)[:, None] + half * NODES).ravel()
        apart = place[:, None] - (self.place + self.drift * step)
        kernel = np.exp(-(apart**2) / (2 * step)) / math.sqrt(2 * math.pi * step)
        self.mass = np.tile(half * WEIGHTS, panels) * (kernel @ self.mass)
        self.place = place


def overall_error(information: Sequence[float], critical: Sequence[float]) -> tuple[float, ...]:
    """The chance, under the null, to have exceeded a two-sided bound by each look.

    `information` in any unit (examples, for instance), increasing; `critical` the |z| at each look.
    """
    return tuple(sum(each) for each in crossing_chances(information, critical))


def crossing_chances(
    information: Sequence[float], critical: Sequence[float], drift: float = 0.0
) -> tuple[tuple[float, float], ...]:
    """The chance to have crossed the lower and the upper bound first by each look, where S has this drift.

    `drift` is the mean of Z at information 1: Z(t) then has the mean drift·√t. The rest as in `overall_error`.
    """
    steps = _checked(information)
    if len(critical) != len(steps) or not all(0 < z < math.inf for z in critical):
        raise ValueError("each look has one positive, finite bound")
    if not math.isfinite(drift):
        raise ValueError(f"a drift is a finite number, not {drift}")
    paths, below, above, crossed = Paths(drift), 0.0, 0.0, []
    for i, (step, z) in enumerate(zip(steps, critical, strict=True)):
        root = math.sqrt(information[i])
        lower, upper = paths.tails(z * root, step)
        below, above = min(below + lower, 1.0), min(above + upper, 1.0)
        crossed.append((below, above))
        if i + 1 < len(steps):
            paths.carry(min(z, FARTHEST + abs(drift) * root) * root, step, steps[i + 1])
    return tuple(crossed)


def alpha_spent(information: float, spending: Spending = "obrien-fleming", level: float = LEVEL) -> float:
    """How much of the two-sided level may be spent by the share t of the final information.

    O'Brien–Fleming type: 4 − 4Φ(z_{α/4}/√t), hardly anything early. Pocock type: α ln(1 + (e − 1)t), nearly
    even. Both spend half of the level on each side, as Lan & DeMets and the usual software do.
    """
    if not (0 < information <= 1 and 0 < level < 1):
        raise ValueError("a look stands at a share of the final information, and a level between 0 and 1")
    if spending == "pocock":
        return level * math.log1p((math.e - 1) * information)
    if spending == "obrien-fleming":
        return 4 * float(special.ndtr(special.ndtri(level / 4) / math.sqrt(information)))
    raise ValueError(f"no spending function is called {spending}")


def looks(
    information: Sequence[float], *, spending: Spending = "obrien-fleming", level: float = LEVEL
) -> tuple[Look, ...]:
    """The bounds at the looks so far; the last one is for the look at hand.

    `information` has the share of the final information at each look, increasing, at most 1: 250 examples of
    the registered 1,000 are 0.25. Earlier bounds do not depend on later looks, so an experiment may escalate
    from a smaller tier to a larger one without saying beforehand through which, if the final size and the
    spending function were registered and the sizes do not follow from results. At the final size the whole
    level is spent.
    """
    steps = _checked(information)
    paths, found, before = Paths(), [], 0.0
    for i, (time, step) in enumerate(zip(information, steps, strict=True)):
        spent = alpha_spent(time, spending, level)
        z = _bound(paths, step, math.sqrt(time), spent - before)
        found.append(Look(float(time), spent, z, 2 * float(special.ndtr(-z))))
        before = spent
        if i + 1 < len(steps):
            paths.carry(min(z, FARTHEST) * math.sqrt(time), step, steps[i + 1])
    return tuple(found)


def repeated_p(
    p_value: float, information: Sequence[float], *, spending: Spending = "obrien-fleming"
) -> float:
    """The smallest overall two-sided level at which this look would reject (Jennison & Turnbull 1989).

    `p_value` is the two-sided p of the test at the last of the looks `information`, as if it were the only one.
    The result is a p-value for all looks together: under the null, the chance that it falls to a or below at
    any look is at most a; so it may enter Holm's procedure, which p-values of single looks may not. 1 where no level
    would do.
    """
    if not 0 <= p_value <= 1:
        raise ValueError(f"{p_value} is no p-value")

    def excess(logarithm: float) -> float:
        nominal = looks(information, spending=spending, level=math.exp(logarithm))[-1].nominal_p
        return math.log(max(nominal, 1e-320)) - math.log(max(p_value, 1e-320))

    least, most = math.log(1e-12), math.log(0.999)
    if excess(least) >= 0:
        return math.exp(least)
    if excess(most) <= 0:
        return 1.0
    return math.exp(brentq(excess, least, most, xtol=1e-9))


def _bound(paths: Paths, step: float, root: float, spend: float) -> float:
    """The z at which the paths left cross with the probability `spend`."""
    if paths.crossing(HIGHEST * root, step) >= spend:
        return HIGHEST

    def excess(z: float) -> float:
        return math.log(max(paths.crossing(z * root, step), 1e-320)) - math.log(spend)

    return float(brentq(excess, 0.0, HIGHEST, xtol=1e-12))


def pocock_constant(count: int, level: float = LEVEL) -> float:
    """The one |z| that serves `count` equally spaced looks (Pocock 1977): 2.178 for two at 0.05."""
    return _constant(count, level, lambda c, k: c)


def obrien_fleming_constant(count: int, level: float = LEVEL) -> float:
    """C of the bounds C√(count/k) at look k of `count` equally spaced ones (O'Brien & Fleming 1979).

    It is the bound at the final look: 1.977 for two at 0.05.
    """
    return _constant(count, level, lambda c, k: c * math.sqrt(count / k))


def _constant(count: int, level: float, bound: Callable[[float, int], float]) -> float:
    if count < 1 or not 0 < level < 1:
        raise ValueError("a plan has a look or more, and a level between 0 and 1")
    information = range(1, count + 1)

    def excess(c: float) -> float:
        return overall_error(information, [bound(c, k) for k in information])[-1] - level

    # One look is too lenient for several, and Bonferroni's bound too strict.
    single, bonferroni = (-float(special.ndtri(tail / 2)) for tail in (level, level / count))
    return single if count == 1 else float(brentq(excess, single, bonferroni, xtol=1e-10))

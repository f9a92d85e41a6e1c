"""Control charts of a value per period: the tabular CUSUM and the EWMA, designed by their run lengths.

A chart signals sooner or later whatever happens, so it is judged by its average run length: how many periods pass
before a signal when nothing changed (many), and when the mean moved (few). Values are independent and roughly
normal round `target` with standard deviation `sd`, both known from a quiet time; shares are first standardised by
√(p(1 − p)/n) of their period.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import brentq

from evaltrack.stats.intervals import real_values

# Beyond, the linear equations no longer tell a run length from infinity.
LONGEST = 1e10


@dataclass(frozen=True, slots=True)
class Signal:
    """The first period (from 1) at which a chart signals, which way, for how long, and the new mean's estimate."""

    period: int
    direction: Literal["up", "down"]
    periods: int
    mean: float


@dataclass(frozen=True, slots=True)
class Cusum:
    """Both sums per period, in units of sd, and the first signal; the sums run on after it."""

    up: NDArray[np.float64]
    down: NDArray[np.float64]
    signal: Signal | None


def standardised(values: ArrayLike, target: float, sd: float) -> NDArray[np.float64]:
    """(value − target)/sd."""
    vector = real_values(values)
    if not (math.isfinite(target) and 0 < sd < math.inf):
        raise ValueError("a chart has a target and a positive standard deviation")
    return (vector - target) / sd


def cusum(values: ArrayLike, *, target: float, sd: float, k: float = 0.5, h: float = 5.0) -> Cusum:
    """The two-sided tabular CUSUM (Page 1954; Montgomery): sums of what exceeds `k` sd, signal above `h` sd.

    C⁺ᵢ = max(0, C⁺ᵢ₋₁ + zᵢ − k), and C⁻ likewise downwards. k is half of the shift worth finding; h is chosen by
    `cusum_threshold`. The signal says for how many periods the sum has been positive, which dates the change,
    and estimates the new mean as target ± sd(k + C/N). No values give empty sums and no signal.
    """
    _check_cusum(k, h)
    z = standardised(values, target, sd)
    sums, signal = {}, None
    for direction, sign in (("up", 1), ("down", -1)):
        walk = np.concatenate(([0.0], np.cumsum(sign * z - k)))
        lowest = np.minimum.accumulate(walk)
        sums[direction] = (walk - lowest)[1:]
        above = np.flatnonzero(sums[direction] > h)
        if len(above) and (signal is None or above[0] + 1 < signal.period):
            period = int(above[0]) + 1
            since = period - int(np.flatnonzero(walk[: period + 1] == lowest[period])[-1])
            mean = target + sign * sd * (k + float(sums[direction][period - 1]) / since)
            signal = Signal(period, "up" if sign > 0 else "down", since, mean)
    return Cusum(sums["up"], sums["down"], signal)


def _check_cusum(k: float, h: float) -> None:
    if not (0.05 <= k <= 10 and 0 < h <= 100):
        raise ValueError("a CUSUM has an allowance from 0.05 to 10 and a threshold from 0 to 100")


def _run_length(
    nodes: NDArray[np.float64], chances: NDArray[np.float64], start: NDArray[np.float64]
) -> float:
    """L = 1 + ∫ L(x) f(x | state) dx as linear equations (Nyström): `chances` among nodes, `start` from outside."""
    lengths = np.linalg.solve(np.eye(len(nodes)) - chances, np.ones(len(nodes)))
    length = float(1 + start @ lengths)
    return length if 1 <= length < LONGEST else math.inf


def _designed(run_length_at: Callable[[float], float], run_length: float) -> float:
    """The limit at which an unchanged process has the run length asked for; it grows with the limit."""
    if not 2 <= run_length <= 1e6:
        raise ValueError("a chart is designed for a run length between 2 and a million periods")
    highest = 1.0
    while run_length_at(highest) < run_length:
        highest *= 1.25
    return float(brentq(lambda limit: math.log(run_length_at(limit) / run_length), 1e-3, highest, xtol=1e-9))


def cusum_run_length(shift: float = 0.0, *, k: float = 0.5, h: float = 5.0) -> float:
    """Average periods to a signal of the two-sided CUSUM from 0, when the mean is off by `shift` sd.

    Page's integral equation on a Gauss–Legendre grid with an atom at 0, for each side; 1/ARL adds up. Infinite
    beyond 10¹⁰.
    """
    _check_cusum(k, h)
    if not math.isfinite(shift):
        raise ValueError("a shift is a finite number of standard deviations")
    x, w = _grid(0.0, h, width=1.0)
    nodes = np.concatenate(([0.0], x))
    rate = 0.0
    for mean in (shift, -shift):
        arrive = np.concatenate(
            (
                special.ndtr(k - nodes - mean)[:, None],
                w * _normal(x + k - nodes[:, None] - mean),
            ),
            axis=1,
        )
        rate += 1 / _run_length(nodes, arrive, arrive[0])
    return 1 / rate if rate else math.inf


def cusum_threshold(run_length: float, *, k: float = 0.5) -> float:
    """The h at which an unchanged process signals once in `run_length` periods on average: 4.77 for 370."""
    return _designed(lambda h: cusum_run_length(k=k, h=h), run_length)


@dataclass(frozen=True, slots=True)
class Ewma:
    """The smoothed value per period, the limits round the target, and the first period (from 1) outside."""

    smoothed: NDArray[np.float64]
    low: float
    high: float
    signal: int | None


def ewma(values: ArrayLike, *, target: float, sd: float, weight: float = 0.2, width: float = 2.962) -> Ewma:
    """Exponentially weighted moving average (Roberts 1959): sᵢ = λxᵢ + (1 − λ)sᵢ₋₁, from the target on.

    It signals outside target ± width·sd·√(λ/(2 − λ)). These are the limits of the long run from the first period
    on, for which `ewma_width` finds the width. The defaults signal once in 500 unchanged periods. No values give
    no smoothed ones and no signal.
    """
    _check_ewma(weight, width)
    z = standardised(values, target, sd)
    smoothed, state = np.empty_like(z), 0.0
    for i, step in enumerate(z.tolist()):
        state += weight * (step - state)
        smoothed[i] = state
    limit = width * math.sqrt(weight / (2 - weight))
    outside = np.flatnonzero(np.abs(smoothed) > limit)
    signal = int(outside[0]) + 1 if len(outside) else None
    return Ewma(target + sd * smoothed, target - sd * limit, target + sd * limit, signal)


def _check_ewma(weight: float, width: float) -> None:
    if not (0.01 <= weight <= 1 and 0 < width < math.inf):
        raise ValueError("an EWMA has a weight from 0.01 to 1 and a positive width")


def ewma_run_length(shift: float = 0.0, *, weight: float = 0.2, width: float = 2.962) -> float:
    """Average periods to a signal of the EWMA from its target (Crowder 1987's integral equation)."""
    _check_ewma(weight, width)
    if not math.isfinite(shift):
        raise ValueError("a shift is a finite number of standard deviations")
    limit = width * math.sqrt(weight / (2 - weight))
    x, w = _grid(-limit, limit, width=weight)

    def arrive(state: NDArray[np.float64]) -> NDArray[np.float64]:
        return w / weight * _normal((x - (1 - weight) * state) / weight - shift)

    return _run_length(x, arrive(x[:, None]), arrive(np.zeros(1)))


def ewma_width(run_length: float, *, weight: float = 0.2) -> float:
    """The width at which an unchanged process signals once in `run_length` periods: 2.962 for 500 at 0.2."""
    return _designed(lambda width: ewma_run_length(weight=weight, width=width), run_length)


def _grid(low: float, high: float, width: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss–Legendre nodes and weights, fine enough for a normal density of standard deviation `width`."""
    x, w = np.polynomial.legendre.leggauss(20 + 4 * math.ceil((high - low) / width))
    half = (high - low) / 2
    return low + half * (x + 1), half * w


def _normal(z: NDArray[np.float64]) -> NDArray[np.float64]:
    density: NDArray[np.float64] = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return density

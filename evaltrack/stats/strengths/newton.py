"""The top of a concave likelihood, and the weak penalty that gives it one where the votes do not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from evaltrack.stats.estimate import Undefined

Vector = NDArray[np.float64]

MOST_STEPS = 50
CLOSE = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Slope:
    """A log likelihood at some parameters, its gradient, and its negative Hessian."""

    height: float
    gradient: Vector
    hessian: Vector


def climb(slope: Callable[[Vector], Slope], start: Vector) -> tuple[Vector, Slope] | Undefined:
    """The parameters of the maximum, by Newton's method, and the slope there."""
    parameters, step, best = start, np.zeros_like(start), -math.inf
    for _ in range(MOST_STEPS):
        here = slope(parameters)
        if not here.height >= best - 1e-9 * abs(best):  # a step too far, or out of the domain: halve it
            step = step / 2
            parameters = parameters - step
            continue
        best = here.height
        try:
            step = linalg.solve(here.hessian, here.gradient, assume_a="pos")
        except linalg.LinAlgError:
            return Undefined("the votes do not tell strengths and the order effect apart")
        if np.abs(step).max() < CLOSE:
            return parameters, here
        parameters = parameters + step
    return Undefined("no strengths are the likeliest: the fit does not settle")


def weakly(slope: Callable[[Vector], Slope], systems: int) -> Callable[[Vector], Slope]:
    """The slope with half a win and half a loss of each system against a phantom of average strength.

    The strengths, without the first, which is 0, are the first of the parameters.
    """
    from_average = (np.eye(systems) - 1 / systems)[:, 1:]
    width = systems - 1

    def penalised(parameters: Vector) -> Slope:
        here = slope(parameters)
        distance = from_average @ parameters[:width]
        likely = special.expit(distance)
        gradient, hessian = here.gradient.copy(), here.hessian.copy()
        gradient[:width] += from_average.T @ (0.5 - likely)
        hessian[:width, :width] += from_average.T @ (from_average * (likely * (1 - likely))[:, None])
        height = float((special.log_expit(distance) + special.log_expit(-distance)).sum()) / 2
        return Slope(here.height + height, gradient, hessian)

    return penalised

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
# Where a strength and the order effect run off together, as one explains away every loss of the other, the likelihood
# grows flat long before it stops growing: this is the root of what `inverted` takes.
LEAST_SCALE = 1e-7
NOT_APART = Undefined("the votes do not tell strengths and the order effect apart")
# Up to so many parameters numpy's own loops invert and multiply. LAPACK's threads wait for each other where other
# programs use the cores: 0.4 s for a matrix of 100, which these loops take 2 ms for.
MOST_SWEPT = 150


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
            factor = linalg.cho_factor(here.hessian)
        except linalg.LinAlgError:
            return NOT_APART
        scale = np.diag(factor[0])
        if scale.min() < LEAST_SCALE * scale.max():
            return NOT_APART
        step = linalg.cho_solve(factor, here.gradient)
        if np.abs(step).max() < CLOSE:
            return parameters, here
        parameters = parameters + step
    return Undefined("no strengths are the likeliest: the fit does not settle")


def inverted(square: Vector) -> Vector:
    """The inverse of a symmetric, positive definite matrix, small ones by sweeps (Goodnight 1979).

    ValueError where it is not positive definite.
    """
    if len(square) > MOST_SWEPT:
        return linalg.inv(square, assume_a="pos")
    swept = square.copy()
    least = 1e-14 * np.diag(square)
    for k in range(len(swept)):
        pivot = swept[k, k]
        if not pivot > least[k]:
            raise ValueError("the matrix is not positive definite")
        row = swept[k] / pivot
        column = swept[:, k].copy()
        swept -= column[:, None] * row
        swept[k], swept[:, k] = row, -column / pivot
        swept[k, k] = 1 / pivot
    return (swept + swept.T) / 2


def around_both(outer: Vector, inner: Vector) -> Vector:
    """A B A of symmetric matrices."""
    if len(outer) > MOST_SWEPT:
        return outer @ inner @ outer
    return np.einsum("ij,jk->ik", np.einsum("ij,jk->ik", outer, inner), outer)


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

"""Another model of ties, Rao and Kupper's, and which of the two the votes speak for."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.strengths.davidson import Strengths, strengths
from evaltrack.stats.strengths.newton import Slope, climb
from evaltrack.stats.strengths.votes import Vector, Votes, counted, designed, why_apart

TELLING = math.log(20)


@dataclass(frozen=True, slots=True, eq=False)
class Thresholds:
    """Rao and Kupper's fit: `strengths` sum to 0, and a win takes an advantage beyond ln `threshold` (θ, from 1 up).

    `order_effect` is how much being shown on the left adds to the log odds, 0 where it was not fitted.
    """

    strengths: Vector
    order_effect: float
    threshold: float
    log_likelihood: float
    n: int


@dataclass(frozen=True, slots=True, eq=False)
class TieModels:
    """Both models of the same votes, with as many parameters each, so that their likelihoods compare directly."""

    davidson: Strengths
    rao_kupper: Thresholds

    @property
    def log_ratio(self) -> float:
        """By how much the log likelihood of Davidson's model is the larger one; below 0, Rao and Kupper's is."""
        return self.davidson.log_likelihood - self.rao_kupper.log_likelihood

    @property
    def sentence(self) -> str:
        """Which model the votes speak for, if they do: as soon as they are twenty times likelier under it."""
        ratio = abs(self.log_ratio)
        if ratio < TELLING:
            return f"The votes hardly tell Davidson's ties from Rao and Kupper's (log likelihoods {ratio:.2f} apart)."
        better, worse = ("Davidson's", "Rao and Kupper's")[:: 1 if self.log_ratio > 0 else -1]
        return f"{better} ties fit better than {worse} (log likelihoods {ratio:.2f} apart)."


def rao_kupper(
    left: ArrayLike, right: ArrayLike, outcomes: ArrayLike, prompts: ArrayLike, *, order: bool = True
) -> Thresholds | Undefined:
    """Fit votes by maximum likelihood with the ties of Rao & Kupper 1967; the arguments are those of `strengths`.

    With η = θ_left − θ_right + δ and τ = ln θ the left one wins with probability σ(η − τ), the right one with
    σ(−η − τ), σ the logistic function; the rest are ties: a difference below the threshold is not seen. Without ties
    θ is 1 and this is the Bradley–Terry model. It is beside Davidson's, which decides; it has no intervals.

    Undefined where `strengths` is.
    """
    votes = counted(left, right, outcomes, prompts)
    reason = (
        "there are no votes" if not votes.n else why_apart(votes.parts()) or votes.why_one_sided(order=order)
    )
    if reason:
        return Undefined(reason)
    design = designed(votes.left, votes.right, votes.systems, order=order)
    start = np.zeros(design.shape[1] + votes.has_ties)
    if votes.has_ties:
        # A share t of ties between equals has θ = (1 + t)/(1 − t).
        start[-1] = 2 * math.atanh(votes.counts[1].sum() / votes.n)
    fitted = climb(lambda parameters: _sloped(design, votes, parameters), start)
    if isinstance(fitted, Undefined):
        return fitted
    parameters, top = fitted
    theta = np.concatenate([[0.0], parameters[: votes.systems - 1]])
    return Thresholds(
        theta - theta.mean(),
        float(parameters[votes.systems - 1]) if order else 0.0,
        math.exp(parameters[-1]) if votes.has_ties else 1.0,
        top.height,
        votes.n,
    )


def tie_models(
    left: ArrayLike, right: ArrayLike, outcomes: ArrayLike, prompts: ArrayLike, *, order: bool = True
) -> TieModels | Undefined:
    """Davidson's and Rao and Kupper's fits, to compare by likelihood. Undefined where `strengths` is."""
    davidson = strengths(left, right, outcomes, prompts, order=order)
    other = rao_kupper(left, right, outcomes, prompts, order=order)
    if isinstance(davidson, Undefined):
        return davidson
    return other if isinstance(other, Undefined) else TieModels(davidson, other)


def _sloped(design: Vector, votes: Votes, parameters: Vector) -> Slope:
    """Rao and Kupper's log likelihood, concave in strengths, order effect and τ.

    As P(tie) = (θ² − 1)·P(left)·P(right) it is that of two logistic regressions, in which a tie counts for both, and
    a term in τ alone.
    """
    width = design.shape[1]
    tau = float(parameters[-1]) if votes.has_ties else 0.0
    if votes.has_ties and tau <= 0:
        return Slope(-math.inf, np.zeros_like(parameters), np.eye(len(parameters)))
    eta = design @ parameters[:width]
    for_left, for_right = votes.counts[0] + votes.counts[1], votes.counts[2] + votes.counts[1]
    left, right = special.expit(eta - tau), special.expit(-eta - tau)
    height = for_left @ special.log_expit(eta - tau) + for_right @ special.log_expit(-eta - tau)
    gradient = design.T @ (for_left * (1 - left) - for_right * (1 - right))
    curve_left, curve_right = for_left * left * (1 - left), for_right * right * (1 - right)
    hessian = design.T @ (design * (curve_left + curve_right)[:, None])
    if not votes.has_ties:
        return Slope(float(height), gradient, hessian)
    ties = float(votes.counts[1].sum())
    grown = math.expm1(2 * tau)  # θ² − 1
    height += ties * math.log(grown)
    slope = 2 * ties * (1 + 1 / grown) - for_left @ (1 - left) - for_right @ (1 - right)
    corner = (curve_left + curve_right).sum() + 4 * ties * (1 + grown) / grown**2
    cross = design.T @ (curve_right - curve_left)
    return Slope(
        float(height),
        np.append(gradient, slope),
        np.block([[hessian, cross[:, None]], [cross[None, :], np.array([[corner]])]]),
    )

"""How strong each of several systems is, by the model of Bradley and Terry with Davidson's ties."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, special

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import TAIL
from evaltrack.stats.preference.net import FEWEST_CLUSTERS
from evaltrack.stats.strengths.newton import NOT_APART, Slope, climb, inverted, weakly
from evaltrack.stats.strengths.sandwich import covariance_by
from evaltrack.stats.strengths.votes import (
    Codes,
    Vector,
    Votes,
    bordered,
    counted,
    crossed,
    designed,
    whose,
    why_apart,
)

# η of each ordered pair over strengths and order effect: three numbers a row are not 0.
Design: TypeAlias = Vector | sparse.csr_array


@dataclass(frozen=True, slots=True, eq=False)
class Strengths:
    """The fitted model. Only differences of `strengths` mean something; their sum is 0.

    `order_effect` is how much being shown on the left adds to the log odds of winning; `tie_weight` is ν, 0 where
    there was no tie. `covariance` is that of all strengths but the first (taken as 0), the order effect if fitted,
    and ln ν if there are ties; `model_covariance` is what it would be if votes were independent and the model true.
    `log_likelihood` is that of the votes.

    With raters, votes are taken to be alike by prompt and by rater: `covariance` is the sum of both less that of
    votes alike in both, `bounds` are the two by themselves, than which no variance is smaller, and `clusters` counts
    the fewer of prompts and raters.

    `penalty` is "" for the likeliest strengths; else it says that a weak penalty keeps them finite, and why. `parts`
    then numbers the groups of systems that are tied together by wins in both directions.
    """

    strengths: Vector
    order_effect: Estimate
    tie_weight: float
    log_likelihood: float
    covariance: NDArray[np.float64]
    model_covariance: NDArray[np.float64]
    n: int
    clusters: int
    parts: Codes
    penalty: str = ""
    bounds: tuple[NDArray[np.float64], ...] = ()

    @property
    def ratings(self) -> Vector:
        """The strengths on the scale of chess, for display: 1000 on average, 400 more for ten times the odds."""
        return 1000 + self.strengths * 400 / math.log(10)

    def difference(self, one: int, other: int) -> Estimate:
        """Log odds that `one` wins against `other` when neither is shown first and they do not tie.

        Without an interval where only the penalty keeps it finite.
        """
        value = float(self.strengths[one] - self.strengths[other])
        if self.parts[one] != self.parts[other]:
            reason = (
                "one of the two never won or tied against the group of the other: a penalty keeps this finite"
            )
            return Estimate(value, None, None, self.n, METHOD, reason, clusters=self.clusters)
        method = TWO_WAY if self.bounds else METHOD
        return clustered(value, self.variance(one, other), self.n, self.clusters, method)

    def strength(self, system: int) -> Estimate:
        """Log odds against a system of average strength, where neither is shown first and they do not tie.

        Its interval speaks of all systems together, as the average moves with each; two systems are told apart by
        their `difference`. Without an interval where only the penalty keeps the strengths finite.
        """
        value = float(self.strengths[system])
        if self.penalty:
            reason = "not all systems won or tied against each other's groups: a penalty keeps this finite"
            return Estimate(value, None, None, self.n, METHOD, reason, clusters=self.clusters)
        weights = np.full(len(self.strengths), -1 / len(self.strengths))
        weights[system] += 1
        contrast = np.zeros(len(self.covariance))
        contrast[: len(weights) - 1] = weights[1:]  # the first strength is 0
        variance = max(float(contrast @ each @ contrast) for each in (self.covariance, *self.bounds))
        method = TWO_WAY if self.bounds else METHOD
        return clustered(value, variance, self.n, self.clusters, method)

    def variance(self, one: int, other: int) -> float:
        """Of the difference of two strengths."""
        places = [(system - 1, sign) for system, sign in ((one, 1.0), (other, -1.0)) if system]

        def within(covariance: NDArray[np.float64]) -> float:
            return sum(float(a * b * covariance[i, j]) for i, a in places for j, b in places)

        return max(within(each) for each in (self.covariance, *self.bounds))

    def contrast(self, one: int, other: int) -> Vector:
        """The difference of two strengths as weights of what the covariance is of."""
        contrast = np.zeros(len(self.covariance))
        for system, sign in ((one, 1.0), (other, -1.0)):
            if system:
                contrast[system - 1] += sign
        return contrast


METHOD = "Davidson model, cluster-robust t interval by prompt"
TWO_WAY = "Davidson model, two-way cluster-robust t interval by prompt and rater"


def clustered(value: float, variance: float, n: int, clusters: int, method: str = METHOD) -> Estimate:
    """The t interval with clusters − 1 degrees of freedom, from enough clusters."""
    if clusters < FEWEST_CLUSTERS:
        what = "prompts or raters" if method == TWO_WAY else "prompts"
        reason = f"votes on {clusters} {what} do not support an interval: {FEWEST_CLUSTERS} are needed"
        return Estimate(value, None, None, n, method, reason, clusters=clusters)
    half = float(special.stdtrit(clusters - 1, 1 - TAIL)) * math.sqrt(max(variance, 0.0))
    return Estimate(value, value - half, value + half, n, method, clusters=clusters)


def strengths(
    left: ArrayLike,
    right: ArrayLike,
    outcomes: ArrayLike,
    prompts: ArrayLike,
    *,
    raters: ArrayLike | None = None,
    order: bool = True,
    systems: int | None = None,
    fall_back: bool = False,
) -> Strengths | Undefined:
    """Fit votes by maximum likelihood: Davidson 1970, with the order effect of Davidson & Beaver 1977.

    One entry per vote: `left` and `right` number the systems from 0, `outcomes` is 1 where the left one won, −1
    where the right one did, 0 for a tie; `prompts` numbers the prompt. With η = θ_left − θ_right + δ, the left one
    wins, the right one wins or they tie in the proportions exp(η/2) : exp(−η/2) : ν; without ties this is the
    Bradley–Terry model. "Both bad" is no tie: it says something about quality, so leave it out and count it.
    With `order` False δ is 0, for votes whose order was not kept. `systems` counts those without a vote yet, too.

    Votes on one prompt are alike, so covariances are the sandwich H⁻¹ (Σ s_g s_gᵀ) H⁻¹·G/(G − 1) with scores
    summed by prompt. With `raters`, a number for each vote, they speak of other raters too (Cameron, Gelbach & Miller
    2011; see `preference.net_preference_two_way`), which takes 5 of them.

    Undefined without votes; where some systems never won or tied against the others, as then no finite strengths
    are the likeliest (Ford 1957); or where all votes went to one side, or were ties. With `fall_back` the second case
    has strengths all the same: each system is given half a win and half a loss against a phantom of average strength,
    `penalty` says so, and differences that rest on it alone have no interval.
    """
    votes = counted(left, right, outcomes, prompts, systems)
    if not votes.n:
        return Undefined("there are no votes")
    parts = votes.parts()
    apart = why_apart(parts)
    reason = (apart if not fall_back else "") or votes.why_one_sided(order=order)
    if reason:
        return Undefined(reason)
    design = sparse.csr_array(designed(votes.left, votes.right, votes.systems, order=order))

    def slope(parameters: Vector) -> Slope:
        return sloped(design, votes, parameters)

    start = np.zeros(design.shape[1] + votes.has_ties)
    fitted = climb(weakly(slope, votes.systems) if apart else slope, start)
    if isinstance(fitted, Undefined):
        return fitted
    parameters, top = fitted
    try:
        inverse = inverted(top.hessian)
    except ValueError:
        return NOT_APART
    chances = np.exp(log_chances(design, parameters, has_ties=votes.has_ties))

    def by(group_of: Codes, groups: int) -> Vector:
        return covariance_by(group_of, groups, votes, chances, inverse, order=order)

    covariance, clusters = by(votes.prompt_of, votes.prompts), votes.prompts
    bounds: tuple[Vector, ...] = ()
    if raters is not None:
        rater_of, people = whose(raters, votes.n)
        both, pairs = np.unique(votes.prompt_of * people + rater_of, return_inverse=True)
        bounds = covariance, by(rater_of, people)
        covariance = bounds[0] + bounds[1] - by(pairs, len(both))
        clusters = min(clusters, people)
    method = TWO_WAY if bounds else METHOD
    theta = np.concatenate([[0.0], parameters[: votes.systems - 1]])
    if order:
        at = votes.systems - 1
        variance = max(float(each[at, at]) for each in (covariance, *bounds))
        effect = clustered(float(parameters[at]), variance, votes.n, clusters, method)
    else:
        effect = Estimate(0.0, None, None, votes.n, "none", "the order was not kept", clusters=clusters)
    return Strengths(
        theta - theta.mean(),
        effect,
        math.exp(parameters[-1]) if votes.has_ties else 0.0,
        slope(parameters).height,
        covariance,
        inverse,
        votes.n,
        clusters,
        parts,
        f"A weak penalty keeps the strengths finite: {apart}." if apart else "",
        bounds,
    )


def log_chances(design: Design, parameters: Vector, *, has_ties: bool) -> Vector:
    """ln P of left, tie, right (rows) for each pair; −∞ for a tie where there are none."""
    half = design @ parameters[: design.shape[1]] / 2
    tie = np.full_like(half, parameters[-1] if has_ties else -np.inf)
    logits = np.stack([half, tie, -half])
    return logits - np.logaddexp.reduce(logits)


def log_likelihood(counts: Vector, logs: Vector) -> float:
    """Σ count·ln P, where what was never seen may have had no chance."""
    return float((counts * np.where(counts > 0, logs, 0.0)).sum())


def sloped(design: Design, votes: Votes, parameters: Vector) -> Slope:
    """Davidson's log likelihood of the votes, concave in strengths, order effect and ln ν."""
    counts, totals = votes.counts, votes.counts.sum(axis=0)
    logs = log_chances(design, parameters, has_ties=votes.has_ties)
    left, tie, right = np.exp(logs)
    gradient = design.T @ (counts[0] - counts[2] - totals * (left - right)) / 2
    curve = totals * (left + right - (left - right) ** 2) / 4
    order = design.shape[1] == votes.systems
    hessian = crossed(votes.left, votes.right, curve, votes.systems, order=order)
    if votes.has_ties:
        gradient = np.append(gradient, (counts[1] - totals * tie).sum())
        cross = design.T @ (-totals * (left - right) * tie / 2)
        corner = float((totals * tie * (1 - tie)).sum())
        hessian = bordered(hessian, cross, corner)
    return Slope(log_likelihood(counts, logs), gradient, hessian)

"""How strong each of several systems is, from blind votes between pairs of them, with ties and the shown order."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, sparse, special

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import TAIL
from evaltrack.stats.preference import FEWEST_CLUSTERS

LEFT, TIE, RIGHT = 1, 0, -1
MOST_STEPS = 50
CLOSE = 1e-10
BLOCK = 4096

Vector = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Strengths:
    """The fitted model. Only differences of `strengths` mean something; their sum is 0.

    `order_effect` is how much being shown on the left adds to the log odds of winning; `tie_weight` is ν, 0 where
    there was no tie. `covariance` is that of all strengths but the first (taken as 0), the order effect if fitted,
    and ln ν if there are ties; `model_covariance` is what it would be if votes were independent and the model true.
    """

    strengths: Vector
    order_effect: Estimate
    tie_weight: float
    log_likelihood: float
    covariance: NDArray[np.float64]
    model_covariance: NDArray[np.float64]
    n: int
    clusters: int

    def difference(self, one: int, other: int) -> Estimate:
        """Log odds that `one` wins against `other` when neither is shown first and they do not tie."""
        contrast = np.zeros(len(self.covariance))
        for system, sign in ((one, 1.0), (other, -1.0)):
            if system:
                contrast[system - 1] += sign
        value = float(self.strengths[one] - self.strengths[other])
        return clustered(value, float(contrast @ self.covariance @ contrast), self.n, self.clusters)


def clustered(value: float, variance: float, n: int, clusters: int) -> Estimate:
    """The t interval with clusters − 1 degrees of freedom, from enough clusters."""
    method = "Davidson model, cluster-robust t interval by prompt"
    if clusters < FEWEST_CLUSTERS:
        reason = f"votes on {clusters} prompts do not support an interval: {FEWEST_CLUSTERS} are needed"
        return Estimate(value, None, None, n, method, reason, clusters=clusters)
    half = float(special.stdtrit(clusters - 1, 1 - TAIL)) * math.sqrt(max(variance, 0.0))
    return Estimate(value, value - half, value + half, n, method, clusters=clusters)


def strengths(
    left: ArrayLike, right: ArrayLike, outcomes: ArrayLike, prompts: ArrayLike, *, order: bool = True
) -> Strengths | Undefined:
    """Fit votes by maximum likelihood: Davidson 1970, with the order effect of Davidson & Beaver 1977.

    One entry per vote: `left` and `right` number the systems from 0, `outcomes` is 1 where the left one won, −1
    where the right one did, 0 for a tie; `prompts` numbers the prompt. With η = θ_left − θ_right + δ, the left one
    wins, the right one wins or they tie in the proportions exp(η/2) : exp(−η/2) : ν; without ties this is the
    Bradley–Terry model. "Both bad" is no tie: it says something about quality, so leave it out and count it.
    With `order` False δ is 0, for votes whose order was not kept.

    Votes on one prompt are alike, so covariances are the sandwich H⁻¹ (Σ s_g s_gᵀ) H⁻¹·G/(G − 1) with scores
    summed by prompt.

    Undefined without votes; where some systems never won or tied against the others, as then no finite strengths
    are the likeliest (Ford 1957); or where all votes went to one side, or were ties.
    """
    ones, others, results, groups = checked(left, right, outcomes, prompts)
    if len(ones) == 0:
        return Undefined("there are no votes")
    systems = int(max(ones.max(), others.max())) + 1
    pairs, pair_of = np.unique(ones * systems + others, return_inverse=True)
    counts = np.stack(
        [np.bincount(pair_of, weights=results == each, minlength=len(pairs)) for each in (LEFT, TIE, RIGHT)]
    ).astype(np.float64)
    reason = why_none(pairs // systems, pairs % systems, counts, systems, order=order)
    if reason:
        return Undefined(reason)
    design = designed(pairs // systems, pairs % systems, systems, order=order)
    fitted = fit(design, counts)
    if isinstance(fitted, Undefined):
        return fitted
    parameters, hessian = fitted
    inverse = linalg.inv(hessian)
    codes, group_of = np.unique(groups, return_inverse=True)
    scores = cluster_scores(design, counts, parameters, pair_of, results, group_of, len(codes))
    blocks = (scores[start : start + BLOCK].toarray() for start in range(0, len(codes), BLOCK))
    meat = sum(block.T @ block for block in blocks)
    covariance = inverse @ meat @ inverse * (len(codes) / max(len(codes) - 1, 1))
    theta = np.concatenate([[0.0], parameters[: systems - 1]])
    has_ties = bool(counts[1].any())
    if order:
        effect = clustered(
            parameters[systems - 1], covariance[systems - 1, systems - 1], len(ones), len(codes)
        )
    else:
        effect = Estimate(0.0, None, None, len(ones), "none", "the order was not kept", clusters=len(codes))
    return Strengths(
        theta - theta.mean(),
        effect,
        math.exp(parameters[-1]) if has_ties else 0.0,
        log_likelihood(counts, log_chances(design, parameters, has_ties=has_ties)),
        covariance,
        inverse,
        len(ones),
        len(codes),
    )


def checked(left: ArrayLike, right: ArrayLike, outcomes: ArrayLike, prompts: ArrayLike) -> list[Codes]:
    """The four as vectors of whole numbers of one length."""
    vectors = [np.asarray(each) for each in (left, right, outcomes, prompts)]
    if any(each.ndim != 1 or len(each) != len(vectors[0]) for each in vectors):
        raise ValueError("left, right, outcomes and prompts have one entry per vote each")
    if len(vectors[0]) and not all(np.issubdtype(each.dtype, np.integer) for each in vectors):
        raise ValueError("systems, outcomes and prompts are whole numbers")
    ones, others, results, groups = (each.astype(np.int64) for each in vectors)
    if len(ones) and min(ones.min(), others.min()) < 0:
        raise ValueError("systems are numbered from 0")
    if (ones == others).any():
        raise ValueError("a vote is between two different systems")
    if not np.isin(results, (LEFT, TIE, RIGHT)).all():
        raise ValueError("an outcome is 1, 0 or -1")
    return [ones, others, results, groups]


def why_none(ones: Codes, others: Codes, counts: Vector, systems: int, *, order: bool) -> str:
    """Why no finite strengths are the likeliest, if so: wins and ties must lead from everybody to everybody."""
    wins = sparse.coo_array(
        (
            np.concatenate([counts[0] + counts[1], counts[2] + counts[1]]),
            (np.concatenate([ones, others]), np.concatenate([others, ones])),
        ),
        shape=(systems, systems),
    ).tocsr()
    wins.eliminate_zeros()
    parts, _ = sparse.csgraph.connected_components(wins, connection="strong")
    if parts > 1:
        return (
            f"the {systems} systems fall into {parts} groups of which one never won or tied against another"
        )
    if order and not (counts[1].any() or (counts[0].any() and counts[2].any())):
        return "all votes went to one side"
    if not counts[0].any() and not counts[2].any():
        return "all votes are ties"
    return ""


def designed(ones: Codes, others: Codes, systems: int, *, order: bool) -> Vector:
    """η of each ordered pair as a row over the strengths (the first is 0) and the order effect."""
    rows = np.arange(len(ones))
    design = np.zeros((len(ones), systems + 1))
    design[rows, ones], design[rows, others], design[:, systems] = 1.0, -1.0, 1.0
    return design[:, 1:] if order else design[:, 1:systems]


def log_chances(design: Vector, parameters: Vector, *, has_ties: bool) -> Vector:
    """ln P of left, tie, right (rows) for each pair; −∞ for a tie where there are none."""
    half = design @ parameters[: design.shape[1]] / 2
    tie = np.full_like(half, parameters[-1] if has_ties else -np.inf)
    logits = np.stack([half, tie, -half])
    return logits - special.logsumexp(logits, axis=0)


def log_likelihood(counts: Vector, logs: Vector) -> float:
    """Σ count·ln P, where what was never seen may have had no chance."""
    return float((counts * np.where(counts > 0, logs, 0.0)).sum())


def fit(design: Vector, counts: Vector) -> tuple[Vector, Vector] | Undefined:
    """The maximum of the (concave) likelihood by Newton's method, and the negative Hessian there."""
    has_ties = bool(counts[1].any())
    width, totals = design.shape[1], counts.sum(axis=0)
    parameters = np.zeros(width + has_ties)
    step, best = np.zeros_like(parameters), -math.inf
    for _ in range(MOST_STEPS):
        logs = log_chances(design, parameters, has_ties=has_ties)
        left, tie, right = np.exp(logs)
        gradient = design.T @ (counts[0] - counts[2] - totals * (left - right)) / 2
        hessian = design.T @ (design * (totals * (left + right - (left - right) ** 2) / 4)[:, None])
        if has_ties:
            gradient = np.append(gradient, (counts[1] - totals * tie).sum())
            cross = design.T @ (-totals * (left - right) * tie / 2)
            corner = float((totals * tie * (1 - tie)).sum())
            hessian = np.block([[hessian, cross[:, None]], [cross[None, :], np.array([[corner]])]])
        likelihood = log_likelihood(counts, logs)
        if likelihood < best - 1e-9 * abs(best):  # a step too far: halve it
            step = step / 2
            parameters = parameters - step
            continue
        best = likelihood
        try:
            step = linalg.solve(hessian, gradient, assume_a="pos")
        except linalg.LinAlgError:
            return Undefined("the votes do not tell strengths and the order effect apart")
        if np.abs(step).max() < CLOSE:
            return parameters, hessian
        parameters = parameters + step
    return Undefined("no strengths are the likeliest: the fit does not settle")


def cluster_scores(
    design: Vector,
    counts: Vector,
    parameters: Vector,
    pair_of: Codes,
    results: Codes,
    group_of: Codes,
    groups: int,
) -> sparse.csr_array:
    """The gradient of each prompt's votes (prompts × parameters)."""
    has_ties = bool(counts[1].any())
    left, tie, right = np.exp(log_chances(design, parameters, has_ties=has_ties))
    pairs = len(left)
    # Votes of one prompt on one pair share a row of the design: by prompt and pair, then by parameter.
    eta = sparse.csr_array(
        ((results - (left - right)[pair_of]) / 2, (group_of, pair_of)), shape=(groups, pairs)
    ) @ sparse.csr_array(design)
    if not has_ties:
        return eta
    rest = np.bincount(group_of, weights=(results == TIE) - tie[pair_of], minlength=groups)
    return sparse.hstack([eta, sparse.csr_array(rest[:, None])], format="csr")

"""Labels without a known truth: which label each unit has, and how each rater confuses labels (Dawid & Skene 1979).

The model: a unit's true label is drawn from shares π, and rater r gives label l to a unit of truth t with
probability c_r(t, l), whatever others say. Expectation and maximisation start from the shares of votes and end where
the likelihood no longer rises. Judgments enter as counts of rater and label, one sparse row per unit, so that each
step is one product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, special

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.patterns import Counts, whole

# Judgments that a rater is taken to have given beforehand, of each true label: right ones, and of each wrong label.
# Without them somebody with three labels is certified to be perfect.
SMOOTHING = (1.0, 0.1)
LABELS_PER_CELL = 5

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Aggregated:
    """The labels behind the judgments, and the raters behind the labels.

    `posteriors` (units × labels) is how probable each label is of each unit; `shares` how frequent labels are;
    `confusion` (raters × labels × labels) how often each rater gives a true label (row) each label (column).
    `few_labels` names raters with fewer than 5 judgments for each label, whose confusion is largely assumed.
    """

    posteriors: Matrix
    shares: Matrix
    confusion: Matrix
    log_likelihood: float
    iterations: int
    converged: bool
    few_labels: tuple[int, ...]

    @property
    def labels(self) -> Counts:
        """The likeliest label of each unit."""
        return self.posteriors.argmax(axis=1)

    @property
    def entropy(self) -> Matrix:
        """How unsettled each unit is, in bits: 0 where its label is certain, 1 where two are equally likely."""
        return special.entr(self.posteriors).sum(axis=1) / np.log(2)

    @property
    def accuracies(self) -> Matrix:
        """How often each rater is right, over labels as frequent as `shares`."""
        return np.einsum("t,rtt->r", self.shares, self.confusion)


def dawid_skene(
    units: ArrayLike,
    raters: ArrayLike,
    labels: ArrayLike,
    *,
    k: int,
    smoothing: tuple[float, float] | None = SMOOTHING,
    one_coin: bool = False,
    most: int = 1000,
    precision: float = 1e-9,
) -> Aggregated | Undefined:
    """The likeliest labels, raters and shares for judgments in three columns of numbers from 0.

    Judgment i says that rater `raters[i]` gave unit `units[i]` label `labels[i]`, below k. A rater may judge a unit
    several times. A unit that nobody judged has the posterior of the shares.

    `smoothing` adds so many right judgments, and so many of each wrong label, to each row of each rater's confusion
    (the mode under a Dirichlet prior); None gives Dawid and Skene's maximum of the likelihood. `one_coin` has one
    accuracy per rater, errors falling on the other labels evenly: for raters with few labels each. Iteration ends
    when the logarithm of the likelihood (with the prior's) changes by less than `precision` of itself, or after
    `most` rounds; `converged` says which. Undefined without judgments.
    """
    unit, rater, label = whole(units, "units"), whole(raters, "raters"), whole(labels, "labels")
    if unit.ndim != 1 or not unit.shape == rater.shape == label.shape:
        raise ValueError("units, raters and labels are columns of one length")
    if k < 2 or label.max(initial=0) >= k:
        raise ValueError(f"labels are numbered from 0 to {k - 1}, and are two or more")
    if smoothing is not None and not (smoothing[0] >= smoothing[1] >= 0 and smoothing[0] > 0):
        raise ValueError("smoothing adds no fewer right judgments than wrong ones, and none below 0")
    if not len(unit):
        return Undefined("there are no judgments")
    n, r = int(unit.max()) + 1, int(rater.max()) + 1
    given = sparse.csr_array((np.ones(len(unit)), (unit, rater * k + label)), shape=(n, r * k))
    given.sum_duplicates()
    by_column = given.T
    votes = np.bincount(unit * k + label, minlength=n * k).reshape(n, k).astype(np.float64)
    voted = votes.sum(axis=1, keepdims=True)
    posteriors = np.divide(votes, voted, out=np.full_like(votes, 1 / k), where=voted > 0)
    prior = np.zeros((k, k))
    if smoothing is not None:
        right, wrong = smoothing
        prior = wrong + (right - wrong) * np.eye(k)
    before, reached, rounds = -np.inf, False, 0
    while rounds < most and not reached:
        rounds += 1
        shares = posteriors.sum(axis=0) / n
        # Sums by rater, label given and truth, turned to rater, truth and label.
        tallies = (by_column @ posteriors).reshape(r, k, k).transpose(0, 2, 1) + prior
        confusion = _one_coin(tallies) if one_coin else _rows(tallies)
        posteriors, likelihood, penalty = _expected(given, shares, confusion, prior)
        now = likelihood + penalty
        reached = abs(now - before) <= precision * abs(now)
        before = now
    few = np.flatnonzero(np.bincount(rater, minlength=r) < LABELS_PER_CELL * k)
    return Aggregated(
        posteriors, shares, confusion, likelihood, rounds, reached, tuple(int(who) for who in few)
    )


def _rows(tallies: Matrix) -> Matrix:
    """Each row as shares; even ones where the rater never met that truth."""
    total = tallies.sum(axis=2, keepdims=True)
    even = np.full_like(tallies, 1 / tallies.shape[2])
    return np.divide(tallies, total, out=even, where=total > 0)


def _one_coin(tallies: Matrix) -> Matrix:
    k = tallies.shape[2]
    total = tallies.sum(axis=(1, 2))
    right = np.trace(tallies, axis1=1, axis2=2)
    accuracy = np.divide(right, total, out=np.full_like(total, 1 / k), where=total > 0)
    error = (1 - accuracy) / (k - 1)
    return error[:, None, None] + (accuracy - error)[:, None, None] * np.eye(k)


def _expected(
    given: sparse.csr_array, shares: Matrix, confusion: Matrix, prior: Matrix
) -> tuple[Matrix, float, float]:
    """Posteriors, the logarithm of the likelihood, and what the prior adds to it."""
    k = len(shares)
    with np.errstate(divide="ignore"):
        log_confusion = np.log(confusion)
        by_label = log_confusion.transpose(0, 2, 1).reshape(-1, k)
        joint = given @ by_label + np.log(shares)
    # Label by label: numpy's own maximum and sum of short rows take three times as long.
    top = reduce(np.maximum, joint.T)[:, None]
    np.subtract(joint, top, out=joint)
    np.exp(joint, out=joint)
    total = reduce(np.add, joint.T)[:, None]
    likelihood = float(np.log(total).sum() + top.sum())
    held = prior > 0
    penalty = float((prior[held] * log_confusion[:, held]).sum()) if held.any() else 0.0
    np.divide(joint, total, out=joint)
    return joint, likelihood, penalty

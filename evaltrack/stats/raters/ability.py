"""How often each rater is right where nobody knows the truth: Dawid and Skene's model, with standard errors.

The information about a rater's confusion is that of the judgments as seen, not as if labels were known: the sum over
units of the squared score, in which a unit of uncertain label counts for less (Louis 1982; at the maximum it equals
the observed information). Other raters' confusions are taken as found, so errors are somewhat too small where few
raters share units; how much, the tests simulate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.estimate import Estimate, Undefined, rounded
from evaltrack.stats.intervals import TAIL
from evaltrack.stats.patterns import Counts, whole
from evaltrack.stats.raters.dawid_skene import (
    LABELS_PER_CELL,
    SMOOTHING,
    Aggregated,
    dawid_skene,
)

FEWEST_RATERS = 3
FEWEST_UNITS = 10
# From so many raters on their spread is known well enough to draw each towards their mean.
FEWEST_TO_SHRINK = 5

Vector = NDArray[np.float64]
Model = Literal["confusion matrix", "one coin"]


@dataclass(frozen=True, slots=True)
class Ability:
    """One rater: the accuracy as `seen` with its interval and error, and `shrunk` to that of all, for ranking.

    `model` is the confusion matrix from five judgments for each label on, and one accuracy for all labels below.
    """

    rater: int
    seen: Estimate | Undefined
    standard_error: float | None = None
    shrunk: float | None = None
    model: Model | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "seen": self.seen.as_json(),
            "standard_error": None if self.standard_error is None else rounded(self.standard_error),
            "shrunk": None if self.shrunk is None else rounded(self.shrunk),
            "model": self.model,
        }


def abilities(
    units: ArrayLike, raters: ArrayLike, labels: ArrayLike, *, k: int
) -> tuple[Ability, ...] | Undefined:
    """The accuracy of each rater, judgments in columns as `dawid_skene` takes them.

    Units that one rater judged say nothing and are left out. Raters with fewer than 10 others have no accuracy. Those
    with fewer than five judgments for each label are fitted with one accuracy each. From five raters on each is also
    drawn towards the mean, the further the larger its error is beside the spread among raters; the interval stays
    that of the rater's own. Undefined with fewer than three raters: of two who disagree nobody can say who is right.
    """
    unit, who, label = whole(units, "units"), whole(raters, "raters"), whole(labels, "labels")
    if not unit.shape == who.shape == label.shape:
        raise ValueError("units, raters and labels are columns of one length")
    _, row = np.unique(unit, return_inverse=True)
    shared = np.bincount(row)[row] >= 2 if len(row) else np.zeros(0, dtype=bool)
    names = np.unique(who)
    judging, place = np.unique(who[shared], return_inverse=True)
    if len(judging) < FEWEST_RATERS:
        return Undefined(
            f"{len(judging)} raters share items with others: {FEWEST_RATERS} are needed to say who is right"
        )
    _, row = np.unique(row[shared], return_inverse=True)
    label = label[shared]
    n = np.bincount(place, minlength=len(judging))
    coin = _fitted(row, place, label, k, one_coin=True)
    matrix = _fitted(row, place, label, k, one_coin=False)
    enough = np.flatnonzero(n >= FEWEST_UNITS)
    alone, errors = np.zeros(len(enough)), np.zeros(len(enough))
    models: list[Model] = []
    for number, rater in enumerate(enough.tolist()):
        mine = place == rater
        if n[rater] >= LABELS_PER_CELL * k:
            alone[number], errors[number] = _by_matrix(matrix, rater, row[mine], label[mine])
            models.append("confusion matrix")
        else:
            alone[number], errors[number] = _by_coin(coin, rater, row[mine], label[mine], k)
            models.append("one coin")
    shrunk = _shrunk(alone, errors)
    found = {}
    for number, rater in enumerate(enough.tolist()):
        value, error = float(alone[number]), float(errors[number])
        half = float(special.ndtri(1 - TAIL)) * error
        limits = max(value - half, 0.0), min(value + half, 1.0)
        seen = Estimate(value, *limits, int(n[rater]), f"Dawid–Skene, {models[number]}")
        found[int(judging[rater])] = Ability(
            int(judging[rater]), seen, error, float(shrunk[number]), models[number]
        )
    few = Undefined(f"n too small: fewer than {FEWEST_UNITS} items shared with others")
    return tuple(found.get(int(name)) or Ability(int(name), few) for name in names)


def _fitted(row: Counts, place: Counts, label: Counts, k: int, *, one_coin: bool) -> Aggregated:
    found = dawid_skene(row, place, label, k=k, one_coin=one_coin)
    assert isinstance(found, Aggregated)  # there are judgments
    return found


def _by_coin(fit: Aggregated, rater: int, row: Counts, label: Counts, k: int) -> tuple[float, float]:
    """Accuracy and its error, one for all labels."""
    p = min(max(float(fit.confusion[rater, 0, 0]), 1e-6), 1 - 1e-6)
    right = fit.posteriors[row, label]
    score = (right - p) / (p * (1 - p))
    good, bad = SMOOTHING[0] * k, SMOOTHING[1] * k * (k - 1)
    information = float((score**2).sum()) + good / p**2 + bad / (1 - p) ** 2
    return p, information**-0.5


def _by_matrix(fit: Aggregated, rater: int, row: Counts, label: Counts) -> tuple[float, float]:
    """Accuracy over labels as frequent as in all, and its error.

    Each row of the matrix is free but for its sum, so that the label after the true one is what the others leave.
    """
    c = np.maximum(fit.confusion[rater], 1e-9)
    k = len(c)
    said = np.eye(k)[label]
    scores, gradient, prior = list[Vector](), list[float](), np.zeros((k * (k - 1), k * (k - 1)))
    for true in range(k):
        last = (true + 1) % k
        free = [each for each in range(k) if each != last]
        raw = said / c[true]
        scores.append(fit.posteriors[row, true][:, None] * (raw[:, free] - raw[:, [last]]))
        gradient.extend(float(fit.shares[true]) if each == true else 0.0 for each in free)
        held = np.where(np.arange(k) == true, SMOOTHING[0], SMOOTHING[1]) / c[true] ** 2
        block = slice(true * (k - 1), (true + 1) * (k - 1))
        prior[block, block] = np.diag(held[free]) + held[last]
    score = np.concatenate(scores, axis=1)
    toward = np.array(gradient)
    variance = float(toward @ np.linalg.solve(score.T @ score + prior, toward))
    accuracy = float(fit.shares @ np.diag(fit.confusion[rater]))
    return accuracy, max(variance, 1e-12) ** 0.5


def _shrunk(alone: Vector, errors: Vector) -> Vector:
    """Each accuracy drawn to the mean of all by the share of the spread that is error."""
    if len(alone) < FEWEST_TO_SHRINK:
        return alone
    # Not weighted by 1/error²: an accuracy near 1 has a small error whatever it rests on, and would pull the mean up.
    mean = float(alone.mean())
    between = max(float(alone.var(ddof=1) - (errors**2).mean()), 0.0)
    kept = between / (between + errors**2)
    return kept * alone + (1 - kept) * mean

"""Answers to tasks whose label is known: how often each rater is right, and who is surely below a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from evaltrack.stats.estimate import Estimate, Undefined, rounded
from evaltrack.stats.intervals import count_of, wilson

FEWEST_GOLD = 10
FEWEST_RATERS = 5
CERTAINTY = 0.95
# Raters who seem to be all alike: beyond this weight no number of answers would tell them apart.
HEAVIEST = 1e4

Vector = NDArray[np.float64]
Standing = Literal["below", "not shown to be below", "n too small"]


@dataclass(frozen=True, slots=True)
class GoldAccuracy:
    """One rater's answers to gold tasks.

    `seen` is the share that was right, with Wilson's interval; `shrunk` the mean of its posterior, by which raters
    are ranked; `below` the probability that their accuracy lies under the threshold. `standing` is "below" where that
    exceeds 0.95. `false_positives` is how often that would be said, beside the same others, of somebody exactly at
    the threshold who has answered as many: such a rater is as good as demanded. Where all others are poor, often.
    """

    seen: Estimate | Undefined
    shrunk: float
    below: float
    standing: Standing
    false_positives: float

    def as_json(self) -> dict[str, Any]:
        return {
            "seen": self.seen.as_json(),
            "shrunk": rounded(self.shrunk),
            "below": rounded(self.below),
            "standing": self.standing,
            "false_positives": rounded(self.false_positives),
        }


@dataclass(frozen=True, slots=True)
class GoldReport:
    """The raters in the order given, and the spread of accuracies that they were taken from.

    The mean and how many answers it weighs: a rater's shrunk accuracy is (right + mean·weight)/(n + weight).
    """

    mean: float
    weight: float
    raters: tuple[GoldAccuracy, ...]


def gold_accuracies(right: Sequence[int], answered: Sequence[int], *, threshold: float) -> GoldReport:
    """Accuracy of each rater, `right` of `answered` gold tasks, shrunk towards that of all (empirical Bayes).

    Who answered few is extreme by accident more often than by merit, so that ranking by the raw share puts newcomers
    first and last. Accuracies are taken for Beta distributed among raters, with the mean and weight that make these
    answers likeliest, under the hyperprior of Gelman et al. 2013 (ch. 5), which keeps the weight finite. With answers
    of fewer than five raters nothing is known of others, and all accuracies are equally likely beforehand.

    Below 10 answers "n too small" is all that is said.
    """
    counts = [count_of(x, n) for x, n in zip(right, answered, strict=True)]
    if not 0 < threshold < 1:
        raise ValueError(f"a threshold is a share between 0 and 1, not {threshold}")
    mean, weight = spread_of([(x, n) for x, n in counts if n])
    return GoldReport(mean, weight, tuple(_accuracy(x, n, mean, weight, threshold) for x, n in counts))


def _accuracy(x: int, n: int, mean: float, weight: float, threshold: float) -> GoldAccuracy:
    a, b = mean * weight, (1 - mean) * weight
    below = float(special.betainc(a + x, b + n - x, threshold))
    raised = 0.0
    standing: Standing = "n too small"
    if n >= FEWEST_GOLD:
        standing = "below" if below > CERTAINTY else "not shown to be below"
        possible = np.arange(n + 1)
        flagged = np.flatnonzero(special.betainc(a + possible, b + n - possible, threshold) > CERTAINTY)
        raised = float(special.bdtr(int(flagged[-1]), n, threshold)) if len(flagged) else 0.0
    return GoldAccuracy(wilson(x, n), (a + x) / (weight + n), below, standing, raised)


def spread_of(counts: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Mean and weight of the Beta distribution of accuracies."""
    if len(counts) < FEWEST_RATERS:
        return 0.5, 2.0
    x, n = np.array(counts, dtype=np.float64).T

    def unlikely(at: Vector) -> float:
        mean, weight = float(special.expit(at[0])), float(np.exp(at[1]))
        a, b = mean * weight, (1 - mean) * weight
        likelihood = (special.betaln(a + x, b + n - x) - special.betaln(a, b)).sum()
        # p(a, b) ∝ (a + b)^(−5/2), as a density of the logit of the mean and the logarithm of the weight.
        return -float(likelihood + np.log(mean * (1 - mean)) - np.log(weight) / 2)

    start = np.array([special.logit((x.sum() + 1) / (n.sum() + 2)), np.log(10.0)])
    found = optimize.minimize(
        unlikely,
        start,
        method="Nelder-Mead",
        bounds=[(-12, 12), (np.log(0.1), np.log(HEAVIEST))],
        options={"xatol": 1e-7, "fatol": 1e-9},
    )
    return float(special.expit(found.x[0])), float(np.exp(found.x[1]))

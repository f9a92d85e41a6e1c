"""Two classifiers on the same examples: accuracy, precision, recall, F1, kappa with the truth, and AUC."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.estimate import Estimate, TestResult, Undefined
from evaltrack.stats.intervals import Z, percentile_limits, real_values
from evaltrack.stats.resampling import resampled

FEWEST_EXAMPLES = 50
FEWEST_DIFFERENT = 5
FEWEST_OF_A_KIND = 10
TABLE_CELLS = 10_000_000  # cells that are counted in a table; with more classes the codes are sorted

Vector = NDArray[np.float64]


def label_differences(
    truth: ArrayLike, candidate: ArrayLike, baseline: ArrayLike, *, seed: int, label: int | None = None
) -> dict[str, Estimate | Undefined]:
    """Differences candidate − baseline of what the labels of two classifiers are worth, by name.

    All three are sequences of class numbers from 0 up, one per example. Without a `label`: "accuracy"; "precision",
    "recall" and "f1" as plain means over the classes that occur (macro; 0 where 0/0, as scikit-learn has it); and
    "kappa", Cohen's with the truth. With a `label`: its own "precision", "recall" and "f1".

    Percentile intervals of a paired bootstrap of examples. Examples with the same three labels are one pattern, so
    that the work after counting does not grow with n. Undefined without examples, or where a side's figure is 0/0.
    Without an interval from fewer than 50 examples, fewer than 5 that the two label differently, or where more than
    one draw in twenty is undefined.
    """
    truths, ours, theirs = (_classes(codes) for codes in (truth, candidate, baseline))
    if not len(truths) == len(ours) == len(theirs):
        raise ValueError("each example has one label of the truth and of each side")
    n = len(truths)
    names = (
        ("precision", "recall", "f1")
        if label is not None
        else ("accuracy", "precision", "recall", "f1", "kappa")
    )
    if n == 0:
        return dict.fromkeys(names, Undefined("there are no examples in common"))
    k = 1 + int(max(truths.max(), ours.max(), theirs.max(), label or 0))
    patterns, counts = _counted((truths * k + ours) * k + theirs, k**3)
    truth_of, ours_of, theirs_of = patterns // k**2, patterns // k % k, patterns % k

    def figures(weights: Vector) -> tuple[dict[str, Vector], dict[str, Vector]]:
        side = (_figures(weights, truth_of, predicted, k, label) for predicted in (ours_of, theirs_of))
        return next(side), next(side)

    seen = figures(counts[None, :].astype(np.float64))
    values = {name: float(seen[0][name][0] - seen[1][name][0]) for name in names}
    differ = int(counts[ours_of != theirs_of].sum())
    reason = ""
    if n < FEWEST_EXAMPLES:
        reason = f"{n} examples do not support a bootstrap interval: {FEWEST_EXAMPLES} are needed"
    elif differ < FEWEST_DIFFERENT:
        reason = f"the two label {differ} examples differently: {FEWEST_DIFFERENT} are needed for an interval"
    drawn = [] if reason else [figures(w) for w in resampled(counts, max(len(counts), 3 * k), seed)]
    draws = {name: np.concatenate([a[name] - b[name] for a, b in drawn]) if drawn else None for name in names}
    return {name: _estimate(name, values[name], draws[name], n, seed, reason) for name in names}


def _classes(codes: ArrayLike) -> NDArray[np.int64]:
    array = np.asarray(codes)
    if array.size == 0:
        return np.zeros(0, dtype=np.int64)
    if array.ndim != 1 or array.dtype.kind not in "biu" or array.min() < 0:
        raise ValueError("labels are class numbers, whole and from 0 up, in one sequence")
    return array.astype(np.int64)


def _counted(codes: NDArray[np.int64], cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The codes that occur, and how often."""
    if cells > TABLE_CELLS:
        return np.unique(codes, return_counts=True)
    table = np.bincount(codes, minlength=1)
    found = np.flatnonzero(table)
    return found, table[found]


def _figures(
    weights: Vector, truth_of: NDArray[np.int64], predicted: NDArray[np.int64], k: int, label: int | None
) -> dict[str, Vector]:
    """The figures of one side in each row of `weights` (draws × patterns); NaN for 0/0."""

    def per_class(of: NDArray[np.int64], kept: NDArray[np.bool_] | bool = True) -> Vector:
        member = np.zeros((len(of), k))
        member[np.arange(len(of)), of] = kept
        return weights @ (member if label is None else member[:, [label]])

    right = per_class(predicted, predicted == truth_of)
    true, said = per_class(truth_of), per_class(predicted)
    with np.errstate(invalid="ignore"):
        parts = {"precision": right / said, "recall": right / true, "f1": 2 * right / (true + said)}
        if label is not None:
            return {name: part[:, 0] for name, part in parts.items()}
        occurs = true + said > 0
        means = {
            name: np.where(np.isnan(part), 0, part).sum(axis=1) / occurs.sum(axis=1)
            for name, part in parts.items()
        }
        total = weights.sum(axis=1)
        accuracy = right.sum(axis=1) / total
        by_chance = (true * said).sum(axis=1) / total**2
        kappa = np.where(by_chance < 1, (accuracy - by_chance) / (1 - by_chance), np.nan)
    return {"accuracy": accuracy, **means, "kappa": kappa}


def _estimate(
    name: str, value: float, draws: Vector | None, n: int, seed: int, reason: str
) -> Estimate | Undefined:
    if math.isnan(value):
        return Undefined(
            f"{name} is 0/0 on one side: no example has or is given this label, or only one label occurs"
        )
    method = f"paired bootstrap of a difference of {name}"
    if draws is None:
        return Estimate(value, None, None, n, method, reason)
    defined = draws[~np.isnan(draws)]
    if len(defined) < 0.95 * len(draws):
        reason = "too few examples have or are given this label to resample them"
        return Estimate(value, None, None, n, method, reason)
    return Estimate(value, *percentile_limits(defined, value), n, method, seed=seed)


def auc_difference(truth: ArrayLike, candidate: ArrayLike, baseline: ArrayLike) -> Estimate | Undefined:
    """Difference of two areas under the ROC curve with the interval of DeLong, DeLong & Clarke-Pearson (1988).

    `truth` is 0 or 1, `candidate` and `baseline` are the scores of the same examples, larger for 1. An area is the
    chance that an example of 1 has a larger score than one of 0, a tie counting half. Midranks give it in O(n log n)
    (Sun & Xu 2014). Undefined without examples of both kinds; without an interval from fewer than 10 of either, or
    where the areas have no spread.
    """
    value, error, n, reason = _delong(truth, candidate, baseline)
    if n == 0:
        return Undefined(reason)
    method = "DeLong interval of a difference of AUC"
    if reason:
        return Estimate(value, None, None, n, method, reason)
    return Estimate(value, max(value - Z * error, -1.0), min(value + Z * error, 1.0), n, method)


def delong(truth: ArrayLike, candidate: ArrayLike, baseline: ArrayLike) -> TestResult | Undefined:
    """DeLong's z test of equal areas, two-sided, that goes with `auc_difference`; Undefined where that has none."""
    value, error, _, reason = _delong(truth, candidate, baseline)
    if reason:
        return Undefined(reason)
    return TestResult(value / error, 2 * float(special.ndtr(-abs(value / error))))


def _delong(truth: ArrayLike, candidate: ArrayLike, baseline: ArrayLike) -> tuple[float, float, int, str]:
    """Difference, standard error, n (0 where there is no difference), and the reason why there is no error."""
    truths, ours, theirs = (real_values(values) for values in (truth, candidate, baseline))
    if not len(truths) == len(ours) == len(theirs):
        raise ValueError("each example has a truth and a score of each side")
    if not np.isin(truths, (0, 1)).all():
        raise ValueError("the truth of an area under the curve is 0 or 1")
    positive = truths == 1
    m, rest = int(positive.sum()), int((~positive).sum())
    if not (m and rest):
        return 0.0, 0.0, 0, "an area under the curve needs examples of both kinds"
    (up_1, down_1), (up_2, down_2) = (_components(scores, positive) for scores in (ours, theirs))
    up, down = up_1 - up_2, down_1 - down_2
    value, n = float(up.mean()), m + rest
    if min(m, rest) < FEWEST_OF_A_KIND:
        reason = f"{m} examples of 1 and {rest} of 0: {FEWEST_OF_A_KIND} of each are needed for an interval"
        return value, 0.0, n, reason
    error = math.sqrt(float(up.var(ddof=1)) / m + float(down.var(ddof=1)) / rest)
    if error < 1e-12:
        return (
            value,
            0.0,
            n,
            "both sides order the examples alike, so the spread of the difference is unknown",
        )
    return value, error, n, ""


def _components(scores: Vector, positive: NDArray[np.bool_]) -> tuple[Vector, Vector]:
    """For each example of 1 the share of 0s below it, for each 0 the share of 1s above it."""
    ranks = _midranks(scores)
    m, rest = int(positive.sum()), int((~positive).sum())
    below = (ranks[positive] - _midranks(scores[positive])) / rest
    above = 1 - (ranks[~positive] - _midranks(scores[~positive])) / m
    return below, above


def _midranks(values: Vector) -> Vector:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]

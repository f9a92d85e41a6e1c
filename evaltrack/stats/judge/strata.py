"""A mean of human labels that were drawn stratum by stratum, made more precise by a judge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import TAIL
from evaltrack.stats.judge.rectified import FEWEST_LABELS, Rectified, rectified_with_error

FEWEST_IN_STRATUM = 10
METHOD = "PPI++ by stratum, t interval"


@dataclass(frozen=True, slots=True, eq=False)
class Stratum:
    """A part of the traffic: its `share` of all, and what people and the judge said there, as in `rectified_mean`."""

    share: float
    labels: ArrayLike
    judged: ArrayLike
    judged_only: ArrayLike


@dataclass(frozen=True, slots=True)
class RectifiedStrata:
    """The mean over all strata, and each stratum by itself."""

    estimate: Estimate
    strata: tuple[Rectified, ...]


def rectified_strata(strata: Sequence[Stratum]) -> RectifiedStrata | Undefined:
    """The mean of human labels over all traffic from samples of each stratum, with a judge (PPI++, stratified).

    For people who label more where it matters: in each stratum the labelled examples are drawn at random from it,
    with a weight λ of its own, as a judge errs otherwise on long answers than on short ones. The value is Σ share·θ,
    its variance Σ share²·SE², and t has Satterthwaite's degrees of freedom. `n` counts human labels.

    ValueError unless the shares add up to 1. Undefined where a stratum has no human label; without an interval from
    fewer than 50 human labels, or fewer than 10 in a stratum, or where those of one are all equal.
    """
    if not strata or not math.isclose(sum(each.share for each in strata), 1.0, abs_tol=1e-9):
        raise ValueError("the shares of the strata add up to 1")
    if any(not 0 < each.share <= 1 for each in strata):
        raise ValueError("a stratum has a share of the traffic above 0")
    found, errors = [], []
    for number, each in enumerate(strata):
        here = rectified_with_error(each.labels, each.judged, each.judged_only)
        if isinstance(here, Undefined):
            return Undefined(f"stratum {number}: {here.reason}")
        found.append(here[0])
        errors.append(here[1])
    shares = np.array([each.share for each in strata])
    counts = np.array([each.estimate.n for each in found])
    value = float(shares @ [each.estimate.value for each in found])
    n, parts = int(counts.sum()), tuple(found)
    reason = ""
    if n < FEWEST_LABELS or counts.min() < FEWEST_IN_STRATUM:
        reason = (
            f"{n} human labels, {counts.min()} in the smallest stratum, do not support an interval: "
            f"{FEWEST_LABELS} and {FEWEST_IN_STRATUM} are needed"
        )
    elif any(error is None for error in errors):
        reason = "all human labels of a stratum are equal, so their spread is unknown"
    if reason:
        return RectifiedStrata(Estimate(value, None, None, n, METHOD, reason), parts)
    variances = shares**2 * np.array(errors, dtype=np.float64) ** 2
    df = float(variances.sum() ** 2 / (variances**2 / (counts - 1)).sum())
    half = float(special.stdtrit(df, 1 - TAIL)) * math.sqrt(float(variances.sum()))
    return RectifiedStrata(Estimate(value, value - half, value + half, n, METHOD), parts)

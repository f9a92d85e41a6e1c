"""When a share changed: one change point in a series of counts, by likelihood ratio and permutation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evaltrack.stats.estimate import TestResult, Undefined

PERMUTATIONS = 999
DRAWN_CELLS = 2_000_000  # numbers held in memory at once
ROUNDING = 1e-6  # of a log likelihood ratio of a million outcomes


@dataclass(frozen=True, slots=True)
class Change:
    """The first period (from 0) after the likeliest change, the shares on both sides, and how unlikely that is.

    The shares are those of the split that differs most, so they exaggerate the change; they have no interval.
    """

    period: int
    before: float
    after: float
    test: TestResult
    n: int
    seed: int


def likelihood_ratios(successes: NDArray[np.int64], n: NDArray[np.int64]) -> NDArray[np.float64]:
    """2 ln of the likelihood ratio of two shares against one, for a change before each period but the first.

    The last axis of `successes` runs over periods.
    """

    def log_likelihood(x: NDArray[np.int64], of: NDArray[np.int64]) -> NDArray[np.float64]:
        likelihood: NDArray[np.float64] = (
            special.xlogy(x, x) + special.xlogy(of - x, of - x) - special.xlogy(of, of)
        )
        return likelihood

    x, of = np.cumsum(successes, axis=-1), np.cumsum(n)
    total, everything = x[..., -1:], of[-1:]
    x, of = x[..., :-1], of[:-1]
    two = log_likelihood(x, of) + log_likelihood(total - x, everything - of)
    ratios: NDArray[np.float64] = 2 * (two - log_likelihood(total, everything))
    return ratios


def change_point(successes: Sequence[int], n: Sequence[int], *, seed: int) -> Change | Undefined:
    """The likeliest single change of a share, `successes` of `n` per period, and its permutation p-value.

    The p-value asks how often the best split of the same outcomes, dealt to the periods at random, is as good
    (999 deals, so at least 0.001). That is exact for independent outcomes; where shares vary from day to day by
    more than chance, it is too small. Gradual or several changes are not what it looks for. Takes fewer than
    10⁹ outcomes.

    Undefined with outcomes in fewer than two periods, and where all outcomes are the same.
    """
    x, of = np.asarray(successes), np.asarray(n)
    if x.ndim != 1 or x.shape != of.shape:
        raise ValueError("each period has a count of successes and of outcomes")
    if not ((x >= 0) & (x <= of) & (x == np.floor(x)) & (of == np.floor(of)) & np.isfinite(of)).all():
        raise ValueError("counts are whole numbers, and successes never exceed outcomes")
    x, of = x.astype(np.int64), of.astype(np.int64)
    if (of > 0).sum() < 2:
        return Undefined("a change takes outcomes in two periods or more")
    total = int(of.sum())
    if int(x.sum()) in (0, total):
        return Undefined(f"all {total} outcomes are the same")
    ratios = likelihood_ratios(x, of)
    split = int(np.argmax(ratios))
    best = max(float(ratios[split]), 0.0)
    rng = np.random.default_rng(seed)
    as_good = 0
    step = max(1, DRAWN_CELLS // len(of))
    for start in range(0, PERMUTATIONS, step):
        dealt = rng.multivariate_hypergeometric(of, int(x.sum()), size=min(step, PERMUTATIONS - start))
        as_good += int((likelihood_ratios(dealt, of).max(axis=1) >= best - ROUNDING).sum())
    before = x[: split + 1].sum() / of[: split + 1].sum()
    after = x[split + 1 :].sum() / of[split + 1 :].sum()
    test = TestResult(best, (1 + as_good) / (1 + PERMUTATIONS))
    return Change(split + 1, float(before), float(after), test, total, seed)

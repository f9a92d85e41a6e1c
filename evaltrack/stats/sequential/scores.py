"""Bounded scores that are looked at after every observation: hedged betting (Waudby-Smith & Ramdas 2024).

Against each possible mean m somebody bets, fairly, that the scores will turn out higher, and somebody else that
they will turn out lower. Where m is the mean, neither capital grows on average, and the chance that one of the
two ever multiplies by 2/α is at most α. The interval holds the means against which neither did. It is exact for
any distribution on [0, 1]; unlike the Beta mixture it depends on the order of the scores, which must be the
order of their arrival.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from evaltrack.stats.estimate import CONFIDENCE, Estimate, Undefined
from evaltrack.stats.intervals import around, real_values

LOG_STAKE = float(np.log(2 / (1 - CONFIDENCE)))
# No bet stakes more than half of the capital, so that one score cannot ruin it (the authors' default).
MOST_STAKED = 0.5


def predictable_bets(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The stake per unit of surprise before each score, from the scores before it (their equation 26).

    √(2 ln(2/α) / (σ̂² t ln(t + 1))), with the running variance σ̂² of the first t − 1 scores, which starts at ¼.
    """
    t = np.arange(1, len(scores) + 1)
    mean = (0.5 + np.cumsum(scores)) / (t + 1)
    variance = (0.25 + np.cumsum((scores - mean) ** 2)) / (t + 1)
    before = np.concatenate(([0.25], variance[:-1]))
    bets: NDArray[np.float64] = np.sqrt(2 * LOG_STAKE / (before * t * np.log(t + 1)))
    return bets


def log_capital(scores: NDArray[np.float64], bets: NDArray[np.float64], mean: float) -> float:
    """Logarithm of what betting on scores above `mean` has made of 1; never increasing in `mean`."""
    staked = np.minimum(bets, MOST_STAKED / mean) if mean else bets
    return float(np.log1p(staked * (scores - mean)).sum())


def _lower_limit(scores: NDArray[np.float64]) -> float:
    bets = predictable_bets(scores)
    if log_capital(scores, bets, 0.0) <= LOG_STAKE:
        return 0.0
    # As the capital falls with the mean, the root replaces a grid of means: finer, and with fewer evaluations.
    return float(brentq(lambda mean: log_capital(scores, bets, mean) - LOG_STAKE, 0.0, 1.0, xtol=1e-12))


def bounded_mean_any_time(scores: ArrayLike) -> Estimate | Undefined:
    """The mean of scores from 0 to 1, in order of arrival, with a 95 % interval that holds at all n together.

    For ratings scaled to [0, 1], and for votes with ties as ½; for plain 0/1 outcomes `share_any_time` needs no
    order. Scores must be independent given the past with one and the same mean: one value per item.

    Undefined without scores.
    """
    vector = real_values(scores)
    if ((vector < 0) | (vector > 1)).any():
        raise ValueError("bounded scores lie between 0 and 1: scale them by the bounds of their scale")
    if len(vector) == 0:
        return Undefined("there are no scores")
    value = float(vector.mean())
    limits = around(_lower_limit(vector), 1 - _lower_limit(1 - vector), value)
    return Estimate(value, *limits, len(vector), "hedged betting confidence sequence", kind="any-time")

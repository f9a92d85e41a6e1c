"""Judges with known errors, for the coverage of what corrects them."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.judge import corrected_share, rectified_mean

OTHERS = 2000


def labels_and_judge(
    rng: np.random.Generator, n: int, others: int, share: float, missed: float, false: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Human labels of n examples, the judge's of the same, and the judge's of `others`."""
    truth = rng.random(n + others) < share
    judge = np.where(truth, rng.random(n + others) >= missed, rng.random(n + others) < false).astype(float)
    return truth[:n].astype(float), judge[:n], judge[n:]


def rectified(missed: float, false: float, share: float = 0.7) -> tuple[Callable, Callable, float]:
    """The method, its arguments for n human labels, and the truth."""

    def estimate(labels, judged, judged_only):
        result = rectified_mean(labels, judged, judged_only)
        return result if isinstance(result, Undefined) else result.estimate

    return estimate, lambda rng, n: labels_and_judge(rng, n, OTHERS, share, missed, false), share


def corrected(share: float, sensitivity: float, specificity: float) -> tuple[Callable, Callable, float]:
    """The same for n checks of each kind, and ten times as many labels of the judge."""

    def draw(rng, n):
        apparent = share * sensitivity + (1 - share) * (1 - specificity)
        return (
            rng.binomial(10 * n, apparent),
            10 * n,
            rng.binomial(n, sensitivity),
            rng.binomial(n, specificity),
        )

    def estimate(positives, labels, found, cleared):
        n = labels // 10
        return corrected_share(positives, labels, found=found, of_positive=n, cleared=cleared, of_negative=n)

    return estimate, draw, share

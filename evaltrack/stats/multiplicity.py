"""Several tests at once: adjusted p-values, each to be compared with the level of the whole family."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given (Holm 1979, step-down; valid under any dependence).

    The i-th smallest of m is multiplied by m − i + 1, never falls below the adjusted value before it, and
    stops at 1. Compare each with the level of the whole family: the chance of any false rejection stays below
    it. An empty family gives an empty list.
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return _restored(steps, order)


def hochberg(p_values: Sequence[float]) -> list[float]:
    """Hochberg's adjusted p-values (1988, step-up), no larger than Holm's and no smaller than Benjamini's.

    The i-th smallest of m is multiplied by m − i + 1 and never exceeds the adjusted value after it. It keeps the
    level of the family where tests are independent or positively dependent, as metrics of one run often are; whoever
    does not know takes `holm`.
    """
    p = _checked(p_values)
    order = np.argsort(p, kind="stable")
    steps = np.minimum.accumulate((p[order] * np.arange(len(p), 0, -1))[::-1])[::-1]
    return _restored(steps, order)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p-values (1995, step-up), for exploring: slices, secondary metrics.

    The i-th smallest of m is multiplied by m/i and never exceeds the adjusted value after it. Compare with the
    share of rejections that may be false on average, for independent or positively dependent tests. It promises
    less than `holm` and finds more; a gate needs `holm`.
    """
    p = _checked(p_values)
    m = len(p)
    order = np.argsort(p, kind="stable")
    steps = np.minimum.accumulate((p[order] * (m / np.arange(1, m + 1)))[::-1])[::-1]
    return _restored(steps, order)


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """The same under any dependence (Benjamini & Yekutieli 2001): m values cost a factor of 1 + ½ + … + 1/m."""
    p = _checked(p_values)
    dependence = float((1 / np.arange(1, len(p) + 1)).sum())
    order, m = np.argsort(p, kind="stable"), len(p)
    steps = np.minimum.accumulate((p[order] * dependence * (m / np.arange(1, m + 1)))[::-1])[::-1]
    return _restored(steps, order)


def fixed_sequence(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values of tests in an order fixed beforehand (gatekeeping; Maurer 1995, Westfall & Krishen 2001).

    Safety first, then quality, then cost: each test has the full level, and the first that does not reject
    stops the sequence. That is the running maximum. The first test costs nothing for those after it, which
    holds only if the order was registered before the results.
    """
    return [float(value) for value in np.maximum.accumulate(_checked(p_values))]


def _checked(p_values: Sequence[float]) -> NDArray[np.float64]:
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():  # NaN fails both comparisons
        raise ValueError("p-values are numbers from 0 to 1 in one sequence")
    return p


def _restored(steps: NDArray[np.float64], order: NDArray[np.intp]) -> list[float]:
    """The adjusted values in the order of the tests, none above 1."""
    adjusted = np.empty_like(steps)
    adjusted[order] = np.minimum(steps, 1.0)
    return [float(value) for value in adjusted]

"""The sign-flip permutation test: would the totals look like this if each were as likely to be its opposite?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evaltrack.stats.estimate import TestResult, Undefined
from evaltrack.stats.intervals import real_values

DRAWS = 9999
MOST_ENUMERATED = 20  # units whose 2^20 assignments of signs are all looked at
EXACT_WORK = 200_000_000  # additions of the exact distribution of whole numbers, a fraction of a second
DRAWN_CELLS = 4_000_000


def sign_flip(totals: ArrayLike, *, seed: int) -> TestResult | Undefined:
    """Sign-flip test of "as likely for as against" by unit, two-sided; the statistic is the sum of the totals.

    `totals` has one number per independent unit: the difference of an example, the votes for less those against of
    a prompt. Under H0 each total is symmetric about 0, so that all assignments of signs are equally likely, and p
    is the share of those whose sum is at least as far from 0. Totals in whole or half numbers (votes, ratings,
    ranks) have an exact p, as have up to 20 others; for more, p counts 9,999 seeded assignments and the data.

    Undefined without units, and when all totals are 0.
    """
    vector = real_values(totals)
    if len(vector) == 0:
        return Undefined("there are no units")
    moving = vector[vector != 0]
    if len(moving) == 0:
        return Undefined(f"all {len(vector)} totals are 0")
    doubled = 2 * moving
    reach = float(np.abs(doubled).sum())
    if reach * len(moving) <= EXACT_WORK and (doubled == np.rint(doubled)).all():
        p = whole_numbers_p(doubled.astype(np.int64))
    elif len(moving) <= MOST_ENUMERATED:
        p = _enumerated_p(moving)
    else:
        p = _drawn_p(moving, seed)
    return TestResult(float(vector.sum()), min(p, 1.0))


def whole_numbers_p(totals: NDArray[np.int64]) -> float:
    """The exact p of whole totals, by adding one after another to the distribution of the positive part."""
    sizes = np.abs(totals)
    sizes //= np.gcd.reduce(sizes)
    reach = int(sizes.sum())
    observed = abs(int((np.sign(totals) * sizes).sum()))
    probability = np.zeros(reach + 1)
    probability[0] = 1.0
    filled = 1
    for size in np.sort(sizes).tolist():
        filled += size
        after = probability[:filled] / 2
        after[size:] += probability[: filled - size] / 2
        probability[:filled] = after
    sums = np.abs(2 * np.arange(reach + 1) - reach)
    return float(probability[sums >= observed].sum())


def _at_least(observed: float, sizes: NDArray[np.float64]) -> float:
    """The observed distance, less what the rounding of a sum may cost."""
    return abs(observed) - 1e-12 * float(sizes.sum())


def _enumerated_p(totals: NDArray[np.float64]) -> float:
    sizes = np.abs(totals)
    # A sum and its opposite are equally far from 0: one sign may stay.
    sums = sizes[:1]
    for size in sizes[1:]:
        sums = np.concatenate((sums + size, sums - size))
    return float((np.abs(sums) >= _at_least(totals.sum(), sizes)).mean())


def _drawn_p(totals: NDArray[np.float64], seed: int) -> float:
    rng = np.random.default_rng(seed)
    n = len(totals)
    limit = _at_least(totals.sum(), np.abs(totals))
    step = max(1, DRAWN_CELLS // n)
    far = 1  # the data themselves
    for start in range(0, DRAWS, step):
        rows = min(step, DRAWS - start)
        bits = np.frombuffer(rng.bytes(rows * (-(-n // 8))), dtype=np.uint8).reshape(rows, -1)
        positive = np.unpackbits(bits, axis=1, count=n) @ totals
        far += int((np.abs(2 * positive - totals.sum()) >= limit).sum())
    return far / (DRAWS + 1)

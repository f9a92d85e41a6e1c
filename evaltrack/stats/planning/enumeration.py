"""The exact power of McNemar's tests, by adding up the chances of all tables that they reject."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evaltrack.stats.planning.design import LEVEL, ROUNDING

UNLIKELY = 1e-12


def mcnemar_power(
    n: int, discordant: float, difference: float, *, mid: bool = True, level: float = LEVEL
) -> float:
    """The chance that McNemar's mid-p test (or the exact one) rejects Δ = 0 on the side of the true difference.

    Of n examples K ~ Bin(n, discordant) are discordant and, given K = k, Bin(k, q) of them lie on the other side,
    with q = (1 − |difference|/discordant)/2; the test rejects from the counts of `critical` down. The work grows with
    √n. ValueError unless 0 <= |difference| <= discordant <= 1.
    """
    if n < 1 or not abs(difference) <= discordant + ROUNDING <= 1 + 2 * ROUNDING:
        raise ValueError(
            f"{n} examples with a discordant share of {discordant} do not differ by {difference}"
        )
    if discordant == 0:
        return 0.0
    discordant = min(discordant, 1.0)
    pairs = likely_counts(n, discordant)
    against = max((1 - abs(difference) / discordant) / 2, 0.0)
    most = critical(pairs, mid=mid, level=level)
    rejected = np.where(most >= 0, special.bdtr(np.maximum(most, 0), pairs, against), 0.0)
    return float(np.clip(rejected @ _chances(pairs, n, discordant), 0.0, 1.0))


def likely_counts(n: int, share: float) -> NDArray[np.int64]:
    """All values of Bin(n, share) but those that together have no chance worth counting."""
    if share == 1:
        return np.array([n])
    lowest = int(special.bdtrik(UNLIKELY, n, share)) if (1 - share) ** n < UNLIKELY else 0
    # The upper end by symmetry: n − Bin(n, share) is Bin(n, 1 − share).
    highest = n - int(special.bdtrik(UNLIKELY, n, 1 - share)) if share**n < UNLIKELY else n
    return np.arange(max(lowest, 0), min(highest, n) + 1)


def critical(pairs: NDArray[np.int64], *, mid: bool, level: float) -> NDArray[np.int64]:
    """The largest smaller count at which the test rejects, for each number of discordant pairs; −1 if none."""
    half = np.full(pairs.shape, 0.5)
    # The normal quantile is off by a few counts at most: look at those round it.
    near = np.floor(pairs / 2 + special.ndtri(level / 2) * np.sqrt(pairs) / 2).astype(np.int64)
    most = np.full(pairs.shape, -1, dtype=np.int64)
    for offset in range(-4, 5):
        count = near + offset
        inside = (count >= 0) & (2 * count < pairs)
        asked = np.where(inside, count, 0)
        at_most = special.bdtr(asked, pairs, half)
        p = 2 * at_most
        if mid:
            p = at_most + np.where(asked > 0, special.bdtr(np.maximum(asked - 1, 0), pairs, half), 0.0)
        most = np.where(inside & (p < level), count, most)
    return most


def _chances(counts: NDArray[np.int64], n: int, share: float) -> NDArray[np.float64]:
    """P(Bin(n, share) = count)."""
    logs = special.gammaln(n + 1) - special.gammaln(counts + 1) - special.gammaln(n - counts + 1)
    return np.exp(logs + special.xlogy(counts, share) + special.xlog1py(n - counts, -share))

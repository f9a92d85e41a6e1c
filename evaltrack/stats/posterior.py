"""What else could have been seen: units as likely as those that were, and two more whose raters label at random.

A bootstrap draws only what was seen. Where a label is rare, or disagreement is, most draws hold less of it than there
is, and the interval is short on the side that matters: at κ = 0.8 and a label of 10 %, the lower percentile was too
high in 25 % of samples of 20 units with both labels. The Dirichlet posterior of the units, with a prior that weighs
two units, errs to the low side instead: never, and in 18 % its upper limit was too low. The wider of both on either
side is what holds. For two raters that prior puts 2/k² on each cell, as `kappa.cohen_kappa` has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray
from scipy import special

from evaltrack.stats.estimate import Estimate
from evaltrack.stats.intervals import percentile_limits
from evaltrack.stats.patterns import Counts, distinct_rows
from evaltrack.stats.resampling import DRAWS

PRIOR_UNITS = 2.0
# With more distinct units or labels the posterior is slow, and what was seen too varied to need it.
MOST_PATTERNS = 500
MOST_LABELS = 20
# Up to so many possible units the prior has all of them, exactly: a sample of a few kinds, one being too many or too
# few, moved coverage by fifteen points. Beyond, it has a sample of as many.
IMAGINED = 300

Matrix = NDArray[np.float64]


def random_units(sizes: Counts, times: Counts, k: int, rng: np.random.Generator) -> tuple[Counts, Matrix]:
    """The prior's distinct units as counts of k labels, and the weight of each; all weigh two units together.

    They have as many ratings as units have (`sizes`, each `times` over), and labels drawn evenly: each possible unit
    with its probability, or a sample where too many are possible.
    """
    rows, masses = [], []
    for size in np.unique(sizes).tolist():
        if math.comb(size + k - 1, size) <= IMAGINED:
            possible, chance = _possible(size, k)
        else:
            possible, drawn = distinct_rows(rng.multinomial(size, np.full(k, 1 / k), size=IMAGINED))
            chance = drawn / IMAGINED
        rows.append(possible)
        masses.append(PRIOR_UNITS * chance * float(times[sizes == size].sum() / times.sum()))
    return np.concatenate(rows), np.concatenate(masses)


@lru_cache(maxsize=64)
def _possible(size: int, k: int) -> tuple[Counts, Matrix]:
    """All ways to count `size` labels of k, and how probable each is when labels are drawn evenly."""
    ways = [np.bincount(labels, minlength=k) for labels in combinations_with_replacement(range(k), size)]
    rows = np.array(ways, dtype=np.int64)
    orders = special.gammaln(size + 1) - special.gammaln(rows + 1).sum(axis=1)
    return rows, np.exp(orders - size * math.log(k))


def gamma_weights(masses: NDArray[np.float64] | Counts, rng: np.random.Generator) -> Matrix:
    """Weights of the posterior (draws × masses), up to a factor, which changes none of the coefficients."""
    return rng.standard_gamma(np.asarray(masses, dtype=np.float64), size=(DRAWS, len(masses)))


def widened(
    shown: Estimate, kinds: int, k: int, seed: int, draws_of: Callable[[np.random.Generator], Matrix]
) -> Estimate:
    """An estimate whose limits lie no nearer than those of the posterior, whose draws `draws_of` makes.

    Unchanged where it has no bootstrap interval, and with very many distinct units (`kinds`) or labels.
    """
    low, high = shown.ci_low, shown.ci_high
    if low is None or high is None or shown.value >= 1 or kinds > MOST_PATTERNS or k > MOST_LABELS:
        return shown
    draws = draws_of(np.random.default_rng([seed, 1]))
    lower, upper = percentile_limits(draws[~np.isnan(draws)], shown.value)
    method = f"{shown.method}, no narrower than a Dirichlet posterior of prior mass 2"
    return replace(shown, ci_low=min(low, lower), ci_high=max(high, upper), method=method)

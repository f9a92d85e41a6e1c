"""How often an interval holds the truth, simulated or, for shares, counted."""

from functools import cache

import numpy as np
from scipy import stats

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.paired import tango_difference

# Shares of both right, candidate only, baseline only, neither.
RARE, COMMON = (0.75, 0.05, 0.05, 0.15), (0.5, 0.2, 0.1, 0.2)
SMALL = (10, 20, 50, 200)


def share_covered(results, truth):
    """The share of the intervals that contain the truth."""
    shown = [r for r in results if not isinstance(r, Undefined) and r.ci_low is not None]
    return np.mean([r.ci_low <= truth <= r.ci_high for r in shown])


def share_coverage(method, p):
    """Exactly, over all counts of successes."""

    def exactly(n, rng):
        shown = [method(x, n) for x in range(n + 1)]
        return stats.binom.pmf(np.arange(n + 1), n, p) @ [each.ci_low <= p <= each.ci_high for each in shown]

    return exactly


def paired_binary_coverage(method, table, of=None):
    """`table` has the shares of both right, candidate only, baseline only, neither; `of` what else is estimated."""
    truth = table[1] - table[2] if of is None else of

    @cache
    def interval(a, b, c, d):
        return method([1] * (a + b) + [0] * (c + d), [1] * a + [0] * b + [1] * c + [0] * d)

    def simulated(n, rng):
        samples = rng.multinomial(n, table, size=2000)
        if method is tango_difference:  # it looks at b and c alone
            samples = [(0, b, c, a + d) for a, b, c, d in samples.tolist()]
        return share_covered([interval(*map(int, row)) for row in samples], truth)

    return simulated


def independent_binary_coverage(method, p1, p2, of=None):
    """`of` is what the method estimates, where that is not the difference."""
    truth = p1 - p2 if of is None else of

    def simulated(n, rng):
        rows = zip(*(rng.binomial(n, p, size=2000).tolist() for p in (p1, p2)), strict=True)
        interval = cache(lambda x1, x2: method(x1, n, x2, n))
        return share_covered([interval(*row) for row in rows], truth)

    return simulated


def vector_coverage(method, draw, truth, times=2000):
    """`draw(rng, n)` gives the arguments of the method."""
    return lambda n, rng: share_covered([method(*draw(rng, n)) for _ in range(times)], truth)

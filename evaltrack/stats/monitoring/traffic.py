"""Whether traffic was split as planned. While it was not, no effect between the arms can be trusted.

A mismatch of the sample ratio means that one arm loses or gains people for reasons that also change what is
measured (redirects, crashes, bots), so the alarm is about the comparison, not about the size of the gap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from evaltrack.stats.estimate import TestResult, Undefined
from evaltrack.stats.sequential.shares import p_from_evidence

# Practice is far stricter here than for effects (Fabijan et al. 2019): a healthy experiment is looked at often.
LEVEL = 0.001
FEWEST_EXPECTED = 5
# Dirichlet priors round the plan, half of the evidence on each: the first finds an arm that is nearly dead within
# dozens of people, the second a split that is off by a few per mille within hundreds of thousands.
CONCENTRATIONS = (10.0, 10_000.0)


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """The test of the split; the largest relative deviation of an arm from its plan; whether to raise an alarm."""

    test: TestResult
    deviation: float
    alarm: bool
    n: int
    method: str

    @property
    def text(self) -> str:
        seen = f"{self.n} assigned, an arm is {self.deviation:.2%} off its plan, p = {self.test.p_value:.2g}"
        if self.alarm:
            return f"Sample ratio mismatch: {seen}."
        if self.test.p_value < LEVEL:
            return f"A mismatch below the deviation that was registered: {seen}."
        return f"No sign of a mismatch: {seen}."


def _counted(
    counts: Sequence[int], planned: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts and planned shares as vectors; ValueError unless they match."""
    observed, shares = np.asarray(counts, dtype=np.float64), np.asarray(planned, dtype=np.float64)
    if observed.ndim != 1 or observed.shape != shares.shape or len(observed) < 2:
        raise ValueError("each of two or more arms has a count and a planned share")
    if not ((observed >= 0) & (observed == np.floor(observed)) & (observed < math.inf)).all():
        raise ValueError("counts of people are whole numbers from 0 up")
    if not ((shares > 0) & (shares < math.inf)).all():
        raise ValueError("planned shares are positive")
    return observed, shares / shares.sum()


def _judged(
    test: TestResult,
    observed: NDArray[np.float64],
    shares: NDArray[np.float64],
    least: float,
    method: str,
) -> SampleRatio:
    if not 0 <= least < math.inf:
        raise ValueError(f"a deviation is a number from 0 up, not {least}")
    n = observed.sum()
    deviation = float(np.abs(observed / (n * shares) - 1).max())
    return SampleRatio(test, deviation, test.p_value < LEVEL and deviation >= least, int(n), method)


def sample_ratio(
    counts: Sequence[int], planned: Sequence[float], *, minimum_deviation: float = 0.0
) -> SampleRatio | Undefined:
    """Pearson's χ² test of the arms' counts against the planned split, looked at once.

    `planned` gives shares or weights, one per arm. Alarm where p < 0.001 and some arm is off by at least
    `minimum_deviation`, relative to its planned count: with millions of people a tiny, harmless gap is
    significant (one public experimenter asks for 5 %). The order of the arms does not matter.

    Undefined without people, and while an arm expects fewer than 5.
    """
    observed, shares = _counted(counts, planned)
    expected = observed.sum() * shares
    if expected.min() < FEWEST_EXPECTED:
        return Undefined(
            f"an arm expects {expected.min():.3g} of {observed.sum():.0f} people: "
            f"{FEWEST_EXPECTED} are needed for χ²"
        )
    statistic = float(((observed - expected) ** 2 / expected).sum())
    test = TestResult(statistic, float(special.chdtrc(len(observed) - 1, statistic)))
    return _judged(test, observed, shares, minimum_deviation, "χ² test of the sample ratio")


def log_dirichlet_mixture(
    counts: NDArray[np.float64], shares: NDArray[np.float64], prior: ArrayLike
) -> float:
    """ln of the likelihood ratio of all splits, averaged over a Dirichlet prior, against the planned one.

    Under the plan a martingale from 1 on, as the Beta mixture is (Lindon & Malek 2022).
    """
    a = np.asarray(prior, dtype=np.float64)
    averaged = special.gammaln(a + counts).sum() - special.gammaln((a + counts).sum())
    before = special.gammaln(a).sum() - special.gammaln(a.sum())
    return float(averaged - before - counts @ np.log(shares))


def sample_ratio_any_time(
    counts: Sequence[int], planned: Sequence[float], *, minimum_deviation: float = 0.0
) -> SampleRatio | Undefined:
    """The sequential multinomial test of the split (Lindon & Malek 2022), valid however often it is looked at.

    The evidence is the mean of two mixtures, whose priors stand closely and loosely round the plan. Parameters
    and alarm are those of `sample_ratio`; p is always valid, and exact from the first person on. Undefined
    without people.
    """
    observed, shares = _counted(counts, planned)
    if not observed.sum():
        return Undefined("nobody has been assigned yet")
    evidence = [log_dirichlet_mixture(observed, shares, size * shares) for size in CONCENTRATIONS]
    mean = float(special.logsumexp(evidence)) - math.log(len(evidence))
    method = "sequential multinomial test of the sample ratio"
    return _judged(p_from_evidence(mean), observed, shares, minimum_deviation, method)

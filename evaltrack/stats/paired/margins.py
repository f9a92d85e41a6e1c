"""Worse than a margin, or not: one-sided tests that agree with the deciding intervals."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import TestResult, Undefined
from evaltrack.stats.paired.binary import tango_score
from evaltrack.stats.paired.examples import NO_PAIRS, differences, is_binary, paired_table, pairs


def p_below(candidate: ArrayLike, baseline: ArrayLike, margin: float) -> TestResult | Undefined:
    """One-sided p of H0: Δ ≥ −margin. Small means: the candidate is worse by more than the margin.

    Tango's score at −margin where all values are 0 or 1, else t at −margin. Compare with 0.025 to agree with
    the two-sided 95 % interval: p < 0.025 exactly when its upper limit is below −margin. If all differences
    are equal there is no t, and the sign test against −margin answers: 2^(−n) if they lie below it, else 1.
    Undefined without examples, or with a single real-valued one.
    """
    return _one_sided(candidate, baseline, margin, direction=1)


def p_above(candidate: ArrayLike, baseline: ArrayLike, margin: float) -> TestResult | Undefined:
    """One-sided p of H0: Δ ≤ −margin. Small means: not worse than the margin (non-inferior).

    The other side of `p_below`, by the same tests: p < 0.025 exactly when the lower limit is above −margin.
    """
    return _one_sided(candidate, baseline, margin, direction=-1)


def equivalence(candidate: ArrayLike, baseline: ArrayLike, margin: float) -> TestResult | Undefined:
    """p of H0: |Δ| ≥ margin, the larger of two one-sided tests (TOST, Schuirmann 1987). Small: equivalent.

    p < 0.05 exactly when the 90 % interval lies inside −margin to margin. A large p-value of a test of no
    difference says nothing of the kind. The tests are those of `p_above`, and it is Undefined where they are.
    ValueError unless the margin is above 0.
    """
    if margin == 0:
        raise ValueError("no difference is too small for a margin of 0: equivalence needs a larger one")
    not_worse, not_better = p_above(candidate, baseline, margin), p_above(baseline, candidate, margin)
    if isinstance(not_worse, Undefined):
        return not_worse
    if isinstance(not_better, Undefined):
        return not_better
    return max(not_worse, not_better, key=lambda side: side.p_value)


def _one_sided(
    candidate: ArrayLike, baseline: ArrayLike, margin: float, direction: int
) -> TestResult | Undefined:
    ours, theirs = pairs(candidate, baseline)
    n = len(ours)
    if not (math.isfinite(margin) and margin >= 0):
        raise ValueError(f"a margin is a finite number from 0 up, not {margin}")
    if n == 0:
        return NO_PAIRS
    if is_binary(ours, theirs):
        if margin >= 1:
            # Two shares differ by at most 1: no data can speak against "not worse than that".
            return TestResult(None, 1.0 if direction > 0 else 0.0)
        _, b, c, _ = paired_table(ours, theirs)
        score = tango_score(b, c, n, -margin)
        return TestResult(score, float(special.ndtr(direction * score)))
    if n == 1:
        return Undefined("a t test needs 2 examples or more, there is 1")
    d, same = differences(ours, theirs)
    if same:
        return TestResult(None, 2.0**-n if direction * (d[0] + margin) < 0 else 1.0)
    t = (float(d.mean()) + margin) / (float(d.std(ddof=1)) / math.sqrt(n))
    return TestResult(t, float(special.stdtr(n - 1, direction * t)))

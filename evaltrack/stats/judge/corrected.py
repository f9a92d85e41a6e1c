"""A judge's share of positives, corrected for how often it errs each way."""

from __future__ import annotations

import math

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import Z, around, count_of

FEWEST_CHECKED = 10


def corrected_share(
    positives: int, n: int, *, found: int, of_positive: int, cleared: int, of_negative: int
) -> Estimate | Undefined:
    """The true share of positives where a judge called `positives` of `n` so (Rogan & Gladen 1978).

    Elsewhere people checked the judge: it called `found` of `of_positive` true positives positive (sensitivity) and
    `cleared` of `of_negative` true negatives negative (specificity). Those need not be a random sample of the n,
    but the judge must err on the n as often as there; with a random sample `rectified_mean` is at least as precise.

    The value is (p + specificity − 1)/(sensitivity + specificity − 1), kept within 0 and 1; the interval that of
    Lang & Reiczigel 2014, which also carries the uncertainty of both rates. `n` counts what the judge alone labelled.

    Undefined without labels, without checks of both kinds, or where the judge does no better than chance. Without
    an interval from fewer than 10 checks of either kind, where chance could explain the judge's rates, or where
    the whole interval lies beyond 0 or 1.
    """
    positives, n = count_of(positives, n)
    found, of_positive = count_of(found, of_positive)
    cleared, of_negative = count_of(cleared, of_negative)
    method = "Rogan–Gladen, Lang–Reiczigel interval"
    if n == 0:
        return Undefined("there are no labels of the judge")
    if of_positive == 0 or of_negative == 0:
        return Undefined("the judge was not checked on examples of both kinds")
    sensitivity, specificity = found / of_positive, cleared / of_negative
    gain = sensitivity + specificity - 1
    if gain <= 0:
        return Undefined(
            f"sensitivity {sensitivity:.2f} and specificity {specificity:.2f}: the judge does no better than chance"
        )
    value = min(max((positives / n + specificity - 1) / gain, 0.0), 1.0)
    if min(of_positive, of_negative) < FEWEST_CHECKED:
        reason = (
            f"the judge was checked on {of_positive} positive and {of_negative} negative examples: "
            f"{FEWEST_CHECKED} of each are needed"
        )
        return Estimate(value, None, None, n, method, reason)
    error_of_gain = math.hypot(
        math.sqrt(sensitivity * (1 - sensitivity) / of_positive),
        math.sqrt(specificity * (1 - specificity) / of_negative),
    )
    if gain <= Z * error_of_gain:
        return Estimate(
            value, None, None, n, method, "the judge may do no better than chance: check it on more examples"
        )
    low, high = lang_reiczigel(positives, n, found, of_positive, cleared, of_negative)
    if high <= 0 or low >= 1:
        reason = f"{positives} of {n} does not fit the judge's rates: on these examples it errs otherwise"
        return Estimate(value, None, None, n, method, reason)
    return Estimate(value, *around(max(low, 0.0), min(high, 1.0), value), n, method)


def rogan_gladen(
    share: float, n: float, sensitivity: float, m1: float, specificity: float, m0: float
) -> tuple[float, float]:
    """The corrected share, which may leave 0 to 1, and its standard error.

    SE² = [p(1 − p)/n + θ²·sensitivity(1 − sensitivity)/m₁ + (1 − θ)²·specificity(1 − specificity)/m₀]/gain².
    """
    gain = sensitivity + specificity - 1
    theta = (share + specificity - 1) / gain
    variance = (
        share * (1 - share) / n
        + theta**2 * sensitivity * (1 - sensitivity) / m1
        + (1 - theta) ** 2 * specificity * (1 - specificity) / m0
    )
    return theta, math.sqrt(variance) / gain


def lang_reiczigel(
    positives: int, n: int, found: int, of_positive: int, cleared: int, of_negative: int
) -> tuple[float, float]:
    """Both limits, with z²/2 pseudo-observations on each side of the share and one on each side of the rates."""
    total, m1, m0 = n + Z * Z, of_positive + 2, of_negative + 2
    sensitivity, specificity = (found + 1) / m1, (cleared + 1) / m0
    theta, error = rogan_gladen((positives + Z * Z / 2) / total, total, sensitivity, m1, specificity, m0)
    shift = (
        2
        * Z
        * Z
        * (theta * sensitivity * (1 - sensitivity) / m1 - (1 - theta) * specificity * (1 - specificity) / m0)
    )
    return theta + shift - Z * error, theta + shift + Z * error

"""What an inconclusive comparison needs: how many examples, or how large a difference.

For paired comparisons. These are plans, not results: they take the observed discordance or spread as the truth
and use normal quantiles, so treat them as good to about a tenth (below 30 examples add two). The default is a
two-sided level of 0.05, that of the 95 % interval, and a power of 0.8.
"""

from __future__ import annotations

import math

from scipy import special

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.paired import tango_variance

LEVEL = 0.05
POWER = 0.8


def _quantiles(power: float, level: float) -> tuple[float, float]:
    if not (0 < level < 1 and 0.5 <= power < 1):
        raise ValueError(f"no plan has the level {level} and the power {power}")
    return float(special.ndtri(1 - level / 2)), float(special.ndtri(power))


def _whole(examples: float) -> int:
    """Rounded up, but not for the sake of the last bits of a float."""
    return max(1, math.ceil(examples * (1 - 1e-12)))


def _check(margin: float, *finite: float) -> None:
    if not all(math.isfinite(number) for number in (margin, *finite)) or margin < 0:
        raise ValueError("a plan takes finite numbers, and a margin from 0 up")


def examples_needed_paired_binary(
    discordant_share: float, delta: float, margin: float = 0.0, *, power: float = POWER, level: float = LEVEL
) -> int | Undefined:
    """Examples that would settle a paired comparison of 0/1 outcomes, if the true difference were `delta`.

    Settle: the interval falls on one side of −margin, the side where delta lies. `discordant_share` ψ is
    (b + c)/n, and n = (z_{α/2}√V₀ + z_β√(ψ − δ²))² / (δ + m)²: Connor 1987 with the null moved from 0 to −m.
    V₀ is the variance that Tango's test at −m would use; at m = 0 that is Connor's ψ.

    Undefined when delta lies on −margin, where no number of examples is enough.
    """
    _check(margin, discordant_share, delta)
    if not (0 <= discordant_share <= 1 and abs(delta) <= discordant_share + 1e-12 and margin < 1):
        raise ValueError("shares lie between 0 and 1, and a difference never exceeds the discordant share")
    z_level, z_power = _quantiles(power, level)
    if math.isclose(delta, -margin, abs_tol=1e-12):
        return Undefined("the difference lies on the limit itself: no number of examples would settle it")
    only_candidate, only_baseline = (discordant_share + delta) / 2, (discordant_share - delta) / 2
    under_null = tango_variance(only_candidate, only_baseline, 1.0, -margin)
    under_truth = max(discordant_share - delta**2, 0.0)
    reach = z_level * math.sqrt(under_null) + z_power * math.sqrt(under_truth)
    return _whole((reach / (delta + margin)) ** 2)


def examples_needed_paired_mean(
    sd: float, delta: float, margin: float = 0.0, *, power: float = POWER, level: float = LEVEL
) -> int | Undefined:
    """Examples that would settle a paired comparison of means, if the true mean difference were `delta`.

    `sd` is the standard deviation of the differences by example, delta and margin in the same units.
    n = (z_{α/2} + z_β)² sd² / (δ + m)² (Miller 2024). Undefined when delta lies on −margin, and for sd = 0.
    """
    _check(margin, sd, delta)
    if sd < 0:
        raise ValueError(f"a standard deviation is not negative, as {sd} is")
    z_level, z_power = _quantiles(power, level)
    if sd == 0:
        return Undefined("the differences have no spread to plan with")
    if math.isclose(delta, -margin, abs_tol=1e-12 * sd):
        return Undefined("the difference lies on the limit itself: no number of examples would settle it")
    return _whole(((z_level + z_power) * sd / (delta + margin)) ** 2)


def detectable_difference_paired_binary(
    discordant_share: float, n: int, *, power: float = POWER, level: float = LEVEL
) -> float | Undefined:
    """The smallest difference of two shares that n paired examples tell from 0 with the given power.

    Connor's formula solved for δ, a quadratic. Undefined when even discordant pairs that all favour one side
    would not do: the answer would exceed the discordant share.
    """
    _check(0.0, discordant_share)
    if not (0 <= discordant_share <= 1 and n >= 1):
        raise ValueError("shares lie between 0 and 1, and a plan needs an example")
    z_level, z_power = _quantiles(power, level)
    null = z_level * math.sqrt(discordant_share)
    scale = n + z_power**2
    root = null**2 * n - scale * (null**2 - z_power**2 * discordant_share)
    difference = (null * math.sqrt(n) + math.sqrt(max(root, 0.0))) / scale
    if root < 0 or discordant_share == 0 or difference > discordant_share:
        return Undefined(
            f"{n} examples with {discordant_share:.2%} discordant pairs detect no difference at all"
        )
    return difference


def detectable_difference_paired_mean(
    sd: float, n: int, *, power: float = POWER, level: float = LEVEL
) -> float | Undefined:
    """The smallest mean difference that n paired examples tell from 0: (z_{α/2} + z_β)·sd/√n (Miller 2024).

    `sd` is the standard deviation of the differences by example. Undefined for sd = 0.
    """
    _check(0.0, sd)
    if sd < 0 or n < 1:
        raise ValueError("a plan needs a standard deviation from 0 up and an example")
    z_level, z_power = _quantiles(power, level)
    if sd == 0:
        return Undefined("the differences have no spread to plan with")
    return (z_level + z_power) * sd / math.sqrt(n)

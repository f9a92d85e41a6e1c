"""Intraclass correlations of scores: how much of their variance is that of the units, not of the raters or of chance.

The names are those of Shrout and Fleiss (1979). (1,·): each unit has raters of its own. (2,·): the same raters, a
sample of those who might judge; a harsh one counts against agreement. (3,·): the same raters, these and no others,
and only how each orders the units matters: it hides a harsh rater, and needs a reason. (·,1) is one rater, (·,k)
the mean of all k.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import TAIL, all_equal, around
from evaltrack.stats.resampling import DRAWS

Form = Literal["(1,1)", "(2,1)", "(3,1)", "(1,k)", "(2,k)", "(3,k)"]
FORMS: tuple[Form, ...] = ("(1,1)", "(2,1)", "(3,1)", "(1,k)", "(2,k)", "(3,k)")


@dataclass(frozen=True, slots=True)
class MeanSquares:
    """The analysis of variance of n units × k raters."""

    n: int
    k: int
    units: float
    raters: float
    residual: float

    @property
    def within(self) -> float:
        """Within units: raters and residual together."""
        return (self.raters + (self.n - 1) * self.residual) / self.n


def mean_squares(scores: ArrayLike) -> MeanSquares | Undefined:
    """Mean squares of a complete matrix of scores, units × raters.

    Undefined below two units or raters, and where all scores are equal. ValueError for gaps: leave incomplete units
    out and count them, or use alpha at the interval level, which bears gaps.
    """
    x = np.asarray(scores, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"scores stand in a table of units and raters, not of shape {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError("scores must be finite; leave incomplete units out and count them")
    n, k = x.shape
    if n < 2 or k < 2:
        return Undefined(f"{n} units and {k} raters: two of each are needed")
    scale = float(np.abs(x).max())
    if all_equal(x.ravel(), scale=scale):
        return Undefined(f"all {n * k} scores are equal")
    x = x - x.mean()
    by_unit, by_rater = x.mean(axis=1), x.mean(axis=0)
    rest = x - by_unit[:, None] - by_rater
    # What is left by rounding is no variance: an interval made of it would look like certainty.
    noise = (16 * np.finfo(np.float64).eps * scale) ** 2
    squares = [
        float(part @ part) * times / df if float((part**2).max()) > noise else 0.0
        for part, times, df in (
            (by_unit, k, n - 1),
            (by_rater, n, k - 1),
            (rest.ravel(), 1, (n - 1) * (k - 1)),
        )
    ]
    return MeanSquares(n, k, *squares)


def icc(scores: ArrayLike, form: Form = "(2,1)", *, seed: int) -> Estimate | Undefined:
    """An intraclass correlation with its interval (Shrout & Fleiss 1979; McGraw & Wong 1996); `n` counts units.

    `scores` is complete, units × raters; units must be independent. For normal scores the F intervals of forms (1,·)
    and (3,·) are exact. That of (2,·) takes percentiles of 2,000 draws of the three variances that could be behind
    these mean squares (generalized interval, Weerahandi 1993; Gilder et al. 2007): Satterthwaite's, which other
    programs print (`satterthwaite_limits`), covers 88 % in place of 95 % with 200 units and three raters, as if more
    units told more of the raters. The mean of k raters has the limits of one after Spearman and Brown.

    Undefined where `mean_squares` is. Where all raters agree completely there is a value without an interval, as
    there is where units do not differ at all, and the mean of raters then has no value either.
    """
    if form not in FORMS:
        raise ValueError(f"a form is one of {', '.join(FORMS)}, not {form!r}")
    squares = mean_squares(scores)
    if isinstance(squares, Undefined):
        return squares
    n, k, of_units, error = squares.n, squares.k, squares.units, squares.residual
    method = f"{'generalized' if form[1] == '2' else 'F'} interval of ICC{form}"
    if form[1] == "1":
        error = squares.within
    denominator = of_units + (k - 1) * error
    if form[1] == "2":
        denominator += k * (squares.raters - error) / n
    if denominator <= 0:
        return Undefined("units do not differ beyond their raters")
    value = (of_units - error) / denominator
    if form[3] == "k" and of_units == 0:
        return Undefined("all units have the same mean, and the mean of raters nothing to tell them apart by")
    shown = _of_mean(value, k) if form[3] == "k" else value
    reason = None
    if error == 0:
        reason = "the scores fit completely, so the error of a rater has not been seen"
    elif of_units == 0:
        reason = "all units have the same mean, so how they differ has not been seen"
    if reason:
        return Estimate(shown, None, None, n, method, reason)
    if form[1] == "2":
        low, high = _generalized_limits(squares, seed)
    else:
        df = n * (k - 1) if form[1] == "1" else (n - 1) * (k - 1)
        f = of_units / error
        below, above = f / _f(n - 1, df), f * _f(df, n - 1)
        low, high = ((ratio - 1) / (ratio + k - 1) for ratio in (below, above))
    if form[3] == "k":
        low, high = _of_mean(low, k), _of_mean(high, k)
    return Estimate(shown, *around(low, high, shown), n, method, seed=seed if form[1] == "2" else None)


def _f(df1: float, df2: float) -> float:
    """The upper 2.5 % point of F."""
    return float(special.fdtri(df1, df2, 1 - TAIL))


def _of_mean(single: float, k: int) -> float:
    """Spearman and Brown: the reliability of the mean of k raters from that of one."""
    return k * single / (1 + (k - 1) * single)


def _generalized_limits(squares: MeanSquares, seed: int) -> tuple[float, float]:
    """Limits of ICC(2,1): a mean square times its degrees of freedom is its variance times a χ² variable."""
    n, k = squares.n, squares.k
    rng = np.random.default_rng(seed)
    units, raters, error = (
        square * df / rng.chisquare(df, size=DRAWS)
        for square, df in (
            (squares.units, n - 1),
            (squares.raters, k - 1),
            (squares.residual, (n - 1) * (k - 1)),
        )
    )
    of_units, of_raters = np.maximum(units - error, 0) / k, np.maximum(raters - error, 0) / n
    low, high = np.quantile(of_units / (of_units + of_raters + error), (TAIL, 1 - TAIL))
    return float(low), float(high)


def satterthwaite_limits(squares: MeanSquares) -> tuple[float, float]:
    """The limits of ICC(2,1) in Shrout & Fleiss 1979 and McGraw & Wong 1996, for comparison with other programs.

    They share out the degrees of freedom of raters and residual by Satterthwaite's rule. Needs a positive residual.
    """
    n, k, error = squares.n, squares.k, squares.residual
    value = (squares.units - error) / (squares.units + (k - 1) * error + k * (squares.raters - error) / n)
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    mixed = (a * squares.raters + b * error) ** 2
    df = mixed / ((a * squares.raters) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    # Below 1 only where the correlation is negative, and a difference of variances is near 0.
    df = max(df, 1.0)
    down, up = _f(n - 1, df), _f(df, n - 1)
    rest = k * squares.raters + (k * n - k - n) * error
    low = n * (squares.units - down * error) / (down * rest + n * squares.units)
    high = n * (up * squares.units - error) / (rest + n * up * squares.units)
    return low, high

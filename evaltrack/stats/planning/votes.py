"""More raters or more prompts? What a pilot's votes vary by, and what that says of the next evaluation.

A vote is the mean of all votes plus what the prompt adds, what the rater adds, and the rest. With G prompts, R raters
and n votes in all, spread evenly, the mean has the variance σ²_prompt/G + σ²_rater/R + σ²_rest/n: more votes on the
same prompts by the same raters lower the last part alone.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from evaltrack.stats.estimate import Undefined, rounded
from evaltrack.stats.intervals import real_values
from evaltrack.stats.planning.design import LEVEL, check_share, normal_quantile
from evaltrack.stats.preference.net import numbered

# The three sums of squares tell the components apart, but for rounding.
LEAST_APART = 1e-9


@dataclass(frozen=True, slots=True)
class VoteVariance:
    """The variances of one vote: that of prompts, that of raters, and the rest, in squared units of the vote."""

    prompt: float
    rater: float
    rest: float

    def __post_init__(self) -> None:
        for name in ("prompt", "rater", "rest"):
            variance = getattr(self, name)
            if not (math.isfinite(variance) and variance >= 0):
                raise ValueError(f"the variance of the {name} is a finite number from 0 up, not {variance}")

    @property
    def total(self) -> float:
        return self.prompt + self.rater + self.rest

    def variance(self, prompts: int, raters: int, votes: int) -> float:
        """Of the mean of so many votes, spread evenly over prompts and raters."""
        if min(prompts, raters) < 1 or votes < max(prompts, raters) or votes > prompts * raters:
            raise ValueError(
                f"{votes} votes of {raters} raters on {prompts} prompts: each has one at least, and no pair has two"
            )
        return self.prompt / prompts + self.rater / raters + self.rest / votes

    def reliability(self, raters: int) -> float | Undefined:
        """How far the mean of so many raters tells prompts apart, from 0 to 1: ICC(2,k) of complete scores."""
        if raters < 1:
            raise ValueError(f"a mean is of one rater or more, not of {raters}")
        error = (self.rater + self.rest) / raters
        if self.prompt + error == 0:
            return Undefined("all votes are equal")
        return self.prompt / (self.prompt + error)


def vote_variance(
    scores: ArrayLike, prompts: Sequence[Hashable], raters: Sequence[Hashable]
) -> VoteVariance | Undefined:
    """The variances behind a pilot's votes, each with its prompt and rater, gaps allowed (Henderson 1953, method 1).

    Sums of squares of all votes, of prompts and of raters are set to what they are on average; for complete scores
    that is the analysis of variance. A component that comes out below 0 is 0. `scores` as in
    `preference.net_preference`, or ratings; votes of one rater on one prompt must not repeat.

    Undefined from fewer than two prompts or raters, without votes of two raters on one prompt, and where prompts and
    raters cannot be told apart, as where each rater has prompts of their own.
    """
    x = real_values(scores)
    if not len(x) == len(prompts) == len(raters):
        raise ValueError(
            f"{len(prompts)} prompts and {len(raters)} raters do not name those of {len(x)} votes"
        )
    if not len(x):
        return Undefined("there are no votes")
    by_prompt, by_rater = numbered(prompts), numbered(raters)
    g, r, n = int(by_prompt.max()) + 1, int(by_rater.max()) + 1, len(x)
    if len(np.unique(by_prompt * r + by_rater)) < n:
        raise ValueError("a rater judged a prompt twice; repeats belong to the agreement with oneself")
    if g < 2 or r < 2:
        return Undefined(f"votes of {r} raters on {g} prompts: two of each are needed")
    x = x - x.mean()  # so that the square of the mean takes no digits
    of_prompt, of_rater = np.bincount(by_prompt), np.bincount(by_rater)
    squares = np.array(
        [
            float(x @ x),
            float((np.bincount(by_prompt, weights=x) ** 2 / of_prompt).sum()),
            float((np.bincount(by_rater, weights=x) ** 2 / of_rater).sum()),
        ]
    )
    # What each sum of squares holds of each component on average, beyond what the mean of all votes holds.
    mean = np.array([float((of_prompt**2).sum()) / n, float((of_rater**2).sum()) / n, 1.0])
    held = (
        np.array(
            [
                [n, n, n],
                [n, float((1 / of_prompt[by_prompt]).sum()), g],
                [float((1 / of_rater[by_rater]).sum()), n, r],
            ]
        )
        - mean
    )
    size = np.abs(held).max(axis=1)
    if abs(np.linalg.det(held / size[:, None])) < LEAST_APART:
        return Undefined(
            "these votes do not tell prompts, raters and the rest apart: let raters share prompts"
        )
    components = np.maximum(np.linalg.solve(held, squares), 0.0)
    return VoteVariance(*(float(each) for each in components))


@dataclass(frozen=True, slots=True)
class Votes:
    """An evaluation: how many prompts, raters and votes, and how far its interval reaches to either side."""

    prompts: int
    raters: int
    votes: int
    half_width: float

    def as_json(self) -> dict[str, Any]:
        return {
            "prompts": self.prompts,
            "raters": self.raters,
            "votes": self.votes,
            "half_width": rounded(self.half_width),
        }


@dataclass(frozen=True, slots=True)
class MoreVotes:
    """An evaluation as it is, and twice as many votes spent in three ways; None where a way does not exist."""

    now: Votes
    prompts: Votes
    raters: Votes
    each: Votes | None

    @property
    def sentence(self) -> str:
        """For example "±0.120 now; twice the prompts ±0.088, twice the raters ±0.115, twice the votes …"."""
        ways = {"twice the prompts": self.prompts, "twice the raters": self.raters}
        if self.each is not None:
            ways["twice the votes on each prompt"] = self.each
        least = min(way.half_width for way in ways.values())
        best = next(name for name, way in ways.items() if way.half_width <= least * (1 + 1e-9))
        told = ", ".join(f"{name} ±{way.half_width:.3g}" for name, way in ways.items())
        if least >= 0.99 * self.now.half_width:
            return f"±{self.now.half_width:.3g} now; {told}: none of it helps."
        return f"±{self.now.half_width:.3g} now; {told}: {best} helps most."


def more_votes(
    variances: VoteVariance, *, prompts: int, raters: int, votes: int, level: float = LEVEL
) -> MoreVotes:
    """How wide the interval of the mean is, and what twice the prompts, the raters or the votes would make of it.

    Twice the prompts are judged by the same raters as often as before, and so twice the votes. Twice the raters share
    the votes there are. Twice the votes on each prompt come from the same raters, where these have so many left.
    Intervals are by normal quantiles; with fewer than about 30 prompts or raters the real ones are wider.
    """
    check_share("the level", level)

    def planned(prompts: int, raters: int, votes: int) -> Votes:
        half = normal_quantile(level) * math.sqrt(variances.variance(prompts, raters, votes))
        return Votes(prompts, raters, votes, half)

    now = planned(prompts, raters, votes)
    # Votes that do not suffice for one each of twice the raters are topped up.
    return MoreVotes(
        now,
        planned(2 * prompts, raters, 2 * votes),
        planned(prompts, 2 * raters, max(votes, 2 * raters)),
        planned(prompts, raters, 2 * votes) if 2 * votes <= prompts * raters else None,
    )

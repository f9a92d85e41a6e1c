"""Everything that blind judgments of a candidate against a baseline say, in one report."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from evaltrack.stats.estimate import Estimate, TestResult, Undefined
from evaltrack.stats.preference.net import net_preference, numbered
from evaltrack.stats.preference.raters import net_preference_two_way, scope_of
from evaltrack.stats.signflip import sign_flip

Outcome = Literal["win", "loss", "tie", "both_bad"]
SCORES = {"win": 1.0, "loss": -1.0, "tie": 0.0, "both_bad": 0.0}
Statistic = Estimate | Undefined
# Below these a word about who is preferred rests on accidents; numbers with their intervals are shown all the same.
FEWEST_DECISIVE, FEWEST_PROMPTS = 20, 10


@dataclass(frozen=True, slots=True)
class Preference:
    """What people prefer, from the side of the candidate.

    `net` is (wins − losses)/n of all judgments, its interval by prompt; `net_two_way` is the same number with an
    interval for other raters too, and `deciding` names the one to go by. `win_rate` counts a tie as one half and
    leaves out "both bad", which says something about quality and not about a preference; `decisive_rate` is the share
    of wins among wins and losses. Both have intervals by prompt. `test` flips the signs of the prompts' totals.
    `scope` says for whom the result speaks, if not for raters in general.
    """

    wins: int
    losses: int
    ties: int
    both_bad: int
    prompts: int
    raters: int
    net: Statistic
    net_two_way: Statistic
    win_rate: Statistic
    decisive_rate: Statistic
    test: TestResult | Undefined
    scope: str

    @property
    def deciding(self) -> Statistic:
        """By prompt and rater where that has an interval, which takes 5 raters; else by prompt."""
        both = self.net_two_way
        return both if isinstance(both, Estimate) and both.ci_low is not None else self.net

    @property
    def too_little(self) -> str:
        """Why no word like "preferred" is earned yet, if so."""
        return too_little(self.wins + self.losses, self.prompts)

    def as_json(self) -> dict[str, Any]:
        return {
            "wins": self.wins,
            "losses": self.losses,
            "ties": self.ties,
            "both_bad": self.both_bad,
            "prompts": self.prompts,
            "raters": self.raters,
            "net_preference": self.net.as_json(),
            "net_preference_two_way": self.net_two_way.as_json(),
            "win_rate": self.win_rate.as_json(),
            "decisive_rate": self.decisive_rate.as_json(),
            "test": self.test.as_json(),
            "scope": self.scope,
            "too_little": self.too_little,
        }


def too_little(decisive: int, prompts: int) -> str:
    """Why votes earn no word like "preferred" yet; "" from 20 decisive votes on 10 prompts on."""
    if decisive >= FEWEST_DECISIVE and prompts >= FEWEST_PROMPTS:
        return ""
    return (
        f"Too little for a word: {decisive} decisive votes on {prompts} prompts, "
        f"{FEWEST_DECISIVE} on {FEWEST_PROMPTS} are needed."
    )


def preference(
    outcomes: Sequence[Outcome], prompts: Sequence[Hashable], raters: Sequence[Hashable], *, seed: int
) -> Preference:
    """The report of judgments, each "win", "loss", "tie" or "both_bad" for the candidate, with its prompt and rater.

    The test is a sign-flip permutation of the prompts' totals, exact for votes whatever the ties; with one judgment a
    prompt it is the sign test. Its H0 is that each prompt's judgments would as likely have gone the other way.

    A rate is Undefined where no judgment counts for it. ValueError for other outcomes and unequal lengths.
    """
    unknown = sorted({str(outcome) for outcome in outcomes} - set(get_args(Outcome)))
    if unknown:
        raise ValueError(f"an outcome is one of {', '.join(get_args(Outcome))}, not {unknown[0]}")
    n = len(outcomes)
    if not len(prompts) == len(raters) == n:
        raise ValueError(
            f"{len(prompts)} prompts and {len(raters)} raters do not name those of {n} judgments"
        )
    said = np.array(outcomes, dtype=str)
    counts = {each: int((said == each).sum()) for each in get_args(Outcome)}
    scores = np.array([SCORES[outcome] for outcome in outcomes])
    by_prompt, by_rater = numbered(prompts), numbered(raters)
    people = int(by_rater.max()) + 1 if n else 0
    totals = np.bincount(by_prompt, weights=scores) if n else scores
    return Preference(
        wins=counts["win"],
        losses=counts["loss"],
        ties=counts["tie"],
        both_bad=counts["both_bad"],
        prompts=len(totals),
        raters=people,
        net=net_preference(scores, by_prompt.tolist()),
        net_two_way=net_preference_two_way(scores, by_prompt.tolist(), by_rater.tolist()),
        win_rate=_rate(scores, by_prompt, said != "both_bad", "every judgment found both bad"),
        decisive_rate=_rate(scores, by_prompt, scores != 0, "no judgment preferred one side"),
        test=sign_flip(totals, seed=seed),
        scope=scope_of(people) if n else "",
    )


def _rate(
    scores: NDArray[np.float64], prompts: NDArray[np.intp], counted: NDArray[np.bool_], nothing: str
) -> Statistic:
    """Net preference of the judgments that count, from −1…1 to 0…1."""
    if len(scores) and not counted.any():
        return Undefined(nothing)
    net = net_preference(scores[counted], prompts[counted].tolist())
    if isinstance(net, Undefined):
        return net
    value, low, high = ((1 + x) / 2 if x is not None else None for x in (net.value, net.ci_low, net.ci_high))
    assert value is not None
    return Estimate(value, low, high, net.n, net.method, net.ci_undefined, clusters=net.clusters)

"""How strong each of several systems is, from what people said about pairs of them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotation.agreement.votes import NEITHER, Vote
from annotation.models import Choice
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.preference import net_preference
from evaltrack.stats.strengths import LEFT, RIGHT, TIE, Ranks, Strengths, rank_sets, strengths

WHEN_CLOSED = Undefined("shown when the campaign is closed")
OUTCOMES = ("wins", "losses", "ties", "both_bad")
SCORES = {"wins": 1.0, "losses": -1.0}


@dataclass(frozen=True)
class Standing:
    """One system: how much more often it was preferred to those beside it than they to it, its log odds against an
    average one, and the ranks that the votes leave open."""

    source: str
    net_preference: Estimate | Undefined
    rating: Estimate | Undefined
    counts: Counter[str]
    ranks: Ranks | None

    def as_json(self, *, is_told: bool) -> dict[str, Any]:
        return {
            "source": self.source,
            **{name: self.counts[name] if is_told else None for name in OUTCOMES},
            "net_preference": (self.net_preference if is_told else WHEN_CLOSED).as_json(),
            "rating": (self.rating if is_told else WHEN_CLOSED).as_json(),
            "rank_low": self.ranks.best if self.ranks and is_told else None,
            "rank_high": self.ranks.worst if self.ranks and is_told else None,
        }


@dataclass(frozen=True)
class Preferences:
    """All systems, best first, and how much it helps to be shown first, in log odds."""

    systems: list[Standing]
    position: Estimate | Undefined
    # Why the ratings rest on more than votes, where they do.
    penalty: str

    def as_json(self, *, is_told: bool) -> dict[str, Any]:
        """While people judge only the position is told, and systems by name."""
        shown = self.systems if is_told else sorted(self.systems, key=lambda each: each.source)
        return {
            "systems": [each.as_json(is_told=is_told) for each in shown],
            "position": self.position.as_json(),
            "penalty": self.penalty if is_told else "",
        }


def of(votes: Sequence[Vote]) -> Preferences:
    """Davidson's model with an order effect. "Both bad" is no tie: it is counted, and left out of the model."""
    names = sorted({system for vote in votes for system in vote.pair})
    apart = [vote for vote in votes if vote.said != Choice.BOTH_BAD]
    fitted = fit(apart, names, order=True)
    position = fitted if isinstance(fitted, Undefined) else fitted.order_effect
    if isinstance(fitted, Undefined):
        # Where all votes went to one side, say, what is left can still be told.
        fitted = fit(apart, names, order=False)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    scores: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for vote in votes:
        for system in vote.pair:
            outcome = outcome_for(system, vote.said)
            counts[system][outcome] += 1
            scores[system].append((SCORES.get(outcome, 0.0), vote.item))
    ranks = fitted if isinstance(fitted, Undefined) else rank_sets(fitted)
    rows = [
        Standing(
            source=name,
            net_preference=net_preference(*zip(*scores[name], strict=True)),
            rating=fitted if isinstance(fitted, Undefined) else fitted.strength(place),
            counts=counts[name],
            ranks=None if isinstance(ranks, Undefined) else ranks[place],
        )
        for place, name in enumerate(names)
    ]
    return Preferences(
        systems=sorted(rows, key=lambda row: (-rated(row), row.source)),
        position=position,
        penalty="" if isinstance(fitted, Undefined) else fitted.penalty,
    )


def outcome_for(system: str, said: str) -> str:
    if said in NEITHER:
        return "ties" if said == Choice.TIE.value else "both_bad"
    return "wins" if said == system else "losses"


def rated(row: Standing) -> float:
    """By which systems are ordered; without ratings, by how much more often they won than lost."""
    if isinstance(row.rating, Undefined):
        return float(row.counts["wins"] - row.counts["losses"])
    return row.rating.value


def fit(votes: Sequence[Vote], names: Sequence[str], *, order: bool) -> Strengths | Undefined:
    system = {name: place for place, name in enumerate(names)}
    items: dict[str, int] = {}
    outcome = {True: LEFT, False: RIGHT}
    rows = np.array(
        [
            (
                system[vote.left],
                system[vote.right],
                TIE if vote.said == Choice.TIE else outcome[vote.said == vote.left],
                items.setdefault(vote.item, len(items)),
            )
            for vote in votes
        ],
        dtype=np.int64,
    ).reshape(-1, 4)
    return strengths(*rows.T, order=order, systems=len(names), fall_back=True)

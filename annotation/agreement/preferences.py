"""How strong each of a campaign's systems is, from what people said about pairs of them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotation.agreement.pairs import OUTCOMES, WHEN_CLOSED, Findings, outcome_for
from annotation.agreement.votes import Vote
from annotation.models import Choice
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.strengths import LEFT, RIGHT, TIE, Ranks, Strengths, rank_sets, strengths


@dataclass(frozen=True)
class Standing:
    """One system: its log odds against an average one, and the ranks that the votes leave open."""

    source: str
    rating: Estimate | Undefined
    counts: Counter[str]
    ranks: Ranks | None

    def as_json(self, *, is_told: bool) -> dict[str, Any]:
        return {
            "source": self.source,
            "rating": (self.rating if is_told else WHEN_CLOSED).as_json(),
            **{name: self.counts[name] if is_told else None for name in OUTCOMES},
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


def of(found: Findings) -> Preferences:
    """Davidson's model with an order effect. "Both bad" is no tie: it is counted, and left out of the model."""
    votes = [vote for vote in found.votes if vote.said != Choice.BOTH_BAD]
    names = sorted({system for vote in found.votes for system in vote.pair})
    fitted = fit(votes, names, order=True)
    position = fitted if isinstance(fitted, Undefined) else fitted.order_effect
    if isinstance(fitted, Undefined):
        # Where all votes went to one side, say, what is left can still be told.
        fitted = fit(votes, names, order=False)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for vote in found.votes:
        for system in vote.pair:
            counts[system][outcome_for(system, vote.said)] += 1
    ranks = fitted if isinstance(fitted, Undefined) else rank_sets(fitted)
    rows = [
        Standing(
            source=name,
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

"""Votes about pairs that are held against each other, and every coefficient of how far they agree.

Each is computed when it is asked for: a page shows few of them.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from annotation.agreement import remembered
from annotation.agreement.tally import LABELS
from annotation.agreement.votes import NEITHER, Rater, Unit, Vote
from evaltrack.stats.agreement import PreferenceAgreement, preference_kappa
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.pairwise import PairwiseKappa, mean_pairwise_kappa
from evaltrack.stats.panel import Panel
from evaltrack.stats.same_order import preference_kappa_same_order

SEED = 20_251_122
HEADLINE = "Krippendorff's alpha"
Statistic = Estimate | Undefined


def label(vote: Vote) -> str:
    if vote.said in NEITHER:
        return vote.said
    return LABELS[vote.said != vote.pair[0]]


@dataclass(frozen=True)
class Compared:
    """Votes that are held against each other: those of different raters, or a rater's own.

    But for preference kappa, which compares all of them, a rater counts once for a pair, as first judged.
    """

    votes: Sequence[Vote]
    among: Literal["raters", "self"]

    @cached_property
    def units(self) -> Mapping[Any, list[str]]:
        """The labels that are compared, of each unit; those of one rater are units of their own among themselves."""
        if self.among == "raters":
            return {unit: list(said.values()) for unit, said in self.by_unit.items()}
        return self.repeats

    @cached_property
    def repeats(self) -> dict[tuple[Unit, Rater], list[str]]:
        """What a rater said of a pair that they judged more than once."""
        own: dict[tuple[Unit, Rater], list[str]] = defaultdict(list)
        for vote in self.votes:
            own[vote.unit, vote.rater].append(label(vote))
        return {unit: said for unit, said in own.items() if len(said) > 1}

    @cached_property
    def by_unit(self) -> dict[Unit, dict[Rater, str]]:
        """What each rater said first."""
        units: dict[Unit, dict[Rater, str]] = defaultdict(dict)
        for vote in self.votes:
            units[vote.unit].setdefault(vote.rater, label(vote))
        return units

    @cached_property
    def item_of(self) -> dict[Hashable, Hashable]:
        if self.among == "raters":
            return {unit: unit[0] for unit in self.by_unit}
        return {(unit, rater): unit[0] for unit, rater in self.repeats}

    @cached_property
    def panel(self) -> Panel:
        counts = np.zeros((len(self.units), len(LABELS)), dtype=np.int64)
        items: dict[Hashable, int] = {}
        numbers = np.empty(len(self.units), dtype=np.int64)
        for row, (unit, said) in enumerate(self.units.items()):
            numbers[row] = items.setdefault(self.item_of[unit], len(items))
            for each in said:
                counts[row, LABELS.index(each)] += 1
        return Panel.of(counts, numbers)

    @cached_property
    def cohen(self) -> PairwiseKappa:
        """The mean over pairs of raters."""
        ratings = [
            (unit, rater, said) for unit, given in self.by_unit.items() for rater, said in given.items()
        ]
        return mean_pairwise_kappa(ratings, seed=SEED, item_of=self.item_of)

    @property
    def percent(self) -> Statistic:
        return self.panel.percent()

    @cached_property
    def alpha(self) -> Statistic:
        return remembered.alpha(self.panel, seed=SEED)

    @cached_property
    def preference(self) -> PreferenceAgreement:
        return preference_kappa(
            [(vote.unit, vote.rater, label(vote)) for vote in self.votes],
            between=self.among,
            seed=SEED,
            item_of={vote.unit: vote.item for vote in self.votes},
        )

    @cached_property
    def same_order(self) -> PreferenceAgreement:
        return preference_kappa_same_order(
            ((vote.item, vote.left, vote.right, vote.rater, vote.said) for vote in self.votes),
            between=self.among,
            seed=SEED,
        )

    def as_json(self, cohen: Callable[[], Statistic], only: Collection[str] = ()) -> dict[str, Any]:
        """Every coefficient, or those of these names; `cohen` says what Cohen's kappa is here."""
        found: dict[str, Callable[[], Statistic]] = {
            "percent_agreement": lambda: self.percent,
            "cohen_kappa": cohen,
            "fleiss_kappa": lambda: self.panel.beyond_chance("fleiss", seed=SEED),
            "krippendorff_alpha": lambda: self.alpha,
            "gwet_ac1": lambda: self.panel.beyond_chance("gwet", seed=SEED),
            "preference_kappa": lambda: self.preference.kappa,
            "preference_kappa_same_order": lambda: self.same_order.kappa,
        }
        return {name: each().as_json() for name, each in found.items() if not only or name in only}

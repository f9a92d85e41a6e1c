"""How far people agree about pairs, and what they prefer: every figure from the votes, when it is asked for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from annotation.agreement import heat, parts, preferences
from annotation.agreement.compared import HEADLINE, LABELS, SEED, Compared, Statistic
from annotation.agreement.preferences import WHEN_CLOSED
from annotation.agreement.votes import IMPORTED, NEITHER, Person, Rater, Vote
from annotation.models import Campaign, Choice
from evaltrack.stats.agreement import PreferenceAgreement
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.kappa import cohen_kappa, percent_agreement
from evaltrack.stats.pairwise import PairwiseKappa
from evaltrack.stats.panel import Coefficient
from evaltrack.stats.preference import left_pick_rate, net_preference
from experiments.models import Arm

# Coefficients whose interval at every look is known, by the name that `Panel` has for them.
ANY_TIME: dict[str, Coefficient] = {
    "percent_agreement": "percent",
    "krippendorff_alpha": "alpha",
    "fleiss_kappa": "fleiss",
    "gwet_ac1": "gwet",
    "preference_kappa": "preference",
}
# Items at which those intervals are narrowest, where nobody knows beforehand how many there will be.
PLANNED = 300
# What the campaign's page has room for.
SHOWN = ("percent_agreement", "cohen_kappa", "krippendorff_alpha", "preference_kappa")
# Of some tens of raters there are some hundreds of pairs: so many of them at a time.
MOST_PAIRS = 50
MOST_IN_MATRIX = 20
NO_EXPERIMENT = Undefined("a stand-alone campaign has no candidate and no baseline")
NO_TWO_RATERS = Undefined("a rater's repeats have no first and second rater; see the other coefficients")


def planned(campaign: Campaign) -> int:
    """Items at which an interval that holds at every look is to be narrowest: fixed when people are first asked."""
    if campaign.experiment_id is None:
        return PLANNED
    # Those that were left out since were planned too.
    return max(campaign.task_count + left_out(campaign), 1)


def left_out(campaign: Campaign) -> int:
    return campaign.tasks.exclude(excluded_at=None).count()


@dataclass(frozen=True)
class PairAgreement:
    """Two evaluators on the tasks that both judged."""

    one: Person
    other: Person
    kappa: Statistic
    percent: Statistic


@dataclass(frozen=True)
class Findings:
    """Everything that judgments about pairs say, unblinded: for leads and owners, never for evaluators."""

    votes: Sequence[Vote]
    people: dict[Rater, Person]
    of_experiment: bool
    # Whether it may be told how systems fare: nobody is asked any more.
    is_final: bool
    criteria: tuple[str, ...] = ()
    planned: int = PLANNED

    @property
    def n_judgments(self) -> int:
        return len(self.votes)

    @cached_property
    def n_items(self) -> int:
        return len({vote.item for vote in self.votes})

    @cached_property
    def n_evaluators(self) -> int:
        return len({vote.rater for vote in self.votes})

    @cached_property
    def n_imported(self) -> int:
        return sum(vote.rater[0] == IMPORTED for vote in self.votes)

    @cached_property
    def inter(self) -> Compared:
        return Compared(self.votes, "raters")

    @cached_property
    def intra(self) -> Compared:
        return Compared(self.votes, "self")

    @property
    def preference(self) -> PreferenceAgreement:
        return self.inter.preference

    @property
    def cohen(self) -> PairwiseKappa:
        return self.inter.cohen

    @property
    def alpha(self) -> Statistic:
        return self.inter.alpha

    @property
    def percent(self) -> Statistic:
        return self.inter.percent

    @property
    def headline(self) -> tuple[str, Statistic]:
        return HEADLINE, self.alpha

    @property
    def cohen_kappa(self) -> Statistic:
        """The mean over pairs of evaluators; a single pair speaks for itself, with its own interval."""
        return self.pairs[0].kappa if self.n_pairs == 1 else self.cohen.kappa

    def coefficient(self, name: str) -> Statistic:
        """The coefficient that a policy names."""
        if name == "preference_kappa":
            return self.preference.kappa
        return {"cohen_kappa": lambda: self.cohen_kappa, "krippendorff_alpha": lambda: self.alpha}[name]()

    @cached_property
    def shared(self) -> list[tuple[Rater, Rater, np.ndarray]]:
        """What each two raters said of the units that both judged, those with most of them first."""
        tables: dict[tuple[Rater, Rater], np.ndarray] = defaultdict(
            lambda: np.zeros((len(LABELS), len(LABELS)), dtype=int)
        )
        for said in self.inter.by_unit.values():
            for one, other in combinations(sorted(said), 2):
                tables[one, other][LABELS.index(said[one]), LABELS.index(said[other])] += 1
        return [
            (*pair, table)
            for pair, table in sorted(tables.items(), key=lambda each: (-each[1].sum(), each[0]))
        ]

    @property
    def n_pairs(self) -> int:
        return len(self.shared)

    def tables(self, start: int, most: int | None) -> list[tuple[Rater, Rater, np.ndarray]]:
        """Some of `shared`."""
        return self.shared[start : None if most is None else start + most]

    def among(self, raters: Collection[Rater]) -> dict[tuple[Rater, Rater], np.ndarray]:
        """What any two of these raters said of the units that both judged."""
        wanted = set(raters)
        return {(one, other): t for one, other, t in self.shared if one in wanted and other in wanted}

    def named(self, raters: Collection[Rater]) -> dict[Rater, Person]:
        return {rater: self.people[rater] for rater in raters}

    def heat(self, *, name_of: Callable[[Any], str], most: int = MOST_IN_MATRIX) -> list[heat.Row]:
        """How far each two raters agree, of those who have most in common with somebody; nothing where no two have
        enough."""
        first: dict[Rater, None] = {}
        for one, other, _ in self.tables(0, MOST_PAIRS):
            for rater in (one, other):
                if len(first) < most:
                    first[rater] = None
        people = self.named(first)
        rows = heat.matrix({rater: name_of(people[rater]) for rater in first}, self.among(first))
        return rows if any(row.mean is not None for row in rows) else []

    @cached_property
    def pairs(self) -> list[PairAgreement]:
        return self.some_pairs(0, None)

    def some_pairs(self, start: int, most: int | None) -> list[PairAgreement]:
        """With their intervals, those that have most in common first."""
        tables = self.tables(start, most)
        people = self.named({rater for one, other, _ in tables for rater in (one, other)})
        return [
            PairAgreement(
                people[one],
                people[other],
                kappa=cohen_kappa(table, seed=SEED),
                percent=percent_agreement(table),
            )
            for one, other, table in tables
        ]

    @cached_property
    def counts(self) -> dict[str, int]:
        """How often each label was given: a system, "tie" or "both_bad"."""
        if self.of_experiment:
            systems = [Arm.BASELINE.value, Arm.CANDIDATE.value]
        else:
            systems = sorted({system for vote in self.votes for system in vote.pair})
        given = Counter(vote.said for vote in self.votes)
        return {name: given[name] for name in (*systems, Choice.TIE.value, Choice.BOTH_BAD.value)}

    @cached_property
    def net_preference(self) -> Statistic:
        """How far people prefer the candidate to the baseline, from -1 to 1."""
        if not self.of_experiment:
            return NO_EXPERIMENT
        scores = {Arm.CANDIDATE.value: 1.0, Arm.BASELINE.value: -1.0}
        return net_preference(
            [scores.get(vote.said, 0.0) for vote in self.votes], [vote.item for vote in self.votes]
        )

    @cached_property
    def left_picks(self) -> Statistic:
        decisive = [vote for vote in self.votes if vote.said not in NEITHER]
        return left_pick_rate(sum(vote.said == vote.left for vote in decisive), len(decisive))

    @cached_property
    def standings(self) -> preferences.Preferences:
        return preferences.of(self.votes)

    @property
    def systems(self) -> list[dict[str, Any]] | None:
        """Of a stand-alone campaign, a row for each system; an experiment has a candidate and a baseline instead."""
        return None if self.of_experiment else self.preferences()["systems"]

    def preferences(self, criterion: str = "", stratum: str = "") -> dict[str, Any]:
        """How strong each system is, and what standing first is worth, of all votes or of a part."""
        of = self
        if criterion or stratum:
            said = parts.narrowed(self.votes, criteria=self.criteria, criterion=criterion, stratum=stratum)
            of = self.only(said)
        return {
            **of.standings.as_json(is_told=self.is_final),
            "n_judgments": of.n_judgments,
            "n_items": of.n_items,
            "n_evaluators": of.n_evaluators,
            "n_imported": of.n_imported,
        }

    def of_criteria(self) -> Iterator[tuple[str, Findings]]:
        """One after another: of a large import there is no room for all at a time."""
        return ((name, self.only(parts.answering(self.votes, name))) for name in self.criteria)

    def of_strata(self) -> Iterator[tuple[str, Findings]]:
        return ((name, self.only(votes)) for name, votes in sorted((self.strata or {}).items()))

    @cached_property
    def strata(self) -> Mapping[str, Any] | None:
        return parts.by_stratum(self.votes)

    def only(self, votes: Sequence[Vote]) -> Findings:
        return replace(self, votes=votes, criteria=())

    def parts(self, only: Collection[str] = ()) -> list[dict[str, Any]]:
        """By criterion and by stratum."""
        return parts.rows(self.of_criteria(), self.of_strata(), only)

    @property
    def any_time(self) -> dict[str, dict[str, Any]]:
        """With intervals that hold at every look, for whoever looks again and again."""
        panel = self.inter.panel
        return {name: panel.any_time(ours, planned=self.planned).as_json() for name, ours in ANY_TIME.items()}

    def as_json(
        self, *, name_of: Callable[[Any], str], brief: bool = False, pairs_from: int = 0
    ) -> dict[str, Any]:
        """What the API shows and, where it is `brief`, the page, which has no pairs. Which system is preferred stays
        untold while people judge."""
        only, rows = (SHOWN, []) if brief else ((), self.parts())
        return {
            "inter": self.inter.as_json(lambda: self.cohen_kappa, only),
            "any_time": self.any_time,
            "intra": self.intra.as_json(lambda: NO_TWO_RATERS, only),
            "pairs": [
                {
                    "evaluators": [name_of(pair.one), name_of(pair.other)],
                    "cohen_kappa": pair.kappa.as_json(),
                    "percent_agreement": pair.percent.as_json(),
                }
                for pair in ([] if brief else self.some_pairs(pairs_from, MOST_PAIRS))
            ],
            "n_pairs": self.n_pairs,
            "by_question": {row["name"]: row["agreement"] for row in rows if row["kind"] == "criterion"},
            "parts": rows,
            "too_many_strata": self.strata is None,
            "left_picks": self.left_picks.as_json(),
            "net_preference": (self.net_preference if self.is_final else WHEN_CLOSED).as_json(),
            "counts": self.counts if self.is_final else None,
            "systems": self.systems if self.is_final else None,
            "n_judgments": self.n_judgments,
            "n_items": self.n_items,
            "n_evaluators": self.n_evaluators,
            "n_imported": self.n_imported,
        }

"""How far evaluators agree, and what they prefer: computed from the append-only judgments, never stored."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from django.db.models import QuerySet

from annotation import findings, querysets
from annotation.models import Campaign, CampaignStatus, Choice, Judgment, Protocol, Rubric
from annotation.protocols.pairwise import as_shown
from evaltrack.accounts.models import User
from evaltrack.stats.agreement import PreferenceAgreement, krippendorff_alpha, preference_kappa
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.kappa import cohen_kappa, percent_agreement
from evaltrack.stats.pairwise import PairwiseKappa, mean_pairwise_kappa
from evaltrack.stats.preference import left_pick_rate, net_preference
from experiments.models import Arm

# The labels of a judgment: which system was preferred, or neither.
LABELS = [Arm.BASELINE.value, Arm.CANDIDATE.value, Choice.TIE.value, Choice.BOTH_BAD.value]
SEED = 20_251_122

Statistic = Estimate | Undefined
WHEN_CLOSED = Undefined("shown when the campaign is closed")


@dataclass(frozen=True)
class PairAgreement:
    """Two evaluators on the tasks that both judged."""

    one: User
    other: User
    kappa: Statistic
    percent: Statistic


@dataclass(frozen=True)
class Findings:
    """Everything that a campaign's judgments say, unblinded: for leads and owners, never for evaluators."""

    is_final: bool
    n_judgments: int
    n_items: int
    n_evaluators: int
    preference: PreferenceAgreement
    cohen: PairwiseKappa
    alpha: Statistic
    percent: Statistic
    pairs: list[PairAgreement]
    counts: dict[str, int]
    net_preference: Statistic
    left_picks: Statistic
    # Of a stand-alone campaign, a row for each system; an experiment has a candidate and a baseline instead.
    systems: list[dict[str, Any]] | None

    @property
    def headline(self) -> tuple[str, Statistic]:
        return "Krippendorff's alpha", self.alpha

    @property
    def cohen_kappa(self) -> Statistic:
        """The mean over pairs of evaluators; a single pair speaks for itself, with its own interval."""
        return self.pairs[0].kappa if len(self.pairs) == 1 else self.cohen.kappa

    def coefficient(self, name: str) -> Statistic:
        """The coefficient that a policy names."""
        return {
            "preference_kappa": self.preference.kappa,
            "cohen_kappa": self.cohen_kappa,
            "krippendorff_alpha": self.alpha,
        }[name]

    def as_json(self, *, name_of: Callable[[User], str]) -> dict[str, Any]:
        """What page and API show. Which system is preferred stays untold while people judge."""
        return {
            "inter": {
                "percent_agreement": self.percent.as_json(),
                "cohen_kappa": self.cohen_kappa.as_json(),
                "krippendorff_alpha": self.alpha.as_json(),
                "preference_kappa": self.preference.kappa.as_json(),
            },
            "pairs": [
                {
                    "evaluators": [name_of(pair.one), name_of(pair.other)],
                    "cohen_kappa": pair.kappa.as_json(),
                    "percent_agreement": pair.percent.as_json(),
                }
                for pair in self.pairs
            ],
            "left_picks": self.left_picks.as_json(),
            "net_preference": (self.net_preference if self.is_final else WHEN_CLOSED).as_json(),
            "counts": self.counts if self.is_final else None,
            "systems": self.systems if self.is_final else None,
            "n_judgments": self.n_judgments,
            "n_items": self.n_items,
            "n_evaluators": self.n_evaluators,
        }


def pseudonym(evaluator: User) -> str:
    """What everybody calls an evaluator who looks at judgments, leads too."""
    return evaluator.pseudonym


def of(campaign: Campaign, *, at: dt.datetime) -> Findings | findings.Findings:
    """What the judgments say that nobody can take back any more."""
    return of_judgments(campaign, counted(campaign, at=at))


def of_judgments(campaign: Campaign, judgments: list[Judgment]) -> Findings | findings.Findings:
    if campaign.protocol == Protocol.PAIRWISE:
        return of_pairs(campaign, judgments)
    return findings.of(campaign, judgments)


def counted(campaign: Campaign, *, at: dt.datetime) -> list[Judgment]:
    """Those that enter figures: final, of the first slots, and not of excluded tasks."""
    return rows_of(campaign, querysets.final_judgments(at))


def rows_of(campaign: Campaign, judgments: QuerySet[Judgment]) -> list[Judgment]:
    of_campaign = querysets.for_statistics(judgments).filter(campaign=campaign, task__excluded_at=None)
    return list(of_campaign.select_related("task", "evaluator", "rubric").order_by("pk"))


def by_rubric(campaign: Campaign, *, at: dt.datetime) -> list[dict[str, Any]]:
    """Before and after a revision: alpha by each version, also over what counts no more. Without one, nothing."""
    if campaign.earlier_rubric_id is None:
        return []
    versions: dict[Rubric, list[Judgment]] = defaultdict(list)
    for judgment in rows_of(campaign, querysets.final_judgments(at, or_superseded=True)):
        versions[judgment.rubric].append(judgment)
    rows = []
    for rubric in sorted(versions, key=lambda rubric: rubric.version):
        found = of_judgments(campaign, versions[rubric])
        name, statistic = found.headline
        rows.append(
            {
                "rubric": str(rubric),
                "coefficient": name,
                "agreement": statistic.as_json(),
                "n_judgments": found.n_judgments,
                "n_items": found.n_items,
            }
        )
    return rows


def of_pairs(campaign: Campaign, judgments: list[Judgment]) -> Findings:
    tasks = {judgment.task_id for judgment in judgments}
    sources = {task: pair for task, pair in findings.sources_of(campaign).items() if task in tasks}
    labelled = [(judgment, label(judgment, sources)) for judgment in judgments]
    labels = labels_of(campaign, sources)
    by_task: dict[int, dict[int, str]] = defaultdict(dict)
    for judgment, given in labelled:
        by_task[judgment.task_id][judgment.evaluator_id] = given
    counts = {name: sum(given == name for _, given in labelled) for name in labels}
    decisive = [j for j in judgments if j.choice in (Choice.FIRST, Choice.SECOND)]
    left = sum(as_shown(str(j.choice), j.places) == 1 for j in decisive)
    return Findings(
        is_final=campaign.status == CampaignStatus.CLOSED,
        n_judgments=len(judgments),
        n_items=len({judgment.task.item for judgment in judgments}),
        n_evaluators=len({judgment.evaluator_id for judgment in judgments}),
        preference=preference_kappa(
            [(judgment.task_id, judgment.evaluator_id, given) for judgment, given in labelled],
            between="raters",
            seed=SEED,
            item_of={judgment.task_id: judgment.task.item for judgment in judgments},
        ),
        cohen=mean_pairwise_kappa(
            [(judgment.task_id, judgment.evaluator_id, given) for judgment, given in labelled], seed=SEED
        ),
        alpha=krippendorff_alpha(
            [list(ratings.values()) for ratings in by_task.values()], level="nominal", seed=SEED
        ),
        percent=percent_of(by_task, labels),
        pairs=pairs_of(judgments, by_task, labels),
        counts=counts,
        net_preference=preferred(campaign, labelled),
        left_picks=left_pick_rate(left, len(decisive)),
        systems=None if campaign.experiment_id else findings.compared_systems(judgments, sources),
    )


def preferred(campaign: Campaign, labelled: list[tuple[Judgment, str]]) -> Statistic:
    """How far people prefer the candidate to the baseline, from -1 to 1."""
    if campaign.experiment_id is None:
        return Undefined("a stand-alone campaign has no candidate and no baseline")
    return net_preference(
        [{Arm.CANDIDATE.value: 1.0, Arm.BASELINE.value: -1.0}.get(given, 0.0) for _, given in labelled],
        [judgment.task.item for judgment, _ in labelled],
    )


def labels_of(campaign: Campaign, sources: dict[int, list[str]]) -> list[str]:
    """The labels that a judgment may have: each system, and neither of two."""
    if campaign.experiment_id:
        return LABELS
    systems = sorted({source for pair in sources.values() for source in pair})
    return [*systems, Choice.TIE.value, Choice.BOTH_BAD.value]


def label(judgment: Judgment, sources: dict[int, list[str]]) -> str:
    """Which system was preferred: this unblinds."""
    if judgment.choice == Choice.FIRST:
        return sources[judgment.task_id][0]
    if judgment.choice == Choice.SECOND:
        return sources[judgment.task_id][1]
    return str(judgment.choice)


def table_of(ratings: Sequence[tuple[str, str]], labels: Sequence[str]) -> np.ndarray:
    """k × k counts, rows the labels of one evaluator, columns of the other."""
    table = np.zeros((len(labels), len(labels)), dtype=int)
    for one, other in ratings:
        table[labels.index(one), labels.index(other)] += 1
    return table


def percent_of(by_task: dict[int, dict[int, str]], labels: Sequence[str]) -> Statistic:
    both = [pair for ratings in by_task.values() for pair in combinations(ratings.values(), 2)]
    return percent_agreement(table_of(both, labels))


def pairs_of(
    judgments: list[Judgment], by_task: dict[int, dict[int, str]], labels: Sequence[str]
) -> list[PairAgreement]:
    """Agreement of each pair of evaluators who share a task, those with most shared tasks first."""
    people = {judgment.evaluator_id: judgment.evaluator for judgment in judgments}
    shared: dict[tuple[int, int], list[tuple[str, str]]] = defaultdict(list)
    for ratings in by_task.values():
        for one, other in combinations(sorted(ratings), 2):
            shared[one, other].append((ratings[one], ratings[other]))
    return [
        PairAgreement(
            people[one],
            people[other],
            kappa=cohen_kappa(table_of(ratings, labels), seed=SEED),
            percent=percent_agreement(table_of(ratings, labels)),
        )
        for (one, other), ratings in sorted(shared.items(), key=lambda item: -len(item[1]))
    ]

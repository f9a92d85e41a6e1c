"""How far people agree with themselves: what they said first, and of the same again days later."""

import datetime as dt
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from annotation import querysets, rubrics
from annotation.agreement import findings, rollup
from annotation.agreement.compared import SEED, Statistic
from annotation.agreement.rated import Rated, Rating
from annotation.agreement.tally import LABELS, K
from annotation.models import Campaign, Judgment, Protocol
from evaltrack.stats.agreement import krippendorff_alpha, preference_kappa
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.kappa import cohen_kappa
from evaltrack.stats.panel import Panel

# The latest ones: they say closely enough how consistent people are, whatever the size of the campaign.
MOST_REPEATS = 2_000
FIRST, AGAIN = "first", "again"
EXCHANGED = Undefined("the places are exchanged, so nothing was said twice in the same order")
SAID = (
    "task_id", "task__item", "evaluator_id", "rubric_id", "submitted_at", "choice", "rating", "ranking", "spans",
)  # fmt: skip


class Twice(NamedTuple):
    """What one person said of a task, both times."""

    item: str
    task: int
    rater: int
    first: Any
    again: Any

    @property
    def differs(self) -> bool:
        """Whether the answer was another one; of marked spans, whether there is any error."""
        return self._said(self.first) != self._said(self.again)

    @staticmethod
    def _said(row: Any) -> Any:
        ranking = row.ranking and [sorted(group) for group in row.ranking]
        return row.choice, row.rating, ranking, row.spans is not None and bool(row.spans)


SHOWN: dict[Protocol, list[tuple[str, str]]] = {
    Protocol.PAIRWISE: [
        ("preference_kappa", "Preference kappa"),
        ("percent_agreement", "The same both times"),
    ],
    Protocol.RATING: [
        ("krippendorff_alpha", "Krippendorff's alpha, ordinal"),
        ("percent_agreement", "The same both times"),
    ],
    Protocol.RANKING: [("preference_kappa", "Preference kappa over the pairs that rankings order")],
    Protocol.SPANS: [("any_error", "Whether there is any error: Krippendorff's alpha")],
}


@dataclass(frozen=True)
class Oneself:
    """By coefficient; `n` counts what was said twice."""

    protocol: str
    n: int
    coefficients: dict[str, Statistic] = field(default_factory=dict)

    @property
    def lines(self) -> list[tuple[str, dict[str, Any], str]]:
        """What the page says: in which words, and as what kind of number."""
        return [
            (words, self.coefficients[name].as_json(), "binary" if name == "percent_agreement" else "")
            for name, words in SHOWN[Protocol(self.protocol)]
        ]

    def as_json(self) -> dict[str, Any]:
        return {name: each.as_json() for name, each in self.coefficients.items()}


def of(campaign: Campaign, *, at: dt.datetime) -> Oneself | None:
    """None where nobody is asked twice. By one version of the rubric each: another question has another answer."""
    if not campaign.repeat_share:
        return None
    said = twice(campaign, at=at)
    given = {
        Protocol.PAIRWISE: of_pairs,
        Protocol.RATING: of_ratings,
        Protocol.RANKING: of_rankings,
        Protocol.SPANS: of_spans,
    }[Protocol(campaign.protocol)](campaign, said)
    untold = Undefined(f"it is not computed for the protocol {campaign.protocol}")
    coefficients: dict[str, Statistic] = dict.fromkeys(findings.COEFFICIENTS, untold)
    return Oneself(campaign.protocol, len(said), coefficients | given)


def twice(campaign: Campaign, *, at: dt.datetime) -> list[Twice]:
    settled = Judgment.objects.filter(
        querysets.settled(at), campaign=campaign, task__excluded_at=None
    ).values_list(*SAID, named=True)
    apart = dt.timedelta(hours=campaign.repeat_after_hours)
    again = list(settled.filter(is_repeat=True).order_by("-submitted_at")[:MOST_REPEATS])
    first = {
        (row.task_id, row.evaluator_id, row.rubric_id): row
        for row in settled.filter(is_repeat=False, task__in=[row.task_id for row in again])
    }
    return [
        Twice(row.task__item, row.task_id, row.evaluator_id, before, row)
        for row in again
        if (before := first.get((row.task_id, row.evaluator_id, row.rubric_id)))
        # Where the rubric was revised meanwhile, the first time may have come after the second.
        and row.submitted_at - before.submitted_at >= apart
    ]


def of_pairs(campaign: Campaign, said: Sequence[Twice]) -> dict[str, Statistic]:
    swapped = rollup.swapped_tasks({each.task for each in said})
    labels = np.array(
        [
            [rollup.label(row.choice, each.task in swapped) for row in (each.first, each.again)]
            for each in said
        ],
        dtype=np.int64,
    ).reshape(-1, 2)
    counts = np.zeros((len(labels), K), dtype=np.int64)
    for occasion in labels.T:
        np.add.at(counts, (np.arange(len(labels)), occasion), 1)
    panel = Panel.of(counts, numbered([each.item for each in said]))
    table = np.zeros((len(LABELS), len(LABELS)), dtype=np.int64)
    np.add.at(table, tuple(labels.T), 1)
    return {
        "percent_agreement": panel.percent(),
        "cohen_kappa": cohen_kappa(table, seed=SEED),
        "fleiss_kappa": panel.beyond_chance("fleiss", seed=SEED),
        "krippendorff_alpha": panel.alpha("nominal", seed=SEED),
        "gwet_ac1": panel.beyond_chance("gwet", seed=SEED),
        "preference_kappa": panel.preference(seed=SEED).kappa,
        "preference_kappa_same_order": EXCHANGED,
    }


def of_ratings(campaign: Campaign, said: Sequence[Twice]) -> dict[str, Statistic]:
    ratings = [
        Rating(unit, each.item, occasion, row.rating)
        for unit, each in enumerate(said)
        for occasion, row in ((FIRST, each.first), (AGAIN, each.again))
    ]
    points = max([len(rubrics.of(campaign.rubric).scale), 2, *(rating.value for rating in ratings)])
    return Rated(ratings, points).coefficients()


def of_rankings(campaign: Campaign, said: Sequence[Twice]) -> dict[str, Statistic]:
    orders = [
        ((unit, one, other), occasion, better)
        for unit, each in enumerate(said)
        for occasion, row in ((FIRST, each.first), (AGAIN, each.again))
        for one, other, better in findings.ordered_pairs(row.ranking)
    ]
    item_of: dict[Hashable, Hashable] = {order: said[order[0]].item for order, _, _ in orders}
    return {"preference_kappa": preference_kappa(orders, between="raters", seed=SEED, item_of=item_of).kappa}


def of_spans(campaign: Campaign, said: Sequence[Twice]) -> dict[str, Statistic]:
    units: dict[Hashable, list[bool]] = {
        unit: [bool(each.first.spans), bool(each.again.spans)] for unit, each in enumerate(said)
    }
    item_of: dict[Hashable, Hashable] = {unit: each.item for unit, each in enumerate(said)}
    return {"any_error": krippendorff_alpha(units, level="nominal", seed=SEED, item_of=item_of)}


def numbered(items: Sequence[str]) -> np.ndarray:
    known: dict[str, int] = {}
    return np.array([known.setdefault(item, len(known)) for item in items], dtype=np.int64)

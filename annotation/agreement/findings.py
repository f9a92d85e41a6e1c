"""What ratings, rankings and marked spans say: how far people agree, and how the systems fare.

What is not computed for a protocol says so in words; no coefficient stands in for another.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from annotation import rubrics
from annotation.agreement.given import Given
from annotation.agreement.rated import Rated, Rating
from annotation.models import Campaign, CampaignStatus, Response, Task
from evaltrack.accounts.models import User
from evaltrack.stats.agreement import TIE, krippendorff_alpha, preference_kappa
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import mean_t

SEED = 20_251_122
MOST_PAIRS = 50
Statistic = Estimate | Undefined
COEFFICIENTS = (
    "percent_agreement",
    "cohen_kappa",
    "fleiss_kappa",
    "krippendorff_alpha",
    "gwet_ac1",
    "preference_kappa",
    "preference_kappa_same_order",
)
NO_REPEATS = Undefined("an evaluator judges a task once, so nobody's answers can be held against their own")


@dataclass(frozen=True)
class Findings:
    """Everything that a campaign's judgments say, unblinded: for leads and owners, never for evaluators."""

    protocol: str
    is_final: bool
    n_judgments: int
    n_items: int
    n_evaluators: int
    inter: dict[str, Statistic]
    # What the page says about agreement, the deciding coefficient first.
    lines: list[tuple[str, Statistic]]
    by_question: dict[str, dict[str, Statistic]] = field(default_factory=dict)
    # Each two evaluators, where the protocol compares what they gave.
    pairs: list[dict[str, Any]] = field(default_factory=list)
    # One row for each system, as the protocol has it.
    systems: list[dict[str, Any]] = field(default_factory=list)
    # Where a worker has computed this, as of when.
    counted_at: dt.datetime | None = None

    @property
    def headline(self) -> tuple[str, Statistic]:
        return self.lines[0]

    def coefficient(self, name: str) -> Statistic:
        """The coefficient that a policy names, where the protocol has it."""
        return self.inter.get(name, not_computed(name, self.protocol))

    def as_json(
        self, *, name_of: Callable[[Any], str], brief: bool = False, pairs_from: int = 0
    ) -> dict[str, Any]:
        """What page and API show. How systems fare stays untold while people judge."""
        return {
            "inter": {
                name: self.coefficient(name).as_json() for name in dict.fromkeys([*COEFFICIENTS, *self.inter])
            },
            "any_time": {},
            "intra": {name: NO_REPEATS.as_json() for name in COEFFICIENTS},
            "by_question": {
                question: {name: each.as_json() for name, each in found.items()}
                for question, found in self.by_question.items()
            },
            "parts": [],
            "too_many_strata": False,
            "pairs": self.pairs,
            "n_pairs": len(self.pairs),
            "left_picks": Undefined(f"a {self.protocol} picks no side").as_json(),
            "net_preference": Undefined(f"a {self.protocol} compares no candidate with a baseline").as_json(),
            "counts": None,
            "systems": self.systems if self.is_final else None,
            "n_judgments": self.n_judgments,
            "n_items": self.n_items,
            "n_evaluators": self.n_evaluators,
            "n_imported": 0,
            "counted_at": self.counted_at,
        }


def not_computed(name: str, protocol: str) -> Undefined:
    return Undefined(f"{name} is not computed for the protocol {protocol}")


def of(campaign: Campaign, judgments: list[Given]) -> Findings:
    """`judgments` are the final ones that count."""
    find = {"rating": of_ratings, "ranking": of_rankings, "spans": of_spans}[campaign.protocol]
    return Findings(
        protocol=campaign.protocol,
        is_final=campaign.status == CampaignStatus.CLOSED,
        n_judgments=len(judgments),
        n_items=len({judgment.item for judgment in judgments}),
        n_evaluators=len({judgment.rater for judgment in judgments}),
        **find(campaign, judgments, sources_of(campaign)),
    )


def sources_of(campaign: Campaign, tasks: Iterable[Task] | None = None) -> dict[int, list[str]]:
    """Which systems gave a task's responses, by ordinal; of all tasks, or of `tasks`."""
    sources: dict[int, list[str]] = defaultdict(list)
    rows = Response.objects.filter(task__campaign=campaign).order_by("task", "ordinal")
    rows = rows if tasks is None else rows.filter(task__in=tasks)
    for task, source in rows.values_list("task", "source"):
        sources[task].append(source)
    return sources


def alpha_of(judgments: Iterable[Given], value: Callable[[Given], Any], level: Any) -> Statistic:
    """Krippendorff's alpha over tasks; those of one item are resampled together."""
    units: dict[Hashable, list[Any]] = defaultdict(list)
    item_of: dict[Hashable, Hashable] = {}
    for judgment in judgments:
        units[judgment.task].append(value(judgment))
        item_of[judgment.task] = judgment.item
    return krippendorff_alpha(units, level=level, seed=SEED, item_of=item_of)


# ── Ratings ──────────────────────────────────────────────────────────────────────────────────────────


def of_ratings(campaign: Campaign, judgments: list[Given], sources: dict[int, list[str]]) -> dict[str, Any]:
    details = rubrics.of(campaign.rubric)
    main = rated(judgments, lambda judgment: judgment.said, len(details.scale))
    # An earlier version of the rubric may not have asked it.
    by_question = {
        each.id: rated(
            [j for j in judgments if each.id in j.answers], answer_to(each.id), len(details.scale)
        ).coefficients()
        for each in details.criteria
    }
    inter = main.coefficients()
    people = User.objects.in_bulk({judgment.rater for judgment in judgments})
    return {
        "inter": inter,
        "by_question": by_question,
        "lines": [
            ("Krippendorff's alpha, ordinal", inter["krippendorff_alpha"]),
            ("Krippendorff's alpha, interval", inter["krippendorff_alpha_interval"]),
            ("Gwet's AC2, quadratic", inter["gwet_ac2"]),
            ("Intraclass correlation of one rating", inter["icc_single"]),
            ("Plain agreement", inter["percent_agreement"]),
            *(
                (f"{each.question} Alpha, ordinal", by_question[each.id]["krippendorff_alpha"])
                for each in details.criteria
            ),
        ],
        "pairs": main.pairs(lambda rater: people[rater].pseudonym, MOST_PAIRS),
        "systems": rated_systems(judgments, sources),
    }


def rated(judgments: Iterable[Given], value: Callable[[Given], Any], points: int) -> Rated:
    ratings = [Rating(j.task, j.item, j.rater, value(j)) for j in judgments]
    # An earlier version of the rubric may have had a longer scale.
    return Rated(ratings, max([points, 2, *(rating.value for rating in ratings)]))


def answer_to(criterion: str) -> Callable[[Given], Any]:
    return lambda judgment: judgment.answers[criterion]


def rated_systems(judgments: list[Given], sources: dict[int, list[str]]) -> list[dict[str, Any]]:
    """The mean rating of each system over items, each of which counts once; best first."""
    given: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for judgment in judgments:
        (source,) = sources[judgment.task]
        given[source][judgment.item].append(judgment.said)
    rows = []
    for source, items in given.items():
        mean = mean_t([sum(ratings) / len(ratings) for ratings in items.values()])
        count = sum(len(ratings) for ratings in items.values())
        rows.append({"source": source, "rating": mean.as_json(), "judgments": count})
    return sorted(rows, key=lambda row: (-row["rating"]["value"], row["source"]))


# ── Rankings ─────────────────────────────────────────────────────────────────────────────────────────


def of_rankings(campaign: Campaign, judgments: list[Given], sources: dict[int, list[str]]) -> dict[str, Any]:
    """A ranking orders each pair of its responses: a pair is what two people can agree on (Bojar et al. 2016)."""
    orders = [
        (judgment, one, other, better)
        for judgment in judgments
        for one, other, better in ordered_pairs(judgment.said)
    ]
    kappa = preference_kappa(
        [((j.task, one, other), j.rater, better) for j, one, other, better in orders],
        between="raters",
        seed=SEED,
        item_of={(j.task, one, other): j.item for j, one, other, _ in orders},
    ).kappa
    return {
        "inter": {"preference_kappa": kappa},
        "lines": [("Preference kappa over the pairs that rankings order", kappa)],
        "systems": ranked_systems(orders, sources),
    }


def ordered_pairs(ranking: Any) -> list[tuple[int, int, int | str]]:
    """Each pair of responses, by ordinal, with the better one or "tie"."""
    rank = {ordinal: place for place, group in enumerate(ranking) for ordinal in group}
    return [
        (one, other, TIE if rank[one] == rank[other] else min(one, other, key=rank.__getitem__))
        for one, other in combinations(sorted(rank), 2)
    ]


def ranked_systems(orders: list[tuple], sources: dict[int, list[str]]) -> list[dict[str, Any]]:
    """How often each system stood above, below and level with another; most often above first."""
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for judgment, one, other, better in orders:
        for ordinal in (one, other):
            outcome = "ties" if better == TIE else "wins" if better == ordinal else "losses"
            counted[sources[judgment.task][ordinal]][outcome] += 1
    rows = [
        {"source": source, **{name: seen[name] for name in ("wins", "losses", "ties")}}
        for source, seen in counted.items()
    ]
    return sorted(rows, key=lambda row: (-(row["wins"] - row["losses"]), row["source"]))


# ── Spans ────────────────────────────────────────────────────────────────────────────────────────────


def of_spans(campaign: Campaign, judgments: list[Given], sources: dict[int, list[str]]) -> dict[str, Any]:
    """Whether an error was found is a label; how far marked spans lie over each other is not computed yet."""
    found = alpha_of(judgments, lambda judgment: bool(judgment.said), "nominal")
    untold = Undefined("how far evaluators mark the same spans is not computed yet; see any_error")
    return {
        "inter": {"krippendorff_alpha": untold},
        "lines": [
            ("Whether there is any error: Krippendorff's alpha, nominal", found),
            ("Where the errors are", Undefined("how far evaluators mark the same spans is not computed yet")),
        ],
        "by_question": {"any_error": {"krippendorff_alpha": found}},
        "systems": marked_systems(judgments, sources),
    }


def marked_systems(judgments: list[Given], sources: dict[int, list[str]]) -> list[dict[str, Any]]:
    """What was marked in each system's responses; fewest errors a judgment first."""
    said: dict[str, list[list[Any]]] = defaultdict(list)
    for judgment in judgments:
        (source,) = sources[judgment.task]
        said[source].append(judgment.said or [])
    rows = [
        {
            "source": source,
            "judgments": len(given),
            "without_error": sum(not spans for spans in given),
            "errors": sum(len(spans) for spans in given),
            "by_reason": dict(Counter(span["reason"] for spans in given for span in spans)),
        }
        for source, given in said.items()
    ]
    return sorted(rows, key=lambda row: (row["errors"] / row["judgments"], row["source"]))

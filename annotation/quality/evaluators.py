"""How well each evaluator of a campaign judges, and where disagreement comes from: computed when a lead looks.

Nothing is stored, and nothing excludes anybody. Of a large campaign the latest judgments are read, a bounded number.
What was imported is nobody's work here and left out.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Length

from annotation import querysets, rubrics, workload
from annotation.agreement import oneself, rollup, tally
from annotation.models import Campaign, Judgment, JudgmentState, Protocol, Response, Task
from annotation.protocols.pairwise import as_shown
from annotation.quality.behaviour import CHECK, GOLD, NOT_GOLD, Columns, Measured, measured
from annotation.quality.origins import Disagreement, disagreement
from annotation.quality.signals import Signal, signals
from evaltrack.accounts.models import User
from evaltrack.stats.raters import Indication, repeats

# Final judgments that are read at most, the latest.
MOST_READ = 10_000
# Of English and its like, with the blank.
CHARACTERS_PER_WORD = 6
PLACES = {1: 0, 2: 1, "tie": 2, "both_bad": 3}
FIELDS = [
    "task_id", "evaluator_id", "choice", "rating", "places", "active_ms", "wall_ms", "submitted_at",
    "rubric__version", "task__stratum", "is_counted_here", "gold_kind", "task__gold__choice", "answers",
]  # fmt: skip


@dataclass(frozen=True)
class Evaluator:
    """One evaluator of a campaign, and what about their work deserves a look."""

    user: User
    measured: Measured
    signals: list[Signal]

    def as_json(self) -> dict[str, Any]:
        return {
            "evaluator": self.user.pseudonym,
            "signals": [signal.as_json() for signal in self.signals],
            **self.measured.as_json(),
        }


@dataclass(frozen=True)
class Quality:
    """`evaluators` stand in the order in which they need a look; `read` judgments were read of `in_all`."""

    evaluators: list[Evaluator]
    columns: Columns
    rows: list[Any]
    criteria: dict[str, Any]
    read: int
    is_all: bool

    @cached_property
    def disagreement(self) -> Disagreement:
        return disagreement(
            self.columns,
            strata=[row.task__stratum for row in self.rows],
            versions=[str(row.rubric__version) for row in self.rows],
            criteria=self.criteria,
        )

    @property
    def named(self) -> dict[int, str]:
        return {each.measured.rater: each.user.pseudonym for each in self.evaluators}

    def disagreement_as_json(self) -> dict[str, Any]:
        listed = Task.objects.filter(pk__in=[each.task for each in self.disagreement.items])
        tasks = {
            pk: {"task": str(public_id), "item": item}
            for pk, public_id, item in listed.values_list("pk", "public_id", "item")
        }
        return self.disagreement.as_json(named=self.named, tasks=tasks)

    def as_json(self) -> dict[str, Any]:
        return {
            "n_judgments": self.read,
            "most_read": MOST_READ,
            "is_all": self.is_all,
            "evaluators": [each.as_json() for each in self.evaluators],
            "disagreement": self.disagreement_as_json(),
        }


def of(campaign: Campaign, *, at: dt.datetime, for_signals: bool = False) -> Quality:
    """`for_signals`: for a list, which shows nothing else of how people work."""
    rows, is_all = latest(campaign, at=at)
    columns, criteria = columns_of(campaign, rows)
    found = measured(columns, for_signals=for_signals)
    for each in among_themselves(campaign, at=at):
        if each.rater in found:
            found[each.rater].indications["repeats"] = each
    raised = signals(found)
    people = User.objects.in_bulk(list(found))
    evaluators = [Evaluator(people[rater], each, raised[rater]) for rater, each in found.items()]
    evaluators.sort(key=needs_a_look)
    return Quality(evaluators, columns, rows, criteria, len(rows), is_all)


def among_themselves(campaign: Campaign, *, at: dt.datetime) -> Sequence[Indication]:
    """How often each said something else of what they were given again."""
    said = oneself.twice(campaign, at=at) if campaign.repeat_share else []
    return repeats([each.rater for each in said], [each.differs for each in said]) if said else []


def needs_a_look(each: Evaluator) -> tuple[int, float, int, str]:
    """Who has most signals first, and of these the least likely ones; then who has judged most."""
    likeliest = min((signal.adjusted for signal in each.signals), default=1.0)
    return -len(each.signals), likeliest, -each.measured.judgments, each.user.pseudonym


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────


def latest(campaign: Campaign, *, at: dt.datetime) -> tuple[list[Any], bool]:
    """The latest judgments that nobody can take back, in the order in which they were given; and whether these are
    all. Those that the sweep has not marked are few and read apart, so that the others come by an index."""
    first = Judgment.objects.filter(campaign=campaign, is_repeat=False)
    final = first.filter(state=JudgmentState.FINAL)
    unmarked = first.filter(state=JudgmentState.PROVISIONAL, submitted_at__lte=querysets.undo_limit(at))
    found: list[Any] = []
    for rows, order in ((unmarked, ["-submitted_at", "-pk"]), (final, ["-settled_at", "-pk"])):
        left = MOST_READ + 1 - len(found)
        found.extend(described(campaign, rows).order_by(*order)[:left] if left else [])
    is_all = len(found) <= MOST_READ
    return sorted(found[:MOST_READ], key=lambda row: (row.submitted_at, row.pk)), is_all


def described(campaign: Campaign, judgments: QuerySet[Judgment]) -> QuerySet[Judgment, Any]:
    """Gold that was suspended measures nobody: it is neither gold here nor counted."""
    number = IntegerField()
    counted = Q(slot__ordinal__lt=campaign.overlap, task__excluded_at=None, task__gold=None)
    measuring = Q(task__gold__isnull=False, task__gold__suspended_at=None)
    fields = FIELDS if rubrics.of(campaign.rubric).criteria else FIELDS[:-1]
    return judgments.annotate(
        is_counted_here=Case(When(counted, then=Value(1)), default=Value(0), output_field=number),
        gold_kind=Case(
            When(measuring & Q(task__gold__is_check=True), then=Value(CHECK)),
            When(measuring, then=Value(GOLD)),
            default=Value(NOT_GOLD),
            output_field=number,
        ),
    ).values_list("pk", *fields, named=True)


def columns_of(campaign: Campaign, rows: list[Any]) -> tuple[Columns, dict[str, Any]]:
    """The judgments in columns, and the labels of each criterion."""
    tasks = list(dict.fromkeys(row.task_id for row in rows))
    pairwise, scale = campaign.protocol == Protocol.PAIRWISE, campaign.protocol == Protocol.RATING
    words, swapped = texts_of(tasks)
    details = rubrics.of(campaign.rubric)
    groups: dict[tuple[int, str], int] = {}
    of_group = [groups.setdefault((row.rubric__version, row.task__stratum), len(groups)) for row in rows]
    nothing = [-1] * len(rows)
    label, key = nothing, nothing
    if pairwise:
        label = [rollup.label(row.choice, row.task_id in swapped) for row in rows]
        key = [PLACES[as_shown(row.choice, row.places)] for row in rows]
    elif scale:
        label = key = [row.rating - 1 for row in rows]

    def column(values: Iterable[Any], kind: type = np.int64) -> Any:
        return np.array(list(values), dtype=kind)

    criteria = {}
    for criterion in details.criteria if pairwise or scale else ():
        said = [(row.answers.get(criterion.id), row.task_id in swapped) for row in rows]
        criteria[criterion.id] = column(
            -1 if given is None else rollup.label(given, flip) if pairwise else given - 1
            for given, flip in said
        )
    columns = Columns(
        rater=column(row.evaluator_id for row in rows),
        task=column(row.task_id for row in rows),
        group=column(of_group),
        at=column((row.submitted_at.timestamp() for row in rows), np.float64),
        seconds=column((seconds_of(row) for row in rows), np.float64),
        words=column((words.get(row.task_id, 0) for row in rows), np.float64),
        label=column(label),
        key=column(key),
        is_counted=column((row.is_counted_here for row in rows), np.bool_),
        gold=column(row.gold_kind for row in rows),
        is_right=column(
            (row.choice is not None and row.choice == row.task__gold__choice for row in rows), np.bool_
        ),
        k=max([tally.K if pairwise else len(details.scale), 2, *(each + 1 for each in label)]),
        is_scale=scale,
    )
    return columns, criteria


def seconds_of(row: Any) -> float:
    """Active time; where the browser told none, the time on the screen, up to where somebody is taken for idle."""
    told = row.active_ms
    return (min(row.wall_ms, workload.LONGEST_UNTOLD_MS) if told is None else told) / 1000


def texts_of(tasks: list[int]) -> tuple[dict[int, float], set[int]]:
    """About how many words of prompt and responses each task has to read, contexts and media not counted; and the
    tasks of which the first response is not by the system of the lesser name."""
    words: dict[int, float] = {}
    first: dict[int, str] = {}
    swapped: set[int] = set()
    length = Coalesce(Length("output__text"), Length("text"))
    for start in range(0, len(tasks), rollup.BATCH):
        some = tasks[start : start + rollup.BATCH]
        prompts = Task.objects.filter(pk__in=some).order_by().annotate(length=Length("prompt"))
        words |= {task: long / CHARACTERS_PER_WORD for task, long in prompts.values_list("pk", "length")}
        responses = Response.objects.filter(task__in=some).order_by("task", "ordinal").annotate(length=length)
        for task, source, long in responses.values_list("task_id", "source", "length"):
            words[task] += long / CHARACTERS_PER_WORD
            if source < first.setdefault(task, source):
                swapped.add(task)
    return words, swapped

"""Which tasks are in conflict: computed from final judgments when somebody looks, never stored."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.db.models import Count, F, Max, Min, OuterRef, Q, QuerySet

from annotation import querysets, rubrics
from annotation.blinding.sides import Placing
from annotation.models import (
    Adjudication,
    AdjudicationState,
    Campaign,
    CampaignStatus,
    Gold,
    Judgment,
    JudgmentState,
    Protocol,
    Slot,
    Task,
)
from annotation.protocols import rules_of
from annotation.settling import disagreement
from annotation.settling.disagreement import Disagreement

# Protocols whose answers the database can compare: where the least is the largest, there is nothing to look at.
COMPARED = {Protocol.PAIRWISE: "choice", Protocol.RATING: "rating"}
# Items of a campaign, up to which all are compared at each look; of a larger one so many at a time of those that
# differ, or items for a page, in the order in which they were added.
COMPARED_UP_TO = 2_000
SAID = ("task", "pk", "choice", "rating", "ranking", "spans", "answers")


@dataclass(frozen=True)
class Conflict:
    """A task about which people disagree, and how far."""

    task: int
    key: str
    judgments: int
    found: Disagreement


@dataclass(frozen=True)
class Overview:
    """What leads see of a campaign's disagreement. `waiting` are the conflicts that nobody has settled, the lowest
    agreement first; `compared`, how many tasks two people or more have judged."""

    compared: int
    waiting: list[Conflict]
    settled: int
    by_stratum: list[tuple[str, int, int]]
    by_criterion: list[tuple[str, int]]
    # Of a large campaign, the first items alone were compared.
    is_partial: bool = False

    @property
    def in_conflict(self) -> int:
        return len(self.waiting) + self.settled

    @property
    def share(self) -> float | None:
        return self.in_conflict / self.compared if self.compared else None


def judged(campaign: Campaign, *, at: dt.datetime) -> QuerySet[Task]:
    """Tasks of which every judgment that is asked for is in and cannot be undone. Under adaptive overlap those of
    which the label is sure are left out: more people were asked instead, and that has settled it."""
    of_task = Q(task=OuterRef("pk"))
    can_be_undone = Q(state=JudgmentState.PROVISIONAL, submitted_at__gt=querysets.undo_limit(at))
    outdated = querysets.outdated_judgments(campaign).filter(of_task)
    tasks = Task.objects.filter(
        # Task by task, so that the first ones are found without reading all.
        ~querysets.AskedByRow(Slot.objects.filter(querysets.MISSING, of_task)),
        ~querysets.AskedByRow(Judgment.objects.filter(of_task, can_be_undone, is_repeat=False)),
        ~querysets.AskedByRow(Gold.objects.filter(of_task)),
        campaign=campaign,
        excluded_at=None,
    )
    if campaign.asks_again_below:
        tasks = tasks.filter(~querysets.AskedByRow(outdated))
    if campaign.max_overlap is None:
        return tasks
    if campaign.status != CampaignStatus.CLOSED:
        tasks = tasks.filter(Q(is_calibration=True) | Q(settled_at__isnull=False))
    return tasks.exclude(settled_at__isnull=False, certainty__gte=F("campaign__confidence"))


def final_of(campaign: Campaign, tasks: QuerySet[Task] | list[int], *, at: dt.datetime) -> QuerySet[Judgment]:
    """What was said about them by whoever was asked: those that adaptive overlap has added serve the label too."""
    return querysets.final_judgments(at).filter(campaign=campaign, task__in=tasks)


def waiting(campaign: Campaign, *, at: dt.datetime, tasks: Iterable[Any] | None = None) -> list[Conflict]:
    """Conflicts that nobody has settled, the lowest agreement first; of `tasks`, if these are given. Of a large
    campaign those of the first part that has any, which are others as soon as these are settled."""
    standing = Adjudication.objects.filter(task=OuterRef("pk"), state=AdjudicationState.STANDING)
    unsettled = judged(campaign, at=at).filter(~querysets.AskedByRow(standing))
    if tasks is not None or not is_large(campaign):
        return among(campaign, unsettled if tasks is None else unsettled.filter(pk__in=tasks), at=at)
    last, found = 0, list[Conflict]()
    # What differs and is no conflict is never settled: it must not keep back what comes after it.
    while not found and (part := list(first_that_differ(campaign, after=last, at=at))):
        last, found = part[-1], among(campaign, unsettled.filter(pk__in=part), at=at)
    return found


def among(campaign: Campaign, tasks: QuerySet[Task], *, at: dt.datetime) -> list[Conflict]:
    # Listed: within one statement PostgreSQL takes them for few, and reads all judgments once for each task.
    said = final_of(campaign, list(tasks.values_list("pk", flat=True)), at=at)
    apart = list(differing(campaign, said).values_list("task", flat=True))
    found = compared(campaign, apart, at=at)
    return in_order(campaign, [each for each in found if each.found.is_conflict])


def differing(campaign: Campaign, said: QuerySet[Judgment]) -> QuerySet[Judgment, Any]:
    """The tasks of judgments of which there are two and, as far as the database can tell, not all the same."""
    grouped = said.order_by().values("task").annotate(judgments=Count("pk")).filter(judgments__gte=2)
    column = COMPARED.get(Protocol(campaign.protocol))
    return grouped.annotate(low=Min(column), high=Max(column)).exclude(low=F("high")) if column else grouped


def first_that_differ(campaign: Campaign, *, after: int, at: dt.datetime) -> QuerySet[Judgment, Any]:
    """Of a large campaign: what is looked at more closely, behind the task `after`. In the order of their tasks, so
    that the database reads no further than it must."""
    settled = Adjudication.objects.filter(campaign=campaign, state=AdjudicationState.STANDING)
    final = Judgment.objects.filter(
        querysets.settled(at), campaign=campaign, is_repeat=False, task__gt=after
    ).exclude(task__in=settled.values("task"))
    return differing(campaign, final).order_by("task").values_list("task", flat=True)[:COMPARED_UP_TO]


def compared(campaign: Campaign, tasks: list[int], *, at: dt.datetime) -> Iterable[Conflict]:
    """Each task that two or more have judged, in conflict or not."""
    rules, details = rules_of(campaign.protocol), rubrics.of(campaign.rubric)
    keys = dict(Task.objects.filter(pk__in=tasks).values_list("pk", "key"))
    said = final_of(campaign, tasks, at=at).order_by("task", "pk").values_list(*SAID, named=True)
    for task, given in groupby(said.iterator(), key=lambda row: row.task):
        answers = list(given)
        if found := disagreement.of(answers, rules, details):
            yield Conflict(task, keys[task], len(answers), found)


def in_order(campaign: Campaign, found: list[Conflict]) -> list[Conflict]:
    draw = draw_of(campaign)

    def order(each: Conflict) -> tuple[float, int, int]:
        return disagreement.lowest_first(each.found.agreement, each.judgments, lambda: draw(each))

    return sorted(found, key=order)


def draw_of(campaign: Campaign) -> Callable[[Conflict], int]:
    placing = Placing(overlap=1, seed=campaign.seed)
    return lambda each: placing.draw(f"conflict-{each.key}")


def is_large(campaign: Campaign) -> bool:
    return campaign.task_count > COMPARED_UP_TO


def overview(campaign: Campaign, *, at: dt.datetime) -> Overview:
    """Everything at once, for a page. What is settled is counted by what stands; of a large campaign, among the items
    that are compared."""
    tasks = judged(campaign, at=at).order_by("pk")
    strata = dict(tasks.values_list("pk", "stratum")[: COMPARED_UP_TO if is_large(campaign) else None])
    settled = set(standing(campaign).values_list("task", flat=True))
    if is_large(campaign):
        settled &= strata.keys()
    count = 0
    open_ones: list[Conflict] = []
    strata_of: dict[str, Counter[str]] = defaultdict(Counter)
    criteria: Counter[str] = Counter({each.id: 0 for each in rubrics.of(campaign.rubric).criteria})
    for each in compared(campaign, list(strata), at=at):
        count += 1
        stratum = strata_of[strata.get(each.task, "")]
        stratum["compared"] += 1
        criteria.update(each.found.criteria)
        if not each.found.is_conflict:
            continue
        stratum["conflicts"] += 1
        if each.task not in settled:
            open_ones.append(each)
    return Overview(
        compared=count,
        waiting=in_order(campaign, open_ones),
        settled=len(settled),
        by_stratum=[(name, rows["conflicts"], rows["compared"]) for name, rows in sorted(strata_of.items())],
        by_criterion=list(criteria.items()),
        is_partial=is_large(campaign),
    )


def standing(campaign: Campaign) -> QuerySet[Adjudication, Any]:
    """What settles items of the campaign now."""
    return Adjudication.objects.filter(
        campaign=campaign, state=AdjudicationState.STANDING, task__excluded_at=None
    )

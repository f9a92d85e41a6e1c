"""The label of each task: what a senior evaluator settled, else what its evaluators agree on. Unblinded, for leads.

A label is not evidence. Agreement and preference are computed from what evaluators said independently of each other;
a label that one person set, after reading what the others said, would make both look better than they are.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from annotation import overlap, rubrics
from annotation.agreement.findings import sources_of
from annotation.models import Adjudication, Campaign, Cause, Judgment, Task
from annotation.protocols import Rules, rules_of
from annotation.protocols.pairwise import RESPONSES
from annotation.settling import confidence, conflicts, disagreement
from evaltrack.canonical import canonical_json


@dataclass(frozen=True)
class Label:
    """`by` says what made it: adjudication, agreement, single (one person has judged) or overlap (adaptive overlap
    has made it sure). Without a label, `why_not` says why: conflict, broken, unjudged, gold or excluded."""

    task: Task
    said: Any = None
    by: str = ""
    why_not: str = ""
    cause: str = ""

    def as_json(self, protocol: str, sources: Sequence[str]) -> dict[str, Any]:
        return {
            "task": str(self.task.public_id),
            "item": self.task.item,
            "stratum": self.task.stratum,
            "responses": list(sources),
            "label": in_sources(self.said, protocol, sources) if self.by else None,
            "by": self.by or None,
            "why_not": self.why_not or None,
            "cause": self.cause or None,
        }


def in_sources(said: Any, protocol: str, sources: Sequence[str]) -> Any:
    """What was said, in terms of systems: a preference as its source, a ranking as groups of sources."""
    if protocol == "pairwise":
        return sources[RESPONSES.index(said.choice)] if said.choice in RESPONSES else said.choice
    if protocol == "ranking":
        return [[sources[ordinal] for ordinal in group] for group in said.ranking]
    return said.rating if protocol == "rating" else said.spans


def of(campaign: Campaign, tasks: Sequence[Task], *, at: dt.datetime) -> list[Label]:
    """In the order of `tasks`, which are the campaign's, with their gold."""
    standing = {row.task_id: row for row in conflicts.standing(campaign).filter(task__in=tasks)}
    said: dict[int, list[Judgment]] = defaultdict(list)
    of_tasks = Task.objects.filter(pk__in=[task.pk for task in tasks])
    for judgment in conflicts.final_of(campaign, of_tasks, at=at).order_by("task", "pk"):
        said[judgment.task_id].append(judgment)
    known = overlap.evaluator_accuracies(campaign) if campaign.max_overlap else None
    return [label_of(campaign, task, standing.get(task.pk), said[task.pk], known) for task in tasks]


def label_of(
    campaign: Campaign,
    task: Task,
    settled: Adjudication | None,
    said: list[Judgment],
    known: confidence.Accuracies | None,
) -> Label:
    if task.excluded_at:
        return Label(task, why_not="excluded")
    if hasattr(task, "gold"):
        return Label(task, why_not="gold")
    if settled:
        if settled.cause == Cause.BROKEN:
            return Label(task, why_not="broken", cause=settled.cause)
        return Label(task, settled, by="adjudication", cause=settled.cause)
    if not said:
        return Label(task, why_not="unjudged")
    if known and campaign.confidence and (task.certainty or 0) >= campaign.confidence:
        probable = confidence.posterior([(each.evaluator_id, str(each.choice)) for each in said], known)
        top = max(probable, key=lambda label: (probable[label], label))
        return Label(task, next((each for each in said if each.choice == top), said[0]), by="overlap")
    rules, details = rules_of(campaign.protocol), rubrics.of(campaign.rubric)
    found = disagreement.of(said, rules, details)
    if found is None:
        return Label(task, said[0], by="single")
    if found.is_conflict:
        return Label(task, why_not="conflict")
    return Label(task, most_alike(said, rules, details), by="agreement")


def most_alike(said: list[Judgment], rules: Rules, details: rubrics.Details) -> Judgment:
    """Of answers that do not contradict each other, the one that is most like all of them; of equals, always the
    same one, whoever gave it."""

    def rank(one: Judgment) -> tuple[float, bytes]:
        total = sum(rules.alike(one, other, details) for other in said)
        return -round(total, 9), canonical_json([one.choice, one.rating, one.ranking, one.spans])

    return min(said, key=rank)


def as_json(campaign: Campaign, tasks: Sequence[Task], *, at: dt.datetime) -> list[dict[str, Any]]:
    sources = sources_of(campaign, tasks)
    return [label.as_json(campaign.protocol, sources[label.task.pk]) for label in of(campaign, tasks, at=at)]

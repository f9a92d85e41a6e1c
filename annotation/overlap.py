"""How many people judge a task: the rule, and the act that asks one more where people disagree.

Adaptive overlap is pulled: a worker looks at what became final since it last looked, never a judgment's transaction.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from annotation import querysets
from annotation.blinding.sides import Placing
from annotation.models import Campaign, CampaignStatus, Judgment, JudgmentState, Protocol, Slot, Task
from annotation.models.task import FIRST_REPEAT
from annotation.settling import confidence
from evaltrack.errors import Invalid

MOST = 20
BATCH = 500
# The newest judgments say how good people are now, and bound what a pass reads.
MOST_COMPARED = 5000
# A judgment is final from when its transaction began, and seen when that ends: none lasts so long.
LOOK_BACK = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Adaptive:
    """From `min` to `max` judgments per task, until its label is as probable as `confidence`."""

    min: int = 2
    max: int = 6
    confidence: float = 0.95
    calibration_share: float = 0.1

    def columns(self) -> dict[str, Any]:
        """As the campaign's row holds it; Invalid says which part cannot be."""
        for name, is_right, sentence in (
            ("min", 2 <= self.min <= MOST, f"is a number from 2 to {MOST}: agreement needs two"),
            ("max", self.min < self.max <= MOST, f"is larger than min, and at most {MOST}"),
            ("confidence", 0.5 < self.confidence < 1, "is between 0.5 and 1, such as 0.95"),
            ("calibration_share", 0 <= self.calibration_share <= 1, "is a share from 0 to 1, such as 0.1"),
        ):
            if not is_right:
                raise Invalid(
                    "bad_overlap", f"The overlap's {name} {sentence}.", {f"overlap.{name}": [sentence]}
                )
        return {
            "overlap": self.min,
            "max_overlap": self.max,
            "confidence": self.confidence,
            "calibration_share": self.calibration_share,
        }


def columns(rule: int | Adaptive, protocol: str) -> dict[str, Any]:
    if isinstance(rule, Adaptive):
        if protocol != Protocol.PAIRWISE:
            sentence = (
                f"is a number for the protocol {protocol}: how sure a label is, is known of preferences alone"
            )
            raise Invalid("bad_overlap", f"The overlap {sentence}.", {"overlap": [sentence]})
        return rule.columns()
    if not 1 <= rule <= MOST:
        sentence = f"is a number from 1 to {MOST}"
        raise Invalid("bad_overlap", f"The overlap {sentence}.", {"overlap": [sentence]})
    return {"overlap": rule}


def rule_of(campaign: Campaign) -> int | Adaptive:
    if campaign.max_overlap is None or campaign.confidence is None or campaign.calibration_share is None:
        return campaign.overlap
    return Adaptive(campaign.overlap, campaign.max_overlap, campaign.confidence, campaign.calibration_share)


def in_words(campaign: Campaign) -> str:
    return said(rule_of(campaign))


def said(rule: int | Adaptive) -> str:
    if isinstance(rule, int):
        return f"{rule} evaluator{'' if rule == 1 else 's'} per item."
    calibration = (
        f" A random {rule.calibration_share:.0%} of items, drawn beforehand, is always judged by {rule.max}."
        if rule.calibration_share
        else ""
    )
    return (
        f"{rule.min} evaluators per item, and one more at a time, up to {rule.max}, while its label is less than "
        f"{rule.confidence:.0%} sure.{calibration} Figures use the first {rule.min} judgments of every item."
    )


def extend(campaign_id: int, *, at: dt.datetime) -> int:
    """Ask one more person about each task that people have judged and its label is still unsure; how many.

    Every task that is looked at gets a slot or is settled, so what is left to look at is found by what became final
    since the last pass. Twice, late or by two workers at once, it adds nothing twice.
    """
    campaign = Campaign.objects.get(pk=campaign_id)
    if campaign.max_overlap is None:
        return 0
    known: confidence.Accuracies | None = None
    added = 0
    while judged(campaign).exists():
        known = known or evaluator_accuracies(campaign)
        with transaction.atomic():
            # One at a time with closing and leaving out, so that no slot comes after either.
            locked = Campaign.objects.select_for_update(no_key=True).get(pk=campaign_id)
            if locked.status != CampaignStatus.OPEN:
                return added
            added += extend_batch(locked, list(judged(campaign).order_by("pk")[:BATCH]), known, at=at)
    Campaign.objects.filter(pk=campaign_id).update(extended_at=at)
    return added


def judged(campaign: Campaign) -> QuerySet[Task]:
    """Undecided tasks with news, of which every judgment asked for is in and final."""
    news = Judgment.objects.filter(campaign=campaign, state=JudgmentState.FINAL, is_repeat=False)
    if campaign.extended_at:
        news = news.filter(settled_at__gt=campaign.extended_at - LOOK_BACK)
    of_task = Q(task=OuterRef("pk"))
    return querysets.undecided_tasks().filter(
        ~Exists(Slot.objects.filter(querysets.MISSING, of_task)),
        ~Exists(Judgment.objects.filter(of_task, state=JudgmentState.PROVISIONAL, is_repeat=False)),
        campaign=campaign,
        pk__in=news.values("task"),
    )


def evaluator_accuracies(campaign: Campaign) -> confidence.Accuracies:
    """From judgments that were asked for beforehand: those of tasks in dispute would make everybody look worse."""
    rows = (
        Judgment.objects.filter(
            querysets.asked_beforehand("slot__"), campaign=campaign, state=JudgmentState.FINAL
        )
        .filter(task__excluded_at=None)
        .order_by("-settled_at", "-pk")
    )
    return confidence.accuracies(said_of(rows[:MOST_COMPARED]).values())


def said_of(judgments: QuerySet[Judgment]) -> dict[int, list[tuple[int, str]]]:
    said: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for task, evaluator, choice in judgments.values_list("task", "evaluator", "choice"):
        said[task].append((evaluator, str(choice)))
    return said


def extend_batch(
    campaign: Campaign, tasks: list[Task], known: confidence.Accuracies, *, at: dt.datetime
) -> int:
    """Settle each of `tasks`, or add a slot. Inside the caller's transaction, which holds the campaign."""
    rule = rule_of(campaign)
    assert isinstance(rule, Adaptive)
    final = Judgment.objects.filter(task__in=tasks, state=JudgmentState.FINAL, is_repeat=False)
    said = said_of(final.order_by("pk"))
    slots: dict[int, list[Slot]] = defaultdict(list)
    for slot in Slot.objects.filter(task__in=tasks, ordinal__lt=FIRST_REPEAT).order_by("ordinal"):
        slots[slot.task_id].append(slot)
    placing = Placing(overlap=rule.min, seed=campaign.seed)
    settled, further = [], []
    for task in tasks:
        certainty = confidence.certainty(said[task.pk], known)
        if certainty >= rule.confidence or len(slots[task.pk]) >= rule.max:
            task.settled_at, task.certainty = at, certainty
            settled.append(task)
        else:
            further.append(further_slot(task, slots[task.pk], placing))
    Task.objects.bulk_update(settled, ["settled_at", "certainty"])
    Slot.objects.bulk_create(further)
    return len(further)


def further_slot(task: Task, slots: list[Slot], placing: Placing) -> Slot:
    first = slots[0]
    placed = placing.further(task.key, slots[-1].ordinal + 1, first=first.places)
    return Slot(
        task=task,
        campaign_id=task.campaign_id,
        ordinal=placed.ordinal,
        order_key=placed.order_key,
        places=placed.places,
        priority=first.priority,
        due_at=task.due_at,
    )


@dataclass(frozen=True)
class Progress:
    """How far adaptive overlap has come. `unsure`: asked of the most, and still less sure than wanted."""

    settled: int
    unsure: int
    open: int
    calibration: int
    # Against asking `max` about each task that is settled or unsure.
    judgments_saved: int
    judgments_at_max: int

    @property
    def share_saved(self) -> float:
        return self.judgments_saved / self.judgments_at_max if self.judgments_at_max else 0.0


def progress(campaign: Campaign) -> Progress | None:
    """None where the overlap is fixed."""
    if campaign.max_overlap is None:
        return None
    decided, sure = Q(settled_at__isnull=False), Q(certainty__gte=F("campaign__confidence"))
    counts = campaign.tasks.filter(excluded_at=None).aggregate(
        settled=Count("pk", filter=decided & sure),
        unsure=Count("pk", filter=decided & ~sure),
        open=Count("pk", filter=Q(settled_at=None, is_calibration=False)),
        calibration=Count("pk", filter=Q(is_calibration=True)),
    )
    at_max = campaign.max_overlap * (counts["settled"] + counts["unsure"])
    asked = campaign.slots.filter(
        task__excluded_at=None, task__settled_at__isnull=False, ordinal__lt=FIRST_REPEAT
    ).count()
    return Progress(**counts, judgments_saved=at_max - asked, judgments_at_max=at_max)

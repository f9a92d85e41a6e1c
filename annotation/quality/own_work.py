"""What evaluators see of their own work: what they judged, how long it took, and how they did on gold."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Left, TruncDate

from annotation import policies, querysets
from annotation.blinding import redaction
from annotation.models import Appeal, Judgment, JudgmentState, Pause
from annotation.protocols import rules_of
from annotation.protocols.pairwise import as_shown, in_words
from evaltrack.accounts.models import User

PAGE_SIZE = 25
DAYS = 14
EXCERPT = 200
MOST_PAUSES = 10
# An answer that was undone is not added: its task came back, with the time that had gone by.
TIMED = ~Q(state=JudgmentState.UNDONE)


@dataclass(frozen=True)
class Feedback:
    """What gold says about a judgment, in the places in which its responses stood."""

    right: int | str
    why: str
    is_right: bool
    is_suspended: bool
    corrected_at: dt.datetime | None
    appeal: Appeal | None
    may_appeal: bool

    @property
    def right_in_words(self) -> str:
        return in_words(self.right)


@dataclass(frozen=True)
class Work:
    """One judgment of the evaluator's own."""

    judgment: Judgment
    campaign: str
    excerpt: str
    said: str
    undo_until: dt.datetime | None
    feedback: Feedback | None

    @property
    def active_in_words(self) -> str:
        return duration(self.judgment.active_ms or 0)


@dataclass(frozen=True)
class Time:
    """How many answers of a day, or in all, and for how long the evaluator was active at those that say so."""

    count: int
    measured: int
    active: int
    day: dt.date | None = None

    @property
    def in_words(self) -> str:
        return duration(self.active)


def duration(ms: int) -> str:
    minutes, seconds = divmod(round(ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


@dataclass(frozen=True)
class OwnWork:
    rows: list[Work]
    # The last row, where there are older ones.
    older: uuid.UUID | None
    is_newest: bool
    days: list[Time]
    in_all: Time
    # In force, and the last of those that have ended.
    pauses: list[Pause]


def page(evaluator: User, *, before: uuid.UUID | None, at: dt.datetime) -> OwnWork:
    rows = (
        Judgment.objects.filter(evaluator=evaluator)
        .select_related("campaign", "appeal", "task__gold")
        .defer("task__prompt")
        .annotate(
            excerpt=Left("task__prompt", EXCERPT),
            told=Exists(querysets.with_feedback(at).filter(pk=OuterRef("pk"))),
        )
        .order_by("-submitted_at", "-pk")
    )
    last = Judgment.objects.filter(evaluator=evaluator, public_id=before).first() if before else None
    if last:
        rows = rows.filter(
            Q(submitted_at__lt=last.submitted_at) | Q(submitted_at=last.submitted_at, pk__lt=last.pk)
        )
    found = list(rows[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    timed = Judgment.objects.filter(TIMED, evaluator=evaluator)
    figures = {"count": Count("pk"), "measured": Count("active_ms"), "active": Sum("active_ms", default=0)}
    days = timed.annotate(day=TruncDate("submitted_at")).values("day").annotate(**figures).order_by("-day")
    return OwnWork(
        rows=[work_of(judgment, at=at) for judgment in redacted(shown)],
        older=shown[-1].public_id if len(found) > PAGE_SIZE else None,
        is_newest=last is None,
        days=[time_of(day) for day in days[:DAYS]],
        in_all=time_of(timed.aggregate(**figures)),
        pauses=list(pauses_of(evaluator)[:MOST_PAUSES]),
    )


def pauses_of(evaluator: User) -> QuerySet[Pause]:
    mine = Pause.objects.filter(evaluator=evaluator).select_related("campaign")
    return mine.order_by(F("ended_at").desc(nulls_first=True), "-pk")


def redacted(judgments: list[Any]) -> list[Any]:
    """With excerpts of the prompts as they were read. Made from the whole, as a name may stand where the cut is."""
    prompts = redaction.prompts_of(judgment.task_id for judgment in judgments)
    for judgment in judgments:
        if prompt := prompts.get(judgment.task_id):
            judgment.excerpt = prompt[:EXCERPT]
    return judgments


def time_of(figures: Mapping[str, Any]) -> Time:
    return Time(**figures)


def work_of(judgment: Any, *, at: dt.datetime) -> Work:
    """Of a row with `excerpt`, and with `told`: whether its evaluator may know of the gold."""
    until = judgment.submitted_at + (at - querysets.undo_limit(at))
    return Work(
        judgment=judgment,
        campaign=judgment.campaign.name,
        excerpt=judgment.excerpt,
        said=rules_of(judgment.campaign.protocol).in_words(judgment),
        undo_until=until if judgment.state == JudgmentState.PROVISIONAL and at < until else None,
        feedback=feedback_of(judgment) if judgment.told else None,
    )


def feedback_of(judgment: Judgment) -> Feedback:
    gold, appeal = judgment.task.gold, getattr(judgment, "appeal", None)
    return Feedback(
        right=as_shown(gold.choice, judgment.places),
        why=gold.why,
        is_right=gold.choice == judgment.choice,
        is_suspended=gold.suspended_at is not None,
        corrected_at=gold.corrected_at,
        appeal=appeal,
        may_appeal=policies.against(judgment) is None,
    )

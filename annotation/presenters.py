"""What an evaluator's screen may show: the only way from rows to the page, and nothing that names a system."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce

from annotation import querysets, rubrics
from annotation.models import Assignment, AssignmentState, Draft, Rubric, Slot, SlotState
from annotation.models import Response as ResponseRow
from evaltrack.accounts.models import User

# Of a longer campaign nobody sees the end, so its size says nothing.
LONGEST_COUNTDOWN = 500


@dataclass(frozen=True)
class Response:
    slot: int
    text: str
    format: str


@dataclass(frozen=True)
class Screen:
    """One assignment, blind."""

    assignment: UUID
    judgment_id: UUID
    is_shown: bool
    lease_expires_at: dt.datetime
    campaign_name: str
    prompt: str
    prompt_format: str
    responses: tuple[Response, ...]
    rubric: Rubric
    details: rubrics.Details
    done: int
    total: int | None
    draft: dict[str, Any]
    draft_saved_at: dt.datetime | None

    @property
    def before(self) -> int:
        """How many of the evaluator's tasks come before this one."""
        return self.number - 1

    @property
    def number(self) -> int:
        """The place of this task among those of the evaluator; one fetched ahead comes after the one shown."""
        return self.done + (1 if self.is_shown else 2)

    def as_json(self) -> dict[str, Any]:
        return {
            "assignment": str(self.assignment),
            "lease_expires_at": self.lease_expires_at.isoformat(),
            "item": {
                "prompt": self.prompt,
                "responses": [
                    {"slot": each.slot, "text": each.text, "format": each.format} for each in self.responses
                ],
            },
            "rubric": {
                "name": str(self.rubric),
                "question": self.rubric.question,
                "guidance": self.rubric.guidance,
                **self.rubric.body,
            },
            "judgment_id": str(self.judgment_id),
        }


def screen(assignment: Assignment) -> Screen:
    """All that a screen needs, in one query beside those that found the assignment."""
    campaign = assignment.campaign
    judged = (
        querysets.standing_judgments()
        .filter(evaluator=assignment.evaluator_id, campaign=campaign, task__excluded_at=None)
        .order_by()
        .values("campaign")
        .annotate(n=Count("pk"))
        .values("n")
    )
    rows = list(
        ResponseRow.objects.filter(task=assignment.task_id)
        .select_related("output", "task", "task__campaign__rubric")
        .annotate(done=Coalesce(Subquery(judged), 0))
        .annotate(
            first_on_slot_1=Subquery(Slot.objects.filter(pk=assignment.slot_id).values("first_on_slot_1"))
        )
        .annotate(
            draft=Subquery(Draft.objects.filter(assignment=assignment.pk).values("body")),
            draft_saved_at=Subquery(Draft.objects.filter(assignment=assignment.pk).values("saved_at")),
        )
        .order_by("ordinal")
    )
    task = rows[0].task
    total = task.campaign.task_count
    ordered = rows if rows[0].first_on_slot_1 else rows[::-1]
    return Screen(
        assignment=assignment.public_id,
        judgment_id=assignment.judgment_id,
        is_shown=assignment.state == AssignmentState.SHOWN,
        lease_expires_at=assignment.lease_expires_at,
        campaign_name=task.campaign.name,
        prompt=task.prompt,
        prompt_format=task.prompt_format,
        responses=tuple(Response(slot, row.content, row.format) for slot, row in enumerate(ordered, start=1)),
        rubric=task.campaign.rubric,
        details=rubrics.of(task.campaign.rubric),
        done=rows[0].done,
        total=total if total <= LONGEST_COUNTDOWN else None,
        draft=rows[0].draft or {},
        draft_saved_at=rows[0].draft_saved_at,
    )


def my_work(evaluator: User) -> list[dict[str, Any]]:
    """The evaluator's campaigns: what they have done, and whether more waits."""
    judged = (
        querysets.standing_judgments()
        .filter(evaluator=evaluator, campaign=OuterRef("pk"))
        .order_by()
        .values("campaign")
        .annotate(n=Count("pk"))
        .values("n")
    )
    free = Slot.objects.filter(campaign=OuterRef("pk"), state=SlotState.OPEN)
    campaigns = (
        querysets.asking_campaigns()
        .annotate(mine=Coalesce(Subquery(judged), 0), waiting=Exists(free))
        .order_by("due_at", "pk")
    )
    return [dict(row) for row in campaigns.values("name", "due_at", "task_count", "mine", "waiting")]

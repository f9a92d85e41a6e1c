"""What an evaluator's screen may show: the only way from rows to the page, and nothing that names a system."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from annotation import querysets
from annotation.models import Assignment, Judgment, Rubric, Slot, SlotState
from evaltrack.accounts.models import User


@dataclass(frozen=True)
class Response:
    slot: int
    text: str


@dataclass(frozen=True)
class Screen:
    """One assignment, blind."""

    assignment: UUID
    judgment_id: UUID
    lease_expires_at: dt.datetime
    campaign_name: str
    prompt: str
    responses: tuple[Response, Response]
    question: str
    guidance: str
    rubric: str
    done: int
    total: int

    def as_json(self) -> dict[str, Any]:
        return {
            "assignment": str(self.assignment),
            "lease_expires_at": self.lease_expires_at.isoformat(),
            "item": {
                "prompt": self.prompt,
                "responses": [{"slot": each.slot, "text": each.text} for each in self.responses],
            },
            "rubric": {"name": self.rubric, "question": self.question, "guidance": self.guidance},
            "judgment_id": str(self.judgment_id),
        }


def screen(assignment: Assignment) -> Screen:
    slot, task = assignment.slot, assignment.task
    rubric: Rubric = assignment.campaign.rubric
    texts = [task.first.text, task.second.text]
    if not slot.first_on_slot_1:
        texts.reverse()
    counted = assignment.campaign.tasks.filter(excluded_at=None)
    done = Judgment.objects.filter(task__in=counted, evaluator=assignment.evaluator).count()
    return Screen(
        assignment=assignment.public_id,
        judgment_id=assignment.judgment_id,
        lease_expires_at=assignment.lease_expires_at,
        campaign_name=assignment.campaign.name,
        prompt=task.prompt,
        responses=(Response(1, texts[0]), Response(2, texts[1])),
        question=rubric.question,
        guidance=rubric.guidance,
        rubric=str(rubric),
        done=done,
        total=counted.count(),
    )


def my_work(evaluator: User) -> list[dict[str, Any]]:
    """The evaluator's campaigns: what they have done, and whether more waits."""
    counted = (
        Slot.objects.filter(querysets.ASKED_OF_PEOPLE)
        .values("campaign__public_id", "campaign__name", "campaign__due_at")
        .annotate(
            waiting=Count("pk", filter=Q(state=SlotState.OPEN)),
            mine=Count("pk", filter=Q(state=SlotState.DONE, holder=evaluator)),
        )
        .order_by("campaign__due_at")
    )
    return [
        {
            "name": row["campaign__name"],
            "due_at": row["campaign__due_at"],
            "waiting": row["waiting"],
            "mine": row["mine"],
        }
        for row in counted
    ]

"""What an evaluator's screen may show: the only way from rows to the page, and nothing that names a system."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from annotation import identity, querysets, rubrics
from annotation.models import Assignment, AssignmentState, Decision, Flag, Rubric, Slot, SlotState
from annotation.models import Response as ResponseRow
from evaltrack.accounts.models import User
from evaltrack.statements import Statement

# Of a longer campaign nobody sees the end, so its size says nothing.
LONGEST_COUNTDOWN = 500


@dataclass(frozen=True)
class Response:
    slot: int
    text: str
    format: str


@dataclass(frozen=True)
class Content:
    """What is to be judged in one assignment, blind."""

    assignment: UUID
    judgment_id: UUID
    lease_expires_at: dt.datetime
    prompt: str
    prompt_format: str
    responses: tuple[Response, ...]
    rubric: Rubric

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


@dataclass(frozen=True)
class Screen(Content):
    """The content with what the page shows around it: the place of the task, and what was typed so far."""

    is_shown: bool
    campaign_name: str
    details: rubrics.Details
    done: int
    total: int | None
    draft: dict[str, Any]
    draft_saved_at: dt.datetime | None

    @property
    def number(self) -> int:
        """The place of this task among those of the evaluator; one fetched ahead comes after the one shown."""
        return self.judged_before + 1

    @property
    def judged_before(self) -> int:
        """How many the evaluator will have judged when this task appears."""
        return self.done + (0 if self.is_shown else 1)


def content(assignment: Assignment) -> Content:
    """In one query, which costs the same however much is judged: it runs at every claim."""
    return Content(**content_fields(assignment))


def screen(assignment: Assignment) -> Screen:
    """All that a page needs, in two queries beside those that found the assignment."""
    campaign = assignment.campaign
    judged = (
        querysets.standing_judgments()
        .filter(evaluator=assignment.evaluator_id, campaign=campaign, task__excluded_at=None)
        .order_by()
        .values("campaign")
        .annotate(n=Count("pk"))
        .values("n")
    )
    done, draft, saved_at = (
        Assignment.objects.annotate(done=Coalesce(Subquery(judged), 0))
        .values_list("done", "draft__body", "draft__saved_at")
        .get(pk=assignment.pk)
    )
    return Screen(
        **content_fields(assignment),
        is_shown=assignment.state == AssignmentState.SHOWN,
        campaign_name=campaign.name,
        details=rubrics.of(campaign.rubric),
        done=done,
        total=campaign.task_count if campaign.task_count <= LONGEST_COUNTDOWN else None,
        draft=draft or {},
        draft_saved_at=saved_at,
    )


def content_fields(assignment: Assignment) -> dict[str, Any]:
    rows = responses_of(slot=assignment.slot_id)
    *_, prompt, prompt_format, first_on_slot_1, is_redacted = rows[0]
    if is_redacted:
        flags = redactions_of(assignment)
        rows = [(without(text, flags, ordinal), *rest) for ordinal, (text, *rest) in enumerate(rows)]
        prompt = without(prompt, flags, None)
    ordered = rows if first_on_slot_1 else rows[::-1]
    return {
        "assignment": assignment.public_id,
        "judgment_id": assignment.judgment_id,
        "lease_expires_at": assignment.lease_expires_at,
        "prompt": prompt,
        "prompt_format": prompt_format,
        "responses": tuple(Response(slot, row[0], row[1]) for slot, row in enumerate(ordered, start=1)),
        "rubric": assignment.campaign.rubric,
    }


@Statement
def responses_of(*, slot: int) -> QuerySet[ResponseRow, tuple]:
    rows = ResponseRow.objects.filter(task__slots=slot).order_by("ordinal")
    return rows.values_list(
        Coalesce("output__text", "text"),
        "format",
        "task__prompt",
        "task__prompt_format",
        "task__slots__first_on_slot_1",
        Exists(Flag.objects.filter(REDACTING, task=OuterRef("task"))),
    )


# Written in full, so that the partial index serves it.
REDACTING = Q(decision=Decision.REDACT)


def redactions_of(assignment: Assignment) -> list[tuple[int | None, int, int, str]]:
    """What is taken away, by the ordinal of the response, or None for the prompt."""
    flags = Flag.objects.filter(REDACTING, task=assignment.task_id)
    return list(flags.values_list("response__ordinal", "start", "end", "text"))


def without(text: str, flags: list[tuple[int | None, int, int, str]], ordinal: int | None) -> str:
    here = [flag for flag in flags if flag[0] == ordinal]
    if not here:
        return text
    return identity.redacted(text, [(start, end) for _, start, end, _ in here], [flag[3] for flag in here])


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
    free = querysets.left_for(evaluator, Slot.objects.filter(campaign=OuterRef("pk"), state=SlotState.OPEN))
    campaigns = (
        querysets.asking_campaigns()
        .annotate(mine=Coalesce(Subquery(judged), 0), waiting=Exists(free))
        .order_by("due_at", "pk")
    )
    return [dict(row) for row in campaigns.values("name", "due_at", "task_count", "mine", "waiting")]

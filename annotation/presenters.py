"""What an evaluator's screen may show: the only way from rows to the page, and nothing that names a system."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce

from annotation import querysets, revision, rubrics, turns
from annotation.blinding import guesses, redaction
from annotation.models import Assignment, AssignmentState, Campaign, Format, Rubric, Slot, SlotState
from annotation.onboarding import qualification
from annotation.shown import Attached, Response, Shown
from evaltrack import wording
from evaltrack.accounts.models import User

# Of a longer campaign nobody sees the end, so its size says nothing.
LONGEST_COUNTDOWN = 500


@dataclass(frozen=True)
class Reading:
    """What is read before one judges or settles, blind. `assignment` is the id of whatever it is read in."""

    assignment: UUID
    lease_expires_at: dt.datetime
    prompt: str
    prompt_format: str
    attached: Attached
    # Turns with which both responses begin.
    shared_turns: str
    responses: tuple[Response, ...]
    rubric: Rubric

    @property
    def context_anchor(self) -> str:
        return Shown(self.assignment).context_anchor

    @property
    def contexts_title(self) -> str:
        return {1: "Contexts", 2: "Contexts for both"}.get(len(self.responses), "Contexts for all")

    @property
    def slots(self) -> str:
        """A digit for each response."""
        return "".join(str(response.slot) for response in self.responses)

    def item_json(self) -> dict[str, Any]:
        return {
            "item": {
                "prompt": self.prompt,
                "prompt_format": self.prompt_format,
                **self.attached.as_json(),
                "responses": [each.as_json() for each in self.responses],
            },
            "rubric": {
                "name": str(self.rubric),
                "version": self.rubric.version,
                "protocol": self.rubric.protocol,
                "question": self.rubric.question,
                "guidance": self.rubric.guidance,
                **self.rubric.body,
            },
        }


@dataclass(frozen=True)
class Content(Reading):
    """What is to be judged in one assignment."""

    judgment_id: UUID
    # Whether one more question follows the answer.
    asks_guess: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "assignment": str(self.assignment),
            "lease_expires_at": self.lease_expires_at.isoformat(),
            **self.item_json(),
            "judgment_id": str(self.judgment_id),
            "asks_guess": self.asks_guess,
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
    # What is new in the rubric to this evaluator.
    changes: list[wording.Piece]

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
        # What is asked a second time has its number like the rest: one that did not move on would tell it.
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
        # Where some come twice, nobody knows how many there will be.
        total=campaign.task_count
        if campaign.task_count <= LONGEST_COUNTDOWN and not campaign.repeat_share
        else None,
        draft=draft or {},
        draft_saved_at=saved_at,
        changes=revision.changes_for(assignment),
    )


def content_fields(assignment: Assignment) -> dict[str, Any]:
    rows = redaction.responses_read(slot=assignment.slot_id, task=assignment.task_id)
    shown = Shown(assignment.public_id)
    return reading_fields(shown, rows, places=rows[0]["task__slots__places"]) | {
        "judgment_id": assignment.judgment_id,
        "lease_expires_at": assignment.lease_expires_at,
        "rubric": assignment.campaign.rubric,
        "asks_guess": guesses.are_asked(assignment.campaign, assignment.slot_id),
    }


def reading_fields(shown: Shown, rows: list[dict[str, Any]], *, places: str) -> dict[str, Any]:
    """The item of `rows`, which are those of `redaction.responses_read`, with its responses in their places."""
    task = rows[0]
    ordered = [rows[int(ordinal)] for ordinal in places]
    attached = shown.attached(task["task__contexts"], task["task__media"])
    shared, rest = split_turns(ordered)
    return {
        "assignment": shown.assignment,
        "prompt": task["task__prompt"],
        "prompt_format": task["task__prompt_format"],
        "attached": attached,
        "shared_turns": shared,
        "responses": tuple(
            Response(
                **vars(shown.attached(row["contexts"], row["media"])),
                slot=slot,
                text=row["words"],
                format=row["format"],
                continuation=continuation,
                anchors=shown.anchors(slot, own=len(row["contexts"]), shared=len(attached.contexts)),
            )
            for slot, (row, continuation) in enumerate(zip(ordered, rest, strict=True), start=1)
        ),
    }


def split_turns(ordered: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """What all responses begin with, where they are conversations, and how each goes on."""
    words = [row["words"] for row in ordered]
    return turns.split(words) if all(row["format"] == Format.CHAT for row in ordered) else ("", words)


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
    given_out = Slot.objects.filter(
        querysets.not_kept_from(evaluator), campaign=OuterRef("pk"), state=SlotState.OPEN
    )
    free = querysets.left_for(evaluator, given_out)
    campaigns = (
        querysets.asking_campaigns()
        .annotate(
            mine=Coalesce(Subquery(judged), 0),
            waiting=Exists(free),
            is_open=Exists(Campaign.objects.filter(querysets.open_to(evaluator), pk=OuterRef("pk"))),
        )
        .select_related("course")
        .prefetch_related("skills")
        .order_by("due_at", "pk")
    )
    lacking = qualification.missing_of(evaluator, campaigns)
    return [
        {
            "name": row.name,
            "due_at": row.due_at,
            "mine": row.mine,
            "waiting": row.waiting,
            "needs": qualification.in_words(row, lacking[row.pk])
            or ("" if row.is_open else f"the course {row.course}"),
        }
        for row in campaigns
    ]

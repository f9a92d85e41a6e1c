"""What an evaluator's screen may show: the only way from rows to the page, and nothing that names a system."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from annotation import querysets, rubrics, turns
from annotation.models import Assignment, AssignmentState, Format, Rubric, Slot, SlotState
from annotation.models import Response as ResponseRow
from evaltrack.accounts.models import User
from evaltrack.rendering.citations import Anchors

# Of a longer campaign nobody sees the end, so its size says nothing.
LONGEST_COUNTDOWN = 500


@dataclass(frozen=True)
class File:
    """A picture or a recording, at an address that only this assignment has."""

    kind: str
    url: str
    alt: str
    width: int
    height: int

    def as_json(self) -> dict[str, Any]:
        size = {"width": self.width, "height": self.height} if self.kind == "image" else {}
        return {self.kind: self.url, "alt": self.alt} | size


@dataclass(frozen=True)
class Context:
    """A retrieved passage under the number by which a response cites it."""

    number: int
    title: str
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"number": self.number, "title": self.title, "text": self.text}


@dataclass(frozen=True)
class Attached:
    """What comes with a prompt or a response besides its text."""

    contexts: tuple[Context, ...] = ()
    media: tuple[File, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "contexts": [each.as_json() for each in self.contexts],
            "media": [each.as_json() for each in self.media],
        }


@dataclass(frozen=True)
class Response(Attached):
    slot: int = 0
    text: str = ""
    format: str = ""
    # What of the text is drawn: of a conversation, only how it differs from the other one.
    continuation: str = ""
    anchors: Anchors = Anchors(0, "", "")

    def as_json(self) -> dict[str, Any]:
        return {"slot": self.slot, "text": self.text, "format": self.format} | super().as_json()


@dataclass(frozen=True)
class Content:
    """What is to be judged in one assignment, blind."""

    assignment: UUID
    judgment_id: UUID
    lease_expires_at: dt.datetime
    prompt: str
    prompt_format: str
    attached: Attached
    # Turns with which both responses begin.
    shared_turns: str
    responses: tuple[Response, ...]
    rubric: Rubric

    def as_json(self) -> dict[str, Any]:
        return {
            "assignment": str(self.assignment),
            "lease_expires_at": self.lease_expires_at.isoformat(),
            "item": {
                "prompt": self.prompt,
                "prompt_format": self.prompt_format,
                **self.attached.as_json(),
                "responses": [each.as_json() for each in self.responses],
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
    def context_anchor(self) -> str:
        return f"context-{self.assignment}"

    @property
    def number(self) -> int:
        """The place of this task among those of the evaluator; one fetched ahead comes after the one shown."""
        return self.done + (1 if self.is_shown else 2)


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
    rows = list(
        ResponseRow.objects.filter(task__slots=assignment.slot_id)
        .order_by("ordinal")
        .annotate(words=Coalesce("output__text", "text"))
        .values(
            "words",
            "format",
            "contexts",
            "media",
            "task__prompt",
            "task__prompt_format",
            "task__contexts",
            "task__media",
            "task__slots__first_on_slot_1",
        )
    )
    task = rows[0]
    ordered = rows if task["task__slots__first_on_slot_1"] else rows[::-1]
    addresses = Addresses(assignment)
    attached = attached_of(task["task__contexts"], task["task__media"], addresses)
    key = assignment.public_id
    shared, *rest = split_turns(ordered)
    return {
        "assignment": key,
        "judgment_id": assignment.judgment_id,
        "lease_expires_at": assignment.lease_expires_at,
        "prompt": task["task__prompt"],
        "prompt_format": task["task__prompt_format"],
        "attached": attached,
        "shared_turns": shared,
        "responses": tuple(
            Response(
                **vars(attached_of(row["contexts"], row["media"], addresses)),
                slot=slot,
                text=row["words"],
                format=row["format"],
                continuation=continuation,
                anchors=Anchors(
                    len(row["contexts"] or attached.contexts),
                    f"context-{slot}-{key}" if row["contexts"] else f"context-{key}",
                    f"citation-{slot}-{key}",
                ),
            )
            for slot, (row, continuation) in enumerate(zip(ordered, rest, strict=True), start=1)
        ),
        "rubric": assignment.campaign.rubric,
    }


class Addresses:
    """Where the files of an assignment are fetched, numbered as `media.in_order` has them."""

    def __init__(self, assignment: Assignment) -> None:
        self.assignment, self.given = assignment, 0

    def next(self) -> str:
        self.given += 1
        return reverse("assignment-media", args=[self.assignment.public_id, self.given])


def attached_of(contexts: list[dict], media: list[dict], addresses: Addresses) -> Attached:
    """Ids of contexts are for those who read the results; they may name what found the passage."""
    return Attached(
        contexts=tuple(
            Context(number, each.get("title", ""), each["text"]) for number, each in enumerate(contexts, 1)
        ),
        media=tuple(
            File(each["kind"], addresses.next(), each["alt"], each["width"], each["height"]) for each in media
        ),
    )


def split_turns(ordered: list[dict[str, Any]]) -> tuple[str, str, str]:
    one, two = (row["words"] for row in ordered)
    if all(row["format"] == Format.CHAT for row in ordered) and (found := turns.split(one, two)):
        return found
    return "", one, two


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

"""What of an item reaches who judges it, with the addresses and anchors that it has within one assignment, or within
the hearing of a conflict."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.urls import reverse

from evaltrack.rendering.citations import Anchors

NO_CONTEXTS = Anchors(count=0, passages="", citations="")


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
    anchors: Anchors = NO_CONTEXTS

    def as_json(self) -> dict[str, Any]:
        return {"slot": self.slot, "text": self.text, "format": self.format} | super().as_json()


class Shown:
    """One assignment or hearing, whose files are numbered as they are asked for: in the order of `media.in_order`."""

    def __init__(self, assignment: UUID, files: str = "assignment-media") -> None:
        self.assignment, self.files, self.files_at = assignment, 0, files

    def attached(self, contexts: list[dict], media: list[dict]) -> Attached:
        """Ids of contexts are for those who read the results; they may name what found the passage."""
        return Attached(
            contexts=tuple(
                Context(number, each.get("title", ""), each["text"])
                for number, each in enumerate(contexts, 1)
            ),
            media=tuple(
                File(each["kind"], self.address(), each["alt"], each["width"], each["height"])
                for each in media
            ),
        )

    def address(self) -> str:
        self.files += 1
        return reverse(self.files_at, args=[self.assignment, self.files])

    @property
    def context_anchor(self) -> str:
        return f"context-{self.assignment}"

    def anchors(self, slot: int, *, own: int, shared: int) -> Anchors:
        """Where the citations of a response lead: to what it retrieved itself, or to what both were given."""
        passages = f"context-{slot}-{self.assignment}" if own else self.context_anchor
        return Anchors(own or shared, passages, f"citation-{slot}-{self.assignment}")

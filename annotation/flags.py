"""What the lead reads of flags: each with the words around it, and how many others have the same text."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from annotation.blinding import gate, identity, release
from annotation.blinding.readable import Readable
from annotation.models import Campaign, Flag

AROUND = 80


@dataclass(frozen=True)
class Shown:
    """A flag in its place: the words before it, the name as it is written, the words after it."""

    flag: Flag
    # Where in the prompt or the response, as uploads name it; empty: in its text.
    path: str
    before: str
    name: str
    after: str

    @property
    def source(self) -> str | None:
        """The system whose response it is; None: the prompt."""
        return self.flag.response.source if self.flag.response else None

    def as_json(self) -> dict[str, Any]:
        return {
            "id": str(self.flag.public_id),
            "task": str(self.flag.task.public_id),
            "item": self.flag.task.item,
            "in": "prompt" if self.source is None else "response",
            "source": self.source,
            "path": self.path,
            "kind": self.flag.kind,
            "text": self.flag.text,
            "start": self.flag.start,
            "end": self.flag.end,
            "before": self.before,
            "name": self.name,
            "after": self.after,
        }


def shown(flag: Flag) -> Shown:
    row = flag.response
    readable = (
        gate.prompt_of(flag.task)
        if row is None
        else Readable(row.content, row.format, row.contexts, row.media)
    )
    path, words = readable.strings()[flag.part]
    # Half of a pair of surrogates, which JSON can hold behind an escape, could not be sent; it stays one code point.
    path, words = (each.encode(errors="replace").decode() for each in (path, words))
    return Shown(
        flag=flag,
        path=path,
        before=words[max(0, flag.start - AROUND) : flag.start],
        name=words[flag.start : flag.end][: identity.LONGEST_NAME],
        after=words[flag.end : flag.end + AROUND],
    )


def waiting(campaign: Campaign) -> QuerySet[Flag]:
    return release.undecided(campaign).select_related("task", "response__output")


def texts(campaign: Campaign) -> QuerySet[Flag, Any]:
    """What can be decided in bulk: each text once, the most frequent first."""
    grouped = release.undecided(campaign).order_by().values("text")
    return grouped.annotate(flags=Count("pk"), tasks=Count("task", distinct=True)).order_by("-flags", "text")

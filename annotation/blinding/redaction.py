"""What evaluators read in place of redacted text. Every way from a task's rows to them goes through here."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any, cast

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from annotation.blinding import identity
from annotation.blinding.readable import Readable
from annotation.models import Decision, Flag, FlagKind, Response, Slot, Task
from evaltrack.statements import Statement

# Written in full, so that the partial index serves it.
REDACTING = Q(decision=Decision.REDACT)
# Columns of `responses_of`: the text, its format, its contexts and its media.
PROMPT = ("task__prompt", "task__prompt_format", "task__contexts", "task__media")
RESPONSE = ("words", "format", "contexts", "media")


@dataclass(frozen=True)
class Redaction:
    """A flag's place, and the name that is taken away wherever it stands in the same prompt or response."""

    part: int
    start: int
    end: int
    text: str
    kind: str


def of_task(task_id: int) -> dict[int | None, list[Redaction]]:
    """By the ordinal of the response; None: of the prompt."""
    return grouped(Flag.objects.filter(REDACTING, task=task_id), "response__ordinal")


def prompts_of(task_ids: Iterable[int]) -> dict[int, str]:
    """The prompts of those tasks in which something is redacted, as evaluators read them."""
    found = grouped(Flag.objects.filter(REDACTING, task__in=task_ids, response=None), "task")
    return {
        task.pk: without(Readable(task.prompt, task.prompt_format), found[task.pk]).text
        for task in Task.objects.filter(pk__in=found)
    }


def grouped(flags: QuerySet[Flag], by: str) -> dict[Any, list[Redaction]]:
    found: dict[Any, list[Redaction]] = defaultdict(list)
    rows: Iterable[tuple[Any, ...]] = flags.values_list(by, "part", "start", "end", "text", "kind")
    for key, *place in rows:
        found[key].append(Redaction(*place))
    return found


def responses_read(*, slot: int, task: int) -> list[dict[str, Any]]:
    """The responses of the slot's task by their ordinals, each with the prompt, as evaluators read them."""
    rows = list(responses_of(slot=slot))
    return applied(rows, task=task) if rows[0]["is_redacted"] else rows


def of_task_read(task: int) -> list[dict[str, Any]]:
    """The same of a task, whichever of its slots it is about: where its responses stand, the caller knows."""
    slot = Slot.objects.filter(task=task).order_by("ordinal").values_list("pk", flat=True)[0]
    return responses_read(slot=slot, task=task)


def text_read(task: int) -> str:
    """The text of a task's only response."""
    return str(of_task_read(task)[0]["words"])


@Statement
def responses_of(*, slot: int) -> QuerySet[Response, dict[str, Any]]:
    rows = Response.objects.filter(task__slots=slot).order_by("ordinal")
    asked = rows.annotate(words=Coalesce("output__text", "text")).values(
        *RESPONSE,
        *PROMPT,
        "task__slots__places",
        is_redacted=Exists(Flag.objects.filter(REDACTING, task=OuterRef("task"))),
    )
    return cast("QuerySet[Response, dict[str, Any]]", asked)


def applied(rows: list[dict[str, Any]], *, task: int) -> list[dict[str, Any]]:
    """Rows of `responses_of`, in the order of their ordinals."""
    redactions = of_task(task)
    return [
        row | changed(row, PROMPT, redactions[None]) | changed(row, RESPONSE, redactions[ordinal])
        for ordinal, row in enumerate(rows)
    ]


def changed(row: dict[str, Any], columns: tuple[str, ...], redactions: list[Redaction]) -> dict[str, Any]:
    left = without(Readable(*(row[column] for column in columns)), redactions)
    return dict(zip(columns, (left.text, left.format, left.contexts, left.media), strict=True))


def without(readable: Readable, redactions: list[Redaction]) -> Readable:
    if not redactions:
        return readable
    names = [each.text for each in redactions if each.kind != FlagKind.REST]
    # More names than are told apart: from there on nothing is left.
    rest = min((each.part for each in redactions if each.kind == FlagKind.REST), default=None)
    parts = count()

    def change(_: str, words: str) -> str:
        part = next(parts)
        if rest is not None and part > rest:
            return identity.REDACTED
        spans = [(each.start, each.end) for each in redactions if each.part == part]
        return identity.redacted(words, spans, names)

    return readable.changed(change)

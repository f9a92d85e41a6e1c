"""A campaign's tasks to take along: as items of ours, or for Label Studio with configuration and key."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from annotation import policies, rubrics
from annotation.blinding import exported, redaction
from annotation.exports.files import File
from annotation.exports.records import chunks
from annotation.formats import label_studio_config
from annotation.formats.label_studio import REFERENCE
from annotation.models import Campaign, Flag, Gold, Protocol, Response, Task
from annotation.protocols import rules_of
from annotation.protocols.pairwise import RESPONSES
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, refuse_if

FORMATS = ("ndjson", "label_studio")
PARTS = ("tasks", "config", "key")


def opened(campaign: Campaign, *, format: str, part: str = "tasks", by: User) -> File:
    """The tasks of a stand-alone campaign, or of Label Studio's format the configuration or the key."""
    refuse_if(policies.handing_out(by))
    if format not in FORMATS:
        raise Invalid(
            "bad_format", "`format` is ndjson or label_studio.", {"format": ["is ndjson or label_studio"]}
        )
    if part not in PARTS:
        raise Invalid("bad_part", "`part` is tasks, config or key.", {"part": ["is tasks, config or key"]})
    if campaign.experiment_id:
        raise Conflict(
            "not_stand_alone",
            "This campaign's items are examples of a dataset; take them from there. What is judged elsewhere is no "
            "evidence of an experiment.",
        )
    name = f"tasks-{campaign.public_id}"
    if format == "ndjson":
        if part != "tasks":
            raise Invalid("bad_part", "Only Label Studio's format has further parts.", {"part": ["is tasks"]})
        return File(f"{name}.ndjson", "application/x-ndjson", items(campaign))
    if part == "config":
        return File(
            f"label-studio-{campaign.public_id}.xml", "application/xml; charset=utf-8", config(campaign)
        )
    if part == "key":
        return File(f"key-{campaign.public_id}.jsonl", "application/x-ndjson", key(campaign))
    refuse_media(campaign)
    return File(f"label-studio-{campaign.public_id}.json", "application/json", for_label_studio(campaign))


# ── Items, as they can be added to another campaign ──────────────────────────────────────────────────


def items(campaign: Campaign) -> Iterator[str]:
    """Every task that is not excluded, in the order in which they were added, as a line that can be added again."""
    digests = dict(campaign.media.values_list("blob", "digest"))
    for chunk in chunks(campaign.tasks.filter(excluded_at=None)):
        tasks = list(chunk)
        gold = Gold.objects.in_bulk([task.pk for task in tasks], field_name="task_id")
        answers = responses_by_task(tasks)
        yield as_lines(item(task, answers[task.pk], gold.get(task.pk), digests) for task in tasks)


def item(task: Task, responses: list[Response], gold: Gold | None, digests: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "item": task.item,
        "prompt": task.prompt,
        "prompt_format": task.prompt_format,
        "responses": [
            {"source": each.source, "text": each.content, "format": each.format} | attached(each, digests)
            for each in responses
        ],
    } | attached(task, digests)
    if task.stratum:
        row["stratum"] = task.stratum
    if gold:
        # Places of the line, as the ordinals are those of its responses.
        place = RESPONSES.index(gold.choice) + 1 if gold.choice in RESPONSES else gold.choice
        row["gold"] = {"preference": place, "why": gold.why}
    return row


def attached(row: Task | Response, digests: dict[str, str]) -> dict[str, Any]:
    media = [
        {each["kind"]: f"sha256:{digests[each['blob']]}"} | ({"alt": each["alt"]} if each["alt"] else {})
        for each in row.media
    ]
    return ({"contexts": row.contexts} if row.contexts else {}) | ({"media": media} if media else {})


def responses_by_task(tasks: list[Task]) -> dict[int, list[Response]]:
    found: dict[int, list[Response]] = defaultdict(list)
    rows = Response.objects.filter(task__in=tasks).select_related("output").order_by("task_id", "ordinal")
    for response in rows:
        found[response.task_id].append(response)
    return found


# ── Label Studio ─────────────────────────────────────────────────────────────────────────────────────


def shown_to_people(campaign: Campaign) -> QuerySet[Task]:
    """Tasks that anybody may be given: not left out, not held for the lead's check, and no gold, of which the answer
    is known."""
    held = Flag.objects.filter(task=OuterRef("pk"), decision="")
    return campaign.tasks.filter(~Exists(held), excluded_at=None, gold=None)


def refuse_media(campaign: Campaign) -> None:
    with_media = campaign.tasks.exclude(media=[]).exists()
    if with_media or Response.objects.filter(task__campaign=campaign).exclude(media=[]).exists():
        raise Conflict(
            "holds_media",
            "Items of this campaign show pictures or recordings, which have no address that another tool could open; "
            "only text can be exported.",
        )


def for_label_studio(campaign: Campaign) -> Iterator[str]:
    """An array with a task for each of ours, and nothing that says which system is which."""
    before = "[\n"
    for chunk in chunks(shown_to_people(campaign)):
        lines = [json.dumps({"data": data}, ensure_ascii=False) for data in datas(campaign, list(chunk))]
        if lines:
            yield before + ",\n".join(lines)
            before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def datas(campaign: Campaign, tasks: list[Task]) -> Iterator[dict[str, Any]]:
    rows = defaultdict(list)
    # As the screen reads them, see `redaction.responses_of`.
    redacted = Flag.objects.filter(redaction.REDACTING, task=OuterRef("task"))
    found = Response.objects.filter(task__in=tasks).order_by("task_id", "ordinal")
    columns = (*redaction.RESPONSE, *redaction.PROMPT, "task_id", "is_redacted")
    for row in found.annotate(words=Coalesce("output__text", "text"), is_redacted=Exists(redacted)).values(
        *columns
    ):
        rows[row["task_id"]].append(row)
    for task in tasks:
        read = rows[task.pk]
        if read[0]["is_redacted"]:
            read = redaction.applied(read, task=task.pk)
        yield data(campaign, task, read)


def data(campaign: Campaign, task: Task, rows: list[dict[str, Any]]) -> dict[str, Any]:
    order = exported.order_of(campaign, task.key, len(rows))
    texts = [with_contexts(rows[ordinal]["words"], rows[ordinal]["contexts"]) for ordinal in order]
    shown: dict[str, Any] = {
        REFERENCE: str(task.public_id),
        "prompt": rows[0]["task__prompt"],
        "contexts": with_contexts("", rows[0]["task__contexts"]).strip(),
    }
    if campaign.protocol == Protocol.RANKING:
        return shown | {
            "responses": [
                {"id": f"response_{n}", "title": f"Response {n}", "body": text}
                for n, text in enumerate(texts, 1)
            ]
        }
    if len(texts) == 1:
        return shown | {"response": texts[0]}
    return shown | {f"response_{n}": text for n, text in enumerate(texts, 1)}


def with_contexts(text: str, contexts: list[dict[str, str]]) -> str:
    """A text with the passages that it may cite, numbered. They stand behind it, so that positions in it hold."""
    passages = [
        "\n".join(filter(None, (f"[{n}] {each.get('title', '')}".rstrip(), each["text"])))
        for n, each in enumerate(contexts, start=1)
    ]
    return "\n\n".join([text, *passages]) if passages else text


def config(campaign: Campaign) -> Iterator[str]:
    rubric = campaign.rubric
    yield label_studio_config.config(
        rubric.question,
        rubric.guidance,
        rubrics.of(rubric),
        rules_of(campaign.protocol),
        with_contexts=campaign.tasks.exclude(contexts=[]).exists(),
    )


def key(campaign: Campaign) -> Iterator[str]:
    """For the lead alone: which item each task is, and which systems stand in its places."""
    for chunk in chunks(shown_to_people(campaign)):
        tasks = list(chunk)
        answers = responses_by_task(tasks)
        yield as_lines(
            {
                REFERENCE: str(task.public_id),
                "item": task.item,
                "systems": [
                    answers[task.pk][ordinal].source
                    for ordinal in exported.order_of(campaign, task.key, len(answers[task.pk]))
                ],
            }
            for task in tasks
        )


def as_lines(rows: Iterator[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

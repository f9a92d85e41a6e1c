"""An export as a file: JSON lines, CSV, or NDJSON that another campaign imports. Streamed, whatever its length."""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import datasets.policies
from annotation import overlap, policies, rubrics
from annotation.agreement import figures
from annotation.blinding.untold import Names
from annotation.exports import records
from annotation.models import Campaign, Protocol, Rubric
from annotation.protocols import rules_of
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, refuse_if
from evaltrack.tables import harmless
from experiments import proxies

SCHEMA = "evaltrack/export/1"
INCLUDES = ("campaign", "exclusions")
# By format: type of the content, and how the file's name ends.
FORMATS = {
    "jsonl": ("application/x-ndjson", "jsonl"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "ndjson": ("application/x-ndjson", "ndjson"),
}
UNTOLD_SYSTEMS = (
    "Until the campaign is closed, systems are letters that are drawn anew for each task, items and tasks are "
    "digests, and what people wrote is left out: who knew how the systems fare could stop when they like it."
)


@dataclass(frozen=True)
class File:
    """`parts` are read while they are sent."""

    name: str
    content_type: str
    parts: Iterator[str]


def opened(
    campaign: Campaign, *, format: str, include: Iterable[str] = (), by: User, at: dt.datetime
) -> File:
    """The export of a campaign, its first part read already: what goes wrong then is an error and not half a file."""
    wanted = list(dict.fromkeys(include))
    refuse_if(policies.exporting(by))
    if format not in FORMATS:
        raise Invalid(
            "bad_format", "`format` is jsonl, csv or ndjson.", {"format": ["is jsonl, csv or ndjson"]}
        )
    if unknown := [each for each in wanted if each not in INCLUDES]:
        raise Invalid(
            "bad_include",
            f"{unknown[0]!r} cannot be included.",
            {"include": ["takes campaign and exclusions"]},
        )
    if wanted and format != "jsonl":
        raise Invalid("bad_include", "Only JSON lines include more.", {"include": ["is for format=jsonl"]})
    names = names_for(campaign, by=by)
    write = {"jsonl": json_lines, "csv": csv_rows, "ndjson": to_import}[format]
    parts = write(campaign, names, wanted, by=by, at=at)
    content_type, suffix = FORMATS[format]
    first = next(parts, "")
    return File(f"campaign-{campaign.public_id}.{suffix}", content_type, chain([first], parts))


def names_for(campaign: Campaign, *, by: User) -> Names:
    experiment = campaign.experiment
    sealed = experiment and datasets.policies.seeing_examples(by, experiment.dataset_version)
    return Names(
        campaign.seed,
        tells_systems=figures.may_be_told(campaign),
        tells_items=not sealed,
        is_single=rules_of(campaign.protocol).most == 1,
    )


def json_lines(
    campaign: Campaign, names: Names, include: list[str], *, by: User, at: dt.datetime
) -> Iterator[str]:
    if "campaign" in include:
        yield as_lines([about(campaign, names, by=by)], kind="campaign")
    if "exclusions" in include:
        for rows in records.exclusions(campaign, names):
            yield as_lines(rows, kind="exclusion")
    for rows in records.everything(campaign, names, at=at):
        yield as_lines(rows, kind="judgment")


def as_lines(rows: list[dict[str, Any]], *, kind: str) -> str:
    return "".join(json.dumps({"kind": kind, **row}, ensure_ascii=False) + "\n" for row in rows)


def proxy_evidence(campaign: Campaign) -> dict[str, Any]:
    """What is kept of the proxy that stood in last: what it said, how well it was known, and until when it held."""
    kept = proxies.newest(campaign.experiment) if campaign.experiment else None
    names = ("metric", "outcome", "cannot_pass", "validity", "missing_judgments", "expires_at")
    return {name: kept.body[name] for name in names if name in kept.body} if kept else {}


def about(campaign: Campaign, names: Names, *, by: User) -> dict[str, Any]:
    """What the judgments of a file have in common, and how many there are: a file that was cut off has fewer."""
    rubric = campaign.rubric
    elsewhere = campaign.imported_judgments.count() if campaign.experiment_id is None else 0
    return {
        "schema": SCHEMA,
        "id": str(campaign.public_id),
        "name": campaign.name,
        "protocol": campaign.protocol,
        "status": campaign.status,
        "experiment": campaign.experiment.public_id if campaign.experiment else None,
        "rubric": {
            "name": rubric.name,
            "version": rubric.version,
            "question": rubric.question,
            "guidance": rubric.guidance,
            **rubric.body,
        },
        "overlap": overlap.in_words(campaign),
        "simulated": campaign.is_simulated,
        "proxy": {
            "stood_in_at": records.as_text(campaign.unblocked_at),
            "reason": campaign.unblocking_reason,
            **proxy_evidence(campaign),
        }
        if campaign.unblocked_at
        else None,
        "opened_at": records.as_text(campaign.opened_at),
        "closed_at": records.as_text(campaign.closed_at),
        "systems_told": names.tells_systems,
        "items_told": not names.hides_words,
        "untold_because": untold(campaign, names, by=by),
        "judgments": campaign.judgments.count(),
        "imported_judgments": elsewhere,
    }


def untold(campaign: Campaign, names: Names, *, by: User) -> str | None:
    """Why something is kept back, in words; None where nothing is."""
    if not names.tells_systems:
        return UNTOLD_SYSTEMS
    if not names.tells_items and campaign.experiment:
        refusal = datasets.policies.seeing_examples(by, campaign.experiment.dataset_version)
        return refusal.reason if refusal else None
    return None


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────


def csv_rows(
    campaign: Campaign, names: Names, include: list[str], *, by: User, at: dt.datetime
) -> Iterator[str]:
    """A row for each judgment; a value that a spreadsheet would take for a formula begins with an apostrophe."""
    slots = [f"slot_{place}" for place in range(1, rules_of(campaign.protocol).most + 1)]
    criteria = criteria_of(campaign)
    columns = columns_of(slots, criteria)
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", extrasaction="ignore", lineterminator="\r\n")
    # A criterion is named by whoever wrote the rubric.
    writer.writerow({name: harmless(name) for name in columns})
    for rows in records.everything(campaign, names, at=at):
        writer.writerows({name: cell(value) for name, value in flat(row).items()} for row in rows)
        yield out.getvalue()
        out.seek(0)
        out.truncate()
    yield out.getvalue()


def columns_of(slots: list[str], criteria: list[str]) -> list[str]:
    return [
        "id", "campaign", "task", "item", "stratum", *slots, "preference", "preferred_slot", "strength", "rating",
        "ranking", "spans", *(f"answers.{each}" for each in criteria), "comment", "guess", "rubric", "evaluator",
        "state", "counts_in_statistics", "not_counted_because", "excluded_at", "exclusion_reason", "is_gold",
        "is_calibration", "is_repeat", "imported", "import", "line", "simulated", "proxy", "judged_at", "settled_at",
        "active_ms", "wall_ms",
    ]  # fmt: skip


def criteria_of(campaign: Campaign) -> list[str]:
    """Of every version of the rubric by which somebody may have judged."""
    versions = Rubric.objects.filter(name=campaign.rubric.name, version__lte=campaign.rubric.version)
    found = [each.id for version in versions.order_by("version") for each in rubrics.of(version).criteria]
    return list(dict.fromkeys(found))


def flat(row: dict[str, Any]) -> dict[str, Any]:
    slots = {f"slot_{place}": system for place, system in row["slots"].items()}
    return row | slots | {f"answers.{name}": said for name, said in row["answers"].items()}


def cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return harmless(value)


# ── For another campaign ─────────────────────────────────────────────────────────────────────────────


def to_import(
    campaign: Campaign, names: Names, include: list[str], *, by: User, at: dt.datetime
) -> Iterator[str]:
    """What counts in statistics, in the shape in which judgments made elsewhere are imported."""
    if campaign.protocol != Protocol.PAIRWISE:
        raise Conflict(
            "not_pairwise",
            f"Judgments are imported into campaigns that compare pairs; the protocol of this one is "
            f"{campaign.protocol}. Take JSON lines.",
        )
    if names.hides_words:
        raise Conflict(
            "not_told_yet", f"This cannot be imported elsewhere yet. {untold(campaign, names, by=by)}"
        )
    for rows in records.everything(campaign, names, at=at):
        counted = [as_import(row) for row in rows if row["counts_in_statistics"]]
        yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in counted)


def as_import(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "item": row["item"],
        "rater": row["evaluator"],
        "responses": [row["slots"]["1"], row["slots"]["2"]],
        "preference": row["preference"],
        **({"answers": row["answers"]} if row["answers"] else {}),
        **({"judged_at": row["judged_at"]} if row["judged_at"] else {}),
    }

"""Judgments as records: given here, and imported. Read in chunks of the primary key, so that memory does not grow."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from django.db.models import Count, Model, Q, QuerySet

from annotation import querysets
from annotation.blinding.sides import place_of
from annotation.blinding.untold import Names
from annotation.items import task_key
from annotation.models import Campaign, Choice, ImportedChoice, JudgmentState, Response
from annotation.models.judgment import STANDING

CHUNK = 2000
Row = TypeVar("Row", bound=Model)

RESPONSES = (Choice.FIRST.value, Choice.SECOND.value)
COLUMNS = (
    "public_id", "task_id", "task__public_id", "task__item", "task__key", "task__stratum", "task__is_calibration",
    "task__gold", "task__excluded_at", "task__exclusion_reason", "slot__ordinal", "places", "choice", "strength",
    "rating", "ranking", "spans", "answers", "comment", "guess__guess", "rubric__name", "rubric__version",
    "evaluator__pseudonym", "state", "is_repeat", "submitted_at", "settled_at", "active_ms", "wall_ms",
)  # fmt: skip
IMPORTED_COLUMNS = (
    "pk", "batch__public_id", "line", "rater__number", "item", "left__name", "right__name", "choice", "answers",
    "judged_at",
)  # fmt: skip


def chunks(rows: QuerySet[Row]) -> Iterator[QuerySet[Row]]:
    """The rows that are there now, in the order in which they came, as many queries as there are chunks.

    First the key at the end of each chunk is read: a LIMIT behind the last key would make PostgreSQL sort the whole
    campaign again for each chunk, and a cursor would stay open for as long as the reader takes.
    """
    keys = rows.order_by("pk").values_list("pk", flat=True)
    bounds = [key for number, key in enumerate(keys.iterator(), start=1) if number % CHUNK == 0]
    if last := rows.order_by("-pk").values_list("pk", flat=True).first():
        bounds.append(last)
    low = 0
    for high in dict.fromkeys(bounds):
        yield rows.filter(pk__gt=low, pk__lte=high).order_by("pk")
        low = high


def everything(campaign: Campaign, names: Names, *, at: dt.datetime) -> Iterator[list[dict[str, Any]]]:
    """Every judgment of a campaign, chunk by chunk: those given here, then those made elsewhere."""
    of_campaign = {
        "campaign": str(campaign.public_id),
        "simulated": campaign.is_simulated,
        "proxy": campaign.unblocked_at is not None,
    }
    limit = querysets.undo_limit(at)
    for chunk in chunks(campaign.judgments.all()):
        rows = list(chunk.values(*COLUMNS))
        sources = sources_of({row["task_id"] for row in rows})
        yield [
            of_campaign | record(row, sources[row["task_id"]], names, campaign.overlap, limit) for row in rows
        ]
    if campaign.experiment_id is None:
        for elsewhere in chunks(campaign.imported_judgments.all()):
            yield [of_campaign | imported(row, names) for row in elsewhere.values(*IMPORTED_COLUMNS)]


def sources_of(task_ids: Iterable[int]) -> Mapping[int, list[str]]:
    """Which systems gave the tasks' responses, by ordinal."""
    found: dict[int, list[str]] = defaultdict(list)
    rows = Response.objects.filter(task__in=task_ids).order_by("task_id", "ordinal")
    for task, source in rows.values_list("task_id", "source"):
        found[task].append(source)
    return found


def record(
    row: dict[str, Any], sources: list[str], names: Names, overlap: int, undo_limit: dt.datetime
) -> dict[str, Any]:
    called = names.systems(row["task__key"], sources)
    # By ordinal, as judgments name responses.
    systems = [called[source] for source in sources]
    said = dict(zip(RESPONSES, systems, strict=False))
    state, settled_at = row["state"], row["settled_at"]
    if state == JudgmentState.PROVISIONAL and row["submitted_at"] <= undo_limit:
        # Nobody can take it back any more, whether or not the sweep has written that down.
        state = JudgmentState.FINAL.value
    why_not = not_counted(row, state, overlap)
    return {
        "id": str(row["public_id"]),
        "task": names.task(row["task__public_id"]),
        "item": names.item(row["task__item"]),
        "stratum": names.stratum(row["task__stratum"]),
        "slots": {str(place): systems[int(each)] for place, each in enumerate(row["places"], start=1)},
        "preference": named(row["choice"], said),
        "preferred_slot": preferred_slot(row["choice"], row["places"]),
        "strength": row["strength"],
        "rating": row["rating"],
        "ranking": row["ranking"] and [[systems[each] for each in group] for group in row["ranking"]],
        "spans": spans_of(row["spans"], names),
        "answers": {name: named(each, said) for name, each in row["answers"].items()},
        "comment": None if names.hides_words else row["comment"],
        "guess": named(row["guess__guess"], said),
        "rubric": f"{row['rubric__name']} v{row['rubric__version']}",
        "evaluator": row["evaluator__pseudonym"],
        "state": state,
        "counts_in_statistics": why_not is None,
        "not_counted_because": why_not,
        "excluded_at": as_text(row["task__excluded_at"]),
        "exclusion_reason": None if names.hides_words else row["task__exclusion_reason"] or None,
        "is_gold": row["task__gold"] is not None,
        "is_calibration": row["task__is_calibration"],
        "is_repeat": row["is_repeat"],
        "imported": False,
        "import": None,
        "line": None,
        "judged_at": as_text(row["submitted_at"]),
        "settled_at": as_text(settled_at),
        "active_ms": row["active_ms"],
        "wall_ms": row["wall_ms"],
    }


def not_counted(row: Mapping[str, Any], state: str, overlap: int) -> str | None:
    """Why a judgment is in no figure; None where it is. `querysets` and `agreement` say the same of rows."""
    if state != JudgmentState.FINAL:
        return state
    if row["task__gold"] is not None:
        return "gold"
    if row["task__excluded_at"] is not None:
        return "excluded"
    if row["is_repeat"]:
        return "repeat"
    return None if row["slot__ordinal"] < overlap else "beyond_overlap"


def named(choice: Any, said: Mapping[str, str]) -> Any:
    """The system that a choice names; what names none, as a tie or a point of a scale, as it is."""
    return said.get(choice, choice) if isinstance(choice, str) else choice


def preferred_slot(choice: str | None, places: str) -> int | None:
    return place_of(RESPONSES.index(choice), places) if choice in RESPONSES else None


def spans_of(spans: list[dict[str, Any]] | None, names: Names) -> list[dict[str, Any]] | None:
    if not spans or not names.hides_words:
        return spans
    return [{name: value for name, value in span.items() if name != "note"} for span in spans]


def imported(row: dict[str, Any], names: Names) -> dict[str, Any]:
    left, right = row["left__name"], row["right__name"]
    # Apart from those of the task: its letters could be looked up in the file that was imported.
    called = names.systems("imported-" + task_key(row["item"], (left, right)), (left, right))
    said = {ImportedChoice.LEFT.value: called[left], ImportedChoice.RIGHT.value: called[right]}
    slot = {ImportedChoice.LEFT.value: 1, ImportedChoice.RIGHT.value: 2}
    return {
        # Not by its line: of another tool's file many judgments of one task have the same, and often the same pair.
        "id": names.digest("imported", str(row["pk"]))[:32],
        "task": None,
        "item": names.item(row["item"]),
        "stratum": "",
        "slots": {"1": called[left], "2": called[right]},
        "preference": named(row["choice"], said),
        "preferred_slot": slot.get(row["choice"]),
        "strength": None,
        "rating": None,
        "ranking": None,
        "spans": None,
        "answers": {name: named(each, said) for name, each in row["answers"].items()},
        "comment": None,
        "guess": None,
        "rubric": None,
        "evaluator": f"imported-{row['rater__number']}",
        "state": JudgmentState.FINAL.value,
        "counts_in_statistics": True,
        "not_counted_because": None,
        "excluded_at": None,
        "exclusion_reason": None,
        "is_gold": False,
        "is_calibration": False,
        "is_repeat": False,
        "imported": True,
        "import": str(row["batch__public_id"]),
        "line": None if names.hides_words else row["line"],
        "judged_at": as_text(row["judged_at"]),
        "settled_at": None,
        "active_ms": None,
        "wall_ms": None,
    }


def exclusions(campaign: Campaign, names: Names) -> Iterator[list[dict[str, Any]]]:
    """Tasks that a lead left out, also those about which nobody had said anything."""
    standing = Count("judgments", filter=Q(judgments__state__in=STANDING, judgments__is_repeat=False))
    for chunk in chunks(campaign.tasks.exclude(excluded_at=None)):
        rows = chunk.annotate(given=standing).values(
            "public_id", "item", "stratum", "excluded_at", "exclusion_reason", "given"
        )
        yield [
            {
                "campaign": str(campaign.public_id),
                "task": names.task(row["public_id"]),
                "item": names.item(row["item"]),
                "stratum": names.stratum(row["stratum"]),
                "excluded_at": as_text(row["excluded_at"]),
                "exclusion_reason": None if names.hides_words else row["exclusion_reason"],
                "judgments": row["given"],
            }
            for row in rows
        ]


def as_text(at: dt.datetime | None) -> str | None:
    return at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z") if at else None

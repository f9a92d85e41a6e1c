"""The form in which a lead says what a campaign is to be, and the API's body: the one made of the other."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from annotation import rubric_text
from annotation.models import Rubric, Setup
from annotation.protocols import rules_of

# Fields of the API's body, by how they begin, and the field of the form that shows what is wrong with them.
PLACES = {
    "rubric.name": "rubric_name",
    "rubric.question": "question",
    "rubric.guidance": "guidance",
    "rubric.criteria": "criteria",
    "rubric.scale": "scale",
    "rubric.reasons": "reasons",
    "rubric": "guidance",
    "overlap.confidence": "confidence",
    "overlap.calibration_share": "calibration_share",
    "overlap.max": "overlap_max",
    "overlap.min": "overlap_min",
    "overlap": "overlap",
    "repeats.after_hours": "repeat_hours",
    "repeats": "repeat_share",
}
FIELDS = {
    "name": "Name",
    "rubric_name": "Name of the rubric",
    "question": "Question",
    "guidance": "Guidance",
    "criteria": "Criteria",
    "scale": "Scale",
    "reasons": "Reasons",
    "overlap": "Evaluators for each item",
    "overlap_min": "At least",
    "overlap_max": "At most",
    "confidence": "How sure",
    "calibration_share": "Calibration",
    "repeat_share": "Asked again",
    "repeat_hours": "Hours between",
    "skills": "Skills",
    "language": "Language",
    "requires_qualification": "Qualification",
    "sla": "SLA policy",
    "priority": "Priority",
    "due_at": "Due",
    "file": "File of items",
}


def newest_rubrics(protocol: str) -> list[Rubric]:
    """The newest version of each rubric of a protocol, by name."""
    found: dict[str, Rubric] = {}
    for rubric in Rubric.objects.filter(protocol=protocol).order_by("version"):
        found[rubric.name] = rubric
    return [found[name] for name in sorted(found)]


def whole_rubric(name: str, protocol: str) -> dict[str, Any]:
    """The newest version of this name as the API takes it, or what the protocol asks where nobody has said what."""
    # PostgreSQL is not asked for a NUL, which no name has.
    name = name.replace("\x00", "")
    row = Rubric.objects.filter(name=name, protocol=protocol).order_by("-version").first()
    if row is None:
        return dict(rules_of(protocol).default_rubric)
    return {**row.body, "name": row.name, "question": row.question, "guidance": row.guidance}


def rubric_fields(rubric: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "from_rubric": rubric["name"],
        "rubric_name": rubric["name"],
        "question": rubric["question"],
        "guidance": rubric["guidance"],
        **rubric_text.as_text(rubric),
    }


def fields_of(setup: Setup) -> dict[str, Any]:
    """What the form holds: what was said before, or the usual."""
    body = setup.body
    rule = body.get("overlap", 2)
    adaptive = rule if isinstance(rule, dict) else {}
    repeats = body.get("repeats")
    due_at = parse_datetime(body["due_at"]) if body.get("due_at") else None
    return {
        "name": body.get("name", ""),
        **rubric_fields(body.get("rubric") or whole_rubric("", setup.protocol)),
        "overlap_kind": "adaptive" if adaptive else "fixed",
        "overlap": 2 if adaptive else rule,
        "overlap_min": adaptive.get("min", 2),
        "overlap_max": adaptive.get("max", 6),
        "confidence": percent(adaptive.get("confidence", 0.95)),
        "calibration_share": percent(adaptive.get("calibration_share", 0.1)),
        "repeat_share": percent(repeats["share"]) if repeats else "",
        "repeat_hours": repeats["after_hours"] if repeats else 48,
        "skills": body.get("skills", []),
        "language": body.get("language", ""),
        "requires_qualification": body.get("requires_qualification", False),
        "sla": body.get("sla", ""),
        "priority": body.get("priority", "normal"),
        "due_at": f"{due_at:%Y-%m-%dT%H:%M}" if due_at else "",
    }


def typed(form: QueryDict) -> dict[str, Any]:
    """The same, as it was sent: to be shown again where something is wrong."""
    names = (*FIELDS, "from_rubric", "overlap_kind")
    return {name: form.get(name, "") for name in names} | {
        "skills": form.getlist("skills"),
        "requires_qualification": "requires_qualification" in form,
    }


def body_of(given: Mapping[str, Any], protocol: str) -> dict[str, Any]:
    """The API's body. What the form does not show of the rubric it began with stays as it was."""
    before = whole_rubric(given["from_rubric"], protocol)
    scale = rubric_text.scale_of(given["scale"])
    rubric = {
        **before,
        "name": given["rubric_name"].strip(),
        "question": " ".join(given["question"].split()),
        "guidance": given["guidance"].replace("\r\n", "\n").strip(),
        "criteria": rubric_text.criteria_of(
            given["criteria"], before=before.get("criteria", ()), scale=scale
        ),
        "reasons": rubric_text.reasons_of(given["reasons"], before=before.get("reasons", ())),
        "scale": scale,
    }
    overlap: Any = number(given["overlap"])
    if given["overlap_kind"] == "adaptive":
        overlap = {
            "min": number(given["overlap_min"]),
            "max": number(given["overlap_max"]),
            "confidence": share(given["confidence"]),
            "calibration_share": share(given["calibration_share"]),
        }
    return {
        "name": given["name"].strip(),
        "protocol": protocol,
        "rubric": {name: value for name, value in rubric.items() if value},
        "overlap": overlap,
        "repeats": {"share": share(given["repeat_share"]), "after_hours": number(given["repeat_hours"])}
        if given["repeat_share"].strip() not in {"", "0"}
        else None,
        "skills": given["skills"],
        "language": given["language"].strip(),
        "requires_qualification": given["requires_qualification"],
        "sla": given["sla"],
        "priority": given["priority"],
        "due_at": due_time(given["due_at"]),
    }


def number(text: str) -> int | str:
    """As typed, where it is none: the API's check says so."""
    return int(text) if text.strip().isdecimal() and len(text) < 10 else text


def share(text: str) -> float | str:
    try:
        return float(text.strip().removesuffix("%").replace(",", ".")) / 100
    except ValueError:
        return text


def percent(share: float) -> str:
    return f"{100 * share:g}"


def due_time(text: str) -> str | None:
    """A time without a zone is UTC, as all times here."""
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).isoformat() if text else None
    except ValueError:
        return text


def problems_of(fields: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Sentences by the form's fields, from those by the API's."""
    found: dict[str, list[str]] = {}
    for path, sentences in fields.items():
        place = next((PLACES[each] for each in PLACES if path.startswith(each)), path.partition(".")[0])
        found.setdefault(place if place in FIELDS else "name", []).extend(sentences)
    return found

"""Pure: what is wrong in a response, and where."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from annotation.answers import Answer, Said
from annotation.protocols.rules import Rules, unfit, whole_number, wrong
from annotation.rubrics import SEVERITIES, Details
from evaltrack.errors import Invalid

MOST_SPANS = 100
LONGEST_NOTE = 1000
# Half a character, which no database keeps.
SURROGATE = re.compile("[\ud800-\udfff]")
FIELDS = {"start", "end", "reason", "severity", "note"}


class Spans(Rules):
    """Spans are half-open ranges of Unicode code points of the stored text; an empty list says: no error found."""

    name = "spans"
    headline = "spans"
    fewest = most = 1
    # Less than half of what is marked is marked by both.
    least_alike = 0.5
    takes_chats = False  # turns have no positions in common with what is stored
    details = frozenset({"reasons"})
    default_rubric = {
        "name": "errors",
        "question": "What is wrong in this response?",
        "guidance": (
            "Read the request, then the response. Mark each error where it stands, as short as it can be named, "
            "and say what kind it is. Mark nothing that is merely a matter of taste. Where you find no error, "
            "say so: that is an answer too."
        ),
        "reasons": [
            {"id": "wrong", "label": "Wrong: it is not true"},
            {"id": "unsupported", "label": "Unsupported: nothing given backs it"},
            {"id": "off-topic", "label": "Beside the question"},
            {"id": "unclear", "label": "Unclear or badly put"},
            {"id": "harmful", "label": "Harmful", "severity": "critical"},
        ],
    }

    def check_rubric(self, rubric: Mapping[str, Any]) -> None:
        super().check_rubric(rubric)
        if not rubric.get("reasons"):
            raise unfit("reasons", "are missing; a span is marked with one of them")

    def said(self, answer: Answer, *, details: Details, places: str, text: Callable[[], str]) -> Said:
        given = answer.spans
        if not isinstance(given, list):
            raise wrong("spans", "is a list; an empty one says that there is no error")
        if len(given) > MOST_SPANS:
            raise wrong("spans", f"takes up to {MOST_SPANS} spans")
        length = len(text())
        spans = [
            span_of(row, details, length=length, within=f"spans.{place}") for place, row in enumerate(given)
        ]
        seen = set()
        for place, span in enumerate(spans):
            marked = (span["start"], span["end"], span["reason"])
            if marked in seen:
                raise located(f"spans.{place}", "is there already, with the same reason")
            seen.add(marked)
        return Said(spans=sorted(spans, key=lambda span: (span["start"], span["end"], span["reason"])))

    def shown(self, judgment: Any) -> dict[str, Any]:
        return {"spans": judgment.spans}

    def in_words(self, judgment: Any) -> str:
        count = len(judgment.spans)
        return f"{count} error{'' if count == 1 else 's'} marked" if count else "No error found"

    def alike(self, one: Any, other: Any, details: Details) -> float:
        """Of the characters that the two marked, which share both did (Dice); 1 where neither found an error. Which
        kind of error it is, is not compared."""
        marked = [marked_in(each.spans) for each in (one, other)]
        size = sum(map(len, marked))
        return 2 * len(marked[0] & marked[1]) / size if size else 1.0

    def proved(self, judgment: Any) -> dict[str, Any]:
        """Without the notes: what somebody wrote in their own words may have to be erased."""
        return {
            "spans": [{k: v for k, v in span.items() if k != "note"} for span in judgment.spans],
        }


def span_of(row: Any, details: Details, *, length: int, within: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise located(within, "is an object with start, end and reason")
    if unknown := sorted(set(row) - FIELDS):
        raise located(within, f"holds {unknown[0]!r}; known are {', '.join(sorted(FIELDS))}")
    start: Any = row.get("start")
    end: Any = row.get("end")
    if not whole_number(start) or not 0 <= start < length:
        raise located(
            f"{within}.start", f"is a whole number from 0, less than the text's {length} characters"
        )
    if not whole_number(end) or not start < end <= length:
        raise located(f"{within}.end", f"is a whole number, more than start and at most {length}")
    reason = next((each for each in details.reasons if each.id == row.get("reason")), None)
    if reason is None:
        known = ", ".join(each.id for each in details.reasons)
        raise located(f"{within}.reason", f"is one of {known}")
    span: dict[str, Any] = {"start": start, "end": end, "reason": reason.id}
    # How severe such an error usually is, the rubric may say; the evaluator may say otherwise.
    severity = row.get("severity") or reason.severity
    if severity and severity not in SEVERITIES:
        raise located(f"{within}.severity", f"is one of {', '.join(SEVERITIES)}")
    note = row.get("note") or ""
    if not isinstance(note, str) or len(note) > LONGEST_NOTE or SURROGATE.search(note):
        raise located(f"{within}.note", f"is text of up to {LONGEST_NOTE} characters")
    if severity:
        span["severity"] = severity
    if note := note.replace("\x00", "").strip():
        span["note"] = note
    return span


def located(field: str, sentence: str) -> Invalid:
    return Invalid("incomplete_answer", f"{field}: {sentence}.", {field: [sentence]})


def marked_in(spans: Sequence[Mapping[str, Any]]) -> set[int]:
    return {place for span in spans for place in range(span["start"], span["end"])}

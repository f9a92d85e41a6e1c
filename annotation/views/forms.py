"""How an answer stands in the form of the judging screen, where every field is text. For use without scripts."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from annotation import presenters
from annotation.answers import Answer
from annotation.protocols.spans import SURROGATE
from annotation.rubrics import MOST_POINTS, SEVERITIES, Details
from annotation.settling import heard
from evaltrack.errors import Invalid

AnyScreen = presenters.Screen | heard.Screen

# Before the name of a criterion, and before the place of a response.
ANSWER, RANK = "answer-", "rank-"
# In the order in which they stand on the screen and on the keys 1 to 4.
CHOICES = [("1", "1 is better"), ("2", "2 is better"), ("tie", "Tie"), ("both_bad", "Both bad")]
WHERE = ("quote", "start", "end")
PLAIN = ("preference", "rating", "strength", "comment")
# What is said where the main answer is missing.
MISSING = {
    "pairwise": "Choose one of the four answers first.",
    "rating": "Choose a point of the scale first.",
    "ranking": "Give every response a rank first.",
    "spans": "Mark what is wrong, or say that you found no error.",
}


def answer_of(form: Mapping[str, str], protocol: str) -> Answer:
    answers: dict[str, Any] = {
        name.removeprefix(ANSWER): form[name] for name in form if name.startswith(ANSWER)
    }
    if protocol == "rating":
        answers = {name: point(given) for name, given in answers.items()}
    headline = HEADLINES[protocol](form)
    if headline is None:
        raise Invalid("no_answer", MISSING[protocol])
    said = {"pairwise": "preference"}.get(protocol, protocol)
    return Answer(
        **{said: headline},
        strength=whole_number(form.get("strength", "")),
        answers=answers,
        comment=form.get("comment", ""),
        rubric_version=whole_number(form.get("rubric_version", "")),
        active_ms=whole_number(form.get("active_ms", "")),
    )


def point(text: str) -> int | None:
    return whole_number(text) if text else None


def ranking_of(form: Mapping[str, str]) -> list[list[int]] | None:
    """Places by their ranks; whatever numbers these are, only their order counts."""
    groups: dict[int, list[int]] = defaultdict(list)
    for name in form:
        place = whole_number(name.removeprefix(RANK)) if name.startswith(RANK) else None
        if place is None:
            continue
        rank = whole_number(form[name])
        if rank is None:
            return None
        groups[rank].append(place)
    return [sorted(groups[rank]) for rank in sorted(groups)] or None


def spans_of(form: Mapping[str, str]) -> list[Any] | None:
    spans = marked(form)
    if spans and form.get("no_error"):
        raise Invalid("no_answer", "You marked errors and said that there is none: take one of them back.")
    return spans if spans or form.get("no_error") else None


def marked(form: Mapping[str, str]) -> list[Any]:
    """The spans so far, which the form carries along."""
    try:
        spans = json.loads(form.get("spans") or "[]")
    except (ValueError, RecursionError):
        spans = []
    return spans if isinstance(spans, list) else []


HEADLINES: dict[str, Any] = {
    "pairwise": lambda form: form.get("preference") or None,
    "rating": lambda form: point(form.get("rating", "")),
    "ranking": ranking_of,
    "spans": spans_of,
}


# ── Marking without scripts ──────────────────────────────────────────────────────────────────────────


def is_marking(form: Mapping[str, str]) -> bool:
    """Whether the form asks to mark something, and not to be sent. Enter does, where there is something to mark."""
    by_enter = form.get("mark") == "by-enter"
    return "unmark" in form or ("mark" in form and not by_enter) or (by_enter and any(map(form.get, WHERE)))


def with_marking(form: Mapping[str, str], text: str) -> dict[str, str]:
    """The form after a span was added or taken away, or what is wrong with the one to be added."""
    spans = marked(form)
    if "unmark" in form:
        gone = whole_number(form["unmark"])
        spans = [span for number, span in enumerate(spans) if number != gone]
        return {**dict(form.items()), "spans": json.dumps(spans)}
    start, end = found(form, text)
    span: dict[str, Any] = {"start": start, "end": end, "reason": form.get("reason", "")}
    span |= {name: form[name] for name in ("severity", "note") if form.get(name)}
    if not span["reason"]:
        raise Invalid("no_reason", "Say what is wrong there: choose a reason.")
    cleared = dict.fromkeys(("quote", "nth", "start", "end", "reason", "severity", "note", "no_error"), "")
    return {**dict(form.items()), **cleared, "spans": json.dumps([*spans, span])}


def found(form: Mapping[str, str], text: str) -> tuple[int, int]:
    """Where the quoted words stand, or the two numbers that were given."""
    quote = form.get("quote", "")
    if not quote:
        start, end = whole_number(form.get("start", "")), whole_number(form.get("end", ""))
        if start is None or end is None or not start < end <= len(text):
            raise Invalid(
                "no_span", f"Quote the words that are wrong, or say from where to where, 0 to {len(text)}."
            )
        return start, end
    nth = whole_number(form.get("nth", "")) or 1
    start = -1
    for times in range(nth):
        start = text.find(quote, start + 1)
        if start < 0:
            where = f"only {times} time{'' if times == 1 else 's'}" if times else "nowhere"
            raise Invalid("no_span", f"These words stand {where} in the response; copy them exactly.")
    return start, start + len(quote)


# ── What is filled in ────────────────────────────────────────────────────────────────────────────────


def drafted(draft: Mapping[str, Any]) -> dict[str, str]:
    """A draft in the shape of the form; it came from a browser, so it may hold anything."""
    fields = {name: draft[name] for name in PLAIN if draft.get(name)}
    if isinstance(answers := draft.get("answers"), dict):
        fields |= {ANSWER + str(name): choice for name, choice in answers.items()}
    if isinstance(ranking := draft.get("ranking"), list):
        for rank, group in enumerate(ranking, start=1):
            fields |= {f"{RANK}{place}": rank for place in (group if isinstance(group, list) else ())}
    if isinstance(spans := draft.get("spans"), list):
        fields |= {"spans": json.dumps(spans), "no_error": "" if spans else "1"}
    return {name: str(value) for name, value in fields.items()}


def context(screen: AnyScreen, given: Mapping[str, str]) -> dict[str, Any]:
    """What the protocol's part of the form shows, filled in."""
    details = screen.details
    shown: dict[str, Any] = {
        "given": {name: given.get(name, "") for name in PLAIN},
        "criteria": [(each, given.get(ANSWER + each.id, "")) for each in details.criteria],
    }
    protocol = screen.rubric.protocol
    if protocol == "pairwise":
        return shown | {"choices": CHOICES}
    if protocol == "rating":
        return shown | {"rows": rating_rows(screen, given)}
    if protocol == "ranking":
        numbers = range(1, len(screen.responses) + 1)
        return shown | {"ranks": [(n, given.get(f"{RANK}{n}", "")) for n in numbers], "numbers": numbers}
    text = screen.responses[0].text
    new = {
        name: given.get(name, "") for name in ("quote", "nth", "start", "end", "reason", "severity", "note")
    }
    return shown | {
        "spans": [
            row | {"number": number}
            for number, span in enumerate(marked(given))
            if (row := described(span, details, text))
        ],
        "spans_json": json.dumps(marked(given)),
        "no_error": given.get("no_error", ""),
        "severities": SEVERITIES,
        "length": len(text),
        "new": new,
    }


def rating_rows(screen: AnyScreen, given: Mapping[str, str]) -> list[dict[str, Any]]:
    """The main question and the criteria, each with its scale and what is chosen on it."""
    questions = [("rating", "", "Your rating", screen.details.scale)] + [
        (ANSWER + each.id, each.id, each.question, each.scale) for each in screen.details.criteria
    ]
    return [
        {
            "name": name,
            "criterion": criterion,
            "question": question,
            "points": [
                {"value": str(n), "anchor": anchor, "key": str(n % MOST_POINTS)}
                for n, anchor in enumerate(scale, start=1)
            ],
            "chosen": given.get(name, ""),
        }
        for name, criterion, question, scale in questions
    ]


def described(span: Any, details: Details, text: str) -> dict[str, Any] | None:
    """A span in words; None of what is none, which a form that was tampered with may hold."""
    start, end = (span.get(name) if isinstance(span, dict) else None for name in ("start", "end"))
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)):
        return None
    labels = {reason.id: reason.label for reason in details.reasons}
    return {
        "quote": text[start:end],
        "label": labels.get(str(span.get("reason")), ""),
        "severity": SURROGATE.sub("", str(span.get("severity") or "")),
        "note": SURROGATE.sub("", str(span.get("note") or "")),
    }


def whole_number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 16 else None

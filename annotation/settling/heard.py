"""What a senior evaluator sees of a conflict: the item, blind, and what was said about it, by nobody in particular.

Like `presenters`, the only way from rows to the page. What evaluators wrote in their own words passes the scanner
that items pass before release, and what it finds is taken away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from annotation import presenters, revision, rubrics
from annotation.blinding import gate, identity, redaction
from annotation.blinding.sides import place_of
from annotation.models import Hearing, HearingState, Judgment, Protocol
from annotation.protocols import rules_of
from annotation.protocols.pairwise import in_words as preference_in_words
from annotation.shown import Shown
from evaltrack import wording

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Marked:
    """A span that an evaluator marked: the words, and what is wrong with them."""

    quote: str
    label: str
    severity: str
    note: str


@dataclass(frozen=True)
class Said:
    """What one evaluator said, in the places of this screen. `evaluator` is a letter, and another one next time."""

    evaluator: str
    in_words: str
    # As the API has answers: preference, strength, rating, ranking, spans, answers.
    answer: dict[str, Any]
    # Question and answer, in words.
    answers: tuple[tuple[str, str], ...]
    marked: tuple[Marked, ...]
    comment: str
    # What a number in the comment means here, where its writer saw the responses in other places.
    order_note: str

    def as_json(self) -> dict[str, Any]:
        return {
            "evaluator": self.evaluator,
            **self.answer,
            "comment": self.comment,
            "order_note": self.order_note,
        }


@dataclass(frozen=True)
class Screen(presenters.Reading):
    """All of a conflict that is shown."""

    campaign_name: str
    details: rubrics.Details
    said: tuple[Said, ...]
    is_held: bool
    # What changed in the rubric since the conflict was claimed.
    changes: list[wording.Piece]

    def as_json(self) -> dict[str, Any]:
        return {
            "hearing": str(self.assignment),
            "lease_expires_at": self.lease_expires_at.isoformat(),
            **self.item_json(),
            "said": [each.as_json() for each in self.said],
        }


def screen(hearing: Hearing) -> Screen:
    campaign = hearing.campaign
    rows = redaction.of_task_read(hearing.task_id)
    shown = Shown(hearing.public_id, files="hearing-media")
    details = rubrics.of(campaign.rubric)
    return Screen(
        **presenters.reading_fields(shown, rows, places=hearing.places),
        lease_expires_at=hearing.lease_expires_at,
        rubric=campaign.rubric,
        campaign_name=campaign.name,
        details=details,
        said=said_in(hearing, details, text=rows[0]["words"]),
        is_held=hearing.state == HearingState.HELD,
        changes=changes_since_claimed(hearing),
    )


def changes_since_claimed(hearing: Hearing) -> list[wording.Piece]:
    campaign = hearing.campaign
    if campaign.revised_at is None or hearing.claimed_at >= campaign.revised_at:
        return []
    return revision.changes_of(campaign)


def said_in(hearing: Hearing, details: rubrics.Details, *, text: str) -> tuple[Said, ...]:
    judgments = {
        str(each.public_id): each
        for each in Judgment.objects.filter(public_id__in=hearing.judgments).select_related("rubric")
    }
    clean = cleaner(hearing)
    return tuple(
        said_by(letter, judgments[key], hearing, details, clean=clean, text=text)
        for letter, key in zip(LETTERS, hearing.judgments, strict=False)
    )


def cleaner(hearing: Hearing) -> Callable[[str], str]:
    """Takes out of what evaluators wrote every name that the scanner finds, and those that the lead has redacted."""
    scanner = gate.scanner_of_task(hearing.task)
    known = {each.text for found in redaction.of_task(hearing.task_id).values() for each in found}

    def clean(words: str) -> str:
        found = scanner.scan(words)
        spans = [(each.start, each.end) for each in found]
        return identity.redacted(words, spans, known | {each.text for each in found if each.kind != "rest"})

    return clean


def said_by(
    letter: str,
    judgment: Judgment,
    hearing: Hearing,
    details: rubrics.Details,
    *,
    clean: Callable[[str], str],
    text: str,
) -> Said:
    rules = rules_of(hearing.campaign.protocol)
    # What was said names responses, so in other places it is another sentence.
    here = SimpleNamespace(
        places=hearing.places,
        choice=judgment.choice,
        strength=judgment.strength,
        rating=judgment.rating,
        ranking=judgment.ranking,
        spans=[clean_span(span, clean) for span in judgment.spans or ()],
        answers=judgment.answers,
    )
    answer = rules.shown(here)
    marked = marks_of(here.spans, rubrics.of(judgment.rubric), text)
    comment = clean(judgment.comment)
    return Said(
        evaluator=letter,
        in_words=words_of(rules.in_words(here), judgment),
        answer=answer | ({"spans": [*here.spans]} if hearing.campaign.protocol == Protocol.SPANS else {}),
        answers=answers_of(answer.get("answers") or {}, details, hearing.campaign.protocol),
        marked=marked,
        comment=comment,
        order_note=order_note(judgment.places, hearing.places) if comment else "",
    )


def words_of(sentence: str, judgment: Judgment) -> str:
    return f"{sentence.removesuffix(' better')} much better" if judgment.strength == 2 else sentence


def clean_span(span: dict[str, Any], clean: Callable[[str], str]) -> dict[str, Any]:
    return span | ({"note": clean(span["note"])} if span.get("note") else {})


def marks_of(spans: list[dict[str, Any]], details: rubrics.Details, text: str) -> tuple[Marked, ...]:
    labels = {reason.id: reason.label for reason in details.reasons}
    return tuple(
        Marked(
            quote=text[span["start"] : span["end"]],
            label=labels.get(span["reason"], span["reason"]),
            severity=span.get("severity", ""),
            note=span.get("note", ""),
        )
        for span in spans
    )


def answers_of(
    answers: dict[str, Any], details: rubrics.Details, protocol: str
) -> tuple[tuple[str, str], ...]:
    def word(given: Any) -> str:
        return preference_in_words(given) if protocol == Protocol.PAIRWISE else str(given)

    return tuple(
        (criterion.question, word(answers[criterion.id]))
        for criterion in details.criteria
        if criterion.id in answers
    )


def order_note(theirs: str, here: str) -> str:
    if theirs == here:
        return ""
    pairs = [
        f"Response {place} is your Response {place_of(int(ordinal), here)}"
        for place, ordinal in enumerate(theirs, start=1)
    ]
    return f"Written with the responses in another order: {', '.join(pairs)}."

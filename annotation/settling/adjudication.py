"""Act: settle what people disagree about."""

import datetime as dt
import uuid
from dataclasses import asdict, dataclass

from django.db import IntegrityError, transaction
from django.db.models import Q

from annotation import campaigns, judging, policies, rubrics
from annotation.answers import Answer, Said
from annotation.blinding import redaction
from annotation.models import (
    Adjudication,
    AdjudicationState,
    Campaign,
    Cause,
    Hearing,
    HearingState,
    Task,
)
from annotation.protocols import rules_of
from annotation.settling import conflicts, hearings, kept_conflicts
from evaltrack import reasons
from evaltrack.accounts.models import User
from evaltrack.canonical import canonical_json, sha256_hex
from evaltrack.errors import Conflict, Gone, Invalid, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record

WITHDRAWN = (
    "withdrawn",
    "This is not in conflict any more: it is asked again, or the item was left out. Ask for the next one.",
)


@dataclass(frozen=True)
class Finding:
    """Why they disagreed, and what the rubric should say, if it is not clear."""

    cause: str
    guideline_unclear: bool = False
    guideline_note: str = ""

    def checked(self) -> "Finding":
        if self.cause not in Cause.values:
            sentence = f"is one of {', '.join(Cause.values)}"
            raise Invalid(
                "bad_cause", f"Say why they disagreed: the cause {sentence}.", {"cause": [sentence]}
            )
        unclear = self.guideline_unclear or self.cause == Cause.GUIDELINE
        note = self.guideline_note.strip()
        if unclear and not note:
            sentence = "says what is unclear in the rubric, for who writes its next version"
            raise Invalid("note_missing", f"The note {sentence}.", {"guideline_note": [sentence]})
        if note and not unclear:
            sentence = "is for a rubric that is unclear; say that it is, or leave the note out"
            raise Invalid("note_without_flag", f"The note {sentence}.", {"guideline_note": [sentence]})
        return Finding(self.cause, unclear, writable(note, "guideline_note"))


def writable(text: str, field: str) -> str:
    text = text.replace("\x00", "")
    if len(text) > judging.LONGEST_COMMENT:
        sentence = f"takes up to {judging.LONGEST_COMMENT} characters"
        raise Invalid("comment_too_long", f"The {field} {sentence}.", {field: [sentence]})
    if not reasons.encodable(text):
        sentence = "holds characters that cannot be stored; type it again without them"
        raise Invalid("unwritable_text", f"The {field} {sentence}.", {field: [sentence]})
    return text


def settle(
    hearing_id: uuid.UUID, *, answer: Answer | None, finding: Finding, by: User, at: dt.datetime
) -> tuple[Adjudication, bool]:
    """Store the adjudication; with it whether it is new. The same hearing again answers with what is stored.

    `answer` is in terms of the places on the adjudicator's screen; None of an item that is broken. A lease that
    ended is forgiven while nobody else has the conflict; else it is kept as surplus, and `Conflict` says so.
    """
    refuse_if(policies.adjudicating(by))
    hearing = hearings.mine(hearing_id, by)
    if stored := stored_for(hearing):
        return stored, False
    try:
        with transaction.atomic():
            return settled(hearing, answer, finding, by=by, at=at), True
    except (IntegrityError, Conflict, Gone) as error:
        if stored := stored_for(hearing):
            return stored, False  # a double click
        if isinstance(error, IntegrityError):
            raise
        if error.code == "reassigned":
            keep_as_surplus(hearing, answer, finding, by=by, at=at)
        elif error.code == "withdrawn":
            hearings.end(hearing, HearingState.WITHDRAWN, at=at)
        raise


def stored_for(hearing: Hearing) -> Adjudication | None:
    return Adjudication.objects.filter(hearing=hearing).exclude(state=AdjudicationState.SURPLUS).first()


def settled(
    hearing: Hearing, answer: Answer | None, finding: Finding, *, by: User, at: dt.datetime
) -> Adjudication:
    """Inside the caller's transaction, which takes the campaign: one at a time with revising, closing and leaving
    out, so that what is settled is what was seen."""
    hearing.campaign = campaign = campaigns.locked(hearing.campaign_id)
    hearings.refuse_if_paused(campaign)
    hearing.refresh_from_db(fields=["state"])
    if hearing.state == HearingState.RELEASED:
        raise Conflict("hearing_ended", "You gave this conflict back; ask for the next one.")
    conflict = still_in_conflict(hearing, at=at)
    judging.refuse_if_outdated(campaign, hearing.claimed_at, answer.rubric_version if answer else None)
    row = drawn_up(hearing, answer, finding, by=by, at=at)
    row.agreement, row.judgments = conflict.found.agreement, conflict.judgments
    row.save(force_insert=True)
    kept_conflicts.forget([hearing.task_id])
    Hearing.objects.filter(pk=hearing.pk).update(state=HearingState.SUBMITTED, ended_at=at)
    record(
        Event.TASK_ADJUDICATED,
        by=by,
        subject=campaign,
        facts=campaign.experiment_fact()
        | {
            "task": str(hearing.task.public_id),
            "adjudication": str(row.public_id),
            "cause": row.cause,
            "guideline_unclear": row.guideline_unclear,
            "outcome_digest": outcome_digest(row),
        },
        statements={
            name: text
            for name, text in (("comment", row.comment), ("guideline_note", row.guideline_note))
            if text
        },
        at=at,
    )
    return row


def still_in_conflict(hearing: Hearing, *, at: dt.datetime) -> conflicts.Conflict:
    """The conflict as it was seen: by the same judgments, and in nobody else's hands."""
    task = Task.objects.filter(pk=hearing.task_id)
    others = Hearing.objects.filter(
        task=hearing.task_id, state__in=[HearingState.HELD, HearingState.SUBMITTED]
    )
    # What was kept for this hearing before says so for good, also where nobody has the conflict any more.
    settled_or_kept = Adjudication.objects.filter(
        Q(task=hearing.task_id, state=AdjudicationState.STANDING) | Q(hearing=hearing)
    )
    same = set(hearing.judgments) == set(hearings.said_about(hearing.campaign, task, at=at))
    if same and (settled_or_kept.exists() or others.exclude(pk=hearing.pk).exists()):
        raise Conflict(
            "reassigned",
            "This conflict went to somebody else after your time was up. What you wrote was kept, and does not "
            "count. Ask for the next one.",
        )
    found = conflicts.waiting(hearing.campaign, at=at, tasks=task)
    if hearing.state == HearingState.WITHDRAWN or not same or not found:
        raise Gone(*WITHDRAWN)
    return found[0]


def drawn_up(
    hearing: Hearing, answer: Answer | None, finding: Finding, *, by: User, at: dt.datetime
) -> Adjudication:
    """The adjudication as a row that is not stored yet, or what is wrong with it."""
    finding, campaign = finding.checked(), hearing.campaign
    comment = writable(answer.comment, "comment") if answer else ""
    wall_ms = min(max(0, round((at - hearing.claimed_at).total_seconds() * 1000)), judging.LONGEST_MS)
    active_ms = answer.active_ms if answer else None
    return Adjudication(
        hearing=hearing,
        campaign=campaign,
        task=hearing.task,
        adjudicator=by,
        **asdict(said_of(hearing, answer, finding)),
        rubric=campaign.rubric,
        places=hearing.places,
        cause=finding.cause,
        guideline_unclear=finding.guideline_unclear,
        guideline_note=finding.guideline_note,
        comment=comment,
        agreement=0,
        judgments=len(hearing.judgments),
        active_ms=None if active_ms is None else min(max(active_ms, 0), wall_ms),
        wall_ms=wall_ms,
        adjudicated_at=at,
    )


def said_of(hearing: Hearing, answer: Answer | None, finding: Finding) -> Said:
    rules = rules_of(hearing.campaign.protocol)
    if finding.cause == Cause.BROKEN:
        if answer is not None and getattr(answer, rules.headline) is not None:
            sentence = "is for an item that has an answer; leave it out of one that is broken"
            raise Invalid("broken_has_no_answer", f"The answer {sentence}.", {rules.headline: [sentence]})
        return Said()
    return rules.checked(
        answer or Answer(),
        details=rubrics.of(hearing.campaign.rubric),
        places=hearing.places,
        text=lambda: redaction.text_read(hearing.task_id),
    )


def outcome_digest(row: Adjudication) -> str:
    """What proves the outcome: over what was said in terms of responses, and the judgments that it settles."""
    said = {} if row.cause == Cause.BROKEN else rules_of(row.campaign.protocol).proved(row)
    body = {
        "adjudication": str(row.public_id),
        "said": said,
        "rubric": str(row.rubric),
        "responses": {
            str(each.ordinal): {"source": each.source, "sha256": sha256_hex(each.content.encode())}
            for each in row.task.responses.select_related("output").order_by("ordinal")
        },
        "judgments": sorted(row.hearing.judgments),
    }
    return sha256_hex(canonical_json(body))


def keep_as_surplus(
    hearing: Hearing, answer: Answer | None, finding: Finding, *, by: User, at: dt.datetime
) -> None:
    """Work that somebody did is never thrown away, even where it counts no more."""
    row = drawn_up(hearing, answer, finding, by=by, at=at)
    row.state = AdjudicationState.SURPLUS
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return  # kept before: the same was sent again


def progress(campaign: Campaign) -> dict[str, int]:
    """How many settled items have each cause."""
    counted = dict.fromkeys(Cause.values, 0)
    for cause in conflicts.standing(campaign).values_list("cause", flat=True):
        counted[cause] += 1
    return counted

"""Acts about an evaluator who is given nothing for a while: a lead pauses and resumes them, they appeal, a lead
answers.

What they judged stays counted, and what is on their screen stays theirs: it can be submitted. What was only fetched
ahead goes back to the pool.
"""

import datetime as dt
import uuid

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from annotation import assignment, messages, policies
from annotation.models import Assignment, AssignmentState, Campaign, Pause, PauseOutcome, Slot
from evaltrack import reasons
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, NotFound, Refused, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from evaltrack.notifications import outbox


def of(campaign: Campaign) -> QuerySet[Pause]:
    """Those that hold or held somebody in the campaign, those in force first."""
    here = Q(campaign=campaign) | Q(everywhere=True, ended_at=None)
    found = Pause.objects.filter(here).select_related(
        "evaluator", "campaign", "paused_by", "answered_by", "ended_by"
    )
    return found.order_by("-paused_at", "-pk")


def holding(evaluator: User, campaign: Campaign) -> QuerySet[Pause]:
    """Those in force that keep the campaign's tasks from the evaluator."""
    in_force = Pause.objects.filter(evaluator=evaluator, ended_at=None)
    return in_force.filter(Q(campaign=campaign) | Q(everywhere=True))


def told(evaluator: User, campaigns: QuerySet[Campaign]) -> str:
    """The sentence for somebody whose tasks of `campaigns` are kept back, of which there are some."""
    in_force = Pause.objects.filter(evaluator=evaluator, ended_at=None)
    row = (
        in_force.filter(Q(campaign__in=campaigns) | Q(everywhere=True)).order_by("-everywhere", "-pk").first()
    )
    return sentence(row.reason if row else "the pause has just ended, ask again.")


def anywhere(evaluator: User) -> str:
    """The reason of a pause in force, whatever it keeps back; empty where there is none."""
    row = Pause.objects.filter(evaluator=evaluator, ended_at=None).order_by("-everywhere", "-pk").first()
    return row.reason if row else ""


def sentence(reason: str) -> str:
    return (
        f"A lead has paused your work here: {reason} What you judged stays counted. On your own page you can "
        "say what you think of it; a lead answers."
    )


@transaction.atomic
def pause(
    evaluator: User, campaign: Campaign, *, everywhere: bool, reason: str, by: User, at: dt.datetime
) -> Pause:
    """Give the evaluator no further task of the campaign, or of any."""
    refuse_if(policies.pausing_evaluator(by, evaluator))
    reason = reasons.checked(reason)
    try:
        with transaction.atomic():
            made = Pause.objects.create(
                evaluator=evaluator,
                campaign=campaign,
                everywhere=everywhere,
                reason=reason,
                paused_by=by,
                paused_at=at,
            )
    except IntegrityError:
        raise Conflict(
            "paused_before", "This evaluator is paused already; resume them first to change the reason."
        ) from None
    return_unseen(made, at=at)
    outbox.post(messages.evaluator_paused(made), to=[evaluator], at=at)
    record(
        Event.EVALUATOR_PAUSED,
        by=by,
        subject=evaluator,
        facts=facts_of(made),
        statements={"reason": reason},
        at=at,
    )
    return made


def return_unseen(row: Pause, *, at: dt.datetime) -> None:
    """What the evaluator has and has not seen goes back. Inside the caller's transaction."""
    unseen = Assignment.objects.filter(evaluator=row.evaluator, state=AssignmentState.PREFETCHED)
    if not row.everywhere:
        unseen = unseen.filter(campaign=row.campaign)
    tokens = list(unseen.values_list("public_id", flat=True))
    held = Slot.objects.select_for_update(of=("self",)).filter(token__in=tokens).order_by("pk")
    # Shown meanwhile, it is on their screen, and stays.
    still = set(unseen.filter(public_id__in=tokens).values_list("public_id", flat=True))
    assignment.expire([slot for slot in held if slot.token in still], at=at)


@transaction.atomic
def resume(evaluator: User, campaign: Campaign, *, by: User, at: dt.datetime) -> list[Pause]:
    """End every pause that keeps the campaign's tasks from the evaluator, those of all campaigns too."""
    refuse_if(policies.pausing_evaluator(by, evaluator))
    rows = list(holding(evaluator, campaign).select_for_update().order_by("pk"))
    if not rows:
        raise Conflict("not_paused", "This evaluator is not paused here.")
    for row in rows:
        row.ended_by, row.ended_at = by, at
        row.save(update_fields=["ended_by", "ended_at"])
        outbox.post(messages.evaluator_resumed(row), to=[evaluator], at=at)
    for row in rows:
        record(Event.EVALUATOR_RESUMED, by=by, subject=evaluator, facts=facts_of(row), at=at)
    return rows


@transaction.atomic
def appeal(pause_id: uuid.UUID, *, by: User, reason: str, at: dt.datetime) -> Pause:
    """Say why the pause is wrong, once, while it is in force."""
    row = Pause.objects.select_for_update().filter(public_id=pause_id, evaluator=by).first()
    if row is None:
        raise Refused("not_yours", "No such pause is yours.")
    if row.appealed_at:
        raise Conflict("appealed_before", "You have appealed here before; once is enough, a lead answers.")
    if not row.is_in_force:
        raise Conflict("not_paused", "This pause has ended; tasks come from your queue.")
    row.appeal, row.appealed_at = reasons.checked(reason), at
    row.save(update_fields=["appeal", "appealed_at"])
    outbox.post(messages.pause_appealed(row), to=outbox.holders("lead"), at=at)
    return row


@transaction.atomic
def answer(
    pause_id: uuid.UUID, campaign: Campaign, *, outcome: str, answer: str, by: User, at: dt.datetime
) -> Pause:
    """Uphold the pause or lift it, in words. Where there is another lead, not by who paused."""
    if outcome not in PauseOutcome.values:
        raise Invalid("bad_outcome", "Choose what becomes of the appeal.", {"outcome": ["is not chosen"]})
    answer = reasons.checked(answer)
    row = (
        Pause.objects.select_for_update().filter(public_id=pause_id, pk__in=of(campaign).values("pk")).first()
    )
    if row is None:
        raise NotFound("no_such_pause", "This campaign has no such pause.")
    refuse_if(policies.answering_pause(by, row))
    if row.outcome:
        raise Conflict("answered_before", "This appeal was answered before.")
    if not row.waits_for_an_answer:
        raise Conflict(
            "no_appeal", "There is no appeal to answer: the pause has ended, or nobody has appealed."
        )
    row.outcome, row.answer, row.answered_by, row.answered_at = outcome, answer, by, at
    if outcome == PauseOutcome.LIFTED:
        row.ended_by, row.ended_at = by, at
    row.save()
    outbox.post(messages.pause_answered(row), to=[row.evaluator], at=at)
    record(
        Event.PAUSE_APPEAL_ANSWERED,
        by=by,
        subject=row.evaluator,
        facts=facts_of(row) | {"outcome": outcome},
        statements={"appeal": row.appeal, "answer": answer},
        at=at,
    )
    return row


def facts_of(row: Pause) -> dict[str, str | bool]:
    return {
        "pause": str(row.public_id),
        "campaign": str(row.campaign.public_id),
        "everywhere": row.everywhere,
    }

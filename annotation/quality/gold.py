"""Acts on hidden gold: tell evaluators how they did, appeal, answer an appeal."""

import datetime as dt
import uuid

from django.db import IntegrityError, transaction

from annotation import messages, policies
from annotation.models import Appeal, Campaign, Gold, Judgment, Outcome
from evaltrack import reasons
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, NotFound, Refused, refuse_if
from evaltrack.notifications import outbox


def release(campaign_id: int, *, by: User, at: dt.datetime) -> Campaign:
    """Let evaluators see, on their own page, how they did on gold, before the campaign closes."""
    campaign = Campaign.objects.get(pk=campaign_id)
    refuse_if(policies.releasing(by, campaign))
    Campaign.objects.filter(pk=campaign_id, gold_released_at=None).update(
        gold_released_by=by, gold_released_at=at
    )
    campaign.refresh_from_db()
    return campaign


@transaction.atomic
def appeal(judgment_id: uuid.UUID, *, by: User, reason: str, at: dt.datetime) -> Appeal:
    """Say why the reference answer is wrong: once for each judgment."""
    judgment = (
        Judgment.objects.select_related("task__gold", "campaign", "appeal")
        .filter(public_id=judgment_id, evaluator=by)
        .first()
    )
    if judgment is None:
        raise Refused("not_yours", "You have submitted no such judgment.")
    refuse_if(policies.appealing(by, judgment, at=at))
    gold = judgment.task.gold
    try:
        with transaction.atomic():
            made = Appeal.objects.create(
                judgment=judgment,
                reason=reasons.checked(reason),
                appealed_at=at,
                gold_choice=gold.choice,
                gold_why=gold.why,
            )
    except IntegrityError:
        raise Conflict("appealed_before", "You have appealed here before; a lead answers.") from None
    outbox.post(messages.appeal_made(made), to=outbox.holders("lead"), at=at)
    return made


@transaction.atomic
def answer(
    judgment_id: uuid.UUID, campaign: Campaign, *, outcome: str, answer: str, by: User, at: dt.datetime
) -> Appeal:
    """Decline, or uphold: correct the gold to what the evaluator said, or suspend it. In words, in either case."""
    refuse_if(policies.answering(by))
    if outcome not in Outcome.values:
        raise Invalid("bad_outcome", "Choose what becomes of the appeal.", {"outcome": ["is not chosen"]})
    answer = reasons.checked(answer)
    row = (
        Appeal.objects.select_for_update(of=("self",))
        .select_related("judgment__evaluator")
        .filter(judgment__public_id=judgment_id, judgment__campaign=campaign)
        .first()
    )
    if row is None:
        raise NotFound("no_such_appeal", "This campaign has no such appeal.")
    if row.outcome:
        raise Conflict("answered_before", "This appeal was answered before.")
    gold = Gold.objects.select_for_update().get(task=row.judgment.task_id)
    if outcome == Outcome.CORRECTED:
        if gold.suspended_at:
            raise Conflict(
                "suspended", "This gold was suspended after another appeal; it has no answer any more."
            )
        gold.choice, gold.why, gold.corrected_at = str(row.judgment.choice), answer, at
    elif outcome == Outcome.SUSPENDED:
        gold.suspended_at = gold.suspended_at or at
    gold.save()
    row.outcome, row.answer, row.answered_by, row.answered_at = outcome, answer, by, at
    row.save(update_fields=["outcome", "answer", "answered_by", "answered_at"])
    outbox.post(messages.appeal_answered(row), to=[row.judgment.evaluator], at=at)
    return row

"""Acts: revise the rubric of a campaign while people judge, and ask again what was judged by an earlier version."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, Value
from django.db.models.functions import Coalesce

from annotation import messages, opening, policies, querysets, rubrics
from annotation.agreement import rollup
from annotation.models import (
    Adjudication,
    AdjudicationState,
    Assignment,
    Campaign,
    CampaignStatus,
    Hearing,
    HearingState,
    Judgment,
    JudgmentState,
    Slot,
    SlotState,
    Task,
    WaitingConflict,
)
from annotation.models.judgment import STANDING
from annotation.onboarding import qualification
from annotation.protocols import rules_of
from annotation.settling import guideline_notes
from evaltrack import reasons, wording
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from evaltrack.notifications import outbox

BATCH = 500


def revise(
    campaign_id: int,
    *,
    rubric: Mapping[str, Any],
    asks_again: bool,
    by: User,
    reason: str,
    at: dt.datetime,
    answers_notes: Iterable[uuid.UUID] = (),
) -> Campaign:
    """Ask by the next version of the rubric from now on.

    `rubric`: as for a new campaign, without the name, which stays. With `asks_again` what was judged by earlier
    versions counts no more and is asked again; without, it stays, and says by which version it was given.
    `answers_notes`: adjudications that found the rubric unclear, of which it is said that this version answers them.
    """
    with transaction.atomic():
        campaign = (
            Campaign.objects.select_for_update(of=("self",), no_key=True)
            .select_related("rubric")
            .get(pk=campaign_id)
        )
        refuse_if(policies.revising(by, campaign, asks_again=asks_again))
        reason = reasons.checked(reason)
        before = campaign.rubric
        after = opening.rubric_version(rules_of(campaign.protocol), {**rubric, "name": before.name})
        if after == before:
            raise Conflict("rubric_unchanged", "This is the rubric as it is; there is nothing to change.")
        answered = guideline_notes.mark_answered(campaign, answers_notes, by=after)
        campaign.rubric, campaign.earlier_rubric, campaign.revised_at = after, before, at
        if asks_again:
            campaign.asks_again_below = after.version
        campaign.save(update_fields=["rubric", "earlier_rubric", "revised_at", "asks_again_below"])
        if asks_again and querysets.outdated_judgments(campaign).exists():
            outbox.post(messages.tasks_asked_again(campaign), to=qualification.judges_of(campaign), at=at)
        rollup.forget(campaign.pk)
        record(
            Event.RUBRIC_REVISED,
            by=by,
            subject=campaign,
            facts=campaign.experiment_fact()
            | {"before": str(before), "after": str(after), "asks_again": asks_again}
            | ({"notes_answered": answered} if answered else {}),
            statements={"reason": reason},
            at=at,
        )
    ask_again(campaign.pk, at=at)
    return campaign


def ask_again(campaign_id: int, *, at: dt.datetime) -> int:
    """Free the slots of what was judged by outdated versions, in batches; how many. Again, it does nothing twice."""
    count = 0
    while True:
        with transaction.atomic():
            campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign_id)
            if campaign.status == CampaignStatus.CLOSED:
                return count
            freed = free_batch(campaign, at=at)
        if not freed:
            return count
        count += freed


def free_outdated(campaign: Campaign, *, at: dt.datetime) -> None:
    """All of them. Inside the caller's transaction, which holds the campaign."""
    while free_batch(campaign, at=at):
        pass


def free_batch(campaign: Campaign, *, at: dt.datetime) -> int:
    outdated = querysets.outdated_judgments(campaign).order_by("slot")
    rows = list(outdated.values_list("pk", "slot", "task")[:BATCH])
    if not rows:
        return 0
    judgments, slots, tasks = zip(*rows, strict=True)
    # Slots before judgments, as in `judging.undo`: one that is undone meanwhile is waited for, and then left alone.
    list(Slot.objects.select_for_update(no_key=True).filter(pk__in=slots).order_by("pk").values_list("pk"))
    # Before judgments, as the roll-up holds it while it marks them.
    rollup.forget(campaign.pk)
    superseded = Judgment.objects.filter(pk__in=judgments, state__in=STANDING).update(
        state=JudgmentState.SUPERSEDED, settled_at=Coalesce("settled_at", Value(at, DateTimeField()))
    )
    Slot.objects.filter(pk__in=slots, state=SlotState.DONE).update(state=SlotState.OPEN, holder=None)
    supersede_adjudications(tasks, at=at)
    # Of adaptive overlap, how sure a label is, is asked anew too.
    Task.objects.filter(pk__in=tasks, settled_at__isnull=False).update(settled_at=None, certainty=None)
    return superseded


def supersede_adjudications(tasks: Sequence[int], *, at: dt.datetime) -> None:
    """What settled `tasks` counts no more, as they are asked again."""
    WaitingConflict.objects.filter(task__in=tasks).delete()
    Hearing.objects.filter(task__in=tasks, state=HearingState.HELD).update(
        state=HearingState.WITHDRAWN, ended_at=at
    )
    Adjudication.objects.filter(task__in=tasks, state=AdjudicationState.STANDING).update(
        state=AdjudicationState.SUPERSEDED, superseded_at=at
    )


def changes_for(assignment: Assignment) -> list[wording.Piece]:
    """What changed in the rubric since its evaluator last read it; nothing once they have judged by the new one."""
    campaign = assignment.campaign
    if campaign.revised_at is None or campaign.earlier_rubric is None:
        return []
    judged = Judgment.objects.filter(campaign=campaign, evaluator=assignment.evaluator_id)
    versions = set(judged.values_list("rubric", flat=True).distinct())
    knows_the_earlier = versions or assignment.claimed_at < campaign.revised_at
    if campaign.rubric_id in versions or not knows_the_earlier:
        return []
    return changes_of(campaign)


def changes_of(campaign: Campaign) -> list[wording.Piece]:
    """Of a campaign whose rubric was revised: from what it was before to what it is."""
    assert campaign.earlier_rubric is not None
    return wording.changes(rubrics.in_words(campaign.earlier_rubric), rubrics.in_words(campaign.rubric))

"""Now and then somebody is given again what they have judged: how far do they agree with themselves?"""

import datetime as dt
import random
import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet

from annotation import querysets
from annotation.models import (
    Campaign,
    CampaignStatus,
    Judgment,
    JudgmentState,
    Slot,
    SlotState,
)
from annotation.models.task import FIRST_REPEAT
from evaltrack.accounts.models import User
from evaltrack.errors import Invalid

MOST_SHARE = 0.5
MOST_HOURS = 24 * 90
LOOKED_AT = 500
# Nobody can foretell it.
DRAWN = random.SystemRandom()


@dataclass(frozen=True)
class Repeats:
    """So large a share of what each is given they have judged before, at least so many hours ago: soon after, people
    remember what they said."""

    share: float
    after_hours: int = 48

    def columns(self) -> dict[str, Any]:
        """As the campaign's row holds it; Invalid says which part cannot be."""
        for name, is_right, sentence in (
            (
                "share",
                0 < self.share <= MOST_SHARE,
                f"is a share above 0 and up to {MOST_SHARE}, such as 0.05",
            ),
            ("after_hours", 1 <= self.after_hours <= MOST_HOURS, f"is a number from 1 to {MOST_HOURS:,}"),
        ):
            if not is_right:
                raise Invalid(
                    "bad_repeats", f"Of the repeats {name} {sentence}.", {f"repeats.{name}": [sentence]}
                )
        return {"repeat_share": self.share, "repeat_after_hours": self.after_hours}


def in_words(campaign: Campaign) -> str:
    """Nothing where nobody is asked twice."""
    if not campaign.repeat_share:
        return ""
    return (
        f"{campaign.repeat_share:.0%} of what each evaluator is given they have judged before, places exchanged, "
        f"{campaign.repeat_after_hours} hours ago or more. It counts for agreement with themselves alone."
    )


def take(
    campaign: Campaign, evaluator: User, *, until: dt.datetime, at: dt.datetime
) -> tuple[int, int, uuid.UUID] | None:
    """Hold for the evaluator what they are to say for the second time: slot, task and token. None if it is not their
    turn, nothing lies far enough back, or nothing else waits for them. Inside the transaction of a claim.

    Whether it is their turn is drawn anew at every claim. As each gives them something else where it is not, asking
    again changes nothing.
    """
    if not is_turn(campaign) or not others_wait(campaign, evaluator):
        return None
    said = latest(campaign, evaluator, at=at)
    if not said or not stays_open(campaign):
        return None
    first = Judgment.objects.select_related("slot").get(pk=DRAWN.choice(said))
    token = uuid.uuid4()
    slot = Slot.objects.create(
        task_id=first.task_id,
        campaign=campaign,
        ordinal=FIRST_REPEAT + first.slot.ordinal,
        priority=first.slot.priority,
        order_key=first.slot.order_key,
        places=first.places[::-1],
        due_at=first.slot.due_at,
        state=SlotState.HELD,
        holder=evaluator,
        token=token,
        lease_until=until,
    )
    return slot.pk, slot.task_id, token


def is_turn(campaign: Campaign) -> bool:
    return DRAWN.random() < campaign.repeat_share


def latest(campaign: Campaign, evaluator: User, *, at: dt.datetime) -> list[int]:
    """Of the latest of what the evaluator said long enough ago what can come again. The latest alone, so that a claim
    reads no more of who has judged a great deal; as they go on, each has its time among these."""
    long_ago = at - dt.timedelta(hours=campaign.repeat_after_hours)
    said = Judgment.objects.filter(
        evaluator=evaluator,
        campaign=campaign,
        state=JudgmentState.FINAL,
        is_repeat=False,
        submitted_at__lte=long_ago,
    )
    newest = list(said.order_by("-submitted_at").values_list("pk", flat=True)[:LOOKED_AT])
    found = repeatable(campaign, evaluator, at=at).filter(pk__in=newest)
    return list(found.order_by("pk").values_list("pk", flat=True))


def others_wait(campaign: Campaign, evaluator: User) -> bool:
    free = Slot.objects.filter(querysets.not_kept_from(evaluator), campaign=campaign, state=SlotState.OPEN)
    return querysets.left_for(evaluator, free).exists()


def stays_open(campaign: Campaign) -> bool:
    """Whether the campaign is open, and nobody closes it before this transaction ends.

    Closing withdraws the slots that there are, and a new one is none of them: a judgment would come after the root.
    Where a lead or a worker has the campaign at this moment, the evaluator is given something else.
    """
    row = Campaign.objects.select_for_update(no_key=True, skip_locked=True)
    return row.filter(pk=campaign.pk, status=CampaignStatus.OPEN).first() is not None


def repeatable(campaign: Campaign, evaluator: User, *, at: dt.datetime) -> QuerySet[Judgment]:
    """What the evaluator said long enough ago, by the rubric as it is, and was not asked about again."""
    of_task = Slot.objects.filter(task=OuterRef("task"))
    asked = of_task.filter(ordinal=OuterRef("slot__ordinal") + FIRST_REPEAT)
    # By an earlier version of the rubric, in another slot of the task.
    said_before = of_task.filter(holder=evaluator, ordinal__gte=FIRST_REPEAT)
    return Judgment.objects.filter(
        ~Exists(asked),
        ~Exists(said_before),
        evaluator=evaluator,
        campaign=campaign,
        state=JudgmentState.FINAL,
        is_repeat=False,
        rubric=campaign.rubric_id,
        task__gold=None,
        task__excluded_at=None,
        # Not what adaptive overlap has added: these are the disputed ones, on which people waver more.
        slot__ordinal__lt=F("campaign__overlap"),
        submitted_at__lte=at - dt.timedelta(hours=campaign.repeat_after_hours),
    )

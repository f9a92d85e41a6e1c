"""Act of the system: suspend gold that good evaluators fail, and tell the leads once."""

import datetime as dt

from django.db import transaction

from annotation import messages, querysets
from annotation.models import Campaign, CampaignStatus, Gold, Judgment
from annotation.quality.gold_rule import RULE, Failing, failing
from evaltrack.notifications import outbox

# Answers on gold that are read at most, the latest.
MOST_READ = 20_000


def campaigns() -> list[Campaign]:
    """Those that ask people and have gold that measures."""
    measuring = Gold.objects.filter(suspended_at=None).values("task__campaign")
    return list(Campaign.objects.exclude(status=CampaignStatus.CLOSED).filter(pk__in=measuring))


def suspend(campaign: Campaign, *, at: dt.datetime) -> int:
    """Suspend what the rule says; how many. Again, or by two workers at once, it suspends and tells nothing twice."""
    rows = (
        Judgment.objects.filter(
            querysets.settled(at),
            campaign=campaign,
            task__excluded_at=None,
            task__gold__isnull=False,
            task__gold__suspended_at=None,
        )
        .order_by("-pk")
        .values_list("task_id", "evaluator_id", "choice", "task__gold__choice")[:MOST_READ]
    )
    known = {task: gold for task, _, _, gold in rows}
    answers = [(task, who, choice == gold) for task, who, choice, gold in rows]
    # An item may be asked about with each answer from the fewest on.
    looks = (campaign.max_overlap or campaign.overlap) - RULE.fewest + 1
    return sum(suspend_one(campaign, each, known[each.item], at=at) for each in failing(answers, looks=looks))


@transaction.atomic
def suspend_one(campaign: Campaign, found: Failing, choice: str, *, at: dt.datetime) -> int:
    """Unless somebody has suspended or corrected it meanwhile."""
    gold = Gold.objects.filter(task=found.item, suspended_at=None, choice=choice)
    suspended = gold.update(suspended_at=at, suspended_because=found.sentence)
    if suspended:
        task = campaign.tasks.get(pk=found.item)
        outbox.post(messages.gold_suspended(task, found.sentence), to=outbox.holders("lead"), at=at)
    return suspended

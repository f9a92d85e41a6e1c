"""Campaigns, open and judged."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from annotation import assignment, campaigns, judging
from annotation.assignment import NothingToDo
from annotation.judging import Answer
from annotation.models import Assignment, Campaign, Judgment, Slot, Task
from evaltrack import clock
from evaltrack.accounts.models import User
from tests.factories import experiments


def suite(**human: Any) -> dict[str, Any]:
    """The usual suite with other rules for people."""
    return {**experiments.SUITE, "human": {**experiments.SUITE["human"], **human}}


def open_campaign(**given: Any) -> Campaign:
    """The campaign of a high-risk experiment that waits for people: six tasks, two judgments each."""
    experiment = experiments.measured(risk="high", **given)
    campaign = campaigns.open_campaign(experiment, at=clock.now())
    assert campaign is not None
    return campaign


def next_for(evaluator: User) -> Assignment | None:
    found = assignment.claim_next(evaluator, at=clock.now())
    return None if isinstance(found, NothingToDo) else found


def judge(shown: Assignment, preference: int | str = "tie", **answer: Any) -> Judgment:
    judgment, _ = judging.submit(
        shown.public_id,
        judgment_id=shown.judgment_id,
        answer=Answer(preference=preference, **answer),
        by=shown.evaluator,
        at=clock.now(),
    )
    return judgment


def judge_everything(
    evaluators: Sequence[User], prefer: Callable[[Assignment], int | str] = lambda shown: "tie"
) -> int:
    """Let everybody judge until nothing is left; how many judgments that were."""
    count = 0
    for evaluator in evaluators:
        while shown := next_for(evaluator):
            judge(shown, prefer(shown))
            count += 1
    return count


def prefers_candidate(shown: Assignment) -> int:
    """The place in which the candidate's answer stands."""
    candidate_is_first = shown.task.first.run.arm == "candidate"
    return 1 if candidate_is_first == shown.slot.first_on_slot_1 else 2


def prefers_baseline(shown: Assignment) -> int:
    return 3 - prefers_candidate(shown)


def lease_ends(shown: Assignment) -> None:
    """The time for `shown` is up; nobody has looked yet."""
    Slot.objects.filter(token=shown.public_id).update(lease_until=clock.now() - dt.timedelta(seconds=1))


def becomes_due(campaign: Campaign, *items: str) -> None:
    """The time of the campaign's tasks is up, or of those with `items`."""
    past = clock.now() - dt.timedelta(minutes=1)
    Campaign.objects.filter(pk=campaign.pk).update(due_at=past)
    tasks = Task.objects.filter(campaign=campaign)
    tasks = tasks.filter(item__in=items) if items else tasks
    Slot.objects.filter(task__in=tasks).update(due_at=past)
    tasks.update(due_at=past)

"""Campaigns, open and judged."""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db.models import F

from annotation import assignment, judging, opening, queue
from annotation.answers import Answer
from annotation.blinding.sides import place_of
from annotation.items import read_items
from annotation.models import Assignment, Campaign, Judgment, Slot, Task
from annotation.protocols import rules_of
from annotation.queue import NothingToDo
from evaltrack import clock
from evaltrack.accounts.models import User
from tests.factories import experiments


def suite(**human: Any) -> dict[str, Any]:
    """The usual suite with other rules for people."""
    return {**experiments.SUITE, "human": {**experiments.SUITE["human"], **human}}


def open_campaign(**given: Any) -> Campaign:
    """The campaign of a high-risk experiment that waits for people: six tasks, two judgments each."""
    experiment = experiments.measured(risk="high", **given)
    campaign = opening.open_campaign(experiment, at=clock.now())
    assert campaign is not None
    return campaign


def next_for(evaluator: User) -> Assignment | None:
    found = queue.claim_next(evaluator, at=clock.now())
    return None if isinstance(found, NothingToDo) else found


# A whole answer of each protocol, in terms of places.
USUAL: dict[str, dict[str, Any]] = {
    "pairwise": {"preference": "tie"},
    "rating": {"rating": 4},
    "ranking": {"ranking": [[2], [1, 3]]},
    "spans": {"spans": [{"start": 0, "end": 4, "reason": "wrong"}]},
}
RESPONSES = {"pairwise": 2, "rating": 1, "ranking": 3, "spans": 1}


def stand_alone(
    protocol: str, *, lead: User, items: int = 3, overlap: int = 2, rubric: dict[str, Any] | None = None
) -> Campaign:
    """A campaign over items made elsewhere, whose sources nobody who judges may learn."""
    at = clock.now()
    campaign = opening.open_stand_alone(
        name="Answers about returns",
        protocol=protocol,
        overlap=overlap,
        due_at=None,
        rubric=rubric,
        by=lead,
        at=at,
    )
    add_answers(campaign, "abc"[: RESPONSES[protocol]], lead=lead, items=items)
    return campaign


def add_answers(
    campaign: Campaign, letters: str, *, lead: User, items: int, item: str = "zz-secret-item"
) -> None:
    """Answers of the systems with these letters: each item a task."""
    lines = [
        json.dumps(
            {
                "item": f"{item}-{number}",
                "prompt": f"What is {number} + 1?",
                "responses": [
                    {"source": f"zz-secret-{letter}", "text": f"{letter * 3} {number}"} for letter in letters
                ],
            }
        ).encode()
        for number in range(items)
    ]
    rules = rules_of(campaign.protocol)
    opening.add_items(campaign.pk, read_items(lines, rules), by=lead, at=clock.now())
    campaign.refresh_from_db()


def judge(shown: Assignment, preference: int | str | None = None, **answer: Any) -> Judgment:
    given = USUAL[shown.campaign.protocol] | answer
    judgment, _ = judging.submit(
        shown.public_id,
        judgment_id=shown.judgment_id,
        answer=Answer(**given if preference is None else given | {"preference": preference}),
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
    the_minute_passes()
    return count


def judge_as_said(said: Mapping[str, Sequence[str]], evaluators: Sequence[User]) -> None:
    """Let everybody judge each item as `said`, which has a label for each evaluator in their order."""
    places = {"candidate": prefers_candidate, "baseline": prefers_baseline}
    for number, evaluator in enumerate(evaluators):

        def prefer(shown: Assignment, number: int = number) -> int | str:
            label = said[shown.task.item][number]
            return places[label](shown) if label in places else label

        judge_everything([evaluator], prefer)


def the_minute_passes() -> None:
    """Nobody can undo any more what was judged so far."""
    Judgment.objects.filter(state="provisional").update(
        submitted_at=F("submitted_at") - dt.timedelta(seconds=settings.REVIEW_UNDO_SECONDS)
    )


def sources_of(task: Task) -> list[str]:
    """Which system gave the task's first response, and which the second."""
    return list(task.responses.order_by("ordinal").values_list("source", flat=True))


def texts_of(task: Task) -> list[str]:
    """The task's first response and its second."""
    return [response.content for response in task.responses.select_related("output").order_by("ordinal")]


def prefers_candidate(shown: Assignment) -> int:
    """The place in which the candidate's answer stands."""
    return place_of(sources_of(shown.task).index("candidate"), shown.slot.places)


def prefers_baseline(shown: Assignment) -> int:
    return 3 - prefers_candidate(shown)


def lease_ends(shown: Assignment, *, noticed: bool = True) -> None:
    """The time for `shown` is up; a worker has noticed, or nobody has looked yet."""
    Slot.objects.filter(token=shown.public_id).update(lease_until=clock.now() - dt.timedelta(seconds=1))
    if noticed:
        assignment.expire_leases(at=clock.now())


def becomes_due(campaign: Campaign, *items: str) -> None:
    """The time of the campaign's tasks is up, or of those with `items`."""
    past = clock.now() - dt.timedelta(minutes=1)
    Campaign.objects.filter(pk=campaign.pk).update(due_at=past)
    tasks = Task.objects.filter(campaign=campaign)
    tasks = tasks.filter(item__in=items) if items else tasks
    Slot.objects.filter(task__in=tasks).update(due_at=past)
    tasks.update(due_at=past)

"""Campaigns that many have judged, each in a way of their own, written in bulk as if they had."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from annotation import opening
from annotation.items import GoldAnswer, Item, ResponseItem
from annotation.models import Assignment, Campaign, Gold, Judgment, Response, Slot, Task
from annotation.protocols.pairwise import RESPONSES
from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role
from tests.conftest import person, signed

WORDS = "One answer is longer than the other, as answers are. " * 8


@dataclass
class Way:
    """How somebody judges: right with a probability, at a pace, and what they press whatever the item."""

    right: float = 0.85
    seconds: float = 120.0
    presses: str | None = None  # "left", "tie"
    # The share of the items after which they begin to press.
    after: float = 0.0
    gold_right: float | None = None
    check_right: float = 1.0


@dataclass
class Panel:
    campaign: Campaign
    people: list[User]
    tasks: list[Task] = field(default_factory=list)


def people(count: int) -> list[User]:
    return [signed(person(f"rater{number:03}", Role.EVALUATOR)) for number in range(count)]


def item(number: int, *, gold: bool, check: bool, stratum: str = "") -> Item:
    answer = GoldAnswer(1, "The first one is right.", check) if gold or check else None
    pair = (ResponseItem("sys-a", f"a {number}. {WORDS}"), ResponseItem("sys-b", f"b {number}. {WORDS}"))
    return Item(f"item {number:04}", f"Question {number}?", pair, stratum=stratum, gold=answer)


def judged(
    lead: User,
    raters: list[User],
    ways: dict[int, Way] | None = None,
    *,
    items: int = 60,
    gold: int = 0,
    checks: int = 0,
    overlap: int = 3,
    strata: Callable[[int], str] = lambda number: "",
    seed: int = 1,
) -> Panel:
    """Everybody judges one item after another; the `ways` of some differ from the usual one."""
    at = clock.now()
    campaign = opening.open_stand_alone(name="Panel", overlap=overlap, due_at=None, by=lead, at=at)
    lines = [
        item(n, gold=n < gold, check=gold <= n < gold + checks, stratum=strata(n))
        for n in range(items + gold + checks)
    ]
    opening.add_items(campaign.pk, iter(enumerate(lines, 1)), by=lead, at=at)
    campaign.refresh_from_db()
    judge(campaign, raters, ways or {}, seed=seed, at=at)
    return Panel(campaign, raters, list(campaign.tasks.order_by("item")))


def judge(
    campaign: Campaign, raters: list[User], ways: dict[int, Way], *, seed: int, at: dt.datetime
) -> None:
    rng = np.random.default_rng(seed)
    golds = dict(Gold.objects.filter(task__campaign=campaign).values_list("task_id", "choice"))
    checks = set(
        Gold.objects.filter(task__campaign=campaign, is_check=True).values_list("task_id", flat=True)
    )
    first = dict(Response.objects.filter(task__campaign=campaign, ordinal=0).values_list("task_id", "source"))
    slots: dict[int, list[Slot]] = {}
    for slot in Slot.objects.filter(campaign=campaign).order_by("task", "ordinal"):
        slots.setdefault(slot.task_id, []).append(slot)
    when = {each.pk: at - dt.timedelta(hours=20) for each in raters}
    assignments, judgments, done = [], [], []
    for number, (task, of_task) in enumerate(slots.items()):
        # The better system, and the ordinal at which its response lies.
        better = "sys-a" if rng.random() < 0.5 else "sys-b"
        truth = golds.get(task) or RESPONSES[0 if first[task] == better else 1]
        for slot, who in zip(of_task, rng.permutation(len(raters)).tolist(), strict=False):
            rater, way = raters[who], ways.get(who, Way())
            right = way.right
            if task in golds:
                right = (
                    way.check_right
                    if task in checks
                    else way.right
                    if way.gold_right is None
                    else way.gold_right
                )
            wrong = [each for each in ("first", "second", "tie", "both_bad") if each != truth]
            choice = truth if rng.random() < right else wrong[int(rng.integers(3))]
            tired = number >= way.after * len(slots)
            if tired and way.presses == "left":
                choice = RESPONSES[int(slot.places[0])]
            elif tired and way.presses and task not in checks:
                choice = way.presses
            seconds = way.seconds * float(np.exp(rng.normal(0, 0.3)))
            when[rater.pk] += dt.timedelta(seconds=seconds + 2)
            made = Assignment(
                slot=slot, campaign=campaign, task_id=task, evaluator=rater, state="submitted",
                claimed_at=when[rater.pk], shown_at=when[rater.pk], lease_expires_at=at, ended_at=at,
            )  # fmt: skip
            assignments.append(made)
            judgments.append(
                Judgment(
                    public_id=made.judgment_id, assignment=made, slot=slot, campaign=campaign, task_id=task,
                    evaluator=rater, choice=choice, rubric_id=campaign.rubric_id, places=slot.places,
                    active_ms=round(1000 * seconds), wall_ms=round(1000 * seconds), state="final",
                    submitted_at=when[rater.pk], settled_at=when[rater.pk],
                )
            )  # fmt: skip
            slot.state, slot.holder = "done", rater
            done.append(slot)
    Slot.objects.bulk_update(done, ["state", "holder"], batch_size=500)
    Assignment.objects.bulk_create(assignments, batch_size=500)
    Judgment.objects.bulk_create(judgments, batch_size=500)

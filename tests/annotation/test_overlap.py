"""The overlap is never exceeded, whatever evaluators do at the same moment, on PostgreSQL."""

import random
import time
from collections import Counter
from contextlib import suppress

import pytest
from django.db.models import Count, Max, Q

from annotation import assignment, jobs, judging, opening, overlap, querysets, queue
from annotation.items import read_items
from annotation.models import Assignment, Campaign, Judgment, SlotState
from annotation.queue import NothingToDo
from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role
from evaltrack.errors import Conflict
from tests.annotation.test_stand_alone import line
from tests.annotation.together import PATIENCE_S, together
from tests.conftest import person, signed
from tests.factories import annotation as factory

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def judges_untidily(username: str, seed: int):
    """An evaluator who fetches ahead, gives back and takes back, at random, until told that all is done."""
    chance = random.Random(seed)

    def judging_on() -> str:
        evaluator = User.objects.get(username=username)
        for _ in range(5_000):
            shown = queue.claim_next(evaluator, at=clock.now())
            if isinstance(shown, NothingToDo):
                if shown.reason != "leased_elsewhere":
                    return shown.reason
                continue
            ahead = None
            if chance.random() < 0.5:
                ahead = queue.claim_next(evaluator, at=clock.now(), prefetch=True)
            judgment = factory.judge(shown, chance.choice([1, 2, "tie", "both_bad"]))
            if isinstance(ahead, Assignment) and chance.random() < 0.3:
                assignment.give_back(ahead.public_id, by=evaluator, state="released", at=clock.now())
            elif isinstance(ahead, Assignment) and chance.random() < 0.5:
                assignment.activate(ahead.public_id, by=evaluator, at=clock.now())
            if chance.random() < 0.3:
                # Too late where its time is short, or a worker has made it final.
                with suppress(Conflict):
                    judging.undo(judgment.public_id, by=evaluator, at=clock.now())
        return "asked in vain"

    return judging_on


def watches(campaign: Campaign):
    """Looks again and again until every slot is done; the most judgments that stood for one task."""

    def watching() -> int:
        most, standing = 0, Q(judgments__state__in=["provisional", "final"])
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            counted = campaign.tasks.annotate(n=Count("judgments", filter=standing))
            most = max(most, counted.aggregate(most=Max("n"))["most"])
            if not campaign.slots.exclude(state=SlotState.DONE).exists():
                break
        return most

    return watching


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_overlap_is_never_exceeded_whatever_evaluators_do(
    transactional_db, owner, platform, custodian, seed
):
    campaign = factory.open_campaign(
        owner=owner,
        platform=platform,
        custodian=custodian,
        examples=40,
        suite=factory.suite(items=20, overlap=3),
    )
    names = [f"evaluator{number}" for number in range(6)]
    for name in names:
        signed(person(name, Role.EVALUATOR))
    acts = [judges_untidily(name, seed * 100 + number) for number, name in enumerate(names)]
    most, *told = together(watches(campaign), *acts)
    assert told == ["all_done"] * 6
    assert most == 3
    judged = list(Judgment.objects.exclude(state="undone").values_list("task", "evaluator"))
    assert len(judged) == len(set(judged)) == 60
    assert set(Counter(task for task, _ in judged).values()) == {3}
    assert Judgment.objects.filter(state="undone").exists()
    assert not Assignment.objects.filter(querysets.HELD).exists()


# ── Adaptive ─────────────────────────────────────────────────────────────────────────────────────────


def adaptive_campaign(lead: User, tasks: int) -> Campaign:
    campaign = opening.open_stand_alone(
        name="Adaptive",
        overlap=overlap.Adaptive(min=2, max=4, calibration_share=0.2),
        due_at=None,
        by=lead,
        at=clock.now(),
    )
    lines = (line(number) for number in range(tasks))
    opening.add_items(campaign.pk, read_items(lines), by=lead, at=clock.now())
    return campaign


def works_on(campaign: Campaign):
    """What a worker does each minute, without a pause, until every task is decided and judged."""

    def working() -> str:
        owed = campaign.slots.exclude(state=SlotState.DONE)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            jobs.settle_judgments()
            jobs.extend_overlap()
            if not (owed.exists() or querysets.undecided_tasks().exists()):
                return "decided"
        return "worked in vain"

    return working


def test_adaptive_overlap_never_exceeds_its_maximum_and_ends(transactional_db, lead, settings):
    settings.REVIEW_UNDO_SECONDS = 1
    campaign = adaptive_campaign(lead, tasks=12)
    names = [f"evaluator{number}" for number in range(5)]
    for name in names:
        signed(person(name, Role.EVALUATOR))
    acts = [judges_untidily(name, number) for number, name in enumerate(names)]
    first, second, *told = together(works_on(campaign), works_on(campaign), *acts)
    assert (first, second) == ("decided", "decided")
    assert told == ["all_done"] * 5
    standing = querysets.standing_judgments().filter(campaign=campaign)
    counts = Counter(standing.values_list("task", flat=True))
    assert len(counts) == 12
    assert set(counts.values()) <= {2, 3, 4}
    for task in campaign.tasks.all():
        assert counts[task.pk] == task.slots.count()
        assert task.is_calibration == (task.settled_at is None)
        assert counts[task.pk] == 4 or (not task.is_calibration and task.certainty >= campaign.confidence)


def test_workers_who_look_together_add_one_slot_to_each_task(transactional_db, lead, both):
    campaign = adaptive_campaign(lead, tasks=30)
    disputed = campaign.tasks.filter(is_calibration=False)
    for number, evaluator in enumerate(both):
        factory.judge_everything(
            [evaluator], lambda shown, place=number + 1: place if shown.slot.first_on_slot_1 else 3 - place
        )
    jobs.settle_judgments()
    added = together(*[lambda: overlap.extend(campaign.pk, at=clock.now())] * 6)
    assert sorted(added) == [0] * 5 + [disputed.count()]
    assert set(disputed.annotate(n=Count("slots")).values_list("n", flat=True)) == {3}

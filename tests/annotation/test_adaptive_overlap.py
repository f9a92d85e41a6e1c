"""Further people are asked where people disagree, and no figure knows it."""

import itertools
import random
from dataclasses import asdict

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from annotation import campaigns, jobs, opening, overlap, querysets, queue
from annotation.agreement import figures
from annotation.blinding.sides import Placing
from annotation.items import read_items
from annotation.models import Campaign, Judgment, Slot, SlotState
from evaltrack import clock
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Conflict, Refused
from evaltrack.ledger.models import LedgerEntry
from tests.accounts.callers import bearer, signed_in
from tests.annotation.test_stand_alone import line
from tests.conftest import person, signed
from tests.factories import annotation as factory

RULE = {"min": 2, "max": 4, "confidence": 0.95, "calibration_share": 0.0}


def opened(lead, *, tasks=8, **changes):
    rule = overlap.Adaptive(**RULE | changes)
    campaign = opening.open_stand_alone(name="Adaptive", overlap=rule, due_at=None, by=lead, at=clock.now())
    lines = (line(number) for number in range(tasks))
    opening.add_items(campaign.pk, read_items(lines), by=lead, at=clock.now())
    campaign.refresh_from_db()
    return campaign


def work():
    """What workers do every minute."""
    jobs.settle_judgments()
    jobs.extend_overlap()


def prefers_first_response(shown):
    return 1 if shown.slot.places == "01" else 2


def disputes(*items):
    """Prefers the first response, but the second of these items."""

    def prefer(shown):
        place = prefers_first_response(shown)
        return 3 - place if shown.task.item in items else place

    return prefer


@pytest.fixture
def disputed(lead, both):
    """Eight tasks that two people have judged; they disagree on item 3 alone."""
    campaign = opened(lead)
    factory.judge_everything(both[:1], prefers_first_response)
    factory.judge_everything(both[1:], disputes("item 3"))
    return campaign


def task_of(campaign, item="item 3"):
    return campaign.tasks.get(item=item)


def test_one_more_is_asked_where_people_disagree_and_the_rest_is_settled(disputed):
    work()
    task = task_of(disputed)
    assert (task.settled_at, task.certainty) == (None, None)
    first, second, third = task.slots.order_by("ordinal")
    assert (third.ordinal, third.state, third.due_at) == (2, SlotState.OPEN, first.due_at)
    assert (first.places, third.places) == (
        second.places[::-1],
        first.places,
    )
    assert third.order_key == Placing(overlap=2, seed=disputed.seed).order(task.key, 2)
    others = disputed.tasks.exclude(pk=task.pk)
    assert not others.filter(settled_at=None).exists()
    assert Slot.objects.filter(task__in=others).count() == 14


def test_looking_again_adds_nothing(disputed):
    for _ in range(3):
        work()
    assert task_of(disputed).slots.count() == 3


def test_it_ends_when_sure_or_at_the_most(disputed, evaluator_three):
    work()
    factory.judge_everything([evaluator_three], lambda shown: "tie")
    work()
    factory.judge_everything([signed(person("evaluator_four", Role.EVALUATOR))], lambda shown: "both_bad")
    work()
    task = task_of(disputed)
    assert task.slots.count() == 4
    assert task.certainty < disputed.confidence
    found = overlap.progress(disputed)
    assert (found.settled, found.unsure, found.open) == (7, 1, 0)
    # Seven tasks took two judgments in place of four.
    assert (found.judgments_saved, found.judgments_at_max) == (14, 32)


def test_nobody_is_asked_while_a_judgment_can_be_undone(lead, both):
    campaign = opened(lead, tasks=1)
    for evaluator, place in zip(both, (1, 1), strict=True):
        factory.judge(factory.next_for(evaluator), place)  # sides alternate: they disagree
    work()
    assert campaign.slots.count() == 2
    factory.the_minute_passes()
    work()
    assert campaign.slots.count() == 3


def test_a_paused_campaign_asks_nobody_further_until_it_is_resumed(disputed, lead):
    campaigns.pause(disputed.pk, by=lead, reason="The rubric is unclear.", at=clock.now())
    work()
    assert overlap.extend(disputed.pk, at=clock.now()) == 0
    assert disputed.slots.count() == 16
    campaigns.resume(disputed.pk, by=lead, at=clock.now())
    work()
    assert disputed.slots.count() == 17


def test_the_calibration_slice_is_drawn_and_always_asked_of_the_most(lead, both):
    campaign = opened(lead, tasks=200, calibration_share=0.3)
    chosen = campaign.tasks.filter(is_calibration=True)
    assert 35 <= chosen.count() <= 85  # four standard deviations around 60
    assert Slot.objects.filter(task__in=chosen).count() == 4 * chosen.count()
    assert campaign.slots.count() == 4 * chosen.count() + 2 * (200 - chosen.count())
    drawn = Placing(overlap=2, seed=campaign.seed)
    assert set(chosen) == {task for task in campaign.tasks.all() if drawn.is_calibration(task.key, 0.3)}


def test_calibration_is_never_stopped_early(lead, both):
    campaign = opened(lead, tasks=4, calibration_share=1.0)
    factory.judge_everything(both, prefers_first_response)
    work()
    assert campaign.slots.filter(state=SlotState.OPEN).count() == 8
    assert not campaign.tasks.exclude(settled_at=None).exists()


# ── What it must not touch ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("seed", [1, 2])
def test_every_figure_is_the_same_as_with_fixed_overlap(lead, both, monkeypatch, seed):
    """A simulation: people of whom each errs in a third of the cases."""
    monkeypatch.setattr(opening, "new_seed", lambda: f"seed {seed}")
    campaign = opened(lead, tasks=40, calibration_share=0.1)
    chance = random.Random(seed)

    def errs(shown):
        return prefers_first_response(shown) if chance.random() < 0.67 else chance.choice([1, 2, "tie"])

    # Everybody does their share, so that first slots are not two people's alone.
    people = [*both, *(signed(person(f"more{number}", Role.EVALUATOR)) for number in range(4))]
    first = campaign.slots.filter(ordinal__lt=2)
    while first.exclude(state=SlotState.DONE).exists():
        for evaluator in people:
            if shown := factory.next_for(evaluator):
                factory.judge(shown, errs(shown))
    factory.the_minute_passes()
    jobs.settle_judgments()
    chosen = Judgment.objects.filter(state="final", slot__in=first)
    assert chosen.count() == 80
    before = figures.of(campaign, at=clock.now())
    assert before.n_judgments == 80
    for _ in range(6):
        work()
        factory.judge_everything(people, errs)
    work()
    assert not querysets.undecided_tasks().exists()
    after = figures.of(campaign, at=clock.now())
    assert asdict(after) == asdict(before)
    assert Judgment.objects.filter(slot__ordinal__gte=2, task__is_calibration=False).count() > 10


# ── The queue ────────────────────────────────────────────────────────────────────────────────────────


def test_all_done_is_said_only_when_nothing_can_come_any_more(disputed, both, evaluator_three):
    told = queue.claim_next(evaluator_three, at=clock.now())
    assert (told.reason, told.retry_after_s) == ("leased_elsewhere", queue.RETRY_SECONDS)
    assert told.detail == "A further judgment of some tasks may be asked for; look again later."
    # Who has judged every task is asked no more, whatever is added.
    assert queue.claim_next(both[0], at=clock.now()).reason == "all_done"
    work()
    factory.judge_everything([evaluator_three], prefers_first_response)
    work()
    work()
    while task_of(disputed).settled_at is None:
        factory.judge_everything([signed(person("four", Role.EVALUATOR))], prefers_first_response)
        work()
    assert queue.claim_next(evaluator_three, at=clock.now()).reason == "all_done"


@pytest.mark.parametrize("statement", range(7))
def test_all_done_is_not_said_while_a_worker_adds_the_last_slot(lead, both, evaluator_three, statement):
    """Whichever statement of the answer the worker comes before."""
    opened(lead, max=3)
    factory.judge_everything(both[:1], prefers_first_response)
    factory.judge_everything(both[1:], disputes("item 3"))
    jobs.settle_judgments()
    seen = itertools.count()

    def adding(execute, *call):
        if next(seen) == statement:
            overlap.extend(Campaign.objects.get().pk, at=clock.now())
        return execute(*call)

    with connection.execute_wrapper(adding):
        told = queue.why_nothing(evaluator_three, None, at=clock.now())
    assert told.reason == "leased_elsewhere"


def test_a_campaign_closes_without_the_judgments_that_were_added(disputed, lead):
    work()
    campaigns.close(disputed.pk, by=lead, at=clock.now())
    assert task_of(disputed).slots.get(ordinal=2).state == SlotState.WITHDRAWN
    facts = LedgerEntry.objects.get(event="campaign_closed").content["facts"]
    assert (facts["settled"], facts["unsettled"]) == (7, 1)
    work()
    assert disputed.slots.count() == 17


def test_a_campaign_does_not_close_without_its_first_or_calibration_judgments(lead, both):
    campaign = opened(lead, tasks=2, calibration_share=1.0)
    factory.judge_everything(both, prefers_first_response)
    with pytest.raises(Refused, match="4 judgments are still missing"):
        campaigns.close(campaign.pk, by=lead, at=clock.now())


def test_a_disputed_task_does_not_leave_the_figures_because_its_further_slot_was_skipped(
    disputed, lead, evaluator_three
):
    work()
    shown = factory.next_for(evaluator_three)
    answer = bearer(evaluator_three, Permission.JUDGE).post(
        f"/api/v1/assignments/{shown.public_id}/skip", {"reason": "x"}, content_type="application/json"
    )
    assert answer.status_code == 200, answer.content
    assert not querysets.skips_without_judgments(disputed).exists()
    with pytest.raises(Conflict, match="misses no judgment"):
        campaigns.exclude_task(shown.task_id, by=lead, reason="Nobody judges it.", at=clock.now())
    assert figures.of(disputed, at=clock.now()).n_judgments == 16


def test_a_pass_costs_what_changed(lead, both):
    def statements(tasks):
        campaign = opened(lead, tasks=tasks)
        factory.judge_everything(both, prefers_first_response)
        jobs.settle_judgments()
        at = clock.now()
        with CaptureQueriesContext(connection) as looked:
            overlap.extend(campaign.pk, at=at)
        with CaptureQueriesContext(connection) as idle:
            overlap.extend(campaign.pk, at=at)
        return len(looked), len(idle)

    few, many = statements(4), statements(14)
    assert few == many
    assert few[1] == 3  # the campaign, whether there is news, and that it was looked at


# ── API and page ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def client(lead):
    return bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)


def post(client, rule):
    body = {"name": "Adaptive", "protocol": "pairwise", "overlap": rule}
    return client.post("/api/v1/campaigns", body, content_type="application/json")


def test_the_rule_comes_back_as_it_was_given_with_the_usual_filled_in(client):
    answer = post(client, {"max": 6})
    assert answer.status_code == 201, answer.content
    usual = {"min": 2, "max": 6, "confidence": 0.95, "calibration_share": 0.1}
    assert answer.json()["overlap"] == usual
    got = client.get(f"/api/v1/campaigns/{answer.json()['id']}").json()
    assert got["overlap"] == usual
    assert "up to 6, while its label is less than 95% sure" in got["overlap_rule"]
    assert got["adaptive"]["open"] == 0
    opened = LedgerEntry.objects.get(event="campaign_opened").content["facts"]
    assert (opened["overlap"], opened["max_overlap"], opened["confidence"]) == (2, 6, 0.95)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({}, "overlap.max"),
        ({"max": "many"}, "overlap.max"),
        ({"max": 2}, "overlap.max"),
        ({"max": 21}, "overlap.max"),
        ({"min": 1, "max": 3}, "overlap.min"),
        ({"max": 6, "confidence": 1}, "overlap.confidence"),
        ({"max": 6, "confidence": 0.5}, "overlap.confidence"),
        ({"max": 6, "calibration_share": 1.1}, "overlap.calibration_share"),
        ({"max": 6, "colour": "blue"}, "overlap.colour"),
        ("many", "overlap"),
        ([2, 6], "overlap"),
        (None, "overlap"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_and_located(client, rule, field):
    answer = post(client, rule)
    assert (answer.status_code, set(answer.json().get("fields", {}))) == (400, {field}), answer.content
    assert not Campaign.objects.exists()


def test_the_page_says_how_far_it_is(disputed, lead):
    work()
    page = signed_in(lead).get(disputed.get_absolute_url()).content.decode()
    assert "2 evaluators per item, and one more at a time, up to 4" in page
    assert "7 settled, 1 still open" in page
    assert "14 of the 28 judgments" in page


@pytest.mark.parametrize(
    "change", [{"max_overlap": 2}, {"confidence": None}, {"calibration_share": 2}, {"max_overlap": None}]
)
def test_the_database_keeps_the_rule_whole(lead, change):
    campaign = opened(lead, tasks=1)
    with pytest.raises(IntegrityError):
        Campaign.objects.filter(pk=campaign.pk).update(**change)


def test_an_experiments_campaign_stays_fixed(campaign):
    with pytest.raises(IntegrityError):
        Campaign.objects.filter(pk=campaign.pk).update(max_overlap=4, confidence=0.95, calibration_share=0.1)

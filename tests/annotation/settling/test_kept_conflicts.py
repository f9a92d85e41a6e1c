"""Conflicts of a large campaign are kept by a worker, and given as if all judgments were read at each claim."""

import pytest

from annotation import campaigns, jobs, revision
from annotation.models import Slot, Task, WaitingConflict
from annotation.settling import conflicts, hearings, kept_conflicts
from evaltrack import clock
from evaltrack.accounts.roles import Role
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import settling
from tests.query_growth import no_query_growth

POINTS = [(1, 2), (1, 4), (2, 2), (1, 5), (3, 4), (2, 5), (1, 3)]
APART = {1, 3, 5, 6}  # by two points or more


@pytest.fixture(autouse=True)
def _every_campaign_is_large(monkeypatch):
    monkeypatch.setattr(conflicts, "COMPARED_UP_TO", 1)


def a_minute():
    factory.the_minute_passes()
    jobs.settle_judgments()
    jobs.keep_conflicts()


def rated(lead, both, points=POINTS):
    """Its tasks in the order in which they were added, each rated by both."""
    campaign = factory.stand_alone("rating", lead=lead, items=len(points))
    tasks = list(campaign.tasks.order_by("pk"))
    said = {task.pk: given for task, given in zip(tasks, points, strict=True)}
    for number, evaluator in enumerate(both):
        while shown := factory.next_for(evaluator):
            factory.judge(shown, rating=said[shown.task_id][number])
    a_minute()
    campaign.refresh_from_db()
    assert kept_conflicts.are_kept(campaign)
    return campaign, [task.pk for task in tasks]


def all_by_reading(campaign, monkeypatch):
    with monkeypatch.context() as small:
        small.setattr(conflicts, "COMPARED_UP_TO", 2_000)
        return [each.task for each in conflicts.waiting(campaign, at=clock.now())]


@pytest.mark.parametrize("protocol", list(factory.USUAL))
def test_of_every_protocol_the_same_conflicts_are_kept_in_the_same_order_as_by_reading_all(
    protocol, lead, both, monkeypatch
):
    campaign = factory.stand_alone(protocol, lead=lead, items=6)
    settling.disagree(campaign, *both)
    a_minute()
    by_reading = all_by_reading(campaign, monkeypatch)
    assert len(by_reading) == 6
    assert list(kept_conflicts.in_order(campaign).values_list("task", flat=True)) == by_reading


def test_all_are_settled_the_lowest_agreement_of_the_whole_campaign_first(lead, both, senior, monkeypatch):
    campaign, tasks = rated(lead, both)
    expected = all_by_reading(campaign, monkeypatch)
    assert set(expected) == {tasks[number] for number in APART}
    given = []
    while shown := settling.next_conflict(senior):
        given.append(shown.task_id)
        settling.settle(shown)
    assert given == expected
    assert not WaitingConflict.objects.exists()
    assert settling.why_none(senior) == "all_done"
    a_minute()  # looks at the same judgments again
    assert not WaitingConflict.objects.exists()


def test_what_is_no_conflict_any_more_is_given_to_nobody(lead, both, senior):
    """Kept a minute ago, and left out since by whatever way: the claim looks itself."""
    campaign, _ = rated(lead, both, [(1, 5), (1, 4)])
    first = kept_conflicts.in_order(campaign).first().task
    Task.objects.filter(pk=first.pk).update(
        excluded_at=clock.now(), excluded_by=lead, exclusion_reason="It names a system."
    )
    shown = settling.next_conflict(senior)
    assert shown
    assert shown.task_id != first.pk
    assert list(kept_conflicts.in_order(campaign).values_list("task", flat=True)) == [shown.task_id]


def test_one_that_is_given_back_comes_again_and_one_that_somebody_has_is_not_given_twice(lead, both, senior):
    rated(lead, both, [(1, 5), (3, 3)])
    shown = settling.next_conflict(senior)
    other = settling.senior(signed(person("other-senior", Role.EVALUATOR)), lead=lead)
    assert settling.why_none(other) == "leased_elsewhere"
    hearings.release(shown.public_id, by=senior, at=clock.now())
    assert settling.next_conflict(other).task_id == shown.task_id


def test_whoever_judged_an_item_is_told_so(lead, both):
    rated(lead, both, [(1, 5), (3, 3)])
    settling.senior(both[0], lead=lead)
    assert settling.why_none(both[0]) == "own_judgment"


def test_what_is_asked_again_waits_no_more(lead, both, senior):
    _, tasks = rated(lead, both)
    revision.supersede_adjudications(tasks, at=clock.now())
    assert not WaitingConflict.objects.exists()


def test_news_about_an_item_is_found_the_next_minute(lead, both, senior):
    campaign = factory.stand_alone("rating", lead=lead, items=2)
    first, second = both
    while shown := factory.next_for(first):
        factory.judge(shown, rating=1)
    a_minute()
    assert settling.why_none(senior) == "all_done"
    factory.judge(factory.next_for(second), rating=5)
    a_minute()
    assert WaitingConflict.objects.filter(campaign=campaign).count() == 1
    assert settling.next_conflict(senior)


def test_items_of_which_a_judgment_will_not_come_are_found_when_the_campaign_is_closed(lead, both, senior):
    """Two of three have judged: only when the third slot is withdrawn has everybody said what is asked for."""
    campaign = factory.stand_alone("rating", lead=lead, items=2, overlap=3)
    settling.disagree(campaign, *both)
    a_minute()
    assert not WaitingConflict.objects.exists()
    Slot.objects.filter(campaign=campaign, state="open").update(state="withdrawn")
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    a_minute()
    assert WaitingConflict.objects.filter(campaign=campaign).count() == 2
    assert not kept_conflicts.to_look_at().exists()


def test_a_claim_asks_no_more_where_more_conflicts_wait(lead, both, senior):
    def ask():
        found = settling.next_conflict(senior)
        hearings.release(found.public_id, by=senior, at=clock.now())

    campaign, _ = rated(lead, both, [(1, 5), (3, 3)])

    def add(number):
        factory.add_answers(campaign, "a", lead=lead, items=1, item=f"more-{number}")
        settling.disagree(campaign, *both)
        a_minute()

    no_query_growth(ask, add, rows=4)

"""Leads hear of disagreement while they can do something about it, once, and not because somebody looked often."""

import random

import pytest

from annotation import revision
from annotation.agreement import reliability
from annotation.jobs import roll_up_agreement
from evaltrack import clock
from evaltrack.notifications.models import Notification
from tests.factories import annotation as factory


@pytest.fixture
def sixty(lead):
    return factory.stand_alone("pairwise", lead=lead, items=60, overlap=2)


def judged(evaluators, say):
    """Each item as `say` has it for the first and the second evaluator, in terms of the first response."""
    for place, evaluator in enumerate(evaluators):
        while shown := factory.next_for(evaluator):
            first = shown.slot.places.index("0") + 1
            choice = say(shown.task.item, place)
            factory.judge(shown, first if choice == "first" else 3 - first)
    factory.the_minute_passes()


def told():
    return list(Notification.objects.filter(dedupe_key__startswith="people-disagree").order_by("pk"))


def mostly_apart(item, place):
    chance = random.Random(item)
    one, apart = chance.choice(["first", "second"]), chance.random() < 0.7
    return one if place == 0 or not apart else {"first": "second", "second": "first"}[one]


def test_leads_are_told_once_where_the_whole_interval_lies_below_the_floor(sixty, lead, both):
    judged(both, mostly_apart)
    roll_up_agreement()
    (message,) = told()
    assert message.recipient == lead
    assert "the floor is 0.4" in message.body
    assert reliability.look(sixty.pk, at=clock.now())
    assert len(told()) == 1
    revision.revise(
        sixty.pk,
        rubric={"question": "Which solves it?", "guidance": "Solve it."},
        asks_again=False,
        by=lead,
        reason="It was read in two ways.",
        at=clock.now(),
    )
    reliability.look(sixty.pk, at=clock.now())
    assert len(told()) == 2


def test_nobody_is_told_where_people_agree_or_too_little_is_known(sixty, both, lead):
    few = factory.stand_alone("pairwise", lead=lead, items=8, overlap=2)
    judged(both, lambda item, place: random.Random(item).choice(["first", "second"]))
    roll_up_agreement()
    assert not reliability.look(few.pk, at=clock.now())
    assert told() == []


def test_other_protocols_have_no_such_interval(lead):
    ratings = factory.stand_alone("rating", lead=lead)
    assert not reliability.look(ratings.pk, at=clock.now())

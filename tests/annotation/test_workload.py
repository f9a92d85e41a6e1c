"""A limit on the work of a day: it holds whatever one does, and the day is that of the evaluator's time zone."""

import datetime as dt
import random
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from annotation import assignment, judging, queue
from annotation.models import Assignment, Judgment
from annotation.queue import NothingToDo, claim_next
from evaltrack import clock
from evaltrack.accounts import hours
from evaltrack.accounts.models import Profile, User
from evaltrack.accounts.profiles import Limit
from tests.accounts.callers import signed_in
from tests.annotation.together import together
from tests.factories import annotation as factory
from tests.factories import people, stand_alone


def ask(evaluator, *, at=None, prefetch=False, campaign=None):
    evaluator = User.objects.get(pk=evaluator.pk)
    return claim_next(evaluator, at=at or clock.now(), prefetch=prefetch, campaign=campaign)


def standing(evaluator):
    return evaluator.judgments.filter(state__in=["provisional", "final"]).count()


@pytest.fixture
def campaign(lead):
    return stand_alone.campaign(lead, items=8)


def test_after_the_last_of_the_day_nothing_more_comes_and_the_reason_says_until_when(
    campaign, evaluator_one, lead
):
    people.declares(evaluator_one, time_zone="Asia/Tokyo")
    people.limited(evaluator_one, lead, judgments=2)
    at = clock.now()
    for _ in range(2):
        factory.judge(ask(evaluator_one))
    found = ask(evaluator_one, at=at)
    assert found.reason == "workload_cap"
    tomorrow = hours.day_of(at, "Asia/Tokyo")[1]
    assert tomorrow.astimezone(ZoneInfo("Asia/Tokyo")).hour == 0
    assert 0 <= found.retry_after_s - (tomorrow - at).total_seconds() < 1
    assert "your limit is 2 judgments a day" in found.detail
    assert "at 00:00 (Asia/Tokyo)" in found.detail
    assert "your own limit" not in found.detail
    assert isinstance(ask(evaluator_one, at=at + dt.timedelta(seconds=found.retry_after_s)), Assignment)


@pytest.mark.parametrize(("zone", "is_today"), [("Pacific/Kiritimati", False), ("Pacific/Pago_Pago", True)])
def test_the_day_is_that_of_the_evaluators_time_zone(campaign, evaluator_one, zone, is_today):
    """Between 9:30 and 10:30 UTC the day turns on Kiritimati, 14 hours ahead, and not on Pago Pago, 11 behind."""
    people.declares(evaluator_one, time_zone=zone, limit=Limit(judgments=1))
    judgment = factory.judge(ask(evaluator_one))
    then = dt.datetime(2026, 6, 10, 9, 30, tzinfo=dt.UTC)
    Judgment.objects.filter(pk=judgment.pk).update(submitted_at=then)
    found = ask(evaluator_one, at=then + dt.timedelta(hours=1))
    assert (isinstance(found, NothingToDo) and found.reason == "workload_cap") == is_today


def test_the_lower_limit_holds_and_an_own_one_can_be_changed(campaign, evaluator_one, lead):
    people.declares(evaluator_one, limit=Limit(judgments=1))
    people.limited(evaluator_one, lead, judgments=5)
    factory.judge(ask(evaluator_one))
    assert "It is your own limit; you can change it" in ask(evaluator_one).detail
    people.declares(evaluator_one, limit=Limit(minutes=60))
    people.limited(evaluator_one, lead, judgments=1)
    # One wish of one's own is lower than the lead's, but it is the lead's limit that is reached.
    assert "your own" not in ask(evaluator_one).detail
    people.limited(evaluator_one, lead, judgments=5)
    people.declares(evaluator_one)
    assert isinstance(ask(evaluator_one), Assignment)


def test_what_is_undone_does_not_count_and_what_is_on_the_screen_does(campaign, evaluator_one, lead):
    evaluator = people.limited(evaluator_one, lead, judgments=1)
    judgment = factory.judge(ask(evaluator))
    assert ask(evaluator).reason == "workload_cap"
    again = judging.undo(judgment.public_id, by=evaluator, at=clock.now())
    assert ask(evaluator) == again
    assert ask(evaluator, prefetch=True).reason == "workload_cap"
    assignment.give_back(again.public_id, by=evaluator, state="skipped", at=clock.now())
    assert isinstance(ask(evaluator), Assignment)


def test_what_is_fetched_ahead_counts(campaign, evaluator_one, lead):
    evaluator = people.limited(evaluator_one, lead, judgments=2)
    shown, ahead = ask(evaluator), ask(evaluator, prefetch=True)
    assert isinstance(ahead, Assignment)
    factory.judge(shown)
    assert ask(evaluator) == ahead
    assert ask(evaluator, prefetch=True).reason == "workload_cap"


def test_a_limit_that_is_set_meanwhile_lets_what_is_on_the_screen_be_finished(campaign, evaluator_one, lead):
    factory.judge(ask(evaluator_one))
    shown = ask(evaluator_one)
    people.limited(evaluator_one, lead, judgments=1)
    factory.judge(shown)
    assert standing(evaluator_one) == 2
    assert ask(evaluator_one).reason == "workload_cap"


def test_minutes_of_active_work_count(campaign, evaluator_one, lead):
    """Where the browser did not tell them, the time on the screen does, and at most five minutes of it."""
    people.limited(evaluator_one, lead, minutes=7)
    for told, on_screen, is_enough in [(119_000, 900_000, False), (None, 1_000, False), (None, 9**9, True)]:
        judgment = factory.judge(ask(evaluator_one))
        Judgment.objects.filter(pk=judgment.pk).update(active_ms=told, wall_ms=on_screen)
        assert isinstance(ask(evaluator_one), NothingToDo) == is_enough
    found = ask(evaluator_one)
    assert found.reason == "workload_cap"
    assert "your limit is 7 minutes of work a day" in found.detail


def test_where_nothing_is_left_anyway_that_is_the_reason(lead, evaluator_one):
    stand_alone.campaign(lead, items=1)
    people.limited(evaluator_one, lead, judgments=1)
    factory.judge(ask(evaluator_one))
    assert ask(evaluator_one).reason == "all_done"


def test_the_screen_says_enough_and_does_not_count_the_seconds_until_tomorrow(campaign, evaluator_one, lead):
    people.limited(evaluator_one, lead, judgments=1)
    factory.judge(ask(evaluator_one))
    client = signed_in(evaluator_one)
    card = client.post("/queue/next/", headers={"X-Judge": "card"}).content.decode()
    assert "Enough for today" in card
    assert 'data-nothing="workload_cap" data-retry-s=' in card
    assert "looks again by itself" not in card
    page = client.post("/queue/next/", follow=True).content.decode()
    assert "That is enough for today" in page


def test_a_limit_of_nothing_is_impossible(evaluator_one, lead):
    people.limited(evaluator_one, lead, judgments=3)
    for field in ("judgments_per_day", "own_minutes_per_day"):
        with pytest.raises(IntegrityError, match="profile_limits_allow_something"), transaction.atomic():
            Profile.objects.update(**{field: F("judgments_per_day") - 3})


# ── At the same moment ───────────────────────────────────────────────────────────────────────────────


def window(username, campaigns, seed):
    """A window that claims, fetches ahead, judges, skips and takes back at random, and watches the limit."""
    chance = random.Random(seed)

    def working():
        most = 0
        for _ in range(60):
            evaluator = User.objects.get(username=username)
            row = chance.choice(campaigns)
            try:
                found = queue.claim_next(
                    evaluator, at=clock.now(), campaign=row.public_id, prefetch=chance.random() < 0.5
                )
                if isinstance(found, Assignment):
                    act(evaluator, found, chance)
            except Exception as error:
                if getattr(error, "status", 500) >= 500:
                    raise
            most = max(most, standing(evaluator))
        return most

    return working


def act(evaluator, found, chance):
    what = chance.random()
    if found.shown_at is None:
        if what < 0.4:
            assignment.activate(found.public_id, by=evaluator, at=clock.now())
        return
    if what < 0.15:
        assignment.give_back(found.public_id, by=evaluator, state="skipped", at=clock.now())
    elif what < 0.3:
        assignment.give_back(found.public_id, by=evaluator, state="released", at=clock.now())
    else:
        judgment = factory.judge(found)
        if what < 0.5:
            judging.undo(judgment.public_id, by=evaluator, at=clock.now())


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_limit_holds_in_many_windows_at_once(transactional_db, lead, evaluator_one, seed):
    """Three campaigns, so that no constraint on one task shown and one fetched ahead in each holds it back."""
    campaigns = [stand_alone.campaign(lead, items=30, name=f"Campaign {n}") for n in range(3)]
    people.limited(evaluator_one, lead, judgments=5)
    most = together(*(window("evaluator_one", campaigns, seed * 10 + n) for n in range(4)))
    assert all(isinstance(each, int) for each in most), most
    assert max(most) <= 5
    assert standing(evaluator_one) == 5


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_claim_the_last_of_the_day_at_once_get_one(transactional_db, lead, evaluator_one):
    campaigns = [stand_alone.campaign(lead, items=4, name=f"Campaign {n}") for n in range(4)]
    people.limited(evaluator_one, lead, judgments=1)
    for _ in range(10):
        claims = [
            lambda row=row, prefetch=prefetch: ask(evaluator_one, campaign=row.public_id, prefetch=prefetch)
            for row in campaigns
            for prefetch in (False, True)
        ]
        found = together(*claims)
        given = {each.pk for each in found if isinstance(each, Assignment)}
        told = {getattr(each, "reason", "") for each in found if not isinstance(each, Assignment)}
        assert len(given) == 1, found
        assert told == {"workload_cap"}
        assignment.give_back(
            Assignment.objects.get(pk=given.pop()).public_id,
            by=evaluator_one,
            state="released",
            at=clock.now(),
        )

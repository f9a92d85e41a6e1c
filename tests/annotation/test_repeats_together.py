"""Two windows, two evaluators and a lead at the moment at which somebody is asked for the second time; PostgreSQL."""

import datetime as dt
import threading

import pytest
from django.db import transaction
from django.db.models import F

from annotation import campaigns, queue, repeats, revision
from annotation.models import Assignment, Campaign, Judgment, Slot
from annotation.models.task import FIRST_REPEAT
from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict
from tests.annotation.test_repeats_apart import asked_twice, days_pass, judged
from tests.annotation.together import PATIENCE_S, together
from tests.factories import annotation as factory

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def campaign(transactional_db, lead, evaluator_one, monkeypatch):
    """Twelve items; of what the first evaluator judged two days ago one is to come again now."""
    made = asked_twice(factory.stand_alone("pairwise", lead=lead, items=12))
    judged(evaluator_one, 4)
    days_pass(made)
    # Each claim is a turn, whatever is drawn.
    monkeypatch.setattr(repeats, "is_turn", lambda campaign: True)
    return made


def claims(username, **given):
    return lambda: queue.claim_next(User.objects.get(username=username), at=clock.now(), **given)


def second_times(campaign):
    return Slot.objects.filter(campaign=campaign, ordinal__gte=FIRST_REPEAT)


def test_many_windows_get_one_and_the_same(campaign, evaluator_one):
    found = together(*[claims("evaluator_one")] * 6)
    assert len({each.pk for each in found}) == 1
    # One of them may have found the campaign taken by another, and been quicker with something else.
    assert second_times(campaign).count() == found[0].slot.is_repeat
    assert campaign.slots.filter(state="held").count() == 1


def test_what_is_fetched_ahead_meanwhile_is_another_task(campaign, evaluator_one):
    shown, ahead = together(claims("evaluator_one"), claims("evaluator_one", prefetch=True))
    assert shown.task_id != ahead.task_id or shown.pk == ahead.pk
    held = Assignment.objects.filter(evaluator=evaluator_one, ended_at=None)
    assert held.values("task").distinct().count() == held.count()
    assert second_times(campaign).count() == held.filter(slot__ordinal__gte=FIRST_REPEAT).count()


def test_while_a_lead_has_the_campaign_nobody_begins_a_second_time(campaign, evaluator_one):
    """Closing withdraws the slots that there are. A further one would be judged after the root."""
    claimed = threading.Event()
    with transaction.atomic():
        campaigns.locked(campaign.pk)
        (found,) = together(claims("evaluator_one"))
        claimed.set()
    assert claimed.wait(PATIENCE_S)
    assert not found.slot.is_repeat
    assert not second_times(campaign).exists()


def test_people_who_judge_while_the_rubric_is_revised_and_asked_again_reach_the_end(
    campaign, evaluator_one, evaluator_two, lead
):
    """Each judges until nothing is left, twice over; nobody waits for anybody for ever, and it closes."""

    def goes_on(username):
        def judging_on():
            evaluator = User.objects.get(username=username)
            for _ in range(400):
                found = queue.claim_next(evaluator, at=clock.now())
                if isinstance(found, queue.NothingToDo):
                    return found.reason
                version = Campaign.objects.get(pk=campaign.pk).rubric.version
                try:
                    factory.judge(found, 1, rubric_version=version)
                except Conflict as refused:  # the version changed in between
                    if refused.code != "rubric_changed":
                        raise
            return "asked in vain"

        return judging_on

    def revises():
        revision.revise(
            campaign.pk,
            rubric={"question": "Which answer solves the problem?", "guidance": "Solve it."},
            asks_again=True,
            by=User.objects.get(pk=lead.pk),
            reason="It was read in two ways.",
            at=clock.now(),
        )

    told = together(goes_on("evaluator_one"), goes_on("evaluator_two"), revises)
    assert not [each for each in told if isinstance(each, Exception)]
    for _ in range(3):
        Judgment.objects.filter(campaign=campaign, state__in=["provisional", "final"]).update(
            state="final", settled_at=clock.now(), submitted_at=F("submitted_at") - dt.timedelta(hours=49)
        )
        assert "asked in vain" not in together(goes_on("evaluator_one"), goes_on("evaluator_two"))
    assert campaigns.close(campaign.pk, by=lead, at=clock.now()).status == "closed"
    assert not campaign.slots.filter(state__in=["open", "held"]).exists()
    twice = campaign.judgments.filter(is_repeat=True).values_list("evaluator", "task")
    assert len(twice) == len(set(twice))


def test_the_second_time_is_about_what_was_said(campaign, evaluator_one):
    (found,) = together(claims("evaluator_one"))
    assert repeats.repeatable(campaign, evaluator_one, at=clock.now()).count() == 3
    assert found.task_id in campaign.judgments.filter(evaluator=evaluator_one).values_list("task", flat=True)

"""Gold that good evaluators fail is suspended by rule: once, told once, and seldom by accident."""

import numpy as np
import pytest

from annotation import jobs
from annotation.models import Campaign, Gold
from annotation.quality import evaluators, failing_gold
from annotation.quality.gold_rule import RULE, Failing, as_many, failing
from evaltrack import clock
from evaltrack.notifications.models import Notification
from tests.accounts.callers import signed_in
from tests.annotation.together import together
from tests.factories import quality as panels


def answers(seed, *, raters=6, items=20, overlap=4, right=0.88, wrong_items=(), careless=()):
    """Items, evaluators and whether right; `wrong_items` have a gold answer that good evaluators do not give."""
    rng = np.random.default_rng(seed)
    found = []
    for item in range(items):
        for who in rng.permutation(raters)[:overlap].tolist():
            chance = 0.25 if who in careless else right
            chance = 1 - chance if item in wrong_items else chance
            found.append((item, who, bool(rng.random() < chance)))
    return found


def test_an_item_whose_answer_is_wrong_is_found():
    found = [failing(answers(seed, wrong_items={7}, right=0.95), looks=2) for seed in range(20)]
    assert sum([each.item for each in several] == [7] for several in found) >= 17


def test_a_campaign_of_good_items_loses_one_in_five_percent_at_most():
    lost = [bool(failing(answers(seed), looks=2)) for seed in range(400)]
    assert np.mean(lost) <= 0.05


def test_what_only_careless_evaluators_miss_stays():
    for seed in range(20):
        given = answers(seed, overlap=6, careless=(0, 1, 2))
        missed = [(item, who, right) for item, who, right in given if who in (0, 1, 2) or item != 3]
        assert 3 not in [each.item for each in failing(missed, looks=1)]


def test_two_good_evaluators_are_too_few():
    given = [(item, who, True) for item in range(1, 30) for who in range(2)]
    given += [(0, who, False) for who in range(2)]
    assert failing(given, looks=1) == []
    given += [(item, 2, True) for item in range(1, 30)] + [(0, 2, False)]
    assert [each.item for each in failing(given, looks=1)] == [0]


def test_the_tail_is_that_of_independent_chances():
    assert as_many(2, [0.5, 0.5]) == pytest.approx(0.25)
    assert as_many(1, [0.1, 0.2, 0.3]) == pytest.approx(1 - 0.9 * 0.8 * 0.7)


@pytest.fixture
def panel(lead):
    """Everybody is good, and the gold of one item is wrong."""
    made = panels.judged(
        lead,
        panels.people(5),
        dict.fromkeys(range(5), panels.Way(gold_right=1.0)),
        items=2,
        gold=20,
        overlap=4,
    )
    gold = Gold.objects.get(task__item="item 0007")
    gold.choice = "both_bad"
    gold.save()
    return made


def test_it_is_suspended_once_and_leads_are_told_once(panel, lead):
    jobs.suspend_gold()
    first = Gold.objects.get(suspended_at__isnull=False)
    assert first.task.item == "item 0007"
    assert first.suspended_because.startswith("4 of 4 evaluators")
    jobs.suspend_gold()
    assert Gold.objects.get(suspended_at__isnull=False).suspended_at == first.suspended_at
    told = Notification.objects.get(dedupe_key=f"gold-suspended:{first.task.public_id}")
    assert told.recipient == lead
    assert all(each.measured.gold_right == each.measured.gold_answered for each in now(panel))
    text = signed_in(lead).get(panel.campaign.get_absolute_url()).content.decode()
    assert first.suspended_because in text


def now(panel):
    return evaluators.of(panel.campaign, at=clock.now()).evaluators


@pytest.mark.django_db(transaction=True)
def test_several_workers_at_once_suspend_and_tell_once(panel):
    found = together(*[lambda: failing_gold.suspend(panel.campaign, at=clock.now())] * 4)
    assert sum(found) == 1
    assert Notification.objects.filter(dedupe_key__startswith="gold-suspended").count() == 1


def test_what_a_lead_corrected_meanwhile_stays(panel):
    assert failing_gold.campaigns() == [panel.campaign]
    found = Failing(Gold.objects.get(task__item="item 0007").task_id, 4, 4, 0.001)
    assert failing_gold.suspend_one(panel.campaign, found, "first", at=clock.now()) == 0
    assert not Gold.objects.filter(suspended_at__isnull=False).exists()


def test_closed_campaigns_are_left_alone(panel):
    Campaign.objects.update(status="closed", closed_at=clock.now(), closed_by=panel.campaign.opened_by)
    jobs.suspend_gold()
    assert not Gold.objects.filter(suspended_at__isnull=False).exists()


def test_the_rule_is_what_the_documents_say():
    assert (RULE.fewest, RULE.answered, RULE.good, RULE.level) == (3, 5, 0.7, 0.05)

"""Where many campaigns are counted at once, each has what it has alone; a judgment more costs no statement more."""

import datetime as dt

import pytest

from annotation.models import Judgment, StandingCount
from annotation.sla import outlook, standing
from evaltrack import clock
from evaltrack.accounts.roles import Role
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import people, stand_alone
from tests.query_growth import queries_of

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def busy(lead, evaluator_one, evaluator_two, evaluator_three):
    """Two who have judged lately, each in hours of their own, and one who has not; campaigns of every urgency."""
    first = stand_alone.campaign(lead, items=12, overlap=2)
    factory.judge_everything([evaluator_one, evaluator_two])
    now = clock.now()
    for place, judgment in enumerate(Judgment.objects.order_by("pk")):
        Judgment.objects.filter(pk=judgment.pk).update(submitted_at=now - 3 * HOUR + place * HOUR / 8)
    yesterday = (now - 24 * HOUR).strftime("%a").lower()
    people.declares(evaluator_two, working_hours={yesterday: ["00:00", "24:00"]})
    more = [
        stand_alone.campaign(lead, items=4 + number, overlap=1 + number % 3, priority=priority)
        for number, priority in enumerate(["urgent", "normal", "low", "urgent", "normal"])
    ]
    factory.next_for(evaluator_three)
    return [first, *more]


def test_each_campaign_is_counted_as_it_is_alone(busy):
    at = clock.now()
    assert standing.count_open(at=at) == len(busy)
    for campaign in busy:
        row = StandingCount.objects.get(campaign=campaign)
        alone = standing.counted(campaign, at=at)
        assert (row.wanted, row.done, row.held) == (alone.wanted, alone.done, alone.held)
        assert standing.foreseen(campaign, row) == outlook.of(campaign, at=at) == alone.outlook
    assert len(set(StandingCount.objects.values_list("ahead", flat=True))) > 2


def test_a_campaign_that_asks_nobody_is_counted_too(busy, lead):
    at = clock.now()
    type(busy[2]).objects.filter(pk=busy[2].pk).update(status="paused", pause_reason="A break.")
    standing.count_open(at=at)
    for campaign in busy:
        campaign.refresh_from_db()
        found = standing.foreseen(campaign, StandingCount.objects.get(campaign=campaign))
        assert found == outlook.of(campaign, at=at)


def test_it_is_counted_again_in_the_same_rows(busy, evaluator_three):
    standing.count_open(at=clock.now())
    before = StandingCount.objects.get(campaign=busy[1])
    factory.judge_everything([evaluator_three])
    standing.count_open(at=clock.now())
    after = StandingCount.objects.get(campaign=busy[1])
    assert after.pk == before.pk
    assert after.done > before.done
    assert after.counted_at > before.counted_at


def test_a_campaign_more_costs_few_statements_and_a_judgment_more_none(busy, lead, evaluator_three):
    def statements(act):
        act()
        return len(queries_of(act))

    def count():
        standing.count_open(at=clock.now())

    before = statements(count)
    factory.judge_everything([signed(person("another", Role.EVALUATOR))])
    assert statements(count) <= before
    stand_alone.campaign(lead, items=6)
    assert statements(count) - before <= 3


def test_who_escalates_takes_the_latest_count_and_counts_where_there_is_none(busy):
    campaign, at = busy[3], clock.now()
    assert standing.lately(campaign, at=at) == outlook.of(campaign, at=at)
    standing.count_open(at=at)
    StandingCount.objects.filter(campaign=campaign).update(missing=999)
    assert standing.lately(campaign, at=at).missing == 999
    StandingCount.objects.update(counted_at=at - standing.LONGEST_AGE)
    assert standing.lately(campaign, at=at) == outlook.of(campaign, at=at)

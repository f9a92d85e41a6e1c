"""Pages cost the same number of queries with ten more rows."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation.models import Campaign, Slot
from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission, Role
from evaltrack.notifications import outbox
from evaltrack.notifications.outbox import Message
from experiments.models import Experiment
from tests.accounts.callers import bearer, signed_in
from tests.annotation.growth import assert_no_query_growth
from tests.conftest import person, signed
from tests.factories import annotation as factory


def more_campaigns(campaign, count=10):
    """Campaigns like this one, of experiments like its own."""

    def add():
        for number in range(count):
            experiment = Experiment.objects.get(pk=campaign.experiment_id)
            experiment.pk, experiment.public_id = None, f"exp-20200101-{number:03}"
            experiment.save()
            row = Campaign.objects.get(pk=campaign.pk)
            row.pk, row.experiment = None, experiment
            row.public_id = Campaign._meta.get_field("public_id").get_default()
            row.save()
            task = campaign.tasks.first()
            task.pk, task.campaign = None, row
            task.public_id = Campaign._meta.get_field("public_id").get_default()
            task.save()
            Slot.objects.create(
                task=task, campaign=row, ordinal=0, order_key=0, first_on_slot_1=True, due_at=row.due_at
            )

    return add


@pytest.fixture
def many(owner, platform, custodian, lead, both):
    return factory.open_campaign(
        owner=owner, platform=platform, custodian=custodian, suite=factory.suite(items=20)
    )


def test_the_list_of_campaigns(campaign, lead):
    assert_no_query_growth(signed_in(lead), "/campaigns/", add=more_campaigns(campaign))
    assert "exp-20200101-009" in signed_in(lead).get("/campaigns/").content.decode()


def test_the_list_of_campaigns_by_api(campaign, lead):
    client = bearer(lead, Permission.VIEW_CAMPAIGNS)
    assert_no_query_growth(client, "/api/v1/campaigns", add=more_campaigns(campaign))


def test_the_page_of_a_campaign(many, lead, both):
    for evaluator in both:
        for _ in range(4):
            factory.judge(factory.next_for(evaluator), 1)

    def judge_ten_more():
        third = signed(person("third", Role.EVALUATOR))
        for _ in range(5):
            factory.judge(factory.next_for(both[0]), 2)
            factory.judge(factory.next_for(third), 2)

    assert_no_query_growth(signed_in(lead), many.get_absolute_url(), add=judge_ten_more)


def test_the_queue_page(campaign, evaluator_one):
    assert_no_query_growth(signed_in(evaluator_one), "/queue/", add=more_campaigns(campaign))


def test_the_judging_screen(many, both):
    factory.judge(factory.next_for(both[0]))
    factory.next_for(both[0])

    def judge_ten():
        factory.judge(factory.next_for(both[0]))
        for _ in range(10):
            factory.judge(factory.next_for(both[0]))
        assert factory.next_for(both[0]) is not None

    assert_no_query_growth(signed_in(both[0]), "/review/", add=judge_ten)


def test_the_inbox(lead):
    def ten_messages(first=0):
        for number in range(first, first + 10):
            outbox.post(Message(key=f"k{number}", subject="news", body=""), to=[lead], at=clock.now())

    ten_messages()
    assert_no_query_growth(signed_in(lead), "/inbox/", add=lambda: ten_messages(10))


def test_claiming_costs_the_same_however_much_was_judged(many, both):
    def cost():
        evaluator = User.objects.get(pk=both[0].pk)
        with CaptureQueriesContext(connection) as queries:
            factory.next_for(evaluator)
        return len(queries)

    first = cost()
    for _ in range(10):
        factory.judge(factory.next_for(both[0]))
    assert cost() == first

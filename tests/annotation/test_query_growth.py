"""Pages cost the same number of queries with ten more rows."""

import uuid

import pytest

from annotation import assignment
from annotation.models import Campaign, Slot
from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission, Role
from evaltrack.notifications import outbox
from evaltrack.notifications.outbox import Message
from experiments.models import Experiment
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.query_growth import no_query_growth


def visit(client, path):
    def ask():
        assert client.get(path).status_code == 200

    return ask


def another_campaign(campaign):
    """Adds a campaign like this one, of an experiment like its own."""

    def add(number):
        experiment = Experiment.objects.get(pk=campaign.experiment_id)
        experiment.pk, experiment.public_id = None, f"exp-20200101-{number:03}"
        experiment.save()
        row, task = Campaign.objects.get(pk=campaign.pk), campaign.tasks.first()
        row.pk, row.public_id, row.experiment = None, uuid.uuid4(), experiment
        row.save()
        task.pk, task.public_id, task.campaign = None, uuid.uuid4(), row
        task.save()
        Slot.objects.create(task=task, campaign=row, ordinal=0, order_key=0, places="01", due_at=row.due_at)

    return add


@pytest.fixture
def many(owner, platform, custodian, lead, both):
    return factory.open_campaign(
        owner=owner, platform=platform, custodian=custodian, suite=factory.suite(items=20)
    )


def test_the_list_of_campaigns(campaign, lead):
    client = signed_in(lead)
    no_query_growth(visit(client, "/campaigns/"), another_campaign(campaign))
    assert "exp-20200101-009" in client.get("/campaigns/").content.decode()


def test_the_list_of_campaigns_by_api(campaign, lead):
    client = bearer(lead, Permission.VIEW_CAMPAIGNS)
    no_query_growth(visit(client, "/api/v1/campaigns"), another_campaign(campaign))
    assert len(client.get("/api/v1/campaigns").json()["results"]) == 11


def test_the_page_of_a_campaign(many, lead, both):
    evaluators = [*both, signed(person("third", Role.EVALUATOR))]
    for evaluator in evaluators:
        factory.judge(factory.next_for(evaluator), 1)

    def judge(number):
        factory.judge(factory.next_for(evaluators[number % 3]), 2)

    no_query_growth(visit(signed_in(lead), many.get_absolute_url()), judge)
    assert many.judgments.count() == 13


def test_the_queue_page(campaign, evaluator_one):
    client = signed_in(evaluator_one)
    no_query_growth(visit(client, "/queue/"), another_campaign(campaign))
    assert client.get("/queue/").content.decode().count(campaign.name) == 11


def test_the_judging_screen(many, both):
    factory.next_for(both[0])

    def judge(number):
        factory.judge(factory.next_for(both[0]))
        factory.next_for(both[0])

    no_query_growth(visit(signed_in(both[0]), "/review/"), judge)
    assert many.judgments.count() == 10


def test_claiming(many, both):
    def claim():
        shown = factory.next_for(User.objects.get(pk=both[0].pk))
        assignment.give_back(shown.public_id, by=both[0], state="released", at=clock.now())

    no_query_growth(claim, lambda number: factory.judge(factory.next_for(both[0])))


def test_the_inbox(lead):
    def message(number):
        outbox.post(Message(key=f"k{number}", subject="news", body=""), to=[lead], at=clock.now())

    message("first")
    client = signed_in(lead)
    no_query_growth(visit(client, "/inbox/"), message)
    assert client.get("/inbox/").content.decode().count("news") >= 11

"""How many statements a claim and a submission take, and that the number does not follow the backlog."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotation import opening
from annotation.items import Item, ResponseItem
from annotation.models import Assignment, Campaign
from annotation.queue import first_free_slot
from evaltrack import clock
from evaltrack.accounts import skills
from evaltrack.accounts.roles import Permission
from tests.accounts.callers import bearer
from tests.factories import annotation as factory
from tests.factories import people

TRANSACTION = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK")


def items(start, stop):
    for number in range(start, stop):
        pair = (ResponseItem("one", f"{number}"), ResponseItem("two", f"{number}!"))
        yield number, Item(f"item {number}", "What?", pair)


@pytest.fixture
def campaign(lead):
    campaign = opening.open_stand_alone(name="Many", overlap=2, due_at=None, by=lead, at=clock.now())
    opening.add_items(campaign.pk, items(0, 20), by=lead, at=clock.now())
    return campaign


@pytest.fixture
def post(evaluator_one):
    client = bearer(evaluator_one, Permission.JUDGE)

    def post(path, **body):
        """The answer, and the statements that it took."""
        with CaptureQueriesContext(
            connection,
        ) as captured:
            answer = client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")
        assert answer.status_code in (200, 201), answer.content
        statements = [row["sql"] for row in captured if not row["sql"].startswith(TRANSACTION)]
        return answer.json(), statements

    return post


def one_turn(post, campaign):
    shown, claiming = post("queue/next", campaign=str(campaign.public_id))
    path = f"assignments/{shown['assignment']}/judgment"
    answer = factory.USUAL[campaign.protocol]
    _, submitting = post(path, judgment_id=shown["judgment_id"], **answer)
    return claiming, submitting


def test_a_claim_takes_six_statements_at_most_and_a_submission_eight(post, campaign):
    one_turn(post, campaign)  # the first call of a token writes when it was used
    claiming, submitting = one_turn(post, campaign)
    assert len(claiming) <= 6, "\n".join(claiming)
    assert len(submitting) <= 8, "\n".join(submitting)


@pytest.mark.parametrize("protocol", ["rating", "ranking", "spans"])
def test_other_protocols_take_no_more(post, lead, protocol):
    other = factory.stand_alone(protocol, lead=lead)
    one_turn(post, other)
    claiming, submitting = one_turn(post, other)
    assert len(claiming) <= 6, "\n".join(claiming)
    assert len(submitting) <= 8, "\n".join(submitting)


def test_a_limit_and_what_a_campaign_asks_cost_no_statement_more(post, campaign, lead, evaluator_one):
    skill = people.skill(lead)
    campaign.skills.add(skill)
    Campaign.objects.update(language="de")
    skills.grant(evaluator_one, skill, by=lead, at=clock.now())
    people.declares(evaluator_one, "de-AT", time_zone="Europe/Vienna")
    people.limited(evaluator_one, lead, judgments=15, minutes=600)
    one_turn(post, campaign)
    claiming, submitting = one_turn(post, campaign)
    assert Assignment.objects.filter(number=2).exists()
    assert len(claiming) <= 6, "\n".join(claiming)
    assert len(submitting) <= 8, "\n".join(submitting)


def test_the_number_does_not_grow_with_the_backlog_or_with_what_is_done(post, campaign, lead):
    one_turn(post, campaign)
    before = [len(statements) for statements in one_turn(post, campaign)]
    opening.add_items(campaign.pk, items(20, 120), by=lead, at=clock.now())
    for _ in range(8):
        after = [len(statements) for statements in one_turn(post, campaign)]
    assert after == before


@pytest.mark.skipif(connection.vendor != "postgresql", reason="how PostgreSQL plans the claim")
@pytest.mark.parametrize("is_counted", [False, True])
def test_a_claim_asks_what_the_evaluator_judged_row_by_row(post, campaign, evaluator_one, is_counted):
    """A join would read all that the evaluator has ever judged, at every claim."""
    for _ in range(8):
        one_turn(post, campaign)
    sql, parameters = first_free_slot.sql(campaign=campaign.pk, evaluator=evaluator_one.pk)
    with connection.cursor() as cursor:
        if is_counted:
            cursor.execute("ANALYZE")
        cursor.execute(f"EXPLAIN {sql}", parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "SubPlan" in plan
    # Of one task, whether it was skipped is asked of two rows; what would be read whole are these joins.
    assert "Anti" not in plan, plan
    assert "Semi" not in plan, plan

"""What was late in a quarter: by the due time, once each, and nothing that nobody owed."""

import datetime as dt

from annotation import assignment, campaigns
from annotation.models import Campaign, Judgment, Slot
from annotation.sla import breaches, escalation
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from tests.accounts.callers import bearer
from tests.factories import annotation as factory
from tests.factories import stand_alone

HOUR = dt.timedelta(hours=1)


def found(campaign, *, hours=24):
    at = clock.now()
    rows = breaches.between(Campaign.objects.all(), at - hours * HOUR, at + hours * HOUR, at=at)
    return next((row for row in rows if row.campaign == campaign), None)


def due(campaign, ago):
    at = clock.now() - ago
    Slot.objects.filter(campaign=campaign).update(due_at=at)
    campaign.tasks.update(due_at=at)


def test_late_and_missing_judgments_are_counted_once_each(lead, evaluator_one):
    campaign = stand_alone.campaign(lead, items=5)
    for _ in range(3):
        factory.judge(factory.next_for(evaluator_one))
    factory.the_minute_passes()
    due(campaign, 2 * HOUR)
    first = Judgment.objects.order_by("pk").first()
    Judgment.objects.filter(pk=first.pk).update(submitted_at=clock.now() - 3 * HOUR)
    row = found(campaign)
    assert (row.due, row.late, row.missing) == (5, 2, 2)
    assert 2 * HOUR <= row.longest_late < 2.1 * HOUR
    escalation.escalate_overdue(at=clock.now())
    body = found(campaign).as_json()
    assert (body["judgments_late"], body["judgments_missing"]) == (2, 2)
    assert body["tasks_brought_to_leads"] == 2


def test_what_came_in_time_or_is_not_due_yet_is_no_breach(lead, evaluator_one):
    campaign = stand_alone.campaign(lead, items=2)
    assert found(campaign, hours=24 * 365) is None
    factory.judge_everything([evaluator_one])
    assert found(campaign, hours=24 * 365) is None


def test_nobody_owes_what_was_withdrawn_or_left_out(lead, evaluator_one, owner, platform, custodian):
    campaign = factory.open_campaign(owner=owner, platform=platform, custodian=custodian)
    due(campaign, HOUR)
    assert found(campaign).missing == 12
    shown = factory.next_for(evaluator_one)
    assignment.give_back(
        shown.public_id, by=evaluator_one, state="skipped", at=clock.now(), skip_reason="It is broken"
    )
    campaigns.exclude_task(shown.task.pk, by=lead, reason="Nobody can judge it.", at=clock.now())
    assert found(campaign).missing == 10


def test_by_api_for_the_quarterly_report(lead):
    campaign = stand_alone.campaign(lead, items=2)
    due(campaign, HOUR)
    client = bearer(lead, Permission.VIEW_CAMPAIGNS)
    now = clock.now()
    period = f"from={(now - 24 * HOUR):%Y-%m-%dT%H:%MZ}&to={(now + 24 * HOUR):%Y-%m-%dT%H:%MZ}"
    body = client.get(f"/api/v1/queue/breaches?{period}").json()
    assert body["judgments_missing"] == 2
    assert [row["campaign"] for row in body["campaigns"]] == [str(campaign.public_id)]
    for wrong in ("", "from=2026-02-01&to=2026-01-01", "from=never&to=2026-01-01"):
        answer = client.get(f"/api/v1/queue/breaches?{wrong}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")

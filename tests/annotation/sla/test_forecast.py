"""When it will be done: from pace and hours, by hand; and the warning long before it is due."""

import datetime as dt

import pytest

from annotation.models import Escalation, Judgment, Level
from annotation.sla import escalation, forecast, outlook
from annotation.sla.forecast import Past
from evaltrack import clock
from evaltrack.stats.estimate import Undefined
from tests.accounts.callers import signed_in
from tests.annotation.sla.test_calendars import OFFICE, calendar
from tests.factories import annotation as factory
from tests.factories import people, stand_alone
from tests.factories import sla as slas

HOUR = dt.timedelta(hours=1)
MONDAY, FRIDAY = slas.berlin("2026-03-23T09:00"), slas.berlin("2026-03-27T17:00")


def done(pasts, missing):
    return forecast.finished_at(pasts, missing=missing, since=MONDAY, at=FRIDAY)


def test_pace_is_per_working_hour_and_goes_on_in_working_hours():
    """40 hours of Monday to Friday, 80 judgments: two an hour, so 20 take until Tuesday at 11."""
    assert done([Past(OFFICE, 80)], 20) == slas.berlin("2026-03-31T11:00")
    assert done([Past(OFFICE, 80), Past(OFFICE, 80)], 20) == slas.berlin("2026-03-30T14:00")


def test_people_work_in_hours_of_their_own():
    """Tokyo's 9 to 17 is 2 to 10 in Berlin's summer. In Berlin's week it had four whole days: 32 hours."""
    tokyo = calendar("Asia/Tokyo")
    assert done([Past(tokyo, 64)], 2) == slas.berlin("2026-03-30T03:00")
    assert done([Past(tokyo, 64), Past(OFFICE, 80)], 18) == slas.berlin("2026-03-30T10:00")


def test_whoever_has_judged_nothing_is_not_counted_on():
    assert done([Past(OFFICE, 80), Past(OFFICE, 0)], 20) == done([Past(OFFICE, 80)], 20)


@pytest.mark.parametrize(("judgments", "missing", "why"), [(9, 1, "fewer than 10"), (10, 900, "90 days")])
def test_what_cannot_be_said_has_a_reason(judgments, missing, why):
    found = done([Past(OFFICE, judgments)], missing)
    assert isinstance(found, Undefined)
    assert why in found.reason


def test_nothing_missing_is_done_now():
    assert done([Past(OFFICE, 80)], 0) == FRIDAY


@pytest.mark.parametrize(
    ("ages", "p50", "p95"),
    [
        ([], None, None),
        ([(1, 1)], 1, 1),
        ([(5, 10), (1, 10)], 1, 5),
        ([(1, 94), (2, 1), (9, 5)], 1, 2),
    ],
)
def test_ages_are_weighed_by_how_many_have_them(ages, p50, p95):
    rows = [(age * HOUR, count) for age, count in ages]
    wanted = [each and each * HOUR for each in (p50, p95)]
    assert [forecast.share_is_younger(rows, share) for share in (0.5, 0.95)] == wanted


# ── Of campaigns ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def busy(lead, evaluator_one):
    """Somebody who judged 12 items, one every ten minutes, until now."""
    row = stand_alone.campaign(lead, items=12)
    factory.judge_everything([evaluator_one])
    now = clock.now()
    for place, judgment in enumerate(Judgment.objects.order_by("pk")):
        Judgment.objects.filter(pk=judgment.pk).update(submitted_at=now - 2 * HOUR + place * HOUR / 6)
    return row


def test_a_campaign_is_done_when_its_people_have_judged_it_at_their_pace(busy, lead, evaluator_one):
    """Twelve in two hours, around the clock: 24 more take four."""
    row = stand_alone.campaign(lead, items=24)
    found = outlook.of(row, at=clock.now())
    assert (found.missing, found.ahead, found.is_late) == (24, 0, False)
    assert abs(found.finished_at - clock.now() - 4 * HOUR) < HOUR / 10


def test_what_is_due_sooner_is_judged_first(busy, lead):
    stand_alone.campaign(lead, items=12, name="Sooner", priority="urgent")
    found = outlook.of(stand_alone.campaign(lead, items=24), at=clock.now())
    assert found.ahead == 12
    assert abs(found.finished_at - clock.now() - 6 * HOUR) < HOUR / 10


def test_declared_hours_count(busy, lead, evaluator_one):
    now = clock.now()
    yesterday = (now - 24 * HOUR).strftime("%a").lower()
    people.declares(evaluator_one, working_hours={yesterday: ["00:00", "24:00"]})
    found = outlook.of(stand_alone.campaign(lead, items=3), at=now)
    assert found.finished_at.strftime("%a").lower() == yesterday


def test_too_few_who_may_judge_is_said(busy, lead):
    found = outlook.of(stand_alone.campaign(lead, items=3, overlap=2), at=clock.now())
    assert found.finished_at == Undefined("1 evaluators may judge it, and each item needs 2")


def test_the_leads_are_warned_as_soon_as_it_will_be_too_late(busy, lead):
    """Of 48 hours 36 are left before the usual warning, and 600 judgments take 100."""
    fine = stand_alone.campaign(lead, items=1, name="Few")
    row = stand_alone.campaign(lead, items=600, name="Too many")
    assert escalation.escalate_overdue(at=clock.now() + HOUR / 60) == 1
    assert Escalation.objects.get().campaign == row
    message = lead.notifications.get(dedupe_key__startswith="due-soon")
    assert message.subject == "600 judgments still missing: Too many"
    assert message.body.endswith("That is too late.")
    assert not fine.escalations.filter(level=Level.WARNING).exists()


def test_the_lead_reads_it_by_api_and_on_the_page(busy, lead, evaluator_one):
    row = stand_alone.campaign(lead, items=600)
    client = signed_in(lead)
    body = client.get(f"/api/v1/campaigns/{row.public_id}").json()
    assert body["forecast"]["is_late"] is True
    assert body["late"]["tasks_overdue"] == 0
    assert "which is too late" in client.get(row.get_absolute_url()).content.decode()
    waits = client.get("/api/v1/queue/waiting").json()
    assert (waits["judgments_missing"], waits["judgments_overdue"]) == (600, 0)
    assert 0 <= waits["age_p50_ms"] <= waits["age_p95_ms"] < 3_600_000
    assert signed_in(evaluator_one).get("/api/v1/queue/waiting").status_code == 403

"""Policies as data: read strictly, versioned, and the source of every due time."""

import copy
import datetime as dt

import pytest

from annotation import opening
from annotation.models import SlaPolicy
from annotation.sla import rules, sla_policies
from evaltrack import clock
from evaltrack.errors import Invalid, Refused
from tests.accounts.callers import signed_in
from tests.factories import annotation as factory
from tests.factories import sla as slas

HOUR = dt.timedelta(hours=1)


def changed(path, value):
    """The usual policy, with another value at `path`."""
    body = copy.deepcopy(slas.OFFICE)
    *parents, last = path.split(".")
    place = body
    for name in parents:
        place = place[name]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return body


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_read_is_written_and_read_again():
    policy = rules.parse(slas.OFFICE)
    assert rules.parse(policy.as_json()) == rules.Policy.from_json(policy.as_json()) == policy
    assert policy.targets["urgent"] == rules.Target(due_hours=4, warn_hours=1)
    assert policy.targets["normal"] == rules.Target(due_hours=16, warn_hours=4)


@pytest.mark.parametrize("hours", [0, 48, 5_000])
def test_what_holds_without_a_policy_is_a_policy_too(hours):
    policy = rules.around_the_clock(hours)
    assert rules.Policy.from_json(policy.as_json()) == policy
    opened = dt.datetime(2026, 3, 29, tzinfo=dt.UTC)
    assert policy.due_at("low", opened_at=opened) == opened + hours * HOUR


@pytest.mark.parametrize(
    ("path", "value", "place", "sentence"),
    [
        ("calendar", KeyError, "policy.calendar", "is missing"),
        ("calendar.hours", {}, "policy.calendar.hours", "has no working hours"),
        ("calendar.hours", KeyError, "policy.calendar.hours", "is missing"),
        ("calendar.hours", {"monday": ["09:00", "17:00"]}, "policy.calendar.hours.monday", "is no weekday"),
        ("calendar.hours.mon", ["17:00", "09:00"], "policy.calendar.hours.mon", "ends before it begins"),
        ("calendar.hours.mon", "9 to 5", "policy.calendar.hours.mon", "takes a beginning and an end"),
        ("calendar.hours", {"mon": ["09:00", "09:01"]}, "policy.calendar.hours", "more than 104 weeks"),
        ("calendar.time_zone", "Europe/Atlantis", "policy.calendar.time_zone", "is no time zone"),
        ("calendar.time_zone", ["UTC"], "policy.calendar.time_zone", "is no time zone"),
        ("calendar.holidays", ["2026-02-30"], "policy.calendar.holidays.0", "is no date"),
        ("calendar.holidays", "Easter", "policy.calendar.holidays", "must be a list"),
        ("calendar.holidays", ["2026-W01-1"], "policy.calendar.holidays.0", "is no date"),
        ("priorities.urgent", KeyError, "policy.priorities.urgent", "is missing"),
        ("priorities.soon", {"due_hours": 1}, "policy.priorities.soon", "is unknown"),
        ("priorities.low", {}, "policy.priorities.low.due_hours", "is missing"),
        ("priorities.low.due_hours", -1, "policy.priorities.low.due_hours", "must be a number from 0"),
        ("priorities.low.due_hours", float("nan"), "policy.priorities.low.due_hours", "must be a number"),
        (
            "priorities.low.warn_share",
            1.5,
            "policy.priorities.low.warn_share",
            "must be a number from 0 to 1",
        ),
        ("priorities.urgent.warn_hours", 9, "policy.priorities.urgent.warn_hours", "is more than due_hours"),
        ("priorities.urgent.warn_share", 0.5, "policy.priorities.urgent.warn_share", "give one of them"),
        ("ladder.widen", 0.5, "policy.ladder.widen", "comes before remind"),
        ("ladder.call", 1, "policy.ladder.call", "is unknown"),
        ("ladder.proxy", True, "policy.ladder.proxy", "must be a number"),
        ("ladder", [0, 4, 8], "policy.ladder", "must be an object"),
        ("waives_skills", "yes", "policy.waives_skills", "must be true or false"),
        ("quiet", True, "policy.quiet", "is unknown"),
    ],
)
def test_each_bad_field_has_one_sentence(path, value, place, sentence):
    with pytest.raises(Invalid) as refused:
        rules.parse(changed(path, value))
    assert list(refused.value.fields) == [place]
    (said,) = refused.value.fields[place]
    assert sentence in said


@pytest.mark.parametrize("body", [None, [], "9 to 5", 7])
def test_what_is_no_object_is_no_policy(body):
    with pytest.raises(Invalid):
        rules.parse(body)


def test_all_bad_fields_are_named_at_once():
    body = changed("calendar.time_zone", "Mars")
    body["ladder"]["widen"] = -1
    del body["priorities"]["low"]
    with pytest.raises(Invalid) as refused:
        rules.parse(body)
    assert set(refused.value.fields) == {
        "policy.calendar.time_zone",
        "policy.ladder.widen",
        "policy.priorities.low",
    }


# ── Versions ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_rules_are_the_same_version_and_others_the_next(lead):
    first = slas.policy(lead)
    assert slas.policy(lead) == first
    second = slas.policy(lead, waives_skills=False)
    assert (first.version, second.version, first.name) == (1, 2, second.name)
    assert SlaPolicy.objects.get(pk=first.pk).body["waives_skills"] is True


def test_a_campaign_keeps_the_version_with_which_it_opened(lead):
    slas.policy(lead)
    campaign = slas.campaign(lead)
    slas.policy(lead, ladder={})
    campaign.refresh_from_db()
    assert str(campaign.sla) == "office v1"
    assert sla_policies.of(campaign).ladder == slas.OFFICE["ladder"]


def test_who_is_no_lead_defines_nothing(owner, evaluator_one):
    for somebody in (owner, evaluator_one):
        with pytest.raises(Refused):
            slas.policy(somebody)


# ── Due times ────────────────────────────────────────────────────────────────────────────────────────

FRIDAY = slas.berlin("2026-03-27T16:00")  # clocks go forward on Sunday


@pytest.mark.parametrize(
    ("priority", "due"),
    [("urgent", "2026-03-30T12:00"), ("normal", "2026-03-31T16:00"), ("low", "2026-04-07T16:00")],
)
def test_due_times_come_from_priority_and_calendar(lead, priority, due):
    """4, 16 and 40 working hours of 8 a day; Good Friday and Easter Monday are holidays."""
    slas.policy(lead)
    campaign = slas.campaign(lead, priority=priority, at=FRIDAY)
    assert campaign.due_at == slas.berlin(due)
    assert set(campaign.slots.values_list("due_at", flat=True)) == {campaign.due_at}
    assert set(campaign.tasks.values_list("due_at", flat=True)) == {campaign.due_at}


def test_a_chosen_due_time_stays(lead):
    slas.policy(lead)
    chosen = FRIDAY + dt.timedelta(days=9)
    assert slas.campaign(lead, at=FRIDAY, due_at=chosen).due_at == chosen


def test_the_policy_called_default_holds_for_whoever_names_none(lead, owner, platform, custodian):
    before = factory.open_campaign(owner=owner, platform=platform, custodian=custodian)
    slas.policy(lead, name="default")
    after = opening.open_campaign(before.experiment, at=FRIDAY, is_simulated=True)
    assert (str(before.sla), str(after.sla)) == ("built-in v1", "default v1")
    assert after.due_at == slas.berlin("2026-03-31T16:00")


def test_a_changed_setting_holds_for_campaigns_that_open_afterwards(lead, settings):
    first = slas.campaign(lead, sla="")
    settings.REVIEW_DUE_HOURS = 1
    second = slas.campaign(lead, sla="")
    assert [str(first.sla), str(second.sla)] == ["built-in v1", "built-in v2"]
    assert second.due_at - second.opened_at == HOUR


# ── By API ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_lead_defines_a_policy_and_opens_a_campaign_by_it(lead):
    client = signed_in(lead)
    made = client.post("/api/v1/sla-policies", {"name": "office", "policy": slas.OFFICE}, "application/json")
    assert made.status_code == 201, made.content
    assert (made.json()["name"], made.json()["version"]) == ("office", 1)
    listed = client.get("/api/v1/sla-policies").json()["results"]
    assert [row["policy"] for row in listed] == [made.json()["policy"]]
    body = {"name": "C", "protocol": "pairwise", "sla": "office", "priority": "urgent"}
    opened = client.post("/api/v1/campaigns", body, "application/json").json()
    assert (opened["sla"], opened["priority"]) == ("office v1", "urgent")


def test_bad_input_by_api_is_answered_in_words(lead):
    client = signed_in(lead)
    body = {"name": "office", "policy": changed("calendar.hours", {})}
    refused = client.post("/api/v1/sla-policies", body, "application/json")
    assert refused.status_code == 400
    assert "has no working hours" in refused.json()["fields"]["policy.calendar.hours"][0]
    body = {"name": "built-in", "policy": slas.OFFICE}
    assert client.post("/api/v1/sla-policies", body, "application/json").status_code == 400
    for more, field in (
        ({"sla": "office"}, "sla"),
        ({"priority": "soon"}, "priority"),
        ({"due_at": "9999-12-31T23:59:59Z"}, "due_at"),
    ):
        refused = client.post(
            "/api/v1/campaigns", {"name": "C", "protocol": "pairwise", **more}, "application/json"
        )
        assert refused.status_code == 400
        assert list(refused.json()["fields"]) == [field]


def test_evaluators_see_no_policies(evaluator_one):
    assert signed_in(evaluator_one).get("/api/v1/sla-policies").status_code == 403


def test_the_clock_of_the_database_is_used(lead):
    """What opens now is due from now on, whatever the policy."""
    campaign = slas.campaign(lead, sla="")
    assert abs(campaign.due_at - clock.now() - 48 * HOUR) < dt.timedelta(minutes=5)

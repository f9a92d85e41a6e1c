"""Campaigns at a glance: true, bounded, and nothing that only judgments would say."""

import datetime as dt

import pytest

from annotation import assignment, campaigns, glance, jobs, opening
from annotation.items import Item, ResponseItem
from annotation.models import AgreementState, Campaign, StandingCount
from annotation.sla import sla_policies, standing
from evaltrack import clock, durations
from evaltrack.accounts.roles import Role
from tests.accounts.callers import signed_in
from tests.annotation.test_query_growth import another_campaign
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import people, stand_alone
from tests.query_growth import no_query_growth, queries_of


def of(campaign: Campaign) -> glance.Glance:
    """As the list shows it, after the workers have been there."""
    jobs.count_standing()
    jobs.roll_up_agreement()
    (found,) = glance.of([Campaign.objects.get(pk=campaign.pk)], at=clock.now())
    return found


def why(campaign: Campaign) -> list[str]:
    return [each.why for each in of(campaign).blocked]


def text_of(user, query: str = "") -> str:
    return signed_in(user).get(f"/campaigns/{query}").content.decode()


# ── What a list costs ────────────────────────────────────────────────────────────────────────────────


def test_a_list_reads_no_judgment_however_many_there_are(lead, both):
    campaign = stand_alone.campaign(lead, items=14, overlap=2)
    factory.judge_everything(both)
    of(campaign)
    client = signed_in(lead)

    def visit():
        assert client.get("/campaigns/").status_code == 200

    asked = [sql for sql in queries_of(visit) if "annotation_judgment" in sql]
    # Whether there are imports is asked of the imports; judgments themselves are not read.
    assert not [sql for sql in asked if 'annotation_judgment"' in sql]
    assert AgreementState.objects.get(campaign=campaign).deciding["usable"]


def test_a_list_costs_the_same_once_workers_have_counted_more_campaigns(campaign, lead, both):
    client = signed_in(lead)
    jobs.count_standing()

    def add(number):
        another_campaign(campaign)(number)
        jobs.count_standing()

    no_query_growth(lambda: client.get("/campaigns/"), add)
    assert StandingCount.objects.count() == 11


def test_a_large_campaign_and_a_closed_one_are_not_counted_at_the_look(lead, both, monkeypatch):
    large = stand_alone.campaign(lead, items=3, name="Large")
    closed = stand_alone.campaign(lead, items=2, name="Done")
    factory.judge_everything(both[:1])
    campaigns.close(closed.pk, by=lead, at=clock.now())
    jobs.count_standing()
    StandingCount.objects.filter(campaign__in=[large, closed]).update(done=1)
    monkeypatch.setattr(standing, "COUNTED_UP_TO", 2)
    assert of_list(large).done == 1
    assert of_list(closed).done == 1
    monkeypatch.setattr(standing, "COUNTED_UP_TO", 20_000)
    assert of_list(large).done == 3


def of_list(campaign: Campaign) -> glance.Glance:
    (found,) = glance.of([Campaign.objects.get(pk=campaign.pk)], at=clock.now())
    return found


def test_what_was_closed_is_counted_once_more_and_then_left(lead, both):
    campaign = stand_alone.campaign(lead, items=2)
    jobs.count_standing()
    factory.judge_everything(both[:1])
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert standing.count_open(at=clock.now()) == 1
    assert campaign.standing.done == 2
    assert standing.count_open(at=clock.now()) == 0


# ── What it says ─────────────────────────────────────────────────────────────────────────────────────


def test_the_deciding_coefficient_is_that_of_the_campaigns_page(owner, platform, custodian, lead, both):
    campaign = factory.open_campaign(
        owner=owner, platform=platform, custodian=custodian, suite=factory.suite(items=12, floor=0.7)
    )
    factory.judge_everything(both, lambda shown: 1 if shown.task.pk % 2 else "tie")
    row = of(campaign)
    page = signed_in(lead).get(campaign.get_absolute_url())
    assert row.deciding["agreement"] == page.context["agreement"]
    assert (row.deciding["coefficient"], row.deciding["floor"]) == ("preference_kappa", 0.7)
    assert row.deciding["usable"] == page.context["usable"]
    text = text_of(lead)
    assert "floor 0.7 for" in text
    assert "Ready to close" in text


def test_before_a_worker_has_counted_nothing_is_made_up(lead, both):
    campaign = stand_alone.campaign(lead, items=3, overlap=2)
    row = of_list(campaign)
    assert (row.wanted, row.done, row.finished_at) == (6, 0, None)
    assert "within a minute" in text_of(lead)


def test_a_campaign_that_will_be_late_says_so_in_words(lead, both):
    stand_alone.campaign(lead, items=12, name="Practice")
    factory.judge_everything(both[:1])
    late = stand_alone.campaign(lead, items=9, overlap=2, name="Long")
    Campaign.objects.filter(pk=late.pk).update(due_at=clock.now() + dt.timedelta(minutes=1))
    assert of(late).is_late
    assert "Too late" in text_of(lead, "?search=long")
    Campaign.objects.filter(pk=late.pk).update(due_at=clock.now() + dt.timedelta(days=300))
    assert not of(late).is_late
    assert "In time" in text_of(lead, "?search=long")


def test_the_clock_says_what_is_left_and_what_is_over(lead, both):
    campaign = stand_alone.campaign(lead, items=3)
    at = clock.now()
    row = of(campaign)
    for due, words in (
        (dt.timedelta(days=2, hours=3, minutes=5), "2 days 3 hours left"),
        (-dt.timedelta(minutes=40), "overdue for 40 minutes"),
    ):
        campaign.due_at = at + due
        changed = glance.Glance(campaign, 3, 0, row.count, {}, [], at)
        assert changed.clock == words
        assert changed.is_overdue == (due < dt.timedelta())
    assert not glance.Glance(campaign, 3, 3, row.count, {}, [], at).is_overdue
    factory.becomes_due(campaign)
    assert "Overdue" in text_of(lead)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 minute"),
        (3_600, "1 hour"),
        (5_400, "1 hour 30 minutes"),
        (86_400, "1 day"),
        (86_430, "1 day"),
        (2 * 86_400 + 300, "2 days"),
        (-7_200, "2 hours"),
    ],
)
def test_lengths_are_said_in_two_units(seconds, words):
    assert durations.in_words(dt.timedelta(seconds=seconds)) == words


def test_working_time_is_said_where_it_is_less(lead):
    weekdays = {day: ["09:00", "17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
    policy = {
        "calendar": {"time_zone": "UTC", "hours": weekdays},
        "priorities": {name: {"due_hours": 16} for name in ("urgent", "normal", "low")},
        "ladder": {"remind": 0},
        "waives_skills": False,
    }
    sla_policies.define("office", policy, by=lead, at=clock.now())
    campaign = stand_alone.campaign(lead, sla="office")
    friday = dt.datetime(2026, 12, 4, 16, tzinfo=dt.UTC)
    campaign.due_at = friday + dt.timedelta(days=3)
    assert glance.Glance(campaign, 3, 0, None, {}, [], friday).clock == "3 days left, of it 8 hours of work"
    campaign.due_at = friday + dt.timedelta(days=1, hours=12)
    saturday = friday + dt.timedelta(days=1)
    row = glance.Glance(campaign, 3, 0, None, {}, [], saturday)
    assert row.clock == "12 hours left, none of it working time"


# ── What blocks it ───────────────────────────────────────────────────────────────────────────────────


def test_every_reason_is_told(lead, both):
    people.skill(lead)
    assert why(stand_alone.campaign(lead, items=0)) == ["It has no items yet"]
    asked = stand_alone.campaign(lead, overlap=2, skills=["contract-law"])
    assert why(asked) == ["Nobody may judge it, and each item needs 2"]
    assert why(stand_alone.campaign(lead, overlap=3)) == ["Only 2 may judge it, and each item needs 3"]
    paused = stand_alone.campaign(lead, overlap=2)
    campaigns.pause(paused.pk, by=lead, reason="The guidance is being rewritten.", at=clock.now())
    assert why(paused) == ["Paused: The guidance is being rewritten."]
    assert why(stand_alone.campaign(lead, overlap=2)) == []
    text = text_of(lead)
    assert "The guidance is being rewritten." in text
    assert "/#who" in text


def test_an_item_that_everybody_has_skipped_or_judged_is_told_and_one_that_somebody_may_judge_is_not(
    lead, both
):
    campaign = stand_alone.campaign(lead, items=1, overlap=2)

    def skip(evaluator):
        shown = factory.next_for(evaluator)
        assignment.give_back(
            shown.public_id, by=evaluator, state="skipped", skip_reason="unclear", at=clock.now()
        )

    skip(both[0])
    assert why(campaign) == []
    factory.judge(factory.next_for(both[1]))
    assert why(campaign) == ["1 item was skipped, and nobody else is left for it"]
    signed(person("third", Role.EVALUATOR))
    assert why(campaign) == []


def test_what_is_held_for_the_check_is_told_without_a_worker(lead, owner, both):
    campaign = stand_alone.campaign(lead, items=0, overlap=2)
    told = [ResponseItem("one", "I am Claude, made by Anthropic."), ResponseItem("two", "Yes.")]
    opening.add_items(campaign.pk, iter([(1, Item("i", "Who?", tuple(told)))]), by=lead, at=clock.now())
    assert [each.why for each in of_list(campaign).blocked] == ["1 item waits for the lead's check"]
    assert f"{campaign.get_absolute_url()}flags/" in text_of(lead)


# ── Finding ──────────────────────────────────────────────────────────────────────────────────────────


def test_open_ones_come_first_then_paused_then_closed(lead, both):
    names = ["Open later", "Open", "Paused", "Closed"]
    later, now, paused, closed = (stand_alone.campaign(lead, items=1, name=name) for name in names)
    Campaign.objects.filter(pk=later.pk).update(due_at=clock.now() + dt.timedelta(days=90))
    factory.judge_everything(both[:1])
    campaigns.pause(paused.pk, by=lead, reason="Everybody is on holiday.", at=clock.now())
    campaigns.close(closed.pk, by=lead, at=clock.now())

    def shown(query: str) -> list[str]:
        return [row.campaign.name for row in signed_in(lead).get(f"/campaigns/{query}").context["rows"]]

    assert shown("") == ["Open", "Open later", "Paused", "Closed"]
    assert shown("?status=closed") == ["Closed"]
    assert shown("?status=paused") == ["Paused"]
    assert shown("?search=OPEN&status=open") == ["Open", "Open later"]
    factory.becomes_due(now)
    assert shown("?status=overdue") == ["Open"]
    assert shown("?search=nothing-like-it") == []
    assert "No campaign matches" in text_of(lead, "?search=nothing-like-it")
    fragment = signed_in(lead).get("/campaigns/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment


def test_who_may_only_look_is_led_to_no_page_of_the_leads(campaign, owner):
    text = text_of(owner)
    assert campaign.name in text
    assert "/campaigns/new/" not in text
    assert "/flags/" not in text

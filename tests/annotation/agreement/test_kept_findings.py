"""What many ratings, rankings and spans say is kept by a worker: the same as by reading them, and no more is told."""

import datetime as dt
import json

import pytest

from annotation import campaigns, jobs
from annotation.agreement import figures, findings, given, kept_findings, rollup
from annotation.models import AgreementState
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from tests.accounts.callers import bearer, signed_in
from tests.annotation.test_revision import revise
from tests.factories import annotation as factory
from tests.factories import settling

SAID = {
    "rating": lambda item, who: {"rating": 1 + (item + who * (item % 3 == 0)) % 5},
    "ranking": lambda item, who: {"ranking": [[1], [2, 3]] if (item + who) % 3 else [[3], [2], [1]]},
    "spans": lambda item, who: {
        "spans": [{"start": 0, "end": 1 + item % 2, "reason": "wrong"}] if (item + who) % 4 == 0 else []
    },
}


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch):
    monkeypatch.setattr(kept_findings, "READ_UP_TO", 4)


@pytest.fixture(params=list(SAID))
def judged(request, lead, both):
    campaign = factory.stand_alone(request.param, lead=lead, items=12)
    judge(both, request.param)
    return campaign


def judge(people, protocol):
    for who, person in enumerate(people):
        while shown := factory.next_for(person):
            number = int(shown.task.item.rsplit("-", 1)[1])
            factory.judge(shown, **SAID[protocol](number, who))
    factory.the_minute_passes()


def a_minute():
    jobs.settle_judgments()
    jobs.roll_up_agreement()


def told(campaign):
    return figures.of(campaign, at=clock.now())


def as_json(found):
    body = found.as_json(name_of=figures.pseudonym)
    del body["counted_at"]
    lines = [(name, each.as_json()) for name, each in found.lines]
    return json.loads(json.dumps([body, lines]))


def by_reading(campaign):
    return findings.of(campaign, given.final(campaign, at=clock.now()))


def row(campaign):
    return AgreementState.objects.get(campaign=campaign)


def test_the_figures_are_those_of_all_judgments_while_people_judge_and_when_it_is_closed(judged, lead):
    assert told(judged).counted_at is None
    a_minute()
    assert told(judged).counted_at == row(judged).counted_at
    assert as_json(told(judged)) == as_json(by_reading(judged))
    campaigns.close(judged.pk, by=lead, at=clock.now())
    judged.refresh_from_db()
    # Read at once, and kept by the next minute for good.
    assert told(judged).counted_at is None
    assert told(judged).systems
    a_minute()
    assert told(judged).counted_at
    assert as_json(told(judged)) == as_json(by_reading(judged))
    assert told(judged).as_json(name_of=figures.pseudonym)["systems"]
    assert judged not in kept_findings.waiting()


def test_how_systems_fare_is_written_nowhere_before_it_is_closed(judged, lead):
    a_minute()
    assert "zz-secret" not in json.dumps(row(judged).body)
    client = signed_in(lead)
    page = client.get(judged.get_absolute_url()).content.decode()
    assert "Shown when the campaign is closed" in page
    assert "As of" in page
    api = bearer(lead, Permission.VIEW_CAMPAIGNS)
    said = api.get(f"/api/v1/campaigns/{judged.public_id}/agreement").json()
    assert said["systems"] is None
    assert said["counted_at"]


def test_what_was_said_since_is_in_the_figures_of_the_next_minute(lead, both):
    campaign = factory.stand_alone("rating", lead=lead, items=12)
    judge(both[:1], "rating")
    a_minute()
    assert told(campaign).n_judgments == 12
    judge(both[1:], "rating")
    assert told(campaign).n_judgments == 12
    a_minute()
    assert told(campaign).n_judgments == 24
    assert as_json(told(campaign)) == as_json(by_reading(campaign))


def test_the_few_are_read_at_each_look(lead, both, monkeypatch):
    monkeypatch.setattr(kept_findings, "READ_UP_TO", 24)
    campaign = factory.stand_alone("rating", lead=lead, items=12)
    judge(both, "rating")
    a_minute()
    assert told(campaign).counted_at is None
    assert told(campaign).n_judgments == 24


def test_what_was_marked_as_out_of_date_is_told_no_more_also_where_it_is_read_meanwhile(judged, monkeypatch):
    a_minute()
    rollup.forget(judged.pk)
    assert told(judged).counted_at is None
    read = given.final

    def marked_meanwhile(campaign, *, at):
        found = read(campaign, at=at)
        rollup.forget(campaign.pk)
        return found

    monkeypatch.setattr(given, "final", marked_meanwhile)
    assert not kept_findings.keep(judged, at=clock.now())
    monkeypatch.undo()
    assert told(judged).counted_at is None
    monkeypatch.setattr(kept_findings, "READ_UP_TO", 4)
    assert kept_findings.keep(judged, at=clock.now())
    assert told(judged).counted_at


def test_where_no_worker_comes_judgments_are_read(judged):
    a_minute()
    long_ago = clock.now() - kept_findings.LONGEST_AGE - dt.timedelta(minutes=1)
    AgreementState.objects.update(counted_at=long_ago)
    assert told(judged).counted_at is None
    a_minute()  # nothing is new: it says so
    assert told(judged).counted_at > long_ago


def test_a_few_more_are_waited_for_and_then_read(judged, lead, both, monkeypatch):
    monkeypatch.setattr(kept_findings, "GROWN", 2)
    a_minute()
    before = row(judged).counted_at
    letters = "abc" if judged.protocol == "ranking" else "a"
    factory.add_answers(judged, letters, lead=lead, items=1, item="more")
    settling.disagree(judged, *both)
    a_minute()
    assert row(judged).counted_at == before
    later = clock.now() + kept_findings.READ_AGAIN
    assert kept_findings.keep(judged, at=later)
    assert row(judged).n_judgments == 26


def test_versions_of_a_rubric_are_kept_with_them(lead, both):
    campaign = factory.stand_alone("rating", lead=lead, items=12)
    judge(both, "rating")
    a_minute()
    revise(campaign, lead, scale=["Bad", "", "", "", "Good"])
    at = clock.now()
    expected = figures.by_rubric(campaign, at=at)
    assert [each["n_judgments"] for each in expected] == [24]
    a_minute()
    assert row(campaign).by_rubric == expected
    assert told(campaign).counted_at

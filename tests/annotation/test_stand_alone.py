"""Campaigns over responses that were made elsewhere: opened and filled by API, judged like any other."""

import json
from collections import Counter

import pytest

from annotation import campaigns, rubrics
from annotation.agreement import figures
from annotation.blinding.sides import place_of
from annotation.models import Campaign, Response, Rubric, Slot, Task
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.ledger.models import LedgerEntry
from evaltrack.ledger.verification import verify
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory

SOURCES = ("system-a", "system-b")


def line(number, **changes):
    row = {
        "item": f"item {number}",
        "prompt": f"What is {number} + 1?",
        "responses": [{"source": source, "text": f"{source[-1]}: {number + 1}"} for source in SOURCES],
    }
    return json.dumps(row | changes).encode() + b"\n"


@pytest.fixture
def client(lead):
    return bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)


@pytest.fixture
def campaign(client):
    body = {"name": "Summaries, round 2", "protocol": "pairwise", "overlap": 2}
    answer = client.post("/api/v1/campaigns", body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    return Campaign.objects.get(public_id=answer.json()["id"])


@pytest.fixture
def add(client, campaign):
    def post(*lines):
        path = f"/api/v1/campaigns/{campaign.public_id}/tasks"
        return client.post(path, b"".join(lines), content_type="application/x-ndjson")

    return post


def test_items_become_tasks_with_two_slots_each(campaign, add):
    answer = add(*(line(number) for number in range(10)))
    assert (answer.status_code, answer.json()["added"]) == (201, 10)
    campaign.refresh_from_db()
    assert campaign.task_count == Task.objects.count() == 10
    assert Slot.objects.count() == Response.objects.count() == 20


def test_it_is_open_at_once_and_people_judge_it(campaign, add, both, lead):
    add(*(line(number) for number in range(6)))
    assert factory.judge_everything(both, lambda shown: place_with(shown, "system-b")) == 12
    found = figures.of(campaign, at=clock.now())
    assert (found.n_judgments, found.counts) == (
        12,
        {"system-a": 0, "system-b": 12, "tie": 0, "both_bad": 0},
    )
    closed = campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert closed.status == "closed"
    assert "experiment" not in LedgerEntry.objects.get(event="campaign_closed").content["facts"]
    assert verify().ok


def place_with(shown, source):
    return place_of(factory.sources_of(shown.task).index(source), shown.slot.places)


def test_sides_are_balanced_over_uploads(campaign, add):
    for start in range(0, 21, 7):
        add(*(line(number) for number in range(start, start + 7)))
    first = Counter(
        (factory.sources_of(slot.task)[0] == "system-a") == (slot.places == "01")
        for slot in Slot.objects.filter(ordinal=0).select_related("task")
    )
    assert abs(first[True] - first[False]) <= 1


def test_the_same_upload_with_its_key_is_one(client, campaign):
    path = f"/api/v1/campaigns/{campaign.public_id}/tasks"
    answers = [
        client.post(
            path, line(1), content_type="application/x-ndjson", headers={"Idempotency-Key": "upload-1"}
        )
        for _ in range(2)
    ]
    assert [answer.json() for answer in answers] == [answers[0].json()] * 2
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    ("bad", "field", "reason"),
    [
        (b"{not json\n", "", "not JSON"),
        (b"[]\n", "", "not a JSON object"),
        (line(2, prompt=""), "prompt", "must be text"),
        (line(2, item=7), "item", "must be text"),
        (line(2, item="x" * 201), "item", "up to 200"),
        (line(2, answer="b"), "answer", "unknown field"),
        (line(2, responses=[]), "responses", "a list of two"),
        (line(2, responses=["a", "b"]), "responses[0]", "must be an object"),
        (line(2, responses=[{"source": "a", "text": "1"}] * 2), "responses", "a source of its own"),
        (line(2, responses=[{"source": "a"}, {"source": "b", "text": ""}]), "responses[0].text", "text"),
        (line(2, prompt_format="html"), "prompt_format", "is one of"),
        (line(2, stratum=["x"]), "stratum", "must be text"),
        (line(2, prompt="nul \x00 here"), "", "NUL"),
        (line(0), "item", "in the campaign already"),
    ],
)
def test_a_bad_line_is_located_and_nothing_is_added(add, bad, field, reason):
    answer = add(line(0), line(1), bad)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["line"], error["field"]) == (3, field)
    assert reason in error["reason"]
    assert not Task.objects.exists()
    assert not Slot.objects.exists()


def test_an_item_of_an_earlier_upload_is_refused_whichever_way_round(add):
    add(line(1))
    turned = json.loads(line(1))
    turned["responses"].reverse()
    answer = add(line(2), json.dumps(turned).encode())
    assert answer.json()["errors"][0]["line"] == 2
    assert Task.objects.count() == 1


def test_no_line_at_all_is_an_error(add):
    assert "no item" in add().json()["errors"][0]["reason"]


def test_an_experiments_campaign_takes_no_items(client, owner, platform, custodian):
    bound = factory.open_campaign(owner=owner, platform=platform, custodian=custodian)
    path = f"/api/v1/campaigns/{bound.public_id}/tasks"
    answer = client.post(path, line(1), content_type="application/x-ndjson")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_stand_alone")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"overlap": 0}, "overlap"),
        ({"overlap": 21}, "overlap"),
        ({"protocol": "x"}, "protocol"),
        ({"name": ""}, "name"),
    ],
)
def test_a_campaign_that_cannot_be_is_refused(client, change, field):
    body = {"name": "Summaries", "protocol": "pairwise", "overlap": 2} | change
    answer = client.post("/api/v1/campaigns", body, content_type="application/json")
    assert (answer.status_code, set(answer.json()["fields"])) == (400, {field})
    assert not Campaign.objects.exists()


def test_pages_show_it_without_an_experiment(campaign, add, lead):
    add(line(1))
    client = signed_in(lead)
    assert "stand-alone" in client.get("/campaigns/").content.decode()
    page = client.get(campaign.get_absolute_url()).content.decode()
    assert "stand-alone" in page
    assert "experiment is decided" not in page
    assert "proxy" not in page


def test_evaluators_are_told_once_that_tasks_wait(add, both):
    add(line(1))
    add(line(2))
    assert both[0].notifications.filter(subject="Tasks are waiting for you").count() == 1


# ── Its rubric ───────────────────────────────────────────────────────────────────────────────────────

RUBRIC = {
    "name": "careful",
    "question": "Which is more truthful?",
    "guidance": "Check the citations.",
    "strength": True,
    "criteria": [{"id": "kind", "question": "Which is kinder?"}],
    "examples": [{"prompt": "1 + 1", "responses": ["2", "3"], "answer": "1", "why": "It is right."}],
    "rationale": ["both_bad"],
}


@pytest.fixture
def open_with(client):
    def post(**changes):
        body = {"name": "Summaries", "protocol": "pairwise", "rubric": RUBRIC | changes}
        return client.post("/api/v1/campaigns", body, content_type="application/json")

    return post


def test_a_rubric_that_changes_is_a_new_version_and_the_old_one_stays(open_with):
    answers = [open_with(), open_with(), open_with(question="Which is truer?"), open_with()]
    assert [answer.json()["rubric"] for answer in answers] == [f"careful v{n}" for n in (1, 1, 2, 3)]
    details = rubrics.of(Rubric.objects.get(name="careful", version=1))
    assert (details.strength, details.criteria[0].question) == (True, "Which is kinder?")
    assert details.examples[0].responses == ("2", "3")


EXAMPLE = RUBRIC["examples"][0]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"question": ""}, "question"),
        ({"rationale": ["sometimes"]}, "rationale.0"),
        ({"criteria": [{"id": "kind"}]}, "criteria.0.question"),
        ({"criteria": [{"id": "a", "question": "?"}, {"id": "a", "question": "!"}]}, "criteria"),
        ({"criteria": [{"id": "a", "question": "?", "weight": 2}]}, "criteria.0.weight"),
        ({"criteria": [{"id": f"c{n}", "question": "?"} for n in range(10)]}, "criteria.non_field_errors"),
        ({"examples": [EXAMPLE | {"responses": ["one"]}]}, "examples.0.responses"),
        ({"examples": [EXAMPLE | {"answer": "3"}]}, "examples.0.answer"),
        ({"colour": "blue"}, "colour"),
    ],
)
def test_a_rubric_that_cannot_be_is_refused_and_located(open_with, changes, field):
    answer = open_with(**changes)
    assert (answer.status_code, set(answer.json()["fields"])) == (400, {f"rubric.{field}"})
    assert not Rubric.objects.filter(name="careful").exists()
    assert not Campaign.objects.exists()

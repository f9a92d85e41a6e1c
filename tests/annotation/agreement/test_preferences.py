"""Ratings of systems from what people said about pairs, here or elsewhere."""

import json

import pytest

from annotation import campaigns
from annotation.blinding.sides import place_of
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from tests.accounts.callers import bearer
from tests.factories import annotation as factory
from tests.factories import stand_alone

approx = pytest.approx
UNTOLD = {"undefined": "shown when the campaign is closed"}


@pytest.fixture
def client(lead):
    return bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)


@pytest.fixture
def ask(client):
    def get(campaign, name="preferences"):
        answer = client.get(f"/api/v1/campaigns/{campaign.public_id}/{name}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    return get


@pytest.fixture
def imported(client, lead):
    """Imports votes (item, rater, left, right, said) into a campaign of their own."""

    def take(votes, campaign=None):
        row = campaign or stand_alone.campaign(lead, items=0)
        lines = [
            json.dumps({"item": item, "rater": rater, "responses": [left, right], "preference": said})
            for item, rater, left, right, said in votes
        ]
        path = f"/api/v1/campaigns/{row.public_id}/judgments"
        answer = client.post(path, "\n".join(lines), content_type="application/x-ndjson")
        assert answer.status_code == 201, answer.content
        return row

    return take


def votes(rounds=12):
    """Of three systems, a mostly beats b, and b mostly beats c; now and then a tie, once both bad."""
    for n in range(rounds):
        for one, other in (("a", "b"), ("b", "c"), ("a", "c")):
            left, right = (one, other) if n % 2 else (other, one)
            said = "tie" if n % 6 == 5 else other if n % 4 == 3 else one
            yield f"item {n}", f"rater {n % 3}", left, right, said
    yield "item 0", "rater 5", "c", "b", "both_bad"


def test_systems_stand_best_first_with_what_was_said_of_them(ask, imported):
    body = ask(imported(votes()))
    assert [row["source"] for row in body["systems"]] == ["a", "b", "c"]
    assert sum(row["rating"]["value"] for row in body["systems"]) == approx(0)
    for row in body["systems"]:
        rating = row["rating"]
        assert rating["ci_low"] < rating["value"] < rating["ci_high"]
        assert (rating["n"], rating["clusters"]) == (36, 12)
        assert 1 <= row["rank_low"] <= row["rank_high"] <= 3
    told = {
        row["source"]: [row[n] for n in ("wins", "losses", "ties", "both_bad")] for row in body["systems"]
    }
    assert told == {"a": [16, 4, 4, 0], "b": [10, 10, 4, 1], "c": [4, 16, 4, 1]}
    assert body["position"]["ci_low"] < body["position"]["value"] < body["position"]["ci_high"]
    assert (body["n_judgments"], body["n_imported"], body["penalty"]) == (37, 37, "")


def test_who_always_picks_the_left_side_is_found_out(ask, imported):
    said = [(f"{n}", "r", *pair, pair[n % 7 == 0]) for n in range(40) for pair in [("ab", "ba")[n % 2]]]
    body = ask(imported(said))
    assert body["position"]["ci_low"] > 0
    assert all(row["rating"]["ci_low"] < 0 < row["rating"]["ci_high"] for row in body["systems"])


def test_all_votes_to_one_side_leave_the_position_undefined_and_the_ratings_defined(ask, imported):
    said = [(f"{n}", "r", *pair, pair[0]) for n in range(40) for pair in [("ab", "ba")[n % 2]]]
    body = ask(imported(said))
    assert body["position"] == {"undefined": "all votes went to one side"}
    assert [row["rating"]["value"] for row in body["systems"]] == approx([0, 0], abs=1e-9)


def test_a_system_that_always_wins_has_a_rating_without_an_interval(ask, imported):
    body = ask(imported((f"{n}", "r", *("ab", "ba")[n % 2], "a") for n in range(10)))
    assert [row["source"] for row in body["systems"]] == ["a", "b"]
    assert body["penalty"].startswith("A weak penalty")
    for row in body["systems"]:
        assert row["rating"]["ci_low"] is None
        assert "penalty" in row["rating"]["ci_undefined"]


@pytest.mark.parametrize("said", ["tie", "both_bad"])
def test_where_nobody_prefers_anything_ratings_are_undefined(ask, imported, said):
    body = ask(imported((f"{n}", "r", "a", "b", said) for n in range(10)))
    assert all("undefined" in row["rating"] for row in body["systems"])
    assert all(row["rank_low"] is None for row in body["systems"])
    assert "undefined" in body["position"]


def test_without_judgments_there_are_no_systems(ask, lead):
    body = ask(stand_alone.campaign(lead, items=0))
    assert (body["systems"], body["n_judgments"]) == ([], 0)
    assert "undefined" in body["position"]


def judge_all(people):
    def prefers(shown):
        return place_of(factory.sources_of(shown.task).index("one"), shown.slot.places)

    return factory.judge_everything(people, prefers)


def test_while_people_judge_no_system_is_told_to_be_better(ask, lead, both):
    campaign = stand_alone.campaign(lead, items=6, overlap=2)
    judge_all(both)
    body = ask(campaign)
    assert [row["source"] for row in body["systems"]] == ["one", "two"]
    for row in body["systems"]:
        assert row["rating"] == UNTOLD
        assert {row[name] for name in ("wins", "losses", "ties", "rank_low", "rank_high")} == {None}
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    best, worst = ask(campaign)["systems"]
    assert (best["source"], best["wins"], best["losses"]) == ("one", 12, 0)
    assert (worst["source"], worst["wins"], worst["losses"]) == ("two", 0, 12)


def test_the_preferences_of_an_experiment_are_of_its_arms(ask, campaign, both, lead):
    factory.judge_everything(both, factory.prefers_candidate)
    assert [row["source"] for row in ask(campaign)["systems"]] == ["baseline", "candidate"]
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert [(row["source"], row["wins"]) for row in ask(campaign)["systems"]] == [
        ("candidate", 12),
        ("baseline", 0),
    ]


def test_people_here_and_elsewhere_are_held_against_each_other(ask, imported, lead, both):
    campaign = stand_alone.campaign(lead, items=6, overlap=2)
    judge_all(both)
    said = [(f"item {n}", "Ann", "two", "one", "one" if n else "two") for n in range(6)]
    imported(said, campaign)
    body = ask(campaign, "agreement")
    assert (body["n_judgments"], body["n_imported"], body["n_evaluators"], body["n_items"]) == (18, 6, 3, 6)
    assert body["inter"]["percent_agreement"]["value"] == approx(16 / 18)
    named = {name for pair in body["pairs"] for name in pair["evaluators"]}
    assert named == {"imported-1", *(person.pseudonym for person in both)}
    # People are still to be asked here, as far as the lead is concerned.
    assert body["counts"] is None
    assert ask(campaign)["systems"][0]["rating"] == UNTOLD


def test_ratings_compare_no_pairs(client, lead):
    campaign = stand_alone.campaign(lead, items=0, protocol="rating")
    answer = client.get(f"/api/v1/campaigns/{campaign.public_id}/preferences")
    assert (answer.status_code, answer.json()["code"]) == (404, "no_preferences")


def test_each_criterion_has_its_own_agreement(ask, client, lead):
    rubric = {
        "name": "translation",
        "question": "Which is better?",
        "guidance": "Compare.",
        "criteria": [{"id": "fluency", "question": "Which is more fluent?"}],
    }
    campaign = stand_alone.campaign(lead, items=0, rubric=rubric)
    rows = [
        {
            "item": f"{n}",
            "rater": rater,
            "responses": ["a", "b"],
            "preference": "ab"[n % 2],
            "answers": {"fluency": "tie" if rater == "Bob" and n < 3 else "ab"[n % 2]},
        }
        for n in range(12)
        for rater in ("Ann", "Bob")
    ]
    body = "\n".join(json.dumps(row) for row in rows)
    path = f"/api/v1/campaigns/{campaign.public_id}/judgments"
    assert client.post(path, body, content_type="application/x-ndjson").status_code == 201
    found = ask(campaign, "agreement")
    assert found["inter"]["percent_agreement"]["value"] == 1
    assert found["by_question"]["fluency"]["percent_agreement"]["value"] == approx(0.75)
    assert set(found["by_question"]["fluency"]) == set(found["inter"])

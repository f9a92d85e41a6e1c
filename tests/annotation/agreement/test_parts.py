"""By criterion and by stratum: figures as of the whole, and which way people lean told to nobody before the end."""

import io
import json
import math
import re

import pytest

from annotation import campaigns, imports
from annotation.agreement import figures, kept_figures, live, parts, remembered, tally
from annotation.jobs import roll_up_agreement
from annotation.models import Judgment, Response, Task
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.stats.panel import Panel
from evaltrack.templatetags import intervals
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory
from tests.factories import stand_alone
from tests.query_growth import no_query_growth

approx = pytest.approx
HOSTILE = '<img src=x onerror="alert(1)">\u202egnol'
RUBRIC = {
    "name": "translation",
    "question": "Which is better?",
    "guidance": "Compare.",
    "criteria": [
        {"id": "tone", "question": "Which is more polite <script>?"},
        {"id": "fluency", "question": "Which is more fluent?"},
    ],
}


def into_strata(campaign, names):
    for number, task in enumerate(campaign.tasks.order_by("item")):
        Task.objects.filter(pk=task.pk).update(stratum=names[number % len(names)])


def closed(campaign, lead):
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    campaign.refresh_from_db()


@pytest.fixture
def ask(lead):
    client = bearer(lead, Permission.VIEW_CAMPAIGNS)

    def get(campaign, name="agreement", expected=200, **query):
        answer = client.get(f"/api/v1/campaigns/{campaign.public_id}/{name}", query)
        assert answer.status_code == expected, answer.content
        return answer.json()

    return get


@pytest.fixture
def section(lead):
    """What the page says by criterion and stratum; "" where it has nothing to say."""

    def look(campaign):
        page = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
        found = re.search(r'<section class="card[^"]*" id="parts".*?</section>', page, re.DOTALL)
        return found[0] if found else ""

    return look


def said_of(campaign):
    """Two strata of three items each: people agree about the one and on nothing in the other."""
    into_strata(campaign, ["easy", "hard"])
    wanted = {
        "easy": [("candidate", "candidate"), ("candidate", "candidate"), ("baseline", "baseline")],
        "hard": [("candidate", "baseline"), ("baseline", "candidate"), ("tie", "candidate")],
    }
    return {
        item: wanted[stratum].pop(0)
        for item, stratum in campaign.tasks.order_by("item").values_list("item", "stratum")
    }


@pytest.fixture
def judged(campaign, both):
    factory.judge_as_said(said_of(campaign), both)
    return campaign


@pytest.mark.parametrize("from_sums", [False, True])
def test_each_stratum_has_the_figures_that_its_own_judgments_give(judged, lead, ask, monkeypatch, from_sums):
    """By hand: of the hard items no two agree; of their six labels 3, 2 and 1 are alike, so that by chance
    8 of 30 pairs are."""
    if from_sums:
        monkeypatch.setattr(live, "READ_UP_TO", 0)
    roll_up_agreement()
    closed(judged, lead)
    assert isinstance(figures.of(judged, at=clock.now()), live.Findings) == from_sums
    easy, hard = ask(judged)["parts"]
    assert (easy["kind"], easy["name"], hard["name"]) == ("stratum", "easy", "hard")
    assert (easy["n_items"], easy["n_judgments"], hard["n_items"], hard["n_judgments"]) == (3, 6, 3, 6)
    assert easy["agreement"]["krippendorff_alpha"]["value"] == approx(1)
    assert hard["agreement"]["krippendorff_alpha"]["value"] == approx(1 - 30 / 22)
    assert hard["agreement"]["percent_agreement"]["value"] == 0
    assert (easy["net_preference"]["value"], hard["net_preference"]["value"]) == approx((2 / 6, 1 / 6))
    assert hard["counts"] == {"baseline": 2, "candidate": 3, "tie": 1, "both_bad": 0}


@pytest.mark.parametrize("from_sums", [False, True])
def test_before_the_end_a_part_says_the_same_whichever_side_people_lean_to(
    judged, ask, section, monkeypatch, from_sums
):
    if from_sums:
        monkeypatch.setattr(live, "READ_UP_TO", 0)
    before = ask(judged)["parts"], section(judged)
    assert all(row["counts"] is None for row in before[0])
    untold = {"undefined": "shown when the campaign is closed"}
    assert all(row["net_preference"] == untold for row in before[0])
    assert "Net preference" not in before[1]
    assert "easy" in before[1]
    other = {"first": "second", "second": "first"}
    for judgment in Judgment.objects.all():
        Judgment.objects.filter(pk=judgment.pk).update(choice=other.get(judgment.choice, judgment.choice))
    assert (ask(judged)["parts"], section(judged)) == before


def test_before_the_end_no_part_tells_how_systems_fare(judged, lead, ask):
    assert ask(judged, "preferences", 409, stratum="easy")["code"] == "not_closed"
    assert ask(judged, "preferences", 409, criterion="tone")["code"] == "not_closed"
    closed(judged, lead)
    told = ask(judged, "preferences", stratum="easy")
    assert [(row["source"], row["wins"]) for row in told["systems"]] == [("candidate", 4), ("baseline", 2)]
    assert told["systems"][0]["net_preference"]["value"] == approx(1 / 3)
    assert (told["n_items"], told["n_judgments"], told["n_evaluators"]) == (3, 6, 2)


def test_of_an_experiment_the_page_tells_the_net_preference_of_a_part_at_the_end(judged, lead, section):
    closed(judged, lead)
    text = section(judged)
    assert text.count('data-label="Net preference"') == 3
    assert "Of twenty such intervals one misses by chance" in text


def test_preferences_of_many_judgments_are_told_at_the_end(judged, lead, ask, monkeypatch):
    monkeypatch.setattr(live, "READ_UP_TO", 0)
    roll_up_agreement()
    assert "too many judgments" in ask(judged, "preferences")["position"]["undefined"]
    closed(judged, lead)
    assert [row["wins"] for row in ask(judged, "preferences")["systems"]] == [7, 4]


def test_a_part_that_does_not_exist_is_named(lead, both, ask):
    campaign = factory.stand_alone("pairwise", lead=lead, items=2, rubric=RUBRIC)
    factory.judge_everything([])
    for person in both:
        while shown := factory.next_for(person):
            factory.judge(shown, "tie", answers={"tone": 1, "fluency": "tie"})
    factory.the_minute_passes()
    closed(campaign, lead)
    error = ask(campaign, "preferences", 400, criterion="style")
    assert (error["code"], error["fields"]) == (
        "unknown_criterion",
        {"criterion": ["is one of: tone, fluency"]},
    )
    error = ask(campaign, "preferences", 400, stratum="easy")
    assert error["code"] == "unknown_stratum"
    assert ask(campaign, "preferences", criterion="tone", stratum="")["n_judgments"] == 4


# ── Several systems, judged here and elsewhere ───────────────────────────────────────────────────────


@pytest.fixture
def elsewhere(lead, evaluator_one):
    """Eight items of a stratum, of which system one wins three in four from either side; by tone it loses as many.

    Here everything is bad, which counts in no model, so that all that is fitted was imported.
    """
    campaign = stand_alone.campaign(lead, items=10, rubric=RUBRIC)
    for n in range(10):
        campaign.tasks.filter(item=f"item {n}").update(stratum="s" if n < 8 else "")
    while shown := factory.next_for(evaluator_one):
        factory.judge(shown, "both_bad", answers={"tone": "both_bad", "fluency": "both_bad"})
    factory.the_minute_passes()
    rows = []
    for n in range(10):
        shown = ["one", "two"] if n < 4 or n == 8 else ["two", "one"]
        better, worse = ("two", "one") if n % 4 == 3 else ("one", "two")
        answers = {"tone": worse, "fluency": "tie"}
        rows.append(
            {
                "item": f"item {n}",
                "rater": "Ann",
                "responses": shown,
                "preference": better,
                "answers": answers,
            }
        )
    body = io.BytesIO("\n".join(map(json.dumps, rows)).encode())
    imports.take(campaign.pk, body, format="ndjson", by=lead, at=clock.now())
    closed(campaign, lead)
    return campaign


def test_ratings_of_a_part_are_those_of_its_own_votes(elsewhere, ask):
    """Three wins to one, whoever stands left, are log odds of ln 3."""
    told = ask(elsewhere, "preferences", stratum="s")
    assert [row["source"] for row in told["systems"]] == ["one", "two"]
    assert [row["rating"]["value"] for row in told["systems"]] == approx([math.log(3) / 2, -math.log(3) / 2])
    assert told["position"]["value"] == approx(0, abs=1e-9)
    assert (told["n_items"], told["n_judgments"], told["n_imported"]) == (8, 16, 8)
    best = told["systems"][0]
    assert (best["wins"], best["losses"], best["both_bad"]) == (6, 2, 8)
    assert best["net_preference"]["value"] == approx(4 / 16)
    assert (best["rank_low"], best["rank_high"]) == (1, 2)
    by_tone = ask(elsewhere, "preferences", criterion="tone", stratum="s")
    assert [row["source"] for row in by_tone["systems"]] == ["two", "one"]
    assert by_tone["systems"][0]["rating"]["value"] == approx(math.log(3) / 2)
    fluency = ask(elsewhere, "preferences", criterion="fluency")
    assert "undefined" in fluency["systems"][0]["rating"]
    assert fluency["systems"][0]["ties"] == 10


ASKED = [{}, {"criterion": "tone"}, {"stratum": "s"}, {"criterion": "tone", "stratum": "s"}]


def test_what_a_worker_has_kept_of_parts_is_what_is_computed(elsewhere, ask, section):
    computed = [ask(elsewhere, "preferences", **asked) for asked in ASKED], ask(elsewhere), section(elsewhere)
    roll_up_agreement()
    assert isinstance(figures.of(elsewhere, at=clock.now()), kept_figures.Figures)
    kept = [ask(elsewhere, "preferences", **asked) for asked in ASKED], ask(elsewhere), section(elsewhere)
    assert kept == computed
    assert "preferences" not in kept[1]
    assert ask(elsewhere, "preferences", 400, stratum="t")["code"] == "unknown_stratum"


def test_the_page_has_ratings_and_the_ranks_that_are_left_open(elsewhere, lead, section):
    page = signed_in(lead).get(elsewhere.get_absolute_url()).content.decode()
    assert page.count('data-label="Ranks">1–2') == 2 + 2 * 2
    assert "What standing first is worth" in page
    text = section(elsewhere)
    assert text.count("What standing first is worth") == text.count("<h3") == 3
    # Ties alone say nothing about strength.
    assert text.count("not known") == 2
    assert "<script>?" not in text
    assert "Which is more polite &lt;script&gt;?" in text


def test_a_hostile_stratum_is_shown_as_text(lead, both, section, ask):
    campaign = factory.stand_alone("pairwise", lead=lead, items=4)
    into_strata(campaign, [HOSTILE, "b"])
    factory.judge_everything(both)
    text = section(campaign)
    assert "<img" not in text
    assert "&lt;img" in text
    assert "\u202e" not in text
    closed(campaign, lead)
    assert ask(campaign, "preferences", stratum=HOSTILE)["n_judgments"] == 4


# ── How much there is to tell ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("names", [[""], ["all"]])
def test_nothing_is_split_where_the_only_part_is_the_whole(lead, both, section, names):
    campaign = factory.stand_alone("pairwise", lead=lead, items=4)
    into_strata(campaign, names)
    factory.judge_everything(both)
    assert section(campaign) == ""


def test_one_stratum_beside_items_of_none_is_told(lead, both, section):
    campaign = factory.stand_alone("pairwise", lead=lead, items=4)
    into_strata(campaign, ["some", ""])
    factory.judge_everything(both)
    assert section(campaign).count('scope="row"') == 2


def test_too_many_strata_are_said_to_be_so_and_the_export_has_them(lead, both, section, ask, monkeypatch):
    monkeypatch.setattr(parts, "MOST_STRATA", 3)
    monkeypatch.setattr(tally, "MOST_STRATA", 3)
    campaign = factory.stand_alone("pairwise", lead=lead, items=4)
    into_strata(campaign, ["a", "b", "c", "d"])
    factory.judge_everything(both)
    text = section(campaign)
    assert "too many to tell apart" in text
    assert "#take-along-title" in text
    assert "<table" not in text
    body = ask(campaign)
    assert (body["too_many_strata"], body["parts"]) == (True, [])
    monkeypatch.setattr(live, "READ_UP_TO", 0)
    roll_up_agreement()
    body = ask(campaign)
    assert (body["too_many_strata"], body["parts"]) == (True, [])
    closed(campaign, lead)
    assert ask(campaign, "preferences", stratum="d")["n_judgments"] == 2


def test_where_nobody_shares_an_item_agreement_is_undefined_in_words(lead, evaluator_one, section):
    campaign = factory.stand_alone("pairwise", lead=lead, items=4)
    into_strata(campaign, ["a", "b"])
    factory.judge_everything([evaluator_one])
    text = section(campaign)
    assert text.count("class='undefined'") == 3
    assert "None" not in text


@pytest.mark.parametrize("from_sums", [False, True])
def test_the_page_costs_as_many_queries_with_more_strata(lead, both, section, monkeypatch, from_sums):
    if from_sums:
        monkeypatch.setattr(live, "READ_UP_TO", 0)
    campaign = factory.stand_alone("pairwise", lead=lead, items=10)
    into_strata(campaign, ["a", "b"])
    factory.judge_everything(both)
    assert Response.objects.count() == 20
    no_query_growth(
        lambda: section(campaign), lambda number: into_strata(campaign, list("abcdefghij")[: number + 1])
    )
    assert section(campaign).count('scope="row"') == 11


def test_what_was_kept_before_there_were_strata_is_read_again(empty_database):
    apps = empty_database([("annotation", "0017_desk")])

    def create(model, **columns):
        return apps.get_model("annotation", model).objects.create(**columns)

    at = clock.now()
    rubric = create("Rubric", name="r", version=1, question="?", guidance="-")
    for name in ("one", "two"):
        campaign = create(
            "Campaign", name=name, rubric=rubric, overlap=2, seed="s", due_at=at, opened_at=at, task_count=1
        )
        create("AgreementState", campaign=campaign, is_stale=False, body={"panels": {}}, n_judgments=7)
    states = empty_database([("annotation", "0018_agreement_by_stratum")]).get_model(
        "annotation", "AgreementState"
    )
    assert list(states.objects.values_list("is_stale", "n_judgments")) == [(True, 7), (True, 7)]


@pytest.mark.parametrize("most", [0, 200])
def test_what_is_remembered_of_a_panel_is_what_it_says_itself(monkeypatch, most):
    monkeypatch.setattr(remembered, "MOST_KINDS", most)
    panels = [Panel(4, {((2, 0, 0, 0),): 9, ((1, 1, 0, 0),): n, ((0, 2, 0, 0),): 7}) for n in (3, 4, 3)]
    for panel in panels:
        again = Panel(panel.k, dict(reversed(panel.kinds.items())))
        assert remembered.alpha(again, seed=1) == panel.alpha("nominal", seed=1)
        assert remembered.preference(again, seed=1) == panel.preference(seed=1)
    assert remembered.alpha(panels[0], seed=1) != remembered.alpha(panels[1], seed=1)


def test_rows_of_one_table_are_drawn_on_one_axis():
    above = {"value": 0.6, "ci_low": 0.5, "ci_high": 0.7}
    below = {"value": -0.1, "ci_low": -0.3, "ci_high": 0.1}
    start = intervals.floor_start([above, below, {"undefined": "nobody shares an item"}], 0.4)
    assert start == -1
    assert intervals.floor_start([above], 0.4) == 0
    lines = [
        re.search(r"class='zero' x1='([\d.]+)'", intervals.against_floor(each, 0.4, start))
        for each in (above, below)
    ]
    assert lines[0][1] == lines[1][1]

"""What people said, taken along: all of it, marked, and nothing that is not told yet."""

import csv
import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from annotation import assignment, campaigns, judging, opening, revision
from annotation.agreement import figures
from annotation.exports import records
from annotation.items import Item, ResponseItem
from annotation.models import ImportedJudgment, Judgment
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory
from tests.factories import stand_alone
from tests.query_growth import queries_of

RUBRIC = {"name": "asked", "question": "Which is better?", "guidance": "Compare.", "strength": True}


@pytest.fixture
def client(lead):
    return bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)


@pytest.fixture
def exported(client):
    def get(campaign, query=""):
        answer = client.get(f"/api/v1/campaigns/{campaign.public_id}/export{query}")
        assert answer.status_code == 200, answer.content
        return b"".join(answer.streaming_content).decode()

    return get


@pytest.fixture
def lines(exported):
    def get(campaign, query=""):
        return [json.loads(line) for line in exported(campaign, query).splitlines()]

    return get


def closed(campaign, lead):
    factory.the_minute_passes()
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    campaign.refresh_from_db()
    return campaign


def prefers_one(shown):
    return factory.place_of(factory.sources_of(shown.task).index("one"), shown.slot.places)


# ── The worst mistake: what is not told yet ──────────────────────────────────────────────────────────


def test_while_people_judge_nothing_says_which_system_is_which(lead, both, exported, lines):
    campaign = factory.stand_alone("pairwise", lead=lead, items=4)
    shown = factory.next_for(both[0])
    factory.judge(shown, 1, comment="The one of zz-secret-a says three")
    factory.judge_everything(both)
    for query in ("?include=campaign,exclusions", "?format=csv"):
        assert "zz-secret" not in exported(campaign, query)
    rows = lines(campaign)
    assert len(rows) == 8
    assert {row["comment"] for row in rows} == {None}
    assert {frozenset(row["slots"].values()) for row in rows} == {frozenset("ab")}
    told = [row for row in rows if row["preferred_slot"]]
    assert [row["preference"] for row in told] == [row["slots"]["1"] for row in told]


def test_letters_add_up_to_nothing_and_are_the_same_again(lead, both, lines):
    """Over many tasks each system is as often "a" as "b", whatever people prefer."""
    campaign = stand_alone.campaign(lead, items=60, name="Many")
    factory.judge_everything(both[:1], prefers_one)
    rows = lines(campaign)
    first = sum(row["preference"] == "a" for row in rows)
    assert len(rows) == 60
    assert 15 <= first <= 45
    assert rows == lines(campaign)
    # Two evaluators of one task are told apart by nothing: agreement can be computed from letters.
    assert len({row["item"] for row in rows}) == 60


def test_letters_do_not_follow_ordinals(lead, both, lines):
    campaign = stand_alone.campaign(lead, items=60, name="Many")
    factory.judge_everything(both[:1], lambda shown: 1)
    said = {str(row.public_id): row for row in Judgment.objects.all()}
    same = sum((row["preference"] == "a") == (said[row["id"]].choice == "first") for row in lines(campaign))
    assert 15 <= same <= 45


def test_what_is_not_told_yet_cannot_be_imported_elsewhere(lead, both, client):
    campaign = stand_alone.campaign(lead, items=1)
    answer = client.get(f"/api/v1/campaigns/{campaign.public_id}/export?format=ndjson")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_told_yet")
    assert "closed" in answer.json()["detail"]


def test_imports_beside_open_tasks_do_not_tell_the_letters_of_these(lead, both, client, lines):
    """Whoever sent the file knows its systems; the letters of the same pair and item must not follow from it."""
    campaign = stand_alone.campaign(lead, items=40, name="Both kinds")
    said = [
        {"item": f"item {n}", "rater": "Ann", "responses": ["one", "two"], "preference": "one"}
        for n in range(40)
    ]
    sent = "\n".join(map(json.dumps, said)).encode()
    path = f"/api/v1/campaigns/{campaign.public_id}/judgments"
    assert client.post(path, sent, content_type="application/x-ndjson").status_code == 201
    factory.judge_everything(both[:1], prefers_one)
    rows = lines(campaign)
    here = {row["item"]: row["preference"] for row in rows if not row["imported"]}
    elsewhere = {row["item"]: row["preference"] for row in rows if row["imported"]}
    assert here.keys() == elsewhere.keys()
    assert 8 <= sum(here[item] == elsewhere[item] for item in here) <= 32
    assert {row["line"] for row in rows} == {None}


def test_of_a_sealed_hold_out_single_examples_stay_untold(campaign, both, lead, owner, lines):
    factory.judge_everything(both)
    closed(campaign, lead)
    version = campaign.experiment.dataset_version
    open_items = {row["item"] for row in lines(campaign)}
    type(version).objects.filter(pk=version.pk).update(looks_allowed=3)
    about, *rows = lines(campaign, "?include=campaign")
    assert about["systems_told"]
    assert not about["items_told"]
    assert "sealed" in about["untold_because"]
    assert not open_items & {row["item"] for row in rows}
    assert {row["comment"] for row in rows} == {None}
    assert {"candidate", "baseline"} == {system for row in rows for system in row["slots"].values()}


def test_names_of_people_stand_nowhere(lead, both, exported):
    campaign = stand_alone.campaign(lead, items=2, overlap=2)
    factory.judge_everything(both)
    closed(campaign, lead)
    for query in ("?include=campaign,exclusions", "?format=csv", "?format=ndjson"):
        said = exported(campaign, query)
        assert not [name for name in (lead.username, *(each.username for each in both)) if name in said]
        assert all(each.pseudonym in said for each in both)


# ── What stands in it ────────────────────────────────────────────────────────────────────────────────


def test_a_judgment_says_who_stood_where_and_what_was_preferred(lead, both, lines):
    rubric = RUBRIC | {"criteria": [{"id": "fluency", "question": "Which is more fluent?"}]}
    campaign = stand_alone.campaign(lead, items=1, rubric=rubric)
    shown = factory.next_for(both[0])
    place = prefers_one(shown)
    answers = {"fluency": 3 - place}
    factory.judge(shown, place, strength=2, answers=answers, comment="Short.", active_ms=900)
    closed(campaign, lead)
    (row,) = lines(campaign)
    assert row["slots"] == {str(place): "one", str(3 - place): "two"}
    assert (row["preference"], row["preferred_slot"], row["strength"]) == ("one", place, 2)
    assert row["answers"] == {"fluency": "two"}
    assert (row["comment"], row["rubric"], row["item"]) == ("Short.", "asked v1", "item 0")
    stored = Judgment.objects.get()
    assert (row["evaluator"], row["state"]) == (both[0].pseudonym, "final")
    assert (row["id"], row["active_ms"], row["wall_ms"]) == (
        str(stored.public_id), stored.active_ms, stored.wall_ms,
    )  # fmt: skip
    assert row["counts_in_statistics"] is True
    assert row["not_counted_because"] is None
    assert (row["simulated"], row["proxy"], row["imported"], row["is_gold"]) == (False, False, False, False)
    assert row["judged_at"].endswith("Z")
    assert row["kind"] == "judgment"


@pytest.mark.parametrize(
    ("protocol", "field", "said"),
    [
        ("rating", "rating", 4),
        ("ranking", "ranking", None),
        ("spans", "spans", [{"start": 0, "end": 4, "reason": "wrong"}]),
    ],
)
def test_every_protocol_has_its_answer(lead, both, lines, exported, protocol, field, said):
    campaign = factory.stand_alone(protocol, lead=lead, items=2, overlap=1)
    while (shown := factory.next_for(both[0])) is not None:
        factory.judge(shown)
    closed(campaign, lead)
    for row in lines(campaign):
        if said is None:
            stood = row["slots"]
            assert [sorted(group) for group in row["ranking"]] == [
                [stood["2"]], sorted([stood["1"], stood["3"]]),
            ]  # fmt: skip
        else:
            assert row[field] == said
        others = {"rating", "ranking", "spans", "preference"} - {field}
        assert all(row[other] is None for other in others)
    table = list(csv.DictReader(io.StringIO(exported(campaign, "?format=csv"), newline="")))
    assert [json.loads(row[field]) for row in table] == [row[field] for row in lines(campaign)]


def test_everything_is_there_and_says_why_it_does_not_count(lead, both, evaluator_three, lines, exported):
    """Undone, provisional, gold, excluded; and what counts is what the figures are made of."""
    campaign = stand_alone.campaign(lead, items=4, overlap=1)
    gold = {
        "item": "gold 1", "prompt": "?", "gold": {"preference": 1, "why": "It is."},
        "responses": [{"source": "one", "text": "x"}, {"source": "two", "text": "y"}],
    }  # fmt: skip
    path = f"/api/v1/campaigns/{campaign.public_id}/tasks"
    sent = bearer(lead, Permission.MANAGE_CAMPAIGNS).post(
        path, json.dumps(gold).encode(), content_type="application/x-ndjson"
    )
    assert sent.status_code == 201
    judgment = factory.judge(factory.next_for(both[0]), "tie")
    judging.undo(judgment.public_id, by=both[0], at=clock.now())
    skipped = factory.next_for(both[0])
    if hasattr(skipped.task, "gold"):
        factory.judge(skipped, "tie")
        skipped = factory.next_for(both[0])
    assignment.give_back(
        skipped.public_id, by=both[0], state="skipped", at=clock.now(), skip_reason="No idea what it asks"
    )
    campaigns.exclude_task(skipped.task_id, by=lead, reason="Nobody knows what it asks", at=clock.now())
    while (shown := factory.next_for(both[0])) is not None:
        factory.judge(shown, "tie")
    rows = lines(campaign, "?include=campaign,exclusions")
    about, exclusion, judgments = rows[0], rows[1], rows[2:]
    assert (about["kind"], about["schema"]) == ("campaign", "evaltrack/export/1")
    assert about["judgments"] == len(judgments) == Judgment.objects.count()
    assert (exclusion["kind"], exclusion["judgments"]) == ("exclusion", 0)
    # The last one can still be undone.
    assert [row["state"] for row in judgments].count("provisional") == 1
    closed(campaign, lead)
    judgments = lines(campaign)
    counted = {row["id"] for row in judgments if row["counts_in_statistics"]}
    assert counted == {str(row.public_id) for row in figures.counted(campaign, at=clock.now())}
    assert {row["not_counted_because"] for row in judgments} == {None, "gold", "undone"}
    _, exclusion, *_ = lines(campaign, "?include=campaign,exclusions")
    assert exclusion["exclusion_reason"] == "Nobody knows what it asks"


def test_what_is_beyond_the_overlap_excluded_or_superseded_is_marked(lead, both, lines):
    campaign = stand_alone.campaign(lead, items=3, overlap=2)
    factory.judge_everything(both)
    first, second, _ = Judgment.objects.filter(evaluator=both[0]).order_by("pk")
    type(first.slot).objects.filter(pk=first.slot_id).update(ordinal=7)
    type(second.task).objects.filter(pk=second.task_id).update(
        excluded_by=lead, excluded_at=clock.now(), exclusion_reason="Names a system"
    )
    closed(campaign, lead)
    rows = lines(campaign)
    assert sorted(filter(None, (row["not_counted_because"] for row in rows))) == [
        "beyond_overlap", "excluded", "excluded",
    ]  # fmt: skip
    assert {row["exclusion_reason"] for row in rows} == {None, "Names a system"}
    counted = {row["id"] for row in rows if row["counts_in_statistics"]}
    assert counted == {str(row.public_id) for row in figures.counted(campaign, at=clock.now())}


def test_a_superseded_judgment_names_its_rubric(lead, both, lines):
    campaign = stand_alone.campaign(lead, items=1, rubric=RUBRIC)
    factory.judge_everything(both[:1])
    revision.revise(
        campaign.pk,
        rubric={**RUBRIC, "guidance": "Compare again."},
        asks_again=True,
        by=lead,
        reason="The old one was unclear.",
        at=clock.now(),
    )
    factory.judge_everything(both)
    closed(campaign, lead)
    rows = lines(campaign)
    assert [(row["rubric"], row["not_counted_because"]) for row in rows] == [
        ("asked v1", "superseded"),
        ("asked v2", None),
    ]


def test_a_program_s_judgments_and_a_proxy_are_marked(campaign, both, lead, lines):
    factory.judge_everything(both)
    type(campaign).objects.filter(pk=campaign.pk).update(
        unblocked_by=lead, unblocked_at=clock.now(), unblocking_reason="late", is_simulated=True
    )
    assert {(row["simulated"], row["proxy"]) for row in lines(campaign)} == {(True, True)}
    assert lines(campaign, "?include=campaign")[0]["proxy"]["reason"] == "late"


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_spreadsheet_computes_nothing_of_it(lead, both, exported):
    campaign = stand_alone.campaign(lead, items=0, overlap=2)
    path = f"/api/v1/campaigns/{campaign.public_id}/tasks"
    item = {
        "item": '=HYPERLINK("http://x")', "prompt": "?", "stratum": "+1", "responses": [
            {"source": "@SUM(A1)", "text": "x"}, {"source": "-2", "text": "y"},
        ],
    }  # fmt: skip
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS)
    assert (
        client.post(path, json.dumps(item).encode(), content_type="application/x-ndjson").status_code == 201
    )
    for evaluator in both:
        factory.judge(factory.next_for(evaluator), 1, comment='\t=1+1 "quoted",\nand a line\r\n')
    closed(campaign, lead)
    text = exported(campaign, "?format=csv")
    assert text.count("\r\n") >= 3
    table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len(table) == 3
    assert {len(row) for row in table} == {len(table[0])}
    cells = [value for row in table for value in row]
    assert not [value for value in cells if value.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert '\'=HYPERLINK("http://x")' in cells


def test_columns_hold_the_criteria_of_every_version(lead, both, exported):
    rubric = RUBRIC | {"criteria": [{"id": "fluency", "question": "Which is more fluent?"}]}
    campaign = stand_alone.campaign(lead, items=1, rubric=rubric)
    shown = factory.next_for(both[0])
    factory.judge(shown, 1, answers={"fluency": "tie"})
    closed(campaign, lead)
    (row,) = csv.DictReader(io.StringIO(exported(campaign, "?format=csv"), newline=""))
    assert (row["answers.fluency"], row["counts_in_statistics"], row["is_gold"]) == ("tie", "true", "false")
    assert {row["slot_1"], row["slot_2"]} == {"one", "two"}


def test_an_empty_campaign_gives_a_header_and_an_empty_file(lead, exported):
    campaign = stand_alone.campaign(lead, items=0)
    assert exported(campaign) == ""
    assert exported(campaign, "?format=csv").startswith("id,campaign,task,item,")


# ── Back again ───────────────────────────────────────────────────────────────────────────────────────


def told(client, campaign):
    body = client.get(f"/api/v1/campaigns/{campaign.public_id}/agreement").json()
    kept = ("inter", "intra", "by_question", "systems", "n_judgments", "n_items", "n_evaluators")
    return {name: body[name] for name in kept}


def test_an_export_imports_again_with_the_same_figures(lead, both, evaluator_three, client, exported):
    campaign = stand_alone.campaign(lead, items=15, overlap=3, rubric=RUBRIC)
    cycle = [1, "tie", 2, 1, "both_bad", prefers_one, prefers_one]
    for number, evaluator in enumerate([*both, evaluator_three]):
        left = iter((cycle[(number + n) % 5 if n % 3 else 5]) for n in range(15))

        def prefer(shown, left=left):
            said = next(left)
            return said(shown) if callable(said) else said

        factory.judge_everything([evaluator], prefer)
    closed(campaign, lead)
    sent = exported(campaign, "?format=ndjson").encode()
    other = stand_alone.campaign(lead, items=0, name="Elsewhere", rubric=RUBRIC)
    path = f"/api/v1/campaigns/{other.public_id}/judgments"
    answer = client.post(path, sent, content_type="application/x-ndjson")
    assert (answer.status_code, answer.json()["added"]) == (201, 45)
    before, after = told(client, campaign), told(client, other)
    assert before["n_judgments"] == 45
    assert before == after
    # Once more, after a round over the other campaign: the same judgments again, and not their repeats.
    again = exported(other, "?format=ndjson").encode()
    third = stand_alone.campaign(lead, items=0, name="Third", rubric=RUBRIC)
    path = f"/api/v1/campaigns/{third.public_id}/judgments"
    assert client.post(path, again, content_type="application/x-ndjson").json()["added"] == 45
    assert told(client, third) == before
    twice = client.post(path, again + b"\n", content_type="application/x-ndjson").json()
    assert (twice["added"], twice["import"]["known"]) == (0, 45)


def test_imported_judgments_stand_in_it_with_their_file(lead, client, lines):
    campaign = stand_alone.campaign(lead, items=0)
    said = {"item": "seg 1", "rater": "Ann Smith", "responses": ["a", "b"], "preference": "b"}
    path = f"/api/v1/campaigns/{campaign.public_id}/judgments"
    body = client.post(path, json.dumps(said).encode(), content_type="application/x-ndjson").json()
    (row,) = lines(campaign)
    assert (row["imported"], row["import"], row["line"]) == (True, body["import"]["id"], 1)
    assert (row["slots"], row["preference"], row["preferred_slot"]) == ({"1": "a", "2": "b"}, "b", 2)
    assert (row["evaluator"], row["counts_in_statistics"]) == ("imported-1", True)
    assert ImportedJudgment.objects.count() == 1


# ── Who, how, and how much ───────────────────────────────────────────────────────────────────────────


def test_an_unknown_format_or_inclusion_is_refused_in_words(lead, client):
    campaign = stand_alone.campaign(lead, items=0)
    path = f"/api/v1/campaigns/{campaign.public_id}/export"
    for query, code in (
        ("?format=xml", "bad_format"),
        ("?include=people", "bad_include"),
        ("?format=csv&include=campaign", "bad_include"),
    ):
        answer = client.get(path + query)
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    rated = stand_alone.campaign(lead, items=0, name="Rated", protocol="rating")
    answer = client.get(f"/api/v1/campaigns/{rated.public_id}/export?format=ndjson")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_pairwise")


@pytest.mark.parametrize("accepted", ["text/csv", "application/x-ndjson", "text/html", "*/*"])
def test_the_query_decides_and_not_what_is_accepted(lead, client, accepted):
    campaign = stand_alone.campaign(lead, items=0)
    answer = client.get(
        f"/api/v1/campaigns/{campaign.public_id}/export?format=csv", headers={"Accept": accepted}
    )
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="campaign-{campaign.public_id}.csv"'
    assert answer["Cache-Control"] == "no-store"


def test_the_page_leads_to_it(lead, both, client):
    campaign = stand_alone.campaign(lead, items=1)
    browser = signed_in(lead)
    page = browser.get(campaign.get_absolute_url()).content.decode()
    assert f"/api/v1/campaigns/{campaign.public_id}/export?format=csv" in page
    assert "drawn anew for each task" in page
    assert "export?format=ndjson" not in page
    assert browser.get(f"/api/v1/campaigns/{campaign.public_id}/export?format=csv").status_code == 200
    factory.judge_everything(both[:1])
    closed(campaign, lead)
    page = browser.get(campaign.get_absolute_url()).content.decode()
    assert "drawn anew" not in page
    assert "export?format=ndjson" in page


def test_the_command_writes_the_same_bytes(lead, both, exported, tmp_path, capsys):
    campaign = stand_alone.campaign(lead, items=2)
    factory.judge_everything(both[:1])
    closed(campaign, lead)
    for format in ("jsonl", "csv", "ndjson"):
        file = tmp_path / format
        call_command("export_judgments", str(campaign.public_id), str(file), format=format, by=lead.username)
        assert file.read_bytes().decode() == exported(campaign, f"?format={format}")
    call_command("export_judgments", str(campaign.public_id), by=lead.username)
    assert capsys.readouterr().out == exported(campaign)
    for arguments, said in (
        ((str(campaign.public_id), "--by", "nobody"), "no account"),
        (("x", "--by", lead.username), "no campaign"),
        ((str(campaign.public_id), "--by", both[0].username), "no campaign"),
        ((str(campaign.public_id), str(tmp_path), "--by", lead.username), "directory"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("export_judgments", *arguments)


def test_it_is_read_in_chunks_that_leave_nothing_out(lead, both, lines, exported, monkeypatch):
    campaign = stand_alone.campaign(lead, items=7, overlap=2)
    factory.judge_everything(both)
    closed(campaign, lead)
    whole = exported(campaign)
    for size in (1, 3, 7, 14, 15):
        monkeypatch.setattr(records, "CHUNK", size)
        assert exported(campaign) == whole
    assert [row["id"] for row in lines(campaign)] == [
        str(row.public_id) for row in Judgment.objects.order_by("pk")
    ]


def test_queries_grow_with_chunks_and_not_with_judgments(lead, both, exported):
    campaign = stand_alone.campaign(lead, items=3, overlap=2)
    factory.judge_everything(both)
    exported(campaign)  # warms what is kept between requests
    few = len(queries_of(lambda: exported(campaign)))
    more = stand_alone.campaign(lead, items=20, overlap=2, name="More")
    factory.judge_everything(both)
    assert len(queries_of(lambda: exported(more))) == few


# ── Ids of what was judged elsewhere ─────────────────────────────────────────────────────────────────


def test_annotations_of_one_task_have_ids_of_their_own_and_import_again(lead, client, exported, lines):
    """Files of other tools count tasks: two annotations of one task have the same number and the same pair."""
    campaign = stand_alone.campaign(lead, items=0)
    data = {
        "item": "i",
        "prompt": "?",
        "response_1": "x",
        "response_2": "y",
        "source_1": "A",
        "source_2": "B",
    }
    said = [
        {
            "id": n,
            "completed_by": n,
            "result": [{"from_name": "p", "type": "pairwise", "value": {"selected": side}}],
        }
        for n, side in enumerate(("left", "right", "left"), start=1)
    ]
    path = f"/api/v1/campaigns/{campaign.public_id}/judgments?format=label_studio"
    sent = json.dumps([{"id": 1, "project": 1, "data": data, "annotations": said}]).encode()
    assert client.post(path, sent, content_type="application/json").json()["added"] == 3
    rows = lines(campaign)
    assert len({row["id"] for row in rows}) == 3
    again = stand_alone.campaign(lead, items=0, name="Again")
    answer = client.post(
        f"/api/v1/campaigns/{again.public_id}/judgments",
        exported(campaign, "?format=ndjson").encode(),
        content_type="application/x-ndjson",
    )
    assert answer.json().get("added") == 3, answer.json()


def test_a_stratum_of_single_responses_is_not_told_yet(lead, both, lines, exported):
    """Of a task with one response the stratum may say whose it is, and then the rating is that system's."""
    campaign = stand_alone.campaign(lead, items=0, protocol="rating", overlap=2)
    rows = [
        (n, Item(f"item {n}", "What?", (ResponseItem(f"zz-{n % 2}", f"{n}"),), stratum=f"from zz-{n % 2}"))
        for n in range(4)
    ]
    opening.add_items(campaign.pk, iter(rows), by=lead, at=clock.now())
    factory.judge_everything(both, lambda shown: None)
    for query in ("?include=campaign,exclusions", "?format=csv"):
        assert "zz-" not in exported(campaign, query)
    assert {row["stratum"] for row in lines(closed(campaign, lead))} == {"from zz-0", "from zz-1"}

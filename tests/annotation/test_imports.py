"""Judgments that were made elsewhere: read whole or not at all, marked, and kept apart from what people do here."""

import io
import json
import os
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, transaction

from annotation import campaigns, imports, querysets
from annotation.models import (
    ImportedJudgment,
    ImportedRater,
    ImportedSource,
    Judgment,
    JudgmentImport,
    Slot,
    Task,
)
from evaltrack import clock
from evaltrack.accounts.models import IdempotentRequest
from evaltrack.accounts.roles import Permission
from evaltrack.ledger.models import LedgerEntry
from evaltrack.ledger.verification import verify
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory
from tests.factories import stand_alone
from tests.query_growth import no_query_growth

HEADER = "srclang,trglang,srcIndex,segmentId,judgeID,system1Id,system1rank,system2Id,system2rank,rankingID\n"


def line(item="seg 1", rater="Ann", pair=("a", "b"), preference="a", **more):
    row = {"item": item, "rater": rater, "responses": list(pair), "preference": preference}
    return json.dumps(row | more).encode() + b"\n"


@pytest.fixture
def client(lead):
    return bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)


@pytest.fixture
def alone(lead):
    rubric = {
        "name": "translation",
        "question": "Which is better?",
        "guidance": "Compare.",
        "criteria": [{"id": "fluency", "question": "Which is more fluent?"}],
    }
    return stand_alone.campaign(lead, items=0, rubric=rubric)


@pytest.fixture
def send(client, alone):
    def post(*lines, query="", content_type="application/x-ndjson", **more):
        path = f"/api/v1/campaigns/{alone.public_id}/judgments{query}"
        return client.post(path, b"".join(lines), content_type=content_type, **more)

    return post


@pytest.fixture
def send_csv(send):
    def post(text):
        return send(text.encode(), query="?format=appraise", content_type="text/csv")

    return post


# ── What is stored ───────────────────────────────────────────────────────────────────────────────────


def test_a_file_becomes_judgments_by_numbered_raters(send, alone, lead):
    answer = send(
        line(),
        line(rater="Bob", pair=("b", "a"), preference="tie", judged_at="2016-05-02T10:15:00+02:00"),
        line(item="seg 2", preference="both_bad", answers={"fluency": "b"}),
    )
    body = answer.json()
    assert (answer.status_code, body["added"]) == (201, 3)
    assert (body["import"]["judgments"], body["import"]["skipped"], body["import"]["known"]) == (3, 0, 0)
    assert body["import"]["imported_by"] == lead.username
    rows = ImportedJudgment.objects.select_related("left", "right", "rater").order_by("pk")
    assert [(row.left.name, row.right.name, row.choice, row.rater.pseudonym, row.line) for row in rows] == [
        ("a", "b", "left", "imported-1", 1),
        ("b", "a", "tie", "imported-2", 2),
        ("a", "b", "both_bad", "imported-1", 3),
    ]
    assert rows[1].judged_at.isoformat() == "2016-05-02T08:15:00+00:00"
    assert rows[2].answers == {"fluency": "right"}


def test_it_is_written_in_the_ledger_with_the_digest_of_the_file(send, alone, lead):
    body = send(line()).json()
    entry = LedgerEntry.objects.get(event="judgments_imported")
    assert entry.content["facts"] == {
        "import": body["import"]["id"],
        "format": "ndjson",
        "sha256": body["import"]["sha256"],
        "judgments": 1,
        "skipped": 0,
        "known": 0,
    }
    assert verify().ok


def test_names_of_raters_are_not_kept(send):
    send(line(rater="Ann Smith"))
    (rater,) = ImportedRater.objects.all()
    assert "Ann" not in f"{rater.key} {rater.number} {rater}"
    assert "Ann Smith" not in str(LedgerEntry.objects.get(event="judgments_imported").content)


def test_a_rater_is_the_same_one_in_a_later_file(send):
    send(line(rater="Ann"), line(rater="Bob"))
    send(line(rater="Bob", item="seg 2"), line(rater="Cid", item="seg 2"))
    numbers = ImportedJudgment.objects.order_by("pk").values_list("rater__number", flat=True)
    assert list(numbers) == [1, 2, 2, 3]
    assert ImportedSource.objects.count() == 2


def test_nothing_of_it_is_in_a_queue_or_counts_as_work(send, alone, both):
    send(line(), line(rater="Bob"))
    for model in (Task, Slot, Judgment):
        assert not model.objects.exists()
    assert not querysets.campaigns_for(both[0]).exists()
    assert factory.next_for(both[0]) is None


def test_a_campaign_of_imported_judgments_alone_can_be_closed(send, alone, lead):
    send(line(), line(rater="Bob"))
    empty = campaigns.judgments_root(stand_alone.campaign(lead, items=0, name="Empty"))
    assert campaigns.close(alone.pk, by=lead, at=clock.now()).status == "closed"
    facts = LedgerEntry.objects.get(event="campaign_closed").content["facts"]
    assert facts["imported"] == 2
    # The root proves each of them.
    assert facts["judgments_root"] == campaigns.judgments_root(alone) != empty
    ImportedJudgment.objects.filter(line=2).update(choice="right")
    assert facts["judgments_root"] != campaigns.judgments_root(alone)
    again = send(line(item="seg 2"))
    assert (again.status_code, again.json()["code"]) == (409, "campaign_closed")


def test_it_is_marked_wherever_the_campaign_stands(send, alone, client, lead):
    pages = ("/campaigns/", alone.get_absolute_url(), "/")
    path = f"/api/v1/campaigns/{alone.public_id}"
    assert "IMPORTED" not in "".join(signed_in(lead).get(page).content.decode() for page in pages)
    assert client.get(path).json()["imports"] == []
    body = send(line(), line(rater="Bob")).json()
    for page in pages:
        assert "IMPORTED" in signed_in(lead).get(page).content.decode(), page
    assert client.get("/api/v1/campaigns").json()["results"][0]["imported"] is True
    assert client.get(path).json()["imports"] == [body["import"]]
    page = signed_in(lead).get(alone.get_absolute_url()).content.decode()
    assert "2 judgments that were made elsewhere" in page
    assert body["import"]["sha256"][:12] in page
    assert "2 raters; 2 imported" in page


def test_pages_cost_the_same_for_more_imports(send, alone, client, lead):
    send(line(), line(rater="Bob"))
    browser = signed_in(lead)

    def ask():
        for page in ("/campaigns/", alone.get_absolute_url()):
            assert browser.get(page).status_code == 200
        for call in ("", "/agreement", "/preferences"):
            assert client.get(f"/api/v1/campaigns/{alone.public_id}{call}").status_code == 200

    no_query_growth(
        ask, lambda n: send(*(line(item=f"more {n} {m}", rater=f"{m % 9}") for m in range(30))), rows=4
    )


# ── Repeats and what is sent twice ───────────────────────────────────────────────────────────────────


def test_a_line_that_names_no_judgment_may_be_a_repeat(send):
    assert send(line(), line(), line(preference="b")).json()["added"] == 3


def test_the_same_file_again_adds_nothing(send):
    first = send(line(), line(rater="Bob"))
    again = send(line(), line(rater="Bob"))
    assert (again.status_code, again.json()["added"]) == (200, 0)
    assert again.json()["import"] == first.json()["import"]
    assert (ImportedJudgment.objects.count(), JudgmentImport.objects.count()) == (2, 1)
    assert LedgerEntry.objects.filter(event="judgments_imported").count() == 1


def test_the_same_request_with_its_key_is_answered_the_same(send):
    answers = [send(line(), headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(201, answers[0].json())] * 2
    other = send(line(rater="Bob"), headers={"Idempotency-Key": "once"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert IdempotentRequest.objects.count() == ImportedJudgment.objects.count() == 1


AT = {"judged_at": "2016-05-02T10:15:00Z"}


@pytest.mark.parametrize("name", [{"id": "j1"}, AT])
def test_a_named_judgment_counts_once(send, name):
    body = send(line(**name), line(pair=("b", "a"), **name), line(rater="Bob")).json()
    assert (body["added"], body["import"]["known"]) == (2, 1)
    more = send(line(**name), line(item="seg 2")).json()
    assert (more["added"], more["import"]["known"]) == (1, 1)
    assert ImportedJudgment.objects.count() == 3


@pytest.mark.parametrize("name", [{"id": "j1"}, AT])
@pytest.mark.parametrize("change", [{"preference": "b"}, {"answers": {"fluency": "tie"}}])
def test_a_contradiction_within_a_file_is_located(send, name, change):
    answer = send(line(**name), line(rater="Bob"), line(**name | change))
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["line"], error["field"]) == (3, next(iter(change)))
    assert error["reason"] == "contradicts line 1, which is the same judgment"
    assert not JudgmentImport.objects.exists()
    assert not ImportedRater.objects.exists()


def test_a_contradiction_of_an_earlier_import_is_located(send):
    send(line(id="j1"), line(id="j2"))
    answer = send(line(id="j3"), line(id="j2", rater="Bob"), line(id="j1", preference="tie"))
    assert [(error["line"], error["field"]) for error in answer.json()["errors"]] == [
        (2, "rater"),
        (3, "preference"),
    ]
    assert "line 2 of the import of 20" in answer.json()["errors"][0]["reason"]
    assert ImportedJudgment.objects.count() == 2


def test_batches_of_one_file_know_of_each_other(send, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 2)
    same = [line(id="j1"), line(id="j2"), line(id="j3"), line(id="j1")]
    assert send(*same).json()["import"]["known"] == 1
    answer = send(line(id="k1"), line(id="k2"), line(id="k3"), line(id="k1", preference="tie"))
    assert answer.json()["errors"] == [
        {"line": 4, "field": "preference", "reason": "contradicts line 1, which is the same judgment"}
    ]
    assert ImportedJudgment.objects.count() == 3


# ── Bad files ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("bad", "field", "reason"),
    [
        (b"{not json\n", "", "not JSON"),
        (b"[]\n", "", "not a JSON object"),
        (b'{"item": "\xff"}\n', "", "not UTF-8"),
        (b'{"item": "' + b"x" * (1 << 20) + b'"}\n', "", "longer than"),
        (line(item=""), "item", "must be text"),
        (line(item="x" * 201), "item", "up to 200"),
        (line(item="nul \x00"), "", "NUL"),
        (line(rater=7), "rater", "must be text"),
        (line(rater="r" * 201), "rater", "up to 200"),
        (line(pair=("a",)), "responses", "two systems"),
        (line(pair=("a", "a")), "responses", "two different"),
        (line(pair=("a", {"source": "b"})), "responses[1]", "name of a system"),
        (line(pair=("a", "s" * 501)), "responses[1]", "up to 500"),
        (line(pair=("a", "tie")), "responses[1]", "cannot be"),
        (line(preference="c"), "preference", "one of the two"),
        (line(preference=1), "preference", "one of the two"),
        (line(preference=["a"]), "preference", "one of the two"),
        (line(answers=["a"]), "answers", "must be an object"),
        (line(answers={"style": "a"}), "answers.style", "no criterion"),
        (line(answers={"fluency": "left"}), "answers.fluency", "one of the two"),
        (line(judged_at="yesterday"), "judged_at", "with its zone"),
        (line(judged_at=1462184100), "judged_at", "with its zone"),
        (line(judged_at="2016-05-02T10:15:00"), "judged_at", "with its zone"),
        (line(judged_at="0001-01-01T00:00:00+14:00"), "judged_at", "with its zone"),
        (line(judged_at="9999-12-31T00:00:00Z"), "judged_at", "in the future"),
        (line(id=""), "id", "must be text"),
        (line(confidence=3), "confidence", "unknown field"),
    ],
)
def test_a_bad_line_is_located_and_nothing_is_imported(send, bad, field, reason):
    answer = send(line(), bad, line(rater="Bob"))
    assert (answer.status_code, answer.json()["code"]) == (400, "broken_lines")
    (error,) = answer.json()["errors"]
    assert (error["line"], error["field"]) == (2, field)
    assert reason in error["reason"]
    for model in (ImportedJudgment, ImportedRater, ImportedSource, JudgmentImport):
        assert not model.objects.exists()
    assert not LedgerEntry.objects.filter(event="judgments_imported").exists()


def test_every_bad_line_is_named_and_the_list_ends_somewhere(send):
    errors = send(*[line(preference="c")] * 3, line()).json()["errors"]
    assert [error["line"] for error in errors] == [1, 2, 3]
    assert len(send(*[line(preference="c")] * 500).json()["errors"]) == 100


@pytest.mark.parametrize("body", [b"", b"\n\n", b"{}"])
def test_an_empty_file_is_refused(send, body):
    assert send(body).status_code == 400


def test_only_a_stand_alone_campaign_about_pairs_takes_imports(client, campaign, lead):
    rating = stand_alone.campaign(lead, items=0, name="Rated", protocol="rating")
    for row, code in ((campaign, "not_stand_alone"), (rating, "not_pairwise")):
        path = f"/api/v1/campaigns/{row.public_id}/judgments"
        answer = client.post(path, line(), content_type="application/x-ndjson")
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert not JudgmentImport.objects.exists()


def test_an_unknown_format_is_refused(send):
    assert send(line(), query="?format=xml").json()["code"] == "bad_format"
    assert send(line(), content_type="application/xml").status_code == 415


def test_the_database_holds_what_must_hold_for_each(send, alone):
    send(line(id="j1"))
    row = ImportedJudgment.objects.get()
    for change in ({"right": row.left}, {"choice": "first"}, {}):
        twin = ImportedJudgment.objects.get()
        twin.pk = None
        for name, value in ({"identity": None} if change else {}).items() | change.items():
            setattr(twin, name, value)
        with pytest.raises(IntegrityError), transaction.atomic():
            twin.save()


# ── Appraise ─────────────────────────────────────────────────────────────────────────────────────────


def test_rows_of_appraise_are_judgments_and_what_was_skipped_is_counted(send_csv):
    body = send_csv(
        HEADER
        + "deu,eng,7,7,judge5,x,1,y,2,181\n"
        + "deu,eng,7,7,judge5,y,3,z,3,181\n"
        + "deu,eng,7,7,judge6,x,-1,y,-1,182\n"
        + '\ndeu,eng,8,8,judge6,"x, or y",4,z,2,183\n'
    ).json()
    assert (body["added"], body["import"]["skipped"], body["import"]["format"]) == (3, 1, "appraise")
    rows = ImportedJudgment.objects.select_related("left", "right").order_by("pk")
    assert [(row.item, row.left.name, row.right.name, row.choice, row.line) for row in rows] == [
        ("deu-eng 7", "x", "y", "left", 2),
        ("deu-eng 7", "y", "z", "tie", 3),
        ("deu-eng 8", "x, or y", "z", "right", 6),
    ]


def test_a_row_of_several_systems_is_a_judgment_for_each_pair(send_csv):
    header = (
        "segmentId,judgeId,system1Id,system1rank,system2Id,system2rank,system3Number,system3Id,system3rank\n"
    )
    body = send_csv(header + "7,judge5,x,1,y,2,9,z,2\n" + "8,judge5,x,1,y,-1,9,z,2\n").json()
    assert (body["added"], body["import"]["skipped"]) == (4, 2)
    choices = ImportedJudgment.objects.order_by("pk").values_list("left__name", "right__name", "choice")
    assert list(choices) == [("x", "y", "left"), ("x", "z", "left"), ("y", "z", "tie"), ("x", "z", "left")]


def test_a_ranking_counts_once_whatever_the_order_of_rows(send_csv):
    one, other = "deu,eng,7,7,judge5,x,1,y,2,181\n", "deu,eng,7,7,judge5,x,1,z,2,181\n"
    send_csv(HEADER + one + other)
    body = send_csv(HEADER + other + one).json()
    assert (body["added"], body["import"]["known"]) == (0, 2)
    answer = send_csv(HEADER + "deu,eng,7,7,judge5,x,2,y,1,181\n")
    assert answer.json()["errors"][0]["field"] == "preference"


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ("", (1, ""), "no judgment"),
        (HEADER, (1, ""), "no judgment"),
        (HEADER + "deu,eng,7,7,judge6,x,-1,y,-1,182\n", (2, ""), "no judgment that was not skipped"),
        ("segmentId,judgeID\n7,j\n", (1, "system2Id"), "is missing"),
        ("judgeID,system1Id,system1rank,system2Id,system2rank\n", (1, "segmentId"), "is missing"),
        ("segmentId,judgeID,system1Id,system2Id,system2rank\n", (1, "system1rank"), "is missing"),
        (HEADER + "deu,eng,7,7,judge5,x,1,y\n", (2, ""), "8 columns"),
        (HEADER + "deu,eng,7,7,,x,1,y,2,181\n", (2, "judgeID"), "is empty"),
        (HEADER + "deu,eng,7,7,judge5,x,1,x,2,181\n", (2, "system2Id"), "another system"),
        (HEADER + "deu,eng,7,7,judge5,x,0,y,2,181\n", (2, "system1rank"), "a rank from 1"),
        (HEADER + "deu,eng,7,7,judge5,x,1.5,y,2,181\n", (2, "system1rank"), "a rank from 1"),
        (HEADER + "deu,eng,7,7,judge5,tie,1,y,2,181\n", (2, "system1Id"), "is an answer"),
        (HEADER + "deu,eng,7,7,judge5," + "x" * 501 + ",1,y,2,181\n", (2, "system1Id"), "up to 500"),
        (HEADER + 'deu,eng,7,7,judge5,"x,1,y,2,181\n', (2, ""), "not CSV"),
        (HEADER + "deu,eng,7,7,judge5,x\x00,1,y,2,181\n", (2, ""), "NUL"),
    ],
)
def test_a_broken_csv_is_located_and_nothing_is_imported(send_csv, text, where, reason):
    answer = send_csv(text)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["line"], error["field"]) == where
    assert reason in error["reason"]
    assert not JudgmentImport.objects.exists()
    assert not ImportedJudgment.objects.exists()


def test_a_csv_that_is_not_utf8_is_located(send):
    answer = send(HEADER.encode(), b"deu,eng,7,7,\xff,x,1,y,2,1\n", query="?format=appraise")
    assert answer.json()["errors"] == [{"line": 2, "field": "", "reason": "not UTF-8"}]


# ── By command ───────────────────────────────────────────────────────────────────────────────────────


def test_the_command_imports_for_a_lead(alone, lead, tmp_path):
    file = tmp_path / "rankings.csv"
    file.write_text(HEADER + "deu,eng,7,7,judge5,x,1,y,2,181\n" + "deu,eng,7,7,judge5,x,-1,z,-1,181\n")
    said = [io.StringIO(), io.StringIO()]
    for out in said:
        call_command(
            "import_judgments",
            str(alone.public_id),
            str(file),
            format="appraise",
            by=lead.username,
            stdout=out,
        )
    assert "1 judgments imported, 1 that raters had skipped left out, 0 known" in said[0].getvalue()
    assert "nothing added" in said[1].getvalue()
    assert ImportedJudgment.objects.count() == 1


@pytest.mark.parametrize("missing", ["campaign", "file", "person", "rights", "lines"])
def test_the_command_says_what_is_wrong(alone, lead, owner, tmp_path, missing):
    file = tmp_path / "judgments.ndjson"
    file.write_bytes(line(preference="c") if missing == "lines" else line())
    campaign = "nothing" if missing == "campaign" else str(alone.public_id)
    path = "/nowhere" if missing == "file" else str(file)
    by = {"person": "nobody", "rights": owner.username}.get(missing, lead.username)
    words = {
        "campaign": "no campaign 'nothing'",
        "file": "No such file",
        "person": "no account 'nobody'",
        "rights": "Only an evaluation lead imports",
        "lines": "line 1: preference is one of",
    }
    with pytest.raises(CommandError, match=words[missing]):
        call_command("import_judgments", campaign, path, by=by)
    assert not ImportedJudgment.objects.exists()


# ── Real data ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.shared_data
@pytest.mark.skipif(
    not Path(os.environ.get("EVALTRACK_DATA") or "/dev/null", "wmt16").is_dir(),
    reason="EVALTRACK_DATA names no folder with wmt16",
)
def test_a_cut_off_file_of_wmt16_leaves_nothing(send):
    content = Path(os.environ["EVALTRACK_DATA"], "wmt16", "wmt16.collapsed.tur-eng.csv").read_bytes()
    # In the middle of the name of a system, so that the last row lacks columns.
    cut = content.rindex(b"newstest2016.")
    answer = send(content[:cut], query="?format=appraise", content_type="text/csv")
    assert (answer.status_code, answer.json()["errors"][0]["line"]) == (400, 9685)
    assert not ImportedJudgment.objects.exists()
    assert not ImportedRater.objects.exists()

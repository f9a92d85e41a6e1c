"""Judgments that Label Studio exported: what it can say of pairs is taken, and the rest is named."""

import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from annotation.models import ImportedJudgment, ImportedRater, JudgmentImport
from evaltrack.ledger.models import LedgerEntry
from tests.accounts.callers import signed_in

HERE = "?format=label_studio"
AT = "2024-03-29T05:39:54.721157Z"


def choice(*labels, name="better", **more):
    return {
        "id": "q1", "from_name": name, "to_name": "text1", "type": "choices", "origin": "manual",
        "value": {"choices": list(labels)}, **more,
    }  # fmt: skip


def picked(side, name="pw"):
    return {
        "id": "q2", "from_name": name, "to_name": name, "type": "pairwise", "value": {"selected": side},
    }  # fmt: skip


def written(words, name="why"):
    return {"from_name": name, "to_name": "text1", "type": "textarea", "value": {"text": [words]}}


def annotation(*result, number=9, by=4, **more):
    return {
        "id": number, "completed_by": by, "result": list(result), "was_cancelled": False, "ground_truth": False,
        "created_at": AT, "updated_at": AT, "lead_time": 37.4, "prediction": {}, "result_count": 1, **more,
    }  # fmt: skip


def task(*annotations, number=17, systems=("a", "b"), **more):
    data = {"prompt": "What?", "response_1": "x", "response_2": "y"}
    data |= {"source_1": systems[0], "source_2": systems[1]} if systems else {}
    return {
        "id": number, "annotations": list(annotations), "drafts": [], "predictions": [], "data": data, "meta": {},
        "created_at": AT, "updated_at": AT, "inner_id": 1, "total_annotations": len(annotations), "project": 83,
        **more,
    }  # fmt: skip


def stored():
    rows = ImportedJudgment.objects.select_related("left", "right", "rater").order_by("pk")
    return [(row.item, row.left.name, row.right.name, row.choice, row.rater.number) for row in rows]


# ── What is taken ────────────────────────────────────────────────────────────────────────────────────


def test_pairwise_and_choices_become_judgments(send):
    body = send(
        [
            task(annotation(picked("left")), annotation(picked("right"), number=10, by=5)),
            task(annotation(picked("left"), number=11), number=18, systems=("b", "c")),
        ],
        HERE,
    ).json()
    assert (body["added"], body["import"]["left_out"]) == (3, {})
    assert stored() == [
        ("17", "a", "b", "left", 1),
        ("17", "a", "b", "right", 2),
        ("18", "b", "c", "left", 1),
    ]
    row = ImportedJudgment.objects.first()
    assert (row.line, row.judged_at.isoformat()) == (1, "2024-03-29T05:39:54.721157+00:00")


@pytest.mark.parametrize(
    ("label", "side"),
    [
        ("Response 1 is better", "left"),
        ("response_2", "right"),
        ("A", "left"),
        ("Model B is better!", "right"),
        ("Tie", "tie"),
        ("Both bad", "both_bad"),
        ("Equally good", "tie"),
        ("LEFT", "left"),
    ],
)
def test_usual_answers_are_known(send, label, side):
    assert send([task(annotation(choice(label)))], HERE).status_code == 201
    assert ImportedJudgment.objects.get().choice == side


def test_other_answers_mean_what_is_said_of_them(send):
    tasks = [
        task(
            *(annotation(choice(each), number=n) for n, each in enumerate(["Links", "Rechts", "A", "Keine"]))
        )
    ]
    refused = send(tasks, HERE)
    assert refused.status_code == 400
    first = refused.json()["errors"][0]
    assert (first["where"], first["field"]) == ("task 1, annotation 1", "annotations[0].result[0]")
    assert "'Links' is no answer that is known here" in first["reason"]
    assert len(refused.json()["errors"]) == 3
    said = "&left=Links&right=Rechts&right=A&both_bad=Keine"
    body = send(tasks, HERE + said).json()
    assert [row[3] for row in stored()] == ["left", "right", "right", "both_bad"]
    assert body["import"]["options"] == {
        "labels": {"Links": "left", "Rechts": "right", "A": "right", "Keine": "both_bad"}
    }
    facts = LedgerEntry.objects.get(event="judgments_imported").content["facts"]
    assert facts["options"] == body["import"]["options"]


def test_a_ranker_of_two_is_a_preference(send):
    def ranked(*order):
        return {
            "from_name": "rank",
            "to_name": "list",
            "type": "ranker",
            "value": {"ranker": {"rank": list(order)}},
        }

    assert send([task(annotation(ranked("response_2", "response_1")))], HERE).status_code == 201
    assert ImportedJudgment.objects.get().choice == "right"
    answer = send([task(annotation(ranked("a", "b", "c")))], HERE)
    assert "one order of two responses" in answer.json()["errors"][0]["reason"]


def test_controls_called_like_criteria_are_their_answers_and_others_are_counted(send):
    result = [choice("Tie"), choice("B", name="fluency"), choice("yes", name="toxic"), written("Because")]
    body = send([task(annotation(*result))], f"{HERE}&question=better").json()
    assert ImportedJudgment.objects.get().answers == {"fluency": "right"}
    assert body["import"]["left_out"] == {"answers to 'toxic'": 1, "answers to 'why'": 1}
    assert body["import"]["skipped"] == 0


def test_fields_that_hold_names_are_said_or_found(send):
    one = task(annotation(picked("left")), systems=None)
    assert "names no systems" in send([one], HERE).json()["errors"][0]["reason"]
    assert send([one], f"{HERE}&system=old&system=new").json()["added"] == 1
    one = task(annotation(picked("left"), number=10), systems=None)
    one["data"] |= {"first_by": "old", "example": "faq-7"}
    one["meta"] = {"second_by": "new"}
    body = send([one], f"{HERE}&source=first_by&source=second_by&item=example").json()
    assert body["added"] == 1
    assert stored()[-1] == ("faq-7", "old", "new", "left", 1)
    for query, reason in (
        ("&source=first_by", "needs `source` 2 times"),
        ("&source=first_by&source=nowhere", "is missing"),
        ("&system=a&system=b&system=c", "needs `system` 2 times"),
        ("&system=a&system=b&item=nowhere", "is missing"),
    ):
        assert reason in send([one | {"id": 99}], HERE + query).json()["errors"][0]["reason"]


def test_json_min_is_a_row_for_each_annotation(send):
    rows = [
        {"prompt": "?", "source_1": "a", "source_2": "b", "id": 1, "annotator": 4, "annotation_id": n, "better": said,
         "created_at": AT, "updated_at": AT, "lead_time": 6.7}
        for n, said in enumerate(["Response 1 is better", {"choices": ["Tie"]}, [{"selected": "right"}], "", None])
    ]  # fmt: skip
    refused = send(rows, HERE)
    assert "name one with `question`" in refused.json()["errors"][0]["reason"]
    body = send(rows, f"{HERE}&question=better").json()
    assert [row[3] for row in stored()] == ["left", "tie", "right"]
    assert body["import"]["left_out"] == {"empty": 2}


def test_a_person_is_known_by_the_address_and_no_name_is_kept(send):
    people = [{"id": 7, "email": "ann@example.org", "first_name": "Ann"}, 4, "4", "ann@example.org"]
    assert send([task(*(annotation(picked("left"), number=n, by=by) for n, by in enumerate(people)))], HERE)
    assert [row[4] for row in stored()] == [1, 2, 2, 1]
    assert "ann" not in " ".join(f"{rater.key} {rater}" for rater in ImportedRater.objects.all())


# ── What is left out, and said ───────────────────────────────────────────────────────────────────────


def test_what_people_did_not_say_is_counted_by_why(send, alone, lead):
    body = send(
        [
            task(
                annotation(picked("left"), number=1),
                annotation(picked("left"), number=2, was_cancelled=True),
                annotation(number=3),
                annotation(picked("none"), number=4),
                annotation(written("No idea"), number=5),
                annotation(picked("left"), picked("right"), number=6),
                annotation(picked("right"), number=7, by=None),
                drafts=[{"id": 1, "result": [picked("left")]}],
                predictions=[{"model_version": "judge", "result": [picked("left")]}] * 3,
            ),
            task(number=18, predictions=[1]),
        ],
        HERE,
    ).json()
    assert body["added"] == 1
    assert body["import"]["skipped"] == 7
    assert body["import"]["left_out"] == {
        "drafts": 1, "cancelled": 1, "empty": 3, "contradictory": 1, "without a rater": 1,
        "predictions": 4, "tasks that nobody has annotated": 1,
    }  # fmt: skip
    page = signed_in(lead).get(alone.get_absolute_url()).content.decode()
    assert "left out: 1 cancelled, 1 contradictory, 1 drafts, 3 empty" in page


def test_predictions_alone_are_no_judgments(send):
    answer = send([task(predictions=[{"result": [picked("left")]}])], HERE)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["where"] == "file"
    assert "there is no judgment in this file; left out: 1 predictions" in error["reason"]


def test_a_question_that_nobody_answered_is_named_with_those_that_were(send):
    answer = send([task(annotation(choice("A")))], f"{HERE}&question=best")
    assert "Nobody answered 'best'; answered are 'better'" in answer.json()["errors"][0]["reason"]


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["rating", "labels", "number", "taxonomy"])
def test_what_compares_nothing_is_refused_by_the_name_of_its_control(send, kind):
    rated = {"from_name": "stars", "to_name": "text1", "type": kind, "value": {kind: 4}}
    answer = send([task(), task(annotation(written("x")), annotation(rated, number=10))], HERE)
    (error,) = answer.json()["errors"]
    assert (error["where"], error["line"]) == ("task 2, annotation 2", 2)
    assert f"control 'stars', which is a {kind}" in error["reason"]
    asked = send([task(annotation(rated, choice("A")))], f"{HERE}&question=stars").json()["errors"][0]
    assert "'stars'" in asked["reason"]
    assert not JudgmentImport.objects.exists()


def test_of_two_controls_that_could_be_the_question_neither_is_guessed(send):
    two = [choice("A"), choice("A", name="style")]
    answer = send([task(annotation(*two))], HERE)
    assert "the controls are 'better', 'style'" in answer.json()["errors"][0]["reason"]
    # The first annotation has one of them, a later one the other.
    answer = send([task(annotation(choice("A"))), task(annotation(choice("B", name="style")))], HERE)
    assert answer.json()["errors"][0]["where"] == "task 2, annotation 1"
    assert send([task(annotation(*two))], f"{HERE}&question=style").json()["added"] == 1


@pytest.mark.parametrize(
    ("bad", "where", "field", "reason"),
    [
        ("text", "task 2", "", "must be an object"),
        (None, "task 2", "", "must be an object"),
        ({"data": {}}, "task 2", "annotations", "are missing"),
        ({"data": {}, "annotations": {"a": 1}}, "task 2", "annotations", "are missing"),
        (task("x"), "task 2, annotation 1", "annotations[0]", "must be an object"),
        (task({"result": "x"}), "task 2, annotation 1", "annotations[0].result", "must be a list"),
        (task(annotation("x")), "task 2, annotation 1", "annotations[0].result[0]", "from_name"),
        (
            task(annotation(choice() | {"value": 7})), "task 2, annotation 1", "annotations[0].result[0].value",
            "object",
        ),
        (
            task(annotation(picked("up"))), "task 2, annotation 1", "annotations[0].result[0].value.selected",
            "left or right",
        ),
        (
            task(annotation(choice(7))), "task 2, annotation 1", "annotations[0].result[0].value.choices",
            "list of texts",
        ),
        (task(annotation(picked("left")), systems=("a", "a")), "task 2, annotation 1", "responses", "two different"),
        (task(annotation(picked("left")), systems=("a", "tie")), "task 2, annotation 1", "responses[1]", "cannot be"),
        (task(annotation(picked("left")), systems=("a", ["b"])), "task 2", "data.source_2", "must be text"),
        (task(annotation(picked("left")), systems=("a", "\ud800")), "task 2, annotation 1", "", "half a character"),
        (task(annotation(picked("left")), systems=("a", "b\x00")), "task 2, annotation 1", "", "NUL"),
        (task(annotation(picked("left"), updated_at="yesterday")), "task 2, annotation 1", "judged_at", "its zone"),
        (
            task(annotation(picked("left"), updated_at="9999-01-01T00:00:00Z")), "task 2, annotation 1", "judged_at",
            "in the future",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_located_and_nothing_is_imported(send, bad, where, field, reason):
    answer = send([task(annotation(picked("left"), number=1)), bad], HERE)
    assert (answer.status_code, answer.json()["code"]) == (400, "broken_lines")
    (error,) = answer.json()["errors"]
    assert (error["line"], error["where"], error["field"]) == (2, where, field)
    assert reason in error["reason"]
    assert answer.json()["detail"].startswith(where.capitalize())
    for model in (ImportedJudgment, ImportedRater, JudgmentImport):
        assert not model.objects.exists()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no judgment in this file"),
        (b"[]", "no judgment in this file"),
        (b"[" * 100_000, "nested deeper"),
        (b'[{"id": 1, "id": 2}]', "stands twice"),
        (b'[{"id": NaN}]', "NaN"),
        (b'[{"id": ' + b"9" * 5000 + b"}]", "too many digits"),
        ('[{"id": 1}]'.encode("utf-16"), "not UTF-8"),
        (b'[{"id": 1', "not JSON"),
        (b"PK\x03\x04", "not JSON"),
    ],
)
def test_a_hostile_file_is_refused_in_words(send, raw, reason):
    answer = send(raw, HERE)
    assert answer.status_code == 400
    assert reason in answer.json()["errors"][0]["reason"]
    assert not JudgmentImport.objects.exists()


def test_the_list_of_errors_ends_somewhere_and_a_reason_too(send):
    many = [task(annotation(choice("x" * 5000), number=n), number=n) for n in range(300)]
    errors = send(many, HERE).json()["errors"]
    assert len(errors) == 100
    assert max(len(error["reason"]) for error in errors) <= 500
    wide = [task(*(annotation(choice("?"), number=n) for n in range(300)))]
    assert len(send(wide, HERE).json()["errors"]) == 100


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("&item=a&item=b", "item"),
        ("&left=x&right=x", "right"),
        ("&source=a&system=b", "system"),
        ("&ranking=perhaps", "ranking"),
        ("&left=" + "x" * 201, "left"),
        ("".join(f"&tie={n}" for n in range(21)), "tie"),
    ],
)
def test_a_mapping_that_means_nothing_is_refused(send, query, field):
    answer = send([task(annotation(picked("left")))], HERE + query)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_mapping")
    assert list(answer.json()["fields"]) == [field]


# ── Sent twice ───────────────────────────────────────────────────────────────────────────────────────


def test_the_same_annotation_counts_once_whichever_export_it_comes_in(send):
    send([task(annotation(picked("left"), number=1))], HERE)
    body = send(
        [task(annotation(picked("left"), number=1), annotation(picked("left"), number=2, by=5))], HERE
    ).json()
    assert (body["added"], body["import"]["known"]) == (1, 1)
    # Of another project the same number is another annotation.
    assert send([task(annotation(picked("right"), number=1), project=84)], HERE).json()["added"] == 1
    answer = send([task(annotation(picked("right"), number=1), number=17)], HERE)
    (error,) = answer.json()["errors"]
    assert (error["where"], error["field"]) == ("task 1", "preference")
    assert "contradicts task 1 of the import of" in error["reason"]
    assert ImportedJudgment.objects.count() == 3


def test_the_same_file_again_adds_nothing_and_with_other_options_is_refused(send):
    tasks = [task(annotation(choice("A")))]
    assert send(tasks, HERE).status_code == 201
    assert send(tasks, HERE).status_code == 200
    for query, code in ((f"{HERE}&right=A", "imported_before"), ("?format=argilla", "imported_before")):
        answer = send(tasks, query)
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert ImportedJudgment.objects.get().choice == "left"


def test_the_same_request_with_its_key_is_answered_the_same(send):
    tasks = [task(annotation(picked("left")))]
    answers = [send(tasks, HERE, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert [answer.json() for answer in answers] == [answers[0].json()] * 2
    other = send([task(annotation(picked("right")))], HERE, headers={"Idempotency-Key": "once"})
    assert other.json()["code"] == "idempotency_key_reused"


def test_a_long_body_with_a_key_is_read_as_a_stream(send):
    """Django refuses to hold so much of a body in memory; it never comes to that."""
    tasks = [task(annotation(picked("left"), number=n), number=n, pad="x" * 10_000) for n in range(400)]
    answer = send(tasks, HERE, headers={"Idempotency-Key": "long"})
    assert (answer.status_code, answer.json()["added"]) == (201, 400)


# ── By command ───────────────────────────────────────────────────────────────────────────────────────


def test_the_command_takes_the_same_options(alone, lead, tmp_path):
    file = tmp_path / "export.json"
    file.write_text(json.dumps([task(annotation(choice("Links")), annotation(number=2))]))
    arguments = [
        "import_judgments",
        str(alone.public_id),
        str(file),
        "--format",
        "label_studio",
        "--by",
        lead.username,
    ]
    with pytest.raises(CommandError, match=r"task 1, annotation 1: .*'Links' is no answer"):
        call_command(*arguments)
    out = io.StringIO()
    call_command(*arguments, "--left", "Links", "--both-bad", "Keine", stdout=out)
    assert "1 judgments imported" in out.getvalue()
    assert "Left out: 1 empty." in out.getvalue()
    assert stored() == [("17", "a", "b", "left", 1)]

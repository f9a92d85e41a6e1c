"""Judgments that Argilla exported, in each of its four forms."""

import json

import pytest

from annotation.models import ImportedJudgment, JudgmentImport

HERE = "?format=argilla"
FIELDS = {"prompt": "What?", "response_1": "x", "response_2": "y"}
SYSTEMS = {"model_1": "a", "model_2": "b"}


def version_1(values, *, status="submitted", user="u1", number="r1"):
    return {
        "id": number, "fields": FIELDS, "metadata": SYSTEMS, "external_id": None, "suggestions": [],
        "responses": [
            {"user_id": user, "status": status, "values": {name: {"value": said} for name, said in values.items()}}
        ],
    }  # fmt: skip


def version_1_of_hugging_face(values, *, status="submitted", user="u1", number="r1"):
    answers = {name: [{"user_id": user, "value": said, "status": status}] for name, said in values.items()}
    return {
        **FIELDS,
        **answers,
        "external_id": number,
        "metadata": json.dumps(SYSTEMS),
        "better-suggestion": None,
    }


def version_2(values, *, status="submitted", user="u1", number="r1"):
    answers = {name: [{"value": said, "user_id": user, "status": status}] for name, said in values.items()}
    return {
        "id": number, "status": "completed", "_server_id": f"s-{number}", "fields": FIELDS, "metadata": SYSTEMS,
        "vectors": {}, "suggestions": {"better": {"value": "A", "score": None, "agent": None}}, "responses": answers,
    }  # fmt: skip


def version_2_flat(values, *, status="submitted", user="u1", number="r1"):
    answers: dict = {}
    for name, said in values.items():
        answers[f"{name}.responses"] = [said]
        answers[f"{name}.responses.users"] = [user]
        answers[f"{name}.responses.status"] = [status]
    return {"id": number, "status": "completed", "_server_id": None, **FIELDS, **SYSTEMS, **answers}


FORMS = [version_1, version_1_of_hugging_face, version_2, version_2_flat]


def stored():
    rows = ImportedJudgment.objects.select_related("left", "right", "rater").order_by("pk")
    return [(row.item, row.left.name, row.right.name, row.choice, row.rater.number) for row in rows]


@pytest.mark.parametrize("form", FORMS)
def test_a_label_is_a_judgment_in_every_form(send, form):
    records = [
        form({"better": "Response 1"}),
        form({"better": "tie"}, user="u2"),
        form({"better": "B", "fluency": "A", "note": "Because"}, number="r2"),
        form({"better": "A"}, status="draft", number="r3"),
        form({"better": "A"}, status="discarded", number="r4"),
    ]
    body = send(records, f"{HERE}&question=better").json()
    assert (body["added"], body["import"]["skipped"]) == (3, 2)
    left_out = body["import"]["left_out"]
    assert (left_out["drafts"], left_out["discarded"], left_out["answers to 'note'"]) == (1, 1, 1)
    assert stored() == [("r1", "a", "b", "left", 1), ("r1", "a", "b", "tie", 2), ("r2", "a", "b", "right", 1)]
    assert ImportedJudgment.objects.last().answers == {"fluency": "left"}


@pytest.mark.parametrize("form", FORMS)
def test_json_lines_are_read_too(send, form):
    raw = b"".join(json.dumps(form({"better": "A"}, number=f"r{n}")).encode() + b"\n" for n in range(3))
    answer = send(raw, HERE, content_type="application/x-ndjson")
    assert (answer.status_code, answer.json()["added"]) == (201, 3)


@pytest.mark.parametrize(
    ("value", "query", "side"),
    [
        ([{"value": "response_1", "rank": 2}, {"value": "response_2", "rank": 1}], "", "right"),
        ([{"value": "response_1", "rank": 1}, {"value": "response_2", "rank": 1}], "", "tie"),
        ({"value": ["response_1", "response_2"], "rank": [1, 2]}, "", "left"),
        (["response_2", "response_1"], "&ranking=true", "right"),
        (["response_2"], "", "right"),
        (["zwei", "eins"], "&ranking=true&left=eins&right=zwei", "right"),
    ],
)
def test_a_ranking_of_two_is_a_preference(send, value, query, side):
    assert send([version_1({"better": value})], HERE + query).status_code == 201
    assert ImportedJudgment.objects.get().choice == side


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"better": 4}, "'better' with a number: a rating does not say"),
        ({"better": ["response_2", "response_1"]}, "say so with `ranking=true`"),
        ({"better": "Maybe"}, "'Maybe' is no answer that is known here"),
        (
            {"better": [{"value": c, "rank": 1} for c in "abc"]},
            "is no answer that is known here|rank the two",
        ),
        ({"better": [{"value": "a", "rank": 1}, {"value": "1", "rank": 2}]}, "must rank the two"),
        ({"better": "A", "style": "B"}, "'better', 'style': say with `question`"),
        ({"better": {"x": 1}}, "'dict' is no answer"),
    ],
)
def test_what_is_no_preference_is_refused_where_it_stands(send, values, reason):
    answer = send(
        [version_1({"better": "A"} if len(values) == 1 else {}), version_1(values, number="r2")], HERE
    )
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["where"] == "record 2, response 1"
    assert any(each in error["reason"] for each in reason.split("|"))
    assert not JudgmentImport.objects.exists()


@pytest.mark.parametrize(
    ("bad", "where", "reason"),
    [
        (7, "record 1", "must be an object"),
        ({}, "record 1", "no responses in a form"),
        ({"fields": {}, "responses": {"q": 7}}, "record 1", "must be a list"),
        ({"fields": {}, "responses": {"q": [7]}}, "record 1", "value and user_id"),
        ({"fields": {}, "responses": [7]}, "record 1", "user_id, status and values"),
        ({"fields": {}, "responses": [{"user_id": [], "values": {}}]}, "record 1", "must be text"),
        (
            {"fields": {}, "responses": [{"user_id": "u", "values": {"q": 7}}]},
            "record 1",
            "object with value",
        ),
        ({"q.responses": ["A"], "q.responses.users": []}, "record 1", "as long as"),
        (
            {"q.responses": ["A"], "q.responses.users": ["u"], "q.responses.status": "x"},
            "record 1",
            "as long as",
        ),
        (version_1({"q": "A"}) | {"metadata": {}}, "record 1", "names no systems"),
        (version_1({"q": "A"}) | {"metadata": "[" * 99999}, "record 1", "names no systems"),
        (version_1({"q": "A"}) | {"id": ["x"]}, "record 1", "must be text"),
    ],
)
def test_what_is_wrong_is_located(send, bad, where, reason):
    answer = send([bad], HERE)
    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert error["where"] == where
    assert reason in error["reason"]


def test_records_that_nobody_answered_and_people_without_an_id_are_counted(send):
    records = [
        version_1({"better": "A"}),
        {"id": "r2", "fields": FIELDS, "metadata": SYSTEMS, "responses": []},
        {"id": "r3", "fields": FIELDS, "metadata": SYSTEMS, "responses": {}},
        version_1({"better": "A"}, user=None, number="r4"),
        version_1({"fluency": "A"}, number="r5"),
    ]
    body = send(records, HERE).json()
    assert body["added"] == 1
    assert body["import"]["left_out"] == {
        "without a rater": 1, "empty": 1, "records that nobody has answered": 2,
    }  # fmt: skip


def test_a_user_answers_a_record_once(send):
    send([version_2({"better": "A"})], HERE)
    again = [version_2({"better": "A"}), version_2({"better": "B"}, user="u2")]
    body = send(again, HERE).json()
    assert (body["added"], body["import"]["known"]) == (1, 1)
    answer = send([version_2({"better": "B"})], HERE)
    assert "contradicts record 1 of the import of" in answer.json()["errors"][0]["reason"]


def test_a_label_given_twice_in_different_words_is_contradictory(send):
    record = version_2({"better": "A"})
    record["responses"]["better"] *= 2
    other = version_2({"better": "A"}, number="r2")
    other["responses"]["better"].append({"value": "B", "user_id": "u1"})
    body = send([record, other], HERE).json()
    assert (body["added"], body["import"]["left_out"]["contradictory"]) == (1, 1)


def test_half_a_character_in_a_name_is_answered_in_words(send):
    """Errors name the question as the file does; an answer cannot hold half a character."""
    raw = b'[{"id": "r1", "fields": {}, "responses": [{"user_id": "u", "values": {"\\ud800": 3}}]}]'
    answer = send(raw, HERE)
    assert answer.status_code == 400, answer.content
    raw = b'[{"id": "r1", "fields": {}, "responses": {"\\ud800": 3}}]'
    assert send(raw, HERE).status_code == 400

"""A file of items is read to its end, and what is wrong has its line and its column."""

import json

import pytest

from annotation.formats.task_files import checked, read_upload
from annotation.protocols import rules_of
from evaltrack.accounts.roles import Permission
from evaltrack.ndjson import BrokenLines
from tests.accounts.callers import bearer
from tests.annotation.desk.files import CSV, ndjson
from tests.factories import stand_alone

PAIRS, RATING = rules_of("pairwise"), rules_of("rating")


def wrong(content: bytes, name: str = "items.csv", rules=PAIRS) -> list[tuple[int, str]]:
    with pytest.raises(BrokenLines) as broken:
        checked(content, name, rules)
    return [(error.line, error.field) for error in broken.value.errors]


def test_both_formats_give_the_same_items():
    rows = [item for _, item in read_upload(CSV, "Items.CSV", PAIRS)[0]]
    lines = [
        {
            "item": item.item,
            "prompt": item.prompt,
            "responses": [{"source": each.source, "text": each.text} for each in item.responses],
        }
        for item in rows
    ]
    assert rows[0].prompt == "How do I return it?\nIt is broken."
    again = "\n".join(map(json.dumps, lines)).encode()
    assert [item for _, item in read_upload(again, "items.jsonl", PAIRS)[0]] == rows
    assert checked(CSV, "items.csv", PAIRS).items == 2
    assert checked(CSV, "items.csv", PAIRS).systems == ("heron", "plover")


def test_a_row_that_spans_lines_is_called_by_the_line_in_which_it_begins():
    numbers = [number for number, _ in read_upload(CSV, "items.csv", PAIRS)[0]]
    assert numbers == [2, 4]


def test_what_is_wrong_is_named_by_its_column():
    header = b"item,prompt,source_1,response_1,source_2,response_2\n"
    assert wrong(header + b"q1,What?,heron,Yes.,heron,No.\nq2,,heron,Yes.,plover,No.\n") == [
        (2, "responses"),
        (3, "prompt"),
    ]
    assert wrong(header + b"q1,What?,,Yes.,plover,No.\n") == [(2, "source_1")]
    assert wrong(header + b"q1,What?,tie,Yes.,plover,No.\n") == [(2, "source_1")]
    assert wrong(header + b"q1,What?,heron\n") == [(2, "")]
    assert wrong(header + b'q1,"What?,heron,Yes.,plover,No.\n') == [(2, "")]
    assert wrong(header) == [(1, "")]
    assert wrong(b"") == [(1, "")]
    assert wrong(b"item,prompt,source_1,response_1,model\n") == [(1, "model")]
    assert wrong(b"item,prompt,source_1\n") == [(1, "response_1")]
    assert wrong(b"item,item,prompt,source_1,response_1\n") == [(1, "item")]
    assert wrong(header + b"q1,What?,heron,Y\xff,plover,No.\n") == [(2, "")]


def test_a_response_of_which_nothing_is_said_is_not_there():
    header = b"item,prompt,source_1,response_1,source_2,response_2\n"
    assert checked(header + b"q1,What?,heron,Yes.,,\n", "a.csv", RATING).items == 1
    assert wrong(header + b"q1,What?,,,plover,No.\n") == [(2, "response_2")]
    assert wrong(header + b"q1,What?,,,,\n") == [(2, "responses")]
    # A system may have answered nothing; it is named all the same.
    assert checked(header + b"q1,What?,heron,,plover,No.\n", "a.csv", PAIRS).items == 1


def test_an_item_that_stands_twice_and_one_with_a_picture_are_found_before_anything_is_made():
    twice = ndjson(2) + ndjson(1)
    assert wrong(twice, "items.jsonl") == [(3, "item")]
    row = json.loads(ndjson(1)) | {"media": [{"image": "sha256:" + "a" * 64, "alt": "A shoe"}]}
    assert wrong(json.dumps(row).encode(), "items.jsonl") == [(1, "media")]


def test_tasks_of_label_studio_are_known_by_the_end_of_the_name():
    tasks = [
        {
            "data": {
                "item": "q1",
                "prompt": "What?",
                "answer1": "Yes.",
                "answer2": "No.",
                "model1": "heron",
                "model2": "plover",
            }
        }
    ]
    found = checked(json.dumps(tasks).encode(), "tasks.JSON", PAIRS)
    assert (found.items, found.systems) == (1, ("heron", "plover"))
    with pytest.raises(BrokenLines) as broken:
        checked(json.dumps(tasks * 2).encode(), "tasks.json", PAIRS)
    (error,) = broken.value.errors
    assert (error.place, error.field) == ("task 2", "item")


def test_the_api_takes_the_same_csv(lead):
    campaign = stand_alone.campaign(lead, items=0)
    call = f"/api/v1/campaigns/{campaign.public_id}/tasks?format=csv"
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS)
    answer = client.post(call, CSV, content_type="text/csv")
    assert (answer.status_code, answer.json()["added"]) == (201, 2)
    wrong = client.post(call, b"item,prompt,source_1,response_1,model\n", content_type="text/csv").json()
    assert (wrong["code"], wrong["errors"][0]["field"]) == ("broken_lines", "model")

"""Tasks to and from Label Studio: blind there too, and what comes back joins the items that went."""

import io
import json
from xml.etree import ElementTree

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from annotation import campaigns, opening
from annotation.blinding import release
from annotation.items import Item, ResponseItem
from annotation.models import Campaign, Flag, Response, Slot, Task
from evaltrack import clock
from tests.accounts.callers import signed_in
from tests.annotation.moving.conftest import RUBRIC
from tests.annotation.moving.test_label_studio import annotation, choice, task
from tests.factories import annotation as factory
from tests.factories import stand_alone
from tests.query_growth import queries_of

LABEL_STUDIO = "?format=label_studio"


@pytest.fixture
def taken(client):
    def get(campaign, query=LABEL_STUDIO):
        answer = client.get(f"/api/v1/campaigns/{campaign.public_id}/tasks{query}")
        assert answer.status_code == 200, answer.content
        return b"".join(answer.streaming_content).decode()

    return get


@pytest.fixture
def add(client, alone):
    def post(value, query=LABEL_STUDIO, *, campaign=None, content_type="application/json"):
        sent = value if isinstance(value, bytes) else json.dumps(value).encode()
        path = f"/api/v1/campaigns/{(campaign or alone).public_id}/tasks{query}"
        return client.post(path, sent, content_type=content_type)

    return post


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def figures(client, campaign):
    body = client.get(f"/api/v1/campaigns/{campaign.public_id}/agreement").json()
    return {
        name: body[name]
        for name in ("inter", "intra", "by_question", "n_judgments", "n_items", "n_evaluators")
    }


# ── Out ──────────────────────────────────────────────────────────────────────────────────────────────


def test_tasks_name_no_system_and_neither_does_the_configuration(lead, taken):
    campaign = factory.stand_alone("pairwise", lead=lead, items=5)
    tasks, config = taken(campaign), taken(campaign, LABEL_STUDIO + "&part=config")
    assert "zz-secret" not in tasks + config
    datas = [each["data"] for each in json.loads(tasks)]
    assert [sorted(each) for each in json.loads(tasks)] == [["data"]] * 5
    assert [sorted(data) for data in datas] == [
        ["contexts", "evaltrack", "prompt", "response_1", "response_2"]
    ] * 5
    key = lines(taken(campaign, LABEL_STUDIO + "&part=key"))
    for data, row in zip(datas, key, strict=True):
        assert data["evaltrack"] == row["evaltrack"]
        for place, system in enumerate(row["systems"], start=1):
            text = Response.objects.get(task__public_id=row["evaltrack"], source=system).content
            assert data[f"response_{place}"] == text


def test_systems_change_places_and_not_as_on_our_own_screen(lead, taken):
    campaign = stand_alone.campaign(lead, items=60)
    key = {row["evaltrack"]: row["systems"] for row in lines(taken(campaign, LABEL_STUDIO + "&part=key"))}
    assert 15 <= sum(systems[0] == "one" for systems in key.values()) <= 45
    ours = {}
    for slot in Slot.objects.filter(ordinal=0).select_related("task"):
        ours[str(slot.task.public_id)] = factory.sources_of(slot.task)[int(slot.places[0])]
    assert 15 <= sum(ours[name] == systems[0] for name, systems in key.items()) <= 45
    assert key == {
        row["evaltrack"]: row["systems"] for row in lines(taken(campaign, LABEL_STUDIO + "&part=key"))
    }


def test_what_nobody_may_be_given_stays_here(lead, taken, add):
    campaign = stand_alone.campaign(lead, items=0)
    pair = [{"source": "system-one", "text": "Yes."}, {"source": "system-two", "text": "No."}]
    sent = [
        {"item": "plain", "prompt": "?", "responses": pair},
        {"item": "gold", "prompt": "?", "responses": pair, "gold": {"preference": 1, "why": "It is."}},
        {"item": "held", "prompt": "?", "responses": [pair[0] | {"text": "I am ChatGPT."}, pair[1]]},
        {"item": "redacted", "prompt": "I am Claude. And you?", "responses": pair},
        {"item": "excluded", "prompt": "?", "responses": [pair[0], pair[1] | {"text": "I am Gemini."}]},
    ]  # fmt: skip
    raw = "\n".join(map(json.dumps, sent)).encode()
    assert add(raw, "", campaign=campaign, content_type="application/x-ndjson").status_code == 201
    for item, decision in (("redacted", "redact"), ("excluded", "exclude")):
        while flag := Flag.objects.filter(task__item=item, decision="").first():
            said = {"decision": decision, "flag": flag.public_id, "reason": "Names a vendor"}
            release.decide(campaign.pk, **said, by=lead, at=clock.now())
    datas = [each["data"] for each in json.loads(taken(campaign))]
    key = [row["item"] for row in lines(taken(campaign, LABEL_STUDIO + "&part=key"))]
    assert key == ["plain", "redacted"]
    assert len(datas) == 2
    assert "Claude" not in json.dumps(datas)
    assert datas[1]["prompt"] == "I am [redacted]. And you?"


def test_passages_stand_behind_the_text_that_may_cite_them(lead, taken, add):
    campaign = stand_alone.campaign(lead, items=0)
    row = {
        "item": "i", "prompt": "?", "contexts": [{"id": "secret-index", "title": "Returns", "text": "60 days."}],
        "responses": [{"source": "system-one", "text": "60 [1]"}, {"source": "system-two", "text": "30"}],
    }  # fmt: skip
    assert add(row, "", campaign=campaign, content_type="application/x-ndjson").status_code == 201
    (found,) = json.loads(taken(campaign))
    assert found["data"]["contexts"] == "[1] Returns\n60 days."
    assert "secret-index" not in taken(campaign)
    assert 'value="$contexts"' in taken(campaign, LABEL_STUDIO + "&part=config")


def test_an_array_is_an_array_whatever_its_length(lead, taken, monkeypatch):
    assert json.loads(taken(stand_alone.campaign(lead, items=0))) == []
    campaign = stand_alone.campaign(lead, items=7, name="Seven")
    monkeypatch.setattr("annotation.exports.records.CHUNK", 3)
    assert len(json.loads(taken(campaign))) == 7
    few = len(queries_of(lambda: taken(campaign)))
    more = stand_alone.campaign(lead, items=9, name="Nine")
    assert len(queries_of(lambda: taken(more))) == few


HOSTILE = 'Which "is" <better> & why?\n\x0b]]>'


@pytest.mark.parametrize(
    ("protocol", "rubric", "controls"),
    [
        (
            "pairwise",
            {"criteria": [{"id": "preference", "question": HOSTILE, "anchors": HOSTILE}]},
            {"Choices": ["preference_", "preference"], "TextArea": ["comment"]},
        ),
        (
            "rating",
            {
                "scale": ["bad", "", "<good>"],
                "criteria": [{"id": "style", "question": "?", "scale": ["a", "", "", "b"]}],
            },
            {"Rating": ["rating", "style"], "TextArea": ["comment"]},
        ),
        ("ranking", {}, {"Ranker": ["ranking"], "List": ["responses"], "TextArea": ["comment"]}),
        (
            "spans",
            {"reasons": [{"id": "wrong", "label": HOSTILE}, {"id": "harmful", "label": "Harmful"}]},
            {"Labels": ["reason"], "Choices": ["severity"], "TextArea": ["note", "comment"]},
        ),
    ],
)  # fmt: skip
def test_every_protocol_has_its_configuration(lead, taken, protocol, rubric, controls):
    rubric = {"name": "hostile", "question": HOSTILE, "guidance": "One.\n\n<b>Two</b>", **rubric}
    campaign = factory.stand_alone(protocol, lead=lead, items=1, rubric=rubric)
    tree = ElementTree.fromstring(taken(campaign, LABEL_STUDIO + "&part=config"))
    for kind, names in controls.items():
        assert [each.get("name") for each in tree.iter(kind)] == names
    headers = [each.get("value") for each in tree.iter("Header")]
    assert headers[0].startswith('Which "is" <better> & why?')
    assert "<b>Two</b>" in headers
    # Each control names an object that is there, and each object a field that the tasks have.
    (data,) = [each["data"] for each in json.loads(taken(campaign))]
    objects = [*tree.iter("Text"), *tree.iter("List")]
    assert {each.get("value").removeprefix("$") for each in objects} <= set(data)
    named = {each.get("name") for each in objects}
    assert {each.get("toName") for each in tree.iter() if each.get("toName")} <= named
    assert len([each.get("name") for each in tree.iter() if each.get("name")]) == len(
        {each.get("name") for each in tree.iter() if each.get("name")}
    )
    if protocol == "rating":
        assert [each.get("maxRating") for each in tree.iter("Rating")] == ["3", "4"]
    if protocol == "spans":
        assert [each.get("alias") for each in tree.iter("Label")] == ["wrong", "harmful"]


def test_items_of_an_experiment_stay_in_their_dataset(campaign, client):
    for query in ("", LABEL_STUDIO, LABEL_STUDIO + "&part=key", LABEL_STUDIO + "&part=config"):
        answer = client.get(f"/api/v1/campaigns/{campaign.public_id}/tasks{query}")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_stand_alone")


def test_pictures_have_no_address_elsewhere(lead, client):
    campaign = stand_alone.campaign(lead, items=1)
    Task.objects.update(media=[{"kind": "image", "alt": "x", "blob": "b"}])
    answer = client.get(f"/api/v1/campaigns/{campaign.public_id}/tasks{LABEL_STUDIO}")
    assert (answer.status_code, answer.json()["code"]) == (409, "holds_media")


@pytest.mark.parametrize(
    ("query", "code"),
    [("?format=xml", "bad_format"), (LABEL_STUDIO + "&part=x", "bad_part"), ("?part=key", "bad_part")],
)
def test_what_there_is_not_is_refused(lead, client, query, code):
    campaign = stand_alone.campaign(lead, items=1)
    answer = client.get(f"/api/v1/campaigns/{campaign.public_id}/tasks{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


# ── Back ─────────────────────────────────────────────────────────────────────────────────────────────

SAID = ["Response 1 is better", "Response 2 is better", "Tie", "Both bad"]


def annotated(exported, key, people=3):
    """As three people might annotate the tasks, and the same as lines of our own."""
    systems = {row["evaltrack"]: row["systems"] for row in key}
    items = {row["evaltrack"]: row["item"] for row in key}
    done, ours = [], []
    for number, each in enumerate(exported):
        reference = each["data"]["evaltrack"]
        annotations = []
        for person in range(people):
            said = SAID[(number * 7 + person * (number % 3)) % 4]
            fluent = SAID[(number + person) % 4]
            result = [choice(said, name="preference"), choice(fluent, name="fluency")]
            annotations.append(annotation(*result, number=number * 10 + person, by=person))
            left, right = systems[reference]
            named = dict(zip(SAID, (left, right, "tie", "both_bad"), strict=True))
            ours.append(
                {
                    "item": items[reference], "rater": str(person), "responses": [left, right],
                    "preference": named[said], "answers": {"fluency": named[fluent]},
                }
            )  # fmt: skip
        done.append(
            {"id": 1000 + number, "project": 1, "annotations": annotations, "predictions": [], **each}
        )
    return done, ours


def test_what_comes_back_joins_the_items_that_went(lead, taken, send, client):
    campaign = stand_alone.campaign(lead, items=12, overlap=2, rubric=RUBRIC)
    exported, key = json.loads(taken(campaign)), lines(taken(campaign, LABEL_STUDIO + "&part=key"))
    done, ours = annotated(exported, key)
    body = send(done, LABEL_STUDIO, campaign=campaign).json()
    assert (body["added"], body["import"]["left_out"]) == (36, {})
    other = stand_alone.campaign(lead, items=0, name="The same by hand", rubric=RUBRIC)
    raw = "\n".join(map(json.dumps, ours)).encode()
    assert send(raw, campaign=other, content_type="application/x-ndjson").json()["added"] == 36
    assert figures(client, campaign) == figures(client, other)
    rows = campaign.imported_judgments.select_related("left", "right").order_by("pk")
    said = [(row.item, [row.left.name, row.right.name]) for row in rows]
    assert said == [(row["item"], row["responses"]) for row in ours]


def test_people_here_and_there_are_held_against_each_other(lead, both, taken, send, client):
    campaign = stand_alone.campaign(lead, items=6, overlap=1)
    exported, key = json.loads(taken(campaign)), lines(taken(campaign, LABEL_STUDIO + "&part=key"))
    done, _ = annotated(exported, key, people=1)
    for each in done:
        each["annotations"][0]["result"].pop()
    assert send(done, LABEL_STUDIO, campaign=campaign).json()["added"] == 6
    factory.judge_everything(both[:1])
    found = client.get(f"/api/v1/campaigns/{campaign.public_id}/agreement").json()
    assert (found["n_judgments"], found["n_items"], found["n_imported"]) == (12, 6, 6)
    assert found["inter"]["percent_agreement"]["n"] == 6


def test_tasks_of_another_campaign_are_not_taken_for_ours(lead, taken, send):
    campaign = stand_alone.campaign(lead, items=2, rubric=RUBRIC)
    done, _ = annotated(json.loads(taken(campaign)), lines(taken(campaign, LABEL_STUDIO + "&part=key")))
    other = stand_alone.campaign(lead, items=2, name="Another", rubric=RUBRIC)
    errors = send(done, LABEL_STUDIO, campaign=other).json()["errors"]
    assert [(error["where"], error["field"]) for error in errors] == [
        ("task 1", "data.evaltrack"), ("task 2", "data.evaltrack"),
    ]  # fmt: skip
    for bad in ("no-uuid", 7, None, ["x"]):
        done[0]["data"]["evaltrack"] = bad
        assert send(done[:1], LABEL_STUDIO, campaign=campaign).status_code == 400


def test_what_was_excluded_meanwhile_is_left_out_and_counted(lead, taken, send):
    campaign = stand_alone.campaign(lead, items=2, rubric=RUBRIC)
    done, _ = annotated(json.loads(taken(campaign)), lines(taken(campaign, LABEL_STUDIO + "&part=key")))
    Task.objects.filter(item="item 0").update(
        excluded_by=lead, excluded_at=clock.now(), exclusion_reason="Names a system"
    )
    body = send(done, LABEL_STUDIO, campaign=campaign).json()
    assert (body["added"], body["import"]["left_out"]) == (3, {"about excluded tasks": 3})


# ── In ───────────────────────────────────────────────────────────────────────────────────────────────


def stored(campaign):
    return [
        (row.item, row.prompt, {each.source: each.text for each in row.responses.all()})
        for row in Task.objects.filter(campaign=campaign).order_by("pk")
    ]


def test_tasks_become_items(add, alone):
    body = add([task(number=1), task(annotation(choice("A")), number=2, predictions=[1])]).json()
    assert (body["added"], body["held"]) == (2, 0)
    assert body["left_out"] == {"annotations": 1, "predictions": 1}
    assert stored(alone) == [("1", "What?", {"a": "x", "b": "y"}), ("2", "What?", {"a": "x", "b": "y"})]


def test_fields_are_said_where_they_are_called_otherwise(add, alone):
    one = {"data": {"ask": "Why?", "left": "x", "right": "y", "l": "old", "r": "new", "nr": "faq-1"}}
    query = "&prompt=ask&response=left&response=right&source=l&source=r&item=nr"
    assert "no responses" in add([one]).json()["errors"][0]["reason"]
    assert add([one], LABEL_STUDIO + query).json()["added"] == 1
    assert stored(alone) == [("faq-1", "Why?", {"old": "x", "new": "y"})]


def test_the_same_file_brings_tasks_and_then_what_was_said_of_them(add, send, alone, client):
    """Moving over: the judgments that a team has already join the items with which it goes on."""
    tasks = [task(annotation(choice("A"), number=n), number=n) for n in range(5)]
    assert add(tasks).json()["added"] == 5
    assert send(tasks, LABEL_STUDIO).json()["added"] == 5
    items = set(alone.imported_judgments.values_list("item", flat=True))
    assert items == set(alone.tasks.values_list("item", flat=True))


@pytest.mark.parametrize(
    ("bad", "field", "reason"),
    [
        (7, "", "must be an object"),
        ({"data": 7}, "", "must be an object"),
        ({"data": {}}, "data", "no responses"),
        ({"data": {"response_1": "x", "response_2": "y"}}, "data", "names no systems"),
        (
            {"data": {"response_1": "x", "response_2": "y", "source_1": "a", "source_2": "b"}}, "data",
            "does not name the item",
        ),
        (
            {"id": 1, "data": {"response_1": "x", "response_2": "y", "source_1": "a", "source_2": "b"}}, "data",
            "has no prompt",
        ),
        (task(number=5, systems=("a", "a")), "responses", "source of its own"),
        (task(number=5, systems=("a", "tie")), "responses[1].source", "is an answer"),
        (task(number=5, systems=("a", "\udc80")), "", "half a character"),
        (task(number=3), "item", "in the campaign already"),
    ],
)  # fmt: skip
def test_a_bad_task_is_located_and_none_is_added(add, bad, field, reason):
    answer = add([task(number=3), bad])
    assert (answer.status_code, answer.json()["code"]) == (400, "broken_lines")
    (error,) = answer.json()["errors"]
    assert (error["line"], error["where"], error["field"]) == (2, "task 2", field)
    assert reason in error["reason"]
    assert answer.json()["detail"].startswith("Task 2: ")
    assert not Task.objects.exists()


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no task in this file"),
        (b"[" * 100_000, "nested deeper"),
        ("[{}]".encode("utf-16"), "not UTF-8"),
        (b'[{"data": {"a": 1, "a": 2}}]', "stands twice"),
    ],
)
def test_a_hostile_file_is_refused_in_words(add, raw, reason):
    answer = add(raw)
    assert answer.status_code == 400
    assert reason in answer.json()["errors"][0]["reason"]


@pytest.mark.parametrize("protocol", ["rating", "spans"])
def test_tasks_of_one_response_are_items_of_other_protocols(lead, add, protocol):
    campaign = stand_alone.campaign(lead, items=0, protocol=protocol, name="Rated")
    tasks = [{"id": 1, "data": {"question": "Why?", "response": "x", "model": "a"}}]
    answer = add(tasks, campaign=campaign)
    assert answer.status_code == 201, answer.content
    assert stored(campaign) == [("1", "Why?", {"a": "x"})]


def test_a_ranking_takes_as_many_as_are_named(lead, add):
    campaign = stand_alone.campaign(lead, items=0, protocol="ranking", name="Ranked")
    tasks = [{"id": 1, "data": {"prompt": "Why?", "a": "x", "b": "y", "c": "z"}}]
    query = "".join(f"&response={name}&system=system-{name}" for name in "abc")
    assert add(tasks, LABEL_STUDIO + query, campaign=campaign).json()["added"] == 1
    assert stored(campaign)[0][2] == {"system-a": "x", "system-b": "y", "system-c": "z"}


# ── Items of ours, and by command ────────────────────────────────────────────────────────────────────


def test_items_taken_along_can_be_added_again(lead, taken, add, client):
    campaign = stand_alone.campaign(lead, items=0)
    rows = [
        {"item": "a", "prompt": "?", "stratum": "easy", "responses": [
            {"source": "system-one", "text": "# x", "format": "markdown", "contexts": [{"title": "T", "text": "t"}]},
            {"source": "system-two", "text": "y", "format": "text"},
        ], "gold": {"preference": 2, "why": "So."}},
        {"item": "b", "prompt": [{"role": "user", "content": "Hi"}], "responses": [
            {"source": "system-one", "turns": [{"role": "assistant", "content": "1"}]},
            {"source": "system-two", "turns": [{"role": "assistant", "content": "2"}]},
        ]},
    ]  # fmt: skip
    raw = "\n".join(map(json.dumps, rows)).encode()
    assert add(raw, "", campaign=campaign, content_type="application/x-ndjson").status_code == 201
    other = stand_alone.campaign(lead, items=0, name="Other")
    sent = taken(campaign, "?format=ndjson")
    assert add(sent.encode(), "", campaign=other, content_type="application/x-ndjson").json()["added"] == 2

    def everything(row):
        return [
            (
                each.item, each.prompt, each.prompt_format, each.stratum, each.contexts, each.key,
                sorted((r.source, r.text, r.format, json.dumps(r.contexts)) for r in each.responses.all()),
                hasattr(each, "gold") and (each.gold.why, factory.sources_of(each)[each.gold.choice == "second"]),
            )
            for each in Task.objects.filter(campaign=row).order_by("pk")
        ]  # fmt: skip

    assert everything(campaign) == everything(other)
    assert everything(campaign)[0][-1] == ("So.", "system-two")


def test_the_page_has_the_links_for_leads_alone(lead, auditor):
    campaign = stand_alone.campaign(lead, items=1)
    path = f"/api/v1/campaigns/{campaign.public_id}/tasks?format=label_studio"
    page = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    assert f"{path}&amp;part=key" in page
    assert "part=key" not in signed_in(auditor).get(campaign.get_absolute_url()).content.decode()


def test_commands_do_the_same(lead, taken, tmp_path, auditor):
    campaign = stand_alone.campaign(lead, items=3)
    file = tmp_path / "tasks"
    for format, part in (("ndjson", "tasks"), ("label_studio", "tasks"), ("label_studio", "config")):
        arguments = {"format": format, "part": part, "by": lead.username}
        call_command("export_tasks", str(campaign.public_id), str(file), **arguments)
        assert file.read_text() == taken(campaign, f"?format={format}&part={part}")
    with pytest.raises(CommandError, match="lead"):
        call_command("export_tasks", str(campaign.public_id), by=auditor.username)
    other = stand_alone.campaign(lead, items=0, name="Other")
    file.write_text(json.dumps([task(annotation(), number=1)]))
    out = io.StringIO()
    arguments = ["import_tasks", str(other.public_id), str(file), "--by", lead.username]
    call_command(*arguments, "--format", "label_studio", stdout=out)
    assert "1 items added, 0 of them held" in out.getvalue()
    assert "Not taken: 1 annotations." in out.getvalue()
    with pytest.raises(CommandError, match="line 1"):
        call_command(*arguments)
    with pytest.raises(CommandError, match="task 1: item '1' with these sources"):
        call_command(*arguments, "--format", "label_studio")


def test_what_was_exported_is_known_after_the_campaign_was_closed(lead, both, taken):
    """The key does not change, so that a lead can read files that came back late."""
    campaign = stand_alone.campaign(lead, items=3)
    key = taken(campaign, LABEL_STUDIO + "&part=key")
    factory.judge_everything(both[:1])
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert taken(Campaign.objects.get(pk=campaign.pk), LABEL_STUDIO + "&part=key") == key


def test_texts_of_a_hostile_system_stay_texts(lead, taken):
    campaign = stand_alone.campaign(lead, items=0)
    words = '"}, {"data": {"evaltrack": "x"}}] \u2028 </script> \\'
    pair = (ResponseItem("system-one", words), ResponseItem("system-two", "y"))
    opening.add_items(campaign.pk, iter([(1, Item("i", words, pair))]), by=lead, at=clock.now())
    (found,) = json.loads(taken(campaign))
    assert found["data"]["prompt"] == words
    assert words in (found["data"]["response_1"], found["data"]["response_2"])

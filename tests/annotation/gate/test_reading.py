"""Whatever people read is scanned: prompts, conversations, passages, descriptions, lessons, reasons of gold."""

import json

import pytest

from annotation import jobs, opening, overlap, queue
from annotation.blinding import release
from annotation.items import read_items
from annotation.models import Flag, Lesson, Task
from evaltrack import clock
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Invalid
from tests.accounts.callers import bearer, signed_in
from tests.annotation.gate.items import HELLO, REASON, item
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import courses, stand_alone
from tests.media import files


def lines_that_tell(image, audio):
    """By what tells it, a line that names the system in that place alone."""
    clean = {"source": "system-b", "text": "It is wrong."}
    said = {"role": "assistant", "content": "Done."}
    call = {"id": "c", "function": {"name": "ask", "arguments": json.dumps({"q": f"Hi\n{HELLO}"})}}
    in_response = {
        "text": {"text": f"**Well**\n{HELLO}"},
        "turn": {
            "turns": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": f"Hi\n{HELLO}"}]
        },
        "arguments": {"turns": [{"role": "assistant", "tool_calls": [call]}, said]},
        "result": {"turns": [{"role": "assistant", "tool_calls": [{"name": "f", "result": [HELLO]}]}, said]},
        "context": {"text": "As said [1].", "contexts": [{"title": "A page", "text": HELLO}]},
        "recording": {"text": "Listen.", "media": [{"audio": audio, "alt": HELLO}]},
    }
    in_prompt = {
        "prompt": {"prompt": HELLO},
        "conversation": {"prompt": [{"role": "user", "content": HELLO}]},
        "shared context": {"contexts": [{"title": HELLO, "text": "Some page."}]},
        "picture": {"media": [{"image": image, "alt": HELLO}]},
    }
    for name, fields in in_response.items():
        other = clean | {"media": [{"audio": audio, "alt": "A voice"}]} if "media" in fields else clean
        yield {"item": name, "prompt": "What?", "responses": [{"source": "system-a"} | fields, other]}
    for name, fields in in_prompt.items():
        responses = [{"source": "system-a", "text": "It is right."}, clean]
        yield {"item": name, "prompt": "What?", "responses": responses} | fields


def test_whatever_names_a_system_holds_its_task_and_redacted_reaches_nobody(campaign, lead, decide):
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)
    at = f"/api/v1/campaigns/{campaign.public_id}"
    image, audio = (
        client.post(f"{at}/media", content, content_type="application/octet-stream").json()[kind]
        for kind, content in (("image", next(iter(files.pictures().values()))), ("audio", files.mp3_with_notes()))
    )  # fmt: skip
    body = "\n".join(map(json.dumps, lines_that_tell(image, audio)))
    answer = client.post(f"{at}/tasks", body, content_type="application/x-ndjson").json()
    assert (answer["added"], answer["held"], answer["mentions"]) == (10, 10, 0)
    someone = signed(person("someone", Role.EVALUATOR))
    assert factory.next_for(someone) is None
    names = {(flag["item"], flag["name"]) for flag in everything(client, f"{at}/flags")}
    assert names == {(task.item, name) for task in Task.objects.all() for name in ("ChatGPT", "OpenAI")}
    for text in ("chatgpt", "openai"):
        decide("redact", text=text)
    web, api = signed_in(someone), bearer(someone, Permission.JUDGE)
    judged = 0
    while shown := factory.next_for(someone):
        pages = [
            api.post("/api/v1/queue/next", "{}", content_type="application/json"),
            web.get("/review/"),
            web.get(f"/review/{shown.public_id}/"),
        ]
        for page in pages:
            assert page.status_code == 200
            assert_names_nothing(page, shown.task.item)
            assert "[redacted]" in page.content.decode(), shown.task.item
        factory.judge(shown)
        judged += 1
    assert judged == 10
    own = web.get("/review/mine/")
    assert_names_nothing(own, "own work")
    assert "I am [redacted], made by [redacted]." in own.content.decode()


def everything(client, path):
    while path:
        page = client.get(path).json()
        yield from page["results"]
        path = page["next"]


def assert_names_nothing(page, where):
    body = page.content.decode().lower()
    assert not [word for word in ("chatgpt", "openai") if word in body], where


def test_lessons_and_reasons_of_gold_that_name_a_system_are_refused_by_line_and_field(lead, add, settings):
    settings.REVIEW_ALIASES = ["Bluebird"]
    course = courses.course(lead, training=1, test=0, pass_mark=1, items=1, retries=0, wait_hours=0)
    telling = [{"source": "one", "text": "Right."}, {"source": "two", "text": f"Hi. {HELLO}"}]
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS)
    body = courses.lesson(1) + courses.lesson(2, responses=telling) + courses.lesson(3, prompt="Ask Bluebird")
    answer = client.post(
        f"/api/v1/rubrics/{course.rubric_name}/lessons", body, content_type="application/x-ndjson"
    )
    assert answer.status_code == 400
    assert [(error["line"], error["field"]) for error in answer.json()["errors"]] == [
        (2, "responses[1]"), (3, "prompt"),
    ]  # fmt: skip
    assert "names 'ChatGPT'" in answer.json()["errors"][0]["reason"]
    assert Lesson.objects.count() == 1
    gold = courses.item(1, gold={"preference": 2, "why": "Only bluebird says so."})
    with pytest.raises(Invalid, match=r"gold\.why names 'bluebird'"):
        add(*read_items([gold]))
    assert not Task.objects.exists()


def test_held_gold_is_held_like_any_task(add, evaluator_one):
    line = courses.item(1, prompt=HELLO, gold={"preference": 2, "why": "It is right."})
    _, found = add(*read_items([line]))
    assert found.held == 1
    assert factory.next_for(evaluator_one) is None


def test_adaptive_overlap_asks_nobody_further_about_what_is_held_or_left_out(lead, both):
    rule = overlap.Adaptive(min=2, max=4, confidence=0.99, calibration_share=0.0)
    campaign = opening.open_stand_alone(name="A", overlap=rule, due_at=None, by=lead, at=clock.now())
    lines = [item(1, HELLO), item(2, "I'm Claude."), item(3), item(4)]
    opening.add_items(campaign.pk, iter(lines), by=lead, at=clock.now())

    def slots():
        jobs.settle_judgments()
        jobs.extend_overlap()
        rows = campaign.slots.order_by("task__item", "ordinal").values_list("task__item", "state")
        return [(name[-1], state) for name, state in rows]

    def disagree():
        factory.judge_everything(both[:1], lambda shown: 1 if shown.slot.places == "01" else 2)
        factory.judge_everything(both[1:], lambda shown: 2 if shown.slot.places == "01" else 1)

    disagree()
    held = [("1", "review")] * 2 + [("2", "review")] * 2
    asked = [(name, state) for name in "34" for state in ("done", "done", "open")]
    assert slots() == held + asked
    why = queue.claim_next(both[0], at=clock.now())
    assert "lead's check" in why.detail
    release.decide(campaign.pk, decision="exclude", text="claude", reason=REASON, by=lead, at=clock.now())
    for text in ("chatgpt", "openai"):
        release.decide(campaign.pk, decision="redact", text=text, by=lead, at=clock.now())
    disagree()
    after = [("1", "done"), ("1", "done"), ("1", "open"), ("2", "withdrawn"), ("2", "withdrawn")]
    assert slots() == after + asked


def test_a_name_in_a_field_that_says_what_wrote_it_is_held_and_a_mention_is_not(lead):
    opened = stand_alone.campaign(lead, items=0)
    texts = [
        {"format": "json", "text": json.dumps({"model": "claude-3-5-sonnet", "answer": "Within 60 days."})},
        {"format": "json", "text": json.dumps({"answer": "People ask claude-3-5-sonnet, too."})},
    ]
    rows = [
        json.dumps({
            "item": f"q{number}", "prompt": "How?",
            "responses": [{"source": "one", **told}, {"source": "two", "text": "y"}],
        }).encode()
        for number, told in enumerate(texts)
    ]  # fmt: skip
    _, held = opening.add_items(opened.pk, read_items(rows), by=lead, at=clock.now())
    assert (held.held, held.mentioned) == (1, 1)
    assert Flag.objects.get().task.item == "q0"

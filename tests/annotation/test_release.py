"""The gate before release: a task whose text names a system is held until the lead has decided."""

import json

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation import campaigns, jobs, opening, overlap, queue, release
from annotation.items import Item, ResponseItem, read_items
from annotation.models import Campaign, Decision, Flag, Lesson, Slot, SlotState, Task
from evaltrack import clock
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Conflict, Invalid, NotFound, Refused
from evaltrack.ledger.models import LedgerEntry
from evaltrack.ledger.verification import verify
from experiments import submission
from experiments.models import Output
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import courses, experiments, stand_alone
from tests.media import files
from tests.query_growth import no_query_growth

REASON = "Nobody can judge this blind."
HELLO = "I am ChatGPT, made by OpenAI."


def item(number, first="It is right.", second="It is wrong.", prompt="What?"):
    pair = (ResponseItem("system-a", first), ResponseItem("system-b", second))
    return number, Item(f"item {number}", prompt, pair)


@pytest.fixture
def campaign(lead):
    return opening.open_stand_alone(name="Round 2", overlap=2, due_at=None, by=lead, at=clock.now())


@pytest.fixture
def add(campaign, lead):
    return lambda *items: opening.add_items(campaign.pk, iter(items), by=lead, at=clock.now())


@pytest.fixture
def decide(campaign, lead):
    return lambda decision, **which: release.decide(
        campaign.pk, decision=decision, by=lead, at=clock.now(), **which
    )


def test_what_names_a_system_is_held_with_side_and_order_and_the_rest_is_open(campaign, add, lead):
    added, found = add(item(1), item(2, HELLO), item(3, "Gemini is a sign."), item(4, "Ask system-b."))
    assert (added, found.held, found.mentioned) == (4, 2, 1)
    assert (
        Slot.objects.filter(state=SlotState.REVIEW).count() == Slot.objects.filter(state="open").count() == 4
    )
    assert {(flag.text, flag.kind) for flag in Flag.objects.all()} == {
        ("chatgpt", "self"), ("openai", "self"), ("system-b", "alias"),
    }  # fmt: skip
    assert lead.notifications.filter(subject__startswith="2 tasks held").count() == 1
    before = dict(Slot.objects.values_list("pk", "order_key"))
    release.decide(campaign.pk, decision="accept", text="system-b", by=lead, at=clock.now())
    assert Slot.objects.filter(state=SlotState.REVIEW).count() == 2
    assert dict(Slot.objects.values_list("pk", "order_key")) == before


def test_only_held_tasks_left_is_said_and_no_lie(add, decide, evaluator_one):
    add(item(1, HELLO))
    nothing = queue.claim_next(evaluator_one, at=clock.now())
    assert (nothing.reason, nothing.retry_after_s) == ("paused", queue.RETRY_SECONDS)
    assert "lead's check" in nothing.detail
    decide("accept", text="chatgpt")
    assert factory.next_for(evaluator_one) is None
    decide("accept", text="openai")
    assert factory.next_for(evaluator_one) is not None


def test_a_redaction_is_in_the_ledger_and_keeps_the_original(add, decide, lead):
    add(item(1, HELLO), item(2, HELLO))
    assert decide("redact", text="chatgpt") == 2
    entry = LedgerEntry.objects.get(event="text_redacted")
    assert (entry.actor, entry.content["facts"]["flags"]) == (lead.public_id, 2)
    assert "chatgpt" not in bytes(entry.canonical).decode()
    assert verify().ok
    task = Flag.objects.first().task
    assert HELLO in factory.texts_of(task)


def test_an_exclusion_decides_every_flag_of_its_task_and_says_why(campaign, add, decide):
    add(item(1, HELLO), item(2))
    with pytest.raises(Invalid):
        decide("exclude", text="openai", reason="short")
    assert decide("exclude", text="openai", reason=REASON) == 1
    assert set(Flag.objects.values_list("decision", "reason")) == {("exclude", REASON)}
    assert LedgerEntry.objects.filter(event="task_excluded").count() == 1
    assert Slot.objects.filter(state=SlotState.WITHDRAWN).count() == 2
    campaign.refresh_from_db()
    assert campaign.task_count == 1


def test_what_is_decided_is_decided(add, decide):
    add(item(1, HELLO))
    decide("accept", text="chatgpt")
    flag = Flag.objects.get(text="chatgpt").public_id
    for which in ({"text": "chatgpt"}, {"flag": flag}):
        with pytest.raises(Conflict):
            decide("redact", **which)
    with pytest.raises(NotFound):
        decide("redact", flag=Flag.objects.first().task.public_id)
    with pytest.raises(Invalid):
        decide("forget", text="openai")


def test_only_leads_decide(campaign, add, owner, evaluator_one):
    add(item(1, HELLO))
    for somebody in (owner, evaluator_one):
        with pytest.raises(Refused):
            release.decide(campaign.pk, decision="accept", text="chatgpt", by=somebody, at=clock.now())


def test_a_campaign_does_not_close_over_held_tasks(campaign, add, lead):
    add(item(1, HELLO))
    with pytest.raises(Refused, match="2 judgments are still missing"):
        campaigns.close(campaign.pk, by=lead, at=clock.now())


def test_a_decision_says_who_and_when(add, lead):
    add(item(1, HELLO))
    for part in ({"decision": "accept"}, {"decided_by": lead}, {"reason": REASON}, {"start": 90}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Flag.objects.update(**part)


def test_an_experiments_own_campaign_passes_the_gate(owner, platform, custodian, lead):
    row = experiments.measured(risk="high", owner=owner, platform=platform, custodian=custodian)
    output = Output.objects.filter(experiment=row).first()
    Output.objects.filter(pk=output.pk).update(text=f"The {row.component.name} says 3.")
    Output.objects.filter(experiment=row).exclude(pk=output.pk).update(text="Perhaps 3.")
    campaign = opening.open_campaign(row, at=clock.now())
    held = Flag.objects.filter(task__campaign=campaign)
    in_sample = campaign.tasks.filter(responses__output=output).exists()
    assert [flag.text for flag in held] == [row.component.name] * in_sample
    submission.cancel(row, by=owner, at=clock.now())
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert set(campaign.slots.values_list("state", flat=True)) == {"withdrawn"}


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.sampled_from(["Right.", HELLO, "I'm Claude.", "system-a"]), min_size=1, max_size=4),
    acts=st.lists(st.tuples(st.sampled_from(Decision.values), st.integers(0, 9)), max_size=6),
)
def test_nobody_is_ever_given_a_task_with_an_undecided_flag(db, lead, evaluator_one, texts, acts):
    with transaction.atomic():
        campaign = opening.open_stand_alone(name="R", overlap=1, due_at=None, by=lead, at=clock.now())
        lines = (item(number, text) for number, text in enumerate(texts))
        opening.add_items(campaign.pk, lines, by=lead, at=clock.now())
        for decision, place in [*acts, ("accept", 0)]:
            while shown := factory.next_for(evaluator_one):
                assert not Flag.objects.filter(task=shown.task, decision="").exists()
                factory.judge(shown)
            held = Slot.objects.filter(state=SlotState.REVIEW).values("task")
            assert set(held.values_list("task", flat=True)) == set(
                release.undecided(campaign).values_list("task", flat=True)
            )
            if flags := list(release.undecided(campaign)):
                release.decide(
                    campaign.pk, decision=decision, flag=flags[place % len(flags)].public_id,
                    reason=REASON, by=lead, at=clock.now(),
                )  # fmt: skip
        transaction.set_rollback(True)


# ── Everything that people read ──────────────────────────────────────────────────────────────────────


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


# ── Page and API ─────────────────────────────────────────────────────────────────────────────────────


def test_the_page_shows_each_place_and_decides_in_bulk(campaign, add, lead):
    add(item(1, f"<b>Hi</b> {HELLO}"))
    client, path = signed_in(lead), f"{campaign.get_absolute_url()}flags/"
    assert "1 task waits for the lead" in client.get(campaign.get_absolute_url()).content.decode()
    page = client.get(path).content.decode()
    assert "&lt;b&gt;Hi&lt;/b&gt; I am <mark>ChatGPT</mark>" in page
    for odd in ({"flag": "x"}, {"text": "openai", "decision": "?"}, {}):
        assert client.post(path, odd, follow=True).status_code == 200
    assert Flag.objects.filter(decision="").count() == 2
    for text in ("chatgpt", "openai"):
        done = client.post(path, {"text": text, "decision": "redact"}, follow=True).content.decode()
        assert "Redacted for evaluators: 1 place." in done
    assert "Nothing waits for your check" in done


def test_what_cannot_be_sent_is_shown_as_a_question_mark_and_redacted(
    campaign, lead, add, decide, evaluator_one
):
    """JSON may hold half of a pair of surrogates behind an escape."""
    odd = ResponseItem("system-a", '{"\\ud800k": ["\\ud83dI am ChatGPT \\u0000"]}', "json")
    add((1, Item("item 1", "What?", (odd, ResponseItem("system-b", "{}", "json")))))
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS)
    (flag,) = client.get(f"/api/v1/campaigns/{campaign.public_id}/flags").json()["results"]
    assert (flag["path"], flag["before"], flag["name"]) == ("?k[0]", "?I am ", "ChatGPT")
    assert signed_in(lead).get(f"{campaign.get_absolute_url()}flags/").status_code == 200
    decide("redact", text="chatgpt")
    assert factory.next_for(evaluator_one) is not None
    page = signed_in(evaluator_one).get("/review/").content.decode()
    assert "I am [redacted]" in page
    answer = bearer(evaluator_one, Permission.JUDGE).post(
        "/api/v1/queue/next", "{}", content_type="application/json"
    )
    assert '{"\\ud800k": ["\\ud83dI am [redacted] \\u0000"]}' in {
        each["text"] for each in answer.json()["item"]["responses"]
    }


def test_the_page_and_the_api_cost_the_same_with_more_flags(campaign, add, lead):
    web, api = signed_in(lead), bearer(lead, Permission.MANAGE_CAMPAIGNS)
    add(item(0, HELLO))

    def ask():
        assert web.get(f"{campaign.get_absolute_url()}flags/").status_code == 200
        assert api.get(f"/api/v1/campaigns/{campaign.public_id}/flags").status_code == 200

    no_query_growth(ask, lambda number: add(item(number + 1, HELLO, prompt="I'm Claude.")))


def test_by_api(campaign, add, lead):
    add(item(1, HELLO))
    client, path = bearer(lead, Permission.MANAGE_CAMPAIGNS), f"/api/v1/campaigns/{campaign.public_id}/flags"
    first = client.get(path).json()["results"][-1]
    assert (first["name"], first["before"], first["in"], first["source"]) == (
        "ChatGPT", "I am ", "response", "system-a",
    )  # fmt: skip
    for body, status in [
        ({"decision": "accept"}, 400),
        ({"decision": "accept", "flag": first["id"]}, 200),
        ({"decision": "accept", "flag": first["id"]}, 409),
        ({"decision": "redact", "text": "openai"}, 200),
    ]:
        answer = client.post(path, json.dumps(body), content_type="application/json")
        assert answer.status_code == status, answer.content
    assert answer.json() == {"decided": 1, "held": 0}


def test_what_is_redacted_is_in_nothing_that_an_evaluator_gets(campaign, add, decide):
    add(item(1, f"{HELLO} ChatGPT\u2122 and chatgpt.", prompt="Hi, I'm Claude"))
    for text in ("chatgpt", "openai", "claude"):
        decide("redact", text=text)
    someone = signed(person("someone", Role.EVALUATOR))
    web, api = signed_in(someone), bearer(someone, Permission.JUDGE)
    answer = api.post("/api/v1/queue/next", "{}", content_type="application/json")
    pages = [
        answer,
        web.get("/review/"),
        web.get("/queue/"),
        web.get(f"/review/{answer.json()['assignment']}/"),
    ]
    for page in pages:
        assert page.status_code == 200
        body = page.content.decode().lower()
        assert not [word for word in ("chatgpt", "openai", "claude") if word in body]
    assert "[redacted]" in pages[1].content.decode()
    assert Campaign.objects.get().task_count == 1


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

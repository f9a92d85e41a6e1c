"""The lead's page of flags, and the API."""

import json

from annotation.items import Item, ResponseItem
from annotation.models import Campaign, Flag
from evaltrack.accounts.roles import Permission, Role
from tests.accounts.callers import bearer, signed_in
from tests.annotation.gate.items import HELLO, item
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.query_growth import no_query_growth


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

"""What an item may hold besides two texts: conversations, contexts, files. Errors name their line and field."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation import opening, presenters, turns
from annotation.items import read_items
from annotation.models import Task
from evaltrack import clock
from evaltrack.ndjson import BrokenLines
from evaltrack.rendering import html_of
from tests.factories import annotation as factory

USER = {"role": "user", "content": "Where is A-1?"}
CALL = {
    "role": "assistant",
    "tool_calls": [{"id": "c", "name": "find", "arguments": {"id": 1}, "result": [1]}],
}
SAID = {"role": "assistant", "content": "It is on its way."}


def row(**changes):
    one, two = ({"source": source, "text": source} for source in ("a", "b"))
    return {"item": "q", "prompt": "What?", "responses": [one, two]} | changes


def with_response(**fields):
    return row(responses=[{"source": "a", "text": "a"}, {"source": "b"} | fields])


def read(*rows):
    return [item for _, item in read_items(json.dumps(each).encode() for each in rows)]


def test_turns_are_kept_as_a_conversation():
    (item,) = read(
        row(
            prompt=[USER],
            responses=[{"source": "a", "turns": [SAID]}, {"source": "b", "turns": [CALL, SAID]}],
        )
    )
    assert (item.prompt_format, json.loads(item.prompt)) == ("chat", [USER])
    assert [response.format for response in item.responses] == ["chat", "chat"]
    call = CALL | {"tool_calls": [each | {"id": "call-1"} for each in CALL["tool_calls"]]}
    assert json.loads(item.responses[1].text) == [call, SAID]


def called(call: str, *, openai: bool) -> list[dict]:
    """A call and its result, as one of two vendors' systems would have written it."""
    function = {"name": "f", "arguments": "{}"}
    made = {"id": call, "type": "function", "function": function} if openai else {"id": call, **function}
    return [
        {"tool_calls": [made], "content": None, "role": "assistant"},
        {"tool_call_id": call, "role": "tool", "content": "done"},
    ]


def test_neither_ids_nor_the_form_of_calls_tell_whose_they_are():
    own, others = called("toolu_01A9", openai=False), called("call_9pQx", openai=True)
    (item,) = read(row(responses=[{"source": "a", "turns": own}, {"source": "b", "turns": others}]))
    assert item.responses[0].text == item.responses[1].text
    wrapped = json.dumps(
        {"id": "chatcmpl-7", "model": "zeta-9", "system_fingerprint": "fp", "messages": others}
    )
    (item,) = read(with_response(text=wrapped, format="chat"))
    for text in ("chatcmpl", "zeta-9", "call_9pQx", "fp"):
        assert text not in item.responses[1].text
    turns = json.loads(item.responses[1].text)
    assert turns[0]["tool_calls"][0]["id"] == turns[1]["tool_call_id"] == "call-1"


@pytest.mark.parametrize(
    "content",
    ["no JSON", "[1, 2]", '{"a": 1}', '[{"id": [], "tool_calls": 3}]', '[{"tool_calls": [7, {"id": {}}]}]'],
)
def test_a_text_that_is_no_conversation_is_taken_as_it_is(content):
    (item,) = read(with_response(text=content, format="chat"))
    assert item.responses[1].text


TURNS_OF_OPENAI = [
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c", "content": ""},
]


def test_turns_may_come_as_openai_writes_them():
    assert read(row(prompt=TURNS_OF_OPENAI))[0].prompt_format == "chat"


DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("bad", "field", "reason"),
    [
        (row(prompt=[]), "prompt", "no turn"),
        (row(prompt=["hello"]), "prompt[0]", "object with role and content"),
        (row(prompt=[USER, {"role": "wizard", "content": "x"}]), "prompt[1].role", "is one of"),
        (row(prompt=[{"role": "user"}]), "prompt[0].content", "must be text"),
        (row(prompt=[{"role": "user", "content": [{"type": "text"}]}]), "prompt[0].content", "media"),
        (row(prompt=[USER | {"mood": "x"}]), "prompt[0].mood", "unknown field"),
        (row(prompt=[USER | {"tool_calls": {}}]), "prompt[0].tool_calls", "a list"),
        (row(prompt=[USER | {"tool_calls": [{"name": 7}]}]), "prompt[0].tool_calls[0].name", "must be text"),
        (
            row(prompt=[USER | {"tool_calls": [{"function": {}}]}]),
            "prompt[0].tool_calls[0].function.name",
            "must be text",
        ),
        (row(prompt=[USER | {"tool_calls": ["x"]}]), "prompt[0].tool_calls[0]", "must be an object"),
        (row(prompt=[USER] * 501), "prompt", "up to 500"),
        (row(prompt=[USER | {"content": "x" * 200_001}]), "prompt", "200 kB"),
        (row(prompt=[USER], prompt_format="text"), "prompt_format", "is chat"),
        (with_response(turns=[USER], text="x"), "responses[1].text", "beside turns"),
        (
            with_response(turns=[{"role": "user", "content": 1}]),
            "responses[1].turns[0].content",
            "must be text",
        ),
        (row(contexts={}), "contexts", "must be a list"),
        (row(contexts=["x"]), "contexts[0]", "must be an object"),
        (row(contexts=[{"text": "a"}, {"title": "b"}]), "contexts[1].text", "must be text"),
        (row(contexts=[{"text": "a", "score": 1}]), "contexts[0].score", "unknown field"),
        (row(contexts=[{"text": "a"}] * 101), "contexts", "up to 100"),
        (with_response(text="x", contexts=[{}]), "responses[1].contexts[0].text", "must be text"),
        (
            with_response(text="x", contexts=[{"text": "a"}]) | {"contexts": [{"text": "b"}]},
            "responses[1].contexts",
            "stand on the item already",
        ),
        (row(media=[{"image": DIGEST}]), "media[0].alt", "says in words"),
        (row(media=[{"image": DIGEST, "alt": " "}]), "media[0].alt", "says in words"),
        (row(media=[{"image": "cat.png", "alt": "a cat"}]), "media[0].image", "must be sha256:"),
        (row(media=[{"image": DIGEST, "audio": DIGEST, "alt": "x"}]), "media[0]", "one file"),
        (row(media=[{"video": DIGEST}]), "media[0].video", "unknown field"),
        (with_response(text="x", media=[{"audio": 7}]), "responses[1].media[0].audio", "must be sha256:"),
        (with_response(media=[]), "responses[1].text", "must be text"),
    ],
)
def test_what_is_wrong_is_named_by_line_and_path(bad, field, reason):
    with pytest.raises(BrokenLines) as broken:
        read(row(item="good"), bad)
    (error,) = broken.value.errors
    assert (error.line, error.field) == (2, field)
    assert reason in error.reason


# ── Shared turns ─────────────────────────────────────────────────────────────────────────────────────

TURN = st.sampled_from([USER, CALL, SAID, *TURNS_OF_OPENAI])
CONVERSATION = st.lists(TURN, min_size=1, max_size=6)


@given(st.lists(CONVERSATION, min_size=1, max_size=4))
def test_shared_turns_and_continuation_are_the_whole_and_the_split_is_as_late_as_it_can_be(told):
    shared, rest = turns.split([json.dumps(each) for each in told])
    begun, going_on = json.loads(shared or "[]"), [json.loads(each) for each in rest]
    assert [begun + each for each in going_on] == told
    assert all(going_on)
    could_share_more = all(each[0] == going_on[0][0] for each in going_on) and 1 not in map(len, going_on)
    assert not could_share_more or len(told) == 1


@given(st.lists(st.text(), min_size=1, max_size=3))
def test_what_is_no_conversation_is_not_split(texts):
    assert turns.split(texts) == ("", texts)


@pytest.fixture
def shown(lead, evaluator_one):
    """What the evaluator gets of one item, and its task."""

    def added(**fields):
        campaign = opening.open_stand_alone(name="One", overlap=1, due_at=None, by=lead, at=clock.now())
        lines = [json.dumps(row(**fields)).encode()]
        opening.add_items(campaign.pk, read_items(lines), by=lead, at=clock.now())
        return presenters.screen(factory.next_for(evaluator_one))

    return added


def test_the_screen_draws_what_two_conversations_share_once(shown):
    screen = shown(
        responses=[{"source": "a", "turns": [USER, SAID]}, {"source": "b", "turns": [USER, CALL, SAID]}]
    )
    assert json.loads(screen.shared_turns) == [USER]
    assert sorted(len(json.loads(each.continuation)) for each in screen.responses) == [1, 2]
    assert sorted(len(json.loads(each.text)) for each in screen.responses) == [2, 3]


def test_ids_of_contexts_stay_with_the_results(shown):
    screen = shown(contexts=[{"id": "zz-secret-index-7", "title": "Returns", "text": "60 days."}])
    assert screen.attached.contexts[0].title == "Returns"
    assert "zz-secret" not in repr(screen)
    assert Task.objects.get().contexts[0]["id"] == "zz-secret-index-7"


def test_citations_lead_to_what_the_response_itself_retrieved(shown):
    own = shown(
        responses=[{"source": source, "text": "[1]", "contexts": [{"text": source}]} for source in "ab"]
    )
    targets = {each.anchors.passages for each in own.responses}
    assert len(targets) == 2
    assert own.context_anchor not in targets


def test_or_to_what_both_were_given(shown):
    shared = shown(contexts=[{"text": "both"}])
    assert {each.anchors.passages for each in shared.responses} == {shared.context_anchor}


def test_every_format_that_a_line_may_name_can_be_drawn():
    for format in ("text", "markdown", "code", "json", "chat", "passages"):
        assert read(row(prompt_format=format))[0].prompt_format == format
        assert html_of("x", format)

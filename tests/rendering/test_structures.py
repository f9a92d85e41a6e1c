"""JSON, conversations and passages; and what is none of them."""

import json

import pytest

from evaltrack.rendering import html_of
from tests.rendering.hostile import SCRIPTS
from tests.rendering.reading import assert_safe


def text(content, format):
    return assert_safe(html_of(content, format)).text


def test_json_keeps_order_repeated_keys_and_numbers_as_written():
    shown = text('{"b": 1.50, "a": 10000000000000000000000000, "b": -0, "c": 1e400}', "json")
    assert shown == "{4 keys}b: 1.50a: 10000000000000000000000000b: -0c: 1e400"


def test_two_levels_of_json_stand_open():
    markup = html_of('{"a": {"b": {"c": {"d": 1}}}}', "json")
    assert markup.count("<details") == 4
    assert markup.count('<details open="">') == 2


@pytest.mark.parametrize("value", ["null", "true", '"x"', "1", "[]", "{}"])
def test_a_single_value_is_json_too(value):
    assert text(value, "json") == value


def test_a_wide_tree_says_how_much_is_missing():
    assert "Only the first 2,000 values are shown; 501 more are not." in text(json.dumps([0] * 2_500), "json")
    assert "Only the first" not in text(json.dumps([0] * 1_999), "json")


def test_a_deep_tree_says_that_it_goes_on():
    assert "deeper than 40 levels" in text("[" * 42 + "]" * 42, "json")
    assert "deeper than" not in text("[" * 40 + "]" * 40, "json")


@pytest.mark.parametrize("format", ["json", "chat", "passages"])
@pytest.mark.parametrize("content", ["", "{", "[1", "nonsense *x*", "[" * 5_000, '{"a" 1}'])
def test_what_is_no_json_is_text(format, content):
    assert html_of(content, format) == html_of(content, "text")


@pytest.mark.parametrize(
    "value",
    [[], {}, [1], ["a"], {"messages": []}, {"messages": 1}, [{"content": "a"}], [{"role": 1}], "a", None],
)
def test_what_is_no_conversation_is_text(value):
    content = json.dumps(value)
    assert html_of(content, "chat") == html_of(content, "text")


@pytest.mark.parametrize("value", [[], {}, [1], [{"title": "a"}], [["a"]], "a", {"text": "a"}, ["a", None]])
def test_what_is_no_list_of_passages_is_text(value):
    content = json.dumps(value)
    assert html_of(content, "passages") == html_of(content, "text")


CONVERSATION = [
    {"role": "system", "content": "Be *kind*."},
    {"role": "user", "content": [{"type": "text", "text": "What is $x$?"}, {"type": "image_url"}]},
    {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "find", "arguments": '{"q": "x"}'}}]},
    {"role": "tool", "content": '{"found": [1]}'},
    {"role": "tool", "content": "nothing **else**"},
    {"role": "assistant", "content": None, "refusal": "I can't."},
    {"role": "wizard", "content": "a", "function_call": {"name": "old", "arguments": "not json"}},
]  # fmt: skip


@pytest.mark.parametrize("whole", [CONVERSATION, {"messages": CONVERSATION}])
def test_a_conversation_has_its_roles_calls_and_results(whole):
    markup = html_of(json.dumps(whole), "chat")
    page = assert_safe(markup)
    assert markup.count('<li class="chat-message">') == 7
    assert '<p class="chat-role">system</p><p>Be <em>kind</em>.</p>' in markup
    assert "<math" in markup
    assert "[image_url: not loaded]" in page.text
    assert "Calls <code>find</code>" in markup
    assert 'q: "x"' in page.text
    assert "<summary>Result</summary>" in markup
    assert "nothing <strong>else</strong>" in markup
    assert "I can't." in page.text
    assert "role “wizard”" in page.text
    assert "not json" in page.text


def test_a_long_conversation_says_how_much_is_missing():
    content = json.dumps([{"role": "user", "content": "a"}] * 2_010)
    assert "Only the first 2,000 messages, parts and calls are shown; 10 more are not." in text(
        content, "chat"
    )


def test_a_message_of_marks_is_shown_as_it_was_written():
    content = json.dumps([{"role": "user", "content": "*a*\n"}, {"role": "user", "content": "_" * 25_000}])
    page = assert_safe(html_of(content, "chat"))
    assert "more than 20,000 formatting marks" in page.text
    assert "<em>a</em>" in html_of(content, "chat")


def test_passages_are_numbered_and_lead_nowhere():
    content = json.dumps(
        ["one [2]", {"id": "7", "title": "Two", "text": "two\n  *x*", "source": "https://a.example"}]
    )
    markup = html_of(content, "passages")
    assert_safe(markup)
    assert '<span class="passage-number">[1]</span>' in markup
    assert "one [2]" in markup
    assert '<span class="passage-number">[2]</span> 7 · Two' in markup
    assert "two\n  *x*" in markup
    assert "https://a.example" in markup
    assert "<a " not in markup


def test_what_json_hides_is_visible():
    for format, content in {
        "json": r'{"\u202e": "\ud800\u200b"}',
        "chat": r'[{"role": "user", "content": "\u202e\ud800\u200b"}]',
        "passages": r'["\u202e\ud800\u200b"]',
    }.items():
        for token in ("⟦U+202E⟧", "⟦U+D800⟧", "⟦U+200B⟧"):
            assert token in text(content, format)


def call(name="find", **more):
    return {"role": "assistant", "tool_calls": [{"id": "c1", "name": name, "arguments": {"q": "x"}} | more]}


def answer(identifier="c1", content='{"found": 7}'):
    return {"role": "tool", "tool_call_id": identifier, "content": content}


def test_a_call_is_a_card_with_its_arguments_and_its_result():
    for turns in ([call(result={"found": 7})], [call(), answer()]):
        markup = html_of(json.dumps(turns), "chat")
        assert markup.count('<li class="chat-message">') == 1
        assert_safe(markup)
        for part in ('<details class="chat-call">', ">Arguments</p>", ">Result</p>", ">7</span>"):
            assert part in markup


@pytest.mark.parametrize(
    "turns",
    [
        [answer(), call()],  # before the call
        [call(), answer(), answer()],  # twice
        [call(), call(), answer()],  # of which call?
        [call(), answer("c2")],
        [call(), answer(None)],
    ],
)
def test_a_result_that_belongs_to_no_certain_call_stays_a_message_of_its_own(turns):
    markup = html_of(json.dumps(turns), "chat")
    assert markup.count('<li class="chat-message">') == len(turns)
    assert ">Result</p>" not in markup


@pytest.mark.parametrize("hostile", [*SCRIPTS, "\u202e", "a" * 500])
def test_names_and_roles_and_results_are_hostile_too(hostile):
    turns = [
        {"role": hostile, "name": hostile, "content": hostile},
        call(name=hostile, id=hostile, result={hostile: hostile}),
        call(name=hostile, id=hostile + "2", arguments=hostile),
        answer(hostile + "2", hostile),
    ]
    assert_safe(html_of(json.dumps(turns), "chat"))
    assert_safe(html_of(json.dumps({hostile: [hostile, {hostile: None}]}), "json"))
    assert_safe(
        html_of(
            json.dumps([{"id": hostile, "title": hostile, "source": hostile, "text": hostile}]), "passages"
        )
    )

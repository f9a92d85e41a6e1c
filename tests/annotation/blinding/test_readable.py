"""Every string that people read is looked at, in one order, and can be replaced; what is around it stays whole."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.blinding.identity import CERTAIN, MOST_FINDINGS, REDACTED, Scanner
from annotation.blinding.readable import DEEPEST, Readable
from annotation.blinding.redaction import Redaction, without
from evaltrack.rendering import html_of

SCANNER = Scanner()
HELLO = "Hi.\nI am\u00a0ChatGPT."
NAMES = st.sampled_from(["chatgpt", "Claude", "I am ChatGPT", "I'm\nClaude", "role", "x", 'a "b"'])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | NAMES | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(), inner, max_size=4),
    max_leaves=20,
)


def written(readable):
    return [words for _, words in readable.strings()]


def redactions(readable):
    return [
        Redaction(found.part, found.start, found.end, found.text, found.kind)
        for found in SCANNER.scan(*written(readable))
    ]


def tells(readable):
    return any(found.level == CERTAIN for found in SCANNER.scan(*written(readable)))


@given(VALUES, st.sampled_from(["json", "chat", "passages"]))
def test_nothing_changes_where_nothing_is_replaced_and_json_stays_json_where_it_is(value, format):
    readable = Readable(json.dumps(value), format)
    assert readable.changed(lambda _, words: words).text == readable.text
    left = without(readable, redactions(readable))
    again = json.loads(left.text)
    assert type(again) is type(value)
    assert len(left.strings()) == len(readable.strings())
    assert not [words for words in written(left) if "chatgpt" in words.casefold()]
    assert not tells(left)


CALL = {"id": "c", "function": {"name": "ask", "arguments": json.dumps({"q": HELLO, "n": 1.50})}}
PLACES = {
    "a turn": ([{"role": "user", "content": HELLO}], "chat", "[0].content"),
    "the arguments of a call": (
        [{"role": "assistant", "tool_calls": [CALL]}], "chat", "[0].tool_calls[0].function.arguments.q",
    ),
    "its result": (
        [{"role": "assistant", "tool_calls": [{"name": "f", "result": [HELLO]}]}], "chat",
        "[0].tool_calls[0].result[0]",
    ),
    "a message of a tool": ([{"role": "tool", "content": json.dumps([HELLO])}], "chat", "[0].content[0]"),
    "a key": ([{"role": "tool", "content": json.dumps([{HELLO: 1}])}], "chat", f"[0].content[0].{HELLO}"),
    "a part": ({"messages": [{"role": "user", "content": [{"type": "text", "text": HELLO}]}]}, "chat",
               "messages[0].content[0].text"),
    "json": ({"deep": [[HELLO]]}, "json", "deep[0][0]"),
    "a passage": ([{"title": HELLO, "text": "x"}], "passages", "[0].title"),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_name_is_found_behind_escapes_and_what_is_left_is_drawn_alike(place):
    value, format, path = PLACES[place]
    readable = Readable(json.dumps(value), format)
    (found,) = SCANNER.scan(*written(readable))
    assert (found.level, found.text, readable.strings()[found.part][0]) == (CERTAIN, "chatgpt", path)
    left = without(readable, redactions(readable))
    before, after = (html_of(each.text, format) for each in (readable, left))
    assert REDACTED in after
    assert "chatgpt" not in after.casefold()
    assert before.count("<li") == after.count("<li")
    if "1.5" in before:
        assert "1.5" in after


def test_contexts_and_descriptions_are_read_and_their_ids_are_not():
    readable = Readable(
        "x",
        "text",
        [{"id": "claude", "title": "One", "text": HELLO}],
        [{"alt": "A ChatGPT", "blob": "gpt-4"}],
    )
    assert readable.strings() == [
        ("", "x"), ("contexts[0].title", "One"), ("contexts[0].text", HELLO), ("media[0].alt", "A ChatGPT"),
    ]  # fmt: skip
    left = without(readable, redactions(readable))
    assert left.contexts == [{"id": "claude", "title": "One", "text": "Hi.\nI am\u00a0[redacted]."}]
    assert left.media == [{"alt": "A [redacted]", "blob": "gpt-4"}]


def test_beyond_the_names_that_are_told_apart_nothing_is_left_of_what_follows():
    many = " ".join(f"gpt-{number}" for number in range(MOST_FINDINGS + 5))
    readable = Readable("I am Claude.", "text", [{"text": many}, {"title": "gpt-9000", "text": "The end."}])
    left = without(readable, redactions(readable))
    assert "gpt" not in str(left)
    assert left.contexts[1] == {"title": REDACTED, "text": REDACTED}


@pytest.mark.parametrize(
    "text",
    ["[" * (DEEPEST + 1) + '"I am ChatGPT"' + "]" * (DEEPEST + 1), "[" * 100_000, '[{"role": ', "", "17"],
)
def test_what_is_no_conversation_is_read_as_it_stands(text):
    assert Readable(text, "chat").strings() == [("", text)]

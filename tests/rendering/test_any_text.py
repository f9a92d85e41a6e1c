"""Whatever the text and whatever its format: safe HTML, no exception, nothing hidden."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.rendering import FORMATS, html_of
from evaltrack.rendering.hidden import invisible, shown
from tests.rendering.reading import assert_safe

PIECES = [
    "<script>",
    "</div>",
    "<svg onload=x>",
    "[a](",
    "javascript:x",
    ")",
    "![",
    "`",
    "```",
    "~~~ x\n",
    "$",
    "$$",
    "\\(",
    "\\]",
    "\\href{javascript:x}{y}",
    "\\frac{",
    "}",
    "&#x202e;",
    "&lt;",
    "|",
    "\n|-|\n",
    "\n",
    "\n\n",
    "> ",
    "- ",
    "1. ",
    "# ",
    "*",
    "**",
    "_",
    "~~",
    "<https://a.example>",
    "[x]: /y\n",
    "\u202e",
    "\u200b",
    "\ud800",
    "\x00",
    "\r\n",
    "\r",
    " hx-get=/x",
    "style=x",
    "<!--",
    "<![CDATA[",
    "<?",
    '"',
    "'",
    "\\",
    "    ",
    "\t",
    "[1]",
    '{"a":',
    "[",
    "]",
    "}",
    "é漢👍",
    '<span class="formula">0</span>',
    "tok-k",
]
texts = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=200),
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=30).map("".join),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.one_of(st.sampled_from(["user", "assistant", "tool"]), texts)},
        optional={
            "content": st.one_of(
                texts, values, st.lists(st.fixed_dictionaries({"type": texts, "text": texts}))
            ),
            "tool_calls": st.one_of(
                values,
                st.lists(
                    st.fixed_dictionaries(
                        {"function": st.fixed_dictionaries({"name": texts, "arguments": texts})}
                    )
                ),
            ),
            "refusal": values,
            "function_call": values,
        },
    ),
    max_size=4,
)
passages = st.lists(
    st.one_of(
        texts,
        st.fixed_dictionaries({"text": texts}, optional={"id": values, "title": texts, "source": texts}),
    ),
    max_size=4,
)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=150)
@given(content=texts)
def test_any_text_in_any_format_is_safe(format, content):
    page = assert_safe(html_of(content, format))
    assert not [each for each in page.text if invisible(each)]


@settings(max_examples=200)
@given(content=texts)
def test_the_text_of_a_text_is_the_text(content):
    assert assert_safe(html_of(content, "text")).text == shown(content)


@settings(max_examples=100)
@given(content=texts)
def test_code_loses_no_character(content):
    text = assert_safe(html_of(content, "code")).text
    assert text.removesuffix("\n") == shown(content).removesuffix("\n")


@pytest.mark.parametrize(("format", "drawn"), [("json", values), ("chat", messages), ("passages", passages)])
@settings(max_examples=120)
@given(data=st.data())
def test_any_value_in_a_format_of_json_is_safe(format, drawn, data):
    value = data.draw(drawn)
    page = assert_safe(html_of(json.dumps(value, ensure_ascii=data.draw(st.booleans())), format))
    assert not [each for each in page.text if invisible(each)]


@pytest.mark.parametrize("format", ["html", "", "Markdown"])
def test_a_format_that_does_not_exist_is_refused(format):
    with pytest.raises(ValueError, match="no format"):
        html_of("x", format)

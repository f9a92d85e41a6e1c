"""Attacks on the page, and on the time of the machine. The limit is generous: what it must catch takes minutes."""

import json
import time

import pytest

from evaltrack.rendering import FORMATS, html_of
from tests.rendering.hostile import HEAVY, LINKS, SCRIPTS
from tests.rendering.reading import assert_safe

# Of the processor, so that a busy machine fails nothing.
SECONDS = 5.0


@pytest.mark.parametrize("content", SCRIPTS + LINKS)
def test_an_attack_stays_text(content):
    for format in FORMATS:
        assert_safe(html_of(content, format))
    for wrapped in (
        json.dumps({"a": content, content: 1}),
        json.dumps([{"role": content, "content": content}]),
        json.dumps([{"role": "tool", "content": content, "tool_calls": [{"name": content, "arguments": content}]}]),
        json.dumps([{"role": "user", "content": [{"type": content}, {"type": "text", "text": content}]}]),
        json.dumps([{"text": content, "title": content, "source": content, "id": content}]),
    ):  # fmt: skip
        for format in ("json", "chat", "passages"):
            assert_safe(html_of(wrapped, format))


@pytest.mark.parametrize("content", LINKS)
def test_no_attack_becomes_a_link(content):
    assert "<a " not in html_of(content, "markdown")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_text_is_drawn_in_time(name, format):
    started = time.process_time()
    markup = html_of(HEAVY[name], format)
    took = time.process_time() - started
    page = assert_safe(markup)
    assert took < SECONDS, f"{took:.2f} s"
    # Browsers stop nesting at 512 elements, and what is deeper lands somewhere else.
    assert page.deepest < 400


def test_what_a_reader_sees_of_a_script_is_its_source():
    page = assert_safe(html_of("<script>alert(1)</script> and <b>bold</b>", "markdown"))
    assert page.text.strip() == "<script>alert(1)</script> and <b>bold</b>"


def test_the_reading_of_these_tests_notices_attacks():
    for attack in (
        '<div class="prose" dir="auto" hx-disable><img src=x onerror=y></div>',
        '<div class="prose" dir="auto" hx-disable><a href="/logout">x</a></div>',
        '<div class="prose" dir="auto" hx-disable><p style="x">x</p></div>',
        '<div class="prose" dir="auto" hx-disable><p hx-get="/x">x</p></div>',
        '<div class="prose" dir="auto" hx-disable></div></div>',
        '<div class="prose" dir="auto" hx-disable><p><div>x</div></p></div>',
        '<div class="prose" dir="auto" hx-disable><math><mrow href="javascript:x"></mrow></math></div>',
    ):
        with pytest.raises(AssertionError):
            assert_safe(attack)

"""Markdown as models write it."""

import re

import pytest

from evaltrack.rendering import html_of
from tests.rendering.reading import assert_safe


def drawn(content):
    markup = html_of(content, "markdown")
    assert_safe(markup)
    return markup


def test_headings_stand_below_those_of_the_page():
    markup = drawn("# a\n\n## b\n\n### c\n\n###### d\n\ne\n=\n")
    assert "<h3>a</h3>" in markup
    assert "<h4>b</h4>" in markup
    assert "<h5>c</h5>" in markup
    assert "<h6>d</h6>" in markup
    assert "<h3>e</h3>" in markup


def test_tables_have_classes_instead_of_styles_and_can_be_reached_by_the_keyboard():
    markup = drawn("|a|b|c|\n|-|-:|:-:|\n|1|2|3|")
    assert '<div class="prose-table" tabindex="0" role="group" aria-label="Table"><table>' in markup
    assert '<td class="align-right">2</td>' in markup
    assert '<td class="align-center">3</td>' in markup


def test_a_line_break_is_a_line_break_and_a_strike_is_a_strike():
    assert "a<br>\n<s>b</s>" in drawn("a\r\n~~b~~")


def test_a_link_says_where_it_leads_and_recommends_nobody():
    assert (
        '<a href="https://evil.example/x" rel="noopener noreferrer nofollow ugc">https://bank.example</a>'
        '<span class="prose-host"> (evil.example)</span>'
    ) in drawn("[https://bank.example](https://evil.example/x)")


def test_the_host_is_the_one_that_a_browser_would_visit():
    assert "(evil.example)" in drawn("[x](https://bank.example@evil.example/)")
    assert "(xn--pple-43d.com)" in drawn("<https://аpple.com>")
    assert ">https://xn--pple-43d.com</a>" in drawn("<https://xn--pple-43d.com>")


@pytest.mark.parametrize(
    "address", ["/logout", "logout", "//evil.example", "#main", "?a=b", "ftp://a.example"]
)
def test_the_text_of_a_link_without_a_host_stays(address):
    assert "<p>see this one</p>" in drawn(f"see [this]({address}) one")


def test_an_address_in_a_text_is_no_link_unless_it_is_marked():
    assert "<a " not in drawn("https://a.example and www.a.example")
    assert "<a " in drawn("<https://a.example>")


def test_a_picture_is_named_and_not_loaded():
    assert "[image: a cat, not loaded]" in drawn("![a cat](https://a.example/pixel.png)")
    assert "[image: no description, not loaded]" in drawn("![](https://a.example/pixel.png)")


def test_what_entities_hide_is_visible():
    assert "a⟦U+202E⟧b⟦U+200B⟧" in drawn("a&#x202e;b&ZeroWidthSpace;")
    assert "⟦U+E000⟧" in drawn("&#xe000;")


def test_a_text_beyond_the_limit_is_cut_between_characters():
    markup = html_of("é" * 100_003, "text")
    assert_safe(markup)
    assert markup.count("é") == 100_000
    assert "Cut here. Not shown: 6 of 200,006 bytes." in markup
    assert "Cut here" not in html_of("é" * 100_000, "text")


def test_too_many_marks_are_shown_as_they_were_written():
    page = assert_safe(html_of("*a* " * 11_000, "markdown"))
    assert "more than 20,000 formatting marks" in page.text
    assert "*a* *a*" in page.text


def test_emphasis_in_emphasis_ends_somewhere():
    markup = drawn("**" * 400 + "x" + "**" * 400)
    assert 40 < markup.count("<strong>") <= 50
    assert ">x<" in markup


def test_the_page_keeps_direction_and_htmx_to_itself():
    assert html_of("x", "markdown") == '<div class="prose" dir="auto" hx-disable><p>x</p>\n</div>'


@pytest.mark.parametrize(
    ("written", "drawn"),
    [
        ([1, 2, 3], [3, 4, 5]),
        ([3, 3, 3], [3, 3, 3]),
        ([1, 4, 4, 2], [3, 4, 4, 4]),
        ([3, 1, 2], [3, 3, 4]),
        ([1, 2, 3, 4, 5, 6], [3, 4, 5, 6, 6, 6]),
    ],
)
def test_headings_begin_below_the_pages_own_and_skip_no_level(written, drawn):
    markup = html_of("\n\n".join(f"{'#' * level} x" for level in written), "markdown")
    assert_safe(markup)
    assert [int(level) for level in re.findall(r"<h([0-9])>x</h\1>", markup)] == drawn

"""[1] in rendered text leads to a passage of ours; nothing that a text says can lead elsewhere, or forge a link."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltrack.rendering import FORMATS, html_of
from evaltrack.rendering.citations import Anchors, linked
from tests.rendering.hostile import LINKS, SCRIPTS
from tests.rendering.reading import assert_safe, read

ANCHORS = Anchors(3, "context-k", "citation-1-k")
OURS = re.compile(
    r'<a class="citation" id="citation-1-k-[0-9]+" href="#context-k-[123]" aria-label="Context [123]">(.*?)</a>'
)


def cited(text: str, format: str = "markdown") -> str:
    return linked(html_of(text, format), ANCHORS)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("60 days [1].", ["[1]"]),
        ("so [1][3]", ["[1]", "[3]"]),
        ("so [1, 3]", ["1", "3"]),
        ("*so [2]*", ["[2]"]),
        ("[4] and [0] and [1234] and [1a]", []),
        ("[2, 9]", ["2"]),
        ("`[1]` is code", []),
        ("```\n[1]\n```", []),
        ("[see [1]](https://a.example)", []),
        ("$x_{[1]}$", []),
    ],
)
def test_a_number_in_brackets_leads_to_its_passage(text, numbers):
    assert OURS.findall(cited(text)) == numbers


def test_each_citation_has_an_id_of_its_own():
    ids = re.findall(r'id="([^"]+)"', cited("[1] [1, 2] [3]"))
    assert ids == [f"citation-1-k-{n}" for n in (1, 2, 3, 4)]


def test_without_passages_nothing_changes():
    assert linked(html_of("[1]", "text"), Anchors(0, "", "")) == html_of("[1]", "text")


@pytest.mark.parametrize(
    "text", [*SCRIPTS, *LINKS, '<a class="citation" id="x" href="#context-k-1">[1]</a>', "[1](#context-k-2)"]
)
def test_hostile_text_around_citations_stays_harmless(text):
    for format in FORMATS:
        markup = cited(f"{text} [1] {text}", format)
        assert_safe(OURS.sub(r"\1", markup))


@given(st.text(st.sampled_from("[]123, `$*<>&;\n\"'a(#)"), max_size=60), st.sampled_from(FORMATS))
def test_the_text_stays_what_it_was(text, format):
    before = html_of(text, format)
    after = linked(before, ANCHORS)
    assert OURS.sub(r"\1", after) == before
    assert read(after).text == read(before).text

"""Code: coloured where the language is certain, numbered, and never changed."""

import time

import pytest

from evaltrack.rendering import html_of
from evaltrack.rendering.languages import LANGUAGES, guess
from tests.rendering.reading import assert_safe


def fenced(label, code):
    return html_of(f"```{label}\n{code}\n```", "markdown")


def test_a_fence_with_a_known_language_is_coloured_by_classes():
    markup = fenced("python", "def f(): return 'a'")
    assert_safe(markup)
    assert '<code class="language-python"><span class="tok-k">def</span>' in markup


@pytest.mark.parametrize("label", ["", "klingon", "console", "python-but-not", "<b>", 'x" onclick="y'])
def test_a_fence_with_another_label_is_plain(label):
    markup = fenced(label, "def f(): return 'a'")
    assert "tok-" not in markup
    assert "def f(): return 'a'" in assert_safe(markup).text


def test_the_classes_of_the_page_are_out_of_reach():
    assert "site-header" not in fenced("site-header", "x").replace("language-site-header", "")


def test_lines_are_numbered_by_the_style_sheet_alone():
    markup = html_of("a\n\nb\n", "code")
    assert markup.count('<span class="code-line">') == 3
    assert assert_safe(markup).text == "a\n\nb\n"


def test_a_string_over_several_lines_keeps_its_colour_in_each():
    markup = html_of('def f():\n    """a\n    b"""\n', "code")
    assert markup.count("tok-sd") == 2


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("#!/bin/bash\nls", "bash"),
        ("#!/usr/bin/env python3\nx", "python"),
        ("import os\n\ndef f(a) -> int:\n    return 1\n", "python"),
        ('{"a": 1}', "json"),
        ("<!DOCTYPE html><p>", "html"),
        ("select a from b", "sql"),
        ("diff --git a/x b/x\n", "diff"),
        ("#include <stdio.h>\nint main() {}", "c"),
        ("Dear Sir,\nimport duties from China class 3: see below", ""),
        ("x = 1", ""),
        ("", ""),
        ("[see above] {and below}", ""),
        ("Select what you like best.", ""),
    ],
)
def test_a_language_is_guessed_from_certain_signs_only(code, language):
    assert guess(code) == language


def test_long_code_is_plain():
    assert "tok-" in fenced("python", "x = 1\n" * 2_000)
    assert "tok-" not in fenced("json", "1,\n" * 33_400)
    assert "tok-" not in fenced("python", "x = '" + "a" * 1_000 + "'")


HOSTILE = [
    "\n ",
    "a\n",
    '\\"',
    "/",
    "//",
    "&",
    "<",
    "`",
    "@",
    "$(",
    "'''",
    '"""',
    "{",
    "[[",
    "=",
    "(",
    "/*",
    "f'{",
    "\\\n",
]


@pytest.mark.parametrize("language", sorted(set(LANGUAGES.values())))
def test_hostile_code_takes_no_more_than_its_time(language):
    for unit in HOSTILE:
        code = unit * (60_000 // len(unit))
        lines = "\n".join(code[at : at + 900] for at in range(0, len(code), 900))
        for each in {code, lines}:
            started = time.thread_time()  # as the limit counts: other programs are no fault of the text
            html_of(f"~~~{language}\n{each}\n~~~", "markdown")
            assert time.thread_time() - started < 2, repr(unit)

"""Templates keep the strict content policy, and htmx attributes say what they do."""

import re

import pytest

from tests.architecture.sources import ROOT

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
FORBIDDEN = {
    "an inline style": r"\sstyle\s*=",
    "an inline handler": r"\son[a-z]+\s*=",
    "htmx's inline handler": r"\shx-on",
    "a script value": r"=\s*[\"']\s*(?:js|javascript):",
    "an inline style sheet": r"<style",
    "an inline script": r"<script(?![^>]*\bsrc=)[^>]*>(?!\s*</script>)",
    "text that skips escaping": r"\|\s*safe\b|autoescape off",
}
SWAPS = {"innerHTML", "outerHTML", "beforebegin", "afterbegin", "beforeend", "afterend", "delete", "none"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_keeps_the_content_policy(template):
    text = re.sub(r"{%\s*comment.*?endcomment\s*%}", "", template.read_text(), flags=re.S)
    for what, pattern in FORBIDDEN.items():
        found = re.search(pattern, text)
        assert not found, f"{what}: {found and found[0]!r}"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_htmx_attributes_are_real(template):
    text = template.read_text()
    for swap in re.findall(r'hx-swap="([^"{]+)"', text):
        assert swap.split()[0] in SWAPS
    for element in re.findall(r"<[^>]*\shx-(?:get|post)=[^>]*>", text):
        assert "hx-target=" in element, f"{element[:80]} does not say where its answer goes"


def test_there_are_templates():
    assert len(TEMPLATES) > 10


def test_colours_stand_in_the_tokens_only():
    folder = ROOT / "evaltrack" / "static" / "evaltrack" / "css"
    for sheet in folder.glob("*.css"):
        if sheet.name not in {"tokens.css"}:
            assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?![^{]*{)", sheet.read_text()), sheet.name


def test_scripts_write_no_markup():
    folder = ROOT / "evaltrack" / "static" / "evaltrack" / "js"
    scripts = list(folder.rglob("*.js"))
    assert len(scripts) > 10
    for script in scripts:
        text = script.read_text()
        assert not re.search(r"innerHTML|insertAdjacentHTML|outerHTML|document\.write|\beval\(", text), (
            script.name
        )
        assert text.startswith("// @ts-check"), script.name


def test_scripts_name_each_other_so_that_their_names_can_be_hashed():
    """The storage rewrites `… from "./x.js";`, and only with its semicolon."""
    folder = ROOT / "evaltrack" / "static" / "evaltrack" / "js"
    for script in folder.rglob("*.js"):
        for line in re.findall(r"^(?:import|export) .* from .*$", script.read_text(), re.M):
            named = re.fullmatch(r'import .* from "(\./[\w.-]+\.js)";', line)
            assert named, f"{script.name}: {line}"
            assert (script.parent / named[1]).exists(), line

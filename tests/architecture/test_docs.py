"""Documents are true to the code as far as a program can tell: names, generated pages, links, words."""

import ast
import re
import tomllib
from itertools import pairwise

import pytest

from annotation.lifecycle import CAMPAIGN
from evaltrack.accounts.roles import Permission, Role
from evaltrack.ledger.events import Event
from evaltrack.management.commands import state_diagrams
from evaltrack.schedules import PERIODIC
from evaltrack.version import version
from experiments.lifecycle import EXPERIMENT, PROMOTION
from tests.architecture.sources import ROOT

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
READERS = {"text", "token", "flag", "whole_number", "words", "pairs", "secret_or_file", "database", "get"}
# The browser tests draw them; a checkout has them once they ran.
DRAWN = {
    DOCS / "images" / name for name in ("judging.png", "comparison.png", "campaign.png", "promotion.png")
}
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
OVERCLAIM = re.compile(r"\b(compliant|certified|guarantees?|guaranteed|conforms?)\b", re.IGNORECASE)


def name_of(path):
    return str(path.relative_to(ROOT))


def settings_read() -> dict[str, str | None]:
    """Variable → its default as `.env.example` would write it, or None where the default is computed."""
    found: dict[str, str | None] = {}
    for file in ("settings.py", "env.py"):
        for call in ast.walk(ast.parse((ROOT / "evaltrack" / file).read_text())):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
                continue
            if call.func.attr in READERS and call.args and isinstance(call.args[0], ast.Constant):
                default = call.args[1] if len(call.args) > 1 else None
                found.setdefault(call.args[0].value, written(default))
    return {name: default for name, default in found.items() if re.fullmatch(r"[A-Z_]+", name)}


def written(default: ast.expr | None) -> str | None:
    if not isinstance(default, ast.Constant):
        return None
    return str(int(default.value)) if isinstance(default.value, bool) else str(default.value)


def settings_listed() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {found[1]: found[2] for line in lines if (found := state_diagrams.SETTING.fullmatch(line))}


def test_every_setting_is_listed_and_every_listed_one_is_read():
    assert set(settings_listed()) == set(settings_read())
    assert len(settings_read()) > 10


def test_listed_defaults_are_the_real_ones():
    listed = settings_listed()
    for name, default in settings_read().items():
        if default is not None:
            assert listed[name] == default, name


def test_every_listed_setting_has_a_meaning():
    lines = (ROOT / ".env.example").read_text().splitlines()
    for before, line in pairwise(lines):
        if state_diagrams.SETTING.fullmatch(line):
            assert before.startswith("# "), f"{line} is not explained"


@pytest.mark.parametrize("name", state_diagrams.pages())
def test_generated_pages_are_up_to_date(name):
    assert (DOCS / name).read_text() == state_diagrams.pages()[name], "run manage.py state_diagrams"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("states.md", [state for table in (EXPERIMENT, PROMOTION, CAMPAIGN) for state in table.states]),
        ("permissions.md", [*Permission, *Role]),
        ("events.md", list(Event)),
        ("settings.md", list(settings_read())),
    ],
)
def test_the_reference_names_every(page, words):
    text = (DOCS / "reference" / page).read_text()
    missing = [str(word) for word in words if f"`{word}`" not in text]
    assert not missing


def test_every_edge_of_every_state_machine_is_drawn():
    text = (DOCS / "reference" / "states.md").read_text()
    for machine in (EXPERIMENT, PROMOTION, CAMPAIGN):
        for state, onward in machine.edges.items():
            for target in onward:
                assert f"{state.value} --> {target.value}" in text


def test_every_state_can_be_reached():
    for machine in (EXPERIMENT, PROMOTION, CAMPAIGN):
        start = next(iter(machine.states))
        reached, frontier = {start}, [start]
        while frontier:
            new = machine.edges[frontier.pop()] - reached
            reached |= new
            frontier += new
        assert reached == set(machine.states)


def test_operations_lists_every_periodic_job():
    text = (DOCS / "operations.md").read_text()
    assert not [job.name for job in PERIODIC if job.name not in text]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", target) or target.startswith("#"):
            continue
        path = (page.parent / target.partition("#")[0]).resolve()
        assert path.exists() or path in DRAWN, f"{page.name} links to {target}"


def test_every_page_can_be_found_from_the_start():
    reached, frontier = set(), [ROOT / "README.md"]
    while frontier:
        page = frontier.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        for target in LINK.findall(page.read_text()):
            path = (page.parent / target.partition("#")[0]).resolve()
            if path.exists():
                frontier.append(path)
    assert not [name_of(page) for page in PAGES if page not in reached]


@pytest.mark.parametrize("path", [*PAGES, *TEMPLATES], ids=name_of)
def test_nothing_claims_more_than_it_shows(path):
    for sentence in re.split(r"(?<=[.!?])\s", path.read_text()):
        if "Never write" not in sentence:
            assert not OVERCLAIM.search(sentence), sentence


def test_modules_that_documents_name_exist():
    """`evaltrack/…`, `experiments/….py` and the like in backquotes are files or folders here."""
    named = re.compile(r"`((?:evaltrack|datasets|experiments|annotation|tests|templates)/[\w./-]+)`")
    for page in PAGES:
        for path in named.findall(page.read_text()):
            assert (ROOT / path).exists(), f"{page.name} names {path}"


def test_the_changelog_and_the_project_name_the_same_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert version() == project["version"]

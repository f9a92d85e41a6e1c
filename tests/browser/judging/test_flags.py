"""The lead decides about text that names a system, with the keyboard: few places, many, and none left."""

import json
import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.judging.test_onboarding import send
from tests.browser.judging.test_pictures import seen
from tests.browser.judging.world import TAKE_DOWN, open_campaign

HELLO = (
    "Thank you for asking.\nI'm Claude, an AI assistant made by Anthropic, and I am glad to help you with this. "
    * 2
)
LOOKS = [(1440, "light"), (390, "dark")]


def lines(count: int) -> bytes:
    """Of a conversation, a passage and an answer, in turn, each names a system; sources differ in length."""
    rows = []
    for number in range(count):
        told = [
            {"turns": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": HELLO}]},
            {"text": "See [1].", "contexts": [{"title": "About us", "text": f"{'x' * 90} {HELLO}"}]},
            {"text": f"Ask assistant-of-the-returns-desk-{number}. <b>Please.</b>"},
        ][number % 3]
        responses = [
            {"source": f"assistant-of-the-returns-desk-{number}"} | told,
            {"source": "b", "text": "Perhaps; ask somebody."},
        ]
        rows.append(
            {"item": f"question {number}", "prompt": "How do I send it back?", "responses": responses}
        )
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


@pytest.fixture
def campaign(demo, world):
    opened = open_campaign(demo, overlap=2, hours=5)
    try:
        yield opened
    finally:
        demo.manage("shell", "-c", TAKE_DOWN.format(campaigns=[opened]))


def keeps_the_rules(page: Page, state: str) -> None:
    for width, scheme in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page)
        assert not found.violations_count, f"{state}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state
    page.set_viewport_size({"width": 1440, "height": 900})
    if os.environ.get("TAKE_PICTURES") == "1":
        seen(page, f"flags-{state}", full_page=True)


def test_flags_are_found_told_and_decided_by_keyboard(demo, sign_in, campaign):
    send(demo, "POST", f"campaigns/{campaign}/tasks", lines(2), "application/x-ndjson")
    page = sign_in("lead")
    page.goto(f"/campaigns/{campaign}/")
    notice = page.get_by_text("2 tasks wait for the lead's check")
    expect(notice).to_be_visible()
    keeps_the_rules(page, "campaign")
    page.get_by_role("link", name="Check them").press("Enter")
    expect(page.locator("h1")).to_have_text("Text that may name a system")
    expect(page.locator("mark")).to_have_count(4)
    keeps_the_rules(page, "few")
    page.get_by_role("button", name="Redact “claude”", exact=True).first.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Redacted for evaluators: 2 places.")
    last = page.locator("section").filter(has=page.get_by_role("heading", name="By place")).locator("li").last
    last.locator("summary").press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("Nobody can judge this blind.")
    keeps_the_rules(page, "excluding")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Excluded with their items: 1 place.")
    page.get_by_role("button", name="Accept “anthropic”", exact=True).first.press("Enter")
    expect(page.get_by_text("Nothing waits for your check")).to_be_visible()
    keeps_the_rules(page, "none")
    send(demo, "POST", f"campaigns/{campaign}/tasks", lines(82)[len(lines(2)) :], "application/x-ndjson")
    page.reload()
    expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
    page.get_by_role("link", name="Next page").click()
    keeps_the_rules(page, "many")

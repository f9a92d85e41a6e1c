"""One task of every kind: by the rules of accessibility, on a phone, by keys, and without scripts."""

import json
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import press_until
from tests.browser.judging import kinds
from tests.browser.judging.world import TAKE_DOWN, open_campaign

COUNT = len(kinds.REQUESTS)


@pytest.fixture(scope="module")
def judged(world) -> Iterator[Any]:
    """The campaign comes first for as long as these tests run."""
    campaign = open_campaign(world.demo, overlap=4, hours=0.5, name="One of every kind")

    def send(path: str, body: bytes, content_type: str) -> dict:
        request = urllib.request.Request(
            f"{world.demo.url}/api/v1/campaigns/{campaign}/{path}",
            data=body,
            headers={"Authorization": f"Bearer {world.demo.token}", "Content-Type": content_type},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    items = kinds.sent(lambda content: send("media", content, "application/octet-stream"))
    lines = "\n".join(json.dumps(item) for item in items).encode()
    assert send("tasks", lines, "application/x-ndjson")["added"] == COUNT
    yield world
    world.demo.manage("shell", "-c", TAKE_DOWN.format(campaigns=[campaign]))


def walk(page: Page) -> Iterator[str]:
    """Every task of the campaign, by its kind; each is answered with a tie when the test is done with it."""
    page.get_by_role("button", name="Judge the next task").click()
    heading = page.locator("main h1")
    seen = []
    for number in range(1, COUNT + 1):
        expect(heading).to_have_text(f"Task {number} of {COUNT}")
        request = page.locator("#stage .prompt .scrolls").inner_text().strip()
        seen.append(next(kind for start, kind in kinds.REQUESTS.items() if request.startswith(start)))
        yield seen[-1]
        if number < COUNT:
            heading.focus()
            press_until(page, "Digit3", page.locator("#stage [name=preference][value=tie]").is_checked)
            press_until(page, "Enter", lambda: heading.inner_text() != f"Task {number} of {COUNT}")  # noqa: B023
    assert sorted(seen) == sorted(kinds.REQUESTS.values())


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def keeps_the_rules(page: Page, kind: str) -> None:
    found = Axe().run(page)
    assert not found.violations_count, f"{kind}: {found.generate_report()}"


def test_by_keys_on_a_wide_screen(sign_in, judged):
    page = sign_in(judged.someone())
    for kind in walk(page):
        keeps_the_rules(page, kind)
        assert fits(page), kind
        if kind in BY_KEYS:
            BY_KEYS[kind](page)


def a_tool_card(page: Page) -> None:
    stage = page.locator("#stage")
    expect(stage.get_by_text("I want to change the address.").filter(visible=True)).to_have_count(1)
    card = stage.locator(".chat-call", has_text="reroute")
    card.locator("> summary").focus()
    page.keyboard.press("Enter")
    expect(card.get_by_text('"A-1047"')).to_be_visible()
    expect(card.get_by_text('"no address given"')).to_be_visible()


def a_citation(page: Page) -> None:
    citation = page.locator("#stage .citation", has_text="[3]")
    citation.focus()
    page.keyboard.press("Enter")
    context = page.locator("#stage .context", has_text="Gift cards are not taken back.")
    expect(context).to_be_focused()
    expect(context).to_be_in_viewport()
    page.keyboard.press("Tab")
    expect(context.locator("[data-back]").filter(visible=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(citation).to_be_focused()


def a_picture(page: Page) -> None:
    link = page.locator("#stage .picture").first
    assert link.locator("img").evaluate("each => each.complete && each.naturalWidth") == 1200
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Picture")
    expect(dialog.get_by_role("img")).to_be_visible()
    keeps_the_rules(page, "enlarged")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()


def a_recording(page: Page) -> None:
    one, two = page.locator("#stage audio").all()
    for first, second in ((one, two), (two, one)):
        first.focus()
        press_until(page, "Space", lambda: not first.evaluate("each => each.paused"))  # noqa: B023
        expect(second).to_have_js_property("paused", True)
    one.evaluate("each => (each.volume = 0.25)")
    expect(two).to_have_js_property("volume", 0.25)
    # A player fetches the part that it needs.
    one.evaluate("each => (each.currentTime = 1.5)")
    expect(one).to_have_js_property("seeking", False)
    heading = page.locator("main h1").inner_text()
    page.keyboard.press("Enter")
    assert page.locator("main h1").inner_text() == heading


BY_KEYS = {"chat": a_tool_card, "contexts": a_citation, "pictures": a_picture, "recordings": a_recording}


def test_on_a_phone_in_the_dark(sign_in, judged):
    page = sign_in(judged.someone(), viewport={"width": 390, "height": 844}, color_scheme="dark")
    for kind in walk(page):
        assert fits(page), kind
        keeps_the_rules(page, kind)
        page.get_by_role("tab", name=re.compile("Response 2")).click()
        assert fits(page), kind
        for image in page.locator("#stage .pane-2 img").all():
            assert image.bounding_box()["width"] <= 390
        if kind == "contexts":
            page.locator("#stage .pane-2 .citation").first.click()
            expect(page.locator("#stage .context:target")).to_be_in_viewport()
            page.get_by_role("tab", name=re.compile("Response 1")).click()
            page.locator("#stage .context:target [data-back]").filter(visible=True).click()
            expect(page.get_by_role("tabpanel", name="Response 2")).to_be_visible()


def test_without_scripts(sign_in, judged):
    page = sign_in(judged.someone(), java_script_enabled=False)
    page.get_by_role("button", name="Judge the next task").click()
    looked_at = set()
    for number in range(1, COUNT + 1):
        expect(page.locator("main h1")).to_have_text(f"Task {number} of {COUNT}")
        request = page.locator("#stage .prompt .scrolls").inner_text()
        kind = next(kind for start, kind in kinds.REQUESTS.items() if request.strip().startswith(start))
        if kind in PLAIN:
            PLAIN[kind](page)
            looked_at.add(kind)
        page.get_by_label("Tie").check()
        page.get_by_role("button", name="Submit").click()
    assert looked_at == set(PLAIN)


def a_plain_picture(page: Page) -> None:
    page.locator("#stage .picture").first.click()
    expect(page).to_have_url(re.compile(r"/assignments/[0-9a-f-]{36}/media/1$"))
    page.go_back()


def a_plain_citation(page: Page) -> None:
    page.locator("#stage .citation").first.click()
    context = page.locator("#stage .context:target")
    expect(context).to_be_in_viewport()
    context.get_by_role("link", name="Back to Response 2").click()
    expect(page.locator("#stage .pane-2:target")).to_be_visible()


PLAIN = {"pictures": a_plain_picture, "contexts": a_plain_citation}

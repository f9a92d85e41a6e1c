"""How the judging screen looks to the rules of accessibility, and what it weighs."""

import gzip

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import press_until
from tests.browser.judging.steps import (
    prefetched,
    submitted,
)


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "light"), (1024, "dark"), (390, "light"), (320, "dark")]
)
def test_it_keeps_the_rules_and_nothing_shifts(begin, width, scheme):
    page = begin(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.add_init_script(SHIFTS)
    page.reload()
    prefetched(page)
    for state in ("task", "toast"):
        if state == "toast":
            press_until(page, "Digit1", page.locator("#stage :checked").count)
            if width < 700:
                page.keyboard.press("BracketRight")
            submitted(page, lambda: page.keyboard.press("Enter"))
            expect(page.locator("#toast")).to_be_visible()
        found = Axe().run(page)
        assert not found.violations_count, f"{state}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state
    assert page.evaluate("window.shifts") == 0


SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def test_its_scripts_are_small(begin):
    page = begin()
    asked: set[str] = set()
    page.on("request", lambda each: asked.add(each.url) if each.resource_type == "script" else None)
    page.reload()
    prefetched(page)
    scripts = [page.request.get(url).body() for url in asked]
    size = sum(len(gzip.compress(body, 9)) for body in scripts)
    print(f"\n{len(scripts)} scripts, {size} bytes gzipped, {sum(map(len, scripts))} decoded")
    assert len(scripts) > 5
    assert size <= 30_000

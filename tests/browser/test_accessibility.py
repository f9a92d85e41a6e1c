"""axe's rules on the pages of the demo, light and dark, wide and narrow; and no page scrolls sideways."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

PAGES = {
    "owner": [
        "/",
        "/components/",
        "/experiments/",
        "/experiments/queue/",
        "/promotions/",
        "/datasets/",
        "/inbox/",
    ],
    "lead": ["/campaigns/", "/evaluators/", "/agreement/texts/", "/channels/", "/profile/messages/"],
    "auditor": ["/ledger/"],
    "evaluator04": ["/queue/", "/profile/", "/agreement/"],
}
LISTS = {
    "/components/", "/experiments/", "/promotions/", "/campaigns/", "/evaluators/", "/datasets/", "/ledger/",
}  # fmt: skip
LOOKS = [(1440, "light"), (390, "dark")]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("username", PAGES)
def test_pages_keep_the_rules(sign_in, username, width, scheme):
    page = sign_in(username, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for path in PAGES[username]:
        page.goto(path)
        # A list's newest row leads to the page that matters most.
        detail = first_detail(page, path)
        for address in filter(None, [path, detail, *further(page, path, detail)]):
            page.goto(address)
            found = Axe().run(page)
            assert not found.violations_count, f"{address}: {found.generate_report()}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


def first_detail(page, path: str) -> str | None:
    if path not in LISTS:
        return None
    return page.locator(f"main tbody a[href^='{path}']").first.get_attribute("href")


def further(page, path: str, detail: str | None) -> list[str]:
    if path == "/experiments/":
        return [f"{detail}examples/"]
    if path == "/promotions/":
        return ["/promotions/promises/"]
    if path == "/datasets/":
        page.goto(detail)
        return [page.locator("main a[href$='/health/']").first.get_attribute("href")]
    if path == "/components/":
        page.goto(detail)
        runs = [box.get_attribute("value") for box in page.locator("input[name=run]").all()]
        compared = f"{detail}compare/?run={runs[0]}&run={runs[1]}"
        pages = ("production", "series", "planner", "backtest")
        return [compared, *(f"{detail}{name}/" for name in pages)]
    return []


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_judging_screen_keeps_the_rules(sign_in, width, scheme):
    page = sign_in("evaluator05", viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.get_by_role("button", name="Judge the next task").click()
    try:
        expect(page.locator("#ahead > *")).to_have_count(1)
        found = Axe().run(page)
        assert not found.violations_count, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    finally:
        give_back(page)


def give_back(page) -> None:
    """Return the task, which the walks need."""
    token = page.locator("meta[name=csrf-token]").get_attribute("content")
    for card in page.locator("[data-card]").all():
        path = f"/api/v1/assignments/{card.get_attribute('data-assignment')}/release"
        answer = page.request.post(path, headers={"X-CSRFToken": token})
        assert answer.ok, answer.text()

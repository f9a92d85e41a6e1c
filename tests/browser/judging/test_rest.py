"""A pause is suggested after a while without one, and nothing waits for the answer."""

from playwright.sync_api import expect

from tests.browser.judging.steps import judge

MINUTE_MS = 60_000


def test_a_pause_is_suggested_in_a_line_that_goes_when_told(begin):
    page = begin()
    page.clock.install()
    page.reload()
    line = page.locator("#rest")
    at_work(page, minutes=48)
    expect(line).to_be_hidden()
    at_work(page, minutes=4)
    expect(line).to_be_visible()
    judge(page, 1)  # it stands in nobody's way
    page.get_by_role("button", name="Not now").click()
    expect(line).to_be_hidden()
    page.clock.fast_forward(6 * MINUTE_MS)  # away: that was the pause
    page.get_by_role("button", name="I am here").click()
    at_work(page, minutes=48)
    expect(line).to_be_hidden()


def at_work(page, *, minutes: int) -> None:
    for number in range(0, minutes, 4):
        page.mouse.move(200 + number, 200)
        page.clock.fast_forward(4 * MINUTE_MS)

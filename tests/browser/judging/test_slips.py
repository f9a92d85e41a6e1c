"""What a hand does by mistake, and what takes it back."""

from playwright.sync_api import expect

from tests.browser.conftest import press_until
from tests.browser.judging.steps import all_sent, at_task, judge, judgments, prefetched, reason, submitted
from tests.browser.judging.world import ITEMS


def test_a_held_enter_goes_on_by_one(begin):
    page = begin()
    prefetched(page)
    press_until(page, "Digit2", page.locator("#stage :checked").count)
    heading = page.locator("main h1")
    page.keyboard.down("Enter")
    for _ in range(30):
        page.keyboard.down("Enter")
        page.keyboard.press("Digit1")
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    assert heading.inner_text() in {f"Task {n} of {ITEMS}" for n in (1, 2)}


def test_a_double_click_is_one_judgment(begin):
    page = begin()
    prefetched(page)
    page.get_by_role("radio", name="Tie").check()
    submitted(page, page.get_by_role("button", name="Submit").dblclick)
    at_task(page, 2)
    all_sent(page)
    assert judgments(page) == 1


def test_digits_in_the_reason_choose_nothing_and_a_draft_survives_a_reload(begin):
    page = begin()
    prefetched(page)
    press_until(page, "KeyR", lambda: page.evaluate("document.activeElement.tagName") == "TEXTAREA")
    page.keyboard.type("1 of 2 is 3, gz?")
    assert page.locator("#stage :checked").count() == 0
    page.keyboard.press("Escape")
    page.keyboard.press("Digit3")
    expect(page.get_by_role("radio", name="Tie")).to_be_checked()
    page.reload()
    expect(page.get_by_role("radio", name="Tie")).to_be_checked()
    expect(reason(page)).to_have_value("1 of 2 is 3, gz?")


def test_keys_of_one_letter_can_be_switched_off(begin):
    page = begin()
    prefetched(page)
    keys = page.get_by_role("dialog", name="Keys")
    press_until(page, "?", keys.is_visible)
    keys.get_by_role("checkbox").uncheck()
    keys.get_by_role("button", name="Close").click()
    for key in ("1", "s", "g", "?", "z"):
        page.keyboard.press(key)
    assert page.locator("#stage :checked").count() == 0
    assert page.locator(":popover-open").count() == 0
    page.get_by_role("radio", name="Tie").check()
    submitted(page, lambda: page.keyboard.press("Enter"))
    at_task(page, 2)


def test_keys_of_the_panes(begin):
    page = begin()
    prefetched(page)
    page.keyboard.press("BracketRight")
    expect(page.get_by_role("region", name="Response 2")).to_be_focused()
    page.keyboard.press("KeyM")
    expect(page.locator("#stage [data-raw-text]").first).to_be_visible()
    expect(page.get_by_role("button", name="Raw text")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("KeyP")
    expect(page.locator("#stage .scrolls")).to_be_hidden()
    page.keyboard.press("KeyE")
    expect(page.get_by_role("button", name="Whole texts")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("KeyS")
    skip = page.get_by_role("dialog", name="Skip this task")
    page.keyboard.press("Digit1")
    expect(skip.get_by_role("radio", name="I cannot judge")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Task 1 skipped.")
    expect(page.locator("main h1")).to_have_text(f"Task 2 of {ITEMS}")


def test_undo_brings_the_task_back_with_its_answer(begin):
    page = begin()
    prefetched(page)
    prompt = page.locator("#stage .scrolls").inner_text()
    judge(page, 1, "Digit2")
    prefetched(page)
    second = page.locator("#stage .scrolls").inner_text()
    press_until(page, "KeyZ", lambda: page.locator("main h1").inner_text() == f"Task 1 of {ITEMS}")
    assert page.locator("#stage .scrolls").inner_text() == prompt
    expect(page.get_by_role("radio", name="2 is better")).to_be_checked()
    expect(page.locator("main h1")).to_be_focused()
    prefetched(page)
    page.keyboard.press("Digit3")
    submitted(page, lambda: page.keyboard.press("Enter"))
    at_task(page, 2)
    # What stood there meanwhile is what comes next.
    assert page.locator("#stage .scrolls").inner_text() == second
    prefetched(page)
    all_sent(page)
    assert judgments(page) == 1


SLOW_TO_HEAR = """() => {
  const real = window.fetch;
  window.fetch = async (...request) => {
    const response = await real(...request);
    if (!String(request[0]).endsWith("/next/")) return response;
    document.documentElement.dataset.answered = 1;
    await new Promise((done) => setTimeout(done, 1500));
    document.documentElement.dataset.heard = 1;
    return response;
  };
}"""


def test_undo_while_the_task_after_the_next_is_being_fetched(begin):
    page = begin()
    prefetched(page)
    page.evaluate(SLOW_TO_HEAR)
    judge(page, 1, "Digit2")
    all_sent(page)
    expect(page.locator("html[data-answered]")).to_have_count(1)
    second = page.locator("#stage .scrolls").inner_text()
    press_until(page, "KeyZ", lambda: page.locator("main h1").inner_text() == f"Task 1 of {ITEMS}")
    expect(page.locator("html[data-heard]")).to_have_count(1)
    page.wait_for_timeout(500)
    # What stood there meanwhile waits, not what was fetched before it was taken back.
    expect(page.locator("#ahead h1")).to_have_text(f"Task 2 of {ITEMS}")
    submitted(page, lambda: page.keyboard.press("Enter"))
    at_task(page, 2)
    assert page.locator("#stage .scrolls").inner_text() == second
    all_sent(page)
    assert judgments(page) == 1


def test_undo_after_a_reload(begin):
    page = begin()
    prefetched(page)
    judge(page, 1, "Digit2")
    prefetched(page)
    page.reload()
    at_task(page, 2)
    prefetched(page)
    press_until(page, "KeyZ", lambda: page.locator("main h1").inner_text() == f"Task 1 of {ITEMS}")
    expect(page.get_by_role("radio", name="2 is better")).to_be_checked()

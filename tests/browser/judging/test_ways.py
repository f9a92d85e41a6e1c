"""Ways to judge: by keys, by names and roles, by touch, and without scripts."""

import re
import statistics

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import picture, press_until
from tests.browser.judging.steps import (
    all_sent,
    at_task,
    judgments,
    make_first,
    prefetched,
    press_until_seen,
    reason,
    submitted,
)
from tests.browser.judging.world import ITEMS, add_items


def test_twenty_tasks_by_the_keyboard_alone(begin):
    page = begin()
    times = []
    for number in range(1, 21):
        at_task(page, number)
        prefetched(page)
        assert page.locator("#stage progress").evaluate("bar => bar.value") == number - 1
        if number == 2:
            expect(page.locator("#toast")).to_be_visible()
            picture(page, "judging-undo")
        press_until(page, f"Digit{number % 3 + 1}", page.locator("#stage :checked").count)
        page.evaluate(MEASURE)
        press_until(page, "Enter", lambda: page.evaluate("window.paintedAt > 0"))
        times.append(page.evaluate("window.paintedAt"))
        assert page.evaluate("document.activeElement.tagName") == "H1"
    at_task(page, 21)
    all_sent(page)
    print(f"\nEnter to painted: median {statistics.median(times):.0f} ms, longest {max(times):.0f} ms")
    assert statistics.median(times) < 500
    assert judgments(page) == 20


# From the Enter that was taken to the second frame after the next task was put on the page.
MEASURE = """() => {
  window.paintedAt = 0;
  let pressed = 0;
  document.addEventListener("keydown", () => (pressed = performance.now()), { capture: true });
  new MutationObserver((_, observer) => {
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => (window.paintedAt = performance.now() - pressed)));
  }).observe(document.getElementById("stage"), { childList: true });
}"""


def test_by_names_and_roles_as_a_screen_reader_has_them(begin):
    page = begin()
    prefetched(page)
    main = page.get_by_role("main")
    expect(main.get_by_role("region", name="Response 1")).to_contain_text(re.compile("return", re.I))
    expect(main.get_by_role("region", name="Response 2")).to_be_visible()
    expect(main.get_by_role("heading", level=1)).to_be_focused()
    expect(main.get_by_role("group", name="Your answer")).to_match_aria_snapshot(
        """
        - group "Your answer":
          - radio "1 is better"
          - text: 1 is better
          - radio "2 is better"
          - text: 2 is better
          - radio "Tie"
          - text: Tie
          - radio "Both bad"
          - text: Both bad
        """
    )
    for name in ("1 is better", "Tie"):
        main.get_by_role("radio", name=name).check()
    main.get_by_role("textbox", name="Reason").fill("They say the same.")
    submitted(page, lambda: main.get_by_role("button", name="Submit").click())
    at_task(page, 2)
    expect(page.get_by_role("status")).to_have_text(f"Task 1 saved. Task 2 of {ITEMS}. Press Z to undo.")
    expect(page).to_have_title(re.compile(rf"^Task 2 of {ITEMS} · Return policy"))
    main.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_have_text("Task 1 reopened.")
    expect(main.get_by_role("radio", name="Tie")).to_be_checked()
    expect(main.get_by_role("textbox", name="Reason")).to_have_value("They say the same.")


def test_by_touch_on_a_phone(begin):
    page = begin(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    prefetched(page)
    one, two = (page.get_by_role("tab", name=re.compile(f"Response {n}")) for n in (1, 2))
    expect(two).to_have_accessible_name("Response 2 not viewed")
    page.locator("#stage .option").first.tap()
    submit = page.get_by_role("button", name="Submit")
    press_until_seen(page, submit.tap, page.locator("#stage [data-problem]"))
    expect(page.locator("#stage [data-problem]")).to_contain_text("not opened Response 2")
    at_task(page, 1)
    two.tap()
    expect(two).to_have_accessible_name("Response 2")
    expect(page.get_by_role("tabpanel", name="Response 2")).to_be_visible()
    expect(page.get_by_role("tabpanel", name="Response 1")).to_be_hidden()
    picture(page, "judging-390")
    one.focus()
    page.keyboard.press("ArrowRight")
    expect(two).to_be_focused()
    for option in page.locator("#stage .option").all():
        assert option.bounding_box()["height"] >= 52
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    submitted(page, submit.tap)
    at_task(page, 2)
    all_sent(page)


def test_without_scripts(begin):
    page = begin(java_script_enabled=False, viewport={"width": 390, "height": 844})
    expect(page.get_by_role("heading", name="Response 2")).to_be_visible()
    page.get_by_role("button", name="Submit").click()
    expect(page.locator("main")).to_contain_text("Choose one of the four answers first.")
    reason(page).fill("Kept when I forget to choose.")
    page.get_by_role("button", name="Submit").click()
    expect(reason(page)).to_have_value("Kept when I forget to choose.")
    page.get_by_label("Tie").check()
    page.get_by_role("button", name="Submit").click()
    at_task(page, 2)
    page.get_by_role("button", name="Skip", exact=False).first.click()
    page.get_by_label("Another reason").check()
    page.get_by_role("button", name="Skip the task").click()
    expect(page.locator("main h1")).to_have_text(f"Task 2 of {ITEMS}")
    assert judgments(page) == 1


def test_a_rubric_with_strength_criteria_and_reasons(world, begin, sign_in):
    add_items(world.demo, world.rich, 3)
    name = world.someone()
    make_first(world, world.rich)
    try:
        page = sign_in(name)
        page.get_by_role("button", name="Judge the next task").click()
        heading = page.locator("main h1")
        expect(heading).to_have_text("Task 1 of 3")
        expect(page.locator("#ahead > [data-card]")).to_have_count(1)
        press_until(page, "Shift+Digit2", page.locator("#stage [name=strength][value='2']").is_checked)
        expect(page.get_by_role("radio", name="2 is better").first).to_be_checked()
        page.keyboard.press("Digit4")
        problem = page.locator("#stage [data-problem]")
        press_until(page, "Enter", problem.is_visible)
        expect(problem).to_have_text("Answer this too: Which is more correct?")
        for place, choice in ((1, 3), (2, 1)):
            page.keyboard.press("KeyC")
            page.keyboard.press(f"Digit{place}")
            page.keyboard.press(f"Digit{choice}")
        expect(page.locator("[name=answer-correct][value=tie]").first).to_be_checked()
        page.locator("main h1").focus()
        press_until(page, "Enter", lambda: "asks why" in problem.inner_text())
        expect(reason(page)).to_be_focused()
        page.keyboard.type("Neither says who pays.")
        page.keyboard.press("Control+Enter")
        expect(heading).to_have_text("Task 2 of 3")
        all_sent(page)
        page.keyboard.press("KeyG")
        drawer = page.get_by_role("complementary", name="Guidance")
        expect(drawer.get_by_role("heading", name="Guidance")).to_be_focused()
        expect(drawer).to_contain_text("By the help pages of the shop.")
        drawer.get_by_text("Can I return boots?").first.click()
        expect(drawer).to_contain_text("It answers the question.")
        found = Axe().run(page)
        assert not found.violations_count, found.generate_report()
        page.keyboard.press("Escape")
        expect(drawer).to_be_hidden()
    finally:
        make_first(world, world.campaign)

"""The rubric is revised while somebody judges: they read what changed, and lose nothing."""

import uuid

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import call, picture, press_until
from tests.browser.judging.steps import all_sent, prefetched, reason
from tests.browser.judging.world import RUBRIC, TAKE_DOWN, add_items, open_campaign

REVISED = {
    "question": "Which response solves the problem?",
    "guidance": "Judge what is said, **not how kindly** it is put.",
}


def test_the_answer_comes_back_with_what_changed_and_is_sent_again(demo, world, sign_in):
    rubric = {**RUBRIC, "name": f"Revised {uuid.uuid4().hex[:6]}", "criteria": [], "strength": False}
    campaign = open_campaign(demo, overlap=2, hours=0.1, rubric=rubric)
    add_items(demo, campaign, 3)
    try:
        page = sign_in(world.someone())
        page.get_by_role("button", name="Judge the next task").click()
        heading = page.locator("main h1")
        expect(heading).to_have_text("Task 1 of 3")
        prefetched(page)
        body = {"rubric": REVISED, "reason": "Kindness was judged twice."}
        call(demo, f"campaigns/{campaign}/rubric", body, key=str(uuid.uuid4()))
        reason(page).fill("it is right")
        page.keyboard.press("Escape")
        press_until(page, "Digit2", page.locator("#stage [name=preference]:checked").count)
        notice = page.locator("#stage .revised")
        press_until(page, "Enter", notice.is_visible)
        expect(heading).to_have_text("Task 1 of 3")
        expect(page.locator("#stage [data-problem]")).to_contain_text("Look at what changed")
        expect(notice.locator(".changes ins").first).to_have_text("solves the problem")
        expect(page.get_by_role("radio", name="2 is better")).to_be_checked()
        expect(reason(page)).to_have_value("it is right")
        for width, scheme in ((390, "dark"), (1440, "light")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            assert not Axe().run(page).violations_count
        picture(page, "judging-revised")
        press_until(page, "Enter", lambda: heading.inner_text() == "Task 2 of 3")
        all_sent(page)
        expect(notice).to_have_count(0)
        press_until(page, "Digit1", page.locator("#stage [name=preference]:checked").count)
        press_until(page, "Enter", lambda: heading.inner_text() == "Task 3 of 3")
        all_sent(page)
    finally:
        demo.manage("shell", "-c", TAKE_DOWN.format(campaigns=[campaign]))

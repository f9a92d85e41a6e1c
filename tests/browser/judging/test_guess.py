"""After some answers: which response is in production? By keys, and never in the way."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.conftest import picture, press_until
from tests.browser.judging.steps import all_sent, prefetched
from tests.browser.judging.world import TAKE_DOWN, add_items, open_campaign


def test_a_guess_is_asked_after_the_answer_and_sent_after_it(demo, world, sign_in):
    campaign = open_campaign(demo, overlap=2, hours=0.1, guess={"share": 1, "production": "system-0"})
    add_items(demo, campaign, 3)
    try:
        page = sign_in(world.someone())
        page.get_by_role("button", name="Judge the next task").click()
        heading = page.locator("main h1")
        expect(heading).to_have_text("Task 1 of 3")
        prefetched(page)
        sent: list[tuple[str, dict]] = []
        page.on(
            "request",
            lambda request: (
                sent.append((request.url.rsplit("/", 1)[1], request.post_data_json))
                if request.url.endswith(("/judgment", "/guess"))
                else None
            ),
        )
        dialog = page.get_by_role("dialog", name="Which response do you think is in production?")
        press_until(page, "Digit2", page.locator("#stage [name=preference]:checked").count)
        press_until(page, "Enter", dialog.is_visible)
        expect(heading).to_have_text("Task 1 of 3")
        for width, scheme in ((390, "dark"), (1440, "light")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            assert not Axe().run(page).violations_count
        picture(page, "judging-guess")
        page.keyboard.press("Digit3")
        expect(heading).to_have_text("Task 2 of 3")
        all_sent(page)
        assert [name for name, _ in sent] == ["judgment", "guess"]
        assert sent[1][1] == {"guess": "unknown"}
        press_until(page, "Digit1", page.locator("#stage [name=preference]:checked").count)
        press_until(page, "Enter", dialog.is_visible)
        page.keyboard.press("Escape")
        expect(heading).to_have_text("Task 3 of 3")
        all_sent(page)
        press_until(page, "KeyZ", lambda: heading.inner_text() == "Task 2 of 3")
        expect(page.get_by_role("radio", name="1 is better")).to_be_checked()
        press_until(page, "Enter", dialog.is_visible)
        page.get_by_role("button", name="Response 1").click()
        expect(heading).to_have_text("Task 3 of 3")
        all_sent(page)
        assert [name for name, _ in sent] == ["judgment", "guess", "judgment", "judgment", "guess"]
        assert sent[-1][1] == {"guess": 1}
    finally:
        demo.manage("shell", "-c", TAKE_DOWN.format(campaigns=[campaign]))

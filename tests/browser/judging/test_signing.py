"""A confidentiality agreement that changes while somebody judges: nothing is lost, and one goes on where one was."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.judging.steps import at_task, judge, judgments, prefetched

SIGN_AGAIN = """
from evaltrack import clock
from evaltrack.accounts import grants, profiles
for evaluator in profiles.evaluators():
    grants.accept_agreement(evaluator, at=clock.now())
"""


def test_a_new_agreement_is_signed_between_two_tasks(begin, sign_in, demo):
    page = begin()
    prefetched(page)
    lead = sign_in("lead")
    lead.goto("/agreement/texts/")
    text = lead.get_by_label("Text", exact=True)
    try:
        text.fill(text.input_value() + "\n7. **Nothing is kept.** You take no notes.")
        lead.get_by_role("button", name="Publish").click()
        expect(lead.get_by_role("status")).to_contain_text("is in force")
        # The task on the screen and the one behind it can be finished.
        judge(page, 1)
        at_task(page, 2)
        judge(page, 2)
        expect(page.locator("main h1")).to_have_text("The agreement has changed")
        page.get_by_role("link", name="Read and sign").click()
        expect(page.locator(".changes ins")).to_contain_text("Nothing is kept")
        expect(page.locator(".changes del")).to_have_count(0)
        found = Axe().run(page)
        assert not found.violations_count, found.generate_report()
        page.get_by_role("button", name="Sign as").click()
        at_task(page, 3)
        assert judgments(page) == 2
    finally:
        demo.manage("shell", "-c", SIGN_AGAIN)

"""All that can go wrong on the way to the server: nothing is lost, and nothing is sent twice."""

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import picture, press_until
from tests.browser.judging.steps import all_sent, at_task, judge, judgments, prefetched, reason, submitted
from tests.browser.judging.world import ITEMS


def test_offline_and_back_sends_once(begin):
    page = begin()
    prefetched(page)
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "/judgment" in request.url else None)
    page.context.set_offline(True)
    judge(page, 1)
    expect(page.get_by_role("alert")).to_contain_text("Offline, 1 judgment waiting")
    picture(page, "judging-offline")
    # The one that was fetched ahead can be judged too; then there is nothing more.
    judge(page, 2)
    expect(page.locator("main h1")).to_have_text("Offline")
    expect(page.locator("main")).to_contain_text("2 judgments waiting")
    page.context.set_offline(False)
    expect(page.locator("main h1")).to_have_text(f"Task 3 of {ITEMS}")
    expect(page.get_by_role("status")).to_contain_text("Back online, 2 judgments sent.")
    expect(page.get_by_role("alert")).to_be_empty()
    assert judgments(page) == 2


def test_undo_while_offline_takes_back_what_was_not_sent(begin):
    page = begin()
    prefetched(page)
    page.context.set_offline(True)
    judge(page, 1, "Digit2")
    expect(page.get_by_role("alert")).to_contain_text("Offline, 1 judgment waiting")
    press_until(page, "KeyZ", lambda: page.locator("main h1").inner_text() == f"Task 1 of {ITEMS}")
    expect(page.get_by_role("radio", name="2 is better")).to_be_checked()
    page.context.set_offline(False)
    prefetched(page)
    assert judgments(page) == 0


def test_a_server_that_breaks_for_a_while_loses_nothing(begin):
    page = begin()
    prefetched(page)
    page.route("**/judgment", lambda route: route.abort("internetdisconnected"), times=1)
    judge(page, 1)
    expect(page.get_by_role("alert")).to_contain_text("Offline, 1 judgment waiting")
    page.get_by_role("button", name="Try now").click()
    all_sent(page)
    assert judgments(page) == 1


def test_an_answer_that_was_lost_on_the_way_back_is_not_counted_twice(begin):
    page = begin()
    prefetched(page)

    def stored_but_unheard(route):
        route.fetch()
        route.abort("internetdisconnected")

    page.route("**/judgment", stored_but_unheard, times=1)
    judge(page, 1)
    expect(page.get_by_role("alert")).to_contain_text("Offline")
    page.get_by_role("button", name="Try now").click()
    all_sent(page)
    assert judgments(page) == 1


def test_signing_in_again_in_place_loses_nothing(begin, world):
    name = world.someone()
    page = begin(name)
    prefetched(page)
    page.context.clear_cookies(name="sessionid")
    judge(page, 1, "Digit2")
    dialog = page.get_by_role("dialog", name="Your session has ended")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("do not match")
    at_task(page, 2)
    dialog.get_by_label("Password").fill(world.demo.passwords[name])
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    prefetched(page)
    judge(page, 2, "Digit1")
    prefetched(page)
    assert judgments(page) == 2


def test_another_person_who_signs_in_gets_none_of_it(begin, world):
    page = begin()
    prefetched(page)
    page.context.clear_cookies(name="sessionid")
    judge(page, 1, "Digit2")
    dialog = page.get_by_role("dialog", name="Your session has ended")
    other = world.someone()
    dialog.get_by_label("User name").fill(other)
    dialog.get_by_label("Password").fill(world.demo.passwords[other])
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue/")
    page.get_by_role("button", name="Judge the next task").click()
    at_task(page, 1)
    prefetched(page)
    assert judgments(page) == 0


def test_a_task_that_went_to_somebody_else(begin, world):
    page = begin()
    prefetched(page)
    assignment = page.locator("#stage [data-card]").get_attribute("data-assignment")
    world.demo.manage(
        "shell",
        "-c",
        "import uuid\n"
        "from annotation.models import Assignment, Slot\n"
        "from evaltrack.accounts.models import User\n"
        f"held = Assignment.objects.get(public_id='{assignment}')\n"
        f"other = User.objects.get(username='{world.someone()}')\n"
        "Slot.objects.filter(pk=held.slot_id).update(token=uuid.uuid4(), holder=other)\n"
        "Assignment.objects.filter(pk=held.pk).update(state='expired', ended_at=held.claimed_at)\n",
    )
    judge(page, 1)
    expect(page.get_by_role("alert")).to_contain_text("Your answer was kept, and does not count.")
    page.get_by_role("button", name="Dismiss").click()
    prefetched(page)
    assert judgments(page) == 0


def test_a_campaign_that_is_paused(begin, sign_in, world):
    page = begin()
    prefetched(page)
    lead = sign_in("lead")
    lead.goto(f"/campaigns/{world.campaign}/")
    # The draft with the reason alone takes longer than everything that is sent after it.
    slow: list[Route] = []
    page.route("**/draft/", lambda route: slow.append(route), times=1)
    reason(page).fill("Half a thought")
    act_of_lead(lead, world.campaign, "pause", reason="The wording of the rubric is being mended.")
    try:
        page.get_by_role("radio", name="Tie").check()
        submitted(page, lambda: page.keyboard.press("Control+Enter"))
        expect(page.get_by_role("alert")).to_contain_text("The wording of the rubric is being mended.")
        with page.expect_response("**/draft/"):
            slow[0].continue_()
        expect(page.locator("main h1")).to_have_text("Paused")
    finally:
        act_of_lead(lead, world.campaign, "resume")
    page.get_by_role("button", name="Look for another task").click()
    at_task(page, 1)
    expect(reason(page)).to_have_value("Half a thought")
    expect(page.get_by_role("radio", name="Tie")).to_be_checked()


def act_of_lead(lead: Page, campaign: str, act: str, **form: str) -> None:
    token = lead.locator("meta[name=csrf-token]").get_attribute("content")
    answer = lead.request.post(
        f"/campaigns/{campaign}/{act}/", form={**form, "csrfmiddlewaretoken": token or ""}
    )
    assert answer.ok, answer.text()
    expected = {"pause": "The campaign is paused", "resume": "The campaign asks people again"}[act]
    assert expected in answer.text()


def test_a_second_tab_takes_over(begin):
    page = begin()
    prefetched(page)
    page.get_by_role("radio", name="Tie").check()
    second = page.context.new_page()
    second.goto("/review/")
    expect(second.locator("main h1")).to_have_text(f"Task 1 of {ITEMS}")
    dialog = page.get_by_role("dialog", name="Continued in another tab")
    expect(dialog).to_be_visible()
    page.keyboard.press("Enter")
    at_task(page, 1)
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("radio", name="Tie")).to_be_checked()
    expect(second.get_by_role("dialog", name="Continued in another tab")).to_be_visible()


def test_who_is_away_is_asked(begin):
    page = begin()
    prefetched(page)
    page.clock.install()
    page.reload()
    prefetched(page)
    page.clock.fast_forward("05:30")
    dialog = page.get_by_role("dialog", name="Still there?")
    expect(dialog).to_be_visible()
    with page.expect_response("**/heartbeat"):
        page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    at_task(page, 1)


def test_a_browser_that_keeps_nothing_sends_and_waits(begin):
    page = begin()
    page.add_init_script("Storage.prototype.setItem = () => { throw new Error('blocked'); };")
    page.reload()
    prefetched(page)
    page.get_by_role("radio", name="Tie").check()
    submitted(page, lambda: page.keyboard.press("Enter"))
    at_task(page, 2)
    assert judgments(page) == 1

"""A senior evaluator settles conflicts: by the keyboard alone, without scripts, on a phone, by the rules."""

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import press_until
from tests.browser.judging.test_protocols import COUNT, RUBRICS, add_answers
from tests.browser.judging.world import TAKE_DOWN, add_items, open_campaign

# Two evaluators contradict each other about everything, and a third becomes a senior one.
DISAGREE = """
import datetime as dt
from annotation import judging, queue
from annotation.answers import Answer
from annotation.models import Campaign, Judgment
from django.conf import settings
from django.db.models import F
from evaltrack import clock
from evaltrack.accounts import skills
from evaltrack.accounts.models import User
campaign = Campaign.objects.get(public_id={campaign!r})
for name, answer in zip({names!r}, {answers!r}):
    evaluator = User.objects.get(username=name)
    while hasattr(found := queue.claim_next(evaluator, at=clock.now(), campaign=campaign.public_id), "slot"):
        judging.submit(
            found.public_id, judgment_id=found.judgment_id, answer=Answer(**answer), by=evaluator, at=clock.now()
        )
Judgment.objects.filter(campaign=campaign).update(submitted_at=F("submitted_at") - dt.timedelta(minutes=5))
lead = User.objects.get(username="lead")
senior = User.objects.get(username={senior!r})
skills.grant(senior, skills.named(skills.ADJUDICATION), by=lead, at=clock.now())
# What other tests have left in conflict comes later.
others = Campaign.objects.exclude(pk=campaign.pk).exclude(status="closed")
others.update(due_at=campaign.due_at + dt.timedelta(days=9))
"""
ANSWERS: dict[str, list[dict]] = {
    "pairwise": [
        {"preference": 1, "comment": "Response 1 says how, step by step, and what to print."},
        {"preference": "both_bad", "comment": "Neither says **who** pays for the label."},
    ],
    "rating": [
        {"rating": 2, "answers": {"true": 1}, "comment": "It leaves out boots."},
        {"rating": 9, "answers": {"true": 3}},
    ],
    "ranking": [
        {"ranking": [[1], [2], [3]]},
        {"ranking": [[3], [2], [1]], "comment": "The last is shortest."},
    ],
    "spans": [
        {"spans": []},
        {"spans": [{"start": 8, "end": 20, "reason": "wrong", "note": "Only with a receipt."}]},
    ],
}


@pytest.fixture
def disputed(demo, world, sign_in):
    """A campaign in dispute, and a senior evaluator's window on its first conflict."""
    opened = []

    def dispute(protocol: str, **options) -> Page:
        rubric = {
            "name": f"Settling {protocol}",
            "question": "How good is it?",
            "guidance": "Read all of it.",
        }
        more = {} if protocol == "pairwise" else RUBRICS[protocol]
        campaign = open_campaign(demo, overlap=2, hours=0.2, protocol=protocol, rubric=rubric | more)
        opened.append(campaign)
        if protocol == "pairwise":
            add_items(demo, campaign, 4)
        else:
            add_answers(demo, campaign, COUNT[protocol])
        names, senior = [world.someone(), world.someone()], world.someone()
        demo.manage(
            "shell",
            "-c",
            DISAGREE.format(campaign=campaign, names=names, answers=ANSWERS[protocol], senior=senior),
        )
        page = sign_in(senior, **options)
        page.goto("/queue/")
        page.get_by_role("link", name="settle it").click()
        page.get_by_role("button", name="Settle the next conflict").click()
        expect(page.locator("main h1")).to_have_text("A conflict to settle")
        page.campaign = campaign  # type: ignore[attr-defined]
        return page

    yield dispute
    demo.manage("shell", "-c", TAKE_DOWN.format(campaigns=opened))


def keeps_the_rules(page: Page, name: str = "") -> None:
    for width, scheme in ((1440, "light"), (390, "dark"), (1440, "dark"), (390, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        if folder := os.environ.get("LOOK_AT"):
            page.screenshot(
                path=f"{folder}/{name}-{width}-{scheme}.png", full_page=True, animations="disabled"
            )
        found = Axe().run(page)
        assert not found.violations_count, f"{width}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")


def settled(page: Page) -> None:
    """Enter is pressed until the next conflict, or the end, is there."""
    before = page.url
    press_until(page, "Enter", lambda: page.url != before)


def causes_ready(page: Page) -> None:
    """The keys are there when W moves the focus."""
    press_until(page, "w", page.locator("[name=cause]:focus").count)


def test_a_preference_is_settled_by_the_keyboard_alone(disputed, sign_in):
    page = disputed("pairwise")
    expect(page.get_by_role("region", name="What 2 evaluators said")).to_contain_text("Evaluator A:")
    keeps_the_rules(page, "pairwise")
    causes_ready(page)
    page.get_by_role("heading", level=1).focus()
    page.keyboard.press("Enter")
    press_until(page, "Enter", page.locator("[data-problem]:not([hidden])").count)
    expect(page.locator("[data-problem]")).to_contain_text("Choose one of the four answers first.")
    page.get_by_role("heading", level=1).focus()
    page.keyboard.press("Digit2")
    expect(page.get_by_role("radio", name="2 is better")).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator("[data-problem]")).to_contain_text("Say why they disagreed.")
    page.keyboard.press("Digit1")
    expect(page.get_by_role("radio", name="A slip")).to_be_checked()
    page.keyboard.press("u")
    expect(page.get_by_role("textbox", name="What should it say?")).to_be_focused()
    page.keyboard.type("Who pays for the label?")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.type("It answers the question.")
    page.keyboard.press("h")  # typed, as a text has the focus
    expect(page.get_by_role("textbox", name="Reason")).to_have_value("It answers the question.h")
    before = page.url
    page.keyboard.press("Control+Enter")
    page.wait_for_url(lambda address: address != before)
    expect(page.get_by_role("status").filter(has_text="Settled.")).to_be_visible()
    lead = sign_in("lead")
    lead.goto(f"/campaigns/{page.campaign}/conflicts/")
    expect(lead.get_by_role("main")).to_contain_text("1 of 4")
    expect(lead.get_by_role("main")).to_contain_text("It answers the question.h")
    keeps_the_rules(lead, "lead-conflicts")
    lead.goto(f"/campaigns/{page.campaign}/")
    expect(lead.get_by_role("region", name="Guidance that is unclear")).to_contain_text("Who pays")
    lead.get_by_text("Question and guidance").click()
    keeps_the_rules(lead, "lead-campaign")


def test_what_was_written_is_there_again_after_the_page_was_left(disputed):
    page = disputed("pairwise")
    causes_ready(page)
    page.keyboard.press("Digit4")
    page.get_by_role("heading", level=1).focus()
    page.keyboard.press("Digit3")
    page.get_by_role("textbox", name="Reason").fill("Either will do.")
    page.reload()
    expect(page.get_by_role("textbox", name="Reason")).to_have_value("Either will do.")
    expect(page.get_by_role("radio", name="Both answers can be defended")).to_be_checked()
    expect(page.get_by_role("radio", name="Tie", exact=True)).to_be_checked()


def test_a_conflict_is_given_back(disputed):
    page = disputed("pairwise")
    causes_ready(page)
    page.get_by_role("heading", level=1).focus()
    page.keyboard.press("s")
    expect(page.get_by_role("dialog", name="Give this conflict back?")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Conflicts")
    keeps_the_rules(page, "conflicts")


@pytest.mark.parametrize("protocol", ["rating", "ranking", "spans"])
def test_other_protocols_by_the_keyboard_alone(disputed, protocol):
    page = disputed(protocol)
    keeps_the_rules(page, protocol)
    causes_ready(page)
    page.keyboard.press("Digit2")
    expect(page.get_by_role("radio", name="can be read in two ways")).to_be_checked()
    page.get_by_role("heading", level=1).focus()
    if protocol == "rating":
        for key in ("Digit8", "ArrowDown", "Digit3"):
            page.keyboard.press(key)
    elif protocol == "ranking":
        for key in ("Digit3", "ArrowUp"):
            page.keyboard.press(key)
    else:
        page.keyboard.press("n")
    page.get_by_role("heading", level=1).focus()
    settled(page)


def test_without_scripts_on_a_phone(disputed):
    page = disputed("pairwise", java_script_enabled=False, viewport={"width": 390, "height": 844})
    send = page.get_by_role("button", name="Settle it")
    send.click()
    expect(page.get_by_role("alert").filter(has_text="Choose one")).to_be_visible()
    page.get_by_role("radio", name="1 is better").check()
    page.get_by_role("radio", name="The item is broken").check()
    before = page.url
    send.click()
    assert page.url != before
    page.get_by_role("radio", name="1 is better").check()
    page.get_by_role("radio", name="It takes knowledge").check()
    before = page.url
    send.click()
    assert page.url != before

"""A new evaluator learns a rubric with plain forms: guidelines, training, a test failed and one passed, judging."""

import json
import urllib.request
import uuid

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.judging.world import RUBRIC, TAKE_DOWN, open_campaign

NAME = "Returns desk"
RIGHT, WRONG = "Yes, within 60 days, and the label is free.", "Perhaps; ask somebody."


def send(demo, method: str, path: str, body: bytes, kind: str) -> None:
    headers = {
        "Authorization": f"Bearer {demo.token}",
        "Content-Type": kind,
        "Idempotency-Key": str(uuid.uuid4()),
    }
    request = urllib.request.Request(f"{demo.url}/api/v1/{path}", data=body, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in (200, 201)


def lines(kinds: list[str], prompt: str) -> bytes:
    """Items in which one response is right; with a kind they are lessons, and without it gold."""
    rows = [
        {
            "item": f"{prompt} {number}",
            "prompt": f"{prompt} article {number}?",
            "responses": [{"source": "help-a", "text": WRONG}, {"source": "help-b", "text": RIGHT}],
            "gold": {"preference": 2, "why": "It says how long, and answers the question."},
            **({"kind": kind} if kind else {}),
        }
        for number, kind in enumerate(kinds)
    ]
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


@pytest.fixture(scope="module")
def campaign(demo, world):
    rubric = RUBRIC | {"name": NAME, "strength": False, "rationale": [], "criteria": RUBRIC["criteria"][:1]}
    path = f"rubrics/{NAME.replace(' ', '%20')}"
    rule = {"pass_mark": 0.6, "items": 3, "retries": 1, "wait_hours": 0}
    send(demo, "PUT", f"{path}/course", json.dumps(rule).encode(), "application/json")
    kinds = ["training"] * 2 + ["test"] * 6
    send(demo, "POST", f"{path}/lessons", lines(kinds, "Can I return"), "application/x-ndjson")
    opened = open_campaign(demo, overlap=2, hours=0.4, rubric=rubric, requires_qualification=True)
    send(
        demo, "POST", f"campaigns/{opened}/tasks", lines([""] * 4, "May I send back"), "application/x-ndjson"
    )
    try:
        yield opened
    finally:
        demo.manage("shell", "-c", TAKE_DOWN.format(campaigns=[opened]))


def answer(page: Page, *, right: bool) -> None:
    """By the content: the sides are drawn. The next page is there when it returns: who looked too early answered
    one question by another's sides."""
    on_slot_1 = page.locator(".side-1").get_by_text(RIGHT).count()
    page.get_by_label("1 is better" if on_slot_1 == right else "2 is better").check()
    with page.expect_navigation():
        page.get_by_role("button", name="Answer").click()


def test_the_way_of_a_new_evaluator_without_scripts(sign_in, world, campaign):
    name = world.someone()
    page = sign_in(name, java_script_enabled=False)
    page.get_by_role("link", name=f"Learn {NAME}").click()
    expect(page.get_by_text("Judge what is said, not how long it is.")).to_be_visible()
    expect(page.get_by_role("button", name="Start the test")).to_be_disabled()
    page.get_by_role("button", name="start the training").click()
    for number, right in ((1, True), (2, False)):
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Training, {number} of 2")
        answer(page, right=right)
        expect(
            page.get_by_role("heading", name="Like the reference" if right else "is another")
        ).to_be_visible()
        expect(page.get_by_text("answers the question.")).to_be_visible()
        page.get_by_role("link", name="To the end of the training" if number == 2 else "Next").click()
    page.get_by_role("link", name="On to the test").click()

    page.get_by_role("button", name="Start the test").click()
    expect(page.get_by_role("button", name="Answer")).to_be_visible()
    for _ in range(3):
        answer(page, right=False)
    expect(page.get_by_role("heading", level=1)).to_have_text("Not passed this time")
    failed = page.url
    expect(page.get_by_role("region", name="Question 1")).to_contain_text("answers the question.")
    page.get_by_role("link", name="Back to the rubric").click()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Answer")).to_be_visible()
    for right in (True, False, True):
        answer(page, right=right)
    expect(page.get_by_role("heading", level=1)).to_have_text("You have passed")

    page.get_by_role("link", name="To your queue").click()
    page.get_by_role("button", name="Judge the next task").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Task 1 of 4")
    judge(page)
    page.goto("/review/mine/")
    expect(page.get_by_text("May I send back")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Task 1 of 4")
    judge(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Task 2 of 4")
    judge(page)  # which makes the one before final
    release_and_appeal(sign_in, page, name, campaign)
    every_page_keeps_the_rules(sign_in, name, page, failed, campaign)


def judge(page: Page) -> None:
    for group in ("Your answer", "Which is more correct?"):
        page.get_by_role("group", name=group).get_by_label("Tie").check()
    page.get_by_role("button", name="Submit").click()


def release_and_appeal(sign_in, page: Page, name: str, campaign: str) -> None:
    lead = sign_in("lead", java_script_enabled=False)
    lead.goto(f"/campaigns/{campaign}/")
    expect(lead.get_by_text("0 of 1 final judgment gave it")).to_be_visible()
    lead.get_by_role("button", name="Release the feedback now").click()
    page.goto("/review/mine/")
    expect(page.get_by_text("The reference answer is:")).to_have_count(1)
    page.get_by_text("I disagree", exact=True).click()
    page.get_by_label("I disagree, because").fill("Both answer it well enough for me.")
    page.get_by_role("button", name="Send the appeal").click()
    expect(page.get_by_text("A lead will answer.")).to_be_visible()


def every_page_keeps_the_rules(sign_in, name: str, page: Page, failed: str, campaign: str) -> None:
    """axe's rules, light and dark, wide and narrow; and no page scrolls sideways."""
    course = page.request.get(failed).text().split("/review/courses/")[1][:36]
    mine = [f"/review/courses/{course}/", failed, "/review/mine/"]
    for width, scheme in ((1440, "light"), (390, "dark")):
        look = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
        window = sign_in(name, **look)
        for address in mine:
            window.goto(address)
            keeps_the_rules(window)
        window.goto(mine[0])
        window.get_by_role("button", name="train").or_(window.get_by_role("button", name="Train")).click()
        expect(window.get_by_role("button", name="Answer")).to_be_visible()
        keeps_the_rules(window)
        answer(window, right=False)
        keeps_the_rules(window)
        lead = sign_in("lead", **look)
        for address in ("/courses/", f"/courses/{course}/", f"/campaigns/{campaign}/"):
            lead.goto(address)
            keeps_the_rules(lead)


def keeps_the_rules(page: Page) -> None:
    found = Axe().run(page)
    assert not found.violations_count, f"{page.url}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url

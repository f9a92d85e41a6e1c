"""A lead goes from the set-up to a closed campaign, without scripts too; and sets one up by the keyboard alone."""

import json
import os
import time
import uuid
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import UNDO_S, call

LOOKS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]
ITEMS = 12
EVALUATORS = ["desk01", "desk02"]
# Two evaluators of this test's own, and a token of each; what others have left in the queue comes later.
SET_UP = """
import json
from evaltrack import clock
from evaltrack.accounts import grants, tokens
from evaltrack.accounts.roles import Permission, Role
from evaltrack.demo import seed
at = clock.now()
found = dict()
for name in {names!r}:
    person = seed.person(name, Role.EVALUATOR, at=at)
    grants.accept_agreement(person, at=at)
    found[name] = tokens.issue(person, name=name, scopes=[Permission.JUDGE], by=person, at=at)
print(json.dumps(found))
"""


def rows(count: int) -> list[dict]:
    return [
        {
            "item": f"return-{number}",
            "prompt": f"Can I send back article {number}?",
            "responses": [
                {"source": "zz-heron", "text": f"Yes, article {number} within 60 days, free of charge."},
                {"source": "zz-plover", "text": f"Perhaps article {number}."},
            ],
        }
        for number in range(count)
    ]


def written(folder: Path, lines: list[dict], name: str = "items.jsonl") -> str:
    path = folder / name
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return str(path)


def keeps_the_rules(page: Page, state: str) -> None:
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        if folder := os.environ.get("LOOK_AT"):
            page.screenshot(path=f"{folder}/desk-{state}-{width}-{scheme}.png", full_page=True)
        found = Axe().run(page)
        assert not found.violations_count, f"{state} at {width}, {scheme}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (state, width)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")


def tab_to(page: Page, seen) -> None:
    """The focus, moved by the Tab key alone."""
    for _ in range(80):
        if seen.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {seen}")


def press(page: Page, seen, key: str = "Enter") -> None:
    tab_to(page, seen)
    page.keyboard.press(key)


def write(page: Page, label: str, text: str) -> None:
    tab_to(page, page.get_by_label(label, exact=True))
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)


class Evaluator:
    """Who judges by API, as another front end would."""

    def __init__(self, demo, token: str) -> None:
        self.demo = demo
        self.token = token

    def call(self, path: str, body: dict) -> dict:
        original, self.demo.token = self.demo.token, self.token
        try:
            return call(self.demo, path, body, key=str(uuid.uuid4()))
        finally:
            self.demo.token = original

    def judge_all(self, campaign: str) -> int:
        """Prefer the longer one, but for every fifth item, which is a tie; how many judgments."""
        count = 0
        while (shown := self.call("queue/next", {"campaign": campaign}))["assignment"]:
            texts = [each["text"] for each in shown["item"]["responses"]]
            longer = 1 if len(texts[0]) > len(texts[1]) else 2
            said = "tie" if "article 5" in texts[0] else longer
            answer = {"judgment_id": shown["judgment_id"], "preference": said}
            self.call(f"assignments/{shown['assignment']}/judgment", answer)
            count += 1
        return count


@pytest.fixture(scope="module")
def evaluators(demo) -> list[Evaluator]:
    tokens = json.loads(demo.manage("shell", "-c", SET_UP.format(names=EVALUATORS)).splitlines()[-1])
    return [Evaluator(demo, tokens[name]) for name in EVALUATORS]


@pytest.mark.parametrize("scripts", [True, False])
def test_a_lead_goes_from_a_file_to_a_closed_campaign(demo, sign_in, evaluators, tmp_path, scripts):
    name = f"Sending things back{'' if scripts else ', plainly'}"
    page = sign_in("lead", java_script_enabled=scripts)
    page.goto("/campaigns/")
    page.get_by_role("link", name="New campaign").click()
    # A file in which something is wrong is refused as a whole, and says where.
    broken = rows(2)
    del broken[1]["prompt"]
    page.get_by_label("File of items").set_input_files(written(tmp_path, broken, "broken.jsonl"))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert").filter(has_text="Line 2")).to_be_visible()
    expect(page.get_by_role("row", name="Line 2")).to_contain_text("prompt")
    page.get_by_label("File of items").set_input_files(written(tmp_path, rows(ITEMS)))
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("main")).to_contain_text(f"{ITEMS} items from items.jsonl")
    # What cannot be used stands there still, and the summary leads to it.
    page.get_by_label("Name", exact=True).fill("zz-heron against the other")
    page.get_by_label("Evaluators for each item").fill("2")
    page.get_by_role("button", name="See what it will take").click()
    expect(page.get_by_role("alert").filter(has_text="This cannot be opened yet")).to_contain_text("zz-heron")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="See what it will take").click()
    expect(page.locator("main")).to_contain_text(f"{ITEMS} items, 2 evaluators each")
    page.get_by_label("What an hour costs").fill("30")
    page.get_by_role("button", name="Work out the cost").click()
    expect(page.locator("main")).to_contain_text("at 30 an hour")
    page.get_by_role("button", name="Open the campaign").click()
    expect(page.locator("h1")).to_have_text(name)
    campaign = page.url.rstrip("/").rpartition("/")[2]
    expect(page.get_by_role("button", name="Close the campaign")).to_be_disabled()
    assert [each.judge_all(campaign) for each in evaluators] == [ITEMS, ITEMS]
    wait_until_final(demo, campaign, 2 * ITEMS)
    page.goto("/campaigns/")
    row = page.get_by_role("row", name=name)
    expect(row).to_contain_text(f"{2 * ITEMS} of {2 * ITEMS}")
    expect(row).to_contain_text("Ready to close")
    row.get_by_role("link", name=name).click()
    expect(page.locator("main")).not_to_contain_text("zz-heron")
    page.get_by_role("button", name="Close the campaign").click()
    expect(page.get_by_role("status").filter(has_text="The campaign is closed.")).to_be_visible()
    # Now it is told how the systems fare.
    expect(page.locator("main")).to_contain_text("zz-heron")
    best = call(demo, f"campaigns/{campaign}/preferences")["systems"][0]
    assert best["source"] == "zz-heron"
    page.goto("/campaigns/?status=closed")
    expect(page.get_by_role("row", name=name)).to_contain_text("closed")


def wait_until_final(demo, campaign: str, count: int) -> None:
    deadline = time.monotonic() + UNDO_S + 20
    while (found := call(demo, f"campaigns/{campaign}/agreement"))["n_judgments"] != count:
        assert time.monotonic() < deadline, found["n_judgments"]
        time.sleep(0.3)


def test_the_set_up_goes_by_the_keyboard_alone(demo, sign_in):
    page = sign_in("lead")
    page.goto("/campaigns/")
    press(page, page.get_by_role("link", name="New campaign"))
    expect(page.get_by_role("heading", level=1)).to_have_text("New campaign")
    tab_to(page, page.get_by_label("From a file that I have"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("They come later, by the API")).to_be_checked()
    press(page, page.get_by_role("button", name="Go on"))
    expect(page.get_by_role("heading", level=1)).to_have_text("What is asked, and of whom")
    write(page, "Name", "By the keyboard")
    tab_to(page, page.get_by_label("The same number for each"))
    page.keyboard.press("ArrowDown")
    write(page, "At most", "4")
    # Enter in a field goes on, and does not fill in a rubric.
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("By the keyboard")
    expect(page.locator("main")).to_contain_text("up to 4")
    press(page, page.get_by_role("button", name="Open the campaign"))
    expect(page.get_by_role("status").filter(has_text="The campaign is open.")).to_be_visible()
    changed = page.locator("#change details")
    for number in range(changed.count()):
        press(page, changed.nth(number).locator("summary"))
    expect(page.get_by_role("button", name="Give more time")).to_be_visible()
    expect(page.get_by_role("button", name="Withdraw these items")).to_be_visible()
    keeps_the_rules(page, "change")
    # Two clicks, one after the other, are one campaign.
    page.go_back()
    page.reload()
    assert page.url.rstrip("/").rpartition("/")[2] != "review"
    opened = [each for each in call(demo, "campaigns")["results"] if each["name"] == "By the keyboard"]
    assert len(opened) == 1


def test_the_pages_of_the_desk_keep_the_rules(sign_in, tmp_path):
    page = sign_in("lead")
    page.goto("/campaigns/new/")
    keeps_the_rules(page, "begin")
    broken = [{"item": "<b>1</b>"}, *rows(1), {"no": "item"}]
    page.get_by_label("File of items").set_input_files(written(tmp_path, broken))
    page.get_by_role("button", name="Go on").click()
    keeps_the_rules(page, "broken-file")
    page.get_by_label("File of items").set_input_files(written(tmp_path, rows(ITEMS)))
    page.get_by_role("button", name="Go on").click()
    keeps_the_rules(page, "setup")
    page.get_by_label("Evaluators for each item").fill("99")
    page.get_by_role("button", name="See what it will take").click()
    keeps_the_rules(page, "setup-wrong")
    page.get_by_label("Evaluators for each item").fill("2")
    page.get_by_label("Name", exact=True).fill("By the rules")
    page.get_by_role("button", name="See what it will take").click()
    keeps_the_rules(page, "review")
    page.get_by_role("button", name="Drop it").click()
    expect(page.get_by_role("status").filter(has_text="nothing was opened")).to_be_visible()
    page.goto("/campaigns/")
    keeps_the_rules(page, "list")
    page.goto("/campaigns/?search=no-such-campaign")
    keeps_the_rules(page, "list-empty")

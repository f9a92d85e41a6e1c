"""Rating, ranking and marking errors: by the keyboard alone, without scripts, on a phone, by the rules."""

import json
import re
import urllib.request
import uuid

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import picture, press_until
from tests.browser.judging.steps import all_sent, prefetched, submitted
from tests.browser.judging.world import TAKE_DOWN, open_campaign

ITEMS = 4
TEXT = "Boots — 👢\r\ncan go back\u200b within 60 days.\n\nAsk <us> & see."
RUBRICS = {
    "rating": {
        "scale": ["Useless", "", "", "", "", "", "", "", "", "Perfect"],
        "criteria": [{"id": "true", "question": "How true is it?", "scale": ["False", "In part", "True"]}],
    },
    "ranking": {},
    "spans": {
        "reasons": [
            {"id": "wrong", "label": "Wrong", "severity": "major"},
            {"id": "unclear", "label": "Unclear"},
        ]
    },
}
COUNT = {"rating": 1, "ranking": 3, "spans": 1}


@pytest.fixture
def asked(demo, world, sign_in):
    """Opens a campaign that comes before all others, and a new evaluator's window on its first task."""
    opened = []

    def ask(protocol: str, **options) -> Page:
        rubric = {"name": f"Browser {protocol}", "question": "How good is it?", "guidance": "Read all of it."}
        campaign = open_campaign(
            demo, overlap=2, hours=0.2, protocol=protocol, rubric=rubric | RUBRICS[protocol]
        )
        opened.append(campaign)
        add_answers(demo, campaign, COUNT[protocol])
        page = sign_in(world.someone(), **options)
        page.get_by_role("button", name="Judge the next task").click()
        expect(page.locator("main h1")).to_have_text(f"Task 1 of {ITEMS}")
        return page

    yield ask
    demo.manage("shell", "-c", TAKE_DOWN.format(campaigns=opened))


def add_answers(demo, campaign: str, count: int) -> None:
    texts = [TEXT, "Perhaps you can, perhaps not.", "**Yes**, within 60 days:\n\n1. Print.\n2. Send."]
    lines = [
        {
            "item": f"q{number}",
            "prompt": "Can I return boots?",
            "responses": [
                {"source": f"system-{place}", "text": texts[place], "format": "text"}
                for place in range(count)
            ],
        }
        for number in range(ITEMS)
    ]
    request = urllib.request.Request(
        f"{demo.url}/api/v1/campaigns/{campaign}/tasks",
        data="".join(f"{json.dumps(line)}\n" for line in lines).encode(),
        headers={
            "Authorization": f"Bearer {demo.token}",
            "Content-Type": "application/x-ndjson",
            "Idempotency-Key": str(uuid.uuid4()),
        },
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert json.load(response)["added"] == ITEMS


def sent_by(page: Page) -> list[dict]:
    """What the page sends as judgments."""
    sent: list[dict] = []
    page.on(
        "request",
        lambda request: sent.append(request.post_data_json) if request.url.endswith("/judgment") else None,
    )
    return sent


def at_task(page: Page, number: int) -> None:
    expect(page.locator("main h1")).to_have_text(f"Task {number} of {ITEMS}")


def submit(page: Page) -> None:
    submitted(page, lambda: page.keyboard.press("Enter"))


def keeps_the_rules(page: Page) -> None:
    for width, scheme in ((1440, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page)
        assert not found.violations_count, f"{width}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    page.set_viewport_size({"width": 1440, "height": 900})
    page.emulate_media(color_scheme="light")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_rating_by_the_keyboard_alone(asked):
    page = asked("rating")
    prefetched(page)
    sent = sent_by(page)
    keeps_the_rules(page)
    main = page.get_by_role("main")
    press_until(page, "Digit0", page.locator("#stage :checked").count)
    expect(
        main.get_by_role("group", name="Your rating").get_by_role("radio", name="10 Perfect")
    ).to_be_checked()
    press(page, "ArrowDown", "Digit2")
    truth = main.get_by_role("group", name="How true is it?")
    expect(truth.get_by_role("radio", name="2 In part")).to_be_checked()
    press(page, "ArrowDown", "Digit7", "ArrowUp", "Digit3")
    picture(page, "judging-rating")
    submit(page)
    at_task(page, 2)
    all_sent(page)
    assert (sent[0]["rating"], sent[0]["answers"]) == (7, {"true": 3})
    press_until(page, "KeyZ", lambda: page.locator("main h1").inner_text() == f"Task 1 of {ITEMS}")
    expect(main.get_by_role("radio", name="7", exact=True)).to_be_checked()
    submit(page)
    all_sent(page)
    submitted_without_criterion(page)


def submitted_without_criterion(page: Page) -> None:
    press_until(page, "Digit1", page.locator("#stage :checked").count)
    press_until(page, "Enter", page.locator("#stage [data-problem]:not([hidden])").count)
    expect(page.locator("#stage [data-problem]")).to_contain_text("How true is it?")
    at_task(page, 2)


def test_ranking_by_the_keyboard_alone(asked):
    page = asked("ranking")
    prefetched(page)
    sent = sent_by(page)
    keeps_the_rules(page)
    listed = page.locator("#stage [data-ranking] > li")
    press_until(page, "Enter", page.locator("#stage [data-problem]:not([hidden])").count)
    expect(page.locator("#stage [data-problem]")).to_contain_text("changed nothing in the order")
    press(page, "Digit3", "ArrowUp")
    expect(page.get_by_role("status")).to_have_text("Response 3, rank 2.")
    press(page, "ArrowUp")
    expect(listed.first).to_have_attribute("data-place", "3")
    press(page, "Digit2", "t")
    expect(page.get_by_role("status")).to_have_text("Response 2, rank 2, tied.")
    picture(page, "judging-ranking")
    submit(page)
    at_task(page, 2)
    all_sent(page)
    assert sent[0]["ranking"] == [[3], [1, 2]]
    press_until(page, "KeyZ", lambda: page.locator("main h1").inner_text() == f"Task 1 of {ITEMS}")
    expect(listed.first).to_have_attribute("data-place", "3")
    page.get_by_role("button", name="Response 2: better").click()
    page.get_by_role("button", name="Response 1: tie with the one above").click()
    expect(page.get_by_role("status")).to_have_text("Response 1, rank 2, tied.")
    page.keyboard.press("Digit1")  # Enter on a button presses that
    submit(page)
    all_sent(page)
    assert sent[-1]["ranking"] == [[3], [2, 1]]


def test_errors_are_marked_by_the_keyboard_alone(asked):
    page = asked("spans")
    prefetched(page)
    sent = sent_by(page)
    press_until(page, "BracketLeft", page.locator("#stage [data-exact]:focus").count)
    keeps_the_rules(page)
    page.keyboard.press("Control+Home")
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.type("9xq")
    expect(page.locator("#stage [data-exact]")).to_contain_text("Boots — 👢")
    press(page, "Digit1")
    expect(page.get_by_role("status")).to_contain_text("Marked: 👢")
    page.keyboard.press("Control+End")
    press_until(page, "Shift+ArrowLeft", lambda: page.evaluate("getSelection().toString()") == "see.")
    press(page, "Digit2")
    rows = page.get_by_role("list", name="Marked errors").get_by_role("listitem")
    expect(rows).to_have_count(2)
    rows.nth(1).get_by_label("Note").fill("of what?")
    rows.nth(1).get_by_label("How severe").select_option("minor")
    keeps_the_rules(page)
    picture(page, "judging-spans")
    rows.nth(1).get_by_role("radio", name="Unclear").focus()
    submit(page)
    at_task(page, 2)
    all_sent(page)
    spans = sent[0]["spans"]
    assert [TEXT[each["start"] : each["end"]] for each in spans][1] == "see."
    assert "👢" in TEXT[spans[0]["start"] : spans[0]["end"]]
    assert (spans[0]["reason"], spans[0]["severity"]) == ("wrong", "major")
    assert (spans[1]["reason"], spans[1]["severity"], spans[1]["note"]) == ("unclear", "minor", "of what?")
    press_until(page, "Enter", page.locator("#stage [data-problem]:not([hidden])").count)
    expect(page.locator("#stage [data-problem]")).to_contain_text("say that you found no error")
    page.get_by_role("heading", level=1).focus()
    press(page, "n")
    submit(page)
    all_sent(page)
    assert sent[1]["spans"] == []


def test_every_word_that_is_selected_is_that_word_of_the_stored_text(asked):
    """Line breaks of two characters, emoji, characters that hide, and markup stand before what is selected."""
    page = asked("spans")
    prefetched(page)
    sent = sent_by(page)
    words = ["Boots", "👢", "can", "back", "within", "days", "Ask", "<us>", "&", "see"]
    for word in words:
        page.evaluate(SELECT, word)
        page.get_by_role("button", name="Unclear").click()
    expect(page.get_by_role("listitem").filter(has=page.locator("q"))).to_have_count(len(words))
    page.get_by_role("heading", level=1).focus()
    submit(page)
    all_sent(page)
    assert [TEXT[each["start"] : each["end"]] for each in sent[0]["spans"]] == words


SELECT = """(word) => {
  const pre = document.querySelector("#stage [data-exact]");
  for (const node of pre.childNodes) {
    const at = node.nodeType === Node.TEXT_NODE ? node.data.indexOf(word) : -1;
    if (at >= 0) return getSelection().setBaseAndExtent(node, at, node, at + word.length);
  }
  throw new Error(word);
}"""


NO_SCRIPTS = {"java_script_enabled": False, "viewport": {"width": 390, "height": 844}}


def test_rating_without_scripts(asked):
    page = asked("rating", **NO_SCRIPTS)
    send = page.get_by_role("button", name="Submit")
    send.click()
    expect(page.locator("main")).to_contain_text("Choose a point of the scale first.")
    page.get_by_role("radio", name="9", exact=True).check()
    page.get_by_role("radio", name="3 True").check()
    send.click()
    at_task(page, 2)


def test_ranking_without_scripts(asked):
    page = asked("ranking", **NO_SCRIPTS)
    send = page.get_by_role("button", name="Submit")
    page.get_by_role("combobox", name="Response 2").select_option("1")
    send.click()
    expect(page.locator("main")).to_contain_text("Give every response a rank first.")
    expect(page.get_by_role("combobox", name="Response 2")).to_have_value("1")
    for number in (1, 3):
        page.get_by_role("combobox", name=f"Response {number}").select_option("2")
    send.click()
    at_task(page, 2)


def test_errors_are_marked_without_scripts(asked):
    page = asked("spans", **NO_SCRIPTS)
    send = page.get_by_role("button", name="Submit")
    send.click()
    expect(page.locator("main")).to_contain_text("say that you found no error")
    quote = page.get_by_label("The words that are wrong")
    quote.fill("nowhere to be found")
    page.get_by_role("button", name="Mark it").last.click()
    expect(page.locator("main")).to_contain_text("stand nowhere in the response")
    for words in ("within 60", "days"):
        quote.fill(words)
        page.get_by_role("group", name="What is wrong there?").get_by_role("radio", name="Wrong").check()
        quote.press("Enter")
        expect(page.get_by_role("list", name="Marked errors")).to_contain_text(words)
    page.get_by_role("button", name="Remove").first.click()
    expect(page.get_by_role("list", name="Marked errors").get_by_role("listitem")).to_have_count(1)
    send.click()
    expect(page.locator("main h1")).to_have_text(re.compile("Task 2"))

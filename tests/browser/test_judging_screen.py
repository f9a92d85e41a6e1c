"""The judging screen in a browser: keys, touch, no scripts, and all that can go wrong on the way to the server.

A campaign of its own, due before all others; each test is an evaluator of its own, so that none meets what
another has left.
"""

import gzip
import json
import re
import statistics
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import call, picture, press_until

ITEMS = 30
PEOPLE = 40
DETAILS = {
    "strength": True,
    "rationale": ["both_bad"],
    "criteria": [
        {"id": "correct", "question": "Which is more correct?", "anchors": "By the help pages of the shop."},
        {"id": "kind", "question": "Which is kinder?"},
    ],
    "examples": [
        {
            "prompt": "Can I return boots?",
            "responses": ["Yes, within 60 days.", "Perhaps."],
            "answer": "1",
            "why": "It answers the question.",
        }
    ],
}
TEXTS = [
    "You can return anything within **60 days**:\n\n1. Open your order.\n2. Press *Return*.\n3. Print the label.",
    "Returns are possible. `Order → Return` is the way; the money is back after 5 days.",
]


@dataclass
class World:
    """The campaigns, the lead's session, and evaluators who have not judged yet."""

    demo: Any
    campaign: str
    rich: str
    names: list[str] = field(default_factory=lambda: [f"judge{n:02d}" for n in range(1, PEOPLE + 1)])

    def someone(self) -> str:
        return self.names.pop()


SET_UP = """
import datetime as dt, json
from annotation import opening
from annotation.models import Rubric
from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role
from evaltrack.demo import seed
at = clock.now()
for name in {names!r}:
    grants.accept_agreement(seed.person(name, Role.EVALUATOR, at=at), at=at)
rubric = Rubric.objects.create(
    name="Careful", version=1, question="Which response serves better?",
    guidance="Judge what is said, **not how long** it is.", body=json.loads({details!r}),
)
campaign = opening.open_stand_alone(
    name="Careful reading", overlap=4, due_at=at + dt.timedelta(hours=3),
    by=User.objects.get(username="lead"), at=at, rubric=rubric,
)
print("campaign", campaign.public_id)
"""
# Nobody is asked any more: the walks have the queue for themselves.
TAKE_DOWN = """
from annotation import assignment
from annotation.models import Slot
from evaltrack import clock
assignment.withdraw(Slot.objects.filter(campaign__public_id__in={campaigns!r}), at=clock.now())
"""


def add_items(demo, campaign: str, count: int) -> None:
    lines = [
        {
            "item": f"q{number}",
            "prompt": f"How do I return article {number}?",
            "responses": [{"source": f"system-{place}", "text": text} for place, text in enumerate(TEXTS)],
        }
        for number in range(count)
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
        assert json.load(response)["added"] == count


def open_campaign(demo, *, overlap: int, hours: float) -> str:
    body = {
        "name": "Return policy",
        "protocol": "pairwise",
        "overlap": overlap,
        "due_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600)),
    }
    return call(demo, "campaigns", body, key=str(uuid.uuid4()))["id"]


@pytest.fixture(scope="module")
def world(demo) -> Iterator[World]:
    campaign = open_campaign(demo, overlap=10, hours=1)
    add_items(demo, campaign, ITEMS)
    made = World(demo, campaign, "")
    answer = demo.manage("shell", "-c", SET_UP.format(names=made.names, details=json.dumps(DETAILS)))
    made.rich = re.search(r"campaign (\S+)", answer)[1]
    demo.passwords |= dict.fromkeys(made.names, demo.passwords["evaluator01"])
    try:
        yield made
    finally:
        demo.manage("shell", "-c", TAKE_DOWN.format(campaigns=[made.campaign, made.rich]))


@pytest.fixture
def begin(sign_in, world) -> Callable[..., Page]:
    """A new evaluator's window, with the first task on the screen."""

    def begun(name: str = "", **options: Any) -> Page:
        page = sign_in(name or world.someone(), **options)
        page.get_by_role("button", name="Judge the next task").click()
        expect(page.locator("main h1")).to_have_text(f"Task 1 of {ITEMS}")
        return page

    return begun


def at_task(page: Page, number: int) -> None:
    expect(page.locator("main h1")).to_have_text(f"Task {number} of {ITEMS}")


def prefetched(page: Page) -> None:
    """The next task waits behind the screen, and the server knows which one is on it."""
    expect(page.locator("#ahead > [data-card]")).to_have_count(1)
    expect(page.locator("#stage > [data-shown='1']")).to_have_count(1)


def judge(page: Page, number: int, key: str = "Digit1") -> None:
    """Choose and submit by keys, and arrive at the task after `number`."""
    press_until(page, key, page.locator("#stage input[name=preference]:checked").count)
    heading = page.locator("main h1")
    press_until(page, "Enter", lambda: heading.inner_text() != f"Task {number} of {ITEMS}")


def reason(page: Page):
    return page.get_by_role("textbox", name="Reason")


def judgments(page: Page) -> int:
    """How many of the evaluator's judgments stand, as the server tells it."""
    page.goto("/queue/")
    return int(page.get_by_role("row").filter(has_text="Return policy").locator("td").first.inner_text())


def all_sent(page: Page) -> None:
    expect(page.locator("[data-save-state]")).to_have_text("Saved")


# ── Ways to judge ────────────────────────────────────────────────────────────────────────────────────


def test_twenty_tasks_by_the_keyboard_alone(begin):
    page = begin()
    times = []
    for number in range(1, 21):
        at_task(page, number)
        prefetched(page)
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


def submitted(page: Page, press: Callable[[], None]) -> None:
    """Press until the task has changed: for a moment after it appeared, it takes no answer."""
    before = page.locator("main h1").inner_text()
    deadline = time.monotonic() + 20
    while page.locator("main h1").inner_text() == before:
        assert time.monotonic() < deadline
        press()


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


def press_until_seen(page: Page, press: Callable[[], None], seen) -> None:
    deadline = time.monotonic() + 20
    while not seen.is_visible():
        assert time.monotonic() < deadline
        press()


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


def make_first(world: World, campaign: str) -> None:
    world.demo.manage(
        "shell",
        "-c",
        "import datetime as dt\n"
        "from annotation.models import Slot\n"
        "from evaltrack import clock\n"
        "soon = clock.now() + dt.timedelta(minutes=30)\n"
        f"Slot.objects.filter(campaign__public_id__in={[world.campaign, world.rich]!r})"
        ".update(due_at=soon + dt.timedelta(hours=1))\n"
        f"Slot.objects.filter(campaign__public_id='{campaign}').update(due_at=soon)\n",
    )


# ── Keys ─────────────────────────────────────────────────────────────────────────────────────────────


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


# ── What can go wrong ────────────────────────────────────────────────────────────────────────────────


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
    reason(page).fill("Half a thought")
    lead = sign_in("lead")
    lead.goto(f"/campaigns/{world.campaign}/")
    act_of_lead(lead, world.campaign, "pause", reason="The wording of the rubric is being mended.")
    try:
        page.get_by_role("radio", name="Tie").check()
        submitted(page, lambda: page.keyboard.press("Control+Enter"))
        expect(page.get_by_role("alert")).to_contain_text("The wording of the rubric is being mended.")
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


# ── How it looks and what it weighs ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("width", "scheme"), [(1440, "light"), (1024, "dark"), (390, "light"), (320, "dark")]
)
def test_it_keeps_the_rules_and_nothing_shifts(begin, width, scheme):
    page = begin(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.add_init_script(SHIFTS)
    page.reload()
    prefetched(page)
    for state in ("task", "toast"):
        if state == "toast":
            press_until(page, "Digit1", page.locator("#stage :checked").count)
            if width < 700:
                page.keyboard.press("BracketRight")
            submitted(page, lambda: page.keyboard.press("Enter"))
            expect(page.locator("#toast")).to_be_visible()
        found = Axe().run(page)
        assert not found.violations_count, f"{state}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), state
    assert page.evaluate("window.shifts") == 0


SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def test_its_scripts_are_small(begin):
    page = begin()
    scripts: dict[str, bytes] = {}
    page.on(
        "response",
        lambda response: (
            scripts.update({response.url: response.body()})
            if response.request.resource_type == "script"
            else None
        ),
    )
    page.reload()
    prefetched(page)
    size = sum(len(gzip.compress(body, 9)) for body in scripts.values())
    print(f"\n{len(scripts)} scripts, {size} bytes gzipped, {sum(map(len, scripts.values()))} decoded")
    assert len(scripts) > 5
    assert size <= 30_000

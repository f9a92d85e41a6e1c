"""What an evaluator does on the judging screen, and how one sees that it has taken."""

import time
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import press_until
from tests.browser.judging.world import ITEMS, World


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
    rows = page.get_by_role("row").filter(has_text="Return policy").all()
    return sum(int(row.locator("td").first.inner_text()) for row in rows)


def all_sent(page: Page) -> None:
    expect(page.locator("[data-save-state]")).to_have_text("Saved")


def submitted(page: Page, press: Callable[[], None]) -> None:
    """Press until the task has changed: for a moment after it appeared, it takes no answer."""
    before = page.locator("main h1").inner_text()
    deadline = time.monotonic() + 20
    while page.locator("main h1").inner_text() == before:
        assert time.monotonic() < deadline
        press()


def press_until_seen(page: Page, press: Callable[[], None], seen) -> None:
    deadline = time.monotonic() + 20
    while not seen.is_visible():
        assert time.monotonic() < deadline
        press()


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

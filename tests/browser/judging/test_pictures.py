"""Every state of the judging screen at three widths in both schemes, to be looked at: in test-results/pictures/.

make test ARGS="tests/browser/judging/test_pictures.py" TAKE_PICTURES=1
"""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import IMAGES, press_until
from tests.browser.judging.steps import judge, prefetched
from tests.browser.judging.test_faults import act_of_lead

pytestmark = pytest.mark.skipif(os.environ.get("TAKE_PICTURES") != "1", reason="pictures are taken on demand")
FOLDER = Path("test-results/pictures")
SIZES = [(1440, 900), (1024, 768), (390, 844)]


# Those that the manual shows, as they are at 1440 px and in light.
IN_THE_MANUAL = {"offline", "session-expired", "lease-lost", "paused", "nothing-left"}


def seen(page: Page, state: str, **options: bool) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            path = FOLDER / f"{state}-{width}-{scheme}.png"
            page.screenshot(path=path, animations="disabled", caret="hide", **options)
    page.set_viewport_size({"width": 1440, "height": 900})
    if state in IN_THE_MANUAL:
        shutil.copy(FOLDER / f"{state}-1440-light.png", IMAGES / f"judging-{state}.png")


def test_task_guidelines_keys_skip_and_undo(begin):
    page = begin()
    prefetched(page)
    seen(page, "task")
    for key, name in (("g", "guidelines"), ("?", "keys"), ("s", "skip")):
        page.keyboard.press(key)
        page.wait_for_timeout(200)
        seen(page, name)
        page.keyboard.press("Escape")
    judge(page, 1)
    prefetched(page)
    expect(page.locator("#toast")).to_be_visible()
    page.locator("#toast").hover()
    seen(page, "undo")


def test_offline_and_after_it(begin):
    page = begin()
    prefetched(page)
    page.context.set_offline(True)
    judge(page, 1)
    expect(page.get_by_role("alert")).to_contain_text("Offline")
    seen(page, "offline")
    judge(page, 2)
    expect(page.locator("main h1")).to_have_text("Offline")
    seen(page, "offline-stopped")
    page.context.set_offline(False)


def test_session_expired(begin):
    page = begin()
    prefetched(page)
    page.context.clear_cookies(name="sessionid")
    judge(page, 1)
    expect(page.get_by_role("dialog", name="Your session has ended")).to_be_visible()
    seen(page, "session-expired")


def test_lease_lost_second_tab_and_away(begin, world):
    page = begin()
    prefetched(page)
    assignment = page.locator("#stage [data-card]").get_attribute("data-assignment")
    second = page.context.new_page()
    second.goto("/review/")
    expect(page.get_by_role("dialog", name="Continued in another tab")).to_be_visible()
    seen(page, "second-tab")
    second.close()
    page.reload()
    prefetched(page)
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
    seen(page, "lease-lost")
    page.clock.install()
    page.reload()
    prefetched(page)
    page.clock.fast_forward("05:30")
    expect(page.get_by_role("dialog", name="Still there?")).to_be_visible()
    seen(page, "away")


def test_paused(begin, sign_in, world):
    page = begin()
    prefetched(page)
    lead = sign_in("lead")
    lead.goto(f"/campaigns/{world.campaign}/")
    act_of_lead(lead, world.campaign, "pause", reason="The wording of the rubric is being mended.")
    try:
        press_until(page, "Digit1", page.locator("#stage :checked").count)
        heading = page.locator("main h1")
        press_until(page, "Enter", lambda: heading.inner_text() == "Paused")
        seen(page, "paused")
    finally:
        act_of_lead(lead, world.campaign, "resume")


def test_queue_with_work_and_done(begin, sign_in, world):
    name = world.someone()
    page = sign_in(name)
    seen(page, "queue")
    # As if this evaluator had judged all: what is left is not for them.
    world.demo.manage(
        "shell",
        "-c",
        "from annotation.models import Assignment, Slot\n"
        "from evaltrack import clock\n"
        "from evaltrack.accounts.models import User\n"
        f"me, at = User.objects.get(username='{name}'), clock.now()\n"
        "slots = {slot.task_id: slot for slot in Slot.objects.filter(state='open')}\n"
        "for slot in slots.values():\n"
        "    Assignment.objects.create(slot=slot, campaign_id=slot.campaign_id, task_id=slot.task_id, evaluator=me,\n"
        "        state='skipped', claimed_at=at, shown_at=at, lease_expires_at=at, ended_at=at, skip_reason='x')\n",
    )
    page.get_by_role("button", name="Judge the next task").click()
    page.wait_for_timeout(500)
    seen(page, "nothing-left")

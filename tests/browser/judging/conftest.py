"""Each test is an evaluator of its own, so that none meets what another has left."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.judging.world import (
    ITEMS,
    RUBRIC,
    SET_UP,
    TAKE_DOWN,
    World,
    add_items,
    open_campaign,
)


@pytest.fixture(scope="package")
def world(demo, sessions) -> Iterator[World]:
    campaign = open_campaign(demo, overlap=10, hours=1)
    add_items(demo, campaign, ITEMS)
    made = World(demo, campaign, rich=open_campaign(demo, overlap=4, hours=3, rubric=RUBRIC))
    signed_in = json.loads(demo.manage("shell", "-c", SET_UP.format(names=made.names)).splitlines()[-1])
    for name, key in signed_in.items():
        sessions[name] = [
            {"name": "sessionid", "value": key, "url": demo.url, "httpOnly": True, "sameSite": "Lax"}
        ]
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

"""A running demo and a browser. The tests speak to it over HTTP alone, as people do."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from evaltrack import env
from tests.architecture.sources import ROOT

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
IMAGES = ROOT / "docs" / "images"
PATIENCE_S = 180
UNDO_S = 10


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)
            if not CHROMIUM:
                item.add_marker(pytest.mark.skip(reason="Chromium is not installed: apt install chromium"))


@dataclass
class Demo:
    """The demo, as `var/demo.json` describes it, and its own command line."""

    url: str
    token: str
    passwords: dict[str, str]
    environment: dict[str, str]
    experiments: dict[str, str] = field(default_factory=dict)

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def database_url(tmp_path_factory) -> Iterator[str]:
    """A database of its own on the server that this run tests."""
    url = env.text("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield f"sqlite:///{tmp_path_factory.mktemp('database') / 'demo.sqlite3'}"
        return
    name = f"demo_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        base, _, query = url.partition("?")
        yield f"{base.rpartition('/')[0]}/{name}?{query}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def demo(tmp_path_factory, database_url) -> Iterator[Demo]:
    var = tmp_path_factory.mktemp("var")
    environment = {
        **os.environ,
        "EVALTRACK_VAR": str(var),
        "DATABASE_URL": database_url,
        # Long enough to undo something, short enough to wait for the last judgment to count.
        "EVALTRACK_REVIEW_UNDO_SECONDS": str(UNDO_S),
    }
    log = (var / "demo.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "manage.py", "demo", "--port", str(free_port())],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        described = wait_until(lambda: read_json(var / "demo.json"), process, var / "demo.log")
        yield Demo(
            url=described["url"],
            token=described["token"],
            passwords={account["username"]: account["password"] for account in described["accounts"]},
            environment=environment,
        )
        assert process.poll() is None, (var / "demo.log").read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        log.close()


def read_json(path: Path) -> Any:
    return json.loads(path.read_text()) if path.exists() else None


def wait_until(look: Callable[[], Any], process: subprocess.Popen, log: Path) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        assert process.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError(f"the demo did not come up:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    arguments = ["--disable-gpu", "--disable-dev-shm-usage", "--font-render-hinting=none"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def sessions() -> dict[str, list]:
    """The cookies of those who have signed in: a password's check is made to be slow, and once is proof enough."""
    return {}


@pytest.fixture
def sign_in(browser: Browser, demo: Demo, sessions: dict[str, list]) -> Iterator[Callable[..., Page]]:
    """`sign_in("lead")` opens a window of that person's own; the form is filled in the first time.

    At the end of the test no window may have met a script error, a breach of the content policy, or a 5xx.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(username: str, **options: Any) -> Page:
        context = browser.new_context(
            base_url=demo.url,
            **{
                "viewport": {"width": 1440, "height": 900},
                "reduced_motion": "reduce",
                "timezone_id": "UTC",
                **options,
            },
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{username}: {error}"))
        page.on("console", lambda message: complain(message, username))
        page.on("response", lambda response: server_fault(response, username))
        if username in sessions:
            context.add_cookies(sessions[username])
            page.goto("/")
            assert "/login/" not in page.url
            return page
        page.goto("/login/")
        page.get_by_label("User name").fill(username)
        page.get_by_label("Password").fill(demo.passwords[username])
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda address: "/login/" not in address)
        sessions[username] = context.cookies()
        return page

    def complain(message: Any, username: str) -> None:
        # The browser reports every 4xx as an error, and that it is offline; where a test provokes these, it
        # asserts what follows.
        provoked = "status of 4" in message.text or "ERR_INTERNET_DISCONNECTED" in message.text
        if message.type == "error" and not provoked:
            complaints.append(f"{username}: {message.text}")

    def server_fault(response: Any, username: str) -> None:
        if response.status >= 500:
            complaints.append(f"{username}: {response.status} {response.url}")

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def picture(page: Page, name: str) -> None:
    """The manual's picture, where this run was asked to take it anew."""
    if os.environ.get("TAKE_PICTURES") == "1":
        IMAGES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=IMAGES / f"{name}.png", animations="disabled", caret="hide")


def call(demo, path: str, body: dict | None = None, key: str = "") -> Any:
    """An API call with the demo's token."""
    request = urllib.request.Request(
        f"{demo.url}/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {demo.token}", "Content-Type": "application/json"},
    )
    if key:
        request.add_header("Idempotency-Key", key)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def press_until(page: Page, key: str, done: Callable[[], bool]) -> None:
    """A page that is still loading has no keys yet, and a task that has just appeared ignores Enter for a moment:
    people see that nothing happened and press again, and so do we."""
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline, f"{key} did nothing"
        page.keyboard.press(key)
        page.wait_for_timeout(60)

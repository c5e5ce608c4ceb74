"""A headless Chromium, and pages that fail the test on a console error, a CSP report or a request elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, StorageState, expect, sync_playwright

from tests.browser.site import Site
from tests.browser.work import cookies_of
from tests.web.texts import WEB
from xrm_core.web import build

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--disable-sync",
]
Opening = Callable[..., Page]
HERE = Path(__file__).parent
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with a real browser and real time limits may try again when the machine was busy; the report counts it."""
    again = os.environ.get("XRM_TEST_RERUNS", "2")
    for item in items:
        if HERE in item.path.parents and again != "0":
            item.add_marker(pytest.mark.flaky(reruns=int(again), reruns_delay=1))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Per module: while it runs it holds the thread's event loop, which asynchronous tests elsewhere need."""
    build.build()
    program = os.environ.get("XRM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    node, npm = build.find_node()
    modules: Path = build.install(WEB, node, npm, development=True)
    return (modules / "axe-core/axe.min.js").read_text("utf-8")


@pytest.fixture
def opening(browser: Browser) -> Iterator[Opening]:
    """Opens a fresh page with the given context options; at the end nothing may have gone wrong in any of them."""
    wrong: list[str] = []
    contexts = []

    def new(*, broken: bool = False, **options: Any) -> Page:
        context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        if options.get("java_script_enabled", True):
            _ready(page)
        # With `broken` the test lets the server fail on purpose.
        page.on("console", lambda message: wrong.append(message.text) if _is_wrong(message, broken) else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if _elsewhere(request.url) else None)
        return page

    yield new
    found = list(wrong)
    for context in contexts:
        # Chromium never closes a context that is on its way to another page; without a network it goes nowhere.
        context.set_offline(True)
        context.close()
    # A refused move is told by its status, and a page animation that a quick second navigation cuts short by a
    # rejected promise of Chromium's own: neither is an error of ours.
    assert [text for text in found if "status of 4" not in text and "Transition was aborted" not in text] == []


@pytest.fixture(scope="module")
def session(browser: Browser, site: Site) -> StorageState:
    """The cookies of a signed-in administrator of the module's `site`."""
    return cookies_of(browser, site)


@pytest.fixture
def page(opening: Opening, session: StorageState) -> Page:
    """A page of that administrator."""
    return opening(storage_state=session)


def _is_wrong(message: ConsoleMessage, broken: bool) -> bool:
    failed = broken and ("status of 5" in message.text or "net::ERR" in message.text)
    return message.type in {"error", "warning"} and not failed


def _ready(page: Page) -> None:
    """Going to a page takes until its elements are at work: keys and drags before that would be lost."""
    go = page.goto

    def goto(url: str, **more: Any) -> Any:
        try:
            answer = go(url, **more)
        except Error as aborted:
            if "ERR_ABORTED" not in str(aborted):
                raise
            answer = go(url, **more)  # the page was on its way elsewhere by itself, as after an undo
        if answer is None or "BaseHTTP" in answer.headers.get("server", ""):
            return answer  # pages of the preview have no elements that ask a server
        with suppress(AssertionError):
            # A locator, not a function of the page: the Content-Security-Policy forbids evaluation there.
            expect(page.locator(":not(:defined, xrm-drawer)")).to_have_count(0, timeout=5_000)
        return answer

    page.goto = goto  # type: ignore[method-assign]


def _elsewhere(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "data:", "blob:"))

"""A headless Chromium, and pages that fail the test on a console error, a CSP report or a request elsewhere."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Playwright, StorageState, expect, sync_playwright

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
PATIENCE = 200
"""Seconds for one test with the making of its site, on a busy machine."""
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with a real browser and real time limits may try again when the machine was busy; the report counts it."""
    again = os.environ.get("XRM_TEST_RERUNS", "2")
    for item in items:
        if HERE in item.path.parents and again != "0":
            item.add_marker(pytest.mark.flaky(reruns=int(again), reruns_delay=1))


class Chromium:
    """Headless Chromium, started anew when it was ended."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._browser: Browser | None = None

    def browser(self) -> Browser:
        """One that runs."""
        if self._browser is None or not self._browser.is_connected():
            program = os.environ.get("XRM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
            self._browser = self._playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        return self._browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """Per module: while it runs it holds the thread's event loop, which asynchronous tests elsewhere need."""
    build.build()
    with sync_playwright() as playwright:
        found = Chromium(playwright)
        yield found
        found.browser().close()


@pytest.fixture(scope="module")
def browser(chromium: Chromium) -> Browser:
    """The browser of a module's tests."""
    return chromium.browser()


@pytest.fixture(autouse=True)
def no_endless_wait() -> Iterator[None]:
    """A browser that does not answer is ended: what waits for it fails, the next test has a new one."""
    timer = threading.Timer(PATIENCE, _end_chromium)
    timer.daemon = True
    timer.start()
    yield
    timer.cancel()


def _end_chromium() -> None:
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "chrom" in child.name():
                child.kill()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    node, npm = build.find_node()
    modules: Path = build.install(WEB, node, npm, development=True)
    return (modules / "axe-core/axe.min.js").read_text("utf-8")


@pytest.fixture
def opening(chromium: Chromium) -> Iterator[Opening]:
    """Opens a fresh page with the given context options; at the end nothing may have gone wrong in any of them."""
    wrong: list[str] = []
    contexts = []

    def new(*, broken: bool = False, **options: Any) -> Page:
        context = chromium.browser().new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
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
        with suppress(Error):
            context.set_offline(True)
            context.close()
    assert [text for text in found if not any(one in text for one in HARMLESS)] == []


@pytest.fixture(scope="module")
def session(browser: Browser, site: Site) -> StorageState:
    """The cookies of a signed-in administrator of the module's `site`."""
    return cookies_of(browser, site)


@pytest.fixture
def page(opening: Opening, session: StorageState) -> Page:
    """A page of that administrator."""
    return opening(storage_state=session)


HARMLESS = ("status of 4", "Transition was", "ERR_INTERNET_DISCONNECTED")
"""No errors of ours: a refused move, a page animation cut short by a second navigation, the network taken away on purpose."""


def _is_wrong(message: ConsoleMessage, broken: bool) -> bool:
    failed = broken and ("status of 5" in message.text or "net::ERR" in message.text)
    return message.type in {"error", "warning"} and not failed


def _ready(page: Page) -> None:
    """Going to a page takes until its elements are at work: keys and drags before that would be lost."""
    go = page.goto

    def goto(url: str, **more: Any) -> Any:
        try:
            answer = go(url, **more)
        except Error as stuck:
            if "ERR_ABORTED" not in str(stuck) and "Timeout" not in str(stuck):
                raise
            # The page was on its way elsewhere by itself, as after an undo; Chromium may then wait for ever.
            page.context.set_offline(True)
            page.context.set_offline(False)
            answer = go(url, **more)
        if answer is None or "BaseHTTP" in answer.headers.get("server", ""):
            return answer  # pages of the preview have no elements that ask a server
        with suppress(AssertionError):
            # A locator, not a function of the page: the Content-Security-Policy forbids evaluation there.
            expect(page.locator(":not(:defined, xrm-drawer)")).to_have_count(0, timeout=5_000)
        return answer

    page.goto = goto  # type: ignore[method-assign]


def _elsewhere(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "data:", "blob:"))

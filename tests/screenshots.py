"""`python -m tests.screenshots`: pictures of the product for the documents, made by working with a demo workspace in a browser."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

PLACE = Path(__file__).parents[1] / "docs" / "images"
DAY = "2026-03-17"
"""The pictures always show the same day."""
SIZE = {"width": 1440, "height": 900}
EVERY = Path(__file__).parents[1] / "screenshots"
"""Where the pictures of all pages go: to be looked at, not part of the documents."""
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": SIZE, "color_scheme": "light"},
    "dark": {"viewport": SIZE, "color_scheme": "dark"},
    "390": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "color_scheme": "light"},
}
_CHROMIUM = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb"]
_PATIENCE = 300


@contextmanager
def demo(installed: Path | None = None) -> Iterator[dict[str, Any]]:
    """A demo workspace on a free port, in a temporary place: its address, user and password; of these sources, or of a package."""
    with tempfile.TemporaryDirectory() as place:
        said = Path(place) / "said"
        command = [sys.executable, "-m", "xrm_core", "demo", "--port", "0", "--now", DAY, "--json"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
        if installed is not None:
            environment["PYTHONPATH"] = str(installed)
        with said.open("w") as out:
            process = subprocess.Popen(
                [*command, "--data-dir", f"{place}/data"], stdout=out, env=environment, cwd=installed
            )
        try:
            yield _announced(process, said)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _announced(process: subprocess.Popen[bytes], said: Path) -> dict[str, Any]:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            found: dict[str, Any] = json.loads(said.read_text())
        except ValueError:
            time.sleep(0.2)
        else:
            return found
    raise SystemExit("`xrm demo` did not start.")


def sign_in(page: Page, workspace: dict[str, Any]) -> None:
    """Through the form, as people do."""
    page.goto(workspace["address"])
    page.fill("input[name=email]", workspace["email"])
    page.fill("input[name=password]", workspace["password"])
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "/login" not in url)


def take(page: Page, address: str, name: str, place: Path | None = None) -> Path:
    """One picture of one page, when everything has come to rest."""
    page.goto(address, wait_until="networkidle")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(300)
    path = (place or PLACE) / f"{name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide")
    return path


def first_record(page: Page, address: str, module: str, filter: str) -> str:
    """The id of a record that shows much, asked with the rights of the browser's session."""
    found = page.request.get(f"{address}/api/v1/records/{module}", params={"filter": filter, "sort": "title", "limit": "1"})
    return str(found.json()["data"][0]["id"])


def pictures(browser: Browser, workspace: dict[str, Any]) -> None:
    """All pictures."""
    address = workspace["address"]
    page = browser.new_page(viewport=SIZE)
    sign_in(page, workspace)
    client = first_record(page, address, "clients", "open_jobs > 1 and placements_count > 1 and is_not_empty(lifetime_value)")
    wanted = {
        "today": f"{address}/today",
        "list": f"{address}/m/candidates",
        "board": f"{address}/m/job_orders?layout=board",
        "record": f"{address}/m/clients/{client}",
    }
    for name, where in wanted.items():
        print(f"Wrote {take(page, where, name)}")


def addresses(page: Page, address: str) -> dict[str, str]:
    """The address of every kind of page, with all layouts that the modules offer."""
    candidate = first_record(page, address, "candidates", "is_not_empty(email)")
    client = first_record(page, address, "clients", "open_jobs > 0")
    job = first_record(page, address, "job_orders", "true")
    found = {
        "today": "/today", "notifications": "/notifications", "settings": "/settings", "imports": "/imports",
        "search": "/search?q=engineer", "missing": "/m/nowhere", "list": "/m/candidates",
        "list-filtered-empty": "/m/candidates?q=nothing+like+this", "client": f"/m/clients/{client}",
        "candidate": f"/m/candidates/{candidate}", "job": f"/m/job_orders/{job}",
        "edit": f"/m/candidates/{candidate}/edit", "new": "/m/candidates/new",
        "drawer": f"/m/candidates?peek=candidates/{candidate}", "report": f"/m/clients/{client}/report",
        "grouped": "/m/candidates?group=status&sum=rating:avg", "design": "/design",
        "designer": "/design/placements?tab=fields&node=module/placements/fields/start_date", "packs": "/packs",
        "automations": "/automations", "merge": f"/m/candidates/merge?ids={candidate}",
    }  # fmt: skip
    for module in ("job_orders", "interviews", "placements"):
        page.goto(f"{address}/m/{module}")
        links = page.get_by_role("navigation", name="Layout").get_by_role("link")
        for n in range(links.count()):
            where = str(links.nth(n).get_attribute("href"))
            found[f"{module}-{where.rpartition('layout=')[2].partition('&')[0] or 'list'}"] = where
    return found


def every_page(browser: Browser, workspace: dict[str, Any]) -> None:
    """Each page light, dark and 390 px wide, and the layers that lie over pages."""
    address = workspace["address"]
    EVERY.mkdir(exist_ok=True)
    first = browser.new_context(viewport=SIZE)
    page = first.new_page()
    take(page, f"{address}/login", "login-light", EVERY)
    sign_in(page, workspace)
    pages, session = addresses(page, address), first.storage_state()
    first.close()
    for look, options in LOOKS.items():
        context = browser.new_context(storage_state=session, **options)
        page = context.new_page()
        for name, where in pages.items():
            print(f"Wrote {take(page, address + where, f'{name}-{look}', EVERY)}")
        if look != "390":
            page.goto(f"{address}/m/clients", wait_until="networkidle")
            for name, keys in (("palette", "Control+k"), ("help", "?"), ("create", "c")):
                page.keyboard.press(keys)
                page.wait_for_timeout(600)
                page.screenshot(path=EVERY / f"{name}-{look}.png", animations="disabled", caret="hide")
                page.keyboard.press("Escape")
        context.close()


def main() -> None:
    """Start a workspace, take the pictures, stop it."""
    PLACE.mkdir(parents=True, exist_ok=True)
    program = os.environ.get("XRM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with demo() as workspace, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_CHROMIUM)
        pictures(browser, workspace)
        every_page(browser, workspace)
        browser.close()


if __name__ == "__main__":
    main()

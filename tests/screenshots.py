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
_CHROMIUM = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb"]
_PATIENCE = 300


@contextmanager
def demo() -> Iterator[dict[str, Any]]:
    """A demo workspace on a free port, in a temporary place: its address, user and password."""
    with tempfile.TemporaryDirectory() as place:
        said = Path(place) / "said"
        command = [sys.executable, "-m", "xrm_core", "demo", "--port", "0", "--now", DAY, "--json"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("XRM_")}
        with said.open("w") as out:
            process = subprocess.Popen([*command, "--data-dir", f"{place}/data"], stdout=out, env=environment)
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


def take(page: Page, address: str, name: str) -> Path:
    """One picture of one page, when everything has come to rest."""
    page.goto(address, wait_until="networkidle")
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(300)
    path = PLACE / f"{name}.png"
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
        "list": f"{address}/m/candidates",
        "board": f"{address}/m/job_orders?layout=board",
        "record": f"{address}/m/clients/{client}",
    }
    for name, where in wanted.items():
        print(f"Wrote {take(page, where, name)}")


def main() -> None:
    """Start a workspace, take the pictures, stop it."""
    PLACE.mkdir(parents=True, exist_ok=True)
    program = os.environ.get("XRM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with demo() as workspace, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_CHROMIUM)
        pictures(browser, workspace)
        browser.close()


if __name__ == "__main__":
    main()

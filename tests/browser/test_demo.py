"""The package as people install it, with the demo workspace: what is in it, that it works without node, the five jobs of a new user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, StorageState, expect

from tests.browser.conftest import Opening
from tests.screenshots import demo, sign_in

ROOT = Path(__file__).parents[2]
KEPT = ("xrm_core", "module_packs", "schemas", "pyproject.toml", "README.md", "LICENSE")
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the sources alone and with nothing on the path: node comes as a package of the build."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    leave = shutil.ignore_patterns("dist", "node_modules", "__pycache__", ".*")
    for name in KEPT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=leave)
        else:
            shutil.copy(ROOT / name, source / name)
    environment = {**os.environ, "PATH": str(out)}
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def workspace(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The demo of the unpacked wheel, which is what installing one does."""
    place = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(place)
    with demo(place) as found:
        yield {**found, "address": found["address"].replace("localhost", "127.0.0.1")}


@pytest.fixture(scope="module")
def session(browser: Browser, workspace: dict[str, Any]) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(60_000)
    sign_in(page, workspace)
    found = context.storage_state()
    context.close()
    return found


@pytest.fixture
def page(opening: Opening, session: StorageState, workspace: dict[str, Any]) -> Page:
    found = opening(storage_state=session, base_url=workspace["address"])
    found.goto("/today")
    expect(found.locator("xrm-today:defined")).to_have_count(1)
    return found


def records(page: Page, module: str, **asked: str) -> list[dict[str, Any]]:
    answer = page.request.get(f"/api/v1/records/{module}", params=asked)
    assert answer.ok, answer.text()
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def record(page: Page, module: str, identity: str) -> dict[str, Any]:
    found: dict[str, Any] = page.request.get(f"/api/v1/records/{module}/{identity}").json()
    return found


class Hands:
    """What somebody does, counted: keys and clicks, not what is typed as content."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.count = 0

    def press(self, key: str) -> None:
        self.count += 1
        self.page.keyboard.press(key)

    def click(self, place: Locator) -> None:
        self.count += 1
        place.click()

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def find(self, text: str, hit: str | re.Pattern[str], *, mouse: bool) -> Locator:
        """Search for a record or a command in the palette: the wanted one must be the first."""
        if mouse:
            self.click(self.page.locator("a.jump"))
        else:
            self.press("Control+k")
        expect(self.page.get_by_role("combobox", name="Search or jump to…")).to_be_focused()
        self.type(text)
        first = self.page.locator("#palette").get_by_role("option").first
        if mouse:
            expect(first).not_to_contain_text("All results")
            expect(first).to_contain_text(hit)
            self.click(first)
        elif text.startswith("#"):
            expect(first).to_contain_text(hit)
            self.press("Enter")
        else:
            self.press("Enter")
        return self.page.locator("aside.drawer xrm-record:defined")


def counted(job: str) -> tuple[int, int]:
    """The numbers of keys and of clicks that the document tells."""
    text = (ROOT / "docs/explanation/ui.md").read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith(f"| {job}"))
    keys, clicks = [cell.strip() for cell in line.strip("|").split("|")][-2:]
    return int(keys), int(clicks)


def test_K3_the_wheel_and_the_tree_hold_nothing_of_others(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "xrm_core/web/static/dist/manifest.json" in names and "xrm_core/web/static/dist/LICENSES.txt" in names
    assert "xrm_core/web/templates/base.html.jinja" in names
    assert [
        name for name in names if "node_modules" in name or name.endswith((".map", ".ts")) or "/web/src/" in name
    ] == []
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    ours = listed or [str(path.relative_to(ROOT)) for path in (ROOT / "xrm_core").rglob("*")]
    foreign = re.compile(r"(^|/)(node_modules|vendor|third_party|dist)/|\.min\.(js|css)$|\.(woff2?|ttf|otf|whl|jar)$")
    built = "" if listed else "xrm_core/web/static/dist"
    assert [name for name in ours if foreign.search(name) and not (built and name.startswith(built))] == []


def test_K2_what_was_built_without_node_on_the_path_serves_palette_cells_and_boards(page: Page) -> None:
    # S1: the palette finds a record and shows it beside the page.
    someone = records(page, "candidates", limit="1", sort="title")[0]
    expect(Hands(page).find(someone["title"], someone["title"], mouse=False)).to_be_visible()
    assert "peek=" in page.url
    # L2: a cell is typed, stored once, and undone.
    page.goto("/m/candidates?sort=title")
    expect(page.locator("xrm-grid[data-ready]")).to_be_attached()
    heads = page.locator(".grid .head > *").all_inner_texts()
    at = next(n for n, head in enumerate(heads) if "job title" in head)
    cell = page.locator("#list-rows > .row").first.locator(".td").nth(at)
    before = cell.inner_text()
    cell.click()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.type("Lighthouse keeper")
    page.keyboard.press("Enter")
    expect(cell).to_have_text("Lighthouse keeper")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(cell).to_have_text(before)
    # B1: a card is dragged to the next stage.
    page.goto("/m/job_orders?layout=board")
    card = page.locator('.lane[data-stage="intake"] .card').first
    title = card.locator(".title").inner_text()
    start, goal = card.bounding_box(), page.locator('.lane[data-stage="sourcing"] h2').bounding_box()
    assert start and goal
    page.mouse.move(start["x"] + 30, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(goal["x"] + 10, goal["y"] + 60, steps=4)
    page.mouse.up()
    expect(page.locator(".toast")).to_contain_text(f"{title} moved to Sourcing")


@pytest.mark.parametrize("mouse", [False, True], ids=["keys", "mouse"])
def test_the_five_jobs_of_a_new_user_take_as_many_keys_and_clicks_as_the_document_says(page: Page, mouse: bool) -> None:
    def done(hands: Hands, job: str) -> None:
        assert hands.count == counted(job)[mouse], job

    # Log a call from a phone number.
    caller = records(page, "contacts", filter="is_not_empty(phone)", sort="-title", limit="1")[0]
    hands = Hands(page)
    drawer = hands.find(caller["phone"], caller["title"], mouse=mouse)
    expect(drawer).to_contain_text(caller["title"])
    if mouse:
        hands.click(drawer.locator('xrm-composer:defined [data-key="l"]'))
    else:
        hands.press("l")
    expect(drawer.locator("xrm-composer textarea:focus")).to_have_count(1)
    hands.type("Wants two more developers")
    if mouse:
        hands.click(drawer.locator("xrm-composer").get_by_role("button", name="Save"))
    else:
        hands.press("Control+Enter")
    expect(drawer.locator(".timeline")).to_contain_text("Wants two more developers")
    done(hands, "Log a call")

    # Submit three candidates to a job.
    job = records(page, "job_orders", filter="stage == 'sourcing'", limit="1")[0]
    taken = {one["candidate"]["id"] if isinstance(one["candidate"], dict) else one["candidate"] for one in records(page, "submissions", filter=f"job_order == '{job['id']}'", limit="200")}  # fmt: skip
    free = [one["title"] for one in records(page, "candidates", filter="status == 'active'", limit="40", sort="title") if one["id"] not in taken][:3]  # fmt: skip
    page.goto(f"/m/job_orders/{job['id']}")
    expect(page.locator("xrm-record:defined")).to_have_count(1)
    related = page.locator("[data-related=submissions]")
    hands = Hands(page)
    if mouse:
        hands.click(related.get_by_role("button", name=re.compile("Add Candidate$")))
    else:
        hands.find("submissions: add", "Submissions: Add Candidate", mouse=False)
    asked = page.get_by_role("dialog", name="Add Candidate")
    for title in free:
        expect(asked.get_by_role("combobox")).to_be_focused()
        hands.type(title)
        option = page.get_by_role("option", name=title).first
        expect(option).to_be_visible()
        if mouse:
            hands.click(option)
        else:
            expect(option).to_have_attribute("aria-selected", "true")
            hands.press("Enter")
        expect(asked.locator(".chip", has_text=title)).to_be_visible()
    if mouse:
        hands.click(asked.get_by_role("button", name="Add"))
    else:
        hands.press("Control+Enter")
    expect(page.locator(".toast")).to_contain_text("3 Submissions added")
    done(hands, "Submit three")

    # Move a placement to "Started".
    placement = records(
        page, "placements", filter="stage == 'pre_start'", limit="1", sort="-start_date" if mouse else "start_date"
    )[0]
    page.goto("/today")
    expect(page.locator("xrm-today:defined")).to_have_count(1)
    hands = Hands(page)
    drawer = hands.find(placement["title"], placement["title"], mouse=mouse)
    chosen = drawer.get_by_label("Stage", exact=True).and_(page.locator("select"))
    expect(chosen).to_have_value("pre_start")
    if mouse:
        # Beside a page the stages are a list to choose from: a click opens it, the second chooses.
        chosen.select_option("started")
        hands.count += 2
    else:
        hands.press("3")
    expect(chosen).to_have_value("started")
    expect(page.locator(".toast").last).to_contain_text("Started")
    assert record(page, "placements", placement["id"])["stage"] == "started"
    done(hands, "Move a placement")

    # Find everyone in Leeds with Python who is available within 30 days.
    soon = "earliest_start <= today() + days(30) and status in ['new', 'active', 'passive'] and availability_status not in ['not_looking', 'placed'] and has_any(skills, ['python'])"
    for one in records(page, "candidates", filter=soon, limit="2"):
        token = page.locator("meta[name=csrf-token]").get_attribute("content") or ""
        answer = page.request.patch(
            f"/api/v1/records/candidates/{one['id']}",
            data={"desired_locations": ["Leeds"]},
            headers={"X-CSRF-Token": token},
        )
        assert answer.ok, answer.text()
    hands = Hands(page)
    if mouse:
        hands.click(page.locator("nav.side").get_by_role("link", name="Candidates"))
        hands.click(page.get_by_role("link", name="Available within 30 days"))
    else:
        hands.find("#available", "Available within 30 days", mouse=False)
    page.wait_for_url("**/m/candidates?view=*")
    expect(page.locator("xrm-grid[data-ready]")).to_be_attached()
    if mouse:
        hands.click(page.get_by_role("button", name=re.compile("^Filter")))
    else:
        hands.press("f")
    for field, value, last in (("skills", "Python", False), ("desired loc", "Leeds", True)):
        expect(page.get_by_placeholder("Search…").last).to_be_focused()
        hands.type(field)
        option = page.locator("[role=option]:visible").first
        expect(option).to_contain_text(re.compile(field, re.I))
        if mouse:
            hands.click(option)
            hands.click(page.locator("[popover]:popover-open input:visible").last)
        else:
            hands.press("Enter")
            hands.press("Tab")
        hands.type(value)
        if last:
            break  # places are free texts: what stands there counts
        option = page.locator("[role=option]:visible", has_text=value).first
        expect(option).to_be_visible()
        if mouse:
            hands.click(option)
        else:
            hands.press("Enter")
        expect(page.locator(".chip", has_text=value).first).to_be_visible()
        hands.click(page.get_by_role("button", name="Condition", exact=True))
    expect(page.get_by_text("2 match", exact=True)).to_be_visible()
    if mouse:
        hands.click(page.get_by_role("button", name=re.compile("^Apply")))
    else:
        hands.press("Control+Enter")
    expect(page.locator("#list-foot")).to_contain_text("2 records")
    done(hands, "Find everyone")

    # See what a client owes.
    clients = [
        one for one in records(page, "clients", limit="200") if one["title"] not in job["title"] + placement["title"]
    ]
    owing = next(one for one in clients if float((one.get("outstanding") or {}).get("amount", 0)) > 0)
    page.goto("/today")
    expect(page.locator("xrm-today:defined")).to_have_count(1)
    hands = Hands(page)
    drawer = hands.find(owing["title"], owing["title"], mouse=mouse)
    expect(drawer.locator(".facts-line")).to_contain_text(re.compile(r"Outstanding\s*€[1-9]"))
    expect(drawer.locator("[data-panel]", has_text="Unpaid invoices").locator("li").first).to_be_visible()
    done(hands, "See what")

"""The pack gallery over the real engine: upload, install, upgrade over local changes, take back, uninstall."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import Site
from tests.browser.work import cookies_of
from tests.packs_life.family import library
from xrm_core.packs.archive import packed
from xrm_core.publishing import run_backfill
from xrm_core.storage.workspaces import list_workspaces

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
DUE = {
    "name": "long_loans", "label": {"en": "A loan that lasts", "de": "Eine lange Leihe"}, "now": "2026-03-02T09:00:00Z",
    "given": [{"module": "books", "key": "book", "values": {"name": "Atlas"}}],
    "steps": [{"do": "expect", "key": "book", "values": {"stage": "ordered"}}],
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("packs")).start()
    yield found
    found.stop()


def zipped(place: Path, files: dict[str, Any]) -> Path:
    """A zip file of these files."""
    path = place / "library.zip"
    path.write_bytes(packed({name: json.dumps(value).encode() for name, value in files.items()}))
    return path


def upload(page: Page, site: Site, path: Path) -> None:
    page.goto(site.url + "/packs")
    page.get_by_label("Zip file of a pack").set_input_files(path)
    page.get_by_role("button", name="Upload").click()


def work(site: Site) -> None:
    """Do what steps left to the worker."""
    assert site.process is not None and site._loop is not None
    units = site.process.units

    async def all_of_it() -> None:
        for workspace in await list_workspaces(units.database):
            await run_backfill(units, workspace)

    asyncio.run_coroutine_threadsafe(all_of_it(), site._loop).result(60)


def hash_of(site: Site) -> str:
    return str(site.api("GET", "/definitions/history", params={"limit": 1})["data"][0]["hash"])


def test_P1_what_the_preview_says_happens_choices_hold_and_taking_back_restores(
    page: Page, site: Site, tmp_path: Path
) -> None:
    first = library()
    first["scenarios/long_loans.json"] = DUE
    empty = hash_of(site)
    upload(page, site, zipped(tmp_path, first))
    expect(page.get_by_role("heading", name="Library")).to_be_visible()
    expect(page.get_by_text("A loan that lasts")).to_be_visible()
    page.get_by_role("link", name="Install", exact=True).click()
    expect(page.get_by_role("heading", name="Install Library 1.0.0")).to_be_visible()
    expect(page.get_by_role("list", name="What would happen")).to_contain_text("2 added")
    page.get_by_role("button", name="Install", exact=True).click()
    expect(page.get_by_text("library 1.0.0 is installed")).to_be_visible()
    work(site)
    # Local work: a label that the pack will change too, a field of one's own, and records.
    site.api("PATCH", "/modules/books/views/all", json={"label": "Our books"})
    site.api("POST", "/modules/books/fields", json={"name": "corner", "type": "text", "label": "Corner"})
    book = site.api("POST", "/records/books", json={"name": "Atlas", "pages": 900, "state": "used", "corner": "B2"})
    mine = hash_of(site)
    second = library("1.1.0")
    second["scenarios/long_loans.json"] = DUE
    upload(page, site, zipped(tmp_path, second))
    page.get_by_role("link", name="Upgrade to 1.1.0").click()
    expect(page.get_by_role("heading", name="Upgrade Library from 1.0.0 to 1.1.0")).to_be_visible()
    box = page.get_by_role("group", name="Book › View “Our books” › label")
    expect(box).to_contain_text("All books")
    expect(box).to_contain_text("Our books")
    expect(page.get_by_text("1 record go along").or_(page.get_by_text("1 record", exact=False)).first).to_be_visible()
    # Undecided it does not go on; the scenarios run over what would come of it.
    page.get_by_role("button", name="Try the scenarios on a copy").click()
    expect(page.get_by_role("status")).to_contain_text("passed", timeout=60_000)
    assert hash_of(site) == mine, "trying changes nothing"
    page.get_by_role("group", name="Book › View “Our books” › label").get_by_label("Keep mine", exact=True).check()
    page.get_by_role("button", name="Upgrade", exact=True).click()
    expect(page.get_by_text("library is now at 1.1.0")).to_be_visible()
    work(site)
    after = site.api("GET", f"/records/books/{book['id']}")
    assert (after["page_count"], after["state"], after["corner"]) == (900, "second_hand", "B2")
    views = {view["name"]: view["label"] for view in site.api("GET", "/modules/books")["views"]}
    assert views["all"] == {"en": "Our books"}, "what was chosen holds"
    expect(page.get_by_role("list").filter(has_text="Upgraded from 1.0.0 to 1.1.0")).to_be_visible()
    page.get_by_role("link", name="Take back the last step").click()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("The last step of library is taken back")).to_be_visible()
    work(site)
    assert hash_of(site) == mine
    back = site.api("GET", f"/records/books/{book['id']}")
    assert (back["pages"], back["state"], back["corner"]) == (900, "used", "B2")
    page.get_by_role("link", name="Uninstall").click()
    page.get_by_role("button", name="Uninstall").click()
    expect(page.get_by_text("library is uninstalled")).to_be_visible()
    assert "books" not in [one["name"] for one in site.api("GET", "/modules")["data"]]
    assert hash_of(site) == empty, "uninstalling leaves what was there before"
    page.get_by_role("link", name="Install again").click()
    page.get_by_role("button", name="Install again").click()
    expect(page.get_by_text("installed again").first).to_be_visible()
    work(site)
    assert site.api("GET", f"/records/books/{book['id']}")["corner"] == "B2", "its records waited for it"


def test_a_zip_that_is_none_is_refused_with_the_reason(page: Page, site: Site, tmp_path: Path) -> None:
    path = tmp_path / "library.zip"
    path.write_bytes(packed({"../outside.json": b"{}", "pack.json": b"{}"}))
    upload(page, site, path)
    expect(page.get_by_role("alert")).to_contain_text("outside the pack")
    files = library()
    files["pack.json"] = {**files["pack.json"], "name": "broken"}
    files["modules/books.json"] = {**files["modules/books.json"], "title": "{{ nobody }}"}
    upload(page, site, zipped(tmp_path, files))
    expect(page.get_by_role("alert")).to_contain_text("nobody")


def test_who_may_not_design_sees_no_packs(opening: Opening, browser: Browser, site: Site) -> None:
    page = opening(storage_state=cookies_of(browser, site, "viewer"))
    answer = page.goto(site.url + "/packs")
    assert answer is not None and answer.status == 403


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_gallery_is_accessible_and_fits_a_telephone(
    opening: Opening, session: StorageState, site: Site, axe: str, theme: str
) -> None:
    for width in (1280, 390):
        page = opening(storage_state=session, viewport={"width": width, "height": 840}, color_scheme=theme)
        for path in ("/packs", "/packs/recruiting", "/packs/library", "/packs/library/uninstall"):
            page.goto(site.url + path)
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            page.evaluate(axe)
            found = page.evaluate("tags => axe.run(document, { runOnly: tags })", TAGS)
            told = {(one["id"], node["target"][0]) for one in found["violations"] for node in one["nodes"]}
            assert told == set(), path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)


def test_the_gallery_is_reached_and_used_with_the_keyboard(page: Page, site: Site) -> None:
    page.goto(site.url + "/packs")
    card = page.get_by_role("link", name="Recruiting")
    card.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Modules and pipelines")).to_be_visible()
    install = page.get_by_role("link", name="Install", exact=True)
    install.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Install", timeout=30_000)
    group = page.locator("details.pack-group summary").first
    group.focus()
    was = group.evaluate("one => one.parentElement.open")
    page.keyboard.press("Enter")
    assert group.evaluate("one => one.parentElement.open") != was

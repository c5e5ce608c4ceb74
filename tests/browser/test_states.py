"""Pages with nothing on them, nothing found, something wrong, no right, no connection, a slow server: each names the next step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import Site
from tests.browser.work import cookies_of
from xrm_core.records import read

RAFTS: dict[str, Any] = {
    "name": "rafts", "label": "Raft", "label_plural": "Rafts", "icon": "box", "title": "{{ name }}", "order": 50,
    "description": "Rafts are tied to the north wall.",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True, "searchable": True},
        {"name": "on", "type": "date", "label": "On", "indexed": True},
        {"name": "price", "type": "money", "label": "Price", "currency": "EUR", "indexed": True},
    ],
    "pipelines": [{"name": "way", "label": "Stage", "field": "stage", "stages": [
        {"name": "tied", "label": "Tied", "category": "open"}, {"name": "free", "label": "Free", "category": "won"}]}],
}  # fmt: skip
"""Nothing is in it at first; made while the site runs."""


@pytest.fixture(scope="module", autouse=True)
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("states")).start()
    found.api("POST", "/modules", json=RAFTS)
    found.api(
        "POST", "/roles", json={"name": "landsman", "label": "Landsman", "modules": {"suppliers": {"see": "all"}}}
    )
    people = found.api("GET", "/users")["data"]
    viewer = next(one["id"] for one in people if one["name"] == "Viewer Desk")
    found.api("PATCH", f"/users/{viewer}", json={"roles": ["landsman"]})
    yield found
    found.stop()


def layouts(page: Page, site: Site) -> list[str]:
    """All layouts that the module offers, by its own links."""
    page.goto(site.url + "/m/rafts")
    links = page.get_by_role("navigation", name="Layout").get_by_role("link")
    found = [str(links.nth(n).get_attribute("href")) for n in range(links.count())]
    return found or ["/m/rafts"]


def test_Z1_empty_and_filtered_empty_differ_in_every_layout(page: Page, site: Site) -> None:
    for path in layouts(page, site):
        page.goto(site.url + path)
        main = page.locator("main")
        expect(main.get_by_role("link", name=re.compile("New Raft")).first).to_be_visible()
    page.goto(site.url + "/m/rafts")
    expect(page.locator("main")).to_contain_text("No Rafts yet")
    expect(page.locator("main")).to_contain_text("tied to the north wall")
    page.goto(site.url + "/m/rafts?q=nothing+has+this+name")
    expect(page.locator("main")).to_contain_text("Nothing matches")
    page.locator("#results").get_by_role("link", name="Clear all").click()
    page.wait_for_url("**/m/rafts")
    page.goto(site.url + "/search?q=zzzzzz")
    expect(page.locator("main")).to_contain_text("Nothing found")
    page.goto(site.url + "/notifications")
    expect(page.locator("main")).to_contain_text("Nothing yet")


def test_Z1_an_error_has_a_reference_and_a_way_to_try_again(
    opening: Opening, session: StorageState, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = opening(storage_state=session, broken=True)
    known = layouts(page, site)

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is on fire")

    with monkeypatch.context() as fault:
        fault.setattr(read, "find", broken)
        for path in ("/m/rafts", "/search?q=oak", *known[:1]):
            page.goto(site.url + path)
            expect(page.get_by_role("heading", name="Something went wrong")).to_be_visible()
            expect(page.locator("main code")).to_have_text(re.compile("[0-9a-f]{32}"))
            expect(page.locator("body")).not_to_contain_text("on fire")
            expect(page.get_by_role("navigation", name="Main")).to_be_visible()
        page.goto(site.url + "/m/rafts")
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("heading", name="Rafts", exact=True)).to_be_visible()


def test_Z1_no_permission_names_whom_to_ask_and_a_wrong_address_keeps_the_search(
    opening: Opening, browser: Browser, site: Site
) -> None:
    page = opening(storage_state=cookies_of(browser, site, "viewer"))
    for path in ("/m/suppliers/new", "/imports"):
        page.goto(site.url + path)
        expect(page.locator("main")).to_contain_text("Ask Admin Desk")
    expect(page.locator(".side > a.nav-item[href^='/m/']")).to_have_count(1)
    # What somebody may not even know of is not there.
    for path in (
        "/m/rafts",
        "/m/rafts?layout=board",
        "/m/nosuch",
        "/nowhere/at/all",
        "/m/suppliers/0197b000-0000-7000-8000-000000000001",
    ):
        page.goto(site.url + path)
        expect(page.get_by_role("heading", name="This page does not exist")).to_be_visible()
        expect(page.get_by_role("navigation", name="Main")).to_be_visible()
        expect(page.locator("main")).not_to_contain_text("mean 'rafts'")
    page.locator("main").get_by_role("searchbox").fill("oak")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Oak Lane Printing")


def test_Z1_without_a_connection_what_was_typed_stays(opening: Opening, session: StorageState, site: Site) -> None:
    page = opening(storage_state=session, broken=True)
    page.goto(site.url + "/m/suppliers")
    expect(page.locator("#list-rows > .row").first).to_be_visible()
    page.context.set_offline(True)
    box = page.locator("input[name=q]")
    box.fill("oak")
    expect(page.locator("#offline")).to_be_visible()
    expect(box).to_have_value("oak")
    expect(page.locator("#list-rows > .row").first).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#offline")).to_be_hidden(timeout=15_000)


def test_Z2_a_slow_answer_shows_rows_to_come_without_moving_anything(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/suppliers")
    page.evaluate(
        """() => { window.shifted = 0; new PerformanceObserver((list) => {
            for (const one of list.getEntries()) window.shifted += one.value; }).observe({type: 'layout-shift', buffered: false}); }"""
    )
    held: list[Route] = []
    page.route("**/m/suppliers?*", lambda route: held.append(route))
    box = page.locator("input[name=q]")
    box.fill("a")
    results = page.locator("#results")
    expect(results).to_have_class(re.compile("loading"))
    height = page.locator("#list-rows > .row").first.bounding_box()
    assert height is not None and height["height"] >= 28
    assert held
    held[-1].continue_()
    expect(results).not_to_have_class(re.compile("loading"))
    # What is typed causes no shift that the browser holds against the page.
    assert page.evaluate("window.shifted") <= 0.02

"""The calendar in a real browser: drag, keyboard and form, weeks with hours, records without a date, time zone, undo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import Site
from tests.browser.test_workspace import TAGS

VISITS: dict[str, Any] = {
    "name": "visits", "label": "Visit", "label_plural": "Visits", "title": "{{ what }}", "order": 70,
    "fields": [
        {"name": "what", "type": "text", "label": "What"},
        {"name": "starts", "type": "datetime", "label": "Starts"},
        {"name": "ends", "type": "datetime", "label": "Ends"},
        {"name": "agreed", "type": "date", "label": "Agreed on"},
        {"name": "kind", "type": "select", "label": "Kind", "options": [{"name": "a", "label": "A", "hue": "teal"}, {"name": "b", "label": "B", "hue": "pink"}]},
    ],
    "views": [{"name": "diary", "label": "Diary", "layout": "calendar", "date_field": "starts", "end_field": "ends"}],
}  # fmt: skip
ROWS: list[dict[str, Any]] = [
    {"what": "Before summer time", "starts": "2026-03-27T09:00:00Z", "ends": "2026-03-27T10:30:00Z", "kind": "a"},
    {"what": "<b>Tour</b>", "starts": "2026-04-01T07:00:00Z", "ends": "2026-04-01T08:00:00Z", "kind": "b"},
    *({"what": f"Full {n}", "starts": f"2026-03-17T{8 + n:02}:00:00Z"} for n in range(6)),
    {"what": "Waiting"},
]


@pytest.fixture(scope="module")
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("calendar")).start()
    found.api("POST", "/modules", json=VISITS)
    found.api("POST", "/records/visits/batch", json={"create": ROWS})
    yield found
    found.stop()


def visit(site: Site, what: str) -> dict[str, Any]:
    found: dict[str, Any] = site.api("GET", "/records/visits", params={"filter": f"what == '{what}'"})["data"][0]
    return found


def event(page: Page, what: str) -> Locator:
    return page.locator(".ev", has_text=what).first


def drag(page: Page, item: Locator, goal: Locator, down: float = 0.5) -> None:
    item.scroll_into_view_if_needed()
    start, end = item.bounding_box(), goal.bounding_box()
    assert start and end
    grip = min(8, start["height"] / 2)
    page.mouse.move(start["x"] + 20, start["y"] + grip)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(
            start["x"] + 20 + (end["x"] + end["width"] / 2 - start["x"] - 20) * step / 8,
            start["y"] + grip + (end["y"] + end["height"] * down - start["y"] - grip) * step / 8,
        )
    page.mouse.up()


def test_C1_an_event_is_dragged_to_another_day_and_back_by_undo(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/visits?on=2026-03-01")
    expect(page.locator('.day[data-day="2026-03-31"]')).to_have_class(re.compile("now"))
    expect(event(page, "Before summer time")).to_contain_text("10:00")
    drag(page, event(page, "Before summer time"), page.locator('.day[data-day="2026-03-30"]'))
    expect(page.locator(".toast")).to_contain_text("moved to Mar 30, 2026, 10:00")
    expect(page.locator('.day[data-day="2026-03-30"] .ev', has_text="Before summer time")).to_be_visible()
    stored = visit(site, "Before summer time")
    # Ten o'clock stays ten o'clock over the change to summer time, and the length is the same.
    assert stored["starts"].startswith("2026-03-30T08:00") and stored["ends"].startswith("2026-03-30T09:30")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator('.day[data-day="2026-03-27"] .ev', has_text="Before summer time")).to_be_visible()
    assert visit(site, "Before summer time")["starts"].startswith("2026-03-27T09:00")


def test_C1_the_same_by_keyboard_and_by_the_form(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/visits?on=2026-04-01")
    page.locator("xrm-calendar:defined").wait_for(state="attached")
    event(page, "<b>Tour</b>").locator("a").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#live")).to_contain_text("April 9")
    page.keyboard.press("Space")
    expect(page.locator('.day[data-day="2026-04-09"] .ev')).to_contain_text("<b>Tour</b>")
    expect(page.locator('.day[data-day="2026-04-09"] .ev a')).to_be_focused()
    assert visit(site, "<b>Tour</b>")["starts"].startswith("2026-04-09T07:00")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    expect(page.locator('.day[data-day="2026-04-09"] .ev')).to_contain_text("<b>Tour</b>")
    page.keyboard.press("m")
    page.get_by_label("Day and time").fill("2026-04-01T09:00")
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    expect(page.locator('.day[data-day="2026-04-01"] .ev')).to_contain_text("<b>Tour</b>")
    assert visit(site, "<b>Tour</b>")["starts"].startswith("2026-04-01T07:00")


def test_a_week_has_hours_and_events_are_made_longer(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/visits?on=2026-04-01&span=week")
    slot = page.locator('.slot[data-day="2026-04-01"][data-hour="9"]')
    expect(slot.locator(".ev")).to_contain_text("<b>Tour</b>")
    page.locator("xrm-calendar:defined").wait_for(state="attached")
    drag(page, slot.locator(".grip"), page.locator('.slot[data-day="2026-04-01"][data-hour="11"]'), 0.02)
    expect(page.locator(".toast")).to_be_visible()
    assert visit(site, "<b>Tour</b>")["ends"].startswith("2026-04-01T09:00")
    slot.locator(".ev a").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Space")
    expect(slot.locator(".ev .time")).to_have_text("09:00–10:00")
    assert visit(site, "<b>Tour</b>")["ends"].startswith("2026-04-01T08:00")
    drag(page, slot.locator(".ev a"), page.locator('.slot[data-day="2026-04-03"][data-hour="10"]'), 0.3)
    expect(page.locator('.slot[data-day="2026-04-03"][data-hour="10"] .ev')).to_be_visible()
    assert visit(site, "<b>Tour</b>")["starts"].startswith("2026-04-03T08:15")
    page.get_by_role("button", name="Undo").last.click()
    expect(slot.locator(".ev")).to_be_visible()


def test_more_than_fits_and_what_waits(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/visits?on=2026-03-01")
    day = page.locator('.day[data-day="2026-03-17"]')
    expect(day.locator("> .ev")).to_have_count(3)
    day.get_by_role("button", name="+3 more").click()
    expect(page.locator("#more-2026-03-17 .ev")).to_have_count(3)
    page.keyboard.press("Escape")
    tray = page.locator(".tray")
    expect(tray).to_contain_text("Without a date 1")
    page.locator("xrm-calendar:defined").wait_for(state="attached")
    drag(page, tray.locator(".ev"), page.locator('.day[data-day="2026-03-12"]'))
    expect(page.locator('.day[data-day="2026-03-12"] .ev')).to_contain_text("09:00")
    assert visit(site, "Waiting")["starts"].startswith("2026-03-12T08:00")
    drag(page, page.locator('.day[data-day="2026-03-12"] .ev'), tray)
    expect(tray.locator(".ev")).to_have_count(1)
    assert "starts" not in visit(site, "Waiting")


def test_L7_keys_walk_and_layouts_keep_the_filter(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/visits?layout=list&filter=kind == 'a'")
    layouts = page.get_by_role("navigation", name="Layout")
    layouts.get_by_role("link", name="Board").click()
    page.wait_for_url(re.compile("layout=board"))
    expect(page.locator(".fchip")).to_have_count(1)
    layouts.get_by_role("link", name="Calendar").click()
    page.wait_for_url(re.compile("layout=calendar"))
    expect(page.locator(".fchip")).to_have_count(1)
    expect(page.locator("xrm-calendar .ev")).to_have_count(1)
    page.keyboard.press("j")
    page.wait_for_url(re.compile("on=2026-04-01"))
    expect(page.locator(".cal-bar h2")).to_have_text("April 2026")
    page.keyboard.press("k")
    page.wait_for_url(re.compile("on=2026-03-01"))
    page.keyboard.press("t")
    page.wait_for_url(lambda url: "on=" not in url)
    page.get_by_role("link", name="Agenda").click()
    expect(page.locator(".agenda section")).to_have_count(1)
    layouts.get_by_role("link", name="List").click()
    page.wait_for_url(re.compile("layout=list"))
    expect(page.locator(".fchip")).to_have_count(1)
    expect(page.locator("#list-rows > .row")).to_have_count(1)


def test_any_date_will_do_and_a_stale_version_is_refused(page: Page, site: Site) -> None:
    order = site.api("GET", "/records/orders", params={"filter": "due == '2026-04-13'", "limit": 1})["data"][0]
    page.goto(f"{site.url}/m/orders?layout=calendar&on=2026-04-01&q={order['title']}")
    page.locator("xrm-calendar:defined").wait_for(state="attached")
    site.api("PATCH", f"/records/orders/{order['id']}", json={"pieces": 7})
    page.locator(".ev a").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.locator(".toast")).to_contain_text("meanwhile")
    assert site.api("GET", f"/records/orders/{order['id']}")["due"] == "2026-04-13"
    page.locator(".ev a").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.locator(".toast").last).to_contain_text("Apr 14, 2026")
    assert site.api("GET", f"/records/orders/{order['id']}")["due"] == "2026-04-14"


@pytest.mark.parametrize("look", ["light", "dark", "phone", "week", "german"])
def test_A1_calendars_are_accessible(opening: Opening, session: StorageState, site: Site, axe: str, look: str) -> None:
    more: dict[str, Any] = (
        {"viewport": {"width": 390, "height": 844}, "has_touch": True}
        if look == "phone"
        else {"color_scheme": "dark" if look == "dark" else "light"}
    )
    page = opening(storage_state=session, bypass_csp=True, locale="de-DE" if look == "german" else "en-US", **more)
    page.goto(site.url + "/m/visits?on=2026-03-01" + ("&span=week" if look == "week" else ""))
    if look == "german":
        expect(page.locator(".cal-bar h2")).to_have_text("März 2026")
        expect(page.locator(".tray")).to_contain_text("Ohne Datum")
    page.evaluate(axe)
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

"""Today and notifications over the real engine: worked off by keys, undone, empty; told at once; read."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opening
from tests.browser.site import Site
from tests.browser.work import make_work, sign_in


@pytest.fixture(scope="module", autouse=True)
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("today")).start()
    make_work(found)
    yield found
    found.stop()


def errand(site: Site, what: str) -> dict[str, object]:
    found = site.api("GET", "/records/errands", params={"filter": f"what == '{what}'"})["data"]
    first: dict[str, object] = found[0]
    return first


def test_today_is_where_one_starts_and_is_worked_off_by_keys(opening: Opening, site: Site) -> None:
    page = sign_in(opening(), site)
    page.wait_for_url("**/today")
    expect(page.locator("main h1")).to_contain_text("Today")
    headings = page.locator(".work h2")
    expect(headings).to_have_count(3)
    for at, label in enumerate(("Errands", "Visits", "Without a place")):
        expect(headings.nth(at)).to_contain_text(label)
    first = page.locator(".task .name").first
    expect(first).to_be_focused()
    expect(first).to_have_text("Return the keys")
    expect(page.locator(".task .when.late").first).to_contain_text("Mar 28")
    # E: done; the focus goes on; Undo brings it back, in the database too.
    page.keyboard.press("e")
    expect(page.locator(".toast")).to_contain_text("Return the keys is done")
    expect(page.locator(".task .name").first).to_be_focused()
    expect(page.locator(".task .name").first).to_have_text("Sign the lease")
    assert errand(site, "Return the keys")["state"] == "done"
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".task .name").first).to_have_text("Return the keys")
    assert errand(site, "Return the keys")["state"] == "open"
    # It can be done again with what the server knows by now.
    page.keyboard.press("e")
    expect(page.locator(".task .name").first).to_have_text("Sign the lease")
    page.keyboard.press("Control+z")
    expect(page.locator(".task .name").first).to_have_text("Return the keys")
    # S: tomorrow, Shift+S: in a week; J and K walk over all lists, Enter opens.
    page.locator(".task .name").first.focus()
    page.keyboard.press("j")
    page.keyboard.press("s")
    expect(page.locator(".toast").last).to_contain_text("Sign the lease is put off until tomorrow")
    assert errand(site, "Sign the lease")["due"] == "2026-04-01"
    expect(page.locator(".task .name", has_text="Order paper")).to_be_focused()
    page.keyboard.press("Shift+S")
    expect(page.locator(".toast").last).to_contain_text("Order paper is put off for a week")
    assert errand(site, "Order paper")["due"] == "2026-04-07"
    page.locator(".task .name", has_text="Harbour master").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/m/visits/"))
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/today")


def test_what_only_asks_for_attention_is_hidden_until_tomorrow(page: Page, site: Site) -> None:
    page.goto(site.url + "/today")
    stamps = page.locator(".task .name", has_text="Buy stamps")
    stamps.focus()
    page.keyboard.press("s")
    expect(page.locator(".toast")).to_contain_text("hidden until tomorrow")
    expect(stamps).to_have_count(0)
    page.reload()
    expect(page.locator(".task .name").first).to_be_visible()
    expect(stamps).to_have_count(0)
    assert errand(site, "Buy stamps")["state"] == "open"


def test_someone_with_nothing_to_do_is_told_what_is_next(opening: Opening, site: Site) -> None:
    page = sign_in(opening(), site, "viewer")
    site.api("PATCH", "/modules/errands", json={"views": [{"name": "all", "label": "All errands", "default": True}]})
    before = site.api("GET", "/records/visits")["data"][0]
    site.api("DELETE", f"/records/visits/{before['id']}")
    page.goto(site.url + "/today")
    expect(page.get_by_role("heading", name="Nothing is due")).to_be_visible()
    page.get_by_role("link", name="Look at Suppliers").click()
    page.wait_for_url("**/m/suppliers")


def test_a_notification_comes_at_once_and_is_read(opening: Opening, site: Site) -> None:
    page = sign_in(opening(), site, "member")
    member = site.api("GET", "/users")["data"]
    identity = next(one["id"] for one in member if one["name"] == "Member Desk")
    expect(page.locator("html[data-live=on]")).to_be_attached()
    site.api("POST", "/records/errands", json={"what": "Water the plants", "due": "2026-04-02", "owner": identity})
    badge = page.locator(".side .bell .badge")
    expect(badge).to_contain_text("1")
    expect(page.locator(".toast")).to_contain_text("Water the plants")
    page.keyboard.press("b")
    popover = page.locator("#notices")
    expect(popover).to_contain_text("Water the plants")
    popover.get_by_role("button", name="Mark all as read").click()
    expect(popover).to_contain_text("0 unread")
    expect(badge).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator(".side .bell")).to_be_focused()
    page.goto(site.url + "/notifications")
    page.locator("main").get_by_role("link", name=re.compile("Water the plants")).click()
    page.wait_for_url(re.compile("/m/errands/"))


def test_a_page_says_that_others_have_changed_its_rows(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/visits")
    expect(page.locator("html[data-live=on]")).to_be_attached()
    page.evaluate(
        """document.addEventListener('xrm:rows', (event) => {
            document.documentElement.dataset.told = JSON.stringify(event.detail); })"""
    )
    # The administrator's token is the same person, so somebody else has to write.
    other = site.api("POST", "/tokens", json={"name": "other", "user": next(
        one["id"] for one in site.api("GET", "/users")["data"] if one["name"] == "Member Desk"
    )})  # fmt: skip
    site.api(
        "POST", "/records/visits", json={"whom": "Lock keeper", "starts": "2026-04-02T12:00:00Z"},
        headers={"Authorization": f"Bearer {other['token']}"},
    )  # fmt: skip
    expect(page.locator("html")).to_have_attribute("data-told", '{"visits":1}', timeout=15_000)

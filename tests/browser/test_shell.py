"""Palette, shortcuts, favourites, settings, and a session that ends or goes over: the frame around every page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import PASSWORD, Site
from tests.browser.work import make_work, sign_in


@pytest.fixture(scope="module", autouse=True)
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("shell")).start()
    make_work(found)
    yield found
    found.stop()


def test_S1_the_palette_finds_records_and_gives_the_focus_back(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/errands")
    page.wait_for_selector("html[data-live=on]")
    page.locator("a.nav-item[href='/m/suppliers']").focus()
    page.evaluate(
        """() => { addEventListener('keydown', (event) => { if (event.key === 'k') window.began = performance.now(); }, true);
        new MutationObserver(() => { window.took ??= performance.now() - window.began; })
            .observe(document.getElementById('palette'), {attributes: true, attributeFilter: ['open']}); }"""
    )
    page.keyboard.press("Control+k")
    box = page.get_by_role("combobox", name="Search or jump to…")
    expect(box).to_be_focused()
    assert page.evaluate("window.took") <= 100
    page.keyboard.type("oak")
    expect(page.get_by_role("option", name=re.compile("Oak Lane Printing"))).to_be_visible()
    expect(page.get_by_role("option").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator("a.nav-item[href='/m/suppliers']")).to_be_focused()
    # Enter looks at it beside the page, which the address tells; Escape gives the focus back again.
    page.keyboard.press("Control+k")
    page.keyboard.type("oak lane")
    expect(page.get_by_role("option").first).to_contain_text("Oak Lane Printing")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/m/errands\?.*peek="))
    expect(page.locator("aside.drawer")).to_contain_text("Oak Lane Printing")
    page.keyboard.press("Escape")
    expect(page.locator("aside.drawer")).to_have_count(0)
    expect(page.locator("a.nav-item[href='/m/suppliers']")).to_be_focused()
    # The page of the record with Ctrl+Enter; afterwards it is what one looked at last, there at once.
    page.keyboard.press("Control+k")
    page.keyboard.type("oak lane")
    expect(page.get_by_role("option").first).to_contain_text("Oak Lane Printing")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("/m/suppliers/[0-9a-f-]{36}$"))
    page.goto(site.url + "/m/errands")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("option").first).to_contain_text("Oak Lane Printing")
    # Tab: what can be done with it; Escape goes back one layer only.
    page.keyboard.press("Tab")
    expect(page.get_by_role("option", name="Copy the link")).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()


def test_the_palette_has_commands_people_and_views(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/orders")
    for typed, wanted in (
        ("#rush", "Rush"),
        ("@member", "Member Desk"),
        (">fold", "Fold the navigation"),
        ("errands", "Errands"),
    ):
        page.keyboard.press("Control+k")
        page.keyboard.type(typed)
        expect(page.locator("#palette [role=option]", has_text=wanted).first).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#palette")).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type(">dark")
    expect(page.get_by_role("option").first).to_contain_text("Dark")
    page.keyboard.press("Enter")
    expect(page.locator("html[data-theme=dark]")).to_be_attached()
    page.keyboard.press("Control+k")
    page.keyboard.type("#rush")
    expect(page.get_by_role("option").first).to_contain_text("Rush")
    page.keyboard.press("Enter")
    page.wait_for_url("**/m/orders?view=rushed")


def test_S2_a_module_made_a_moment_ago_has_its_key(page: Page, site: Site) -> None:
    site.api("POST", "/modules", json={
        "name": "boats", "label": "Boat", "label_plural": "Boats", "icon": "box", "title": "{{ name }}", "shortcut": "b",
        "fields": [{"name": "name", "type": "text", "label": "Name", "required": True, "searchable": True}],
    })  # fmt: skip
    site.api("POST", "/records/boats", json={"name": "Heron"})
    page.goto(site.url + "/m/suppliers")
    page.keyboard.press("g")
    page.keyboard.press("b")
    page.wait_for_url("**/m/boats")
    page.keyboard.press("Control+k")
    page.keyboard.type("heron")
    expect(page.get_by_role("option").first).to_contain_text("Heron")


def test_S3_keys_typed_into_a_field_go_nowhere(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/suppliers")
    page.locator("input[name=q]").focus()
    page.keyboard.type("gbgd")
    expect(page.locator("input[name=q]")).to_have_value("gbgd")
    assert "/m/suppliers" in page.url


def test_S5_after_a_click_on_the_background_c_still_creates(page: Page, site: Site) -> None:
    page.goto(site.url + "/notifications")
    page.goto(site.url + "/m/boats")
    page.mouse.click(900, 600)
    page.keyboard.press("c")
    expect(page.get_by_role("textbox", name="Name")).to_be_visible()


def test_favourites_are_kept_ordered_and_taken_away(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/orders?view=rushed")
    page.keyboard.press("Alt+f")
    links = page.locator("#favourites a")
    expect(links).to_have_count(1)
    page.goto(site.url + "/m/visits")
    expect(links.first).to_have_text("Rush")
    page.keyboard.press("Alt+f")
    expect(links).to_have_count(2)
    links.nth(1).press("Alt+ArrowUp")
    expect(links.first).to_contain_text("Visits")
    expect(links.first).to_be_focused()
    page.wait_for_load_state()
    expect(page.locator("#live")).to_contain_text("1 of 2")
    page.reload()
    expect(links.first).to_contain_text("Visits")
    links.nth(1).click()
    page.wait_for_url("**/m/orders?view=rushed")
    page.keyboard.press("Alt+f")
    expect(links).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(links).to_have_count(2)


def test_the_navigation_folds_and_stays_folded(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/boats")
    page.keyboard.press("[")
    expect(page.locator("html[data-nav=narrow]")).to_be_attached()
    page.goto(site.url + "/today")
    assert page.evaluate("document.querySelector('.side').offsetWidth") == 52
    page.keyboard.press("[")
    assert page.evaluate("document.querySelector('.side').offsetWidth") == 220


def test_S4_a_key_can_be_given_to_something_else_or_turned_off(page: Page, site: Site) -> None:
    page.goto(site.url + "/settings")
    page.get_by_label("This help").fill("h")
    page.get_by_label("Create", exact=True).fill("")
    page.get_by_role("button", name="Save settings").click()
    expect(page.locator(".toast")).to_contain_text("kept")
    page.goto(site.url + "/m/boats")
    page.keyboard.press("c")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_hidden()
    page.keyboard.press("h")
    expect(page.locator("#help")).to_be_visible()
    expect(page.locator("#help [data-shortcut=help] kbd")).to_have_text("H")
    page.keyboard.press("Escape")
    assert page.url.endswith("/m/boats")
    # One key for two things is refused, and what was chosen is still in the form.
    page.goto(site.url + "/settings")
    page.get_by_label("Next row or card").fill("k")
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_role("alert")).to_contain_text("K cannot do two things")
    expect(page.get_by_label("Next row or card")).to_have_value("k")
    # All single letters off; combinations still work.
    page.get_by_label("Next row or card").fill("j")
    page.get_by_label("Single letters are shortcuts").uncheck()
    page.get_by_role("button", name="Save settings").click()
    expect(page.locator(".toast")).to_contain_text("kept")
    page.goto(site.url + "/m/boats")
    page.keyboard.press("h")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    expect(page.locator("#help")).to_be_hidden()
    assert page.url.endswith("/m/boats")
    page.keyboard.press("Escape")
    page.goto(site.url + "/settings")
    page.get_by_label("Single letters are shortcuts").check()
    page.get_by_label("This help").fill("?")
    page.get_by_label("Create", exact=True).fill("c")
    page.get_by_role("button", name="Save settings").click()
    expect(page.locator(".toast")).to_contain_text("kept")


def test_language_formats_and_time_zone_are_ones_own(opening: Opening, site: Site) -> None:
    page = sign_in(opening(), site, "member")
    page.goto(site.url + "/settings")
    page.get_by_label("Language").select_option("de")
    page.get_by_label("Dates", exact=True).select_option("iso")
    page.get_by_label("Numbers", exact=True).select_option("point")
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Save settings").click()
    expect(page.locator("main h1")).to_contain_text("Einstellungen")
    page.goto(site.url + "/m/orders")
    row = page.locator("#list-rows > .row").first
    expect(row).to_contain_text("1,000")
    expect(row).to_contain_text("2026-04-01")


def test_undo_and_redo_by_keys_reach_over_pages(page: Page, site: Site) -> None:
    boat = site.api("POST", "/records/boats", json={"name": "Gull"})
    page.goto(site.url + "/m/boats")
    page.evaluate(
        """async (id) => { const csrf = document.querySelector('meta[name=csrf-token]').content;
        const answer = await fetch(`/api/v1/records/boats/${id}`, {method: 'PATCH', body: '{"name": "Tern"}',
            headers: {'Content-Type': 'application/json', 'X-CSRF-Token': csrf}});
        sessionStorage.setItem('xrm:changes', JSON.stringify([answer.headers.get('x-change-id')])); }""",
        boat["id"],
    )
    page.goto(site.url + "/m/suppliers")
    with page.expect_response("**/undo"):
        page.keyboard.press("Control+z")
    page.wait_for_load_state()
    assert site.api("GET", f"/records/boats/{boat['id']}")["name"] == "Gull"
    page.goto(site.url + "/m/suppliers")
    with page.expect_response("**/redo"):
        page.keyboard.press("Control+Shift+z")
    assert site.api("GET", f"/records/boats/{boat['id']}")["name"] == "Tern"


def test_X4_back_after_signing_out_shows_no_data(opening: Opening, site: Site) -> None:
    page = sign_in(opening(), site)
    page.goto(site.url + "/m/suppliers")
    expect(page.locator("main")).to_contain_text("Harbour Freight")
    page.locator(".me").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    page.evaluate("history.back()")
    page.wait_for_url("**/login**")
    expect(page.get_by_label("E-mail")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("Harbour Freight")


def test_X5_a_session_that_ends_while_one_works_loses_nothing(opening: Opening, site: Site) -> None:
    page = sign_in(opening(), site)
    page.goto(site.url + "/today")
    name = page.locator(".task .name", has_text="Order paper")
    name.focus()
    page.context.clear_cookies()
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog).to_contain_text("What you typed is still here")
    expect(dialog.get_by_label("E-mail")).to_have_value("admin@example.com")
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("not right")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator(".toast")).to_contain_text("Order paper is done")
    found = site.api("GET", "/records/errands", params={"filter": "what == 'Order paper'"})["data"][0]
    assert found["state"] == "done"
    # The page goes on with the new session.
    page.get_by_role("button", name="Undo").click()
    expect(name).to_be_visible()


def test_without_a_connection_the_page_says_so_until_it_is_back(
    opening: Opening, session: StorageState, site: Site
) -> None:
    page = opening(storage_state=session, broken=True)
    page.goto(site.url + "/today")
    down = True

    def answer(route: Route) -> None:
        route.abort() if down else route.continue_()

    page.route("**/api/v1/records/**", answer)
    page.route("**/health/live", answer)
    name = page.locator(".task .name", has_text="Order paper")
    name.focus()
    page.keyboard.press("s")
    bar = page.locator("#offline")
    expect(bar).to_contain_text("No connection")
    expect(name).to_be_visible()
    down = False
    bar.get_by_role("button", name="Try again").click()
    expect(bar).to_be_hidden()

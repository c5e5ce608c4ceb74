"""The pages over the real engine: sign in, list, filter, board, record, forms, search, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import PASSWORD, Site

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module", autouse=True)
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("site")).start()
    yield found
    found.stop()


def sign_in(page: Page, site: Site, who: str = "admin") -> Page:
    page.goto(site.url + "/login")
    page.get_by_label("E-mail").fill(f"{who}@example.com")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def first_order(site: Site, **wanted: str) -> dict[str, object]:
    condition = " and ".join(f"{name} == '{value}'" for name, value in wanted.items()) or "true"
    found: dict[str, object] = site.api("GET", "/records/orders", params={"filter": condition, "limit": 1})["data"][0]
    return found


def test_a_wrong_password_is_told_and_the_wish_is_kept(opening: Opening, site: Site) -> None:
    page = opening()
    page.goto(site.url + "/m/orders?view=rushed")
    assert "/login?next=" in page.url
    page.get_by_label("E-mail").fill("admin@example.com")
    page.locator("#password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("not right")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/m/orders?view=rushed")


def test_nobody_is_sent_to_another_site(opening: Opening, site: Site) -> None:
    page = opening()
    page.goto(site.url + "/login?next=//elsewhere.example/")
    page.get_by_label("E-mail").fill("admin@example.com")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)
    assert page.url.startswith(site.url)


def test_after_signing_out_back_shows_no_data(opening: Opening, site: Site) -> None:
    page = sign_in(opening(), site)
    page.goto(site.url + "/m/orders")
    page.locator(".me").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    page.goto(site.url + "/m/orders")
    assert "/login" in page.url


def test_the_list_shows_pages_sorts_and_finds(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/orders")
    rows = page.locator("#list-rows > .row")
    expect(rows).to_have_count(50)
    expect(page.locator("#list-foot")).to_contain_text("120 records")
    page.get_by_role("link", name="Load more").click()
    expect(rows).to_have_count(100)
    page.get_by_role("columnheader", name="Value").get_by_role("link").click()
    page.wait_for_url(re.compile("sort=value"))
    expect(rows.first).to_contain_text("Order 000")
    page.get_by_role("columnheader", name="Value").get_by_role("link").click()
    page.wait_for_url(re.compile("sort=-value"))
    expect(rows.first).to_contain_text("Order 119")
    page.locator("input[name=q]").fill("order 01")
    expect(rows).to_have_count(10)


def test_values_behind_links_are_shown(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/orders")
    expect(page.locator("#list-rows > .row").first).to_contain_text("office0@example.com")


def test_views_are_tabs_and_the_board_keeps_filters(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/orders?f=status~in~paused")
    page.get_by_role("navigation", name="Layout").get_by_role("link", name="Board").click()
    page.wait_for_url(re.compile("layout=board"))
    expect(page.locator(".fchip")).to_have_count(1)
    assert sum(int(text) for text in page.locator(".lane .count").all_inner_texts()) == 30
    page.get_by_role("link", name="Rush", exact=True).click()
    expect(page.locator("#list-foot")).to_contain_text("12 records")


def test_a_card_is_moved_and_the_database_knows(page: Page, site: Site) -> None:
    order = first_order(site, stage="draft")
    page.goto(f"{site.url}/m/orders?view=pipeline&q={order['title']}")
    expect(page.locator("xrm-board:defined")).to_be_visible()
    card = page.locator(f'.card[data-id="{order["id"]}"]')
    card.locator(".title").focus()
    page.keyboard.press("3")
    expect(page.locator(".toast")).to_contain_text("moved to Done")
    assert site.api("GET", f"/records/orders/{order['id']}")["stage"] == "done"
    page.get_by_role("button", name="Undo").click()
    expect(page.locator('.lane[data-stage="draft"]')).to_contain_text(str(order["title"]))
    page.wait_for_timeout(300)
    assert site.api("GET", f"/records/orders/{order['id']}")["stage"] == "draft"


def test_more_cards_of_a_lane(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/orders?view=pipeline")
    lane = page.locator('.lane[data-stage="draft"]')
    expect(lane.locator(".card")).to_have_count(25)
    lane.get_by_role("link", name="Load more").click()
    expect(lane.locator(".card")).to_have_count(40)
    expect(lane.get_by_role("link", name="Load more")).to_have_count(0)


EVERYTHING = {
    "Subject": "Everything at once",
    "Pieces": "12",
    "Weight": "1.25",
    "Share": "12.5",
    "Due": "2026-07-01",
    "Call at": "2026-07-01T09:30",
    "Mail": "desk@example.com",
    "Phone": "+44 20 7946 0018",
    "Web page": "https://example.org/",
    "Extra": '{"a": [1, 2]}',
    "Remarks": "One line\nand another",
    "Notes": "Some **bold** text",
}


def fill_everything(page: Page) -> None:
    for label, value in EVERYTHING.items():
        page.get_by_label(re.compile(rf"^{label}\s*\*?$")).fill(value)
    page.locator("#f-value").fill("12000.50")
    page.locator("#f-rate").fill("85")
    page.locator("select[name='rate.per']").select_option("hour")
    page.locator("#f-terms").fill("30")
    page.locator("#f-period").fill("2026-06-01")
    page.locator("input[name='period.end']").fill("2026-09-30")
    page.locator("input[name='contact.first']").fill("Front")
    page.locator("input[name='contact.last']").fill("Desk")
    page.locator("input[name='place.street']").fill("12 Quay Street")
    page.locator("input[name='place.city']").fill("Hamburg")
    page.locator("select[name='agent']").select_option(label="Member Desk")
    page.locator("select[name='status']").select_option("paused")


def check_everything(record: dict[str, object]) -> None:
    wanted = {
        "pieces": 12, "weight": "1.250", "share": "12.50", "due": "2026-07-01", "call_at": "2026-07-01T07:30:00.000000Z",
        "value": {"amount": "12000.50", "currency": "EUR"}, "mail": "desk@example.com", "phone": "+442079460018", "status": "paused",
        "terms": {"value": 30, "unit": "days"}, "period": {"start": "2026-06-01", "end": "2026-09-30"}, "rush": True, "rating": 4,
        "extra": {"a": [1, 2]}, "notes": "Some **bold** text", "double": 24,
    }  # fmt: skip
    found = {name: record.get(name) for name in wanted}
    assert {name: value for name, value in found.items() if value != wanted[name]} == {}
    assert record["contact"]["full"] == "Front Desk" and record["place"]["city"] == "Hamburg"  # type: ignore[index]
    assert record["rate"] == {"amount": "85.00", "currency": "EUR", "per": "hour"}
    assert str(record["remarks"]).replace("\r", "") == "One line\nand another"


def test_a_record_with_every_kind_of_value_is_created_changed_and_shown(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/orders/new")
    fill_everything(page)
    page.get_by_label("Rush").check()
    page.locator("label[for='f-rating-4']").click()
    page.locator(".checks .chip", has_text="Steel").click()
    page.locator("input[name='tags.add']").fill("copper")
    supplier = page.get_by_role("combobox", name="Supplier", exact=True)
    supplier.fill("oak")
    page.locator(".combo [role=option]", has_text="Oak Lane Printing").click()
    page.locator("input[data-upload]").set_input_files(
        {"name": "paper.txt", "mimeType": "text/plain", "buffer": b"hello"}
    )
    expect(page.locator("input[name='papers.keep']")).to_be_checked()
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/m/orders/[0-9a-f-]{36}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Everything at once")
    expect(page.locator(".toast")).to_contain_text("was created")
    identity = page.url.rsplit("/", 1)[1]
    record = site.api("GET", f"/records/orders/{identity}")
    check_everything(record)
    assert record["supplier"]["title"] == "Oak Lane Printing" and sorted(record["tags"]) == ["copper", "steel"]
    assert record["papers"][0]["name"] == "paper.txt"
    main = page.locator(".rec-main")
    for text in (
        "€12,000.50",
        "Oak Lane Printing",
        "Jul 1, 2026, 09:30",
        "Front Desk",
        "30 days",
        "copper",
        "paper.txt",
    ):
        expect(main).to_contain_text(text)
    expect(main.locator(".prose strong")).to_have_text("bold")
    # An edit that changes nothing keeps every value as it was.
    page.keyboard.press("e")
    page.wait_for_url(re.compile("/edit$"))
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"[0-9a-f]{12}$"))
    again = site.api("GET", f"/records/orders/{identity}")
    assert again == record
    page.keyboard.press("e")
    page.wait_for_url(re.compile("/edit$"))
    page.get_by_label("Pieces").fill("13")
    page.get_by_label("Web page").fill("")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(r"[0-9a-f]{12}$"))
    changed = site.api("GET", f"/records/orders/{identity}")
    assert changed["pieces"] == 13 and "site" not in changed
    expect(page.locator(".timeline")).to_contain_text("changed 2 values")
    site.api("DELETE", f"/records/orders/{identity}?permanent=true")


def test_wrong_values_are_shown_at_their_inputs_and_nothing_typed_is_lost(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/orders/new")
    page.get_by_label("Subject").fill("With mistakes")
    page.locator("#f-value").fill("a lot")
    page.get_by_label("Mail").fill("nobody")
    page.get_by_role("button", name="Create Order").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was saved yet")
    expect(page.locator("#f-value-err")).to_be_visible()
    expect(page.locator("#f-mail-err")).to_be_visible()
    expect(page.get_by_label("Subject")).to_have_value("With mistakes")
    expect(page.locator("#f-value")).to_have_value("a lot")
    page.evaluate("document.querySelector('form[data-form]').dataset.sent = ''")


def test_a_change_meanwhile_is_noticed(page: Page, site: Site) -> None:
    order = first_order(site, status="active")
    page.goto(f"{site.url}/m/orders/{order['id']}/edit")
    site.api("PATCH", f"/records/orders/{order['id']}", json={"pieces": 77})
    page.get_by_label("Weight").fill("5")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Somebody changed this record meanwhile")
    expect(page.get_by_label("Weight")).to_have_value("5")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(f"{order['id']}$"))


def test_what_was_typed_survives_the_end_of_the_session(opening: Opening, site: Site) -> None:
    page = sign_in(opening(), site)
    order = first_order(site, status="active")
    page.goto(f"{site.url}/m/orders/{order['id']}/edit")
    page.get_by_label("Remarks").fill("A long text that took a while")
    page.get_by_label("Rush").check()
    page.locator("select[name=status]").select_option("paused")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile("/login"))
    page.get_by_label("E-mail").fill("admin@example.com")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile("/edit$"))
    expect(page.get_by_label("Remarks")).to_have_value("A long text that took a while")
    expect(page.locator("select[name=status]")).to_have_value("paused")
    expect(page.locator(".toast")).to_contain_text("What you had typed is back")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(re.compile(f"{order['id']}$"))
    assert site.api("GET", f"/records/orders/{order['id']}")["remarks"] == "A long text that took a while"
    site.api("PATCH", f"/records/orders/{order['id']}", json={"status": "active", "rush": False, "remarks": None})


def test_the_stage_bar_moves_and_asks_for_reasons(page: Page, site: Site) -> None:
    order = site.api("POST", "/records/orders", json={"subject": "To be dropped"})
    page.goto(f"{site.url}/m/orders/{order['id']}")
    page.get_by_role("button", name="Dropped").click()
    page.get_by_label("Reason").select_option("late")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator(".step.now")).to_contain_text("Dropped")
    expect(page.locator(".timeline")).to_contain_text("Too late")
    assert site.api("GET", f"/records/orders/{order['id']}")["stage"] == "dropped"
    site.api("DELETE", f"/records/orders/{order['id']}?permanent=true")


def test_related_records_are_listed_and_added(page: Page, site: Site) -> None:
    supplier = site.api("GET", "/records/suppliers", params={"filter": "name == 'Kiln & Co'"})["data"][0]
    page.goto(f"{site.url}/m/suppliers/{supplier['id']}")
    related = page.locator("section", has=page.get_by_role("heading", name="Orders", exact=True))
    expect(related.locator(".row")).to_have_count(6)
    related.get_by_role("link", name="Show all 20").click()
    expect(page.locator("#list-foot")).to_contain_text("20 records")
    expect(page.locator(".fchip")).to_contain_text("Kiln & Co")
    page.go_back()
    related.get_by_role("link", name="New Order").click()
    expect(page.get_by_role("combobox", name="Supplier", exact=True)).to_have_value("Kiln & Co")
    page.locator("#q-subject").fill("From the supplier")
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator("main .facts-line")).to_contain_text("21")
    assert page.url.endswith(f"/m/suppliers/{supplier['id']}")
    found = site.api("GET", "/records/orders", params={"filter": "subject == 'From the supplier'"})["data"][0]
    site.api("DELETE", f"/records/orders/{found['id']}?permanent=true")


def test_archive_restore_and_erase(page: Page, site: Site) -> None:
    order = site.api("POST", "/records/orders", json={"subject": "Short life"})
    page.goto(f"{site.url}/m/orders/{order['id']}")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("This record is archived.")).to_be_visible()
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.get_by_text("This record is archived.")).to_have_count(0)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Erase…").click()
    expect(page.get_by_role("dialog")).to_contain_text("Short life")
    page.get_by_role("dialog").get_by_role("button", name="Erase…").click()
    page.wait_for_url(re.compile("/m/orders$"))
    page.goto(f"{site.url}/m/orders/{order['id']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("This page does not exist")


def test_search_and_palette_find_records(page: Page, site: Site) -> None:
    page.goto(site.url + "/search?q=optyka")
    expect(page.locator(".hit")).to_contain_text("Łódź Optyka")
    page.keyboard.press("Control+k")
    page.keyboard.type("optyk")
    expect(page.get_by_role("option", name="Łódź Optyka")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("aside.drawer .rec-name")).to_have_text("Łódź Optyka")
    page.keyboard.press("Escape")
    expect(page.locator("aside.drawer")).to_have_count(0)


def test_a_viewer_sees_but_is_offered_no_change(opening: Opening, site: Site) -> None:
    page = sign_in(opening(), site, "viewer")
    page.goto(site.url + "/m/orders?view=pipeline")
    expect(page.locator(".card").first).to_be_visible()
    expect(page.locator(".move:visible")).to_have_count(0)
    expect(page.get_by_role("link", name="New Order")).to_have_count(0)
    order = first_order(site)
    page.goto(f"{site.url}/m/orders/{order['id']}")
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    page.goto(f"{site.url}/m/orders/new")
    expect(page.get_by_role("heading", level=1)).to_have_text("You may not do this")


def test_a_form_without_the_token_of_the_session_is_refused(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/orders/new")
    page.evaluate("document.querySelector('[name=_csrf]').value = 'x'")
    page.locator("form[data-form] [name=_csrf]").evaluate("e => e.value = 'x'")
    page.get_by_label("Subject").fill("Forged")
    page.get_by_role("button", name="Create Order").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You may not do this")


def test_theme_and_density_are_remembered(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/orders")
    page.locator(".me").click()
    menu = page.locator("#me-menu")
    with page.expect_response("**/preferences"):
        menu.get_by_role("button", name="Dark").click()
    with page.expect_response("**/preferences"):
        menu.get_by_role("button", name="Compact rows").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.locator("#list-rows > .row").first.bounding_box()["height"] == 28  # type: ignore[index]
    with page.expect_response("**/preferences"):
        page.evaluate("document.querySelector('#me-menu [data-theme-choice=system]').click()")
    with page.expect_response("**/preferences"):
        page.evaluate("document.querySelector('#me-menu [data-density-choice=default]').click()")


def test_a_module_made_on_the_running_server_is_there_at_once(page: Page, site: Site) -> None:
    fields = [{"name": f"field_{i}", "type": "text", "label": f"Field {i}"} for i in range(9)]
    site.api("POST", "/modules", json={
        "name": "machines", "label": "Machine", "label_plural": "Machines", "icon": "wrench", "title": "{{ name }}", "shortcut": "m",
        "fields": [{"name": "name", "type": "text", "label": "Name", "required": True, "searchable": True}, *fields],
        "links": [{"name": "supplier", "label": "Supplier", "to": ["suppliers"], "inverse": {"name": "machines", "label": "Machines"}}],
        "pipelines": [{"name": "life", "label": "Life", "field": "stage", "stages": [
            {"name": "ordered", "label": "Ordered", "category": "open"}, {"name": "running", "label": "Running", "category": "won"}]}],
    })  # fmt: skip
    page.goto(site.url + "/m/orders")
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/m/machines")
    expect(page.get_by_role("heading", name="No Machines yet")).to_be_visible()
    page.keyboard.press("c")
    page.get_by_label("Name").fill("Lathe")
    page.get_by_label("Field 3").fill("three")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#results, aside.drawer").get_by_text("Lathe").first).to_be_visible()
    page.goto(site.url + "/m/machines?layout=board")
    expect(page.locator("xrm-board:defined")).to_be_visible()
    page.locator(".card .title").focus()
    page.keyboard.press("2")
    expect(page.locator(".toast")).to_contain_text("Lathe moved to Running")
    page.goto(site.url + "/search?q=lathe")
    expect(page.locator(".hit")).to_contain_text("Lathe")


def test_markup_in_every_text_is_shown_as_text(page: Page, site: Site) -> None:
    evil = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
    supplier = site.api("POST", "/records/suppliers", json={"name": evil})
    order = site.api("POST", "/records/orders", json={
        "subject": evil, "tags": [evil[:20]], "remarks": evil, "notes": evil, "supplier": supplier["id"], "contact": {"last": evil},
        "extra": {"x": evil}, "place": {"street": evil}})  # fmt: skip
    for path in ("/m/orders?q=img", f"/m/orders/{order['id']}", f"/m/orders/{order['id']}/edit", "/search?q=img", "/m/orders?view=pipeline&q=img",
                 f"/m/suppliers/{supplier['id']}"):  # fmt: skip
        page.goto(site.url + path)
        assert page.locator("img").count() == 0
        expect(page.locator("body")).to_contain_text("onerror" if "edit" not in path else "Subject")
    site.api("DELETE", f"/records/orders/{order['id']}?permanent=true")
    site.api("DELETE", f"/records/suppliers/{supplier['id']}?permanent=true")


@pytest.mark.parametrize(
    "look",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"viewport": {"width": 390, "height": 844}, "has_touch": True},
    ],
)
def test_real_pages_are_accessible(
    opening: Opening, session: StorageState, site: Site, axe: str, look: dict[str, object]
) -> None:
    page = opening(storage_state=session, **look)
    order = first_order(site)
    for path in (
        "/m/orders",
        "/m/orders?view=pipeline",
        f"/m/orders/{order['id']}",
        f"/m/orders/{order['id']}/edit",
        "/search?q=order",
    ):
        page.goto(site.url + path)
        page.evaluate(axe)
        found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
        assert [(path, v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]] == []


def test_without_scripts_everything_needed_still_works(opening: Opening, site: Site) -> None:
    page = sign_in(opening(java_script_enabled=False), site)
    page.goto(site.url + "/m/orders")
    page.locator("select[name=f_field]").select_option("subject")
    page.locator("select[name=f_op]").select_option("contains")
    page.locator("input[name=f_value]").fill("steel")
    page.get_by_role("button", name="Add filter").click()
    expect(page.locator("#list-foot")).to_contain_text("80 records")
    page.get_by_role("link", name="Load more").click()
    expect(page.locator("#list-rows > .row")).to_have_count(30)
    page.locator("#list-rows a.t").first.click()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Pieces").fill("5")
    page.locator("select[name=supplier]").select_option(label="Kiln & Co")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".rec-main")).to_contain_text("Kiln & Co")
    page.get_by_role("button", name="Done").click()
    expect(page.locator(".step.now")).to_contain_text("Done")
    page.goto(site.url + "/m/orders/new")
    page.get_by_label("Subject").fill("Made without scripts")
    page.get_by_role("button", name="Create Order").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Made without scripts")
    identity = page.url.rsplit("/", 1)[1]
    site.api("DELETE", f"/records/orders/{identity}?permanent=true")

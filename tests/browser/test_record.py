"""One record in the browser: values edited in place, stages, drawer, writing about it, quick create, lists around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import PASSWORD, Site
from xrm_core.fields import FIELD_TYPES

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NOTES: dict[str, Any] = {
    "name": "visits", "label": "Visit", "label_plural": "Visits", "title": "{{ headline }}", "order": 30, "icon": "message-square",
    "fields": [
        {"name": "headline", "type": "text", "label": "Headline", "required": True},
        {"name": "words", "type": "rich_text", "label": "Words"},
        {"name": "sort", "type": "select", "label": "Sort", "required": True, "default": "note",
         "options": [{"name": "note", "label": "Note"}, {"name": "call", "label": "Call"}]},
        {"name": "at", "type": "datetime", "label": "At", "default": {"expression": "now()"}},
    ],
    "links": [{"name": "about", "label": "About", "to": ["orders", "suppliers"], "many": True,
               "inverse": {"name": "visits", "label": "Visits"}}],
    "log": {"text": "words", "title": "headline", "kind": "sort", "fields": ["at"]},
}  # fmt: skip
CHORES: dict[str, Any] = {
    "name": "chores", "label": "Chore", "label_plural": "Chores", "title": "{{ what }}", "order": 40,
    "fields": [
        {"name": "what", "type": "text", "label": "What", "required": True},
        {"name": "by", "type": "date", "label": "By"}, {"name": "done", "type": "boolean", "label": "Done"},
    ],
    "links": [{"name": "order", "label": "Order", "to": ["orders"], "inverse": {"name": "chores", "label": "Chores"}}],
    "task": {"due": "by", "done_when": "done"},
    "layout": {"quick_create": ["what", "by", "order"]},
}  # fmt: skip
BIDS: dict[str, Any] = {
    "name": "bids", "label": "Bid", "label_plural": "Bids", "title": "{{ order.title }} / {{ supplier.title }}", "order": 50,
    "fields": [{"name": "asker", "type": "user", "label": "Asker", "required": True}],
    "links": [
        {"name": "order", "label": "Order", "to": ["orders"], "required": True, "inverse": {"name": "bids", "label": "Bids"}},
        {"name": "supplier", "label": "Supplier", "to": ["suppliers"], "required": True, "inverse": {"name": "bids", "label": "Bids"}},
    ],
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("record")).start()
    for module in (NOTES, CHORES, BIDS):
        found.api("POST", "/modules", json=module)
    yield found
    found.stop()


def sign_in(page: Page, site: Site, who: str = "admin") -> Page:
    page.goto(site.url + "/login")
    page.get_by_label("E-mail").fill(f"{who}@example.com")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def new_order(site: Site, **values: Any) -> dict[str, Any]:
    found: dict[str, Any] = site.api("POST", "/records/orders", json={"subject": "Paper rolls", **values})
    return found


def show(page: Page, site: Site, order: dict[str, Any]) -> None:
    """The record's page, once its scripts are there."""
    page.goto(f"{site.url}/m/orders/{order['id']}")
    expect(page.locator("main xrm-record[data-ready]")).to_be_attached()


def stored(site: Site, order: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = site.api("GET", f"/records/orders/{order['id']}")
    return found


def edit(page: Page, name: str) -> Locator:
    """Open the editor of a value as the keyboard does."""
    value = page.locator(f'[data-value="{name}"]')
    details = page.locator("details.blank:not([open])", has=value)
    if details.count():
        details.first.evaluate("node => { node.open = true; }")
    value.locator(".pen").focus()
    page.keyboard.press("Enter")
    form = value.locator("form.inline")
    expect(form).to_be_visible()
    return form


TYPED: dict[str, tuple[Any, Any]] = {
    # field: (what is put into the editor's inputs, by the end of their name; what is stored)
    "subject": ({"": "Card board"}, "Card board"),
    "value": ({".amount": "1250.5"}, {"amount": "1250.50", "currency": "EUR"}),
    "rate": ({".amount": "85"}, {"amount": "85.00", "currency": "EUR", "per": "year"}),
    "pieces": ({"": "12"}, 12),
    "weight": ({"": "1.25"}, "1.250"),
    "share": ({"": "40"}, "40.00"),
    "due": ({"": "2026-07-01"}, "2026-07-01"),
    "call_at": ({"": "2026-07-01T10:30"}, "2026-07-01T08:30:00.000000Z"),
    "terms": ({".value": "30"}, {"value": 30, "unit": "days"}),
    "period": ({".start": "2026-07-01", ".end": "2026-07-09"}, {"start": "2026-07-01", "end": "2026-07-09"}),
    "contact": ({".first": "Front", ".last": "Desk"}, {"first": "Front", "last": "Desk", "full": "Front Desk"}),
    "mail": ({"": "desk@example.com"}, "desk@example.com"),
    "phone": ({"": "+442079460123"}, "+442079460123"),
    "site": ({"": "https://example.com/a"}, "https://example.com/a"),
    "place": ({".city": "Hamburg"}, {"city": "Hamburg", "formatted": "Hamburg"}),
    "extra": ({"": '{"a": 1}'}, {"a": 1}),
    "remarks": ({"": "One line"}, "One line"),
    "notes": ({"": "Some *text*"}, "Some *text*"),
}
WRONG: dict[str, dict[str, str]] = {
    "subject": {"": ""}, "value": {".amount": "much"}, "rate": {".amount": "much"}, "pieces": {"": "-3"}, "weight": {"": "x"},
    "share": {"": "x"}, "terms": {".value": "long"}, "period": {".start": "2026-07-09", ".end": "2026-07-01"},
    "mail": {"": "nobody"}, "phone": {"": "12"}, "site": {"": "no page"}, "extra": {"": "{"},
}  # fmt: skip
CHOSEN = {"rush", "status", "tags", "agent", "rating", "papers"}
COMPUTED = {"number", "double"}


def fill(form: Locator, name: str, parts: dict[str, str]) -> None:
    for end, text in parts.items():
        form.locator(f'[name="{name}{end}"]').fill(text)


def test_D1_every_type_of_field_is_known_here(site: Site) -> None:
    fields = site.api("GET", "/modules/orders")["fields"]
    assert {field["name"] for field in fields} == set(TYPED) | CHOSEN | COMPUTED
    every = {kind.model_fields["type"].default for kind in FIELD_TYPES}
    assert {field["type"] for field in fields} >= every - {"lookup", "rollup"}


def test_D1_what_is_typed_is_checked_stored_and_undone(page: Page, site: Site) -> None:
    order = new_order(site)
    show(page, site, order)
    for name, (parts, wanted) in TYPED.items():
        before = stored(site, order).get(name)
        form = edit(page, name)
        if name in WRONG:
            fill(form, name, WRONG[name])
            form.get_by_role("button", name="Save").click()
            expect(form.get_by_role("alert").first, name).to_be_visible()
            for end, text in WRONG[name].items():
                expect(form.locator(f'[name="{name}{end}"]')).to_have_value(text)
            assert stored(site, order).get(name) == before
        fill(form, name, parts)
        page.keyboard.press("Control+Enter" if name in ("extra", "remarks", "notes") else "Enter")
        expect(form, name).to_have_count(0)
        found = stored(site, order).get(name)
        assert found == wanted, (name, found)
    expect(page.locator('[data-value="double"] .shown')).to_contain_text("24")
    expect(page.locator("h1")).to_contain_text("Card board")
    page.locator("xrm-toasts").get_by_role("button", name="Undo").last.click()
    expect(page.locator('[data-value="notes"] .shown')).not_to_contain_text("Some")
    assert "notes" not in stored(site, order)


def test_D1_what_is_chosen_is_stored_at_once(page: Page, site: Site) -> None:
    order = new_order(site)
    show(page, site, order)
    edit(page, "rush").get_by_role("checkbox").check()
    expect(page.locator('[data-value="rush"] .shown')).to_contain_text("Yes")
    edit(page, "status").get_by_role("combobox").select_option("paused")
    expect(page.locator('[data-value="status"] .shown')).to_contain_text("Paused")
    form = edit(page, "tags")
    form.get_by_text("Steel").click()
    form.get_by_role("button", name="Save").click()
    expect(page.locator('[data-value="tags"] .shown')).to_contain_text("Steel")
    edit(page, "agent").get_by_role("combobox").select_option(label="Member Desk")
    expect(page.locator('[data-value="agent"] .shown')).to_contain_text("Member Desk")
    edit(page, "rating").locator('label[title="4"]').click()
    expect(page.locator('[data-value="rating"] [aria-label="4 of 5"]')).to_be_visible()
    form = edit(page, "supplier")
    form.get_by_role("combobox").fill("Oak")
    page.get_by_role("option", name="Oak Lane Printing").click()
    expect(page.locator('[data-value="supplier"] .shown')).to_contain_text("Oak Lane Printing")
    form = edit(page, "papers")
    form.locator("input[type=file]").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"words"})
    expect(form.get_by_text("a.txt")).to_be_visible()
    form.get_by_role("button", name="Save").click()
    expect(page.locator('[data-value="papers"] .shown')).to_contain_text("a.txt")
    record = stored(site, order)
    assert (record["rush"], record["status"], record["tags"], record["rating"]) == (True, "paused", ["steel"], 4)
    assert record["supplier"]["title"] == "Oak Lane Printing" and record["papers"][0]["name"] == "a.txt"


def test_a_change_in_between_is_asked_about(page: Page, site: Site) -> None:
    order = new_order(site, pieces=1)
    show(page, site, order)
    for choice, wanted in (("Keep theirs", 7), ("Use mine", 9)):
        form = edit(page, "pieces")
        form.locator("input[name=pieces]").fill("9")
        site.api("PATCH", f"/records/orders/{order['id']}", json={"pieces": 7})
        site.api("PATCH", f"/records/orders/{order['id']}", json={"remarks": choice})
        page.keyboard.press("Enter")
        expect(form.get_by_role("alert")).to_contain_text("Admin Desk set this to 7")
        assert stored(site, order)["pieces"] == 7
        form.get_by_role("button", name=choice).click()
        expect(form).to_have_count(0)
        expect(page.locator('[data-value="pieces"] .shown')).to_have_text(str(wanted))
        assert stored(site, order)["pieces"] == wanted
        site.api("PATCH", f"/records/orders/{order['id']}", json={"pieces": 1})
        show(page, site, order)
    # Another value was changed meanwhile: nobody's work is lost, so nobody is asked.
    form = edit(page, "pieces")
    site.api("PATCH", f"/records/orders/{order['id']}", json={"weight": "2"})
    form.locator("input[name=pieces]").fill("5")
    page.keyboard.press("Enter")
    expect(page.locator('[data-value="pieces"] .shown')).to_have_text("5")
    assert stored(site, order)["weight"] == "2.000"


def test_X5_a_session_that_ends_while_a_value_is_edited_loses_nothing(opening: Opening, site: Site) -> None:
    page = sign_in(opening(), site)
    order = new_order(site)
    show(page, site, order)
    form = edit(page, "pieces")
    form.locator("input[name=pieces]").fill("42")
    page.context.clear_cookies()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Sign in again")
    dialog.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator('[data-value="pieces"] .shown')).to_have_text("42")
    assert stored(site, order)["pieces"] == 42


def test_stages_ask_for_what_they_need(page: Page, site: Site) -> None:
    order = new_order(site)
    show(page, site, order)
    bar = page.get_by_role("group", name="Stage")
    expect(bar.get_by_role("button", name="Sent")).to_have_attribute("title", re.compile("Still needed: Due"))
    bar.get_by_role("button", name="Sent").click()
    ask = page.get_by_role("dialog", name="Move to Sent")
    expect(ask.get_by_label("Due")).to_be_focused()
    page.keyboard.press("Escape")
    expect(ask).to_have_count(0)
    assert stored(site, order)["stage"] == "draft"
    bar.get_by_role("button", name="Sent").click()
    ask.get_by_label("Due").fill("2026-08-01")
    page.keyboard.press("Control+Enter")
    expect(bar.locator("[aria-current=step]")).to_contain_text("Sent")
    assert (stored(site, order)["stage"], stored(site, order)["due"]) == ("sent", "2026-08-01")
    page.locator("xrm-toasts").get_by_role("button", name="Undo").click()
    expect(bar.locator("[aria-current=step]")).to_contain_text("Draft")
    assert stored(site, order)["stage"] == "draft"


# -- the drawer ---------------------------------------------------------------------------------------------------------


def test_D2_the_drawer_lies_above_the_list_and_docks_beside_it(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(site.url + "/m/orders?layout=list")
    link = page.locator("#results .row a.t").nth(2)
    link.focus()
    page.keyboard.press("Space")
    drawer = page.locator("aside.drawer")
    expect(drawer.locator(".rec-name")).to_have_text(link.inner_text())
    assert re.search(r"peek=orders/[0-9a-f-]{36}", page.url)
    box, main = drawer.bounding_box(), page.locator("main").bounding_box()
    assert box and main and main["x"] + main["width"] <= box["x"] + 1, "it docks beside the list"
    on_top = """() => { const box = document.querySelector('aside.drawer').getBoundingClientRect();
        return !!document.elementFromPoint(box.left + box.width / 2, box.top + 12).closest('aside.drawer'); }"""
    assert page.evaluate(on_top)
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(link).to_be_focused()
    assert "peek=" not in page.url
    page.set_viewport_size({"width": 1000, "height": 800})
    page.keyboard.press("Space")
    expect(drawer).to_be_visible()
    assert page.evaluate(on_top)
    page.reload()
    expect(drawer.locator(".rec-name")).to_be_visible()
    drawer.get_by_role("link", name="Open page").click()
    expect(page.locator("h1")).to_contain_text("Order")


def test_a_value_is_edited_in_the_drawer_and_back_closes_it(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/orders?layout=list")
    page.locator("#results .row a.t").nth(1).focus()
    page.keyboard.press("Space")
    drawer = page.locator("aside.drawer")
    expect(drawer.locator("xrm-record[data-ready]")).to_be_visible()
    form = edit_in(drawer, page, "weight")
    form.locator("input[name=weight]").fill("3.5")
    page.keyboard.press("Enter")
    expect(drawer.locator('[data-value="weight"] .shown')).to_contain_text("3.5")
    expect(drawer.locator(".rec")).to_be_visible()
    page.evaluate("history.back()")
    expect(drawer).to_have_count(0)
    expect(page.locator("#results .row").first).to_be_visible()


def edit_in(place: Locator, page: Page, name: str) -> Locator:
    value = place.locator(f'[data-value="{name}"]')
    place.locator("details.blank").evaluate_all("nodes => nodes.forEach((node) => { node.open = true; })")
    value.locator(".pen").focus()
    page.keyboard.press("Enter")
    form = value.locator("form.inline")
    expect(form).to_be_visible()
    return form


def test_D3_alt_and_arrows_walk_the_order_of_the_list(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/orders?layout=list&sort=-value")
    titles = page.locator("#results .row a.t").all_inner_texts()[:3]
    page.locator("#results .row a.t").first.click()
    expect(page.locator("h1")).to_contain_text(titles[0])
    expect(page.locator("[data-walk]")).to_contain_text("1 of 50")
    for title in titles[1:]:
        page.keyboard.press("Alt+ArrowDown")
        expect(page.locator("h1")).to_contain_text(title)
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("h1")).to_contain_text(titles[1])


# -- writing about it ---------------------------------------------------------------------------------------------------


def test_D4_a_draft_outlives_the_tab(opening: Opening, session: StorageState, site: Site) -> None:
    order = new_order(site)
    page = opening(storage_state=session)
    show(page, site, order)
    page.keyboard.press("n")
    page.keyboard.type("They want the blue one")
    expect(page.locator(".way textarea").first).to_have_value("They want the blue one")
    again = page.context.new_page()
    page.close(run_before_unload=False)
    show(again, site, order)
    expect(again.get_by_text("Your draft is back.")).to_be_visible()
    expect(again.get_by_role("textbox", name="Note: Words")).to_have_value("They want the blue one")
    again.get_by_role("textbox", name="Note: Words").focus()
    again.keyboard.press("Control+Enter")
    expect(again.locator(".timeline")).to_contain_text("They want the blue one")
    again.reload()
    expect(again.get_by_text("Your draft is back.")).to_have_count(0)


def test_calls_and_tasks_are_written_where_the_record_is(page: Page, site: Site) -> None:
    order = new_order(site)
    show(page, site, order)
    page.keyboard.press("l")
    page.keyboard.type("Spoke with @Mem")
    offers = page.get_by_role("listbox", name="Suggestions")
    offers.get_by_role("option", name="Member Desk").click()
    page.keyboard.type("about #Harbour")
    offers.get_by_role("option", name="Harbour Freight").click()
    page.keyboard.press("Control+Enter")
    entry = page.locator(".timeline .entry", has_text="Spoke with")
    expect(entry).to_contain_text("added Call")
    expect(entry.locator("strong")).to_have_text("@Member Desk")
    expect(entry.locator(".body a")).to_have_attribute("href", re.compile("/m/suppliers/"))
    visit = site.api("GET", "/records/visits", params={"filter": "sort == 'call'", "sort": "-created_at"})["data"][0]
    assert visit["headline"].startswith("Spoke with @Member Desk about Harbour Freight") and visit["at"]
    page.get_by_text("Chore", exact=True).click()
    way = page.locator("form.way:visible")
    way.get_by_label("What").fill("Send samples")
    way.get_by_label("By", exact=True).fill("2026-05-05")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-related=chores]")).to_contain_text("Send samples")
    page.get_by_role("combobox", name="Show").select_option("log")
    expect(page.locator(".timeline .entry")).to_have_count(1)
    page.locator("xrm-toasts").get_by_role("button", name="Undo").last.click()
    expect(page.locator("[data-related=chores] .row")).to_have_count(0)


def test_a_note_is_written_without_scripts(opening: Opening, session: StorageState, site: Site) -> None:
    order = new_order(site)
    page = opening(storage_state=session, java_script_enabled=False)
    page.goto(f"{site.url}/m/orders/{order['id']}")
    page.locator("form.way textarea").first.fill("No scripts here")
    page.locator("form.way:visible").get_by_role("button", name="Save").click()
    expect(page.locator(".timeline")).to_contain_text("No scripts here")


# -- quick create -------------------------------------------------------------------------------------------------------


def test_N1_three_fields_and_the_list_shows_it_with_the_focus(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/suppliers?layout=list")
    page.keyboard.press("c")
    drawer = page.locator("aside.drawer")
    expect(drawer.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Aaron Wire")
    page.keyboard.press("Tab")
    page.keyboard.type("wire@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type("01022020")
    page.keyboard.press("Control+Enter")
    expect(drawer).to_have_count(0)
    expect(page.locator("#results a.t", has_text="Aaron Wire")).to_be_focused()
    found = site.api("GET", "/records/suppliers", params={"filter": "name == 'Aaron Wire'"})["data"][0]
    assert found["email"] == "wire@example.com" and found["founded"].startswith("2020-")


def test_N2_the_same_mail_warns_before_it_is_stored(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/suppliers?layout=list")
    page.keyboard.press("c")
    drawer = page.locator("aside.drawer")
    drawer.get_by_label("E-mail").fill("OFFICE1@example.com")
    expect(drawer.locator(".likely")).to_contain_text("Oak Lane Printing")
    expect(drawer.locator(".likely")).to_contain_text("same E-mail")
    drawer.get_by_label("Name").fill("Another")
    page.keyboard.press("Control+Enter")
    expect(drawer.get_by_role("alert")).to_be_visible()
    expect(drawer.get_by_label("Name")).to_have_value("Another")


def test_a_linked_record_is_made_on_the_way(page: Page, site: Site) -> None:
    page.goto(site.url + "/m/chores")
    page.keyboard.press("c")
    drawer = page.locator("aside.drawer")
    drawer.get_by_label("What").fill("Call back")
    drawer.get_by_role("combobox", name="Order").fill("Fresh order")
    page.get_by_role("option", name="Create “Fresh order”").click()
    expect(drawer.get_by_label("Subject")).to_have_value("Fresh order")
    page.keyboard.press("Control+Enter")
    expect(drawer.get_by_role("combobox", name="Order")).to_have_value("Fresh order")
    expect(drawer.get_by_label("What")).to_have_value("Call back")
    page.keyboard.press("Control+Shift+Enter")
    expect(drawer.get_by_label("What")).to_have_value("")
    page.keyboard.press("Escape")
    found = site.api("GET", "/records/chores", params={"filter": "what == 'Call back'"})["data"][0]
    assert found["order"]["title"] == "Fresh order"


# -- what a call needs to know ------------------------------------------------------------------------------------------


def test_D5_the_brief_stands_on_one_screen(page: Page, site: Site) -> None:
    orders = {"link": "orders", "sort": ["-due"]}
    panels = [
        {"name": "open", "label": "Open orders", **orders, "filter": "stage != 'done'", "limit": 6,
         "columns": ["subject", "stage", "value", "due", "pieces", "agent"]},
        {"name": "stages", "label": "Orders by stage", "kind": "count", "link": "orders", "group_by": "stage"},
        {"name": "last", "label": "Last orders", **orders, "limit": 5, "columns": ["subject", "stage", "due", "status"]},
        {"name": "unpaid", "label": "On hold", **orders, "filter": "status == 'paused'", "limit": 5,
         "columns": ["subject", "value", "due"]},
        {"name": "terms", "label": "Terms", **orders, "limit": 2, "columns": ["subject", "terms", "rate"]},
        {"name": "liking", "label": "Liking", "kind": "facts", "columns": ["orders_count", "founded"]},
        {"name": "account", "label": "Account", "kind": "facts", "columns": ["orders_value", "orders_count", "email", "owner"]},
        {"name": "said", "label": "Last notes", "link": "visits", "sort": ["-at"], "limit": 3, "columns": ["at", "words", "created_by"]},
        {"name": "spoke", "label": "Who spoke last", "link": "visits", "sort": ["-at"], "limit": 1,
         "columns": ["sort", "at", "created_by"]},
    ]  # fmt: skip
    site.api("PATCH", "/modules/suppliers", json={"panels": panels})
    supplier = site.api("GET", "/records/suppliers", params={"filter": "name == 'Harbour Freight'"})["data"][0]
    about = [{"module": "suppliers", "id": supplier["id"]}]
    for text in ("Wants a lower price", "Asked for samples", "Happy with the last delivery"):
        site.api("POST", "/records/visits", json={"headline": text, "words": f"{text}. " * 12, "about": about})
    page.goto(f"{site.url}/m/suppliers/{supplier['id']}")
    cards = page.locator(".panel-card")
    expect(cards).to_have_count(9)
    for panel in panels:
        box = page.locator(f"[data-panel={panel['name']}]").bounding_box()
        assert box and box["y"] > 0 and box["y"] + box["height"] <= 900, (panel["name"], box)
    assert page.locator("[data-panel=open] li").count() == 6 and page.locator("[data-panel=last] li").count() == 5
    expect(page.locator("[data-panel=stages]")).to_contain_text("Draft")
    expect(page.locator("[data-panel=said]")).to_contain_text("Wants a lower price")
    expect(page.locator("[data-panel=account]")).to_contain_text("office0@example.com")


# -- lists around it ----------------------------------------------------------------------------------------------------


def test_three_are_added_at_once_and_taken_back_in_one(page: Page, site: Site) -> None:
    order = new_order(site)
    show(page, site, order)
    page.locator("[data-related=bids] [data-pick]").click()
    for name in ("Harbour", "Oak", "Blue"):
        page.keyboard.type(name)
        page.get_by_role("option", name=re.compile(name)).click()
    page.keyboard.press("Control+Enter")
    rows = page.locator("[data-related=bids] .row")
    expect(rows).to_have_count(3)
    bids = site.api("GET", f"/records/orders/{order['id']}/related/bids")["data"]
    assert len(bids) == 3 and all(bid["asker"] for bid in bids)
    page.locator("xrm-toasts").get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(0)
    page.locator("[data-related=own-others] [data-pick]").click()
    page.keyboard.type("Kiln")
    page.get_by_role("option", name="Kiln & Co").click()
    page.keyboard.press("Control+Enter")
    others = page.locator("[data-related=own-others] .row")
    expect(others).to_have_count(1)
    others.get_by_role("button", name="Take out Kiln & Co").focus()
    page.keyboard.press("Enter")
    expect(others).to_have_count(0)
    assert site.api("GET", f"/records/orders/{order['id']}/related/others")["data"] == []


def test_files_are_added_and_looked_at(page: Page, site: Site) -> None:
    order = new_order(site)
    show(page, site, order)
    page.locator("input[data-attach=papers]").set_input_files(
        [
            {"name": "words.txt", "mimeType": "text/plain", "buffer": b"<script>alert(1)</script>"},
            {"name": "page.html", "mimeType": "text/html", "buffer": b"<script>alert(1)</script>"},
        ]
    )
    files = page.locator(".files li")
    expect(files).to_have_count(2)
    files.get_by_role("link", name="words.txt", exact=True).click()
    expect(page.get_by_role("dialog", name="words.txt").locator("pre")).to_have_text("<script>alert(1)</script>")
    page.keyboard.press("Escape")
    expect(files.get_by_role("link", name="page.html", exact=True)).to_have_count(0)
    assert len(stored(site, order)["papers"]) == 2


# -- for everybody ------------------------------------------------------------------------------------------------------


def test_X1_and_X2_of_the_record_page(opening: Opening, session: StorageState, site: Site) -> None:
    evil = "\"><img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
    role = {"name": "clerk", "label": "Clerk", "modules": {
        "*": {"see": "all", "create": True, "edit": "all"}}, "hidden_fields": {"orders": ["remarks"]}, "read_only_fields": {"orders": ["mail"]}}  # fmt: skip
    site.api("POST", "/roles", json=role)
    person = {"email": "clerk@example.com", "name": "Clerk Desk", "roles": ["clerk"], "password": PASSWORD}
    site.api("POST", "/users", json=person)
    order = new_order(
        site, remarks="Nobody reads this", mail="a@example.com", tags=[evil], contact={"first": evil, "last": "x"}
    )
    page = sign_in(opening(), site, "clerk")
    for path in (f"/m/orders/{order['id']}", f"/m/orders/{order['id']}/peek", f"/m/orders/{order['id']}/live"):
        text = page.request.get(site.url + path).text()
        assert "Nobody reads this" not in text and "Remarks" not in text, path
    assert page.request.get(f"{site.url}/m/orders/{order['id']}/values/remarks").status == 404
    assert page.request.get(f"{site.url}/m/orders/{order['id']}/values/mail").status == 404
    page = opening(storage_state=session)
    show(page, site, order)
    edit(page, "contact").locator("input").first.fill(evil)
    page.keyboard.press("Enter")
    expect(page.locator('[data-value="contact"] .shown')).to_contain_text("onerror")
    page.keyboard.press("n")
    page.keyboard.type(evil)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".timeline")).to_contain_text("onerror")
    assert "owned" not in page.title() and page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1024, "dark"), (390, "light")])
def test_A1_record_drawer_and_forms(
    opening: Opening, session: StorageState, site: Site, axe: str, width: int, scheme: Any
) -> None:
    order = new_order(site, pieces=3, papers=[], remarks="x")
    page = opening(storage_state=session, viewport={"width": width, "height": 900}, color_scheme=scheme)
    show(page, site, order)
    expect(page.locator("[data-pick]").first).to_be_visible()
    found = check(page, axe)
    edit(page, "pieces")
    found += check(page, axe)
    page.keyboard.press("Escape")
    page.goto(f"{site.url}/m/orders?layout=list&peek=orders/{order['id']}")
    expect(page.locator("aside.drawer .rec-name")).to_be_visible()
    found += check(page, axe, "aside.drawer")
    page.keyboard.press("Escape")
    page.goto(site.url + "/m/suppliers?layout=list")
    page.keyboard.press("c")
    expect(page.locator("form.quick")).to_be_visible()
    found += check(page, axe, "aside.drawer")
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def check(page: Page, axe: str, inside: str = "") -> list[str]:
    """What axe-core finds on the page, or in one part of it."""
    page.evaluate(axe)
    found = page.evaluate(
        "async ([tags, inside]) => (await axe.run(inside ? document.querySelector(inside) : document,"
        " { runOnly: tags })).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).slice(0, 3).join(' ')}`)",
        [TAGS, inside],
    )
    return list(found)


def test_M1_merging_keeps_what_was_chosen_and_undo_splits_again(page: Page, site: Site) -> None:
    one = site.api("POST", "/records/suppliers", json={"name": "Twin Works", "email": "one@example.com"})
    two = site.api(
        "POST",
        "/records/suppliers",
        json={"name": "Twin Works Ltd", "email": "two@example.com", "founded": "1999-01-02"},
    )
    order = new_order(site, supplier=two["id"])
    page.goto(f"{site.url}/m/suppliers/merge?ids={one['id']},{two['id']}")
    page.get_by_role("radio", name="Twin Works", exact=True).check()
    expect(page.get_by_role("radio", name="E-mail: Twin Works", exact=True)).to_be_checked()
    page.get_by_role("radio", name="Name: Twin Works Ltd").check()
    page.get_by_role("button", name="Merge").click()
    expect(page.locator("h1.rec-name")).to_contain_text("Twin Works Ltd")
    kept = site.api("GET", f"/records/suppliers/{one['id']}")
    assert (kept["name"], kept["email"], kept["founded"]) == ("Twin Works Ltd", "one@example.com", "1999-01-02")
    assert stored(site, order)["supplier"]["id"] == one["id"]
    page.locator("xrm-toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("h1.rec-name [data-live]")).to_have_text("Twin Works")
    assert stored(site, order)["supplier"]["id"] == two["id"]
    assert not site.api("GET", f"/records/suppliers/{two['id']}").get("archived_at")


def test_the_record_is_printed_without_the_frame(page: Page, site: Site) -> None:
    order = new_order(site, pieces=4)
    show(page, site, order)
    expect(page.locator("nav.side")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("nav.side")).to_be_hidden()
    expect(page.locator("xrm-composer")).to_be_hidden()
    expect(page.locator('[data-value="pieces"]')).to_be_visible()
    assert page.evaluate(
        "document.querySelector('.rec-main').scrollHeight <= document.querySelector('.rec-main').clientHeight + 1"
    )


def test_why_a_value_is_what_it_is_is_told_beside_it(page: Page, site: Site, axe: str) -> None:
    supplier = site.api("POST", "/records/suppliers", json={"name": "Why Not Rope"})
    price = {"amount": "12.00", "currency": "EUR"}
    for subject in ("Rope", "Tar"):
        site.api("POST", "/records/orders", json={"subject": subject, "value": price, "supplier": supplier["id"]})
    page.goto(f"{site.url}/m/suppliers/{supplier['id']}")
    link = page.locator("xrm-record:defined").get_by_role("link", name="Why: Order value")
    link.focus()
    page.keyboard.press("Enter")
    told = page.get_by_role("dialog", name="Why: Order value")
    expect(told).to_contain_text("sum(orders.value)")
    expect(told.locator("li")).to_have_count(2)
    expect(told).to_be_focused()
    page.evaluate(axe)
    found = page.evaluate("tags => axe.run('.why-pop', {runOnly: {type: 'tag', values: tags}})", TAGS)
    assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found["violations"]] == []
    page.keyboard.press("Escape")
    expect(told).to_have_count(0)
    expect(link).to_be_focused()
    link.click()
    told.locator("li a.ref").first.click()
    page.wait_for_url("**/m/orders/*")

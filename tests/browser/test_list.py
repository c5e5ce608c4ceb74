"""The list in a browser: cells edited, copied and undone; rows in bulk; columns, groups, sums; saved views."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import PASSWORD, Site

PARCELS: dict[str, Any] = {
    "name": "parcels", "label": {"en": "Parcel", "de": "Paket"}, "label_plural": {"en": "Parcels", "de": "Pakete"},
    "icon": "package", "title": "{{ name }}", "order": 30, "shortcut": "p",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True, "searchable": True},
        {"name": "location", "type": "text", "label": "Location", "indexed": True},
        {"name": "pieces", "type": "integer", "label": "Pieces", "min": 0, "indexed": True},
        {"name": "weight", "type": "decimal", "label": "Weight", "scale": 2},
        {"name": "price", "type": "money", "label": "Price", "currency": "EUR", "indexed": True},
        {"name": "urgent", "type": "boolean", "label": "Urgent"},
        {"name": "sent_on", "type": "date", "label": "Sent on", "indexed": True},
        {"name": "call_at", "type": "datetime", "label": "Call at"},
        {"name": "kind", "type": "select", "label": "Kind", "indexed": True,
         "options": [{"name": "box", "label": "Box", "hue": "teal"}, {"name": "tube", "label": "Tube", "hue": "pink"}]},
        {"name": "marks", "type": "multi_select", "label": "Marks",
         "options": [{"name": "fragile", "label": "Fragile"}, {"name": "heavy", "label": "Heavy"}, {"name": "cold", "label": "Cold"}]},
        {"name": "person", "type": "person_name", "label": "Person"},
        {"name": "mail", "type": "email", "label": "Mail"},
        {"name": "agent", "type": "user", "label": "Agent"},
        {"name": "score", "type": "rating", "label": "Score"},
        {"name": "term", "type": "duration", "label": "Term"},
        {"name": "span", "type": "date_range", "label": "Span"},
        {"name": "remarks", "type": "long_text", "label": "Remarks"},
        {"name": "double", "type": "formula", "label": "Twice the pieces", "formula": "pieces * 2"},
        {"name": "secret", "type": "text", "label": "Hidden colour"},
    ],
    "links": [{"name": "supplier", "label": "Supplier", "to": ["suppliers"], "inverse": {"name": "parcels", "label": "Parcels"}}],
    "pipelines": [
        {"name": "way", "label": "Stage", "field": "stage", "stages": [
            {"name": "packed", "label": "Packed", "category": "open"},
            {"name": "sent", "label": "Sent", "category": "open", "requires": ["sent_on"]},
            {"name": "lost", "label": "Lost", "category": "lost", "reasons": [{"name": "rain", "label": "Rain"}]}]}],
    "views": [
        {"name": "all", "label": "All parcels", "layout": "list", "default": True, "sort": ["name"],
         "columns": ["name", "location", "pieces", "price", "kind", "stage", "sent_on", "double", "supplier", "owner"]},
        {"name": "boxes", "label": "Boxes", "layout": "list", "filter": "kind == 'box'", "columns": ["name", "location"]},
    ],
}  # fmt: skip
"""A module that no pack knows, made while the site runs."""


@pytest.fixture(scope="module", autouse=True)
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("site")).start()
    found.api("POST", "/modules", json=PARCELS)
    towns = ["Leeds", "York", "Hull", "Bath"]
    rows = [
        {"name": f"Parcel {i:03}", "location": towns[i % 4], "pieces": i, "price": {"amount": f"{10 + i}.50", "currency": "EUR"},
         "kind": "box" if i % 3 else "tube", "stage": "packed", "secret": "mauve"}
        for i in range(60)
    ]  # fmt: skip
    found.api("POST", "/records/parcels/batch", json={"create": rows})
    yield found
    found.stop()


def sign_in(page: Page, site: Site, who: str = "admin") -> Page:
    page.goto(site.url + "/login?next=/search")
    page.get_by_label("E-mail").fill(f"{who}@example.com")
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(r"/search"))
    return page


def show(page: Page, site: Site, query: str = "", module: str = "parcels") -> Page:
    """The list, with its grid ready for keys."""
    page.goto(f"{site.url}/m/{module}{query}")
    ready(page)
    return page


def ready(page: Page) -> None:
    expect(page.locator("xrm-grid[data-ready]")).to_be_attached()


def cell(page: Page, record: str, column: str) -> Locator:
    """The cell of the record with this title under the head with this label."""
    index = page.evaluate(
        "label => [...document.querySelectorAll('.grid .head > *')].findIndex(one => one.querySelector('.clip')?.textContent.trim() === label)",
        column,
    )
    assert index >= 0, column
    row = page.locator("#list-rows > .row", has=page.get_by_text(record, exact=True))
    return row.locator(f":scope > :nth-child({index + 1})")


def stored(site: Site, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = site.api("GET", "/records/parcels", params={"filter": f"name == '{name}'"})["data"]
    return found[0]


def test_L2_a_cell_is_edited_saved_once_and_undone(page: Page, site: Site) -> None:
    sent: list[Any] = []
    page.on("request", lambda request: sent.append(request) if request.method == "PATCH" else None)
    show(page, site)
    page.evaluate(
        """() => { window.painted = null; new MutationObserver(() => {
            const at = [...document.querySelectorAll('.td')].find(one => one.textContent === 'Sheffield');
            if (at && window.painted === null) window.painted = performance.now() - window.entered;
        }).observe(document.body, {subtree: true, childList: true, characterData: true});
        document.addEventListener('keydown', event => { if (event.key === 'Enter') window.entered = performance.now(); }, true); }"""
    )
    at = cell(page, "Parcel 001", "Location")
    at.click()
    expect(at).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.keyboard.type("Sheffield")
    page.keyboard.press("Enter")
    expect(at).to_have_text("Sheffield")
    expect(cell(page, "Parcel 002", "Location")).to_be_focused()
    toast = page.locator(".toast", has_text="Location changed to Sheffield")
    expect(toast).to_be_visible()
    assert page.evaluate("window.painted") < 50
    assert len(sent) == 1 and sent[0].headers["if-match"] == '"1"'
    assert sent[0].post_data_json == {"location": "Sheffield"}
    assert stored(site, "Parcel 001")["location"] == "Sheffield"
    toast.get_by_role("button", name="Undo").click()
    expect(at).to_have_text("York")
    assert stored(site, "Parcel 001")["location"] == "York"


TYPED: list[tuple[str, str, str, Any, str]] = [
    ("Pieces", "42", "pieces", 42, "42"),
    ("Price", "1234.5 EUR", "price", {"amount": "1234.50", "currency": "EUR"}, "€1,234.50"),
    ("Kind", "tub", "kind", "tube", "Tube"),
    ("Supplier", "Harbour", "supplier", "Harbour Freight", "Harbour Freight"),
    ("Owner", "Viewer", "owner", "", "Viewer Desk"),
    ("Weight", "2.25", "weight", "2.25", "2.25"),
    ("Urgent", "y", "urgent", True, "Yes"),
    ("Person", "Ada Example", "person", {"first": "Ada", "last": "Example", "full": "Ada Example"}, "Ada Example"),
    ("Mail", "ada@example.com", "mail", "ada@example.com", "ada@example.com"),
    ("Score", "4", "score", 4, ""),
    ("Term", "3 months", "term", {"value": 3, "unit": "months"}, "3 months"),
    ("Agent", "Member", "agent", "", "Member Desk"),
]


def test_every_kind_of_value_is_edited_by_typing(page: Page, site: Site) -> None:
    show(page, site, "?cols=name,pieces,weight,price,kind,urgent,person,mail,score,term,agent,supplier,owner")
    for column, typed, _, _, text in TYPED:
        at = cell(page, "Parcel 004", column)
        at.click(position={"x": 8, "y": 8})
        page.keyboard.type(typed)
        if column in {"Kind", "Supplier", "Owner", "Urgent", "Agent"}:
            expect(page.locator(".cell-list .on")).to_contain_text(text)
        page.keyboard.press("Enter")
        expect(page.locator(".toast", has_text=f"{column} ").first).to_be_visible()
        expect(at.locator(".clip") if column in {"Owner", "Agent"} else at).to_have_text(text)
    expect(page.locator(".saving")).to_have_count(0)
    now = stored(site, "Parcel 004")
    for _, _, field, value, _ in TYPED:
        if value == "":
            assert len(now[field]) == 36
        elif field == "supplier":
            assert now[field]["title"] == value
        else:
            assert now[field] == value, field


def test_dates_lists_and_long_texts_have_editors_of_their_own(page: Page, site: Site) -> None:
    show(page, site, "?cols=name,sent_on,call_at,marks,span,remarks")
    at = cell(page, "Parcel 005", "Sent on")
    at.click()
    page.keyboard.press("F2")
    at.locator("input").fill("2026-03-31")
    page.keyboard.press("Tab")
    expect(at.locator("time")).to_have_attribute("datetime", "2026-03-31")
    call = cell(page, "Parcel 005", "Call at")
    expect(call).to_be_focused()
    page.keyboard.press("Enter")
    call.locator("input").fill("2026-07-01T14:30")
    page.keyboard.press("Tab")
    expect(call.locator("time")).to_have_attribute("datetime", "2026-07-01T12:30:00Z")  # Berlin, in summer
    marks = cell(page, "Parcel 005", "Marks")
    expect(marks).to_be_focused()
    page.keyboard.press("Enter")
    for word in ("frag", "hea", "cold"):
        page.keyboard.type(word)
        page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(marks).to_contain_text("+1")
    span = cell(page, "Parcel 005", "Span")
    expect(span).to_be_focused()
    page.keyboard.press("Enter")
    page.locator(".cell-layer input").first.fill("2026-01-01")
    page.locator(".cell-layer input").last.fill("2026-01-31")
    page.locator(".cell-layer input").last.press("Enter")
    expect(span.locator("time")).to_have_count(2)
    remarks = cell(page, "Parcel 005", "Remarks")
    remarks.click()
    page.keyboard.press("Enter")
    page.keyboard.type("First line")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    page.keyboard.press("Enter")
    expect(remarks).to_have_text("First line second line")
    expect(page.locator(".saving")).to_have_count(0)
    now = stored(site, "Parcel 005")
    assert sorted(now["marks"]) == ["cold", "fragile", "heavy"]
    assert now["span"] == {"start": "2026-01-01", "end": "2026-01-31"}
    assert site.api("GET", f"/records/parcels/{now['id']}")["remarks"] == "First line\nsecond line"


def test_escape_cancels_del_clears_and_read_only_cells_say_why(page: Page, site: Site) -> None:
    show(page, site)
    at = cell(page, "Parcel 006", "Location")
    at.dblclick()
    page.keyboard.type("nothing")
    page.keyboard.press("Escape")
    expect(at).to_have_text("Hull")
    expect(at).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.locator(".toast", has_text="Location cleared")).to_be_visible()
    assert "location" not in stored(site, "Parcel 006")
    page.keyboard.press("Control+z")
    expect(at).to_have_text("Hull")
    page.keyboard.press("Control+Shift+z")
    expect(at).to_have_text("")
    page.keyboard.press("Control+z")
    expect(at).to_have_text("Hull")
    twice = cell(page, "Parcel 006", "Twice the pieces")
    twice.click()
    expect(page.locator(".foot .why")).to_contain_text("worked out")
    page.keyboard.press("Enter")
    expect(page.locator(".cell-note")).to_contain_text("worked out")


def test_a_refused_value_stays_with_its_reason(page: Page, site: Site) -> None:
    show(page, site)
    at = cell(page, "Parcel 007", "Pieces")
    at.click()
    page.keyboard.type("-5")
    page.keyboard.press("Enter")
    expect(page.locator(".cell-note.bad")).to_be_visible()
    expect(at.locator("input")).to_have_value("-5")
    at.locator("input").fill("5")
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="Pieces changed to 5")).to_be_visible()
    assert stored(site, "Parcel 007")["pieces"] == 5
    expect(cell(page, "Parcel 007", "Twice the pieces")).to_have_text("10")


def test_L3_a_failed_save_keeps_the_value_and_tries_again(opening: Opening, session: StorageState, site: Site) -> None:
    page = show(opening(storage_state=session, broken=True), site)

    def broken(route: Route) -> None:
        if route.request.method == "PATCH":
            route.fulfill(status=500, json={"title": "Broken"})
        else:
            route.continue_()

    page.route("**/api/v1/records/**", broken)
    at = cell(page, "Parcel 008", "Location")
    at.click()
    page.keyboard.type("Whitby")
    page.keyboard.press("Enter")
    retry = at.get_by_role("button", name="Retry")
    expect(retry).to_be_visible()
    expect(at).to_contain_text("Whitby")
    assert stored(site, "Parcel 008")["location"] == "Leeds"
    page.unroute("**/api/v1/records/**")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    ready(page)
    expect(at).to_contain_text("Whitby")
    retry.click()
    expect(page.locator(".toast", has_text="Location changed to Whitby")).to_be_visible()
    expect(retry).to_have_count(0)
    assert stored(site, "Parcel 008")["location"] == "Whitby"


def test_L4_somebody_else_was_quicker(page: Page, site: Site) -> None:
    show(page, site)
    for name, choice, wanted in (("Parcel 009", "Keep theirs", "Ripon"), ("Parcel 010", "Use mine", "Selby")):
        record = stored(site, name)
        at = cell(page, name, "Location")
        at.click()
        page.keyboard.press("Enter")
        site.api("PATCH", f"/records/parcels/{record['id']}", json={"location": "Ripon"})
        page.keyboard.type("Selby")
        page.keyboard.press("Enter")
        resolver = page.locator(".cell-note.conflict")
        expect(resolver).to_contain_text("Ripon")
        resolver.get_by_role("button", name=choice).click()
        expect(at).to_have_text(wanted)
        expect(at).not_to_have_class(re.compile("saving"))
        expect(page.locator(".saving")).to_have_count(0)
        assert stored(site, name)["location"] == wanted
    # Another field of the record was changed: nothing is asked, nothing is lost.
    record = stored(site, "Parcel 011")
    at = cell(page, "Parcel 011", "Location")
    at.click()
    page.keyboard.press("Enter")
    site.api("PATCH", f"/records/parcels/{record['id']}", json={"pieces": 99})
    page.keyboard.type("Goole")
    page.keyboard.press("Enter")
    expect(cell(page, "Parcel 011", "Pieces")).to_have_text("99")
    now = stored(site, "Parcel 011")
    assert (now["location"], now["pieces"]) == ("Goole", 99)


def test_L12_a_refresh_leaves_the_cell_that_is_being_edited_alone(page: Page, site: Site) -> None:
    show(page, site)
    record = stored(site, "Parcel 012")
    at = cell(page, "Parcel 012", "Location")
    at.click()
    page.keyboard.type("Typing")
    site.api("PATCH", f"/records/parcels/{record['id']}", json={"location": "Elsewhere", "pieces": 77})
    page.evaluate(
        "id => document.dispatchEvent(new CustomEvent('xrm:refresh', {cancelable: true, detail: {records: [{module: 'parcels', id}]}}))",
        record["id"],
    )
    expect(cell(page, "Parcel 012", "Pieces")).to_have_text("77")
    expect(at.locator("input")).to_have_value("Typing")
    expect(at.locator("input")).to_be_focused()
    page.keyboard.press("Escape")


def test_L13_the_grid_as_a_screen_reader_meets_it(page: Page, site: Site) -> None:
    show(page, site)
    grid = page.get_by_role("grid", name="Parcels")
    expect(grid).to_have_attribute("aria-rowcount", "61")
    at = cell(page, "Parcel 000", "Location")
    at.click()
    expect(page.get_by_role("gridcell", name="Location, Leeds", exact=True)).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.press("Home")
    expect(page.get_by_role("link", name="Parcel 000")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Parcel 001")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("gridcell", name=re.compile("^Location, "))).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("!document.activeElement.closest('.row')"), "one stop of Tab in the whole grid"


def paste(page: Page, text: str) -> None:
    """Paste a text where the focus is, as the browser tells a page about it."""
    page.evaluate(
        """text => { const data = new DataTransfer(); data.setData('text/plain', text);
        document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true})); }""",
        text,
    )


def test_L10_a_block_is_pasted_as_one_change(page: Page, site: Site) -> None:
    show(page, site, "?cols=name,location,pieces,kind")
    before = {i: stored(site, f"Parcel {i:03}") for i in range(20, 25)}
    cell(page, "Parcel 020", "Location").click()
    lines = [f"Town {i}\t{100 + i}\t{'Tube' if i % 2 else 'Box'}" for i in range(5)]
    lines[2] = "Town 2\tmany\tBox"
    paste(page, "\r\n".join(lines) + "\r\n")
    dialog = page.get_by_role("dialog", name="Paste into 5 rows")
    expect(dialog).to_contain_text("Town 4")
    dialog.get_by_role("button", name="Paste").click()
    toast = page.locator(".toast", has_text="Pasted")
    expect(toast).to_contain_text("14 cells, 1 left out")
    expect(cell(page, "Parcel 020", "Location")).to_have_text("Town 0")
    wrong = cell(page, "Parcel 022", "Pieces")
    expect(wrong).to_have_class(re.compile("bad"))
    expect(wrong).to_contain_text("many")
    now = {i: stored(site, f"Parcel {i:03}") for i in range(20, 25)}
    assert [now[i]["location"] for i in now] == [f"Town {i}" for i in range(5)]
    assert [now[i]["pieces"] for i in now] == [100, 101, before[22]["pieces"], 103, 104]
    assert [now[i]["kind"] for i in now] == ["box", "tube", "box", "tube", "box"]
    toast.get_by_role("button", name="Undo").click()
    expect(cell(page, "Parcel 020", "Location")).to_have_text(before[20]["location"])
    for i in before:
        again = stored(site, f"Parcel {i:03}")
        assert [again[name] for name in ("location", "pieces", "kind")] == [
            before[i][name] for name in ("location", "pieces", "kind")
        ]


def test_blocks_are_copied_filled_down_and_cleared(page: Page, site: Site) -> None:
    show(page, site, "?cols=name,location,pieces,price,kind")
    cell(page, "Parcel 030", "Location").click()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    copied = page.evaluate(
        """() => { const data = new DataTransfer();
        document.activeElement.dispatchEvent(new ClipboardEvent('copy', {clipboardData: data, bubbles: true, cancelable: true}));
        return data.getData('text/plain'); }"""
    )
    assert copied == "Hull\t30\t40.50 EUR\nBath\t31\t41.50 EUR"
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Control+d")
    expect(page.locator(".toast", has_text="Filled down: 6 cells")).to_be_visible()
    expect(cell(page, "Parcel 032", "Location")).to_have_text("Hull")
    expect(cell(page, "Parcel 032", "Price")).to_have_text("€40.50")
    page.keyboard.press("Delete")
    expect(page.locator(".toast", has_text="Cleared: 9 cells")).to_be_visible()
    expect(cell(page, "Parcel 031", "Pieces")).to_have_text("")
    page.keyboard.press("Control+z")
    expect(cell(page, "Parcel 031", "Pieces")).to_have_text("30")
    page.keyboard.press("Control+z")
    expect(cell(page, "Parcel 031", "Pieces")).to_have_text("31")
    expect(cell(page, "Parcel 032", "Location")).to_have_text("Leeds")


def test_rows_are_selected_changed_together_and_undone(page: Page, site: Site) -> None:
    show(page, site)
    page.get_by_role("link", name="Parcel 040").focus()
    page.keyboard.press("x")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+X")
    bar = page.get_by_role("toolbar", name="Actions on the selected rows")
    expect(bar).to_contain_text("3 selected")
    bar.get_by_role("button", name="Set field").click()
    dialog = page.get_by_role("dialog", name="Set a field")
    dialog.get_by_label("Field", exact=True).select_option("kind")
    dialog.get_by_role("combobox", name="Kind").fill("tub")
    page.keyboard.press("Enter")
    plan = page.get_by_role("dialog", name="Change Kind on 3 records")
    expect(plan).to_contain_text("2 will change")
    expect(plan).to_contain_text("1 have it already")
    plan.get_by_role("button", name="Change Kind").click()
    toast = page.locator(".toast", has_text="Kind changed: 2 records")
    expect(cell(page, "Parcel 040", "Kind")).to_have_text("Tube")
    expect(bar).to_have_count(0)
    toast.get_by_role("button", name="Undo").click()
    expect(cell(page, "Parcel 040", "Kind")).to_have_text("Box")
    # A stage that needs a value: those without it are left out, and it is said why.
    page.get_by_role("link", name="Parcel 041").focus()
    page.keyboard.press("x")
    bar.get_by_role("button", name="Stage").click()
    page.get_by_role("dialog", name="Change Stage").get_by_role("combobox").fill("sent")
    page.keyboard.press("Enter")
    plan = page.get_by_role("dialog", name="Change Stage on 1 records")
    expect(plan).to_contain_text("1 will be left out")
    plan.get_by_role("button", name="Cancel").click()
    with page.expect_download() as download:
        bar.get_by_role("button", name="Export").click()
    text = download.value.path().read_text("utf-8-sig")
    assert text.splitlines()[0].startswith("Name,Location,Pieces") and "Parcel 041,York,41" in text


def numbers(site: Site, function: str, field: str, condition: str = "") -> Any:
    """What the database says."""
    body: dict[str, Any] = {"measures": [{"function": function, "field": field, "as": "n"}]}
    if condition:
        body["filter"] = condition
    return site.api("POST", "/records/parcels/aggregate", json=body)["data"][0]["n"]


def test_columns_are_hidden_ordered_pinned_and_widened(page: Page, site: Site) -> None:
    show(page, site, "?cols=name,location,pieces,price,kind,stage")

    def heads() -> list[str]:
        found: list[str] = page.locator(".grid .head .clip").all_inner_texts()
        return found

    def menu(label: str, item: str) -> None:
        button = page.get_by_role("button", name=f"Column {label}")
        button.focus()
        button.press("Enter")
        page.get_by_role("menuitem", name=item).or_(page.get_by_role("menuitemradio", name=item)).click()

    menu("Price", "Move left")
    page.wait_for_url(re.compile("cols=name%2Clocation%2Cprice%2Cpieces"))
    ready(page)
    assert heads()[:4] == ["Parcel", "Location", "Price", "Pieces"] or heads()[1:4] == ["Location", "Price", "Pieces"]
    menu("Kind", "Hide")
    page.wait_for_url(re.compile("cols=name%2Clocation%2Cprice%2Cpieces%2Cstage"))
    ready(page)
    assert "Kind" not in heads()
    before = page.get_by_role("columnheader", name="Location").bounding_box()
    menu("Location", "Wider")
    page.wait_for_url(re.compile("w=location"))
    after = page.get_by_role("columnheader", name="Location").bounding_box()
    assert before and after and round(after["width"] - before["width"]) == 24
    menu("Pieces", "Keep in view")
    page.wait_for_url(re.compile("pin=pieces"))
    ready(page)
    assert heads()[1] == "Pieces"
    page.set_viewport_size({"width": 900, "height": 700})
    left = page.evaluate(
        "() => { const wrap = document.querySelector('.grid-wrap'); wrap.scrollLeft = 400;"
        " return document.querySelectorAll('.grid .row > .td')[1].getBoundingClientRect().left - wrap.getBoundingClientRect().left; }"
    )
    assert left >= 190, "a pinned column stays beside the first one"
    page.set_viewport_size({"width": 1440, "height": 900})
    # By pointer: the head of a column is dragged to another place, its edge to another width.
    stage, location = page.get_by_role("columnheader", name="Stage"), page.get_by_role("columnheader", name="Location")
    a, b = stage.bounding_box(), location.bounding_box()
    assert a and b
    page.mouse.move(a["x"] + 20, a["y"] + 15)
    page.mouse.down()
    page.mouse.move(b["x"] + 60, b["y"] + 15, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("cols=name%2Cpieces%2Cstage%2Clocation"))
    ready(page)
    page.keyboard.press("o")
    dialog = page.get_by_role("dialog", name="Columns")
    dialog.get_by_role("checkbox", name="Weight").check()
    dialog.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile("weight"))
    ready(page)
    assert "Weight" in heads()


def test_groups_fold_and_sums_are_those_of_the_database(page: Page, site: Site) -> None:
    show(page, site, "?cols=name,location,pieces,price&group=kind&agg=pieces:sum,price:avg&sort=name")
    groups = page.locator(".row.group")
    expect(groups).to_have_count(2)
    for n, kind in enumerate(("box", "tube")):
        count = site.api("GET", "/records/parcels", params={"filter": f"kind == '{kind}'", "count": "exact"})["count"]
        expect(groups.nth(n).locator(".count")).to_have_text(str(count["value"]))
        expect(groups.nth(n).locator(".td").nth(2)).to_have_text(
            f"{numbers(site, 'sum', 'pieces', f'kind == {kind!r}'):,}"
        )
    sums = page.locator(".row.sums")
    expect(sums.locator("[data-sum=pieces] data")).to_have_text(f"{numbers(site, 'sum', 'pieces'):,}")
    average = numbers(site, "avg", "price")
    expect(sums.locator("[data-sum=price] data")).to_have_attribute("value", average["amount"])
    groups.first.get_by_role("link").click()
    page.wait_for_url(re.compile("fold=box"))
    ready(page)
    expect(page.locator(".row.group")).to_have_count(2)
    expect(page.locator(".row.group").first.locator("a.fold")).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#list-rows > .row[data-id]").first).to_contain_text("Parcel 000")
    expect(page.locator(".row.group").first).to_contain_text("Box")
    # A number that is changed changes the sums.
    before = numbers(site, "sum", "pieces")
    at = cell(page, "Parcel 003", "Pieces")
    at.click()
    page.keyboard.type("1003")
    page.keyboard.press("Enter")
    expect(page.locator(".row.sums [data-sum=pieces] data")).to_have_text(f"{before - 3 + 1003:,}")
    page.keyboard.press("Control+z")
    expect(page.locator(".row.sums [data-sum=pieces] data")).to_have_text(f"{before:,}")


def test_groups_go_on_over_pages(page: Page, site: Site) -> None:
    show(page, site, "?cols=name,location&group=location&n=25&sort=name")
    expect(page.locator(".row.group").first).to_be_visible()
    for count in (50, 60):
        page.get_by_role("link", name="Load more").click()
        expect(page.locator("#list-rows > .row[data-id]")).to_have_count(count)
    texts = page.locator(".row.group > .td:first-child").all_inner_texts()
    assert len(texts) == len(set(texts)) >= 4
    counts = [int(text.split()[-1]) for text in texts]
    assert sum(counts) == 60


def test_L5_back_from_a_record_finds_the_list_as_it_was(page: Page, site: Site) -> None:
    page.set_viewport_size({"width": 1000, "height": 500})
    show(page, site, "?cols=name,location,pieces&sort=-pieces&filter=pieces%20%3E%203")
    url = page.url
    page.keyboard.press("j")
    cell(page, "Parcel 040", "Location").click()
    where = "document.querySelector('.grid-wrap').scrollTop"
    top = page.evaluate(where)
    assert top > 100
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.is_navigation_request() else None)
    page.goto(site.url + "/m/parcels/" + str(stored(site, "Parcel 040")["id"]))
    asked.clear()
    page.evaluate("history.back()")
    page.wait_for_url(url)
    ready(page)
    assert len([one for one in asked if "/m/parcels" in one]) <= 1
    expect(cell(page, "Parcel 040", "Location")).to_be_focused()
    assert abs(page.evaluate(where) - top) <= 2
    assert page.locator(".grid .head .clip").all_inner_texts()[1:] == ["Location", "Pieces"]


def test_L6_L8_a_module_opens_as_it_was_left(page: Page, site: Site) -> None:
    show(page, site)
    expect(page.locator("#view-bar")).to_be_hidden()
    with page.expect_response(lambda answer: "/me/state/parcels" in answer.url and answer.ok):
        show(page, site, "?view=all&filter=location%20%3D%3D%20'Leeds'&sort=-pieces")
    bar = page.locator("#view-bar")
    expect(bar).to_be_visible()
    expect(bar).to_contain_text("Edited")
    rows = page.locator("#list-rows > .row[data-id]").all_inner_texts()
    page.reload()
    ready(page)
    assert page.locator("#list-rows > .row[data-id]").all_inner_texts() == rows
    page.goto(site.url + "/m/suppliers")
    page.locator("a.nav-item", has_text="Parcels").click()
    page.wait_for_url(re.compile(r"/m/parcels\?.*Leeds"))
    ready(page)
    expect(bar).to_be_visible()
    with page.expect_response(lambda answer: "/me/state/parcels" in answer.url and answer.ok):
        page.locator(".fchip a").first.click()
        page.wait_for_url(lambda url: "Leeds" not in url)
    page.reload()
    ready(page)
    assert "Leeds" not in page.url
    expect(page.locator(".fchip")).to_have_count(0)
    with page.expect_response(lambda answer: "/me/state/parcels" in answer.url and answer.ok):
        bar.get_by_role("link", name="Reset").click()
        ready(page)
    expect(bar).to_be_hidden()
    page.goto(site.url + "/m/suppliers")
    page.locator("a.nav-item", has_text="Parcels").click()
    page.wait_for_url(re.compile(r"/m/parcels"))
    ready(page)
    expect(bar).to_be_hidden()


def test_L7_layouts_keep_the_filter(page: Page, site: Site) -> None:
    show(page, site, "?view=all&filter=location%20%3D%3D%20'Leeds'")
    total = page.locator("#list-foot").get_attribute("data-total")
    page.get_by_role("link", name="Board").click()
    page.wait_for_url(re.compile("layout=board"))
    assert "Leeds" in page.url
    page.get_by_role("link", name="List").click()
    page.wait_for_url(re.compile("layout=list"))
    expect(page.locator("#list-foot")).to_have_attribute("data-total", str(total))


def test_V3_views_are_saved_shared_and_not_changed_by_others(
    opening: Opening, page: Page, session: StorageState, site: Site
) -> None:
    show(
        page,
        site,
        "?view=all&cols=name,pieces,location&sort=-pieces&group=kind&agg=pieces:sum&filter=pieces%20%3E%2010",
    )
    page.locator("#view-bar").get_by_role("link", name="Save as").click()
    pop = page.locator("#view-pop")
    pop.get_by_label("Name of the view").fill("Heavy ones")
    pop.get_by_label("Who sees it").select_option("shared")
    pop.get_by_role("button", name="Save as a new view").click()
    page.wait_for_url(re.compile("view=[0-9a-f-]{36}$"))
    ready(page)
    tab = page.get_by_role("link", name="Heavy ones")
    expect(tab).to_have_attribute("aria-current", "page")
    expect(page.locator("#view-bar")).to_be_hidden()
    expect(page.locator(".row.group").first).to_be_visible()
    expect(page.locator(".row.sums [data-sum=pieces]")).to_contain_text("Sum")
    expect(page.locator(".fchip")).to_have_count(1)
    url = page.url
    other = sign_in(opening(), site, "member")
    show(other, site, "?" + url.split("?")[1])
    expect(other.get_by_role("link", name="Heavy ones")).to_be_visible()
    total = other.locator("#list-foot").get_attribute("data-total")
    other.locator(".fchip a").first.click()
    other.wait_for_url(re.compile("fx=1"))
    ready(other)
    bar = other.locator("#view-bar")
    expect(bar).to_be_visible()
    expect(bar.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    assert other.locator("#list-foot").get_attribute("data-total") != total
    page.reload()
    ready(page)
    assert page.locator("#list-foot").get_attribute("data-total") == total
    # The owner changes it for all, V and a digit lead to it, a role begins with it, it is removed.
    show(page, site, "?" + url.split("?")[1] + "&sort=name")
    page.locator("#view-bar").get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile("view=[0-9a-f-]{36}$"))
    ready(page)
    expect(page.locator("#view-bar")).to_be_hidden()
    show(page, site, "?view=all")
    page.locator("h1").click()
    page.keyboard.press("v")
    page.keyboard.press("3")
    page.wait_for_url(re.compile("view=[0-9a-f-]{36}$"))
    ready(page)
    page.get_by_role("link", name="Settings of this view").click()
    pop.get_by_label("The view a role begins with").select_option("member")
    pop.get_by_role("button", name="Begin with this view").click()
    expect(page.locator(".toast")).to_contain_text("begins with this view")
    show(other, site, "")
    expect(other.get_by_role("link", name="Heavy ones")).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="Settings of this view").click()
    pop.get_by_label("Colour the records where").fill("pieces > 50")
    pop.get_by_role("button", name="Colour", exact=True).click()
    page.wait_for_url(re.compile("color=red"))
    ready(page)
    expect(page.locator("#list-rows .row[data-hue=red]").first).to_be_attached()
    page.get_by_role("link", name="Settings of this view").click()
    pop.get_by_role("button", name="Remove the view").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove the view").last.click()
    page.wait_for_url(re.compile(r"/m/parcels$"))
    expect(page.get_by_role("link", name="Heavy ones")).to_have_count(0)


CRATES = {
    "name": "crates", "label": "Crate", "label_plural": "Crates", "icon": "box", "title": "{{ name }}", "order": 40,
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True, "indexed": True},
        {"name": "size", "type": "integer", "label": "Size", "indexed": True},
        {"name": "closed", "type": "boolean", "label": "Closed"},
    ],
    "pipelines": [{"name": "way", "label": "Stage", "field": "stage", "stages": [
        {"name": "new", "label": "New", "category": "open"},
        {"name": "out", "label": "Out", "category": "open", "requires": ["size"]}]}],
    "views": [{"name": "all", "label": "All", "layout": "list", "default": True, "sort": ["name"], "columns": ["name", "size", "stage", "closed"]}],
}  # fmt: skip


@pytest.fixture(scope="module")
def crates(site: Site) -> int:
    """A module with 1,137 records, of which 12 cannot go into the stage that needs a size."""
    site.api("POST", "/modules", json=CRATES)
    rows = [{"name": f"Crate {i:04}", "stage": "new", **({"size": i} if i >= 12 else {})} for i in range(1137)]
    site.api("POST", "/records/crates/batch", json={"create": rows})
    return len(rows)


def test_L9_a_whole_view_changes_its_stage_as_a_job(page: Page, site: Site, crates: int) -> None:
    show(page, site, "?sort=name", "crates")
    page.get_by_role("link", name="Crate 0000").focus()
    page.keyboard.press("Control+a")
    bar = page.get_by_role("toolbar", name="Actions on the selected rows")
    expect(bar).to_contain_text("50 selected")
    bar.get_by_role("button", name=re.compile("Select all .* in this view")).click()
    expect(bar).to_contain_text("All 1,137 in this view are selected")
    bar.get_by_role("button", name="Stage").click()
    page.get_by_role("dialog", name="Change Stage").get_by_role("combobox").fill("out")
    page.keyboard.press("Enter")
    plan = page.get_by_role("dialog", name="Change Stage on 1,137 records")
    expect(plan).to_contain_text("1,125 will change", timeout=30_000)
    expect(plan).to_contain_text("12 will be left out")
    plan.get_by_role("button", name="Change Stage").click()
    expect(bar.locator("progress")).to_be_visible()
    site.work()
    toast = page.locator(".toast", has_text="Stage changed: 1,125 records, 12 left out")
    expect(toast).to_be_visible(timeout=30_000)

    def out() -> int:
        answer = site.api("GET", "/records/crates", params={"filter": "stage == 'out'", "count": "exact", "limit": 1})
        return int(answer["count"]["value"])

    assert out() == 1125
    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast", has_text="Undone")).to_be_visible(timeout=60_000)
    assert out() == 0


def test_L11_L14_a_thousand_rows_and_no_more(page: Page, site: Site, crates: int) -> None:
    show(page, site, "?n=100&sort=name", "crates")
    rows = page.locator("#list-rows > .row")
    for count in range(200, 1001, 100):
        page.get_by_role("link", name="Load more").click()
        expect(rows).to_have_count(count, timeout=15_000)
    expect(page.locator("#list-foot .limit")).to_contain_text("1,000 rows are shown")
    expect(page.get_by_role("link", name="Load more")).to_have_count(0)
    assert (
        page.evaluate("new Set([...document.querySelectorAll('#list-rows > .row')].map(row => row.dataset.id)).size")
        == 1000
    )
    # The numbers of the renderer are those of the benchmark; here: what is not seen costs nothing, and the end is reached.
    assert page.evaluate("getComputedStyle(document.querySelector('#list-rows > .row')).contentVisibility") == "auto"
    page.get_by_role("link", name="Crate 0999").focus()
    expect(page.get_by_role("link", name="Crate 0999")).to_be_in_viewport()


def test_by_touch_a_long_press_selects_and_taps_go_on(opening: Opening, session: StorageState, site: Site) -> None:
    page = opening(storage_state=session, viewport={"width": 390, "height": 844}, has_touch=True)
    show(page, site, "?view=all&sort=name")
    client = page.context.new_cdp_session(page)

    def touch(kind: str, name: str, dy: int = 0) -> None:
        box = page.get_by_role("link", name=name).bounding_box()
        assert box
        points = [] if kind == "touchEnd" else [{"x": box["x"] + 30, "y": box["y"] + 8 + dy}]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    # A finger that moves scrolls: nothing is selected, and nothing is opened.
    touch("touchStart", "Parcel 006")
    touch("touchMove", "Parcel 006", -30)
    touch("touchEnd", "Parcel 006")
    bar = page.get_by_role("toolbar", name="Actions on the selected rows")
    expect(bar).to_have_count(0)
    touch("touchStart", "Parcel 003")
    expect(bar).to_contain_text("1 selected")
    touch("touchEnd", "Parcel 003")
    expect(page.locator("#list-rows > .row.on")).to_have_count(1)
    # From now on a tap selects; the second tap on a row takes it out again.
    for name, count in (("Parcel 004", 2), ("Parcel 005", 3), ("Parcel 004", 2)):
        touch("touchStart", name)
        touch("touchEnd", name)
        expect(bar).to_contain_text(f"{count} selected")
    assert "/parcels/" not in page.url
    expect(bar).to_be_in_viewport(ratio=1)
    bar.get_by_role("button", name="Clear the selection").click()
    expect(bar).to_have_count(0)
    touch("touchStart", "Parcel 004")
    touch("touchEnd", "Parcel 004")
    expect(page.locator(".drawer h2, .rec-name").first).to_contain_text("Parcel 004")


def test_X1_a_hidden_field_is_nowhere_in_the_list(opening: Opening, site: Site) -> None:
    site.api("POST", "/roles", json={
        "name": "clerk", "label": "Clerk",
        "modules": {"parcels": {"see": "all", "edit": "all", "export": True}, "*": {"see": "all"}},
        "hidden_fields": {"parcels": ["secret"]},
    })  # fmt: skip
    member = next(one for one in site.api("GET", "/users")["data"] if one["email"] == "viewer@example.com")
    site.api("PATCH", f"/users/{member['id']}", json={"roles": ["clerk"]})
    page = sign_in(opening(), site, "viewer")
    show(page, site, "?cols=name,secret,location&group=secret&sort=secret&agg=secret:max")
    assert "mauve" not in page.content() and "Hidden colour" not in page.content()
    meta = page.evaluate("fetch(document.querySelector('xrm-grid').dataset.meta).then(answer => answer.text())")
    assert "secret" not in meta and "Hidden colour" not in meta
    status = page.evaluate(
        """id => fetch('/m/parcels/cells', {method: 'POST', headers: {'X-CSRF-Token': document.querySelector('[name=csrf-token]').content,
        'Content-Type': 'application/json'}, body: JSON.stringify({changes: [{id, field: 'secret', text: 'x'}]})}).then(answer => answer.json())""",
        stored(site, "Parcel 050")["id"],
    )
    assert status["ok"] == 0 and stored(site, "Parcel 050")["secret"] == "mauve"


TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_A1_the_list_with_everything_on_has_no_accessibility_problem(
    opening: Opening, session: StorageState, site: Site, axe: str, scheme: str
) -> None:
    page = opening(storage_state=session, color_scheme=scheme, bypass_csp=True)
    show(
        page, site, "?view=all&group=kind&agg=pieces:sum&pin=pieces&color=red~pieces%20%3E%2050&filter=pieces%20%3E%203"
    )
    page.get_by_role("link", name="Parcel 004").focus()
    page.keyboard.press("x")
    expect(page.get_by_role("toolbar", name="Actions on the selected rows")).to_be_visible()
    cell(page, "Parcel 005", "Kind").click()
    page.keyboard.press("Enter")
    expect(page.locator(".cell-list")).to_be_visible()
    page.evaluate(axe)
    for width in (1440, 1024, 390):
        page.set_viewport_size({"width": width, "height": 900})
        found = page.evaluate(
            "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}}).then(found => found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).slice(0, 3).join(' | ')))",
            TAGS,
        )
        assert found == [], f"{width} {scheme}"

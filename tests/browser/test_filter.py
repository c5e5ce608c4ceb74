"""The filter builder in a real browser: by keyboard, groups, links, related records, text both ways, counts, chips."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import Site
from tests.browser.test_workspace import TAGS, sign_in

PARTS: dict[str, object] = {
    "name": "parts", "label": "Part", "label_plural": "Parts", "title": "{{ code }}", "order": 90,
    "fields": [
        {"name": "code", "type": "text", "label": "Code"},
        {"name": "kind", "type": "select", "label": "Kind \"><img src=x>", "options": [{"name": "a", "label": "<b>A</b>"}, {"name": "b", "label": "B"}]},
        {"name": "secret", "type": "text", "label": "Secret"},
    ],
    "links": [{"name": "order", "label": "Order", "to": ["orders"], "inverse": {"name": "parts", "label": "Parts"}}],
}  # fmt: skip


@pytest.fixture(scope="module")
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("filters")).start()
    found.api("POST", "/modules", json=PARTS)
    orders = found.api("GET", "/records/orders", params={"limit": 3, "sort": "subject"})["data"]
    for number, order in enumerate(orders):
        kind = "a" if number else "b"
        found.api("POST", "/records/parts", json={"code": f"P{number}", "kind": kind, "order": order["id"]})
    yield found
    found.stop()


def opened(page: Page, address: str) -> Locator:
    page.goto(address)
    page.locator("xrm-filter [popovertarget]").wait_for()
    page.keyboard.press("f")
    popup = page.locator("#filter-pop")
    expect(popup.locator("form")).to_be_visible()
    return popup


def choose(row: Locator, field: str) -> None:
    box = row.locator(".ffield input")
    box.fill(field)
    row.page.get_by_role("option", name=field, exact=True).click()


def shown(page: Page) -> int:
    text = page.locator("#list-foot").inner_text()
    found = re.search(r"[\d,]+", text)
    assert found, text
    return int(found.group().replace(",", ""))


@pytest.mark.parametrize(
    ("field", "operator", "value", "count"),
    [
        ("Status", "is any of", "Paused", 30),
        ("Stage", "is any of", "Done", 40),
        ("Tags", "has any of", "Paper", 40),
        ("Rush", "is", "Yes", 12),
        ("Subject", "contains", "steel", 80),
        ("Value", "is more than", "1100", 19),
        ("Supplier", "is", "Łódź Optyka", 20),
        ("Due", "is before", "2026-05-01", 24),
        ("Supplier › E-mail", "ends with", "3@example.com", 20),
    ],
)
def test_V2_the_count_beside_apply_is_the_total_of_the_list(
    page: Page, site: Site, field: str, operator: str, value: str, count: int
) -> None:
    popup = opened(page, site.url + "/m/orders")
    row = popup.locator(".frow").first
    choose(row, field)
    row.locator(".fop").select_option(label=operator)
    if row.locator(".chip").count():
        row.locator(".chip", has_text=value).click()
    elif field == "Supplier":
        row.locator(".fvalue input[role=combobox]").fill(value)
        page.get_by_role("option", name=value).click()
    elif row.locator(".fvalue select").count():
        row.locator(".fvalue select").select_option(label=value)
    else:
        row.get_by_label("Value").fill(value)
    expect(popup.locator(".fcount")).to_have_text(f"{count} match")
    popup.get_by_role("button", name="Apply").click()
    page.wait_for_url(re.compile("filter="))
    expect(page.locator(".fchip")).to_have_count(1)
    expect(page.locator(".fchip")).to_contain_text({"Due": "May 1, 2026", "Value": "1,100"}.get(field, value))
    assert shown(page) == count


def test_V1_built_by_keyboard_alone_and_the_same_as_text(page: Page, site: Site) -> None:
    opened(page, site.url + "/m/orders")
    expect(page.locator(".frow .ffield input")).to_be_focused()
    page.keyboard.type("status")
    expect(page.get_by_role("option", name="Status", exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".fop")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.locator(".fcount")).to_have_text("90 match")
    page.get_by_role("button", name="Group", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".fgroup.inner .ffield input")).to_be_focused()
    page.keyboard.type("rush")
    expect(page.get_by_role("option", name="Rush", exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".fcount")).to_have_text("6 match")
    page.get_by_role("button", name="Text", exact=True).focus()
    page.keyboard.press("Enter")
    area = page.get_by_label("Filter as text")
    expect(area).to_have_value("status in ['active'] and rush == true")
    area.fill("status in ['active'] and (rush == true or len(subject) < 3) and due > today() + days(10)")
    expect(page.locator(".fcount")).not_to_have_text("6 match")
    page.get_by_role("button", name="Conditions", exact=True).click()
    expect(page.locator(".fgroup.inner input.mono")).to_have_value("len(subject) < 3")
    expect(page.locator(".frow select.fop").last).to_have_value("after_next")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile("filter="))
    expect(page.locator(".fchip")).to_have_count(3)
    # Chips take conditions away one at a time; Shift+F all of them.
    page.locator(".fchip", has_text="Due").get_by_role("link").click()
    expect(page.locator(".fchip")).to_have_count(2)
    assert shown(page) == 6
    page.keyboard.press("Shift+F")
    expect(page.locator(".fchip")).to_have_count(0)
    assert shown(page) == 120


def test_V4_has_no_related_records_in_a_module_just_made(page: Page, site: Site) -> None:
    popup = opened(page, site.url + "/m/orders")
    row = popup.locator(".frow").first
    choose(row, "Parts")
    row.locator(".fop").first.select_option(label="has no")
    expect(popup.locator(".fcount")).to_have_text("117 match")
    row.get_by_role("button", name="Condition", exact=True).click()
    inner = row.locator(".frow")
    choose(inner, 'Kind "><img src=x>')
    inner.locator(".chip", has_text="<b>A</b>").click()
    expect(popup.locator(".fcount")).to_have_text("118 match")
    popup.get_by_role("button", name="Apply").click()
    page.wait_for_url(re.compile("filter="))
    assert "none(parts, kind in ['a'])" in page.evaluate("new URL(location).searchParams.get('filter')")
    expect(page.locator(".fchip")).to_contain_text("has no")
    expect(page.locator(".fchip")).to_contain_text("<b>A</b>")
    assert shown(page) == 118
    truth = site.api(
        "GET", "/records/orders", params={"filter": "count(parts, kind == 'a') == 0", "limit": 1, "count": "exact"}
    )
    assert truth["count"]["value"] == 118


def test_the_filter_is_where_it_was_after_reload_and_in_the_builder(page: Page, site: Site) -> None:
    supplier = site.api("GET", "/records/suppliers", params={"filter": "name == 'Kiln & Co'"})["data"][0]["id"]
    popup = opened(page, f"{site.url}/m/orders?f=supplier~eq~{supplier}&filter=rush == true")
    expect(popup.locator(".frow")).to_have_count(2)
    expect(popup.locator(".frow").first.locator(".fvalue input")).to_have_value("Kiln & Co")
    page.keyboard.press("Escape")
    expect(popup).to_be_hidden()
    page.reload()
    expect(page.locator(".fchip", has_text="Kiln & Co")).to_be_visible()
    expect(page.locator(".fchip")).to_have_count(2)


def test_a_wrong_text_is_explained_and_nothing_is_lost(page: Page, site: Site) -> None:
    popup = opened(page, site.url + "/m/orders")
    popup.get_by_role("button", name="Text", exact=True).click()
    popup.get_by_label("Filter as text").fill("statos == 'x'")
    expect(popup.get_by_role("alert")).to_contain_text("status")
    popup.get_by_role("button", name="Apply").click()
    expect(popup.get_by_label("Filter as text")).to_have_value("statos == 'x'")
    page.goto(site.url + "/m/orders?filter=nonsense%20%3D%3D%201")
    expect(page.get_by_role("alert")).to_contain_text("nonsense")


def test_X1_a_hidden_field_is_not_offered(opening: Opening, site: Site) -> None:
    site.api(
        "POST",
        "/roles",
        json={
            "name": "clerk",
            "label": "Clerk",
            "modules": {"parts": {"see": "all", "edit": "all"}},
            "hidden_fields": {"parts": ["secret"]},
        },
    )
    me = site.api("GET", "/users")["data"]
    member = next(user for user in me if user["email"] == "member@example.com")
    site.api("PATCH", f"/users/{member['id']}", json={"roles": ["clerk"]})
    page = sign_in(opening(), site, "member")
    popup = opened(page, site.url + "/m/parts")
    expect(popup.locator("option", has_text="Code")).to_have_count(1)
    expect(popup.locator("option", has_text="Secret")).to_have_count(0)
    answer = page.request.get(site.url + "/m/parts/filters")
    assert "secret" not in answer.text().lower() and "code" in answer.text()
    site.api("PATCH", f"/users/{member['id']}", json={"roles": ["member"]})


@pytest.mark.parametrize("look", ["light", "dark", "phone", "german"])
def test_A1_the_builder_is_accessible(opening: Opening, session: StorageState, site: Site, axe: str, look: str) -> None:
    more = (
        {"viewport": {"width": 390, "height": 844}, "has_touch": True}
        if look == "phone"
        else {"color_scheme": "dark" if look == "dark" else "light"}
    )
    page = opening(storage_state=session, bypass_csp=True, locale="de-DE" if look == "german" else "en-US", **more)
    page.goto(
        site.url
        + "/m/orders?filter=rush == true and (due > today() %2B days(3) or none(parts, is_empty(code))) and len(subject) > 2"
    )
    page.locator("xrm-filter [popovertarget]").click()
    expect(page.locator(".fcount")).not_to_be_empty()
    if look == "german":
        expect(page.locator(".fcount")).to_contain_text("passen")
        expect(page.locator(".fhead")).to_contain_text("Bedingungen")
    page.evaluate(axe)
    found = page.evaluate("tags => axe.run(document.querySelector('#filter-pop'), {runOnly: tags})", TAGS)
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_scripts_a_simple_form_filters(opening: Opening, session: StorageState, site: Site) -> None:
    page = opening(storage_state=session, java_script_enabled=False)
    page.goto(site.url + "/m/orders")
    form = page.locator(".nojs-filter")
    form.get_by_label("Field").select_option("status")
    form.get_by_label("Condition").select_option("in")
    form.get_by_label("Value").fill("paused")
    form.get_by_role("button", name="Add filter").click()
    expect(page.locator("#list-foot")).to_contain_text("30 records")
    page.locator(".fchip a").click()
    expect(page.locator("#list-foot")).to_contain_text("120 records")

"""The designer in the browser: modules made by keyboard and by drag, reviewed, published, rolled back."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import Site
from tests.browser.test_workspace import TAGS

SHOTS = os.environ.get("XRM_SHOTS")


@pytest.fixture(scope="module", autouse=True)
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("site")).start()
    yield found
    found.stop()


@pytest.fixture
def page(opening: Opening, session: StorageState, site: Site) -> Iterator[Page]:
    yield opening(storage_state=session)
    # A draft belongs to the person: the next test begins without one.
    made = httpx.Client(base_url=site.url, cookies={one["name"]: one["value"] for one in session["cookies"]})
    text = made.get("/design").text
    token = re.search(r'name="csrf-token" content="([^"]+)"', text)
    assert token is not None
    made.post("/design/discard", data={"_csrf": token[1]})


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))


def labels(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".part .name").all_inner_texts()]


def test_E2_E3_a_module_is_built_with_the_keyboard_alone_and_is_at_once_everywhere(page: Page, site: Site) -> None:
    keys = page.keyboard
    page.goto(site.url + "/design")
    page.get_by_label("One record is called").focus()
    keys.type("Interviewer training")
    keys.press("Tab")
    keys.type("Interviewer trainings")
    keys.press("Enter")
    page.wait_for_url("**/design/interviewer_trainings")
    for kind, label in (
        ("date", "Held on"),
        ("money", "Cost"),
        ("select", "Kind"),
        ("boolean", "Online"),
        ("url", "Page"),
    ):
        page.get_by_label("Find a type").focus()
        keys.press("Control+a")
        keys.type(kind)
        expect(page.locator(".kinds > li:not([hidden])").first).to_contain_text(re.compile(kind, re.I))
        keys.press("Enter")
        title = page.locator(".set [name='s.label.en']")
        expect(title).to_be_focused()
        expect(title).to_have_value(re.compile(f"{kind}|Url", re.I))
        keys.press("Control+a")
        keys.type(label)
        keys.press("Tab")
        expect(page.locator(".part .name", has_text=label)).to_be_visible()
        expect(page.locator(".preview")).to_contain_text(label)
    assert labels(page) == ["Name", "Held on", "Cost", "Kind", "Online", "Page"]
    # Space lifts a field, arrows carry it, Space drops it.
    page.locator(".part .name", has_text="Page").focus()
    for key in (" ", "ArrowUp", "ArrowUp", " "):
        keys.press(key)
    expect(page.locator(".part .name").nth(3)).to_contain_text("Page")
    expect(page.locator(".preview label, .preview .label").nth(3)).to_contain_text("Page")
    shot(page, "design-fields")

    page.goto(site.url + "/design/interviewer_trainings?tab=links&new=1")
    page.locator("[name='s.label.en']").focus()
    keys.type("Supplier")
    page.locator("[name='s.to']").focus()
    keys.type("suppliers")
    page.get_by_role("button", name="Add", exact=True).focus()
    keys.press("Enter")
    shot(page, "design-link")
    expect(page.locator(".part .name", has_text="Supplier")).to_be_visible()
    for label, category in (("Planned", "open"), ("Running", "open"), ("Done", "won")):
        page.goto(site.url + "/design/interviewer_trainings?tab=stages&new=1")
        page.locator("[name='s.label.en']").focus()
        keys.type(label)
        page.locator("[name='s.category']").focus()
        keys.type(category)
        page.locator("[name='s.label.en']").focus()
        keys.press("Enter")
        expect(page.locator(".part .name", has_text=label)).to_be_visible()
    shot(page, "design-stages")

    page.get_by_role("link", name="Review and publish").focus()
    keys.press("Enter")
    expect(page.locator(".change").first).to_contain_text("Interviewer training")
    shot(page, "design-review")
    page.get_by_label("What is this for?").focus()
    keys.type("Training of interviewers")
    keys.press("Enter")
    expect(page.locator("xrm-toasts")).to_contain_text("is published")

    page.goto(site.url + "/m/interviewer_trainings/new")
    for label in ("Name", "Held on", "Cost", "Kind", "Online", "Page", "Supplier"):
        expect(page.locator(".record-form").locator("label, .label").filter(has_text=label).first).to_be_visible()
    made = site.api("POST", "/records/interviewer_trainings", json={"name": "Asking well", "held_on": "2026-05-02"})
    assert made["stage"] == "planned"
    found = site.api("GET", "/records/interviewer_trainings", params={"filter": "held_on > '2026-05-01'"})
    assert [one["name"] for one in found["data"]] == ["Asking well"]
    assert [one["title"] for one in site.api("GET", "/search", params={"q": "asking"})["data"]] == ["Asking well"]
    page.goto(site.url + "/m/interviewer_trainings?layout=board")
    expect(page.locator(".card", has_text="Asking well")).to_be_visible()


def drag(page: Page, start: Any, end: Any, place: str = "bottom") -> None:
    a, b = start.bounding_box(), end.bounding_box()
    assert a and b
    page.mouse.move(a["x"] + 20, a["y"] + a["height"] / 2)
    page.mouse.down()
    page.mouse.move(a["x"] + 30, a["y"] + a["height"] / 2 + 12, steps=4)
    page.mouse.move(b["x"] + 40, b["y"] + (b["height"] - 4 if place == "bottom" else 4), steps=12)
    page.mouse.move(b["x"] + 42, b["y"] + (b["height"] - 3 if place == "bottom" else 3), steps=3)
    page.mouse.up()


def test_E1_a_type_is_dragged_between_two_fields_and_the_preview_has_it(page: Page, site: Site) -> None:
    page.goto(site.url + "/design/suppliers")
    before = labels(page)
    expect(page.locator("xrm-designer:defined")).to_have_count(1)
    drag(page, page.locator(".kinds [data-type=date] .kind"), page.locator(".part").nth(1))
    expect(page.locator(".part")).to_have_count(len(before) + 1)
    after = labels(page)
    assert after.index("Date") in (1, 2) and [one for one in after if one != "Date"] == before
    expect(page.locator(".preview")).to_contain_text("Date")
    expect(page.locator(".draft-bar")).to_contain_text("1 change")
    page.locator(".draft-bar").get_by_role("button", name="Undo").click()
    expect(page.locator(".part")).to_have_count(len(before))


def test_E1_a_field_dragged_to_another_place_stays_there(page: Page, site: Site) -> None:
    page.goto(site.url + "/design/orders")
    before = labels(page)
    with page.expect_response("**/do"):
        drag(page, page.locator(".part .name").nth(0), page.locator(".part").nth(2))
    expect(page.locator(".draft-bar")).to_contain_text("1 change")
    after = labels(page)
    assert after[2] == before[0] and after[:2] == before[1:3]
    page.reload()
    assert labels(page) == after


def test_E4_broken_json_cannot_be_taken_and_a_schema_error_names_its_path(page: Page, site: Site) -> None:
    page.goto(site.url + "/design/orders?tab=json")
    editor = page.locator("[data-editor] .cm-content")
    expect(editor).to_be_visible()
    text = page.locator("#design-json")
    whole = text.input_value()
    button = page.get_by_role("button", name="Take into the draft")

    def write(wanted: str) -> None:
        editor.focus()
        page.keyboard.press("Control+a")
        page.keyboard.insert_text(wanted)
        expect(text).to_have_value(wanted)

    write(whole.replace('"name": "orders"', '"name": "orders",,'))
    expect(page.locator("[data-json-error]")).to_contain_text("Line")
    expect(button).to_be_disabled()
    write(whole.replace('"type": "text"', '"type": "gold"', 1))
    expect(button).to_be_enabled()
    page.keyboard.press("Control+Home")
    # The line of the field is marked, and says where and what.
    expect(page.locator("[data-editor] .cm-lint-marker-error")).not_to_have_count(0)
    button.click()
    expect(page.locator(".design-error")).to_contain_text("gold")
    shot(page, "design-json")
    page.goto(site.url + "/design/orders?tab=json")
    assert page.locator("#design-json").input_value() == whole
    # Names of settings are offered from the schema.
    expect(editor).to_be_visible()
    editor.focus()
    page.keyboard.press("Control+Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.type(' "subti')
    option = page.locator("[data-editor] .cm-tooltip-autocomplete li", has_text="subtitle")
    expect(option).to_be_visible()
    shot(page, "design-json-completion")


def test_E5_taking_a_field_away_shows_how_many_records_have_it_and_wants_its_name(page: Page, site: Site) -> None:
    site.api("POST", "/modules/orders/fields", json={"name": "fax", "type": "text", "label": "Fax"})
    some = site.api("GET", "/records/orders", params={"limit": 3})["data"]
    for one in some:
        site.api("PATCH", f"/records/orders/{one['id']}", json={"fax": "0123"})
    page.goto(site.url + "/design/orders?tab=fields&node=module/orders/fields/fax")
    page.locator(".panel").get_by_role("button", name="Archive").click()
    expect(page.locator(".draft-bar")).to_be_visible()
    page.get_by_role("link", name="Review and publish").click()
    change = page.locator(".change", has_text="Fax").first
    expect(change).to_contain_text("3")
    expect(change).to_contain_text("destructive")
    shot(page, "design-destructive")
    page.get_by_role("button", name="Publish").click()
    assert page.url.endswith("/design/review")
    change.locator("input").fill("fax")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("xrm-toasts")).to_contain_text("is published")
    page.goto(site.url + "/design/history")
    shot(page, "design-history")
    page.locator(".versions > li").nth(1).get_by_role("button", name="Roll back to this").click()
    if page.locator("dialog[open]").count():
        page.locator("dialog[open] .btn.primary").click()
    expect(page.locator("xrm-toasts")).to_contain_text("is published")
    assert site.api("GET", f"/records/orders/{some[0]['id']}")["fax"] == "0123"


def test_options_are_added_coloured_and_archived_and_labels_speak_two_languages(page: Page, site: Site) -> None:
    page.goto(site.url + "/design/orders?tab=fields&node=module/orders/fields/status")
    page.get_by_label("New options, separated by commas").fill("Waiting, On hold")
    page.keyboard.press("Enter")
    expect(page.locator(".options li")).to_have_count(4)
    with page.expect_response("**/do"):
        page.get_by_label("Colour of waiting").select_option("pink")
    expect(page.locator(".preview")).to_contain_text("Status")
    page.locator("[name='s.label.de']").fill("Zustand")
    with page.expect_response("**/do"):
        page.locator("[name='s.label.de']").blur()
    shot(page, "design-options")
    page.reload()
    expect(page.locator("[name='s.label.de']")).to_have_value("Zustand")
    expect(page.get_by_label("Colour of waiting")).to_have_value("pink")


def test_what_is_wrong_is_told_beside_the_setting_and_cannot_be_published(page: Page, site: Site) -> None:
    page.goto(site.url + "/design/orders?tab=fields&node=module/orders/fields/double")
    page.locator("[name='s.formula']").fill("pieces * nothing")
    page.locator("[name='s.formula']").blur()
    expect(page.locator("[data-setting=formula] .err, .design-error").first).to_contain_text("nothing")
    shot(page, "design-wrong")


def test_a_formula_shows_its_result_while_it_is_typed_and_offers_names(page: Page, site: Site) -> None:
    page.goto(site.url + "/design/orders?tab=fields&node=module/orders/fields/double")
    area = page.locator("[name='s.formula']")
    says = page.locator("[data-setting=formula] .formula-says")
    expect(says).to_contain_text("integer")
    area.fill("")
    area.press_sequentially("supplier.fou")
    option = page.locator("[data-setting=formula]").get_by_role("option").first
    expect(option).to_contain_text("founded")
    area.press("Tab")
    expect(area).to_have_value("supplier.founded")
    expect(says).to_contain_text("date")
    area.fill("pieces * nothing")
    expect(says).to_contain_text("Character 10")
    shot(page, "design-formula")


def test_E6_with_two_hundred_fields_the_designer_shows_and_moves_them(page: Page, site: Site) -> None:
    fields = [{"name": f"f{n}", "type": "text", "label": f"Field {n}"} for n in range(200)]
    if "wide" not in [one["name"] for one in site.api("GET", "/modules")["data"]]:
        site.api(
            "POST",
            "/modules",
            json={"name": "wide", "label": "Wide", "label_plural": "Wides", "title": "{{ f0 }}", "fields": fields},
        )
    page.goto(site.url + "/design/wide")
    expect(page.locator(".part")).to_have_count(200)
    expect(page.locator("xrm-designer:defined")).to_have_count(1)
    page.locator(".part .name", has_text="Field 3").first.focus()
    for key in (" ", "ArrowDown", " "):
        page.keyboard.press(key)
    expect(page.locator(".draft-bar")).to_contain_text("change")
    assert labels(page)[3:5] == ["Field 4", "Field 3"]


def test_a_layout_of_a_role_is_arranged_with_the_keyboard_and_seen_as_that_role(page: Page, site: Site) -> None:
    page.goto(site.url + "/design/orders?tab=layouts&new=1")
    page.locator("[name='s.label.en']").fill("Short")
    page.get_by_role("checkbox", name="Viewer").check()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".part.selected .name")).to_have_text("Short")
    rest = page.locator("ol.part-list[data-section$='/rest']")
    expect(rest.locator(".name", has_text="Remarks")).to_be_visible()
    hidden = page.locator("ol.part-list[data-section$='/hidden']")
    last = rest.locator(".part .name").last
    name = last.inner_text().strip()
    last.focus()
    for key in (" ", "ArrowDown"):
        page.keyboard.press(key)
    with page.expect_response("**/do"):
        page.keyboard.press(" ")
    expect(hidden.locator(".name")).to_have_text([name])
    shot(page, "design-layout")
    preview = page.locator(".preview")
    expect(preview.locator("label, .label", has_text=name)).to_have_count(1)
    page.get_by_label("As which role").select_option("viewer")
    preview.get_by_role("button", name="Show").click()
    page.wait_for_url("**as=viewer**")
    expect(preview.locator("label, .label", has_text=name)).to_have_count(0)


def test_a_condition_is_put_together_from_rows_and_stays_text(page: Page, site: Site) -> None:
    page.goto(site.url + "/design/orders?tab=fields&node=module/orders/fields/due")
    page.locator(".set summary", has_text="Conditions").click()
    field = page.locator("[data-setting=visible_when]")
    field.get_by_role("button", name="Put together").click()
    dialog = page.get_by_role("dialog", name="Conditions")
    box = dialog.get_by_role("combobox", name="Field").first
    expect(box).to_be_visible()
    box.fill("Rush")
    page.get_by_role("option", name="Rush", exact=True).first.click()
    expect(dialog.locator("select.fop")).to_be_visible()
    dialog.get_by_role("button", name="Apply").click()
    expect(dialog).to_have_count(0)
    expect(field.locator("textarea")).to_have_value("rush == true")
    expect(page.locator(".draft-bar")).to_contain_text("1 change")


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_A1_the_designer_has_no_accessibility_violations(
    opening: Opening, session: StorageState, site: Site, axe: str, look: str
) -> None:
    options: dict[str, Any] = {"viewport": {"width": 390, "height": 844}} if look == "phone" else {"color_scheme": look}
    page = opening(storage_state=session, **options)
    for path in (
        "/design",
        "/design/orders?node=module/orders/fields/status",
        "/design/orders?tab=json",
        "/design/orders?tab=layouts",
        "/design/roles",
        "/design/roles/viewer",
        "/design/review",
        "/design/history",
    ):
        page.goto(site.url + path)
        if "json" in path:
            expect(page.locator("[data-editor] .cm-content")).to_be_visible()
        shot(page, f"axe-{look}-{path.split('/')[-1].split('?')[0]}")
        page.evaluate(axe)
        found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
        wrong = [(one["id"], [node["html"][:160] for node in one["nodes"]][:3]) for one in found["violations"]]
        assert wrong == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path

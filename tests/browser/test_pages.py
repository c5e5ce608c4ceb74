"""Every page template in a real browser: accessible, within the window, its elements work by mouse and keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Opening
from tests.web import preview

SHOWN = [path for path in preview.PAGES if path not in {"/login", "/search/none"}]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    server = preview.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


@pytest.fixture
def board(opening: Opening, base: str) -> Page:
    page = opening()
    page.goto(base + "/m/orders/board")
    expect(page.locator("xrm-board:defined")).to_be_visible()
    return page


def title_of(page: Page, title: str) -> Locator:
    return page.locator(".card > .title", has_text=re.compile(f"^{re.escape(title)}$"))


def lane_of(page: Page, title: str) -> str | None:
    return page.locator(".lane", has=title_of(page, title)).get_attribute("data-stage")


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_no_accessibility_violations(opening: Opening, base: str, axe: str, look: str) -> None:
    page = opening(**PHONE if look == "phone" else {"color_scheme": look})
    for path in SHOWN:
        page.goto(base + path)
        page.evaluate(axe)
        found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
        assert [(path, v["id"], v["nodes"][0]["html"][:200]) for v in found["violations"]] == []


@pytest.mark.parametrize("width", [320, 1024])
def test_nothing_scrolls_the_page_sideways(opening: Opening, base: str, width: int) -> None:
    page = opening(viewport={"width": width, "height": 800})
    for path in SHOWN:
        page.goto(base + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("path", ["/m/orders", "/m/orders/board", "/m/orders/1", "/m/orders/1/edit", "/login"])
def test_targets_are_large_enough_on_touch(opening: Opening, base: str, path: str) -> None:
    page = opening(**PHONE)
    page.goto(base + path)
    small = page.evaluate("""() => [
            ...document.querySelectorAll('button, input:not([type=hidden]), select, nav a, .btn')]
        .filter(e => e.checkVisibility({opacityProperty: true}) && !e.matches('.checks input, .rate input, .vh'))
        .map(e => [e.outerHTML.slice(0, 120), e.getBoundingClientRect()])
        .filter(([, r]) => r.width && (r.height < 23.5 && r.width < 200 || r.width < 16)).map(([h]) => h)""")
    assert [html for html in small if 'type="checkbox"' not in html] == []


def test_tab_reaches_the_controls_and_focus_is_visible(opening: Opening, base: str) -> None:
    page = opening()
    page.goto(base + "/m/orders")
    seen = set()
    for _ in range(24):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
        assert page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle != 'none' "
            "|| getComputedStyle(document.activeElement.parentElement).outlineStyle != 'none'"
        )
    assert len(seen) == 24
    assert any("skip" in html for html in seen)


def test_the_palette_finds_opens_and_gives_focus_back(opening: Opening, base: str) -> None:
    page = opening()
    page.goto(base + "/m/orders")
    page.locator(".row a.t").nth(2).focus()
    page.keyboard.press("Control+k")
    page.keyboard.type("oak")
    option = page.get_by_role("option", name="Oak Lane Printing")
    expect(option).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(option).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator(".row a.t").nth(2)).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type("task")
    page.keyboard.press("Enter")
    page.wait_for_url("**/m/tasks")


def test_shortcuts_can_be_turned_off(opening: Opening, base: str) -> None:
    page = opening()
    page.goto(base + "/m/orders")
    page.evaluate("document.body.dataset.shortcuts = 'off'")
    page.keyboard.press("?")
    expect(page.locator("dialog#help")).not_to_be_visible()


def test_find_refreshes_the_list_and_more_rows_are_appended(opening: Opening, base: str) -> None:
    page = opening()
    page.goto(base + "/m/orders")
    page.get_by_role("link", name="Load more").click()
    expect(page.locator("#list-rows > .row")).to_have_count(100)
    page.locator("input[name=q]").fill("oak")
    expect(page.locator("#list-rows > .row")).to_have_count(5)
    assert "q=oak" in page.url
    expect(page.locator("input[name=q]")).to_be_focused()


def test_escape_puts_a_lifted_card_back(board: Page) -> None:
    title_of(board, "Greenfield Seeds").focus()
    for key in (" ", "ArrowRight", "ArrowRight", "Escape"):
        board.keyboard.press(key)
    assert lane_of(board, "Greenfield Seeds") == "quoted"
    assert board.locator(".toast").count() == 0


def test_the_move_menu_is_a_way_without_dragging(board: Page) -> None:
    board.get_by_role("button", name="Move Kiln & Co 2 to…").click()
    board.get_by_role("menuitemradio", name="Contract").click()
    expect(board.locator(".toast")).to_contain_text("moved to Contract")
    assert lane_of(board, "Kiln & Co 2") == "contract"


def test_a_link_field_is_a_search(opening: Opening, base: str) -> None:
    page = opening()
    page.goto(base + "/m/orders/1/edit")
    box = page.get_by_role("combobox", name="Supplier", exact=True)
    box.click()
    expect(page.locator(".combo [role=option]")).to_have_count(6)
    box.fill("pol")
    page.locator(".combo [role=option]", has_text="Ferrous & Daughters").click()
    expect(box).to_have_value("Ferrous & Daughters")
    chosen = page.evaluate("new FormData(document.querySelector('form[data-form]')).get('supplier')")
    assert len(chosen) == 36 and chosen != "0197b000-0000-7000-8000-000000000001"
    box.fill("not chosen")
    box.blur()
    expect(box).to_have_value("Ferrous & Daughters")


def test_the_theme_changes_without_a_page_load(opening: Opening, base: str) -> None:
    page = opening()
    page.goto(base + "/m/orders")
    page.locator(".me").click()
    page.locator("#me-menu").get_by_role("button", name="Dark").click()
    assert page.evaluate("getComputedStyle(document.body).colorScheme || document.documentElement.dataset.theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_without_scripts_the_forms_and_links_are_there(opening: Opening, base: str) -> None:
    page = opening(java_script_enabled=False)
    page.goto(base + "/m/orders/1/edit")
    expect(page.locator("select[name=supplier]")).to_be_visible()
    page.goto(base + "/m/orders")
    expect(page.locator("select[name=f_field]")).to_be_visible()
    expect(page.get_by_role("link", name="Load more")).to_have_attribute("href", "/m/orders?cursor=abc")

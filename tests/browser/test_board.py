"""The board in a real browser: mouse, keys, touch, what a stage still needs, other fields than the stage, many cards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import Site
from tests.browser.test_workspace import TAGS

BOXES: dict[str, Any] = {
    "name": "boxes", "label": "Box", "label_plural": "Boxes", "title": "{{ code }}", "order": 80,
    "fields": [
        {"name": "code", "type": "text", "label": "Code"},
        {"name": "size", "type": "select", "label": "Size", "options": [
            {"name": "small", "label": "<i>Small</i>", "hue": "teal"}, {"name": "large", "label": "Large", "hue": "pink"}]},
        {"name": "price", "type": "money", "label": "Price", "currency": "EUR"},
        {"name": "packed", "type": "date", "label": "Packed on"},
    ],
    "pipelines": [{"name": "way", "label": "Stage", "field": "stage", "stages": [
        {"name": "here", "label": "Here", "category": "open"},
        {"name": "packed", "label": "Packed", "category": "open", "requires": ["packed", "price"]},
        {"name": "gone", "label": "Gone", "category": "won"},
        {"name": "lost", "label": "Lost", "category": "lost", "reasons": [{"name": "rain", "label": "Rain"}]}]}],
    "views": [{"name": "way", "label": "Way", "layout": "board", "card_fields": ["price", "size"], "sum": "price", "sort": ["code"]}],
}  # fmt: skip


@pytest.fixture(scope="module")
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("board")).start()
    found.api("POST", "/modules", json=BOXES)
    boxes = [{"code": f"B{i:04}", "stage": "gone", "price": {"amount": "2.00", "currency": "EUR"}} for i in range(5000)]
    for start in range(0, 5000, 1000):
        found.api("POST", "/records/boxes/batch", json={"create": boxes[start : start + 1000]})
    few = [
        {"code": f"A{i}", "size": ("small", "large", None)[i % 3], "price": {"amount": "10.00", "currency": "EUR"}}
        for i in range(9)
    ]
    found.api("POST", "/records/boxes/batch", json={"create": few})
    yield found
    found.stop()


def board(page: Page, site: Site, more: str = "view=way") -> Page:
    page.goto(f"{site.url}/m/boxes?{more}")
    expect(page.locator("xrm-board:defined")).to_be_visible()
    return page


def box_of(site: Site, code: str) -> dict[str, Any]:
    found: dict[str, Any] = site.api("GET", "/records/boxes", params={"filter": f"code == '{code}'"})["data"][0]
    return found


def put_back(site: Site, code: str, **values: Any) -> None:
    """The box as the test before found it."""
    site.api("PATCH", f"/records/boxes/{box_of(site, code)['id']}", json=values)


def card(page: Page, code: str) -> Any:
    return page.locator(".card", has=page.locator(".title", has_text=re.compile(f"^{code}$")))


def lane(page: Page, name: str) -> Any:
    return page.locator(f'.lane[data-stage="{name}"]')


def test_B1_a_mouse_drag_changes_the_stage_counts_and_sums(page: Page, site: Site) -> None:
    board(page, site)
    expect(lane(page, "here").locator(".sum")).to_have_text("€90")
    start, goal = card(page, "A0").bounding_box(), lane(page, "gone").locator(".card").first.bounding_box()
    assert start and goal
    page.mouse.move(start["x"] + 30, start["y"] + 10)
    page.mouse.down()
    for step in range(1, 13):
        page.mouse.move(
            start["x"] + (goal["x"] + 30 - start["x"]) * step / 12,
            start["y"] + (goal["y"] + 20 - start["y"]) * step / 12,
        )
    expect(lane(page, "gone").locator(".drag-mark")).to_be_visible()
    expect(page.locator(".card.dragged")).to_have_text(re.compile("A0"))
    page.mouse.up()
    expect(page.locator(".toast")).to_contain_text("A0 moved to Gone")
    expect(card(page, "A0")).to_have_count(1)
    expect(lane(page, "gone").locator(".count")).to_have_text("5,001")
    expect(lane(page, "here").locator(".count")).to_have_text("8")
    expect(lane(page, "here").locator(".sum")).to_have_text("€80")
    expect(lane(page, "gone").locator(".sum")).to_have_text("€10,010")
    assert box_of(site, "A0")["stage"] == "gone"
    page.get_by_role("button", name="Undo").click()
    expect(lane(page, "here").locator(".sum")).to_have_text("€90")
    expect(lane(page, "here").locator(".card", has_text="A0")).to_have_count(1)
    assert box_of(site, "A0")["stage"] == "here"


def test_B1_a_quick_drop_counts_where_it_was_and_escape_takes_the_card_back(page: Page, site: Site) -> None:
    board(page, site)
    start, goal = card(page, "A7").bounding_box(), lane(page, "gone").locator("h2").bounding_box()
    assert start and goal
    # Esc while the card is held: it is where it was, and nothing was sent.
    page.mouse.move(start["x"] + 30, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(goal["x"] + 5, goal["y"] + 5)
    expect(lane(page, "gone")).to_have_class(re.compile("over"))
    page.keyboard.press("Escape")
    expect(page.locator(".card.dragged")).to_have_count(0)
    page.mouse.up()
    expect(lane(page, "here").locator(".card", has_text="A7")).to_have_count(1)
    expect(page.locator(".toast")).to_have_count(0)
    # One movement and the release at once: the head of a lane is a place like its cards.
    page.mouse.move(start["x"] + 30, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(goal["x"] + 5, goal["y"] + 5)
    page.mouse.up()
    expect(page.locator(".toast")).to_contain_text("A7 moved to Gone")
    expect(lane(page, "gone").locator(".card", has_text="A7")).to_have_count(1)
    assert box_of(site, "A7")["stage"] == "gone"
    put_back(site, "A7", stage="here")


def test_a_card_held_at_the_edge_scrolls_the_board(opening: Opening, session: StorageState, site: Site) -> None:
    page = opening(storage_state=session, viewport={"width": 760, "height": 700})
    board(page, site, "view=way&q=A")
    expect(lane(page, "lost")).not_to_be_in_viewport()
    start, edge = card(page, "A0").bounding_box(), page.locator(".board").bounding_box()
    assert start and edge
    page.mouse.move(start["x"] + 30, start["y"] + 10)
    page.mouse.down()
    page.mouse.move(edge["x"] + edge["width"] - 6, start["y"] + 30, steps=4)
    expect(lane(page, "lost")).to_be_in_viewport(ratio=0.9)
    page.keyboard.press("Escape")
    page.mouse.up()
    assert box_of(site, "A0")["stage"] == "here"


def test_B2_the_same_by_keys_and_by_the_menu(page: Page, site: Site) -> None:
    board(page, site)
    card(page, "A1").locator(".title").focus()
    page.keyboard.press("Space")
    expect(card(page, "A1")).to_have_class(re.compile("lifted"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#live")).to_contain_text("A1, Gone")
    page.keyboard.press("Space")
    expect(page.locator(".toast")).to_contain_text("A1 moved to Gone")
    expect(card(page, "A1").locator(".title")).to_be_focused()
    page.keyboard.press("m")
    page.keyboard.press("1")
    expect(page.locator(".toast").last).to_contain_text("A1 moved to Here")
    expect(lane(page, "here").locator(".count")).to_have_text("9")
    page.keyboard.press("3")
    expect(page.locator(".toast").last).to_contain_text("A1 moved to Gone")
    page.keyboard.press("Control+z")
    expect(lane(page, "here").locator(".card", has_text="A1")).to_have_count(1)
    assert box_of(site, "A1")["stage"] == "here"


def test_B3_what_a_stage_needs_is_asked_beside_the_card(page: Page, site: Site) -> None:
    site.api("PATCH", f"/records/boxes/{box_of(site, 'A2')['id']}", json={"price": None})
    board(page, site)
    before = box_of(site, "A2")["version"]
    card(page, "A2").locator(".title").focus()
    page.keyboard.press("2")
    asked = page.get_by_role("dialog", name="A2 to Packed")
    expect(asked.get_by_label("Packed on")).to_be_visible()
    expect(asked).to_contain_text("Price")
    page.keyboard.press("Escape")
    expect(asked).to_have_count(0)
    expect(lane(page, "here").locator(".card", has_text="A2")).to_have_count(1)
    expect(card(page, "A2").locator(".title")).to_be_focused()
    expect(lane(page, "packed").locator(".count")).to_have_text("0")
    assert box_of(site, "A2")["version"] == before
    page.keyboard.press("2")
    asked.get_by_label("Packed on").fill("2026-05-02")
    page.keyboard.press("Control+Enter")
    expect(asked.locator(".err, .notice").first).to_be_visible()
    asked.locator("#f-price").fill("7")
    asked.get_by_role("button", name="Move").click()
    expect(page.locator(".toast")).to_contain_text("A2 moved to Packed")
    stored = box_of(site, "A2")
    assert stored["stage"] == "packed" and stored["packed"] == "2026-05-02" and stored["price"]["amount"] == "7.00"
    page.get_by_role("button", name="Undo").click()
    expect(lane(page, "here").locator(".card", has_text="A2")).to_have_count(1)
    assert "packed" not in box_of(site, "A2")
    put_back(site, "A2", price={"amount": "10.00", "currency": "EUR"})


def test_a_reason_is_asked_for_the_same_way(page: Page, site: Site) -> None:
    board(page, site)
    card(page, "A3").locator(".title").focus()
    page.keyboard.press("4")
    asked = page.get_by_role("dialog", name="A3 to Lost")
    asked.get_by_role("button", name="Move").click()
    expect(asked.locator(".err").first).to_be_visible()
    asked.get_by_label("Reason").select_option("rain")
    asked.get_by_role("button", name="Move").click()
    expect(page.locator(".toast")).to_contain_text("A3 moved to Lost")
    page.get_by_role("button", name="Undo").click()
    expect(lane(page, "here").locator(".card", has_text="A3")).to_have_count(1)


def test_B4_a_column_of_five_thousand_shows_25_first(page: Page, site: Site) -> None:
    board(page, site)
    gone = lane(page, "gone")
    expect(gone.locator(".count")).to_have_text("5,000")
    expect(gone.locator(".card")).to_have_count(25)
    gone.get_by_role("link", name="Load more").click()
    expect(gone.locator(".card")).to_have_count(50)
    expect(gone.locator(".card").nth(49)).to_contain_text("B0049")


def test_B5_touch_drags_after_a_long_press_and_scrolls_without(
    opening: Opening, session: StorageState, site: Site
) -> None:
    page = opening(storage_state=session, bypass_csp=True, viewport={"width": 390, "height": 844}, has_touch=True)
    board(page, site, "view=way&q=A")
    client = page.context.new_cdp_session(page)

    def touch(kind: str, x: float = 0, y: float = 0) -> None:
        client.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [] if kind == "touchEnd" else [{"x": x, "y": y}]}
        )

    # Without a press of some length the same movement scrolls.
    start = card(page, "A4").bounding_box()
    assert start
    x, y = start["x"] + 40, start["y"] + 12
    page.evaluate(
        "addEventListener('touchmove', (event) => { globalThis.kept = event.defaultPrevented; }, { passive: true })"
    )
    touch("touchStart", x, y)
    for step in range(1, 9):
        touch("touchMove", x - 30 * step, y)
    page.wait_for_function("globalThis.kept === false")
    touch("touchEnd")
    expect(page.locator(".card.dragged")).to_have_count(0)
    assert box_of(site, "A4")["stage"] == "here"
    page.evaluate(
        "document.querySelector('.board').scrollLeft = 0; document.querySelector('.lane[data-stage=packed] .fold').click()"
    )
    expect(lane(page, "packed")).to_have_class(re.compile("folded"))
    card(page, "A4").scroll_into_view_if_needed()
    start = card(page, "A4").bounding_box()
    assert start and 0 <= start["x"] < 300, start
    x, y = start["x"] + 40, start["y"] + 12
    touch("touchStart", x, y)
    expect(page.locator(".card.dragged")).to_be_visible()
    goal = lane(page, "gone").bounding_box()
    assert goal
    for step in range(1, 13):
        touch("touchMove", x + (goal["x"] + 16 - x) * step / 12, y + (60 * step / 12))
    touch("touchEnd")
    expect(page.locator(".toast")).to_contain_text("A4 moved to Gone")
    assert box_of(site, "A4")["stage"] == "gone"
    put_back(site, "A4", stage="here")


def test_a_board_of_any_field_with_a_column_for_none(page: Page, site: Site) -> None:
    board(page, site, "view=way&q=A")
    page.get_by_label("Columns").select_option("size")
    page.wait_for_url(re.compile("by=size"))
    expect(page.locator("xrm-board:defined")).to_be_visible()
    expect(page.locator(".lane")).to_have_count(3)
    expect(page.locator(".lane h2").first).to_have_text("<i>Small</i>")
    expect(lane(page, "").locator(".count")).to_have_text("3")
    expect(lane(page, "").locator("h2")).to_have_text("No value")
    card(page, "A5").locator(".title").focus()
    page.keyboard.press("1")
    expect(page.locator(".toast")).to_contain_text("A5 moved to <i>Small</i>")
    assert box_of(site, "A5")["size"] == "small"
    page.keyboard.press("3")
    expect(page.locator(".toast").last).to_contain_text("No value")
    assert "size" not in box_of(site, "A5")
    page.get_by_label("Sum").select_option("-")
    page.wait_for_url(re.compile("sum=-"))
    expect(page.locator(".sum").first).to_be_empty()
    lane(page, "large").get_by_role("link", name="New in Large").click()
    page.wait_for_url(re.compile("/new"))
    assert "size=large" in page.url


def test_folded_columns_stay_folded(page: Page, site: Site) -> None:
    board(page, site)
    lane(page, "here").get_by_role("button", name="Fold Here").click()
    page.reload()
    expect(lane(page, "here")).to_have_class(re.compile("folded"))
    lane(page, "here").get_by_role("button", name="Fold Here").click()
    expect(lane(page, "here")).not_to_have_class(re.compile("folded"))


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_A1_boards_are_accessible(opening: Opening, session: StorageState, site: Site, axe: str, look: str) -> None:
    more = {"viewport": {"width": 390, "height": 844}, "has_touch": True} if look == "phone" else {"color_scheme": look}
    page = opening(storage_state=session, bypass_csp=True, **more)
    board(page, site)
    page.evaluate(axe)
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]] == []
    card(page, "A6").locator(".title").focus()
    page.keyboard.press("2")
    expect(page.get_by_role("dialog", name="A6 to Packed")).to_be_visible()
    found = page.evaluate("tags => axe.run(document.querySelector('.enter'), {runOnly: tags})", TAGS)
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]] == []

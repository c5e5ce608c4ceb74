"""The timeline of money: its sums are those of the database, segments are lists, cards move between months, all prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Locator, Page, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import Site
from tests.browser.test_workspace import TAGS

DEALS: dict[str, Any] = {
    "name": "deals", "label": "Deal", "label_plural": "Deals", "title": "{{ what }}", "order": 60,
    "fields": [
        {"name": "what", "type": "text", "label": "What"},
        {"name": "worth", "type": "money", "label": "Worth"},
        {"name": "expected", "type": "date", "label": "Expected"},
        {"name": "called", "type": "datetime", "label": "Called"},
        {"name": "status", "type": "select", "label": "Status", "options": [
            {"name": "agreed", "label": "Agreed <b>", "hue": "blue"}, {"name": "paid", "label": "Paid", "hue": "green"}]},
    ],
    "links": [{"name": "supplier", "label": "Supplier", "to": ["suppliers"], "inverse": {"name": "deals", "label": "Deals"}}],
    "views": [{"name": "money", "label": "Money", "layout": "timeline", "sum": "worth", "date_field": "expected", "group_by": "status"}],
}  # fmt: skip
URL = "/m/deals?view=money&from=2026-01-01"


@pytest.fixture(scope="module")
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("money")).start()
    found.api("POST", "/modules", json=DEALS)
    suppliers = found.api("GET", "/records/suppliers")["data"]
    deals = [
        {
            "what": f"Deal {n:02}",
            "worth": {"amount": f"{100 + n * 7}.50", "currency": ("EUR", "GBP")[n % 5 == 0]},
            "expected": f"2026-{1 + n % 12:02}-{1 + n % 28:02}",
            "called": f"2026-{1 + n % 12:02}-01T23:30:00Z",
            "status": ("agreed", "paid", None)[n % 3],
            "supplier": suppliers[n % 2]["id"] if n % 4 else None,
        }
        for n in range(60)
    ]
    found.api("POST", "/records/deals/batch", json={"create": [*deals, {"what": "No worth", "expected": "2026-01-05"}]})
    yield found
    found.stop()


def truth(site: Site) -> dict[tuple[str, str, str], Decimal]:
    """Sums by month, currency and status, straight from the table."""
    with psycopg.connect(site.dsn) as connection:
        row = connection.execute(
            "select table_schema from information_schema.tables where table_name = 'm_deals'"
        ).fetchone()
        assert row
        rows = connection.execute(
            f"select to_char(date_trunc('month', (data->>'expected')::date), 'YYYY-MM-DD'), data->'worth'->>'currency', "
            f"coalesce(data->>'status', ''), sum((data->'worth'->>'amount')::numeric) from {row[0]}.m_deals "
            "where data ? 'worth' and archived_at is null group by 1, 2, 3"
        ).fetchall()
    return {(month, currency, status): amount for month, currency, status, amount in rows}


def drawn(page: Page) -> dict[tuple[str, str, str], Decimal]:
    found = page.eval_on_selector_all(
        ".chart a",
        "links => links.map(a => [a.dataset.bar, a.closest('figure').dataset.currency, a.dataset.part, a.dataset.amount])",
    )
    return {(month, currency, part): Decimal(amount) for month, currency, part, amount in found}


def column(page: Page, month: str) -> Locator:
    return page.locator(f'.ml-col[data-period="{month}"]')


def deal(site: Site, what: str) -> dict[str, Any]:
    found: dict[str, Any] = site.api("GET", "/records/deals", params={"filter": f"what == '{what}'"})["data"][0]
    return found


def test_R1_bars_and_table_are_the_sums_of_the_database(page: Page, site: Site) -> None:
    page.goto(site.url + URL)
    expect(page.locator("figure")).to_have_count(2)
    assert drawn(page) == truth(site)
    euros = page.locator('figure[data-currency="EUR"]')
    table = euros.locator("table")
    expect(table).to_be_hidden()
    euros.locator("summary").click()
    expect(table).to_be_visible()
    wanted = sum(
        amount for (month, currency, _), amount in truth(site).items() if (month, currency) == ("2026-02-01", "EUR")
    )
    assert table.locator("tfoot td").nth(2).inner_text().replace("€", "").replace(",", "") == (
        f"{wanted:.2f}" if wanted % 1 else f"{wanted:.0f}"
    )
    assert euros.locator("thead th").count() == 13


def test_R1_a_segment_is_the_list_behind_it(page: Page, site: Site) -> None:
    page.goto(site.url + URL)
    bar = page.locator('figure[data-currency="EUR"] a[data-bar="2026-02-01"][data-part="paid"]')
    amount = Decimal(bar.get_attribute("data-amount") or "0")
    bar.click()
    page.wait_for_url(re.compile("layout=list"))
    condition = page.evaluate("new URL(location).searchParams.get('filter')")
    rows = site.api("GET", "/records/deals", params={"filter": condition, "limit": 1000})["data"]
    assert rows and sum(Decimal(row["worth"]["amount"]) for row in rows) == amount
    expect(page.locator("#list-rows > .row[data-id]")).to_have_count(len(rows))
    page.goto(site.url + URL)
    page.locator('figure[data-currency="GBP"] a[data-part=""]').first.click()
    page.wait_for_url(re.compile("layout=list"))
    expect(page.locator(".fchip", has_text="is empty")).to_have_count(1)


def test_R1_print_shows_all(page: Page, site: Site) -> None:
    page.goto(site.url + URL)
    page.emulate_media(media="print")
    expect(page.locator('figure[data-currency="EUR"] table')).to_be_visible()
    expect(page.locator('figure[data-currency="GBP"] table')).to_be_visible()
    expect(page.locator(".tools")).to_be_hidden()


def test_cards_move_between_months(page: Page, site: Site) -> None:
    page.goto(site.url + URL)
    page.locator("xrm-moneyline:defined").wait_for(state="attached")
    card = column(page, "2026-01-01").locator(".money-card", has_text="Deal 00")
    goal = column(page, "2026-02-01")
    card.scroll_into_view_if_needed()
    start, end = card.bounding_box(), goal.bounding_box()
    assert start and end
    page.mouse.move(start["x"] + 20, start["y"] + 40)
    page.mouse.down()
    for step in range(1, 9):
        page.mouse.move(start["x"] + 20 + (end["x"] + 60 - start["x"] - 20) * step / 8, start["y"] + 40)
    page.mouse.up()
    expect(goal.locator(".money-card", has_text="Deal 00")).to_be_visible()
    assert deal(site, "Deal 00")["expected"] == "2026-02-01"
    assert drawn(page) == truth(site)
    page.get_by_role("button", name="Undo").click()
    expect(column(page, "2026-01-01").locator(".money-card", has_text="Deal 00")).to_be_visible()
    assert deal(site, "Deal 00")["expected"] == "2026-01-01"
    column(page, "2026-03-01").locator(".money-card a", has_text="Deal 02").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    expect(goal.locator(".money-card", has_text="Deal 02").locator("a")).to_be_focused()
    assert deal(site, "Deal 02")["expected"] == "2026-02-03"
    page.keyboard.press("m")
    page.get_by_role("dialog").get_by_label("Day").fill("2026-03-03")
    page.get_by_role("dialog").get_by_role("button", name="Move").click()
    expect(column(page, "2026-03-01").locator(".money-card", has_text="Deal 02")).to_be_visible()


def test_groups_quarters_and_other_dates(page: Page, site: Site) -> None:
    page.goto(site.url + URL + "&group=supplier&period=quarter")
    expect(page.locator(".ml-row")).to_have_count(3)
    expect(page.locator(".ml-row h3").last).to_have_text("No value")
    expect(page.locator(".ml-row").first.locator(".ml-col")).to_have_count(8)
    quarter = sum(
        amount for (month, currency, _), amount in truth(site).items() if currency == "EUR" and month < "2026-04-01"
    )
    assert (
        sum(amount for (bar, currency, _), amount in drawn(page).items() if currency == "EUR" and bar == "2026-01-01")
        == quarter
    )
    page.get_by_label("Date").select_option("called")
    page.wait_for_url(re.compile("date=called"))
    # Half past eleven in the evening in London is the next day in Berlin.
    expect(column(page, "2026-01-01").first).to_be_visible()
    assert sum(drawn(page).values()) == sum(truth(site).values())


@pytest.mark.parametrize("look", ["light", "dark", "phone", "german"])
def test_A1_timelines_are_accessible(opening: Opening, session: StorageState, site: Site, axe: str, look: str) -> None:
    more: dict[str, Any] = (
        {"viewport": {"width": 390, "height": 844}, "has_touch": True}
        if look == "phone"
        else {"color_scheme": "dark" if look == "dark" else "light"}
    )
    page = opening(storage_state=session, bypass_csp=True, locale="de-DE" if look == "german" else "en-US", **more)
    page.goto(site.url + URL)
    expect(page.locator(".chart").first).to_be_visible()
    if look == "german":
        expect(page.locator("figure summary").first).to_have_text("Als Tabelle zeigen")
    page.evaluate(axe)
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (
        page.locator("main b", has_text="Agreed").count() == 0
        and "Agreed <b>" in page.locator("figure").first.inner_text()
    )

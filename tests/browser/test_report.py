"""The report of a record: one click from its page, numbers that the database has, on paper without the frame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, StorageState, expect

from tests.browser.conftest import Opening
from tests.browser.site import Site

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JOBS: dict[str, Any] = {
    "name": "repairs", "label": "Repair", "label_plural": "Repairs", "title": "{{ what }}", "order": 90,
    "fields": [
        {"name": "what", "type": "text", "label": "What"},
        {"name": "asked", "type": "date", "label": "Asked on", "required": True},
        {"name": "price", "type": "money", "label": "Price"},
    ],
    "links": [{"name": "supplier", "label": "Supplier", "to": ["suppliers"], "inverse": {"name": "repairs", "label": "Repairs"}}],
    "pipelines": [{"name": "way", "label": "Stage", "field": "stage", "stages": [
        {"name": "open", "label": "Open", "category": "open"}, {"name": "done", "label": "<b>Done</b>", "category": "won"}]}],
}  # fmt: skip


@pytest.fixture(scope="module")
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("report")).start()
    found.api("POST", "/modules", json=JOBS)
    one = found.api("GET", "/records/suppliers", params={"limit": "1"})["data"][0]["id"]
    made = [
        {"what": f"Repair {n}", "supplier": one, "asked": day, "stage": stage, "price": {"amount": amount, "currency": money}}
        for n, (day, stage, amount, money) in enumerate([
            ("2026-03-01", "open", "10.00", "EUR"), ("2026-03-11", "done", "20.50", "EUR"),
            ("2026-02-19", "done", "5.00", "CHF"), ("2024-05-01", "open", "999.00", "EUR")])
    ]  # fmt: skip
    found.api("POST", "/records/repairs/batch", json={"create": made})
    yield found
    found.stop()


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_D6_the_report_is_one_click_away_and_its_numbers_are_those_of_the_lists(
    opening: Opening, session: StorageState, site: Site, axe: str, look: str
) -> None:
    options: dict[str, Any] = {"viewport": {"width": 390, "height": 844}} if look == "phone" else {"color_scheme": look}
    page: Page = opening(storage_state=session, **options)
    supplier = site.api("GET", "/records/suppliers", params={"limit": "1"})["data"][0]
    page.goto(f"{site.url}/m/suppliers/{supplier['id']}")
    page.get_by_role("link", name="Report", exact=True).click()
    page.wait_for_url("**/report")
    part = page.locator("[data-report=repairs]")
    expect(part.locator("tfoot")).to_have_text(re.compile(r"Total\s*3\s*CHF\s?5\s*€30\.50"))
    expect(part.locator("tbody tr").nth(1)).to_contain_text("<b>Done</b>")
    expect(part.locator(".rep-rows li")).to_have_count(3)
    # The same as the API has it.
    limits = f"supplier == '{supplier['id']}' and asked >= '2025-03-01' and asked <= '2026-03-31'"
    body = {
        "filter": {"expression": limits},
        "group_by": [{"field": "price", "by": "currency"}],
        "measures": [{"function": "sum", "field": "price", "as": "sum"}],
    }
    sums = [Decimal(one["sum"]["amount"]) for one in site.api("POST", "/records/repairs/aggregate", json=body)["data"]]
    assert sorted(sums) == [Decimal("5.00"), Decimal("30.50")]
    # On average from the day it was asked for to the day it was done.
    expect(part.locator(".pace")).to_contain_text("days on average (2)")
    page.evaluate(axe)
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    assert [(one["id"], [node["html"][:160] for node in one["nodes"]]) for one in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if look != "light":
        return
    page.emulate_media(media="print")
    expect(page.locator("nav.side")).to_be_hidden()
    expect(page.locator(".rep-period")).to_be_hidden()
    expect(part.locator("tfoot")).to_be_visible()
    page.emulate_media(media="screen")
    # A click on a number shows the records behind it; a longer period has the old one too.
    part.locator("tbody tr").nth(1).get_by_role("link").click()
    expect(page.locator("#list-rows > .row")).to_have_count(2)
    page.goto(f"{site.url}/m/suppliers/{supplier['id']}/report?first=2024-01-01&last=2026-12-31")
    expect(part.locator("tfoot")).to_contain_text("4")
    page.goto(f"{site.url}/m/suppliers/{supplier['id']}/report?first=nonsense&last=2020-01-01")
    expect(part.locator("tfoot")).to_contain_text("3")

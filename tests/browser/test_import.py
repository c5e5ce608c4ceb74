"""The import wizard over the real engine: mapped with a link, checked, run while one is elsewhere, its errors, taken back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Opening
from tests.browser.site import Site
from tests.browser.work import cookies_of

ROWS, BAD = 2000, 20


@pytest.fixture(scope="module", autouse=True)
def site(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = Site(database_dsn, tmp_path_factory.mktemp("import")).start()
    yield found
    found.stop()


def count(site: Site, module: str) -> int:
    return int(site.api("GET", f"/records/{module}", params={"count": "exact", "limit": "1"})["count"]["value"])


def suppliers(place: Path) -> Path:
    """Two thousand suppliers, one in a hundred with an address that is none."""
    path = place / "suppliers.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["Name", "Mail", "Remark"])
        for n in range(ROWS):
            mail = "no address" if n % (ROWS // BAD) == 7 else f"desk{n}@quay.example"
            out.writerow([f"Imported {n:04}", mail, "x"])
    return path


def test_I1_an_import_is_checked_run_in_the_background_and_taken_back(page: Page, site: Site, tmp_path: Path) -> None:
    before = count(site, "suppliers")
    page.goto(site.url + "/imports")
    page.get_by_label("What the rows are").select_option("suppliers")
    page.get_by_label("File with rows").set_input_files(suppliers(tmp_path))
    page.get_by_role("button", name="Upload").click()
    # The columns: guessed with how sure that is; one field cannot be told twice.
    mail = page.locator("select[data-column='Mail']")
    expect(mail).to_have_value("email")
    expect(page.get_by_role("row", name="Mail")).to_contain_text("%")
    page.locator("select[data-column='Remark']").select_option("email")
    page.get_by_role("button", name="Check without").click()
    expect(page.locator("main")).to_contain_text("both go to email")
    page.locator("select[data-column='Remark']").select_option("")
    page.get_by_role("button", name="Check without").click()
    # Checked: exact counts, nothing kept.
    expect(page.locator("[data-count-of=created] dd")).to_have_text(f"{ROWS - BAD:,}", timeout=60_000)
    expect(page.locator("[data-count-of=left_out] dd")).to_have_text(str(BAD))
    assert count(site, "suppliers") == before
    # Run, leave, come back: it has gone on.
    page.get_by_role("button", name="Import these rows").click()
    expect(page.locator("[aria-current=step]")).not_to_contain_text("Check", timeout=30_000)
    where = page.url
    page.goto(site.url + "/today")
    page.goto(where)
    expect(page.get_by_role("heading", name="Imported", exact=True)).to_be_visible(timeout=60_000)
    assert count(site, "suppliers") == before + ROWS - BAD
    with page.expect_download() as started:
        page.get_by_role("link", name="Download rows that were left out").click()
    rows = list(csv.reader(io.StringIO(Path(started.value.path()).read_text("utf-8-sig"))))
    assert len(rows) == BAD + 1 and all(row[-1] for row in rows)
    assert "e-mail" in rows[1][-1].lower()
    page.get_by_role("button", name="Take the import back").click()
    page.get_by_role("dialog").get_by_role("button", name="Take the import back").click()
    expect(page.get_by_role("heading", name="Taken back", exact=True)).to_be_visible(timeout=60_000)
    assert count(site, "suppliers") == before


def test_I2_a_column_finds_the_records_that_a_link_leads_to(page: Page, site: Site, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("Subject,Bought at\nRope,office0@example.com\nTar,office1@example.com\nSail,nobody@example.com\n")
    page.goto(site.url + "/imports?module=orders")
    page.get_by_label("File with rows").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    page.locator("select[data-column='Bought at']").select_option("supplier.email")
    page.get_by_label("A row whose link leads nowhere").select_option("without")
    page.get_by_role("button", name="Check without").click()
    expect(page.locator("[data-count-of=created] dd")).to_have_text("3", timeout=30_000)
    page.get_by_role("button", name="Import these rows").click()
    expect(page.get_by_role("heading", name="Imported", exact=True)).to_be_visible(timeout=30_000)
    found = site.api(
        "GET", "/records/orders", params={"filter": "subject in ['Rope', 'Tar', 'Sail']", "fields": "subject,supplier"}
    )["data"]
    linked = {one["subject"]: (one.get("supplier") or {}).get("title") for one in found}
    assert linked == {"Rope": "Harbour Freight", "Tar": "Oak Lane Printing", "Sail": None}


def test_someone_without_the_right_to_import_is_told_whom_to_ask(
    opening: Opening, browser: Browser, site: Site
) -> None:
    page = opening(storage_state=cookies_of(browser, site, "viewer"))
    page.goto(site.url + "/imports")
    expect(page.locator("main")).to_contain_text("Ask Admin Desk")
    page.locator(".me").click()
    expect(page.locator("#me-menu").get_by_role("link", name="Import")).to_have_count(0)

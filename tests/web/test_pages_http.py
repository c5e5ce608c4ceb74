"""Pages over HTTP: no statement per row, safe headers, errors as pages, forms that prove where they come from."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from tests.browser.site import COUNTED, ORDERS, PASSWORD, SUPPLIERS
from tests.support.recording import Recording
from xrm_core.access.passwords import Passwords
from xrm_core.app import Application, assemble
from xrm_core.kernel.clock import FixedClock
from xrm_core.settings import Settings
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

Client = httpx.AsyncClient


@pytest.fixture
async def web(database: Database, workspace: Workspace, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Client]:
    """A browser-like client that is signed in, over modules with ten suppliers and sixty orders."""
    settings = Settings.load({"XRM_DATA_DIR": str(tmp_path)})
    hasher = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    process = assemble(settings, database, clock, hasher)
    made = await process.users.create(
        workspace, email="admin@example.com", name="Desk", roles=["admin"], password=PASSWORD
    )
    _, token = await process.tokens.create(workspace, made.member.id, "test")
    transport = httpx.ASGITransport(app=Application(process))  # type: ignore[arg-type]
    async with (
        Client(transport=transport, base_url="http://xrm.example") as client,
        Client(
            transport=transport, base_url="http://xrm.example/api/v1", headers={"Authorization": f"Bearer {token}"}
        ) as api,
    ):
        for module in (SUPPLIERS, ORDERS):
            assert (await api.post("/modules", json=module)).is_success
        for one in COUNTED:
            assert (await api.post("/modules/suppliers/fields", json=one)).is_success
        suppliers = [{"name": f"Supplier {i}"} for i in range(10)]
        assert (await api.post("/records/suppliers/batch", json={"create": suppliers})).is_success
        found = (await api.get("/records/suppliers")).json()["data"]
        orders = [{"subject": f"Order {i:02}", "supplier": found[i % 10]["id"], "rush": i < 3} for i in range(60)]
        assert (await api.post("/records/orders/batch", json={"create": orders})).is_success
        answer = await client.post(
            "/login", data={"email": "admin@example.com", "password": PASSWORD, "next": "/m/orders"}
        )
        assert answer.status_code == 303 and answer.headers["location"] == "/m/orders"
        await client.get("/m/orders")
        yield client


def rows_of(text: str) -> int:
    return text.count('class="row"')


async def test_a_list_costs_the_same_statements_for_few_and_many_rows(web: Client, statements: Recording) -> None:
    counts = {}
    for view in ("rushed", "all"):
        await web.get(f"/m/orders?view={view}")
        with statements.counting() as sent:
            answer = await web.get(f"/m/orders?view={view}")
        counts[rows_of(answer.text)] = sent.count
    assert set(counts) == {3, 50}
    # Besides the rows: favourites, saved views, which view a role begins with, notifications, whoever is here.
    # The wider view also fetches what is behind a link, once for all rows.
    assert counts[3] <= 6 and counts[50] <= 8, counts


async def test_a_board_and_a_record_page_cost_no_statement_per_card_or_row(web: Client, statements: Recording) -> None:
    await web.get("/m/orders?view=pipeline")
    with statements.counting() as sent:
        answer = await web.get("/m/orders?view=pipeline")
    assert answer.text.count('class="card"') == 25 and sent.count <= 7, sent.count
    listing = (await web.get("/m/suppliers")).text
    url = re.findall(r'href="(/m/suppliers/[0-9a-f-]{36})"', listing)[0]
    await web.get(url)
    with statements.counting() as sent:
        answer = await web.get(url)
    # The record, its timeline, the mailboxes one may write from, and per link to it: may it be seen, rows, count.
    assert rows_of(answer.text) == 6 and sent.count <= 15, sent.count


async def test_every_page_forbids_inline_code_and_framing(web: Client) -> None:
    for path in ("/login", "/m/orders", "/m/orders/new", "/search?q=x", "/m/nothing"):
        web.headers["accept"] = "text/html"
        answer = await web.get(path, follow_redirects=True)
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_the_style_nonce_is_new_each_time(web: Client) -> None:
    one, other = [re.search(r'nonce="([^"]+)"', (await web.get("/m/orders")).text) for _ in range(2)]
    assert one and other and one.group(1) != other.group(1)


MISSING = ("nothing", "orders/not-an-id", "orders/0197a000-0000-7000-8000-000000000000", "nothing/new", "orders/x/edit")
ADDRESSES = (
    "cursor=rubbish", "sort=nothing", "filter=((((", "f=x", "f=~~~", "f=due~lt~never", "f=value~gt~abc", "f=pieces~gt~--1",
    "f=nothing~eq~1", "view=none", "layout=none", "lane=none&layout=board", "f=supplier~eq~x", "f=status~wrong~x", "q=" + "x" * 5000,
    "f=stage~in~none", "f=call_at~gt~99999-01-01", "f=agent~eq~nobody", "q=%00", "f=subject~contains~%00", "sort=" + "a," * 50,
    "f=subject~eq~%ED%A0%80",
)  # fmt: skip
FIELDS = (
    "value.amount", "pieces", "due", "call_at", "terms.value", "mail", "extra", "rating", "status", "supplier", "others", "agent",
    "owner", "papers.keep", "tags", "contact.last", "period.start", "stage", "version",
)  # fmt: skip
RUBBISH = (
    "rubbish",
    "9" * 400,
    "\x00",
    "<b>",
    "0197a000-0000-7000-8000-000000000000",
    "{",
    "-1",
    "ünïcödé ☃",
    '{"id": 1}',
)


async def test_what_does_not_exist_is_a_page_in_the_frame(web: Client) -> None:
    for path in MISSING:
        answer = await web.get(f"/m/{path}")
        assert answer.status_code == 404, path
        assert "This page does not exist" in answer.text


async def test_addresses_typed_by_hand_never_break_the_page(web: Client) -> None:
    for query in ADDRESSES:
        for extra in ("", "&layout=board"):
            answer = await web.get(f"/m/orders?{query}{extra}")
            assert answer.status_code in (200, 400, 404), (query, answer.status_code)


async def test_forms_without_the_token_are_refused(web: Client) -> None:
    for path in ("/m/orders/new", "/preferences", "/logout"):
        assert (await web.post(path, data={"subject": "Forged"})).status_code == 403, path


async def test_a_sign_in_form_of_another_site_is_refused(web: Client) -> None:
    data = {"email": "admin@example.com", "password": PASSWORD}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
        assert (await web.post("/login", data=data, headers=headers)).status_code == 403


async def test_too_many_wrong_passwords_are_slowed_down(web: Client) -> None:
    web.cookies.clear()
    answers = [await web.post("/login", data={"email": "admin@example.com", "password": "wrong"}) for _ in range(12)]
    assert answers[0].status_code == 401 and answers[-1].status_code == 429
    assert "<form" in answers[-1].text


async def test_who_is_not_signed_in_goes_to_the_form(web: Client) -> None:
    web.cookies.clear()
    answer = await web.get("/m/orders?view=rushed")
    assert answer.status_code == 303 and answer.headers["location"] == "/login?next=%2Fm%2Forders%3Fview%3Drushed"
    answer = await web.get("/m/orders", headers={"HX-Request": "true"})
    assert answer.status_code == 401 and answer.headers["hx-redirect"].startswith("/login")


async def test_rubbish_in_a_form_is_answered_with_the_form(web: Client) -> None:
    page = (await web.get("/m/orders/new")).text
    token = re.search(r'name="_csrf" value="([^"]+)"', page)
    assert token
    for field in FIELDS:
        for value in RUBBISH:
            data: dict[str, Any] = {"_csrf": token.group(1), "subject": "Some", field: value}
            answer = await web.post("/m/orders/new", data=data)
            assert answer.status_code in (303, 422), (field, value, answer.status_code)


async def test_assets_are_served_compressed_and_for_ever(web: Client) -> None:
    page = (await web.get("/m/orders")).text
    script = re.search(r'type="module" src="(/static/[^"]+\.js)"', page)
    assert script
    answer = await web.get(script.group(1), headers={"Accept-Encoding": "br"})
    assert answer.headers["content-encoding"] == "br" and "immutable" in answer.headers["cache-control"]
    assert (await web.get("/static/manifest.json")).status_code == 404
    assert (await web.get("/static/..%2f..%2fassets.py")).status_code == 404


async def test_pages_are_compressed_within_budget(web: Client) -> None:
    answer = await web.get("/m/orders?view=all", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) <= 12 * 1024

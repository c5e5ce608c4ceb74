"""The filter builder's server side: every field and operator makes a condition that the engine takes, in both forms."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.test_pages_http import Client, rows_of, web
from xrm_core.storage.database import Database
from xrm_core.storage.workspaces import Workspace

__all__ = ["web"]
VALUES: dict[str, Any] = {
    "text": "a'b",
    "number": {"number": "12.50"},
    "numbers": [{"number": "1"}, {"number": "20"}],
    "date": "2026-04-01",
    "dates": ["2026-04-01", "2026-04-30"],
    "span": "this_quarter",
    "length": {"n": 14, "unit": "days"},
    "duration": {"n": 30, "unit": "days"},
    "boolean": True,
    "user": {"me": True},
}


async def ask(web: Client, module: str, body: Any, query: str = "") -> Any:
    answer = await web.post(f"/m/{module}/filters{query}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def value_for(field: dict[str, Any], given: str, users: list[list[str]]) -> Any:
    if given == "options":
        return [option[0] for option in field.get("options", [])][:2] or ["steel", "odd one"]
    if given == "users":
        return [users[0][0]]
    if given == "record":
        return "0197a000-0000-7000-8000-000000000001"
    if given == "group":
        return {
            "join": "or",
            "items": [
                {"field": "title", "op": "contains", "value": "a"},
                {"field": "created_at", "op": "in_last", "value": {"n": 3, "unit": "months"}},
            ],
        }
    return VALUES[given]


@pytest.mark.parametrize("module", ["orders", "suppliers"])
async def test_V1_every_field_and_operator_both_ways(web: Client, module: str) -> None:
    fields = (await web.get(f"/m/{module}/filters")).json()
    tried, rows = 0, []
    for field in fields["modules"][module]["fields"]:
        for op, label, given in fields["operators"][field["kind"]]:
            assert label
            row = {"field": field["name"], "op": op}
            if given != "none":
                row["value"] = value_for(field, given, fields["users"])
            rows.append(row)
    for row in rows:
        document = {"join": "and", "items": [row]}
        found = await ask(web, module, {"rows": document})
        assert "problems" not in found, (row, found)
        again = await ask(web, module, {"text": found["text"]})
        assert found["rows"] == again["rows"] == document, (row, found)
        assert again["count"] == found["count"] and again["text"] == found["text"]
        tried += 1
    assert tried > 40
    # Behind links, as the browser puts the paths together.
    for field in fields["modules"]["suppliers"]["fields"] if module == "orders" else []:
        if field["kind"] in ("related", "count"):
            continue
        op, _, given = fields["operators"][field["kind"]][0]
        row = {"field": f"supplier.{field['name']}", "op": op, "value": value_for(field, given, fields["users"])}
        found = await ask(web, module, {"rows": {"join": "and", "items": [row]}})
        assert "problems" not in found and found["rows"]["items"] == [row]


async def test_V2_the_count_is_that_of_the_list_with_its_view_and_search(web: Client) -> None:
    found = await ask(web, "orders", {"text": "subject != 'Order 05'"}, "?q=Order 0")
    page = await web.get("/m/orders", params={"q": "Order 0", "filter": found["text"]})
    assert found["count"] == 9 == rows_of(page.text)
    found = await ask(web, "orders", {"rows": {"join": "and", "items": []}}, "?view=rushed")
    assert found["count"] == 3


async def test_V4_has_no_related_matches_the_rows_of_the_database(
    web: Client, database: Database, workspace: Workspace
) -> None:
    orders = (await web.get("/m/orders/filters")).json()
    assert any(field["kind"] == "related" for field in orders["modules"]["suppliers"]["fields"])
    async with database.writing() as connection:
        await connection.execute(
            f"update {workspace.schema}.m_orders set data = data || '{{\"due\": \"2025-12-01\"}}', p_due = '2025-12-01' "
            "where title < 'Order 17'"
        )
        cursor = connection.cursor()
        await cursor.execute(
            f"select count(*) from {workspace.schema}.m_suppliers s where not exists (select 1 from {workspace.schema}.m_orders o "
            "where o.data->>'supplier' = s.id::text and o.archived_at is null and o.p_due is not null)"
        )
        row = await cursor.fetchone()
    assert row is not None
    truth = row[0]
    body = {
        "join": "and",
        "items": [
            {
                "field": "orders",
                "op": "none",
                "value": {"join": "and", "items": [{"field": "due", "op": "is_not_empty"}]},
            }
        ],
    }
    found = await ask(web, "suppliers", {"rows": body})
    assert found["text"] == "none(orders, is_not_empty(due))"
    assert found["count"] == truth
    spans = {
        "join": "and",
        "items": [
            {
                "field": "orders",
                "op": "none",
                "value": {
                    "join": "and",
                    "items": [{"field": "due", "op": "in_last", "value": {"n": 12, "unit": "months"}}],
                },
            }
        ],
    }
    assert (await ask(web, "suppliers", {"rows": spans}))["count"] == truth


async def test_text_that_is_no_row_stays_one_condition(web: Client) -> None:
    found = await ask(web, "orders", {"text": "rush == true and len(subject) > 3"})
    assert found["rows"]["items"][1] == {"text": "len(subject) > 3"} and found["count"] == 3


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"text": "subject =="}, ""),
        ({"text": "nonsense == 1"}, "nonsense"),
        ({"rows": 7}, "group"),
        ({"rows": {"join": "and", "items": [{"field": "subject", "op": "x"}]}}, "operator"),
    ],
)
async def test_what_is_wrong_is_said(web: Client, body: Any, says: str) -> None:
    found = await ask(web, "orders", body)
    assert says in found["problems"][0]["message"] and "count" not in found


async def test_rubbish_is_refused(web: Client) -> None:
    assert (await web.post("/m/orders/filters", content=b"[")).status_code == 400
    assert (await web.post("/m/orders/filters", content=b"{" + b" " * 70_000)).status_code == 400
    assert (await web.post("/m/nothing/filters", json={})).status_code == 404


async def test_chips_say_conditions_and_take_them_away(web: Client) -> None:
    page = (
        await web.get("/m/orders", params={"filter": "rush == true and none(others) and (pieces > 3 or is_empty(due))"})
    ).text
    for text in ("Rush", "Other suppliers", "has no", "is more than 3 or Due is empty"):
        assert text in page
    assert "filter=none%28others%29+and+%28pieces+%3E+3+or+is_empty%28due%29%29" in page


async def test_the_old_form_of_conditions_joins_the_expression(web: Client) -> None:
    page = (await web.get("/m/orders?f=rush~eq~true&filter=is_empty(due)")).text
    assert rows_of(page) == 3 and page.count('class="fchip"') == 2

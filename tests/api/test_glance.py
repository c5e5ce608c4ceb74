"""Panels of a record's page, and duplicates while somebody types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.api.conftest import Api, ok, refused

PANELS = [
    {"name": "facts", "label": "Facts", "kind": "facts", "columns": ["employees", "founded"]},
    {"name": "open", "label": "Open tickets", "link": "tickets", "filter": "stage != 'done'", "columns": ["subject", "hours", "stage"],
     "sort": ["-hours"], "limit": 2},
    {"name": "stages", "label": "By stage", "link": "tickets", "kind": "count", "group_by": "stage"},
    {"name": "many", "label": "Many", "module": "tickets", "via": "company", "kind": "count", "filter": "hours > 1"},
    {"name": "big", "label": "Only big", "kind": "facts", "columns": ["name"], "visible_when": "employees > 100"},
]  # fmt: skip


async def test_all_panels_come_in_one_call(api: Api, make: Callable[..., Any]) -> None:
    ok(await api.admin.patch("/modules/companies", json={"panels": PANELS}))
    company, other = await make("companies", name="Acme", employees=7), await make("companies", name="Beta")
    for n in range(4):
        await make("tickets", subject=f"T{n}", hours=str(n), company=company["id"])
    await make("tickets", subject="Elsewhere", hours="9", company=other["id"])
    panels = ok(await api.viewer.get(f"/records/companies/{company['id']}/brief"))["panels"]
    facts, tickets, stages, many = panels
    assert facts["facts"] == {"employees": 7, "founded": None}
    assert [row["subject"] for row in tickets["data"]] == ["T3", "T2"] and tickets["count"] == {"value": 4, "exact": True}
    assert tickets["columns"] == ["subject", "hours", "stage"] and tickets["data"][0]["hours"] == "3.00"
    assert stages["groups"] == [{"value": "open", "count": 4}]
    assert many["count"]["value"] == 2
    refused(await api.viewer.get("/records/companies/00000000-0000-0000-0000-000000000000/brief"), 404)


async def test_panels_say_nothing_of_what_is_hidden(api: Api, make: Callable[..., Any]) -> None:
    ok(await api.admin.patch("/modules/companies", json={"panels": PANELS}))
    company = await make("companies", name="Acme", employees=7)
    await make("tickets", subject="T", hours="5", company=company["id"])
    role = {
        "name": "clerk", "label": "Clerk", "modules": {"*": {"see": "all"}},
        "hidden_fields": {"companies": ["employees"], "tickets": ["hours"]},
    }  # fmt: skip
    ok(await api.admin.post("/roles", json=role), 201)
    (viewer,) = [u for u in ok(await api.admin.get("/users"))["data"] if u["name"] == "viewer"]
    ok(await api.admin.patch(f"/users/{viewer['id']}", json={"roles": ["clerk"]}))
    answer = await api.viewer.get(f"/records/companies/{company['id']}/brief")
    assert [panel["name"] for panel in ok(answer)["panels"]] == ["facts", "stages"], "sorting or filtering by hours would tell it"
    assert "employees" not in answer.text and "hours" not in answer.text


async def test_duplicates_are_found_while_typing(api: Api, make: Callable[..., Any]) -> None:
    ticket = await make("tickets", subject="Printer is on fire", code="X-1")
    await make("tickets", subject="Something else entirely", code="X-2")
    (found,) = ok(await api.member.post("/records/tickets/duplicates", json={"values": {"code": "x-1", "subject": "Hello there"}}))["data"]
    assert (found["id"], found["score"]) == (ticket["id"], 1.0) and found["reasons"] == [{"kind": "unique", "fields": ["code"]}]
    (found,) = ok(await api.member.get("/records/tickets/duplicates", params={"subject": "printer on fire"}))["data"]
    assert found["id"] == ticket["id"] and found["reasons"][0]["kind"] == "title" and 0.3 < found["score"] < 0.9
    body = {"values": {"code": "X-1"}, "but": ticket["id"]}
    assert ok(await api.member.post("/records/tickets/duplicates", json=body))["data"] == []
    assert ok(await api.member.post("/records/tickets/duplicates", json={"values": {"hours": "not a number", "nope": 1}}))["data"] == []
    refused(await api.member.post("/records/nothing/duplicates", json={"values": {}}), 404)
    refused(await api.nobody.post("/records/tickets/duplicates", json={"values": {}}), 401)

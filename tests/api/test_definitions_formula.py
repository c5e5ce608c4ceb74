"""Formulas tried while they are written, and why a value is what it is."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api, ok, refused


async def computed(api: Api) -> None:
    for module, field in (
        ("tickets", {"name": "double", "type": "formula", "label": "Double", "formula": "hours * 2"}),
        ("tickets", {"name": "size", "type": "formula", "label": "Size", "formula": "company.employees + hours"}),
        ("tickets", {"name": "of", "type": "lookup", "label": "Of", "link": "company", "field": "name"}),
        ("companies", {"name": "total", "type": "rollup", "label": "Total", "link": "tickets", "function": "sum",
                       "field": "double", "where": "stage != 'done'"}),
        ("companies", {"name": "busy", "type": "formula", "label": "Busy", "formula": "any(tickets, hours > 3) and total > 5"}),
    ):  # fmt: skip
        ok(await api.admin.post(f"/modules/{module}/fields", json=field), 201)


async def test_a_formula_is_tried_while_it_is_written(api: Api, make: Any) -> None:
    await computed(api)
    company = await make("companies", name="Acme", employees=7)
    ticket = await make("tickets", subject="A", hours="1.5", company=company["id"])

    async def tried(text: str, **more: Any) -> Any:
        return ok(await api.admin.post("/definitions/formula", json={"module": "tickets", "text": text, **more}))

    good = await tried("hours * company.employees", record=ticket["id"])
    assert good["ok"] and good["type"] == "decimal" and good["value"] == "10.50"
    assert [one["path"] for one in good["reads"]] == ["hours", "company.employees"]
    wrong = await tried("hours + companyy.employees")
    assert not wrong["ok"] and wrong["problems"][0]["column"] == 9 and "company" in wrong["problems"][0]["hint"]
    assert (await tried("hours +"))["problems"][0]["column"] == 8
    german = {"Accept-Language": "de"}
    asked = {"module": "tickets", "text": "hours +"}
    said = ok(await api.admin.post("/definitions/formula", json=asked, headers=german))["problems"][0]
    assert said["column"] == 8 and said["message"] == "nach „+“ fehlt ein Wert"
    assert not (await tried(""))["ok"] and not (await tried("(" * 4000))["ok"] and not (await tried("x" * 5000))["ok"]
    assert (await tried("hours > 1", **{"as": "condition", "record": ticket["id"]}))["value"] is True
    assert not (await tried("hours", **{"as": "condition"}))["ok"]
    title = await tried("{{ subject }} of {{ company.name }}", **{"as": "template", "record": ticket["id"]})
    assert title["value"] == "A of Acme"
    assert "me" in (await tried("owner == me"))["problems"][0]["message"]
    listed = {"module": "companies", "text": "sum(tickets, hours) * 2", "record": company["id"]}
    assert ok(await api.admin.post("/definitions/formula", json=listed))["value"] in ("3.00", "3.0")
    operation = {"op": "add", "path": "module/tickets/fields", "data": {"name": "rate", "type": "integer", "label": "Rate"}}
    ok(await api.admin.post("/definitions/draft/operations", json={"operations": [operation]}))
    assert not (await tried("hours * rate"))["ok"]
    draft = await tried("coalesce(rate, 2) * hours", draft=True, record=ticket["id"])
    assert draft["ok"] and draft["value"] in ("3", "3.0", "3.00")
    refused(await api.admin.post("/definitions/formula", json={"module": "tickets", "text": 3}), 422)
    refused(await api.admin.post("/definitions/formula", json={"module": "nothing", "text": "1"}), 404)
    refused(await api.member.post("/definitions/formula", json={"module": "tickets", "text": "1"}), 403)
    missing = {"module": "tickets", "text": "hours", "record": "0192d3a0-0000-7000-8000-000000000001"}
    refused(await api.admin.post("/definitions/formula", json=missing), 404)


async def test_names_and_functions_are_offered(api: Api) -> None:
    found = ok(await api.admin.get("/definitions/completion?module=tickets"))
    names = {one["name"]: one for one in found["names"]}
    assert names["hours"]["type"] == "decimal" and names["company"]["kind"] == "link" and names["stage"]["kind"] == "system"
    assert {one["name"] for one in found["functions"]} >= {"days", "coalesce", "sum"}
    behind = ok(await api.admin.get("/definitions/completion?module=tickets&path=company"))
    assert {one["name"] for one in behind["names"]} >= {"employees", "tickets"} and behind["functions"] == []
    assert ok(await api.admin.get("/definitions/completion?module=tickets&path=hours.x"))["names"] == []


async def test_why_a_value_is_what_it_is(api: Api, make: Any) -> None:
    await computed(api)
    company = await make("companies", name="Acme", employees=7)
    first = await make("tickets", subject="A", hours="4", company=company["id"])
    second = await make("tickets", subject="B", hours="1", company=company["id"])

    async def why(module: str, record: Any, field: str, depth: int = 1, by: Any = None) -> Any:
        return ok(await (by or api.admin).get(f"/records/{module}/{record['id']}/why/{field}?depth={depth}"))

    double = await why("tickets", first, "double")
    assert double["value"] == "8.00" and double["expression"] == {"formula": "hours * 2"}
    assert [(one["path"], one["value"]) for one in double["inputs"]] == [("hours", "4.00")]
    size = await why("tickets", first, "size")
    assert size["inputs"][0]["of"]["title"] == "Acme" and size["inputs"][0]["value"] == 7
    total = await why("companies", company, "total")
    assert total["value"] in ("10.00", "10") and total["count"] == 2
    assert {(one["title"], one["value"]) for one in total["records"]} == {("A", "8.00"), ("B", "2.00")}
    deep = await why("companies", company, "busy", 4)
    over, read = deep["inputs"]
    assert over["value"] is True and [one["title"] for one in over["records"]] == ["A"]
    assert read["computed"] and {one["title"] for one in read["because"]["records"]} == {"A", "B"}
    assert (await why("tickets", second, "title"))["inputs"][0]["value"] == "B"
    assert (await why("tickets", second, "of"))["inputs"][0]["value"] == "Acme"
    refused(await api.admin.get(f"/records/tickets/{first['id']}/why/hours"), 422)
    refused(await api.admin.get(f"/records/tickets/{first['id']}/why/nothing"), 404)


async def test_why_shows_nothing_that_is_hidden(api: Api, make: Any) -> None:
    await computed(api)
    company = await make("companies", name="Acme", employees=7)
    ticket = await make("tickets", subject="A", hours="4", company=company["id"])
    role = {"name": "viewer", "label": "Viewer", "modules": {"*": {"see": "all"}}, "hidden_fields": {"companies": ["employees"]}}
    ok(await api.admin.post("/roles", json=role), 201)
    size = ok(await api.viewer.get(f"/records/tickets/{ticket['id']}/why/size"))
    employees = next(one for one in size["inputs"] if one["path"] == "company.employees")
    assert employees["hidden"] and "value" not in employees
    own = {"modules": {"companies": {"see": "all"}, "tickets": {"see": "own"}}, "hidden_fields": {}}
    ok(await api.admin.patch("/roles/viewer", json={**own, "modules": {**own["modules"], "*": None}}))
    total = ok(await api.viewer.get(f"/records/companies/{company['id']}/why/total"))
    assert total["records"] == [] and total["hidden_records"] == 1
    refused(await api.viewer.get(f"/records/tickets/{ticket['id']}/why/double"), 404)


async def test_another_type_is_tried_on_the_values(api: Api, make: Any) -> None:
    for subject in ("Lamp", "lamp ", "Tap", "31.3.2026"):
        await make("tickets", subject=subject)
    path = "module/tickets/fields/subject"

    async def tried(type_: str, **settings: Any) -> Any:
        return ok(await api.admin.post("/definitions/try-type", json={"path": path, "type": type_, "settings": settings}))

    select = await tried("select")
    assert [option["label"] for option in select["settings"]["options"]][0].strip() in ("Lamp", "lamp")
    assert select["fits"] == 4 and select["fails"] == 0 and len(select["settings"]["options"]) == 3
    date = await tried("date")
    assert (date["fits"], date["fails"]) == (1, 3) and {s["value"] for s in date["failing"]} == {"Lamp", "lamp", "Tap"}
    assert date["problems"] == []
    few = await tried("select", options=[{"name": "lamp", "label": "Lamp"}])
    assert (few["fits"], few["fails"]) == (2, 2)
    body = {"path": path, "type": "nothing"}
    refused(await api.admin.post("/definitions/try-type", json=body), 422)
    refused(await api.admin.post("/definitions/try-type", json={**body, "path": "module/tickets/fields/x"}), 404)
    refused(await api.member.post("/definitions/try-type", json={**body, "type": "date"}), 403)
    operation = {"op": "rename", "path": path, "name": "topic"}
    ok(await api.admin.post("/definitions/draft/operations", json={"operations": [operation]}))
    again = ok(await api.admin.post("/definitions/try-type", json={"path": path, "type": "date", "draft": True}))
    assert again["fits"] == 1 and again["problems"] == []

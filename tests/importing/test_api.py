"""Imports over REST: upload, mapping, plan, run, rows with problems, error file, undo; and what is refused."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from tests.api.conftest import Api, api, make, ok, refused
from xrm_core.storage import imports as store

__all__ = ["api", "make"]
FILE = "Company name;Employees;Since when;Tags\nAcme;10;1999-01-01;Big\nZeta;many;2001-02-03;\nBeta;3;;new|big\n"


async def sent(client: httpx.AsyncClient, content: bytes | str = FILE, module: str = "companies", **more: str) -> httpx.Response:
    raw = content.encode() if isinstance(content, str) else content
    return await client.post("/imports", files={"file": ("list.csv", raw, "text/csv")}, data={"module": module, **more})


async def ended(client: httpx.AsyncClient, import_id: str) -> dict[str, Any]:
    for _ in range(200):
        found: dict[str, Any] = ok(await client.get(f"/imports/{import_id}"))
        if found["state"] not in ("running", "planning", "undoing"):
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(found)


async def test_a_whole_import(api: Api) -> None:
    response = await sent(api.member)
    made = ok(response, 201)
    assert response.headers["location"] == f"/api/v1/imports/{made['id']}"
    assert made["state"] == "uploaded" and made["format"]["delimiter"] == ";" and made["progress"]["total"] == 3
    assert [(one["name"], one["target"]) for one in made["columns"]] == [
        ("Company name", "name"), ("Employees", "employees"), ("Since when", None), ("Tags", "tags"),
    ]  # fmt: skip
    assert made["columns"][0]["samples"] == ["Acme", "Zeta", "Beta"]
    place = f"/imports/{made['id']}"
    mapped = ok(await api.member.put(f"{place}/mapping", json={"columns": {"Since when": "founded"}}))
    assert mapped["columns"][2]["target"] == "founded"
    planned = ok(await api.member.post(f"{place}/plan"))
    assert planned["state"] == "planned" and planned["counts"]["created"] == 2 and planned["counts"]["left_out"] == 1
    assert planned["rows"][0]["row"] == 3 and planned["rows"][0]["problems"][0]["column"] == "Employees"
    assert ok(await api.member.get("/records/companies"))["data"] == []
    assert ok(await api.member.post(f"{place}/run"), 202)["state"] in ("running", "done")
    done = await ended(api.member, made["id"])
    assert done["state"] == "done" and done["counts"]["created"] == 2 and done["progress"]["done"] == 3 and done["finished_at"]
    assert {one["name"] for one in ok(await api.member.get("/records/companies"))["data"]} == {"Acme", "Beta"}
    rows = ok(await api.member.get(f"{place}/rows"))
    assert [row["row"] for row in rows["data"]] == [3] and rows["data"][0]["cells"][1] == "many" and rows["next"] is None
    errors = await api.member.get(f"{place}/errors.csv")
    assert errors.headers["content-type"].startswith("text/csv") and errors.text.startswith("\ufeffCompany name,Employees")
    assert "Zeta,many,2001-02-03,,3,Employees: " in errors.text
    assert [one["id"] for one in ok(await api.member.get("/imports"))["data"]] == [made["id"]]
    refused(await api.member.post(f"{place}/run"), 409)
    undone = ok(await api.member.post(f"{place}/undo"))
    assert undone["undone"]["erased"] == 2 and undone["state"] == "undone"
    assert ok(await api.member.get("/records/companies"))["data"] == []


async def test_an_undo_keeps_what_others_need(api: Api, make: Any) -> None:
    made = ok(await sent(api.member, "name\nAcme\nZeta\n"), 201)
    await api.member.post(f"/imports/{made['id']}/run")
    await ended(api.member, made["id"])
    acme = next(one for one in ok(await api.member.get("/records/companies"))["data"] if one["name"] == "Acme")
    await make("tickets", subject="Mine", company=acme["id"])
    undone = ok(await api.member.post(f"/imports/{made['id']}/undo"))["undone"]
    assert undone["erased"] == 1 and [one["title"] for one in undone["kept_records"]] == ["Acme"]
    assert [one["name"] for one in ok(await api.member.get("/records/companies"))["data"]] == ["Acme"]


async def test_what_is_refused(api: Api) -> None:
    refused(await sent(api.nobody), 401)
    refused(await sent(api.viewer), 403)
    refused(await sent(api.member, module="nothing"), 404)
    refused(await sent(api.member, b""), 422)
    refused(await sent(api.member, encoding="klingon"), 422)
    refused(await sent(api.member, delimiter=";;"), 422)
    refused(await sent(api.member, colour="red"), 422)
    refused(await api.member.post("/imports", json={}), 415)
    refused(await api.member.post("/imports", data={"module": "companies"}, files={"other": b"x"}), 422)
    refused(await api.member.get("/imports/00000000-0000-7000-8000-000000000000"), 404)
    made = ok(await sent(api.member), 201)
    place = f"/imports/{made['id']}"
    for body in ([], {"columns": {"Nope": "name"}}, {"columns": {"Tags": "nope"}}, {"match": ["nope"]}, {"x": 1}):
        problems = refused(await api.member.put(f"{place}/mapping", json=body), 422)
        assert problems[0]["message"]
    refused(await api.member.put(f"{place}/mapping", content=b"{"), 400)
    refused(await api.member.post(f"{place}/undo"), 409)
    refused(await api.member.get(f"{place}/rows?after=x"), 400)
    # The uploader and those who manage users see it, another member does not.
    ok(await api.admin.get(place))
    other = await api.process.users.create(api.workspace, email="other@example.com", name="Other", roles=["member"], password="another long phrase")
    _, secret = await api.process.tokens.create(api.workspace, other.member.id, "test")
    refused(await api.member.get(place, headers={"Authorization": f"Bearer {secret}"}), 404)


async def test_the_same_request_twice_is_one_import(api: Api) -> None:
    parts: dict[str, Any] = {"files": {"file": ("list.csv", FILE.encode(), "text/csv")}, "data": {"module": "companies"}}
    request = api.member.build_request("POST", "/imports", headers={"Idempotency-Key": "one"}, **parts)
    content = request.read()
    headers = {"Idempotency-Key": "one", "Content-Type": request.headers["content-type"]}
    first = ok(await api.member.post("/imports", content=content, headers=headers), 201)
    again = ok(await api.member.post("/imports", content=content, headers=headers), 201)
    assert first["id"] == again["id"] and len(ok(await api.member.get("/imports"))["data"]) == 1


async def test_rows_of_imports_are_forgotten(api: Api) -> None:
    made = ok(await sent(api.member, "name,employees\nAcme,many\n"), 201)
    ok(await api.member.post(f"/imports/{made['id']}/plan"))
    schema, now = api.workspace.schema, api.clock.now()
    for age, left in ((timedelta(days=1), 1), (timedelta(days=-1), 0)):
        async with api.process.database.writing() as connection:
            await store.forget_rows(connection, schema, now - age)
        assert len(ok(await api.member.get(f"/imports/{made['id']}/rows"))["data"]) == left


async def test_naughty_files(api: Api) -> None:
    for content in (b"\x00\x01\x02", b"name\n\x00\n", "name\n=cmd()\n".encode("utf-16"), b"name\n" + b"x" * 100_000, b'"name\nunclosed'):
        response = await sent(api.member, content)
        assert response.status_code in (201, 422), response.text
        if response.status_code == 201:
            place = f"/imports/{response.json()['id']}"
            planned = await api.member.post(f"{place}/plan")
            assert planned.status_code in (200, 422), planned.text
            assert (await api.member.get(f"{place}/errors.csv")).status_code == 200

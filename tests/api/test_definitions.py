"""Definitions over REST: a module appears everywhere at once, changes are planned first, and everything can be undone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, ok, refused

ROOMS: dict[str, Any] = {
    "name": "rooms", "label": "Room", "label_plural": "Rooms", "icon": "door-open", "title": "{{ name }}",
    "fields": [
        {"name": "name", "type": "text", "label": "Name", "required": True},
        {"name": "seats", "type": "integer", "label": "Seats"},
    ],
}  # fmt: skip


async def test_a_new_module_is_there_at_once(api: Api) -> None:
    plan = ok(await api.admin.post("/modules?plan=true", json=ROOMS))
    assert plan["ok"] and plan["changes"]
    refused(await api.admin.get("/modules/rooms"), 404)
    made = await api.admin.post("/modules", json=ROOMS)
    assert ok(made, 201)["name"] == "rooms" and made.headers["location"] == "/api/v1/modules/rooms"
    assert "rooms" in [module["name"] for module in ok(await api.viewer.get("/modules"))["data"]]
    room = ok(await api.member.post("/records/rooms", json={"name": "Blue", "seats": 4}), 201)
    assert [one["id"] for one in ok(await api.viewer.get("/records/rooms"))["data"]] == [room["id"]]
    schema = ok(await api.viewer.get("/modules/rooms/schema"))
    assert schema["properties"]["seats"]["title"] == "Seats"
    document = ok(await api.viewer.get("http://xrm.example/api/openapi.json"))
    assert "/records/rooms/{id}" in document["paths"]


async def test_fields_are_added_changed_renamed_and_retired(api: Api, make: Any) -> None:
    ok(await api.admin.post("/modules", json=ROOMS), 201)
    room = await make("rooms", name="Blue", seats=4)
    added = {"name": "floor", "type": "select", "label": "Floor", "options": [{"name": "ground", "label": "Ground"}]}
    assert "floor" in [
        field["name"] for field in ok(await api.admin.post("/modules/rooms/fields", json=added), 201)["fields"]
    ]
    ok(await api.member.patch(f"/records/rooms/{room['id']}", json={"floor": "ground"}))
    ok(await api.admin.patch("/modules/rooms/fields/seats", json={"name": "chairs", "max": 10}))
    assert ok(await api.viewer.get(f"/records/rooms/{room['id']}"))["chairs"] == 4
    refused(await api.member.patch(f"/records/rooms/{room['id']}", json={"chairs": 11}), 422)
    ok(await api.admin.delete("/modules/rooms/fields/floor"))
    assert "floor" not in ok(await api.viewer.get(f"/records/rooms/{room['id']}"))
    ok(await api.admin.patch("/modules/rooms/fields/floor", json={"archived": False}))
    assert ok(await api.viewer.get(f"/records/rooms/{room['id']}"))["floor"] == "ground"


async def test_links_and_pipelines_are_added_to_a_live_module(api: Api, make: Any) -> None:
    ok(await api.admin.post("/modules", json=ROOMS), 201)
    company = await make("companies", name="Acme")
    link = {"name": "company", "label": "Company", "to": ["companies"], "inverse": {"name": "rooms", "label": "Rooms"}}
    ok(await api.admin.post("/modules/rooms/links", json=link), 201)
    pipeline = {"name": "use", "label": "Use", "field": "stage", "stages": [
        {"name": "free", "label": "Free", "category": "open"}, {"name": "taken", "label": "Taken", "category": "won"}]}  # fmt: skip
    ok(await api.admin.post("/modules/rooms/pipelines", json=pipeline), 201)
    room = await make("rooms", name="Blue", company=company["id"])
    assert room["stage"] == "free" and room["company"]["title"] == "Acme"
    assert ok(await api.member.post(f"/records/rooms/{room['id']}/move", json={"stage": "taken"}))["stage"] == "taken"


async def test_definitions_that_are_wrong_are_refused_with_every_place(api: Api) -> None:
    bad = {
        **ROOMS,
        "name": "Rooms!",
        "fields": [{"name": "x", "type": "nonsense", "label": "X"}, {"name": "y", "type": "text"}],
    }
    found = refused(await api.admin.post("/modules", json=bad), 422)
    assert {problem["path"] for problem in found} >= {"/name", "/fields/0/type"}
    ok(await api.admin.post("/modules", json=ROOMS), 201)
    refused(await api.admin.post("/modules", json=ROOMS), 409)
    found = refused(
        await api.admin.post(
            "/modules/rooms/fields", json={"name": "z", "type": "text", "label": "Z", "max_length": "many"}
        ),
        422,
    )
    assert [problem["path"] for problem in found] == ["/max_length"]
    refused(await api.admin.post("/modules/rooms/fields", json={"name": "seats", "type": "text", "label": "Z"}), 409)
    refused(await api.admin.post("/modules/rooms/nothing", json={}), 404)
    for body in (
        {"modules": {}},
        {"module": []},
        {"modules": [3]},
        {"base_version": "x"},
        {"complete": 1},
        {"remove": [3]},
    ):
        refused(await api.admin.post("/definitions/plan", json=body), 422)
    refused(
        await api.admin.post(
            "/modules/rooms/fields", json={"name": "f", "type": "formula", "label": "F", "formula": "nothing + 1"}
        ),
        422,
    )
    refused(await api.admin.patch("/modules/rooms/fields/nothing", json={}), 404)
    refused(await api.admin.patch("/modules/rooms", json={"id": "other"}), 422)
    refused(await api.admin.delete("/modules/nothing"), 404)


async def test_whole_sets_are_planned_published_and_rolled_back(api: Api) -> None:
    body = {"modules": [ROOMS]}
    assert ok(await api.admin.post("/definitions/plan", json=body))["effect"]
    before = ok(await api.admin.get("/definitions/history"))["data"][0]["number"]
    published = ok(await api.admin.post("/definitions/publish", json={**body, "base_version": before}))
    assert published["version"] == before + 1 and published["changed"]
    assert not ok(await api.admin.post("/definitions/publish", json=body))["changed"]
    refused(
        await api.admin.post(
            "/definitions/publish", json={"modules": [{**ROOMS, "label": "X"}], "base_version": before}
        ),
        409,
    )
    ok(await api.admin.post("/definitions/rollback", json={"version": before}))
    refused(await api.admin.get("/records/rooms"), 404)
    ok(await api.admin.post("/definitions/rollback", json={"version": before + 1}))
    ok(await api.admin.get("/records/rooms"))
    history = ok(await api.admin.get("/definitions/history?limit=2"))
    assert len(history["data"]) == 2 and history["next"]
    refused(await api.admin.post("/definitions/rollback", json={"version": 4711}), 404)
    for version in ("1", True, None, 0):
        refused(await api.admin.post("/definitions/rollback", json={"version": version}), 422)


@pytest.mark.parametrize("role", ["member", "viewer"])
async def test_only_designers_change_definitions(api: Api, role: str) -> None:
    client = getattr(api, role)
    refused(await client.post("/modules", json=ROOMS), 403)
    refused(await client.delete("/modules/companies"), 403)
    refused(await client.post("/definitions/publish", json={"modules": []}), 403)
    refused(await client.get("/definitions/history"), 403)


async def test_a_retired_module_comes_back_with_its_records(api: Api, make: Any) -> None:
    ok(await api.admin.post("/modules", json=ROOMS), 201)
    room = await make("rooms", name="Blue")
    ok(await api.admin.delete("/modules/rooms"))
    refused(await api.admin.get(f"/records/rooms/{room['id']}"), 404)
    assert "rooms" not in [module["name"] for module in ok(await api.admin.get("/modules"))["data"]]
    ok(await api.admin.patch("/modules/rooms", json={"archived": False}))
    assert ok(await api.admin.get(f"/records/rooms/{room['id']}"))["name"] == "Blue"


async def test_roles_are_definitions_too(api: Api) -> None:
    role = {"name": "clerk", "label": "Clerk", "modules": {"companies": {"see": "all"}}}
    assert ok(await api.admin.post("/roles?plan=true", json=role))["ok"]
    ok(await api.admin.post("/roles", json=role), 201)
    user = ok(await api.admin.post("/users", json={"email": "clerk@example.com", "roles": ["clerk"]}), 201)
    token = ok(await api.admin.post("/tokens", json={"name": "x", "user": user["id"]}), 201)["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert [one["name"] for one in ok(await api.nobody.get("/modules", headers=headers))["data"]] == ["companies"]
    refused(await api.nobody.get("/records/tickets", headers=headers), 404)
    refused(await api.nobody.post("/records/companies", json={"name": "x"}, headers=headers), 403)
    ok(await api.admin.patch("/roles/clerk", json={"modules": {"companies": {"create": True}}}))
    ok(await api.nobody.post("/records/companies", json={"name": "x"}, headers=headers), 201)
    ok(await api.admin.delete("/roles/clerk"))
    refused(await api.nobody.get("/records/companies", headers=headers), 404)

"""Saved views, settings, where one was, favourites and recent records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.api.conftest import Api, ok, refused

LOOK: dict[str, Any] = {
    "layout": "list", "filter": "employees > 5", "sort": ["-employees"], "columns": ["name", "employees"],
    "widths": {"name": 240}, "pinned": ["name"], "color": [{"when": "employees > 100", "hue": "red"}],
}  # fmt: skip


async def test_a_view_is_saved_shared_and_never_changed_by_others(api: Api) -> None:
    body = {"module": "companies", "name": "Big ones", "definition": LOOK}
    made = ok(await api.member.post("/views", json=body), 201)
    assert made["visibility"] == "mine" and made["definition"] == LOOK and made["can_edit"]
    assert [v["name"] for v in ok(await api.viewer.get("/views?module=companies"))["data"] if v["kind"] == "saved"] == []
    refused(await api.viewer.get(f"/views/{made['id']}"), 404)
    shared = ok(await api.member.patch(f"/views/{made['id']}", json={"visibility": "shared"}))
    assert shared["version"] == 2
    (seen,) = [v for v in ok(await api.viewer.get("/views?module=companies"))["data"] if v["kind"] == "saved"]
    assert seen["name"] == "Big ones" and not seen["can_edit"]
    refused(await api.viewer.patch(f"/views/{made['id']}", json={"name": "Mine now"}), 403)
    refused(await api.admin.patch(f"/views/{made['id']}", json={"definition": {"layout": "list"}}), 403)
    refused(await api.viewer.delete(f"/views/{made['id']}"), 403)
    refused(await api.member.patch(f"/views/{made['id']}", json={"name": "X"}, headers={"If-Match": '"1"'}), 412)
    ok(await api.admin.delete(f"/views/{made['id']}"), 204)
    refused(await api.member.get(f"/views/{made['id']}"), 404)


async def test_a_wrong_view_is_refused_with_its_places(api: Api) -> None:
    body = {"module": "companies", "name": "Bad", "definition": {**LOOK, "columns": ["nope"], "sort": ["-wrong"], "filter": "a =="}}
    paths = {problem["path"] for problem in refused(await api.member.post("/views", json=body), 422)}
    assert {"/definition/columns/0", "/definition/sort/0"} <= paths and any(p.startswith("/definition/filter") for p in paths)
    refused(await api.member.post("/views", json={**body, "definition": {"surprise": 1}}), 422)
    refused(await api.member.post("/views", json={**body, "definition": LOOK, "visibility": "world"}), 422)
    refused(await api.member.post("/views", json={**body, "definition": LOOK, "name": " "}), 422)
    refused(await api.member.post("/views", json={**body, "module": "nothing", "definition": LOOK}), 404)


async def test_what_a_role_does_not_see_is_in_no_view(api: Api) -> None:
    role = {"name": "clerk", "label": "Clerk", "modules": {"*": {"see": "all"}}, "hidden_fields": {"companies": ["employees"]}}
    ok(await api.admin.post("/roles", json=role), 201)
    (viewer,) = [u for u in ok(await api.admin.get("/users"))["data"] if u["name"] == "viewer"]
    ok(await api.admin.patch(f"/users/{viewer['id']}", json={"roles": ["clerk"]}))
    body = {"module": "companies", "visibility": "shared"}
    ok(await api.member.post("/views", json={**body, "name": "Filtered", "definition": LOOK}), 201)
    plain = {**LOOK, "filter": "name != ''", "sort": ["-employees"], "color": []}
    ok(await api.member.post("/views", json={**body, "name": "Plain", "definition": plain}), 201)
    answer = await api.viewer.get("/views?module=companies")
    (seen,) = [v for v in ok(answer)["data"] if v["kind"] == "saved"]
    assert seen["name"] == "Plain" and seen["definition"]["columns"] == ["name"] and seen["definition"]["sort"] == []
    assert "employees" not in answer.text


async def test_uses_are_counted_and_roles_have_a_first_view(api: Api) -> None:
    made = ok(await api.member.post("/views", json={"module": "companies", "name": "A", "definition": LOOK, "visibility": "shared"}), 201)
    for _ in range(3):
        ok(await api.viewer.post(f"/views/{made['id']}/use"), 204)
    refused(await api.viewer.post("/views/nothing.here/use"), 404)
    refused(await api.member.put("/views/default", json={"module": "companies", "role": "viewer", "view": made["id"]}), 403)
    ok(await api.admin.put("/views/default", json={"module": "companies", "role": "viewer", "view": made["id"]}), 204)
    (seen,) = [v for v in ok(await api.viewer.get("/views"))["data"] if v["id"] == made["id"]]
    assert seen["uses"] == 3 and seen["default"]
    refused(await api.admin.put("/views/default", json={"module": "companies", "role": "emperor", "view": made["id"]}), 422)


async def test_settings_are_merged_and_checked(api: Api) -> None:
    done = ok(await api.member.patch("/me", json={"settings": {"theme": "dark", "shortcuts": {"create": "n"}}}))
    assert done["settings"] == {"theme": "dark", "shortcuts": {"create": "n"}}
    done = ok(await api.member.patch("/me", json={"settings": {"theme": None, "density": "compact", "time_zone": "Europe/London"}}))
    assert done["settings"] == {"shortcuts": {"create": "n"}, "density": "compact", "time_zone": "Europe/London"}
    assert ok(await api.member.get("/me"))["settings"] == done["settings"]
    assert ok(await api.viewer.get("/me"))["settings"] == {}
    for wrong in ({"theme": "pink"}, {"surprise": 1}, {"time_zone": "Mars"}, {"shortcuts": {"a": "x" * 99}}):
        refused(await api.member.patch("/me", json={"settings": wrong}), 422)


async def test_where_one_was_favourites_and_recent_records(api: Api, make: Callable[..., Any]) -> None:
    company = await make("companies", name="Acme")
    ok(await api.member.put("/me/state/companies", json={"query": "filter=employees+%3E+5&view=big"}), 204)
    assert ok(await api.member.get("/me/state"))["data"] == {"companies": "filter=employees+%3E+5&view=big"}
    assert ok(await api.viewer.get("/me/state"))["data"] == {}
    ok(await api.member.put("/me/state/companies", json={}), 204)
    assert ok(await api.member.get("/me/state"))["data"] == {}
    refused(await api.member.put("/me/state/companies", json={"query": "x" * 9000}), 422)
    refused(await api.member.put("/me/state/nothing", json={"query": "x"}), 404)
    wanted = [{"kind": "record", "target": company["id"], "module": "companies"}, {"kind": "module", "module": "tickets"}]
    found = ok(await api.member.put("/me/favourites", json={"data": wanted}))["data"]
    assert [one["title"] for one in found] == ["Acme", "Tickets"] == [one["title"] for one in ok(await api.member.get("/me/favourites"))["data"]]
    refused(await api.member.put("/me/favourites", json={"data": [{"kind": "record", "target": "x", "module": "companies"}]}), 422)
    other = await make("companies", name="Beta")
    for one in (company, other, company):
        api.clock.move(timedelta(seconds=1))
        ok(await api.member.post("/me/recent", json={"module": "companies", "id": one["id"]}), 204)
    assert [one["title"] for one in ok(await api.member.get("/me/recent"))["data"]] == ["Acme", "Beta"]
    ok(await api.admin.delete(f"/records/companies/{company['id']}", params={"permanent": "true"}), 204)
    assert [one["title"] for one in ok(await api.member.get("/me/recent"))["data"]] == ["Beta"]
    assert [one["title"] for one in ok(await api.member.get("/me/favourites"))["data"]] == ["Tickets"]

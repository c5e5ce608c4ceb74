"""Signing in, users, teams and tokens over REST."""

from __future__ import annotations

from tests.api.conftest import PASSWORD, Api, ok, refused


async def test_a_browser_session_needs_its_csrf_token_to_change_things(api: Api) -> None:
    refused(await api.nobody.get("/me"), 401)
    answer = await api.nobody.post("/session", json={"email": "ADMIN@example.com", "password": PASSWORD})
    me = ok(answer)
    assert me["roles"] == ["admin"] and "HttpOnly" in answer.headers["set-cookie"]
    assert ok(await api.nobody.get("/me"))["rights"]["design"] is True
    company = {"name": "Acme"}
    refused(await api.nobody.post("/records/companies", json=company), 403)
    ok(await api.nobody.post("/records/companies", json=company, headers={"X-CSRF-Token": me["csrf"]}), 201)
    assert (await api.nobody.delete("/session", headers={"X-CSRF-Token": me["csrf"]})).status_code == 204
    refused(await api.nobody.get("/me"), 401)


async def test_too_many_guesses_are_429_and_say_when_to_come_back(api: Api) -> None:
    guess = {"email": "admin@example.com", "password": "wrong guess"}
    for _ in range(10):
        refused(await api.nobody.post("/session", json=guess), 401)
    response = await api.nobody.post("/session", json=guess)
    refused(response, 429)
    assert int(response.headers["retry-after"]) > 0
    for body in (
        {},
        {"email": 3, "password": "x"},
        {"email": "a@b.c", "password": "x", "more": 1},
        {"email": "a\x00", "password": "x"},
    ):
        refused(await api.nobody.post("/session", json=body), 422)


async def test_users_are_made_changed_and_shut_out(api: Api) -> None:
    made = ok(
        await api.admin.post("/users", json={"email": "new@example.com", "name": "Nell", "roles": ["viewer"]}), 201
    )
    assert made["password"]
    ok(await api.nobody.post("/session", json={"email": "new@example.com", "password": made["password"]}))
    changed = ok(await api.admin.patch(f"/users/{made['id']}", json={"roles": ["member"], "disabled": True}))
    assert changed["roles"] == ["member"] and changed["disabled"]
    refused(await api.nobody.get("/me"), 401)
    ok(await api.admin.patch(f"/users/{made['id']}", json={"password": "another pass phrase", "disabled": False}))
    ok(await api.nobody.post("/session", json={"email": "new@example.com", "password": "another pass phrase"}))
    refused(await api.admin.post("/users", json={"email": "new@example.com"}), 409)
    refused(await api.admin.post("/users", json={"email": "x@example.com", "roles": ["boss"]}), 422)
    refused(await api.admin.get("/users/4711"), 404)
    refused(await api.viewer.post("/users", json={"email": "x@example.com"}), 403)
    assert all("email" not in one for one in ok(await api.viewer.get("/users"))["data"] if one["name"] == "admin")
    assert {role["name"] for role in ok(await api.viewer.get("/roles"))["data"]} >= {"admin", "member", "viewer"}


async def test_teams(api: Api) -> None:
    team = ok(await api.admin.post("/teams", json={"name": "North"}), 201)
    user = ok(await api.admin.get("/users"))["data"][0]
    assert ok(await api.admin.patch(f"/teams/{team['id']}", json={"lead": user["id"]}))["lead"] == user["id"]
    assert ok(await api.admin.patch(f"/users/{user['id']}", json={"teams": [team["id"]]}))["teams"] == [team["id"]]
    refused(await api.admin.patch(f"/users/{user['id']}", json={"teams": ["x"]}), 422)
    refused(await api.member.post("/teams", json={"name": "South"}), 403)
    assert (await api.admin.delete(f"/teams/{team['id']}")).status_code == 204
    assert ok(await api.admin.get("/teams"))["data"] == []
    assert ok(await api.admin.get(f"/users/{user['id']}"))["teams"] == []


async def test_tokens_are_told_once_and_can_be_revoked(api: Api) -> None:
    made = ok(await api.viewer.post("/tokens", json={"name": "export"}), 201)
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert ok(await api.nobody.get("/me", headers=headers))["roles"] == ["viewer"]
    listed = ok(await api.viewer.get("/tokens"))["data"]
    assert {one["name"] for one in listed} == {"test", "export"} and all("token" not in one for one in listed)
    assert len(ok(await api.admin.get("/tokens"))["data"]) == 4
    assert (await api.viewer.delete(f"/tokens/{made['id']}")).status_code == 204
    refused(await api.nobody.get("/me", headers=headers), 401)
    admin = ok(await api.admin.get("/me"))["id"]
    refused(await api.viewer.post("/tokens", json={"name": "x", "user": admin}), 403)
    refused(await api.viewer.post("/tokens", json={"name": "x", "expires_at": "soon"}), 422)

"""Saved views, and what one member chose and did: settings, state, favourites, recent records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from litestar import Response, delete, get, patch, post, put

from xrm_core.access.preferences import merged
from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, expected_version, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.records import personal, views
from xrm_core.records.unit import Unit
from xrm_core.storage import members


@get("/views")
async def list_views(request: Req) -> Response[bytes]:
    """All views that the caller sees, of one module or of all."""
    caller = await caller_of(request)
    module = Parameters(request.scope["query_string"], ("module",)).text("module")
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return as_json({"data": await views.listed(unit, module), "next": None})


@post("/views")
async def create_view(request: Req) -> Response[bytes]:
    """Save a view."""
    types = {"module": str, "name": str, "definition": dict, "visibility": str, "place": int}
    body = Values(await json_object(request), types, ("module", "name", "definition"))

    async def work(unit: Unit) -> Answer:
        made = await views.create(
            unit, body["module"], body["name"], body["definition"], body.get("visibility") or "mine",
            1000 if body.get("place") is None else body["place"],
        )  # fmt: skip
        return Answer(
            201, orjson.dumps(made), {"Location": f"/api/v1/views/{made['id']}", "ETag": f'"{made["version"]}"'}
        )

    return await _change(request, work)


@get("/views/{id:str}")
async def get_view(request: Req) -> Response[bytes]:
    """One saved view."""
    caller = await caller_of(request)
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return as_json(await views.get(unit, record_id(request.path_params["id"])))


@patch("/views/{id:str}")
async def update_view(request: Req) -> Response[bytes]:
    """Change a saved view of one's own."""
    types = {"name": str, "definition": dict, "visibility": str, "place": int, "owner": str}
    body = Values(await json_object(request), types)
    identity, version = record_id(request.path_params["id"]), expected_version(request.headers)

    async def work(unit: Unit) -> Answer:
        done = await views.update(unit, identity, body.given, version)
        return Answer(200, orjson.dumps(done), {"ETag": f'"{done["version"]}"'})

    return await _change(request, work)


@delete("/views/{id:str}", status_code=200)
async def delete_view(request: Req) -> Response[bytes]:
    """Remove a saved view of one's own."""
    identity = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        await views.remove(unit, identity)
        return Answer(204)

    return await _change(request, work)


@post("/views/{key:str}/use", status_code=200)
async def use_view(request: Req) -> Response[bytes]:
    """Count that a view was opened."""
    key = request.path_params["key"]

    async def work(unit: Unit) -> Answer:
        await views.use(unit, key)
        return Answer(204)

    return await _change(request, work)


@put("/views/default", status_code=200)
async def set_default_view(request: Req) -> Response[bytes]:
    """Choose the view that a role begins with in a module; without a view, what the definitions say."""
    body = Values(await json_object(request), {"module": str, "role": str, "view": str}, ("module", "role"))

    async def work(unit: Unit) -> Answer:
        await views.set_default(unit, body["module"], body["role"], body.get("view"))
        return Answer(204)

    return await _change(request, work)


@patch("/me")
async def update_me(request: Req) -> Response[bytes]:
    """Change one's own settings; null takes back a choice."""
    caller = await caller_of(request)
    body = Values(await json_object(request), {"settings": dict}, ("settings",))

    async def work(unit: Unit) -> Answer:
        connection = await unit.transaction()
        member = await members.member(connection, unit.schema, caller.account_id)
        settings = merged(member.settings if member else {}, body["settings"])
        await members.set_member_settings(connection, unit.schema, caller.account_id, settings)
        return Answer(200, orjson.dumps({"settings": settings}))

    answer = await change(request, caller, work)
    services_of(request).doorkeeper.forget(caller.account_id)
    return answer


@get("/me/state")
async def get_state(request: Req) -> Response[bytes]:
    """How the caller looked at each module last."""
    return await _read(request, personal.states)


@put("/me/state/{module:str}", status_code=200)
async def set_state(request: Req) -> Response[bytes]:
    """Remember how the caller looks at a module."""
    body = Values(await json_object(request), {"query": str})
    module = request.path_params["module"]

    async def work(unit: Unit) -> Answer:
        await personal.set_state(unit, module, body.get("query"))
        return Answer(204)

    return await _change(request, work)


@get("/me/favourites")
async def get_favourites(request: Req) -> Response[bytes]:
    """The caller's favourites in their order."""
    return await _read(request, personal.favourites)


@put("/me/favourites", status_code=200)
async def set_favourites(request: Req) -> Response[bytes]:
    """Choose favourites and their order."""
    body = Values(await json_object(request), {"data": list}, ("data",))

    async def work(unit: Unit) -> Answer:
        return Answer(200, orjson.dumps({"data": await personal.set_favourites(unit, body["data"])}))

    return await _change(request, work)


@get("/me/recent")
async def get_recent(request: Req) -> Response[bytes]:
    """What the caller looked at last."""
    limit = Parameters(request.scope["query_string"], ("limit",)).number("limit", 20, 1, personal.MOST_RECENT)
    return await _read(request, lambda unit: personal.recent(unit, limit), checked=True)


@post("/me/recent", status_code=200)
async def add_recent(request: Req) -> Response[bytes]:
    """Remember that the caller looked at a record."""
    body = Values(await json_object(request), {"module": str, "id": str}, ("module", "id"))
    identity = record_id(body["id"])

    async def work(unit: Unit) -> Answer:
        await personal.look_at(unit, body["module"], identity)
        return Answer(204)

    return await _change(request, work)


async def _change(request: Req, work: Callable[[Unit], Awaitable[Answer]]) -> Response[bytes]:
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    return await change(request, caller, work)


async def _read(request: Req, work: Callable[[Unit], Awaitable[Any]], *, checked: bool = False) -> Response[bytes]:
    caller = await caller_of(request)
    if not checked:
        Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return as_json({"data": await work(unit)})


HANDLERS = [
    list_views, create_view, get_view, update_view, delete_view, use_view, set_default_view, update_me, get_state,
    set_state, get_favourites, set_favourites, get_recent, add_recent,
]  # fmt: skip

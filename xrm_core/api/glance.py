"""One record at a glance, and records that may be the same as one that is being typed in."""

from __future__ import annotations

from typing import Any

import orjson
from litestar import Response, get, post

from xrm_core.api.answers import raw_json
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, bad, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.records.brief import brief
from xrm_core.records.likeness import duplicates
from xrm_core.records.unit import Unit


@get("/records/{module:str}/{id:str}/brief")
async def record_brief(request: Req) -> Response[bytes]:
    """The panels of a record's page."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    path = request.path_params
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return raw_json(await brief(unit, path["module"], record_id(path["id"])))


@post("/records/{module:str}/duplicates", status_code=200)
async def find_duplicates(request: Req) -> Response[bytes]:
    """Records that may be the same as one with these values, the likeliest first."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    body = Values(await json_object(request), {"values": dict, "but": str}, ("values",))
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return await _duplicates(unit, request.path_params["module"], body["values"], body.get("but"))


@get("/records/{module:str}/duplicates")
async def look_for_duplicates(request: Req) -> Response[bytes]:
    """The same with the values as query parameters."""
    caller = await caller_of(request)
    values = dict(request.query_params.items())
    if len(values) > 20 or any(len(value) > 500 for value in values.values()):
        raise bad("", "At most 20 values of 500 characters.")
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return await _duplicates(unit, request.path_params["module"], values, None)


async def _duplicates(unit: Unit, module: str, values: dict[str, Any], but: str | None) -> Response[bytes]:
    found = await duplicates(unit, module, values, but=record_id(but) if but else None)
    return raw_json(orjson.dumps({"data": found, "next": None}))


HANDLERS = [record_brief, find_duplicates, look_for_duplicates]

"""What happened to a record: its timeline and its history."""

from __future__ import annotations

from litestar import Response, get

from xrm_core.api.answers import as_json
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.records import timeline

LIMIT, MOST = 50, 200
_PAGE = ("limit", "cursor")


@get("/records/{module:str}/{id:str}/timeline")
async def record_timeline(request: Req) -> Response[bytes]:
    """What happened to a record and around it, newest first."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], _PAGE)
    path = request.path_params
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = await timeline.timeline(
            unit,
            path["module"],
            record_id(path["id"]),
            limit=parameters.number("limit", LIMIT, 1, MOST),
            cursor=parameters.text("cursor"),
        )
    return as_json(found)


@get("/records/{module:str}/{id:str}/history")
async def record_history(request: Req) -> Response[bytes]:
    """Every change of a record, newest first."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], _PAGE)
    path = request.path_params
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = await timeline.history(
            unit,
            path["module"],
            record_id(path["id"]),
            limit=parameters.number("limit", LIMIT, 1, MOST),
            cursor=parameters.text("cursor"),
        )
    return as_json(found)


HANDLERS = [record_timeline, record_history]

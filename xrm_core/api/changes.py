"""What was done lately, and undoing it."""

from __future__ import annotations

import orjson
from litestar import Response, get, post

from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.records import changes, undo
from xrm_core.records.undo import Undone
from xrm_core.records.unit import Unit

LIMIT = 20
_SHOWN = 1000


@get("/changes")
async def list_changes(request: Req) -> Response[bytes]:
    """What the caller did lately, newest first; each may be undone."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], ("mine", "limit", "before"))
    parameters.flag("mine")
    before = parameters.text("before")
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = await changes.lately(
            unit,
            limit=parameters.number("limit", LIMIT, 1, changes.MOST),
            before=record_id(before) if before else None,
        )
    return as_json({"data": found, "next": None})


@post("/changes/{id:str}/undo", status_code=200)
async def undo_change(request: Req) -> Response[bytes]:
    """Undo a change: all of it, or nothing and a problem for everything that was changed since."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    identity = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        return _answer(await undo.undo(unit, identity))

    return await change(request, caller, work)


@post("/changes/{id:str}/redo", status_code=200)
async def redo_change(request: Req) -> Response[bytes]:
    """Do again what was undone."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    identity = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        return _answer(await undo.redo(unit, identity))

    return await change(request, caller, work)


def _answer(done: Undone) -> Answer:
    shown = {
        "change_id": str(done.change_id),
        "undoes": str(done.undoes),
        "count": len(done.records),
        "records": [{"module": module, "id": str(identifier)} for module, identifier in done.records[:_SHOWN]],
    }
    return Answer(200, orjson.dumps(shown))


HANDLERS = [list_changes, undo_change, redo_change]

"""One record: read, create, change, archive, restore, erase."""

from __future__ import annotations

from litestar import Response, delete, get, patch, post

from xrm_core.api.answers import Answer, change, raw_json, warning_headers
from xrm_core.api.body import json_object
from xrm_core.api.query import Parameters, expected_version, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.records import lifecycle, read, write
from xrm_core.records.unit import Unit
from xrm_core.records.write import Stored

_ONE = ("fields", "expand", "as_of")


@get("/records/{module:str}/{id:str}")
async def get_record(request: Req) -> Response[bytes]:
    """Read one record."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], _ONE)
    path = request.path_params
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = await read.get(
            unit,
            path["module"],
            record_id(path["id"]),
            fields=parameters.names("fields") or None,
            expand=parameters.names("expand"),
            as_of=parameters.instant("as_of"),
        )
    return raw_json(found.json, {"ETag": f'"{found.version}"'})


@post("/records/{module:str}")
async def create_record(request: Req) -> Response[bytes]:
    """Create a record."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    values = await json_object(request)
    module = request.path_params["module"]

    async def work(unit: Unit) -> Answer:
        stored = await write.create(unit, module, values)
        return stored_answer(stored, 201, {"Location": f"/api/v1/records/{module}/{stored.id}"})

    return await change(request, caller, work)


@patch("/records/{module:str}/{id:str}")
async def update_record(request: Req) -> Response[bytes]:
    """Change fields and links of a record; null clears."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    values = await json_object(request)
    path = request.path_params
    identity, version = record_id(path["id"]), expected_version(request.headers)

    async def work(unit: Unit) -> Answer:
        return stored_answer(await write.update(unit, path["module"], identity, values, version))

    return await change(request, caller, work)


@delete("/records/{module:str}/{id:str}", status_code=200)
async def delete_record(request: Req) -> Response[bytes]:
    """Archive a record, or erase it for ever."""
    caller = await caller_of(request)
    permanent = Parameters(request.scope["query_string"], ("permanent",)).flag("permanent")
    path = request.path_params
    identity, version = record_id(path["id"]), expected_version(request.headers)

    async def work(unit: Unit) -> Answer:
        if permanent:
            await lifecycle.erase(unit, path["module"], identity)
            return Answer(204)
        return stored_answer(await lifecycle.archive(unit, path["module"], identity, version))

    return await change(request, caller, work)


@post("/records/{module:str}/{id:str}/restore", status_code=200)
async def restore_record(request: Req) -> Response[bytes]:
    """Bring an archived record back."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    path = request.path_params
    identity, version = record_id(path["id"]), expected_version(request.headers)

    async def work(unit: Unit) -> Answer:
        return stored_answer(await lifecycle.restore(unit, path["module"], identity, version))

    return await change(request, caller, work)


def stored_answer(stored: Stored, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(
        status, stored.json, {"ETag": f'"{stored.version}"', **(headers or {}), **warning_headers(stored.warnings)}
    )


HANDLERS = [get_record, create_record, update_record, delete_record, restore_record]

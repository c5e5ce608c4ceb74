"""One record: read, create, change, move, archive, restore, erase, and many at once."""

from __future__ import annotations

import orjson
from litestar import Response, delete, get, patch, post

from xrm_core.api.answers import Answer, change, raw_json, warning_headers
from xrm_core.api.body import json_object
from xrm_core.api.query import Parameters, expected_version, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records import read, write
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
        return _stored(stored, 201, {"Location": f"/api/v1/records/{module}/{stored.id}"})

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
        return _stored(await write.update(unit, path["module"], identity, values, version))

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
            await write.erase(unit, path["module"], identity)
            return Answer(204)
        return _stored(await write.archive(unit, path["module"], identity, version))

    return await change(request, caller, work)


@post("/records/{module:str}/{id:str}/restore", status_code=200)
async def restore_record(request: Req) -> Response[bytes]:
    """Bring an archived record back."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    path = request.path_params
    identity, version = record_id(path["id"]), expected_version(request.headers)

    async def work(unit: Unit) -> Answer:
        return _stored(await write.restore(unit, path["module"], identity, version))

    return await change(request, caller, work)


@post("/records/{module:str}/{id:str}/move", status_code=200)
async def move_record(request: Req) -> Response[bytes]:
    """Move a record to another stage."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    body = await json_object(request)
    problems = [
        Problem(
            "unknown_key",
            pointer(key),
            f"There is no {key!r} here.",
            "Send stage, and a reason where one is asked for.",
        )
        for key in body
        if key not in ("stage", "reason")
    ]
    for key in ("stage", "reason"):
        if (key == "stage" and key not in body) or (
            key in body and not isinstance(body[key], str) and (key == "stage" or body[key] is not None)
        ):
            problems.append(
                Problem("type" if key in body else "required", pointer(key), f"{key!r} is the name of a {key}.")
            )
    if problems:
        raise Invalid(problems)
    path = request.path_params
    identity, version = record_id(path["id"]), expected_version(request.headers)

    async def work(unit: Unit) -> Answer:
        return _stored(
            await write.move(
                unit, path["module"], identity, body["stage"], reason=body.get("reason"), expected_version=version
            )
        )

    return await change(request, caller, work)


@post("/records/{module:str}/batch", status_code=200)
async def batch_records(request: Req) -> Response[bytes]:
    """Create, update, upsert and archive many records in one request, with an outcome per row."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    body = await json_object(request)
    module = request.path_params["module"]

    async def work(unit: Unit) -> Answer:
        return Answer(200, orjson.dumps(await write.batch(unit, module, body)))

    return await change(request, caller, work)


def _stored(stored: Stored, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(
        status, stored.json, {"ETag": f'"{stored.version}"', **(headers or {}), **warning_headers(stored.warnings)}
    )


HANDLERS = [get_record, create_record, update_record, delete_record, restore_record, move_record, batch_records]

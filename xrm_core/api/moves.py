"""Moving records through their stages, and changing many records at once."""

from __future__ import annotations

import orjson
from litestar import Response, post

from xrm_core.api.answers import Answer, change
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, expected_version, record_id
from xrm_core.api.records import stored_answer
from xrm_core.api.services import Req, caller_of
from xrm_core.records.batch import batch
from xrm_core.records.stages import move
from xrm_core.records.unit import Unit


@post("/records/{module:str}/{id:str}/move", status_code=200)
async def move_record(request: Req) -> Response[bytes]:
    """Move a record to another stage."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    body = Values(await json_object(request), {"stage": str, "reason": str, "values": dict}, ("stage",))
    path = request.path_params
    identity, version = record_id(path["id"]), expected_version(request.headers)

    async def work(unit: Unit) -> Answer:
        return stored_answer(
            await move(
                unit,
                path["module"],
                identity,
                body["stage"],
                reason=body.get("reason"),
                values=body.get("values"),
                expected_version=version,
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
        return Answer(200, orjson.dumps(await batch(unit, module, body)))

    return await change(request, caller, work)


HANDLERS = [move_record, batch_records]

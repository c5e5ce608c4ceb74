"""Merging records that are the same."""

from __future__ import annotations

from litestar import Response, post

from xrm_core.api.answers import Answer, change
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.records import stored_answer
from xrm_core.api.services import Req, caller_of
from xrm_core.records.merge import merge
from xrm_core.records.unit import Unit


@post("/records/{module:str}/merge", status_code=200)
async def merge_records(request: Req) -> Response[bytes]:
    """Make one record of several: `keep` stays and takes what it lacks, `merge` are archived, all links lead to it."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    types = {"keep": str, "merge": list, "values": dict, "fill": bool}
    body = Values(await json_object(request), types, ("keep", "merge"))
    keep, others = record_id(body["keep"]), [record_id(str(one)) for one in body.ids("merge") or []]
    fill = body.get("fill")

    async def work(unit: Unit) -> Answer:
        module = request.path_params["module"]
        return stored_answer(await merge(unit, module, keep, others, body.get("values"), fill=fill is not False))

    return await change(request, caller, work)


HANDLERS = [merge_records]

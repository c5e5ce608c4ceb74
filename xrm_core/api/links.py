"""Linking records: make and undo links from either side."""

from __future__ import annotations

from litestar import Response, delete, put

from xrm_core.api.answers import Answer, change
from xrm_core.api.body import json_object
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of
from xrm_core.records import relating
from xrm_core.records.unit import Unit


@put("/records/{module:str}/{id:str}/related/{link:str}/{other:str}", status_code=200)
async def link_records(request: Req) -> Response[bytes]:
    """Link two records; the body holds the attributes of the link, if it has any."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    attributes = await json_object(request, optional=True)
    path = request.path_params
    identity, other = record_id(path["id"]), record_id(path["other"])

    async def work(unit: Unit) -> Answer:
        await relating.link(unit, path["module"], identity, path["link"], other, attributes or None)
        return Answer(204)

    return await change(request, caller, work)


@delete("/records/{module:str}/{id:str}/related/{link:str}/{other:str}", status_code=200)
async def unlink_records(request: Req) -> Response[bytes]:
    """Take two records apart."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    path = request.path_params
    identity, other = record_id(path["id"]), record_id(path["other"])

    async def work(unit: Unit) -> Answer:
        await relating.unlink(unit, path["module"], identity, path["link"], other)
        return Answer(204)

    return await change(request, caller, work)


HANDLERS = [link_records, unlink_records]

"""Views over many records: boards, numbers, and search through all modules."""

from __future__ import annotations

from litestar import Response, get, post

from xrm_core.api.answers import raw_json
from xrm_core.api.body import json_object
from xrm_core.api.lists import filter_of
from xrm_core.api.query import Parameters, bad
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.records.aggregate import aggregate
from xrm_core.records.board import board

_BOARD = ("pipeline", "by", "filter", "limit", "sum", "sort", "fields")


@get("/records/{module:str}/board")
async def show_board(request: Req) -> Response[bytes]:
    """Records by stage, or by another field with options: counts, sums and the first cards of each."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], _BOARD)
    by = parameters.text("by") or "stage"
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        pipeline = unit.module(request.path_params["module"]).definition.pipeline
        wanted = parameters.text("pipeline")
        if wanted is not None and (pipeline is None or pipeline.name != wanted):
            raise bad(
                "pipeline",
                f"There is no pipeline {wanted[:60]!r}.",
                f"Did you mean {pipeline.name!r}?" if pipeline else "",
            )
        body = await board(
            unit,
            request.path_params["module"],
            by=by,
            filter=filter_of(parameters),
            limit=parameters.number("limit", 20, 1, 200),
            sum=parameters.text("sum"),
            sort=parameters.names("sort"),
            fields=parameters.names("fields") or None,
        )
    return raw_json(body)


@post("/records/{module:str}/aggregate", status_code=200)
async def show_numbers(request: Req) -> Response[bytes]:
    """Numbers over records, grouped."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    body = await json_object(request)
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = await aggregate(unit, request.path_params["module"], body)
    return raw_json(found)


HANDLERS = [show_board, show_numbers]

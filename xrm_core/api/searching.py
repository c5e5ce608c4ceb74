"""Search through all modules."""

from __future__ import annotations

import orjson
from litestar import Response, get

from xrm_core.api.answers import raw_json
from xrm_core.api.query import Parameters, bad
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.records import search


@get("/search")
async def search_records(request: Req) -> Response[bytes]:
    """Find records of all modules by words."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], ("q", "limit", "modules"))
    text = parameters.text("q", "") or ""
    if len(text) > 200:
        raise bad("q", "At most 200 characters.")
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = await search.search(
            unit, text, limit=parameters.number("limit", 20, 1, 100), modules=parameters.names("modules") or None
        )
    return raw_json(orjson.dumps({"data": found}))


HANDLERS = [search_records]

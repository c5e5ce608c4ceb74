"""What the filter builder asks the server: the fields it may offer, and a condition in its other form with a count."""

from __future__ import annotations

from typing import Any

import orjson
from litestar import Response, get, post

from xrm_core.expressions import parse
from xrm_core.expressions.conditions import from_rows
from xrm_core.expressions.tree import Literal, Node
from xrm_core.kernel.errors import Malformed
from xrm_core.kernel.problem import Problem
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.web.filters import LONGEST
from xrm_core.web.looking import Looking
from xrm_core.web.services import Req, visit

LARGEST = 64 * 1024


@get("/m/{module:str}/filters")
async def filter_fields(request: Req) -> Response[bytes]:
    """The fields of a module and behind its links, with their operators, as far as the visitor may see them."""
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "see")
        looking = Looking(here, module)
        return as_answer({**looking.filters.asking.document(module), "titles": {}})


@post("/m/{module:str}/filters", status_code=200)
async def filter_read(request: Req) -> Response[bytes]:
    """A condition as text (`text`) or as rows (`rows`) in both forms, and how many records it leaves."""
    body = await body_of(request)
    async with visit(request) as here:
        module = here.unit.module(request.path_params["module"])
        here.unit.policy.require(module.id, "see")
        looking = Looking(here, module)
        await looking.load()
        node, problems = condition_of(body)
        if node is None:
            return as_answer({"problems": [problem.as_dict() for problem in problems]})
        filters = looking.filters
        filters.become(node)
        await looking.name_records()
        found = {"text": filters.text, "rows": filters.rows(), "titles": filters.titles}
        query = RecordQuery(module.name, filter=looking.query_filter(), fields=("title",), limit=1, count="estimate")
        try:
            listed = await read.find(here.unit, query)
        except Malformed as wrong:
            return as_answer({**found, "problems": [problem.as_dict() for problem in wrong.problems]})
        assert listed.count is not None
        return as_answer({**found, "count": listed.count.value, "exact": listed.count.exact})


def condition_of(body: dict[str, Any]) -> tuple[Node | None, list[Problem]]:
    """The condition that was sent as text (`text`) or as rows (`rows`), or what is wrong with it."""
    text = body.get("text")
    if isinstance(text, str):
        return parse(text[:LONGEST]) if text.strip() else (Literal(True), [])
    return from_rows(body.get("rows"))


async def body_of(request: Req) -> dict[str, Any]:
    """The object that the builder sent."""
    raw = await request.body()
    try:
        found = orjson.loads(raw) if len(raw) <= LARGEST else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Malformed(Problem("type", "", "A condition is sent as text or as rows.", '{"text": "owner == me"}'))
    return found


def as_answer(found: dict[str, Any]) -> Response[bytes]:
    """An answer for the builder."""
    headers = {"Cache-Control": "private, no-store"}
    return Response(orjson.dumps(found), media_type="application/json", headers=headers)


HANDLERS = [filter_fields, filter_read]

"""Many records: lists, queries, boards, aggregates, related lists, timelines and search."""

from __future__ import annotations

from typing import Any

import orjson
from litestar import Response, delete, get, post, put

from xrm_core.api.answers import Answer, as_json, change, page_json, raw_json
from xrm_core.api.body import json_object, parse_json
from xrm_core.api.query import LONGEST_LIST, Parameters, bad, read_instant, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.errors import Invalid, Malformed
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records import read, timeline, write
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Unit

LIMIT, MOST = 50, 1000
COUNTS = ("none", "estimate", "capped", "exact")
ARCHIVED = ("no", "only", "all")
_LIST = frozenset({"filter", "sort", "limit", "cursor", "fields", "expand", "count", "archived", "as_of"})
_PAGE = frozenset({"limit", "cursor"})


@get("/records/{module:str}")
async def list_records(request: Req) -> Response[bytes]:
    """List records: filtered, sorted, a page at a time."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], _LIST)
    query = RecordQuery(
        request.path_params["module"],
        filter=_filter(parameters),
        sort=parameters.names("sort"),
        limit=parameters.number("limit", LIMIT, 1, MOST),
        cursor=parameters.text("cursor"),
        fields=parameters.names("fields") or None,
        expand=parameters.names("expand"),
        count=parameters.choice("count", "none", COUNTS),  # type: ignore[arg-type]
        archived=parameters.choice("archived", "no", ARCHIVED),  # type: ignore[arg-type]
        as_of=parameters.instant("as_of"),
    )
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        page = await read.find(unit, query)
    return raw_json(page_json(page.rows, page.next, page.count))


@post("/records/{module:str}/query", status_code=200)
async def query_records(request: Req) -> Response[bytes]:
    """List records with the query in the body."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    query = _query(request.path_params["module"], await json_object(request, optional=True))
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        page = await read.find(unit, query)
    return raw_json(page_json(page.rows, page.next, page.count))


@get("/records/{module:str}/board")
async def board(request: Req) -> Response[bytes]:
    """Records by stage: counts, sums and the first cards of each."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], ("pipeline", "filter", "limit", "sum", "cursors"))
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        body = await read.board(
            unit,
            request.path_params["module"],
            pipeline=parameters.text("pipeline"),
            filter=_filter(parameters),
            limit=parameters.number("limit", 20, 1, 200),
            sum=parameters.text("sum"),
            cursors=_cursors(parameters),
        )
    return raw_json(body)


@post("/records/{module:str}/aggregate", status_code=200)
async def aggregate(request: Req) -> Response[bytes]:
    """Numbers over records, grouped."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    body = await json_object(request)
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = await read.aggregate(unit, request.path_params["module"], body)
    return raw_json(found)


@get("/records/{module:str}/{id:str}/related/{link:str}")
async def related(request: Req) -> Response[bytes]:
    """Records linked to this one, from either side of the link."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], ("limit", "cursor", "sort", "filter"))
    path = request.path_params
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        page = await read.related(
            unit,
            path["module"],
            record_id(path["id"]),
            path["link"],
            limit=parameters.number("limit", LIMIT, 1, MOST),
            cursor=parameters.text("cursor"),
            sort=parameters.names("sort"),
            filter=_filter(parameters),
        )
    return raw_json(page_json(page.rows, page.next, page.count))


@put("/records/{module:str}/{id:str}/related/{link:str}/{other:str}", status_code=204)
async def link_records(request: Req) -> Response[bytes]:
    """Link two records; the body holds the attributes of the link, if it has any."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    attributes = await json_object(request, optional=True)
    path = request.path_params
    identity, other = record_id(path["id"]), record_id(path["other"])

    async def work(unit: Unit) -> Answer:
        await write.link(unit, path["module"], identity, path["link"], other, attributes or None)
        return Answer(204)

    return await change(request, caller, work)


@delete("/records/{module:str}/{id:str}/related/{link:str}/{other:str}", status_code=204)
async def unlink_records(request: Req) -> Response[bytes]:
    """Take two records apart."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    path = request.path_params
    identity, other = record_id(path["id"]), record_id(path["other"])

    async def work(unit: Unit) -> Answer:
        await write.unlink(unit, path["module"], identity, path["link"], other)
        return Answer(204)

    return await change(request, caller, work)


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
            limit=parameters.number("limit", LIMIT, 1, 200),
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
            limit=parameters.number("limit", LIMIT, 1, 200),
            cursor=parameters.text("cursor"),
        )
    return as_json(found)


@get("/search")
async def search(request: Req) -> Response[bytes]:
    """Find records of all modules by words."""
    caller = await caller_of(request)
    parameters = Parameters(request.scope["query_string"], ("q", "limit", "modules"))
    text = parameters.text("q", "") or ""
    if len(text) > 200:
        raise bad("q", "At most 200 characters.")
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = await read.search(
            unit, text, limit=parameters.number("limit", 20, 1, 100), modules=parameters.names("modules") or None
        )
    return raw_json(orjson.dumps({"data": found}))


def _filter(parameters: Parameters) -> str | dict[str, Any] | None:
    text = parameters.text("filter")
    if text is None or not text.lstrip().startswith("{"):
        return text
    try:
        value = parse_json(text.encode())
    except Malformed as error:
        raise Malformed([problem.under("/query/filter") for problem in error.problems]) from None
    if not isinstance(value, dict):
        raise bad("filter", "The JSON form of a filter is an object.")
    return value


def _cursors(parameters: Parameters) -> dict[str, str] | None:
    text = parameters.text("cursors")
    if text is None:
        return None
    value = parse_json(text.encode())
    if not isinstance(value, dict) or not all(isinstance(cursor, str) for cursor in value.values()):
        raise bad("cursors", "Cursors are a JSON object of stage names and cursors.")
    return value


def _query(module: str, body: dict[str, Any]) -> RecordQuery:
    problems = [
        Problem("unknown_key", pointer(key), f"A query has no {key!r}.", f"Known: {', '.join(sorted(_LIST))}.")
        for key in body
        if key not in _LIST
    ]
    given = body.get("filter")
    if given is not None and not isinstance(given, (str, dict)):
        problems.append(Problem("type", "/filter", "A filter is an expression or an object."))
    names: dict[str, tuple[str, ...]] = {}
    for key in ("sort", "fields", "expand"):
        value = body.get(key)
        items = value.split(",") if isinstance(value, str) else value or []
        if (
            not isinstance(items, list)
            or not all(isinstance(item, str) and item.strip() for item in items)
            or len(items) > LONGEST_LIST
        ):
            problems.append(Problem("type", pointer(key), f"{key!r} is a list of names."))
            continue
        names[key] = tuple(item.strip() for item in items)
    limit = body.get("limit", LIMIT)
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST:
        problems.append(Problem("range", "/limit", f"A limit is a whole number from 1 to {MOST}."))
    for key, choices in (("count", COUNTS), ("archived", ARCHIVED)):
        if body.get(key, choices[0]) not in choices:
            problems.append(Problem("choice", pointer(key), f"{key!r} is one of {', '.join(choices)}."))
    for key in ("cursor", "as_of"):
        if body.get(key) is not None and not isinstance(body[key], str):
            problems.append(Problem("type", pointer(key), f"{key!r} is a text."))
    if problems:
        raise Invalid(problems)
    return RecordQuery(
        module,
        filter=given,
        sort=names["sort"],
        limit=limit,
        cursor=body.get("cursor"),
        fields=names["fields"] or None,
        expand=names["expand"],
        count=body.get("count", "none"),
        archived=body.get("archived", "no"),
        as_of=read_instant(body["as_of"], "as_of") if body.get("as_of") else None,
    )


HANDLERS = [
    list_records, query_records, board, aggregate, related, link_records, unlink_records, record_timeline, record_history, search,
]  # fmt: skip

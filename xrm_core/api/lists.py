"""Many records: lists, queries and related lists."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from xrm_core.api.answers import page_json, raw_json
from xrm_core.api.body import json_object, parse_json
from xrm_core.api.query import LONGEST_LIST, Parameters, bad, read_instant, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.errors import Invalid, Malformed
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records import read
from xrm_core.records.query import RecordQuery

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
        filter=filter_of(parameters),
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
            filter=filter_of(parameters),
        )
    return raw_json(page_json(page.rows, page.next, page.count))


def filter_of(parameters: Parameters) -> str | dict[str, Any] | None:
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
            problems.append(Problem("type", pointer(key), f"'{key}' is a list of names."))
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
            problems.append(Problem("type", pointer(key), f"'{key}' is a text."))
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


HANDLERS = [list_records, query_records, related]

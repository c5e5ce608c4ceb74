"""Formulas over REST: tried while they are written, completed, and why a computed value is what it is."""

from __future__ import annotations

from typing import Any, get_args

from litestar import Response, get, post

from xrm_core.api.answers import as_json
from xrm_core.api.body import json_object
from xrm_core.api.definitions_draft import drafts
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.definitions import edit
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.names import did_you_mean
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.records.formulas import Wanted, complete, try_out
from xrm_core.records.lineage import DEEPEST, why

_KEYS = ("module", "text", "as", "record", "draft")


@post("/definitions/formula", status_code=200)
async def try_formula(request: Req) -> Response[bytes]:
    """Try an expression: its type, what it reads, its value on a record, or what is wrong at which column."""
    given = await json_object(request)
    problems = [
        Problem("unknown_key", f"/{key}", f"'{key}' is not known here.", did_you_mean(key, _KEYS))
        for key in given
        if key not in _KEYS
    ]
    for key in ("module", "text"):
        if not isinstance(given.get(key), str):
            problems.append(Problem("required", f"/{key}", f"'{key}' is a text that is needed."))
    wanted: Any = given.get("as", "formula")
    if wanted not in get_args(Wanted):
        problems.append(Problem("value", "/as", "An expression is a formula, a condition or a template."))
    if given.get("record") is not None and not isinstance(given["record"], str):
        problems.append(Problem("type", "/record", "The id of a record is needed."))
    if problems:
        raise Invalid(problems)
    found = await drafts(request)
    definitions = (await found.get()).wanted if given.get("draft") is True else None
    services = services_of(request)
    async with services.units.begin(found.workspace, found.actor) as unit:
        unit.policy.require_design()
        chosen: DefinitionSet = definitions or unit.catalog.definitions
        module = edit.find_module(chosen, given["module"])
        record = record_id(given["record"]) if given.get("record") else None
        return as_json(await try_out(unit, chosen, module, given["text"], wanted, record))


@get("/definitions/completion")
async def completion(request: Req) -> Response[bytes]:
    """Names and functions that an expression over a module may use; `path` leads along links first."""
    parameters = Parameters(request.scope["query_string"], ("module", "path", "draft"))
    found = await drafts(request)
    definitions = (await found.get()).wanted if parameters.flag("draft") else None
    async with services_of(request).units.begin(found.workspace, found.actor) as unit:
        unit.policy.require_design()
        chosen: DefinitionSet = definitions or unit.catalog.definitions
        module = edit.find_module(chosen, parameters.text("module") or "")
        return as_json(complete(unit, chosen, module, parameters.text("path") or ""))


@get("/records/{module:str}/{id:str}/why/{field:str}")
async def why_value(request: Req) -> Response[bytes]:
    """Why a computed value of a record is what it is: what it was worked out from, as far as the caller may see."""
    caller = await caller_of(request)
    depth = Parameters(request.scope["query_string"], ("depth",)).number("depth", 1, 1, DEEPEST)
    path = request.path_params
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return as_json(await why(unit, path["module"], record_id(path["id"]), path["field"], depth=depth))


HANDLERS: list[Any] = [try_formula, completion, why_value]

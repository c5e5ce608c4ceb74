"""Definitions: read them, and change them by plan and publish; `?plan=true` answers with the plan and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from litestar import Response, delete, get, patch, post

from xrm_core.access.callers import Caller
from xrm_core.api.answers import Answer, as_json, change_outside, raw_json
from xrm_core.api.body import json_object
from xrm_core.api.editing import (
    added,
    module_in,
    patched_module,
    patched_part,
    retired_module,
    retired_part,
    wanted_set,
    with_new_module,
)
from xrm_core.api.query import Parameters
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.definitions import DefinitionSet, Module
from xrm_core.definitions.collection import body as as_body
from xrm_core.definitions.record_schema import record_schema
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.publishing import ChangePlan, history, plan, plan_rollback, publish
from xrm_core.records.unit import Unit
from xrm_core.storage import due

Wanted = Callable[[DefinitionSet], DefinitionSet]


@get("/modules")
async def list_modules(request: Req) -> Response[bytes]:
    """The modules that the caller sees."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        shown = [_module(unit, module) for module in _seen(unit)]
    return as_json({"data": shown, "next": None})


@get("/modules/{module:str}")
async def get_module(request: Req) -> Response[bytes]:
    """The definition of a module."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        return as_json(_module(unit, unit.module(request.path_params["module"]).definition))


@get("/modules/{module:str}/schema")
async def get_schema(request: Req) -> Response[bytes]:
    """The JSON Schema of a module's records."""
    caller = await caller_of(request)
    form: Any = Parameters(request.scope["query_string"], ("form",)).choice("form", "read", ("read", "write", "stored"))
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        module = unit.module(request.path_params["module"]).definition
        schema = record_schema(module, unit.catalog.definitions, form)
        for name in _hidden(unit, module):
            schema["properties"].pop(name, None)
            schema["required"] = [key for key in schema.get("required", []) if key != name]
    return raw_json(orjson.dumps(schema), {"Content-Type": "application/schema+json"})


@post("/modules")
async def create_module(request: Req) -> Response[bytes]:
    """Make a module: its table, forms, lists, board and addresses are there at once."""
    given = await json_object(request)
    return await _change(request, lambda old: with_new_module(old, given), "module", str(given.get("name", "")), 201)


@patch("/modules/{module:str}")
async def update_module(request: Req) -> Response[bytes]:
    """Change settings of a module; a list such as fields is replaced as a whole, null goes back to the default."""
    given = await json_object(request)
    name = request.path_params["module"]
    return await _change(request, lambda old: patched_module(old, name, given), "module", str(given.get("name", name)))


@delete("/modules/{module:str}", status_code=200)
async def delete_module(request: Req) -> Response[bytes]:
    """Retire a module; its records are kept and come back with it."""
    name = request.path_params["module"]
    return await _change(request, lambda old: retired_module(old, name), None, name)


def _part_handlers(part: str) -> list[Any]:
    """The three calls for one kind of part: fields, links or pipelines."""

    @post(f"/modules/{{module:str}}/{part}", name=f"add_{part}")
    async def add(request: Req) -> Response[bytes]:
        given = await json_object(request)
        name = request.path_params["module"]
        return await _change(request, lambda old: added(old, name, part, given), "module", name, 201)

    @patch(f"/modules/{{module:str}}/{part}/{{name:str}}", name=f"update_{part}")
    async def update(request: Req) -> Response[bytes]:
        given = await json_object(request)
        path = request.path_params
        return await _change(
            request, lambda old: patched_part(old, path["module"], part, path["name"], given), "module", path["module"]
        )

    @delete(f"/modules/{{module:str}}/{part}/{{name:str}}", name=f"retire_{part}", status_code=200)
    async def retire(request: Req) -> Response[bytes]:
        path = request.path_params
        return await _change(
            request, lambda old: retired_part(old, path["module"], part, path["name"]), "module", path["module"]
        )

    return [add, update, retire]


@post("/definitions/plan", status_code=200)
async def plan_definitions(request: Req) -> Response[bytes]:
    """What a set of definitions would change; `replace` true: what is not in it would go."""
    caller = await _designer(request)
    Parameters(request.scope["query_string"], ())
    given = await json_object(request)
    made = await _plan(request, caller, lambda old: wanted_set(old, given))
    return as_json(made.as_dict())


@post("/definitions/publish", status_code=200)
async def publish_definitions(request: Req) -> Response[bytes]:
    """Publish a set of definitions; `base_version` refuses it when somebody else published since."""
    given = await json_object(request)
    return await _change(request, lambda old: wanted_set(old, given), None, "", base=given.get("base_version"))


@get("/definitions/history")
async def definitions_history(request: Req) -> Response[bytes]:
    """Published versions, newest first."""
    caller = await _designer(request)
    parameters = Parameters(request.scope["query_string"], ("limit", "cursor"))
    before = parameters.number("cursor", 0, 0, 999_999_999) or None
    async with services_of(request).database.writing() as connection:
        found = await history(
            connection, caller.workspace.schema, limit=parameters.number("limit", 50, 1, 200), before=before
        )
    shown = found.as_dict()
    return as_json({**shown, "next": str(shown["next"]) if shown["next"] is not None else None})


@post("/definitions/rollback", status_code=200)
async def rollback_definitions(request: Req) -> Response[bytes]:
    """Go back to an earlier version, as a new version; data stays."""
    caller = await _designer(request)
    only_plan = Parameters(request.scope["query_string"], ("plan",)).flag("plan")
    given = await json_object(request)
    number = given.get("version")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**31 or set(given) != {"version"}:
        raise Invalid(
            Problem("version", "/version", "Send the number of a version.", "/api/v1/definitions/history lists them.")
        )
    services = services_of(request)

    async def work() -> Answer:
        async with services.database.writing() as connection:
            made = await plan_rollback(connection, caller.workspace.schema, number)
        return await _publish(request, caller, made, only_plan, f"Back to version {number}", None, "", 200)

    return await change_outside(request, caller, work)


async def _change(
    request: Req, wanted: Wanted, show: str | None, name: str, status: int = 200, base: object = None
) -> Response[bytes]:
    caller = await _designer(request)
    only_plan = Parameters(request.scope["query_string"], ("plan",)).flag("plan")
    if base is not None and (isinstance(base, bool) or not isinstance(base, int)):
        raise Invalid(Problem("type", "/base_version", "A version is a whole number."))

    async def work() -> Answer:
        made = await _plan(request, caller, wanted)
        if base is not None and base != made.base_version:
            made = ChangePlan(base, made.base_hash, made.wanted, made.changes, made.problems, made.impact, made.work)
        return await _publish(request, caller, made, only_plan, "", show, name, status)

    return await change_outside(request, caller, work)


async def _plan(request: Req, caller: Caller, wanted: Wanted) -> ChangePlan:
    services = services_of(request)
    async with services.units.begin(caller.workspace, caller.actor) as unit:
        base = (unit.catalog.version, unit.catalog.definitions)
    async with services.database.writing() as connection:
        return await plan(connection, caller.workspace.schema, wanted(base[1]), base=base)


async def _publish(
    request: Req,
    caller: Caller,
    made: ChangePlan,
    only_plan: bool,
    summary: str,
    show: str | None,
    name: str,
    status: int,
) -> Answer:
    if only_plan:
        return Answer(200, orjson.dumps(made.as_dict()))
    services = services_of(request)
    done = await publish(services.database, caller.workspace.schema, made, caller.actor, services.clock.now(), summary)
    services.units.catalogs.forget(caller.workspace)
    if done.work:
        async with services.database.control() as connection:
            await due.hint(connection, caller.workspace.id, services.clock.now())
    outcome = {
        "version": done.number,
        "changed": done.changed,
        "changes": [change.as_dict() for change in made.changes],
    }
    if show is None:
        return Answer(status, orjson.dumps(outcome))
    async with services.units.begin(caller.workspace, caller.actor) as unit:
        module = module_in(unit.catalog.definitions, name)
        headers = {"Location": f"/api/v1/modules/{module.name}"} if status == 201 else {}
        return Answer(status, orjson.dumps({**_module(unit, module), "published": outcome}), headers)


async def _designer(request: Req) -> Caller:
    caller = await caller_of(request)
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        unit.policy.require_design()
    return caller


def _seen(unit: Unit) -> list[Module]:
    modules = [module for module in unit.catalog.definitions.modules if not module.archived]
    allowed = [one for one in modules if unit.policy.allows(one.id, "see") or unit.policy.allows(one.id, "create")]
    return sorted(allowed, key=lambda module: (module.order, module.name))


def _hidden(unit: Unit, module: Module) -> list[str]:
    if unit.policy.design:
        return []
    hidden = unit.policy.module(module.id).hidden
    return [part.name for part in (*module.fields, *module.links) if part.id in hidden]


def _module(unit: Unit, module: Module) -> dict[str, Any]:
    shown = dict(as_body(module))
    hidden = set(_hidden(unit, module))
    for part in ("fields", "links"):
        if hidden and part in shown:
            shown[part] = [one for one in shown[part] if one["name"] not in hidden]
    origin = unit.catalog.definitions.origins.get(f"module/{module.id}")
    return {**shown, "id": module.id, **({"origin": origin} if origin else {})}


HANDLERS: list[Any] = [
    list_modules, get_module, get_schema, create_module, update_module, delete_module,
    *_part_handlers("fields"), *_part_handlers("links"), *_part_handlers("pipelines"),
    plan_definitions, publish_definitions, definitions_history, rollback_definitions,
]  # fmt: skip

"""Definitions: read them, and change them by plan and publish; `?plan=true` answers with the plan and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
from litestar import Response, delete, get, patch, post

from xrm_core.access.callers import Caller
from xrm_core.api.answers import Answer, as_json, change_outside, raw_json
from xrm_core.api.body import json_object
from xrm_core.api.query import Parameters
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.definitions import DefinitionSet, Module, edit
from xrm_core.definitions.collection import body as as_body
from xrm_core.definitions.record_schema import record_schema
from xrm_core.definitions.uses import located
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.publishing import ChangePlan, apply, history
from xrm_core.publishing.planning import plan_back, plan_set
from xrm_core.records.unit import Unit
from xrm_core.storage import due

Wanted = Callable[[DefinitionSet], DefinitionSet]
Show = Callable[[DefinitionSet, DefinitionSet], Module]
"""The module to answer with, from the new set and the old one."""


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
    return await _change(request, lambda old: edit.add_module(old, given), lambda new, old: _added(new, old), 201)


@patch("/modules/{module:str}")
async def update_module(request: Req) -> Response[bytes]:
    """Change settings of a module (a JSON merge patch); `archived` false brings a retired one back."""
    given = await json_object(request)
    name = request.path_params["module"]

    def wanted(old: DefinitionSet) -> DefinitionSet:
        if given.get("archived") is not False or any(one.name == name and not one.archived for one in old.modules):
            return edit.patch_module(old, name, given)
        rest = {key: value for key, value in given.items() if key != "archived"}
        back = edit.restore_module(old, name)
        return edit.patch_module(back, name, rest) if rest else back

    return await _change(request, wanted, lambda new, old: edit.find_module(new, _same(new, old, name)))


@delete("/modules/{module:str}", status_code=200)
async def delete_module(request: Req) -> Response[bytes]:
    """Retire a module; its records are kept and come back with it."""
    name = request.path_params["module"]
    return await _change(request, lambda old: edit.remove_module(old, name))


def _part_handlers(part: str) -> list[Any]:
    """The three calls for one kind of part of a module."""

    @post(f"/modules/{{module:str}}/{part}", name=f"add_{part}")
    async def add(request: Req) -> Response[bytes]:
        given = await json_object(request)
        name = request.path_params["module"]
        return await _change(
            request,
            lambda old: edit.add_part(old, name, part, given),
            lambda new, old: edit.find_module(new, name),
            201,
        )

    @patch(f"/modules/{{module:str}}/{part}/{{name:str}}", name=f"update_{part}")
    async def update(request: Req) -> Response[bytes]:
        given = await json_object(request)
        path = request.path_params
        return await _change(
            request,
            lambda old: edit.patch_part(old, path["module"], part, path["name"], given),
            lambda new, old: edit.find_module(new, path["module"]),
        )

    @delete(f"/modules/{{module:str}}/{part}/{{name:str}}", name=f"retire_{part}", status_code=200)
    async def retire(request: Req) -> Response[bytes]:
        path = request.path_params
        return await _change(
            request,
            lambda old: edit.remove_part(old, path["module"], part, path["name"]),
            lambda new, old: edit.find_module(new, path["module"]),
        )

    return [add, update, retire]


@post("/roles")
async def create_role(request: Req) -> Response[bytes]:
    """Make a role."""
    given = await json_object(request)
    return await _change(request, lambda old: edit.add_role(old, given), None, 201)


@patch("/roles/{name:str}")
async def update_role(request: Req) -> Response[bytes]:
    """Change a role (a JSON merge patch)."""
    given = await json_object(request)
    return await _change(request, lambda old: edit.patch_role(old, request.path_params["name"], given))


@delete("/roles/{name:str}", status_code=200)
async def delete_role(request: Req) -> Response[bytes]:
    """Retire a role; nobody gets rights from it any more."""
    return await _change(request, lambda old: edit.remove_role(old, request.path_params["name"]))


@post("/definitions/plan", status_code=200)
async def plan_definitions(request: Req) -> Response[bytes]:
    """What a set of definitions would change."""
    caller = await designer(request)
    Parameters(request.scope["query_string"], ())
    given, _ = _set_of(await json_object(request))
    made = await _plan(request, caller, lambda old: edit.replace(old, given))
    return as_json({**made.as_dict(), "problems": [located(made.wanted, problem) for problem in made.problems]})


@post("/definitions/publish", status_code=200)
async def publish_definitions(request: Req) -> Response[bytes]:
    """Publish a set of definitions; with `base_version` only if nobody else has published since."""
    given, base = _set_of(await json_object(request))
    return await _change(request, lambda old: edit.replace(old, given), base=base)


@get("/definitions/history")
async def definitions_history(request: Req) -> Response[bytes]:
    """Published versions, newest first."""
    caller = await designer(request)
    parameters = Parameters(request.scope["query_string"], ("limit", "cursor"))
    before = parameters.number("cursor", 0, 0, 999_999_999) or None
    limit = parameters.number("limit", 50, 1, 200)
    async with services_of(request).database.writing() as connection:
        found = await history(connection, caller.workspace.schema, limit=limit, before=before)
    shown = found.as_dict()
    return as_json({**shown, "next": str(shown["next"]) if shown["next"] is not None else None})


@post("/definitions/rollback", status_code=200)
async def rollback_definitions(request: Req) -> Response[bytes]:
    """Go back to an earlier version, as a new version; data stays."""
    caller = await designer(request)
    only_plan = Parameters(request.scope["query_string"], ("plan",)).flag("plan")
    given = await json_object(request)
    number = given.get("version")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**31 or set(given) != {"version"}:
        hint = "/api/v1/definitions/history lists them."
        raise Invalid(Problem("version", "/version", "Send the number of a version.", hint))
    services = services_of(request)

    async def work() -> Answer:
        made = await plan_back(services.units, caller.workspace, caller.actor, number)
        return await _publish(request, caller, made, only_plan, f"Back to version {number}", None, 200)

    return await change_outside(request, caller, work)


async def _change(
    request: Req, wanted: Wanted, show: Show | None = None, status: int = 200, base: int | None = None
) -> Response[bytes]:
    caller = await designer(request)
    only_plan = Parameters(request.scope["query_string"], ("plan",)).flag("plan")

    async def work() -> Answer:
        made = await _plan(request, caller, wanted)
        if base is not None and base != made.base_version:
            made = replace(made, base_version=base)  # refused as made for another version than the current one
        return await _publish(request, caller, made, only_plan, "", show, status)

    return await change_outside(request, caller, work)


async def change_definitions(request: Req, wanted: Wanted, status: int = 200) -> Response[bytes]:
    """Publish an edit of the set of definitions, or with `?plan=true` say what it would change."""
    return await _change(request, wanted, None, status)


async def _plan(request: Req, caller: Caller, wanted: Wanted) -> ChangePlan:
    return await plan_set(services_of(request).units, caller.workspace, caller.actor, wanted)


async def _publish(
    request: Req, caller: Caller, made: ChangePlan, only_plan: bool, summary: str, show: Show | None, status: int
) -> Answer:
    if only_plan:
        return Answer(200, orjson.dumps(made.as_dict()))
    services = services_of(request)
    async with services.units.begin(caller.workspace, caller.actor) as unit:
        old = unit.catalog.definitions
    done = await apply(services.units, caller.workspace, caller.actor, made, summary)
    if done.changed:
        async with services.database.control() as connection:
            await due.hint(connection, caller.workspace.id, services.clock.now())
    changes = [change.as_dict() for change in made.changes]
    outcome = {"version": done.number, "changed": done.changed, "changes": changes}
    if show is None:
        return Answer(status, orjson.dumps(outcome))
    async with services.units.begin(caller.workspace, caller.actor) as unit:
        module = show(made.wanted, old)
        headers = {"Location": f"/api/v1/modules/{module.name}"} if status == 201 else {}
        return Answer(status, orjson.dumps({**_module(unit, module), "published": outcome}), headers)


def _added(new: DefinitionSet, old: DefinitionSet) -> Module:
    return next(module for module in reversed(new.modules) if module.id not in old.by_id)


def _same(new: DefinitionSet, old: DefinitionSet, name: str) -> str:
    """What the module called `name` is called now."""
    before = next((one for one in old.modules if one.name == name and not one.archived), None)
    before = before or old.module(name)
    after = new.by_id.get(before.id) if before is not None else None
    return after.name if after is not None else name


def _set_of(given: dict[str, Any]) -> tuple[dict[str, Any], int | None]:
    base = given.pop("base_version", None)
    problems = []
    if base is not None and (isinstance(base, bool) or not isinstance(base, int) or not 0 <= base < 2**31):
        problems.append(Problem("type", "/base_version", "A version is a whole number."))
    if "complete" in given and not isinstance(given["complete"], bool):
        problems.append(Problem("type", "/complete", "'complete' is true or false."))
    removed = given.get("remove", [])
    if not isinstance(removed, list) or not all(isinstance(one, str) for one in removed):
        problems.append(Problem("type", "/remove", "'remove' is a list such as [\"module/tickets\"]."))
    if problems:
        raise Invalid(problems)
    return given, base


async def designer(request: Req) -> Caller:
    """The caller, who must be allowed to change definitions."""
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
    *(handler for part in edit.PARTS for handler in _part_handlers(part)),
    create_role, update_role, delete_role,
    plan_definitions, publish_definitions, definitions_history, rollback_definitions,
]  # fmt: skip

"""The draft of definitions over REST: read, change operation by operation, review, bring up to date, publish."""

from __future__ import annotations

from typing import Any

import orjson
from litestar import Response, delete, get, post

from xrm_core.access.callers import Caller
from xrm_core.api.answers import Answer, as_json, change_outside
from xrm_core.api.body import json_object
from xrm_core.api.query import Parameters
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.definitions import edit
from xrm_core.definitions.collection import DefinitionSet, body
from xrm_core.definitions.module import Module
from xrm_core.definitions.uses import located, place_of, uses
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.publishing import erase, plan_erase
from xrm_core.publishing.drafts import Draft, Drafts
from xrm_core.publishing.planning import try_type
from xrm_core.publishing.publish import BACKFILL
from xrm_core.storage import drafts as stored
from xrm_core.storage import due, indexes


@get("/definitions/draft")
async def get_draft(request: Req) -> Response[bytes]:
    """The caller's draft: operations, changes, problems, and what others published since."""
    Parameters(request.scope["query_string"], ())
    return as_json((await (await drafts(request)).get()).as_dict())


@get("/definitions/draft/modules")
async def draft_modules(request: Req) -> Response[bytes]:
    """All modules as the draft has them, without their fields; archived ones too."""
    Parameters(request.scope["query_string"], ())
    draft = await (await drafts(request)).get()
    return as_json({"data": [_head(draft, module) for module in draft.wanted.modules], "next": None})


@get("/definitions/draft/modules/{module:str}")
async def draft_module(request: Req) -> Response[bytes]:
    """A module as the draft has it, with its problems at their places."""
    Parameters(request.scope["query_string"], ())
    draft = await (await drafts(request)).get()
    return as_json(_module(draft, request.path_params["module"]))


@post("/definitions/draft/operations", status_code=200)
async def append_operations(request: Req) -> Response[bytes]:
    """Do operations on the draft, all or none; `version` keeps two windows from overwriting each other."""
    given = await json_object(request)
    operations = given.get("operations")
    if not isinstance(operations, list) or not operations or len(operations) > 500:
        raise Invalid(Problem("type", "/operations", "A list of 1 to 500 operations is needed."))
    _only(given, "operations", "version", "module")
    version = number(given, "version")
    found = await drafts(request)

    async def work() -> Answer:
        draft = await found.append(operations, version)
        shown = draft.as_dict()
        if isinstance(given.get("module"), str):
            shown["module"] = _module(draft, given["module"])
        return Answer(200, orjson.dumps(shown))

    return await change_outside(request, found.caller, work)


@post("/definitions/draft/undo", status_code=200)
async def undo_operation(request: Req) -> Response[bytes]:
    """Take the last operation of the draft back."""
    given = await json_object(request, optional=True)
    _only(given, "version")
    return as_json((await (await drafts(request)).undo(number(given, "version"))).as_dict())


@post("/definitions/draft/redo", status_code=200)
async def redo_operation(request: Req) -> Response[bytes]:
    """Do the operation again that was taken back last."""
    given = await json_object(request, optional=True)
    _only(given, "version")
    return as_json((await (await drafts(request)).redo(number(given, "version"))).as_dict())


@delete("/definitions/draft", status_code=200)
async def discard_draft(request: Req) -> Response[bytes]:
    """Throw the draft away."""
    return as_json({"discarded": await (await drafts(request)).discard()})


@get("/definitions/draft/plan")
async def plan_draft(request: Req) -> Response[bytes]:
    """What publishing the draft would mean: each change with its effect, counts and samples."""
    samples = Parameters(request.scope["query_string"], ("samples",)).number("samples", 10, 0, 100)
    found = await drafts(request)
    made = await found.plan(samples)
    shown = made.as_dict()
    shown["problems"] = [located(made.wanted, problem) for problem in made.problems]
    return as_json(shown)


@post("/definitions/draft/rebase", status_code=200)
async def rebase_draft(request: Req) -> Response[bytes]:
    """Put the draft on top of what others published; `plan` true only shows where both meet."""
    given = await json_object(request, optional=True)
    _only(given, "decisions", "plan")
    found = await drafts(request)
    draft, merged = await found.rebase(given.get("decisions"), only_plan=given.get("plan") is True)
    told = {
        "conflicts": [conflict.as_dict() for conflict in merged.conflicts],
        "notes": [note.as_dict() for note in merged.notes],
    }
    return as_json({**draft.as_dict(), **told})


@post("/definitions/draft/publish", status_code=200)
async def publish_draft(request: Req) -> Response[bytes]:
    """Publish the draft; 409 with what changed when somebody else was faster."""
    given = await json_object(request, optional=True)
    _only(given, "summary", "version")
    summary = given.get("summary", "")
    if not isinstance(summary, str) or len(summary) > 500:
        raise Invalid(Problem("type", "/summary", "The summary is a text of at most 500 characters."))
    found = await drafts(request)
    version = number(given, "version")

    async def work() -> Answer:
        done, made = await found.publish(summary, version)
        services = services_of(request)
        async with services.database.control() as connection:
            await due.hint(connection, found.workspace.id, services.clock.now())
        shown = {
            "version": done.number, "changed": done.changed, "changes": [change.as_dict() for change in made.changes],
            "work": [item.as_dict() for item in done.work], "values": done.values,
        }  # fmt: skip
        return Answer(200, orjson.dumps(shown))

    return await change_outside(request, found.caller, work)


@get("/definitions/draft/uses")
async def draft_uses(request: Req) -> Response[bytes]:
    """Everything in the draft that mentions a module, field or link: `?path=module/customers/fields/email`."""
    path = Parameters(request.scope["query_string"], ("path",)).text("path") or ""
    draft = await (await drafts(request)).get()
    parts = path.strip("/").split("/")
    if parts[0] != "module" or len(parts) not in (2, 4) or (len(parts) == 4 and parts[2] not in ("fields", "links")):
        raise NotFound(Problem("missing", "", "Uses are known of modules, fields and links."))
    module = edit.find_module(draft.wanted, parts[1])
    part, node = (parts[2], parts[3]) if len(parts) == 4 else ("", "")
    if part:
        nodes = [one for one in getattr(module, part) if node in (one.id, one.name)]
        if not nodes:
            raise NotFound(Problem("missing", "", f"{module.name} has no '{node}'."))
        node = nodes[0].id
    return as_json({"data": [use.as_dict() for use in uses(draft.wanted, module.id, part, node)]})


@post("/definitions/try-type", status_code=200)
async def try_another_type(request: Req) -> Response[bytes]:
    """What another type would do to a field's values, with settings that fit them; `draft` takes the caller's draft."""
    given = await json_object(request)
    _only(given, "path", "type", "settings", "draft", "samples")
    for key in ("path", "type"):
        if not isinstance(given.get(key), str):
            raise Invalid(Problem("required", f"/{key}", f"'{key}' is a text that is needed."))
    settings = given.get("settings") or {}
    if not isinstance(settings, dict):
        raise Invalid(Problem("type", "/settings", "'settings' is an object."))
    found = await drafts(request)
    wanted = (await found.get()).wanted if given.get("draft") is True else None
    most = min(number(given, "samples") or 10, 100)
    shown = await try_type(
        found.units, found.workspace, found.actor, wanted, given["path"], given["type"], settings, samples=most
    )
    return as_json(shown)


@get("/definitions/erase")
async def look_at_erasure(request: Req) -> Response[bytes]:
    """How many records would lose something if an archived field, link or module were erased: `?path=`."""
    path = Parameters(request.scope["query_string"], ("path",)).text("path") or ""
    caller = await caller_of(request)
    found = await plan_erase(services_of(request).units, caller.workspace, caller.actor, path)
    return as_json(found.as_dict())


@post("/definitions/erase", status_code=200)
async def erase_archived(request: Req) -> Response[bytes]:
    """Erase an archived field, link or module for good; `count` must be the number of records that lose something."""
    given = await json_object(request)
    _only(given, "path", "count")
    if not isinstance(given.get("path"), str):
        raise Invalid(Problem("required", "/path", "'path' is needed, such as module/customers/fields/fax."))
    caller = await caller_of(request)
    services = services_of(request)

    async def work() -> Answer:
        found, done = await erase(services.units, caller.workspace, caller.actor, given["path"], given.get("count"))
        async with services.database.control() as connection:
            await due.hint(connection, caller.workspace.id, services.clock.now())
        return Answer(200, orjson.dumps({**found.as_dict(), "version": done.number}))

    return await change_outside(request, caller, work)


@get("/definitions/work")
async def definitions_work(request: Req) -> Response[bytes]:
    """What published changes still have to do: values to take over, indexes to build, and how far each is."""
    Parameters(request.scope["query_string"], ())
    found = await drafts(request)
    await found.get()
    services = services_of(request)
    async with services.database.writing() as connection:
        open_ = await stored.open_work(connection, found.workspace.schema, BACKFILL)
        jobs = await indexes.jobs(connection, found.workspace.schema)
    shown: list[dict[str, Any]] = [
        {
            "kind": payload["kind"], "module": payload["module"], "after": payload.get("after"), "attempts": attempts,
            "tasks": [{"do": task["do"], "key": task.get("key")} for task in payload.get("tasks", ())], "error": error,
        }
        for _, payload, attempts, error in open_
        if not payload.get("again")
    ]  # fmt: skip
    shown += [
        {
            "kind": "build_index", "module": job.module_id, "keys": list(job.fields), "use": job.use, "state": job.state,
            "filled": job.filled, "error": job.error, "problems": job.problems,
        }
        for job in jobs
        if job.state != "ready"
    ]  # fmt: skip
    return as_json({"data": shown, "next": None})


class _Drafts(Drafts):
    """The draft of a caller."""

    caller: Caller


async def drafts(request: Req) -> _Drafts:
    """The drafts of the caller, who must be allowed to change definitions."""
    caller = await caller_of(request)
    found = _Drafts(services_of(request).units, caller.workspace, caller.actor)
    found.caller = caller
    return found


def number(given: dict[str, Any], key: str) -> int | None:
    """A whole number of a body, if it is there."""
    value = given.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise Invalid(Problem("type", f"/{key}", "A whole number is needed."))
    return value


def _only(given: dict[str, Any], *known: str) -> None:
    unknown = [Problem("unknown_key", f"/{key}", f"'{key}' is not known here.") for key in given if key not in known]
    if unknown:
        raise Invalid(unknown)


def _head(draft: Draft, module: Module) -> dict[str, Any]:
    known = draft.base.by_id.get(module.id)
    return {
        "id": module.id, "name": module.name, "label": module.label, "label_plural": module.label_plural,
        "icon": module.icon, "order": module.order, "kind": module.kind, "archived": module.archived,
        "fields": sum(not field.archived for field in module.fields),
        "links": sum(not link.archived for link in module.links),
        "state": "new" if known is None else "same" if known == module else "changed",
    }  # fmt: skip


def _module(draft: Draft, name: str) -> dict[str, Any]:
    module = _find(draft.wanted, name)
    here = f"module/{module.id}"
    problems = []
    for problem in draft.problems():
        node, _ = place_of(draft.wanted, problem.path)
        if node == here or node.startswith(f"{here}/"):
            problems.append(located(draft.wanted, problem))
    return {**body(module), "id": module.id, "problems": problems}


def _find(definitions: DefinitionSet, name: str) -> Module:
    found = definitions.by_id.get(name)
    if found is not None:
        return found
    archived = all(module.archived for module in definitions.modules if module.name == name)
    return edit.find_module(definitions, name, archived=archived and name in definitions.by_name)


HANDLERS: list[Any] = [
    get_draft, draft_modules, draft_module, append_operations, undo_operation, redo_operation, discard_draft,
    plan_draft, rebase_draft, publish_draft, draft_uses, try_another_type, look_at_erasure, erase_archived, definitions_work,
]  # fmt: skip

"""Packs: which there are, what a step with one would change, and doing it: install, upgrade, uninstall, take back."""

from __future__ import annotations

import asyncio

import orjson
from litestar import Response, get, post

from xrm_core.access.callers import Caller
from xrm_core.api.answers import Answer, as_json, change_outside
from xrm_core.api.body import Values, json_object
from xrm_core.api.definitions import designer
from xrm_core.api.files import sent_file
from xrm_core.api.query import Parameters
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.errors import Invalid
from xrm_core.kernel.problem import Problem
from xrm_core.packs import shelf
from xrm_core.packs.layout import PackContents
from xrm_core.packs.plans import PackPlan
from xrm_core.packs.scenario import run_all
from xrm_core.packs.steps import Action, do_step, plan_step, read_action, read_decisions, read_otherwise, steps_of
from xrm_core.storage import due


@get("/packs")
async def list_packs(request: Req) -> Response[bytes]:
    """The packs that can be installed, and which of them are."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    services = services_of(request)
    found = await asyncio.to_thread(shelf.everything, services.packs)
    async with services.units.begin(caller.workspace, caller.actor) as unit:
        installed = unit.catalog.definitions.packs
    shown = [
        {
            **pack.manifest.model_dump(mode="json", exclude_none=True),
            "modules": [module.name for module in pack.modules],
            "installed": installed.get(pack.name),
        }
        for pack in found
    ]
    return as_json({"data": shown, "next": None})


@post("/packs", status_code=201)
async def upload_pack(request: Req) -> Response[bytes]:
    """Put a pack on the shelf from a zip file, sent as the part `file` of a multipart form; it is not installed yet."""
    caller = await designer(request)
    Parameters(request.scope["query_string"], ())
    services = services_of(request)
    _, data = await sent_file(request)

    async def work() -> Answer:
        found = await asyncio.to_thread(shelf.shelve, services.packs[-1], data, services.packs)
        return Answer(201, orjson.dumps({"pack": found.name, "version": found.version}))

    return await change_outside(request, caller, work)


_STEP = {"action": str, "decisions": list, "otherwise": str}


@post("/packs/{name:str}/plan", status_code=200)
async def plan_pack(request: Req) -> Response[bytes]:
    """What installing a pack (or upgrading, uninstalling, taking back a step) would change; changes nothing."""
    caller = await designer(request)
    Parameters(request.scope["query_string"], ())
    wanted = Values(await json_object(request, optional=True), _STEP)
    name = request.path_params["name"]
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        installed = name in unit.catalog.definitions.packs
    made = await _planned(request, caller, read_action(wanted.get("action"), installed=installed), wanted)
    return as_json(made.as_dict())


async def _planned(request: Req, caller: Caller, action: Action, wanted: Values) -> PackPlan:
    services, name = services_of(request), request.path_params["name"]
    decisions = read_decisions(wanted.get("decisions") or [])
    otherwise = read_otherwise(wanted.get("otherwise"))
    contents = None
    if action in ("install", "upgrade"):
        contents = await asyncio.to_thread(shelf.contents, services.packs, name)

    def fetch() -> PackContents:
        assert contents is not None
        return contents

    return await plan_step(services.units, caller.workspace, caller.actor, action, name, fetch, decisions, otherwise)


async def _do(request: Req, action: Action) -> Response[bytes]:
    caller = await designer(request)
    Parameters(request.scope["query_string"], ())
    services = services_of(request)
    known = {"decisions": list, "otherwise": str} | ({"test": bool} if action == "upgrade" else {})
    wanted = Values(await json_object(request, optional=True), known)

    async def work() -> Answer:
        plan = await _planned(request, caller, action, wanted)
        if action == "upgrade" and plan.ok and wanted.get("test") is not False:
            await _rehearse(request, plan)
        done = await do_step(services.units, caller.workspace, caller.actor, plan)
        async with services.database.control() as connection:
            await due.hint(connection, caller.workspace.id, services.clock.now())
        body = {"pack": plan.pack, "version": plan.to_version, "kind": plan.kind, "definitions": done.number}
        return Answer(200, orjson.dumps(body))

    return await change_outside(request, caller, work)


async def _rehearse(request: Req, plan: PackPlan) -> None:
    """Run the pack's scenarios on a copy of what the definitions would be; raises Invalid where one fails."""
    services = services_of(request)
    contents = await asyncio.to_thread(shelf.contents, services.packs, plan.pack)
    outcomes = await run_all(services.database, plan.change.wanted, contents.scenarios)
    hint = 'Send "test": false to upgrade although it fails.'
    failed = [
        Problem("scenario", f"/scenarios/{one.name}{problem.path}", problem.message, problem.hint or hint)
        for one in outcomes
        for problem in one.problems
    ]
    if failed:
        raise Invalid(failed)


@post("/packs/{name:str}/install", status_code=200)
async def install_pack(request: Req) -> Response[bytes]:
    """Install a pack."""
    return await _do(request, "install")


@post("/packs/{name:str}/upgrade", status_code=200)
async def upgrade_pack(request: Req) -> Response[bytes]:
    """Go over to the version of a pack that is at hand; conflicts are answered by `decisions` or `otherwise`.

    The pack's scenarios are run on a copy first, with all that was changed here; `"test": false` leaves that out.
    """
    return await _do(request, "upgrade")


@post("/packs/{name:str}/uninstall", status_code=200)
async def uninstall_pack(request: Req) -> Response[bytes]:
    """Take a pack away; its records wait for it."""
    return await _do(request, "uninstall")


@post("/packs/{name:str}/rollback", status_code=200)
async def rollback_pack(request: Req) -> Response[bytes]:
    """Take back the last step of a pack, values included."""
    return await _do(request, "rollback")


@get("/packs/{name:str}/history")
async def pack_history(request: Req) -> Response[bytes]:
    """What was done with a pack, the newest first."""
    caller = await designer(request)
    Parameters(request.scope["query_string"], ())
    found = await steps_of(services_of(request).units, caller.workspace, request.path_params["name"])
    return as_json({"data": found, "next": None})


HANDLERS = [list_packs, upload_pack, plan_pack, install_pack, upgrade_pack, uninstall_pack, rollback_pack, pack_history]

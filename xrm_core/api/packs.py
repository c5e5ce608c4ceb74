"""Packs: which there are, what installing one would change, and installing it."""

from __future__ import annotations

import asyncio

import orjson
from litestar import Response, get, post

from xrm_core.api.answers import Answer, as_json, change_outside
from xrm_core.api.definitions import designer
from xrm_core.api.query import Parameters
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.packs import shelf
from xrm_core.packs.install import install, plan_install
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


@post("/packs/{name:str}/plan", status_code=200)
async def plan_pack(request: Req) -> Response[bytes]:
    """What installing a pack would change; changes nothing."""
    caller = await designer(request)
    Parameters(request.scope["query_string"], ())
    services = services_of(request)
    pack = await asyncio.to_thread(shelf.contents, services.packs, request.path_params["name"])
    made = await plan_install(services.units, caller.workspace, caller.actor, pack)
    return as_json(made.as_dict())


@post("/packs/{name:str}/install", status_code=200)
async def install_pack(request: Req) -> Response[bytes]:
    """Install a pack."""
    caller = await designer(request)
    Parameters(request.scope["query_string"], ())
    services = services_of(request)

    async def work() -> Answer:
        pack = await asyncio.to_thread(shelf.contents, services.packs, request.path_params["name"])
        done = await install(services.units, caller.workspace, caller.actor, pack)
        async with services.database.control() as connection:
            await due.hint(connection, caller.workspace.id, services.clock.now())
        body = {"pack": pack.name, "version": pack.version, "definitions": done.number}
        return Answer(200, orjson.dumps(body))

    return await change_outside(request, caller, work)


HANDLERS = [list_packs, plan_pack, install_pack]

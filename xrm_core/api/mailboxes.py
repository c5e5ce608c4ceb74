"""Accounts with other servers: sending, receiving, calendars; passwords go in and never come out."""

from __future__ import annotations

from typing import Any

import orjson
from litestar import Response, delete, get, patch, post

from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.messaging import managing, probe
from xrm_core.records.unit import Unit
from xrm_core.storage import mailboxes as store
from xrm_core.storage.mailboxes import Mailbox
from xrm_core.storage.rows import instant

_NEW = {
    "kind": str, "name": str, "address": str, "scope": str, "settings": dict, "password": str, "enabled": bool
}  # fmt: skip
_CHANGES = {"name": str, "address": str, "settings": dict, "password": str, "enabled": bool}


def shown(box: Mailbox) -> dict[str, Any]:
    """An account as the API shows it."""
    return {
        "id": str(box.id), "kind": box.kind, "name": box.name, "address": box.address,
        "scope": "member" if box.member else "workspace", "member": str(box.member) if box.member else None,
        "settings": box.settings, "has_password": box.secret is not None, "enabled": box.enabled,
        "checked_at": instant(box.checked_at) if box.checked_at else None, "error": box.error,
    }  # fmt: skip


@get("/mailboxes")
async def list_mailboxes(request: Req) -> Response[bytes]:
    """The caller's accounts and those of the workspace."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        found = await store.listed(await unit.writer(), unit.schema, member=caller.account_id)
        return as_json({"data": [_visible(unit, box) for box in found]})


def _visible(unit: Unit, box: Mailbox) -> dict[str, Any]:
    entry = shown(box)
    if box.member is None and not unit.policy.design:
        entry["settings"], entry["error"] = {}, None
    return entry


@post("/mailboxes", status_code=201)
async def add_mailbox(request: Req) -> Response[bytes]:
    """Add an account: `kind` smtp, imap or caldav, `scope` member (the caller's own) or workspace."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    body = Values(await json_object(request), _NEW, ("kind", "name", "address", "settings"))
    office = services_of(request).office

    async def work(unit: Unit) -> Answer:
        box = await managing.add_box(unit, office, body.given)
        return Answer(201, orjson.dumps(shown(box)), {"Location": f"/api/v1/mailboxes/{box.id}"})

    return await change(request, caller, work)


@patch("/mailboxes/{id:str}")
async def change_mailbox(request: Req) -> Response[bytes]:
    """Change an account; without a password the known one stays, unless the server is another."""
    caller = await caller_of(request)
    body = Values(await json_object(request), _CHANGES)
    identity, office = record_id(request.path_params["id"]), services_of(request).office

    async def work(unit: Unit) -> Answer:
        return Answer(200, orjson.dumps(shown(await managing.change_box(unit, office, identity, body.given))))

    return await change(request, caller, work)


@delete("/mailboxes/{id:str}", status_code=200)
async def remove_mailbox(request: Req) -> Response[bytes]:
    """Forget an account with its password; its messages stay."""
    caller = await caller_of(request)
    identity = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        await managing.box_of(unit, identity)
        await store.delete(await unit.transaction(), unit.schema, identity)
        return Answer(204)

    return await change(request, caller, work)


@post("/mailboxes/{id:str}/check", status_code=200)
async def check_mailbox(request: Req) -> Response[bytes]:
    """Look into an account at the next opportunity rather than when it is its turn."""
    caller = await caller_of(request)
    identity = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        box = await managing.box_of(unit, identity)
        await store.due_now(await unit.transaction(), unit.schema, identity, unit.now)
        return Answer(200, orjson.dumps(shown(box)))

    return await change(request, caller, work)


@post("/mailboxes/{id:str}/test", status_code=200)
async def test_mailbox(request: Req) -> Response[bytes]:
    """Connect to an account's server and sign in, now: `{"ok", "error"}`. Nothing is sent or read."""
    caller = await caller_of(request)
    services, identity = services_of(request), record_id(request.path_params["id"])
    async with services.units.begin(caller.workspace, caller.actor) as unit:
        box = await managing.box_of(unit, identity)
    error = await probe.probe(services.office, box, services.units.clock.now())
    return as_json({"ok": error is None, "error": error})


HANDLERS = [list_mailboxes, add_mailbox, change_mailbox, remove_mailbox, check_mailbox, test_mailbox]

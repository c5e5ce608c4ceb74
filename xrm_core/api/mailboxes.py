"""Accounts with other servers: sending, receiving, calendars; passwords go in and never come out."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

import orjson
from litestar import Response, delete, get, patch, post

from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.errors import Forbidden, Invalid, NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import caldav, calling
from xrm_core.messaging.addresses import normal
from xrm_core.messaging.office import Office, read_server
from xrm_core.records.unit import Unit
from xrm_core.storage import mailboxes as store
from xrm_core.storage.mailboxes import Mailbox
from xrm_core.storage.rows import instant

_NEW = {
    "kind": str, "name": str, "address": str, "scope": str, "settings": dict, "password": str, "enabled": bool
}  # fmt: skip
_CHANGES = {"name": str, "address": str, "settings": dict, "password": str, "enabled": bool}
MOST = 200


def shown(box: Mailbox) -> dict[str, Any]:
    """An account as the API shows it."""
    return {
        "id": str(box.id), "kind": box.kind, "name": box.name, "address": box.address,
        "scope": "member" if box.member else "workspace", "member": str(box.member) if box.member else None,
        "settings": box.settings, "has_password": box.secret is not None, "enabled": box.enabled,
        "checked_at": instant(box.checked_at) if box.checked_at else None, "error": box.error,
    }  # fmt: skip


def _check(unit: Unit, office: Office, box: Mailbox) -> None:
    problems = []
    if not 1 <= len(box.name) <= 100:
        problems.append(Problem("name", "/name", "A name has 1 to 100 characters."))
    if normal(box.address) != box.address:
        problems.append(Problem("address", "/address", "This is no mail address.", "Write it like name@example.org."))
    if box.kind == "caldav":
        problems += caldav.check_settings(box.settings, office)
    else:
        problems += read_server(box.kind, box.settings)
        # Who is no administrator must not find out through us what there is inside the own network.
        if not unit.policy.design and not office.private_hosts and _inside(str(box.settings.get("host") or "")):
            problems.append(Problem("private", "/settings/host", "This server is inside a private network."))
    if problems:
        raise Invalid(problems)


def _inside(host: str) -> bool:
    if host.lower() == "localhost" or "." not in host:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return not calling.is_public(host)


def _require(unit: Unit, box: Mailbox | None) -> Mailbox:
    mine = box is not None and box.member == unit.actor.user_id
    if box is None or not (mine or (box.member is None and unit.policy.design)):
        raise NotFound(Problem("not_found", "", "There is no such account, or it is not yours."))
    return box


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
    kind, scope = body["kind"], body.get("scope") or "member"
    problems = []
    if kind not in store.KINDS:
        problems.append(Problem("kind", "/kind", f"Use one of {', '.join(store.KINDS)}."))
    if scope not in ("member", "workspace"):
        problems.append(Problem("scope", "/scope", "Use member or workspace."))
    if scope == "workspace" and kind == "caldav":
        problems.append(Problem("scope", "/scope", "A calendar belongs to a person."))
    if problems:
        raise Invalid(problems)

    async def work(unit: Unit) -> Answer:
        if scope == "workspace":
            unit.policy.require_design()
        elif unit.actor.user_id is None:
            raise Forbidden(Problem("forbidden", "", "Only people have accounts of their own."))
        password = body.get("password")
        box = Mailbox(
            new_id(), kind, unit.actor.user_id if scope == "member" else None, body["name"].strip(),
            normal(body["address"]) or body["address"], body["settings"], office.lock(password) if password else None, {},
            body.get("enabled") is not False, None, None, unit.now, unit.now,
        )  # fmt: skip
        _check(unit, office, box)
        connection = await unit.transaction()
        if len(await store.listed(connection, unit.schema)) >= MOST:
            raise Invalid(Problem("too_many", "", f"There are {MOST} accounts already."))
        await store.put(connection, unit.schema, box, unit.now if kind != "smtp" else None)
        return Answer(201, orjson.dumps(shown(box)), {"Location": f"/api/v1/mailboxes/{box.id}"})

    return await change(request, caller, work)


@patch("/mailboxes/{id:str}")
async def change_mailbox(request: Req) -> Response[bytes]:
    """Change an account; without a password the known one stays, unless the server is another."""
    caller = await caller_of(request)
    body = Values(await json_object(request), _CHANGES)
    identity, office = record_id(request.path_params["id"]), services_of(request).office

    async def work(unit: Unit) -> Answer:
        connection = await unit.transaction()
        box = _require(unit, await store.get(connection, unit.schema, identity))
        settings = body.get("settings") if "settings" in body.given else box.settings
        secret = office.lock(body["password"]) if body.get("password") else box.secret
        # A password that was meant for one server is not shown to another.
        moved = any(settings.get(key) != box.settings.get(key) for key in ("host", "url", "port", "security"))
        if moved and not body.get("password"):
            secret = None
        address = body.get("address") or box.address
        after = replace(
            box, name=(body.get("name") or box.name).strip(), address=normal(address) or address, settings=settings,
            secret=secret, enabled=body.given.get("enabled", box.enabled), updated_at=unit.now,
        )  # fmt: skip
        _check(unit, office, after)
        await store.put(connection, unit.schema, after, unit.now if box.kind != "smtp" else None)
        return Answer(200, orjson.dumps(shown(after)))

    return await change(request, caller, work)


@delete("/mailboxes/{id:str}", status_code=200)
async def remove_mailbox(request: Req) -> Response[bytes]:
    """Forget an account with its password; its messages stay."""
    caller = await caller_of(request)
    identity = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        connection = await unit.transaction()
        _require(unit, await store.get(connection, unit.schema, identity))
        await store.delete(connection, unit.schema, identity)
        return Answer(204)

    return await change(request, caller, work)


@post("/mailboxes/{id:str}/check", status_code=200)
async def check_mailbox(request: Req) -> Response[bytes]:
    """Look into an account at the next opportunity rather than when it is its turn."""
    caller = await caller_of(request)
    identity = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        connection = await unit.transaction()
        box = _require(unit, await store.get(connection, unit.schema, identity))
        await store.due_now(connection, unit.schema, identity, unit.now)
        return Answer(200, orjson.dumps(shown(box)))

    return await change(request, caller, work)


HANDLERS = [list_mailboxes, add_mailbox, change_mailbox, remove_mailbox, check_mailbox]

"""Webhooks: told to others with the rights of their owner, and received from others under a secret."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

import orjson
from litestar import Response, delete, get, patch, post

from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Invalid, NotFound, Unauthenticated
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import calling
from xrm_core.messaging import webhooks as hooks
from xrm_core.messaging.office import Office
from xrm_core.records.query import read_filter
from xrm_core.records.unit import Unit
from xrm_core.storage import messages_webhooks as store
from xrm_core.storage.messages_webhooks import Webhook
from xrm_core.storage.rows import instant
from xrm_core.storage.workspaces import list_workspaces

MOST = 100
LONGEST_BODY = 256 * 1024
_NEW = {
    "direction": str, "name": str, "url": str, "events": list, "modules": list, "filter": str, "enabled": bool
}  # fmt: skip
_CHANGES = {
    "name": str,
    "url": str,
    "events": list,
    "modules": list,
    "filter": str,
    "enabled": bool,
    "new_secret": bool,
}


def shown(unit: Unit, office: Office, hook: Webhook) -> dict[str, Any]:
    """A webhook as the API shows it; its secret is told once."""
    names = {module.id: module.name for module in unit.catalog.modules.values()}
    address = f"{office.public_url}/api/v1/hooks/{unit.workspace.slug}/{hook.id}"
    return {
        "id": str(hook.id), "direction": hook.direction, "name": hook.name,
        "url": hook.url if hook.direction == "out" else address, "events": list(hook.events),
        "modules": [names.get(one, one) for one in hook.modules], "filter": hook.filter, "member": str(hook.member),
        "enabled": hook.enabled, "created_at": instant(hook.created_at),
    }  # fmt: skip


def _checked(unit: Unit, office: Office, hook: Webhook, modules: list[str] | None) -> Webhook:
    problems = []
    if not 1 <= len(hook.name) <= 100:
        problems.append(Problem("name", "/name", "A name has 1 to 100 characters."))
    unknown = sorted(set(hook.events) - set(hooks.TELLABLE))
    if unknown:
        known = ", ".join(hooks.TELLABLE)
        problems.append(Problem("events", "/events", f"There is no event {unknown[0]!r}.", f"Known: {known}."))
    ids = list(hook.modules)
    if modules is not None:
        ids = []
        for index, name in enumerate(modules):
            try:
                ids.append(unit.module(name).id)
            except NotFound as error:
                one = error.problems[0]
                problems.append(Problem(one.code, f"/modules/{index}", one.message, one.hint))
    if hook.direction == "out":
        problems += calling.check_url(hook.url, "/url", office)
    elif hook.url is not None or hook.filter is not None or hook.events or ids:
        problems.append(Problem("direction", "", "What is received has no url, filter, events or modules."))
    if hook.filter is not None:
        if len(ids) != 1:
            problems.append(
                Problem("filter", "/filter", "A filter is for exactly one module.", "Name it in 'modules'.")
            )
        elif not problems:
            read_filter(unit, unit.catalog.modules[ids[0]], hook.filter)
    if problems:
        raise Invalid(problems)
    return replace(hook, modules=tuple(ids))


@get("/webhooks")
async def list_webhooks(request: Req) -> Response[bytes]:
    """Webhooks of the workspace."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    office = services_of(request).office
    async with services_of(request).units.begin(caller.workspace, caller.actor) as unit:
        unit.policy.require_design()
        found = await store.listed(await unit.writer(), unit.schema)
        return as_json({"data": [shown(unit, office, one) for one in found]})


@post("/webhooks", status_code=201)
async def add_webhook(request: Req) -> Response[bytes]:
    """Add a webhook with the caller's rights: `direction` out (default) or in. The secret is in this answer alone."""
    caller = await caller_of(request)
    Parameters(request.scope["query_string"], ())
    body = Values(await json_object(request), _NEW, ("name",))
    direction, office = body.get("direction") or "out", services_of(request).office
    if direction not in ("out", "in"):
        raise Invalid(Problem("direction", "/direction", "Use out or in."))
    names, modules = body.names("events") or [], body.names("modules") or []

    async def work(unit: Unit) -> Answer:
        unit.policy.require_design()
        secret = secrets.token_urlsafe(32)
        hook = Webhook(
            new_id(), direction, body["name"].strip(), body.get("url"), office.lock(secret), tuple(names), (),
            body.get("filter"), caller.account_id, body.get("enabled") is not False, {}, new_id(), unit.now, unit.now,
        )  # fmt: skip
        hook = _checked(unit, office, hook, modules)
        connection = await unit.transaction()
        if len(await store.listed(connection, unit.schema)) >= MOST:
            raise Invalid(Problem("too_many", "", f"There are {MOST} webhooks already."))
        await store.put(connection, unit.schema, hook)
        answer = {**shown(unit, office, hook), "secret": secret}
        return Answer(201, orjson.dumps(answer), {"Location": f"/api/v1/webhooks/{hook.id}"})

    return await change(request, caller, work)


@patch("/webhooks/{id:str}")
async def change_webhook(request: Req) -> Response[bytes]:
    """Change a webhook; with `new_secret` it gets another secret, which is in this answer alone."""
    caller = await caller_of(request)
    body = Values(await json_object(request), _CHANGES)
    identity, office = record_id(request.path_params["id"]), services_of(request).office
    names, modules = body.names("events"), body.names("modules")

    async def work(unit: Unit) -> Answer:
        unit.policy.require_design()
        connection = await unit.transaction()
        hook = await _known(unit, identity)
        secret = secrets.token_urlsafe(32) if body.get("new_secret") else None
        after = replace(
            hook, name=(body.get("name") or hook.name).strip(), url=body.get("url") or hook.url,
            events=tuple(names) if names is not None else hook.events,
            filter=(body.get("filter") or None) if "filter" in body.given else hook.filter,
            enabled=body.given.get("enabled", hook.enabled), secret=office.lock(secret) if secret else hook.secret,
            updated_at=unit.now,
        )  # fmt: skip
        after = _checked(unit, office, after, modules)
        await store.put(connection, unit.schema, after)
        answer = {**shown(unit, office, after), **({"secret": secret} if secret else {})}
        return Answer(200, orjson.dumps(answer))

    return await change(request, caller, work)


@delete("/webhooks/{id:str}", status_code=200)
async def remove_webhook(request: Req) -> Response[bytes]:
    """Remove a webhook; what waits for it is not sent any more."""
    caller = await caller_of(request)
    identity = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        unit.policy.require_design()
        connection = await unit.transaction()
        await _known(unit, identity)
        await store.delete(connection, unit.schema, identity)
        return Answer(204)

    return await change(request, caller, work)


async def _known(unit: Unit, identity: Any) -> Webhook:
    found = await store.get(await unit.transaction(), unit.schema, identity)
    if found is None:
        raise NotFound(Problem("not_found", "", "There is no such webhook."))
    return found


@post("/hooks/{workspace:str}/{id:str}", status_code=202)
async def receive_webhook(request: Req) -> Response[bytes]:
    """Take what another system tells: signed with the secret of the webhook, each delivery once."""
    services, path = services_of(request), request.path_params
    body = await request.body()
    if len(body) > LONGEST_BODY:
        raise Invalid(Problem("too_large", "", f"A body has at most {LONGEST_BODY // 1024} KB."))
    identity, office = record_id(path["id"]), services.office
    workspace = next((one for one in await list_workspaces(services.database) if one.slug == path["workspace"]), None)
    if workspace is None:
        raise Unauthenticated(Problem("signature", "", "There is no such webhook, or the signature is wrong."))
    signature = request.headers.get(hooks.SIGNATURE.lower())
    delivery = request.headers.get("xrm-delivery") or request.headers.get("idempotency-key")

    async def work(unit: Unit) -> bool:
        try:
            return await hooks.receive(unit, office, identity, body, signature, delivery)
        except NotFound:
            # Whether there is a webhook is told to those alone who know its secret.
            raise Unauthenticated(
                Problem("signature", "", "There is no such webhook, or the signature is wrong.")
            ) from None

    new = await services.units.run(workspace, SYSTEM, work)
    return as_json({"accepted": True, "new": new}, 202)


HANDLERS = [list_webhooks, add_webhook, change_webhook, remove_webhook, receive_webhook]

"""Webhooks: told to others with the rights of their owner, and received from others under a secret."""

from __future__ import annotations

from typing import Any

import orjson
from litestar import Response, delete, get, patch, post

from xrm_core.api.answers import Answer, as_json, change
from xrm_core.api.body import Values, json_object
from xrm_core.api.query import Parameters, record_id
from xrm_core.api.services import Req, caller_of, services_of
from xrm_core.automation import called
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.errors import Invalid, Unauthenticated
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import managing
from xrm_core.messaging import webhooks as hooks
from xrm_core.messaging.office import Office
from xrm_core.records.unit import Unit
from xrm_core.storage import messages_webhooks as store
from xrm_core.storage.messages_webhooks import Webhook
from xrm_core.storage.rows import instant
from xrm_core.storage.workspaces import list_workspaces

LONGEST_BODY = 256 * 1024
_NEW = {
    "direction": str, "name": str, "url": str, "events": list, "modules": list, "filter": str, "enabled": bool,
    "automation": str,
}  # fmt: skip
_CHANGES = {
    "name": str,
    "url": str,
    "events": list,
    "modules": list,
    "filter": str,
    "enabled": bool,
    "new_secret": bool,
    "automation": str,
}


def shown(unit: Unit, office: Office, hook: Webhook) -> dict[str, Any]:
    """A webhook as the API shows it; its secret is told once."""
    names = {module.id: module.name for module in unit.catalog.modules.values()}
    address = f"{office.public_url}/api/v1/hooks/{unit.workspace.slug}/{hook.id}"
    return {
        "id": str(hook.id), "direction": hook.direction, "name": hook.name,
        "url": hook.url if hook.direction == "out" else address, "events": list(hook.events),
        "modules": [names.get(one, one) for one in hook.modules], "filter": hook.filter, "member": str(hook.member),
        "enabled": hook.enabled, "created_at": instant(hook.created_at), "automation": _automation(unit, hook),
    }  # fmt: skip


def _automation(unit: Unit, hook: Webhook) -> str | None:
    wanted = hook.settings.get("automation")
    return next((one.name for one in unit.catalog.definitions.automations if one.id == wanted), None)


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
    given, office = (
        {**body.given, "events": body.names("events"), "modules": body.names("modules")},
        services_of(request).office,
    )

    async def work(unit: Unit) -> Answer:
        hook, secret = await managing.add_hook(unit, office, given)
        answer = {**shown(unit, office, hook), "secret": secret}
        return Answer(201, orjson.dumps(answer), {"Location": f"/api/v1/webhooks/{hook.id}"})

    return await change(request, caller, work)


@patch("/webhooks/{id:str}")
async def change_webhook(request: Req) -> Response[bytes]:
    """Change a webhook; with `new_secret` it gets another secret, which is in this answer alone."""
    caller = await caller_of(request)
    body = Values(await json_object(request), _CHANGES)
    identity, office = record_id(request.path_params["id"]), services_of(request).office
    given = {**body.given, "events": body.names("events"), "modules": body.names("modules")}

    async def work(unit: Unit) -> Answer:
        after, secret = await managing.change_hook(unit, office, identity, given)
        answer = {**shown(unit, office, after), **({"secret": secret} if secret else {})}
        return Answer(200, orjson.dumps(answer))

    return await change(request, caller, work)


@delete("/webhooks/{id:str}", status_code=200)
async def remove_webhook(request: Req) -> Response[bytes]:
    """Remove a webhook; what waits for it is not sent any more."""
    caller = await caller_of(request)
    identity = record_id(request.path_params["id"])

    async def work(unit: Unit) -> Answer:
        await managing.hook_of(unit, identity)
        await store.delete(await unit.transaction(), unit.schema, identity)
        return Answer(204)

    return await change(request, caller, work)


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
            received = await hooks.receive(unit, office, identity, body, signature, delivery)
            if received is None:
                return False
            await called.call(unit, received.automation, received.name, received.body)
            return True
        except hooks.UnknownHook:
            # Whether there is a webhook is told to those alone who know its secret.
            raise Unauthenticated(
                Problem("signature", "", "There is no such webhook, or the signature is wrong.")
            ) from None

    new = await services.units.run(workspace, SYSTEM, work)
    return as_json({"accepted": True, "new": new}, 202)


HANDLERS = [list_webhooks, add_webhook, change_webhook, remove_webhook, receive_webhook]

"""Webhooks: telling other systems what happened, signed, as far as the owner may see it; and being told, once each."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson

from xrm_core.kernel.actor import SYSTEM, Actor
from xrm_core.kernel.errors import Forbidden, Malformed, NotFound, Unauthenticated
from xrm_core.kernel.ids import id_at, new_id
from xrm_core.kernel.problem import Problem
from xrm_core.messaging import calling
from xrm_core.messaging.effects import Later, Never
from xrm_core.messaging.office import Office
from xrm_core.records import read
from xrm_core.records.query import RecordQuery
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import members, outbox
from xrm_core.storage import messages_webhooks as store
from xrm_core.storage import records as record_store
from xrm_core.storage.messages_webhooks import Webhook
from xrm_core.storage.outbox import Effect
from xrm_core.storage.rows import Event, instant
from xrm_core.storage.workspaces import Workspace

TOLERANCE = timedelta(minutes=5)
"""How far the clock of a caller may be off; a signature that is older is not accepted."""
SIGNATURE = "XRM-Signature"
TELLABLE = ("created", "updated", "moved", "archived", "restored", "erased", "linked", "unlinked", "mail")
RECEIVED = "webhook"
PLACE = "$webhook"
"""Where the log keeps what was received; no module has this id. The record is the webhook."""
_OVERLAP = timedelta(minutes=2)
"""An id is made before its transaction ends, and none lasts longer: so far back is looked again, keys tell what is new."""
_BATCH = 500
_SIGNED = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def sign(secret: str, body: bytes, at: datetime) -> str:
    """The value of the signature header: the time, and HMAC-SHA256 over time, a dot and the body."""
    seconds = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def verify(secret: str, body: bytes, header: str | None, now: datetime) -> None:
    """Raises Unauthenticated unless the signature is right and fresh."""
    place = f"/headers/{SIGNATURE}"
    match = _SIGNED.fullmatch(header or "")
    if match is None:
        hint = "Send t=SECONDS,v1=HEX with the HMAC-SHA256 over SECONDS, a dot and the body."
        raise Unauthenticated(Problem("signature", place, "The signature is missing or has another form.", hint))
    at = datetime.fromtimestamp(int(match[1]), UTC) if int(match[1]) < 253402300800 else now + 2 * TOLERANCE
    if not hmac.compare_digest(sign(secret, body, at).encode(), f"t={match[1]},v1={match[2]}".encode()):
        raise Unauthenticated(Problem("signature", place, "The signature is wrong.", "Check the secret."))
    if abs(now - at) > TOLERANCE:
        raise Unauthenticated(
            Problem("signature_age", place, "The signature is too old or too new.", "Check the clock.")
        )


async def tell(units: Units, workspace: Workspace) -> int:
    """Put what happened into the outbox for everybody who wants to know; how much there was."""
    async with units.begin(workspace, SYSTEM) as unit:
        hooks = await store.listed(await unit.writer(), unit.schema, only_out=True)
    told = 0
    for hook in hooks:
        after: UUID | None = None
        while True:
            count, after = await _tell(units, workspace, hook.id, after)
            told += count
            if after is None:
                break
    return told


async def _tell(units: Units, workspace: Workspace, identity: UUID, after: UUID | None) -> tuple[int, UUID | None]:
    """A batch of events after one, or after what was told; how many were new, and where the next batch begins."""
    async with units.begin(workspace, SYSTEM) as unit:
        connection = await unit.writer()
        hook = await store.get(connection, unit.schema, identity)
        member = await members.member(connection, unit.schema, hook.member) if hook is not None else None
        if hook is None or not hook.enabled or member is None or member.disabled_at is not None:
            return 0, None
        since = after or hook.position or id_at(hook.created_at)
        kinds = hook.events or TELLABLE
        events = await store.events_after(connection, unit.schema, since, kinds, hook.modules, _BATCH)
    if not events:
        return 0, None
    keys = {event.id: f"webhook:{hook.id}:{event.id}" for event in events}

    async def work(unit: Unit) -> int:
        connection = await unit.transaction()
        count = 0
        known = await outbox.known(connection, unit.schema, list(keys.values()))
        for event in events:
            shown = None if keys[event.id] in known else await _shown(unit, hook, event)
            if shown is not None:
                payload = {"webhook": str(hook.id), "body": shown}
                place = urlsplit(hook.url or "").netloc
                made = await outbox.put(
                    connection, unit.schema, "webhook", keys[event.id], payload, now=unit.now, destination=place
                )
                count += made is not None
        # As far as the newest event that is so old that nothing older can still come.
        settled = [event.id for event in events if event.at < unit.now - _OVERLAP]
        if settled:
            await store.advance(connection, unit.schema, hook.id, settled[-1])
        return count

    actor = Actor(member.id, member.name, member.roles, "api", member.teams)
    count = await units.run(workspace, actor, work)
    return count, events[-1].id if len(events) == _BATCH else None


async def _shown(unit: Unit, hook: Webhook, event: Event) -> dict[str, Any] | None:
    """An event as the owner of the webhook may see it; None if it is not for them or not asked for."""
    module = unit.catalog.modules.get(event.module_id)
    if module is None or not unit.policy.allows(module.id, "see"):
        return None
    body: dict[str, Any] = {
        "id": str(event.id), "type": f"record.{event.kind}", "at": instant(event.at), "module": module.name,
        "record_id": str(event.record_id), "version": event.version, "actor": event.actor,
    }  # fmt: skip
    if event.kind == "erased":
        # Who saw the record cannot be asked any more: only those who see all are told.
        return body if hook.filter is None and unit.scope(module, "see") is None else None
    if hook.filter:
        condition = f"({hook.filter}) and id == '{event.record_id}'"
        query = RecordQuery(module.name, filter=condition, limit=1, archived="all")
        try:
            if not (await read.find(unit, query)).rows:
                return None
        except (Malformed, NotFound):
            return None
    try:
        found = await read.get(unit, module.name, event.record_id)
    except (NotFound, Forbidden):
        return None
    hidden = unit.policy.module(module.id).hidden
    names = module.names
    body["changed"] = [names.get(key, key) for key in event.changes if key not in hidden and key in names]
    body["record"] = orjson.loads(found.json)
    if event.kind == "created":
        del body["changed"]
    return body


async def destination(units: Units, office: Office, workspace: Workspace, effect: Effect) -> str:
    """The host that a call goes to."""
    url = effect.payload.get("url")
    return urlsplit(url).netloc if isinstance(url, str) else ""


async def deliver(
    units: Units, office: Office, workspace: Workspace, effect: Effect, begin: Callable[[], Awaitable[bool]]
) -> dict[str, Any]:
    """Call the other system. The payload names a webhook (`webhook`), or an address itself (`url`, `secret` as it is stored)."""
    url, secret = effect.payload.get("url"), ""
    identity = effect.payload.get("webhook")
    if identity:
        async with units.database.writing() as connection:
            hook = await store.get(connection, workspace.schema, UUID(str(identity)))
        if hook is None or not hook.enabled or not hook.url:
            raise Never("the webhook was removed or switched off")
        url, secret = hook.url, office.unlock(hook.secret)
    if not isinstance(url, str):
        raise Never("there is no address to call")
    body = orjson.dumps(effect.payload.get("body") or {}, option=orjson.OPT_SORT_KEYS)
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": effect.key,
        "XRM-Delivery": str(effect.id),
        SIGNATURE: sign(secret or office.sign("webhook", str(workspace.id)), body, units.clock.now()),
    }
    answer = await calling.call(office, "POST", url, body=body, headers=headers)
    if 200 <= answer.status < 300:
        return {"status": answer.status}
    if answer.status == 410 and identity:
        async with units.database.writing() as connection:
            await store.disable(connection, workspace.schema, UUID(str(identity)))
        raise Never("the other side said that it is gone for good (410); the webhook was switched off")
    text = answer.body[:200].decode("utf-8", "replace")
    raise Later(f"the other side answered {answer.status}: {text}")


class UnknownHook(NotFound):
    """There is no such webhook; that is told to those alone who know its secret."""


@dataclass(frozen=True, slots=True)
class Received:
    """What another system told, and the automation that it sets going."""

    name: str
    automation: str | None
    body: Any


async def receive(
    unit: Unit, office: Office, identity: UUID, body: bytes, signature: str | None, delivery: str | None
) -> Received | None:
    """Take what another system tells, once: the log keeps it. None when it was told before."""
    connection = await unit.transaction()
    hook = await store.get(connection, unit.schema, identity)
    if hook is None or hook.direction != "in" or not hook.enabled:
        raise UnknownHook(Problem("not_found", "", "There is no such webhook."))
    verify(office.unlock(hook.secret), body, signature, unit.now)
    try:
        value = json.loads(body or b"{}", parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        raise Malformed(Problem("json", "", "The body is not JSON.")) from None
    text = orjson.dumps(value, default=str).replace(rb"\u0000", b"")
    # Only time and body are signed: a signature is good once, whatever delivery somebody claims that it belongs to.
    for given in (signature, delivery):
        key = hashlib.sha256(given.encode()).hexdigest() if given else None
        if key is not None and not await store.first_time(connection, unit.schema, hook.id, key, unit.now):
            return None
    event = Event(
        new_id(), PLACE, hook.id, 0, RECEIVED, Actor(hook.member, hook.name, (), "api").as_dict(), unit.now,
        {"webhook": str(hook.id), "name": hook.name, "body": orjson.loads(text)},
    )  # fmt: skip
    await record_store.insert_events(connection, unit.schema, [event])
    return Received(hook.name, hook.settings.get("automation"), orjson.loads(text))

"""What happened to a record: its history field by field, and the timeline with what was logged about it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from xrm_core.catalog import CompiledInverse, CompiledModule
from xrm_core.kernel.errors import Malformed, NotFound
from xrm_core.kernel.problem import Problem
from xrm_core.records.environment import target_of
from xrm_core.records.unit import Unit
from xrm_core.storage import events as store
from xrm_core.storage import messages
from xrm_core.storage import records as record_store
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import link_key
from xrm_core.storage.messages import Message
from xrm_core.storage.rows import Event, Row, instant

MOST = 200
LONGEST_EXCERPT = 2_000
MAIL = "mail"
"""The kind of event that tells that a message is about the record."""
_SYSTEM = ("title", "owner", "stage", "archived_at", "stage_reason")


async def history(
    unit: Unit, module_name: str, identifier: UUID, *, limit: int = 50, cursor: str | None = None
) -> dict[str, Any]:
    """`{"data": [{"id", "at", "actor", "kind", "version", "changes": {name: [old, new]}}], "next"}`, newest first."""
    module = unit.module(module_name)
    connection = unit.current or await unit.reader()
    await _require(unit, connection, module, identifier)
    events = await store.of_record(connection, unit.schema, identifier, before=_before(cursor), limit=_limit(limit) + 1)
    return _page([(_shown(unit, module, event), event) for event in events], limit)


async def timeline(
    unit: Unit, module_name: str, identifier: UUID, *, limit: int = 50, cursor: str | None = None
) -> dict[str, Any]:
    """As `history`, with the records that were made about this one; each of those names its module, id and title."""
    module = unit.module(module_name)
    connection = unit.current or await unit.reader()
    await _require(unit, connection, module, identifier)
    related = []
    for inverse in module.inverses.values():
        holding = unit.catalog.modules[inverse.module_id]
        if not _sees_all(unit, inverse):
            continue
        column = None if inverse.link.many else inverse.link.column
        related.append(store.Related(holding.id, holding.table.qualified, column, link_key(inverse.link)))
    events = await store.timeline(
        connection, unit.schema, identifier, related, before=_before(cursor), limit=_limit(limit) + 1
    )
    wanted = [UUID(event.changes["message"]) for event in events if event.kind == MAIL]
    mails = await messages.readable(connection, unit.schema, wanted, unit.actor.user_id) if wanted else {}
    entries: list[tuple[dict[str, Any] | None, Event]] = []
    for event in events:
        if event.kind == MAIL:
            entries.append((_mail(event, mails.get(UUID(event.changes["message"]))), event))
            continue
        other = unit.catalog.modules.get(event.module_id, module)
        entry = _shown(unit, other, event)
        if entry is not None and event.record_id != identifier:
            entry["record"] = {
                "id": str(event.record_id),
                "module": other.name,
                "title": event.changes.get("title", ""),
            }
        entries.append((entry, event))
    return _page(entries, limit)


def _mail(event: Event, message: Message | None) -> dict[str, Any] | None:
    """A message as an entry of the timeline; None for those that the actor may not read."""
    if message is None:
        return None
    told = {
        "id": str(message.id), "direction": message.direction, "kind": message.kind, "state": message.state,
        "subject": message.subject, "from": message.sender, "recipients": message.recipients,
        "text": message.body[:LONGEST_EXCERPT], "attachments": message.attachments, "problem": message.problem,
        "member": str(message.member) if message.member else None,
    }  # fmt: skip
    return {
        "id": str(event.id), "at": instant(message.at), "actor": event.actor, "kind": MAIL, "version": event.version,
        "changes": {}, "message": told,
    }  # fmt: skip


async def as_of(unit: Unit, module_name: str, identifier: UUID, at: datetime) -> dict[str, Any]:
    """The record as it was at a moment; raises NotFound if it did not exist then."""
    module = unit.module(module_name)
    connection = await unit.writer()  # JSON decoded
    await _require(unit, connection, module, identifier)
    rows = await record_store.fetch(connection, module.table, [identifier], beside=True)
    later = await store.after(connection, unit.schema, [identifier], at)
    row = rows[identifier]
    document = then(row, later.get(identifier, []))
    if document is None or row.created_at > at:
        raise NotFound(Problem("not_then", "", f"The record did not exist at {instant(at)}."))
    return present_then(unit, module, row, document)


def then(row: Row, later: Iterable[Event]) -> dict[str, Any] | None:
    """The document (with title, owner, stage and archived_at) before these events, newest first; None before creation."""
    data = orjson.loads(row.data) if isinstance(row.data, bytes) else dict(row.data)
    beside = orjson.loads(row.beside) if isinstance(row.beside, bytes) else row.beside
    document = {**data, **beside}
    for key in ("title", "owner", "stage", "stage_entered_at", "archived_at"):
        document[key] = row.get(key)
    document["version"] = row.version
    for event in later:
        if event.kind == "created":
            return None
        if event.kind in ("linked", "unlinked", MAIL):
            continue
        for key, pair in event.changes.items():
            if key != "stage_reason" and isinstance(pair, list) and len(pair) == 2:
                document[key] = pair[0]
        if event.kind != "computed":
            document["version"] = event.version - 1
    return {key: value for key, value in document.items() if value is not None}


def present_then(unit: Unit, module: CompiledModule, row: Row, document: dict[str, Any]) -> dict[str, Any]:
    """A past document in the form of the API; links name their target without a title, which may have been another then."""
    hidden = unit.policy.module(module.id).hidden
    found: dict[str, Any] = {"id": str(row.id), "module": module.name, "created_at": row.get("created_at")}
    for key in ("version", "title", "owner", "stage", "stage_entered_at", "archived_at"):
        if document.get(key) is not None:
            found[key] = document[key]
    for known in module.fields.values():
        if known.id not in hidden and document.get(known.id) is not None:
            found[known.name] = document[known.id]
    for link in module.links.values():
        value = document.get(link.id)
        if value is not None and not link.many and link.id not in hidden:
            module_id, target = target_of(value, link.targets)
            found[link.name] = {
                "id": str(target),
                "module": unit.catalog.modules[module_id].name if module_id in unit.catalog.modules else module_id,
            }
    return found


async def _require(unit: Unit, connection: Connection, module: CompiledModule, identifier: UUID) -> None:
    unit.policy.require(module.id, "see")
    scope = unit.scope(module, "see") or ("true", [])
    if not await record_store.within_scope(connection, module.table, [identifier], scope):
        raise NotFound(Problem("not_found", "", f"There is no such record in {module.name}, or you may not see it."))


def _shown(unit: Unit, module: CompiledModule, event: Event) -> dict[str, Any] | None:
    """An event as the actor may see it: names instead of ids, nothing of hidden fields; None if nothing is left of it."""
    hidden = unit.policy.module(module.id).hidden
    changes: dict[str, Any] = {}
    for key, pair in event.changes.items():
        name = module.names.get(key)
        if key in hidden:
            continue
        if name is None and key not in _SYSTEM:
            inverse = module.inverses_by_id.get(key)
            if inverse is None or not _sees_all(unit, inverse):
                continue
            name = inverse.name
        changes[name or key] = pair if event.kind != "created" else [None, pair]
    if event.changes and not changes and event.kind in ("updated", "linked", "unlinked"):
        return None
    return {
        "id": str(event.id),
        "at": instant(event.at),
        "actor": event.actor,
        "kind": event.kind,
        "version": event.version,
        "changes": changes,
    }


def _limit(limit: int) -> int:
    if not 1 <= limit <= MOST:
        raise Malformed(Problem("limit", "/limit", f"A page has 1 to {MOST} entries."))
    return limit


def _before(cursor: str | None) -> UUID | None:
    if not cursor:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise Malformed(
            Problem("cursor", "/cursor", "This is not a cursor of this list.", "Use `next` of the previous page.")
        ) from None


def _page(entries: list[tuple[dict[str, Any] | None, Event]], limit: int) -> dict[str, Any]:
    more = len(entries) > limit
    following = base64.urlsafe_b64encode(entries[limit - 1][1].id.bytes).rstrip(b"=").decode() if more else None
    return {"data": [entry for entry, _ in entries[:limit] if entry is not None], "next": following}


def _sees_all(unit: Unit, inverse: CompiledInverse) -> bool:
    """Whether the actor may see every record that the link comes from: else not even that there is one."""
    holding = unit.catalog.modules[inverse.module_id]
    hidden = unit.policy.module(holding.id).hidden
    allowed = unit.policy.allows(holding.id, "see") and inverse.link.id not in hidden
    return allowed and unit.scope(holding, "see") is None

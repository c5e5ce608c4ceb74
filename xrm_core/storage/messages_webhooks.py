"""Webhooks: whom other systems tell, and who tells us; what was said before is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection
from xrm_core.storage.events import COLUMNS, event_of
from xrm_core.storage.rows import Event


@dataclass(frozen=True, slots=True)
class Webhook:
    """One direction of a talk with another system, with the rights of a member."""

    id: UUID
    direction: str
    name: str
    url: str | None
    secret: bytes
    events: tuple[str, ...]
    modules: tuple[str, ...]
    """Module ids; none means all."""
    filter: str | None
    member: UUID
    enabled: bool
    settings: dict[str, Any]
    position: UUID | None
    """Events up to here were told."""
    created_at: datetime
    updated_at: datetime


_COLUMNS = (
    "w.id, w.direction, w.name, w.url, w.secret, w.events, w.modules, w.filter, w.member, w.enabled, w.settings::text, "
    "w.position, w.created_at, w.updated_at"
)


def _webhook(row: Sequence[Any]) -> Webhook:
    values = list(row)
    values[4], values[5], values[6] = bytes(values[4]), tuple(values[5]), tuple(values[6])
    values[10] = orjson.loads(values[10])
    return Webhook(*values)


async def put(connection: Connection, schema: str, hook: Webhook) -> None:
    """Store a webhook, new or changed; how far it has come stays."""
    await connection.execute(
        f"insert into {schema}.webhook as w (id, direction, name, url, secret, events, modules, filter, member, enabled, "
        "settings, position, created_at, updated_at) values (%s::uuid, %s::text, %s::text, %s::text, %s::bytea, "
        "%s::text[], %s::text[], %s::text, %s::uuid, %s::boolean, %s::jsonb, %s::uuid, %s::timestamptz, "
        "%s::timestamptz) on conflict (id) do update set name = excluded.name, url = excluded.url, "
        "secret = excluded.secret, events = excluded.events, modules = excluded.modules, filter = excluded.filter, "
        "enabled = excluded.enabled, settings = excluded.settings, updated_at = excluded.updated_at",
        [
            hook.id, hook.direction, hook.name, hook.url, hook.secret, list(hook.events), list(hook.modules),
            hook.filter, hook.member, hook.enabled, orjson.dumps(hook.settings).decode(), hook.position,
            hook.created_at, hook.updated_at,
        ],
    )  # fmt: skip


async def get(connection: Connection, schema: str, identity: UUID) -> Webhook | None:
    """One webhook."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select {_COLUMNS} from {schema}.webhook w where w.id = %s::uuid", [identity])
    row = await cursor.fetchone()
    return _webhook(row) if row else None


async def listed(connection: Connection, schema: str, *, only_out: bool = False) -> list[Webhook]:
    """All webhooks, or those that tell others and are on."""
    cursor = connection.cursor(row_factory=tuple_row)
    where = " where w.direction = 'out' and w.enabled" if only_out else ""
    await cursor.execute(f"select {_COLUMNS} from {schema}.webhook w{where} order by w.id")
    return [_webhook(row) for row in await cursor.fetchall()]


async def delete(connection: Connection, schema: str, identity: UUID) -> bool:
    """Remove a webhook."""
    cursor = await connection.execute(f"delete from {schema}.webhook w where w.id = %s::uuid", [identity])
    return cursor.rowcount == 1


async def disable(connection: Connection, schema: str, identity: UUID) -> None:
    """Tell it nothing more."""
    await connection.execute(f"update {schema}.webhook w set enabled = false where w.id = %s::uuid", [identity])


async def advance(connection: Connection, schema: str, identity: UUID, position: UUID) -> None:
    """Note how far a webhook has come; it never goes back."""
    await connection.execute(
        f"update {schema}.webhook w set position = %s::uuid where w.id = %s::uuid "
        "and (w.position is null or w.position < %s::uuid)",
        [position, identity, position],
    )


async def events_after(
    connection: Connection, schema: str, after: UUID, kinds: Sequence[str], modules: Sequence[str], limit: int
) -> list[Event]:
    """What happened after an event id, oldest first."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {COLUMNS} from {schema}.event e where e.id > %s::uuid and e.kind = any(%s::text[]) "
        "and (cardinality(%s::text[]) = 0 or e.module_id = any(%s::text[])) order by e.id limit %s::int",
        [after, list(kinds), list(modules), list(modules), limit],
    )
    return [event_of(row) for row in await cursor.fetchall()]


async def first_time(connection: Connection, schema: str, identity: UUID, key: str, now: datetime) -> bool:
    """Whether a delivery was never seen; from now on it was."""
    cursor = await connection.execute(
        f"insert into {schema}.webhook_seen (webhook_id, key, at) values (%s::uuid, %s::text, %s::timestamptz) "
        "on conflict (webhook_id, key) do nothing",
        [identity, key, now],
    )
    return cursor.rowcount == 1


async def forget_seen(connection: Connection, schema: str, before: datetime) -> int:
    """Forget deliveries that are too old to be accepted again."""
    cursor = await connection.execute(f"delete from {schema}.webhook_seen s where s.at < %s::timestamptz", [before])
    return cursor.rowcount

"""Notifications of members: what happened that concerns them, read or not, now or later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing that somebody shall know; `key` keeps it from being told twice."""

    id: UUID
    member: UUID
    kind: str
    at: datetime
    module_id: str | None
    record_id: UUID | None
    title: str
    body: str
    actor: dict[str, Any]
    key: str | None = None
    read_at: datetime | None = None
    snoozed_until: datetime | None = None


_COLUMNS = "n.id, n.member, n.kind, n.at, n.module_id, n.record_id, n.title, n.body, n.actor::text, n.key, n.read_at, n.snoozed_until"
_AWAKE = "(n.snoozed_until is null or n.snoozed_until <= %s::timestamptz)"


def _notification(row: Sequence[Any]) -> Notification:
    values = list(row)
    values[8] = orjson.loads(values[8])
    return Notification(*values)


async def put(connection: Connection, schema: str, rows: Sequence[Notification]) -> int:
    """Store new notifications; those whose key is known were told before. How many are new."""
    if not rows:
        return 0
    documents = [
        {
            "id": one.id, "member": one.member, "kind": one.kind, "at": one.at, "module_id": one.module_id,
            "record_id": one.record_id, "title": one.title, "body": one.body, "actor": one.actor, "key": one.key,
        }
        for one in rows
    ]  # fmt: skip
    cursor = await connection.execute(
        f"insert into {schema}.notification (id, member, kind, at, module_id, record_id, title, body, actor, key) "
        "select u.id, u.member, u.kind, u.at, u.module_id, u.record_id, u.title, u.body, u.actor, u.key "
        "from jsonb_to_recordset(%s::jsonb) as u(id uuid, member uuid, kind text, at timestamptz, module_id text, "
        "record_id uuid, title text, body text, actor jsonb, key text) on conflict (key) do nothing",
        [orjson.dumps(documents).decode()],
    )
    return cursor.rowcount


async def of_member(
    connection: Connection,
    schema: str,
    member: UUID,
    now: datetime,
    *,
    only_unread: bool,
    before: UUID | None,
    limit: int,
) -> list[Notification]:
    """A member's notifications, newest first, without those that wait."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.notification n where n.member = %s::uuid and {_AWAKE}"
        f"{' and n.read_at is null' if only_unread else ''} and (%s::uuid is null or n.id < %s::uuid) "
        "order by n.id desc limit %s::int",
        [member, now, before, before, limit],
    )
    return [_notification(row) for row in await cursor.fetchall()]


async def unread(connection: Connection, schema: str, member: UUID, now: datetime, most: int) -> int:
    """How many a member has not read, counted up to `most`."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select count(*) from (select 1 from {schema}.notification n where n.member = %s::uuid and n.read_at is null "
        f"and {_AWAKE} limit %s::int) x",
        [member, now, most],
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def mark_read(
    connection: Connection, schema: str, member: UUID, ids: Sequence[UUID] | None, at: datetime | None
) -> int:
    """Mark some of a member's notifications (or all) as read, or as not read (None)."""
    only = " and n.id = any(%s::uuid[])" if ids is not None else ""
    state = " and n.read_at is null" if at is not None else " and n.read_at is not null"
    cursor = await connection.execute(
        f"update {schema}.notification n set read_at = %s::timestamptz where n.member = %s::uuid{state}{only}",
        [at, member, *([list(ids)] if ids is not None else [])],
    )
    return cursor.rowcount


async def snooze(connection: Connection, schema: str, member: UUID, notification: UUID, until: datetime | None) -> bool:
    """Let a notification come again at a time; False if there is none."""
    cursor = await connection.execute(
        f"update {schema}.notification n set snoozed_until = %s::timestamptz, read_at = null "
        "where n.member = %s::uuid and n.id = %s::uuid",
        [until, member, notification],
    )
    return cursor.rowcount == 1


async def forget(connection: Connection, schema: str, before: datetime) -> int:
    """Remove what is older than a time."""
    cursor = await connection.execute(f"delete from {schema}.notification where at < %s::timestamptz", [before])
    return cursor.rowcount

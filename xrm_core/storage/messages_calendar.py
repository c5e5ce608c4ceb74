"""Invitations that were sent, and what calendars elsewhere hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Invitation:
    """What guests of a record's event were told last; attendees are `{"name", "address", "status"}`."""

    record_id: UUID
    module_id: str
    uid: str
    sequence: int
    state: str
    digest: bytes
    organizer: dict[str, Any]
    attendees: list[dict[str, Any]]
    details: dict[str, Any]
    updated_at: datetime


_COLUMNS = (
    "i.record_id, i.module_id, i.uid, i.sequence, i.state, i.digest, i.organizer::text, i.attendees::text, "
    "i.details::text, i.updated_at"
)


def _invitation(row: Sequence[Any]) -> Invitation:
    values = list(row)
    values[5] = bytes(values[5])
    for place in (6, 7, 8):
        values[place] = orjson.loads(values[place])
    return Invitation(*values)


async def invitation(
    connection: Connection, schema: str, *, record: UUID | None = None, uid: str | None = None, lock: bool = False
) -> Invitation | None:
    """The invitation of a record, or with a UID."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.invitation i where (%s::uuid is null or i.record_id = %s::uuid) "
        f"and (%s::text is null or i.uid = %s::text) limit 1{' for update of i' if lock else ''}",
        [record, record, uid, uid],
    )
    row = await cursor.fetchone()
    return _invitation(row) if row else None


async def put_invitation(connection: Connection, schema: str, one: Invitation) -> None:
    """Store what guests are told now."""
    await connection.execute(
        f"insert into {schema}.invitation as i (record_id, module_id, uid, sequence, state, digest, organizer, attendees, "
        "details, updated_at) values (%s::uuid, %s::text, %s::text, %s::int, %s::text, %s::bytea, %s::jsonb, %s::jsonb, "
        "%s::jsonb, %s::timestamptz) on conflict (record_id) do update set sequence = excluded.sequence, "
        "state = excluded.state, digest = excluded.digest, organizer = excluded.organizer, "
        "attendees = excluded.attendees, details = excluded.details, updated_at = excluded.updated_at",
        [
            one.record_id, one.module_id, one.uid, one.sequence, one.state, one.digest, _dump(one.organizer),
            _dump(one.attendees), _dump(one.details), one.updated_at,
        ],
    )  # fmt: skip


async def invited_modules(connection: Connection, schema: str) -> list[str]:
    """Modules with invitations that are still good."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select distinct i.module_id from {schema}.invitation i where i.state = 'active'")
    return [row[0] for row in await cursor.fetchall()]


async def outdated(connection: Connection, schema: str, table: str, module_id: str, limit: int) -> list[UUID]:
    """Records of a module that changed (or went) after their guests were told."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select i.record_id from {schema}.invitation i left join {table} t on t.id = i.record_id "
        "where i.state = 'active' and i.module_id = %s::text and (t.id is null or t.updated_at > i.updated_at) "
        "order by i.record_id limit %s::int",
        [module_id, limit],
    )
    return [row[0] for row in await cursor.fetchall()]


async def touch(connection: Connection, schema: str, record: UUID, at: datetime) -> None:
    """Note that nothing has changed for the guests until a time."""
    await connection.execute(
        f"update {schema}.invitation i set updated_at = %s::timestamptz where i.record_id = %s::uuid", [at, record]
    )


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a calendar elsewhere; `record_id` if it is one of ours."""

    mailbox_id: UUID
    href: str
    uid: str
    etag: str | None
    record_id: UUID | None
    digest: bytes | None
    title: str
    starts_at: datetime | None
    ends_at: datetime | None
    busy: bool
    problem: str | None
    updated_at: datetime


_ITEM = (
    "c.mailbox_id, c.href, c.uid, c.etag, c.record_id, c.digest, c.title, c.starts_at, c.ends_at, c.busy, c.problem, "
    "c.updated_at"
)


def _item(row: Sequence[Any]) -> Item:
    values = list(row)
    values[5] = bytes(values[5]) if values[5] is not None else None
    return Item(*values)


async def items(connection: Connection, schema: str, mailbox: UUID) -> list[Item]:
    """Everything that is known of a calendar."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_ITEM} from {schema}.calendar_item c where c.mailbox_id = %s::uuid order by c.href", [mailbox]
    )
    return [_item(row) for row in await cursor.fetchall()]


async def busy(
    connection: Connection, schema: str, mailboxes: Collection[UUID], start: datetime, end: datetime
) -> list[Item]:
    """Entries that take time between two moments and are none of our records."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_ITEM} from {schema}.calendar_item c where c.mailbox_id = any(%s::uuid[]) and c.busy "
        "and c.record_id is null and c.starts_at < %s::timestamptz and c.ends_at > %s::timestamptz "
        "order by c.starts_at limit 5000",
        [list(mailboxes), end, start],
    )
    return [_item(row) for row in await cursor.fetchall()]


async def put_item(connection: Connection, schema: str, one: Item) -> None:
    """Store an entry as it is now."""
    await connection.execute(
        f"insert into {schema}.calendar_item as c (mailbox_id, href, uid, etag, record_id, digest, title, starts_at, "
        "ends_at, busy, problem, updated_at) values (%s::uuid, %s::text, %s::text, %s::text, %s::uuid, %s::bytea, "
        "%s::text, %s::timestamptz, %s::timestamptz, %s::boolean, %s::text, %s::timestamptz) "
        "on conflict (mailbox_id, href) do update set uid = excluded.uid, etag = excluded.etag, "
        "record_id = excluded.record_id, digest = excluded.digest, title = excluded.title, "
        "starts_at = excluded.starts_at, ends_at = excluded.ends_at, busy = excluded.busy, problem = excluded.problem, "
        "updated_at = excluded.updated_at",
        [
            one.mailbox_id, one.href, one.uid, one.etag, one.record_id, one.digest, one.title, one.starts_at,
            one.ends_at, one.busy, one.problem, one.updated_at,
        ],
    )  # fmt: skip


async def drop_item(connection: Connection, schema: str, mailbox: UUID, href: str) -> None:
    """Forget an entry."""
    await connection.execute(
        f"delete from {schema}.calendar_item c where c.mailbox_id = %s::uuid and c.href = %s::text", [mailbox, href]
    )


def _dump(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()

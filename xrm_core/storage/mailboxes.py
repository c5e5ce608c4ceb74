"""Accounts with other servers: where mail goes out, where it comes in, calendars; secrets only encrypted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection

KINDS = ("smtp", "imap", "caldav")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One account; `member` None: the whole workspace's."""

    id: UUID
    kind: str
    member: UUID | None
    name: str
    address: str
    settings: dict[str, Any]
    secret: bytes | None
    state: dict[str, Any]
    enabled: bool
    checked_at: datetime | None
    error: str | None
    created_at: datetime
    updated_at: datetime


_COLUMNS = (
    "b.id, b.kind, b.member, b.name, b.address, b.settings::text, b.secret, b.state::text, b.enabled, b.checked_at, "
    "b.error, b.created_at, b.updated_at"
)


def _mailbox(row: Sequence[Any]) -> Mailbox:
    values = list(row)
    values[5], values[7] = orjson.loads(values[5]), orjson.loads(values[7])
    values[6] = bytes(values[6]) if values[6] is not None else None
    return Mailbox(*values)


async def put(connection: Connection, schema: str, box: Mailbox, next_at: datetime | None) -> None:
    """Store an account, new or changed; what is known of its state stays."""
    await connection.execute(
        f"insert into {schema}.mailbox as b (id, kind, member, name, address, settings, secret, enabled, next_at, "
        "created_at, updated_at) values (%s::uuid, %s::text, %s::uuid, %s::text, %s::text, %s::jsonb, %s::bytea, "
        "%s::boolean, %s::timestamptz, %s::timestamptz, %s::timestamptz) on conflict (id) do update set "
        "name = excluded.name, address = excluded.address, settings = excluded.settings, secret = excluded.secret, "
        "enabled = excluded.enabled, next_at = excluded.next_at, updated_at = excluded.updated_at, error = null",
        [
            box.id, box.kind, box.member, box.name, box.address, orjson.dumps(box.settings).decode(), box.secret,
            box.enabled, next_at, box.created_at, box.updated_at,
        ],
    )  # fmt: skip


async def get(connection: Connection, schema: str, identity: UUID) -> Mailbox | None:
    """One account."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select {_COLUMNS} from {schema}.mailbox b where b.id = %s::uuid", [identity])
    row = await cursor.fetchone()
    return _mailbox(row) if row else None


async def listed(
    connection: Connection, schema: str, *, member: UUID | None = None, kinds: Collection[str] = KINDS
) -> list[Mailbox]:
    """Accounts: all of them, or a member's own and those of the workspace."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.mailbox b where b.kind = any(%s::text[]) "
        "and (%s::uuid is null or b.member is null or b.member = %s::uuid) order by b.id",
        [list(kinds), member, member],
    )
    return [_mailbox(row) for row in await cursor.fetchall()]


async def sender(connection: Connection, schema: str, member: UUID | None) -> Mailbox | None:
    """The account that a member's mail goes out by: their own, else the workspace's."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.mailbox b where b.kind = 'smtp' and b.enabled "
        "and (b.member is null or b.member = %s::uuid) order by b.member is null, b.id limit 1",
        [member],
    )
    row = await cursor.fetchone()
    return _mailbox(row) if row else None


async def delete(connection: Connection, schema: str, identity: UUID) -> bool:
    """Forget an account with its secret; its messages stay."""
    cursor = await connection.execute(f"delete from {schema}.mailbox b where b.id = %s::uuid", [identity])
    return cursor.rowcount == 1


async def claim(
    connection: Connection, schema: str, kinds: Collection[str], by: str, now: datetime, until: datetime
) -> Mailbox | None:
    """An account whose turn it is and that nobody works on, for us until a time."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"update {schema}.mailbox b set claimed_by = %s::text, claimed_until = %s::timestamptz from "
        f"(select w.id from {schema}.mailbox w where w.enabled and w.next_at <= %s::timestamptz "
        "and w.kind = any(%s::text[]) and (w.claimed_until is null or w.claimed_until < %s::timestamptz) "
        f"order by w.next_at, w.id limit 1 for update of w skip locked) due where b.id = due.id returning {_COLUMNS}",
        [by, until, now, list(kinds), now],
    )
    row = await cursor.fetchone()
    return _mailbox(row) if row else None


async def release(
    connection: Connection, schema: str, identity: UUID, by: str, now: datetime, next_at: datetime, error: str | None
) -> None:
    """Give an account back until its next turn, with what went wrong."""
    await connection.execute(
        f"update {schema}.mailbox b set claimed_by = null, claimed_until = null, next_at = %s::timestamptz, "
        "checked_at = %s::timestamptz, error = %s::text where b.id = %s::uuid and b.claimed_by = %s::text",
        [next_at, now, error, identity, by],
    )


async def set_state(connection: Connection, schema: str, identity: UUID, state: dict[str, Any]) -> None:
    """Note how far an account has been read."""
    await connection.execute(
        f"update {schema}.mailbox b set state = %s::jsonb where b.id = %s::uuid",
        [orjson.dumps(state).decode(), identity],
    )


async def due_now(connection: Connection, schema: str, identity: UUID, now: datetime) -> None:
    """Let it be an account's turn."""
    await connection.execute(
        f"update {schema}.mailbox b set next_at = %s::timestamptz where b.id = %s::uuid", [now, identity]
    )

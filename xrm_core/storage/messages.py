"""Messages: mail in both directions, the records each is about, and who may read it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection
from xrm_core.storage.model import CompiledModule

ATTACHED = "$mail"
"""The place of files that hang on a message; no module has this id."""


@dataclass(frozen=True, slots=True)
class Message:
    """One mail. Sender and recipients are `{"name", "address"}`, recipients with `kind` to, cc or bcc."""

    id: UUID
    direction: str
    kind: str
    message_id: str
    thread: str
    in_reply_to: str | None
    subject: str
    sender: dict[str, Any]
    recipients: list[dict[str, Any]]
    at: datetime
    body: str
    html: str | None
    quoted: str | None
    state: str
    mailbox_id: UUID | None
    member: UUID | None
    participants: tuple[UUID, ...]
    shared: bool
    attachments: list[dict[str, Any]]
    size: int
    outbox_id: UUID | None = None
    problem: str | None = None
    details: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class About:
    """A record that a message is about; `via` tells how that was found out."""

    module_id: str
    record_id: UUID
    via: str


_FIELDS = (
    "id", "direction", "kind", "message_id", "thread", "in_reply_to", "subject", "sender", "recipients", "at", "body",
    "html", "quoted", "state", "mailbox_id", "member", "participants", "shared", "attachments", "size", "outbox_id",
    "problem", "details",
)  # fmt: skip
_JSON = frozenset({"sender", "recipients", "attachments", "details"})
_TYPES = {
    "id": "uuid", "at": "timestamptz", "mailbox_id": "uuid", "member": "uuid", "participants": "uuid[]",
    "shared": "boolean", "size": "bigint", "outbox_id": "uuid", **dict.fromkeys(_JSON, "jsonb"),
}  # fmt: skip
_COLUMNS = ", ".join(f"m.{name}::text" if name in _JSON else f"m.{name}" for name in _FIELDS)
_OWN = "(%s::uuid is null or m.member = %s::uuid or %s::uuid = any(m.participants))"
_READABLE = "(m.shared or %s::uuid is null or m.member = %s::uuid or %s::uuid = any(m.participants))"


def _message(row: Sequence[Any]) -> Message:
    values = dict(zip(_FIELDS, row, strict=True))
    for name in _JSON:
        values[name] = orjson.loads(values[name]) if values[name] is not None else None
    values["participants"] = tuple(values["participants"])
    return Message(**values)


async def add(connection: Connection, schema: str, message: Message) -> bool:
    """Store a message; False when one with its Message-ID is there already."""
    values = [
        orjson.dumps(value, default=str).decode()
        if name in _JSON and value is not None
        else list(value)
        if name == "participants"
        else value
        for name in _FIELDS
        for value in (getattr(message, name),)
    ]
    places = ", ".join(f"%s::{_TYPES.get(name, 'text')}" for name in _FIELDS)
    cursor = await connection.execute(
        f"insert into {schema}.message ({', '.join(_FIELDS)}) values ({places}) on conflict (message_id) do nothing",
        values,
    )
    return cursor.rowcount == 1


async def link(connection: Connection, schema: str, message: UUID, about: Collection[About]) -> list[About]:
    """File a message under records; those that are new."""
    if not about:
        return []
    documents = [{"m": one.module_id, "r": one.record_id, "v": one.via} for one in about]
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"insert into {schema}.message_link (message_id, module_id, record_id, via) "
        "select %s::uuid, u.m, u.r, u.v from jsonb_to_recordset(%s::jsonb) as u(m text, r uuid, v text) "
        "on conflict (record_id, message_id) do nothing returning module_id, record_id, via",
        [message, orjson.dumps(documents).decode()],
    )
    return [About(*row) for row in await cursor.fetchall()]


async def unlink(connection: Connection, schema: str, message: UUID, record: UUID) -> bool:
    """Take a message away from a record."""
    cursor = await connection.execute(
        f"delete from {schema}.message_link l where l.message_id = %s::uuid and l.record_id = %s::uuid",
        [message, record],
    )
    return cursor.rowcount == 1


async def about(connection: Connection, schema: str, messages: Collection[UUID]) -> dict[UUID, list[About]]:
    """The records that messages are about."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select l.message_id, l.module_id, l.record_id, l.via from {schema}.message_link l "
        "where l.message_id = any(%s::uuid[]) order by l.message_id, l.record_id",
        [list(messages)],
    )
    found: dict[UUID, list[About]] = {}
    for message, module_id, record_id, via in await cursor.fetchall():
        found.setdefault(message, []).append(About(module_id, record_id, via))
    return found


async def get(connection: Connection, schema: str, message: UUID, reader: UUID | None = None) -> Message | None:
    """One message, if the reader may read it; None reads everything."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.message m where m.id = %s::uuid and {_READABLE}",
        [message, reader, reader, reader],
    )
    row = await cursor.fetchone()
    return _message(row) if row else None


async def by_outbox(connection: Connection, schema: str, effect: UUID) -> Message | None:
    """The message of an effect."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select {_COLUMNS} from {schema}.message m where m.outbox_id = %s::uuid", [effect])
    row = await cursor.fetchone()
    return _message(row) if row else None


async def by_message_ids(connection: Connection, schema: str, ids: Collection[str]) -> list[Message]:
    """Messages by their Message-IDs."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.message m where m.message_id = any(%s::text[]) order by m.id", [list(ids)]
    )
    return [_message(row) for row in await cursor.fetchall()]


async def readable(
    connection: Connection, schema: str, ids: Collection[UUID], reader: UUID | None
) -> dict[UUID, Message]:
    """Those of these messages that somebody may read."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.message m where m.id = any(%s::uuid[]) and {_READABLE}",
        [list(ids), reader, reader, reader],
    )
    return {row[0]: _message(row) for row in await cursor.fetchall()}


async def listed(
    connection: Connection,
    schema: str,
    reader: UUID | None,
    *,
    record: UUID | None = None,
    thread: str | None = None,
    direction: str | None = None,
    only_own: bool = False,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Message]:
    """Messages that somebody may read, newest first: all, their own, of a record, or of a thread."""
    join, values = "", list[Any]()
    if record is not None:
        join = f"join {schema}.message_link l on l.message_id = m.id and l.record_id = %s::uuid "
        values.append(record)
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.message m {join}where {_READABLE if not only_own else _OWN} "
        "and (%s::text is null or m.thread = %s::text) and (%s::text is null or m.direction = %s::text) "
        "and (%s::uuid is null or m.id < %s::uuid) order by m.id desc limit %s::int",
        [*values, reader, reader, reader, thread, thread, direction, direction, before, before, limit],
    )
    return [_message(row) for row in await cursor.fetchall()]


async def set_state(
    connection: Connection,
    schema: str,
    message: UUID,
    state: str,
    *,
    problem: str | None = None,
    details: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> None:
    """Note what became of a message; details are added to those that are known."""
    await connection.execute(
        f"update {schema}.message m set state = %s::text, problem = %s::text, at = coalesce(%s::timestamptz, m.at), "
        "details = coalesce(m.details, '{}'::jsonb) || %s::jsonb where m.id = %s::uuid",
        [state, problem, at, orjson.dumps(details or {}, default=str).decode(), message],
    )


async def join(connection: Connection, schema: str, message_id: str, members: Collection[UUID]) -> None:
    """Let members take part in a message that is known already."""
    await connection.execute(
        f"update {schema}.message m set participants = (select coalesce(array_agg(distinct u.one), '{{}}') "
        "from unnest(m.participants || %s::uuid[]) as u(one)) where m.message_id = %s::text "
        "and not (m.participants @> %s::uuid[])",
        [list(members), message_id, list(members)],
    )


async def share(connection: Connection, schema: str, message: UUID, shared: bool) -> None:
    """Let everybody who sees the records read a message, or its participants alone."""
    await connection.execute(
        f"update {schema}.message m set shared = %s::boolean where m.id = %s::uuid", [shared, message]
    )


async def attach(connection: Connection, schema: str, message: UUID, files: Collection[UUID]) -> None:
    """Let files belong to a message, so that they are neither forgotten nor taken by a record."""
    await connection.execute(
        f"update {schema}.file f set module_id = %s::text, record_id = %s::uuid where f.id = any(%s::uuid[]) "
        "and f.record_id is null",
        [ATTACHED, message, list(files)],
    )


async def last_of_thread(connection: Connection, schema: str, thread: str) -> list[tuple[str, str | None]]:
    """(Message-ID, answered Message-ID) of a thread's messages, oldest first: what a further mail refers to."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select x.message_id, x.in_reply_to from (select m.id, m.message_id, m.in_reply_to from {schema}.message m "
        "where m.thread = %s::text order by m.id desc limit 10) x order by x.id",
        [thread],
    )
    return [(row[0], row[1]) for row in await cursor.fetchall()]


async def versions(connection: Connection, module: CompiledModule, ids: Collection[UUID]) -> dict[UUID, int]:
    """The versions of records that are still there."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select t.id, t.version from {module.table.qualified} t where t.id = any(%s::uuid[])", [list(ids)]
    )
    return {row[0]: row[1] for row in await cursor.fetchall()}

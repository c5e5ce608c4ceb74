"""What is new in a workspace since a moment: for the one who tells all open pages about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection

MOST = 2_000


async def written(connection: Connection, schema: str, after: UUID) -> list[tuple[UUID, str, UUID, str | None]]:
    """(event, module id, record, actor) of what was written after an event id; the newest when there is too much."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select e.id, e.module_id, e.record_id, e.actor ->> 'id' from {schema}.event e where e.id > %s::uuid "
        "order by e.id desc limit %s::int",
        [after, MOST],
    )
    return list(await cursor.fetchall())


async def woken(
    connection: Connection, schema: str, members: Sequence[UUID], after: UUID, since: datetime, now: datetime
) -> list[tuple[UUID, UUID, str, str, str]]:
    """(notification, member, kind, title, body) of what came after an id, or was put off until now."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select n.id, n.member, n.kind, n.title, n.body from {schema}.notification n "
        "where n.member = any(%s::uuid[]) and n.read_at is null and ((n.id > %s::uuid and n.snoozed_until is null) "
        "or (n.snoozed_until > %s::timestamptz and n.snoozed_until <= %s::timestamptz)) order by n.id limit %s::int",
        [list(members), after, since, now, MOST],
    )
    return list(await cursor.fetchall())


async def jobs(
    connection: Connection, schema: str, members: Sequence[UUID], after: UUID, known: Sequence[UUID]
) -> list[tuple[UUID, UUID, str, int, int]]:
    """(job, member, state, done, total) of jobs that go on, were started after an id, or were known to go on."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select j.id, j.member, j.state, j.done, j.total from {schema}.job j "
        "where j.member = any(%s::uuid[]) and (j.finished_at is null or j.id > %s::uuid or j.id = any(%s::uuid[])) "
        "order by j.id limit %s::int",
        [list(members), after, list(known), MOST],
    )
    return list(await cursor.fetchall())

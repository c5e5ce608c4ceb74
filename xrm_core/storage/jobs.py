"""Jobs: work on many records that goes on in parts, each in a transaction of its own with its progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection

OPEN = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class Job:
    """One job; `request` says what it does, `outcome` what came of it so far."""

    id: UUID
    kind: str
    state: str
    total: int
    done: int
    request: dict[str, Any]
    outcome: dict[str, Any]
    actor: dict[str, Any]
    member: UUID | None
    change_id: UUID
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


_COLUMNS = (
    "j.id, j.kind, j.state, j.total, j.done, j.request::text, j.outcome::text, j.actor::text, j.member, j.change_id, "
    "j.created_at, j.started_at, j.finished_at"
)
_WITHOUT_REQUEST = _COLUMNS.replace("j.request::text", "'{}'")


def _job(row: Sequence[Any]) -> Job:
    values = list(row)
    for place in (5, 6, 7):
        values[place] = orjson.loads(values[place])
    return Job(*values)


async def put(connection: Connection, schema: str, job: Job) -> None:
    """Store a new job."""
    await connection.execute(
        f"insert into {schema}.job (id, kind, state, total, done, request, outcome, actor, member, change_id, created_at)"
        " values (%s::uuid, %s::text, %s::text, %s::int, %s::int, %s::jsonb, %s::jsonb, %s::jsonb, %s::uuid, %s::uuid,"
        " %s::timestamptz)",
        [
            job.id, job.kind, job.state, job.total, job.done, _dump(job.request), _dump(job.outcome), _dump(job.actor),
            job.member, job.change_id, job.created_at,
        ],
    )  # fmt: skip


async def get(connection: Connection, schema: str, job_id: UUID, *, lock: bool = False) -> Job | None:
    """One job."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_COLUMNS} from {schema}.job j where j.id = %s::uuid{' for update of j' if lock else ''}", [job_id]
    )
    row = await cursor.fetchone()
    return _job(row) if row else None


async def of_member(connection: Connection, schema: str, member: UUID, *, only_open: bool, limit: int) -> list[Job]:
    """The last jobs that somebody started, newest first, without what they were asked to do."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select {_WITHOUT_REQUEST} from {schema}.job j where j.member = %s::uuid"
        f"{' and j.finished_at is null' if only_open else ''} order by j.id desc limit %s::int",
        [member, limit],
    )
    return [_job(row) for row in await cursor.fetchall()]


async def claim(connection: Connection, schema: str, by: str, now: datetime, until: datetime) -> Job | None:
    """The oldest job that nobody works on, for us until a time; whoever dies in between loses it to another."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"update {schema}.job j set state = 'running', claimed_by = %s::text, claimed_until = %s::timestamptz, "
        "started_at = coalesce(j.started_at, %s::timestamptz) "
        f"where j.id = (select o.id from {schema}.job o where o.finished_at is null "
        "and (o.claimed_until is null or o.claimed_until < %s::timestamptz) order by o.created_at, o.id limit 1 "
        f"for update of o skip locked) returning {_COLUMNS}",
        [by, until, now, now],
    )
    row = await cursor.fetchone()
    return _job(row) if row else None


async def progress(
    connection: Connection, schema: str, job_id: UUID, done: int, outcome: dict[str, Any], until: datetime
) -> None:
    """Note how far a job is."""
    await connection.execute(
        f"update {schema}.job set done = %s::int, outcome = %s::jsonb, claimed_until = %s::timestamptz where id = %s::uuid",
        [done, _dump(outcome), until, job_id],
    )


async def finish(
    connection: Connection, schema: str, job_id: UUID, state: str, outcome: dict[str, Any], now: datetime
) -> bool:
    """Note how a job ended, unless it had ended before."""
    cursor = await connection.execute(
        f"update {schema}.job set state = %s::text, outcome = %s::jsonb, finished_at = %s::timestamptz "
        "where id = %s::uuid and finished_at is null",
        [state, _dump(outcome), now, job_id],
    )
    return cursor.rowcount == 1


async def is_open(connection: Connection, schema: str, change_id: UUID) -> bool:
    """Whether a job still works on a change."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select 1 from {schema}.job j where j.change_id = %s::uuid and j.finished_at is null", [change_id]
    )
    return await cursor.fetchone() is not None


async def forget(connection: Connection, schema: str, before: datetime) -> int:
    """Remove jobs that ended before a time."""
    cursor = await connection.execute(f"delete from {schema}.job where finished_at < %s::timestamptz", [before])
    return cursor.rowcount


def _dump(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()

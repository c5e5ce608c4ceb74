"""Promoting fields of live modules: column, backfill, index, without anybody waiting; every step can be interrupted.

A job goes `queued` -> `filling` -> `ready`, or `failed`. From `filling` on all writers set the column, readers use it
when it is `ready`. The column of a row may only be set while the document still holds the value it was computed from,
so the backfill never overwrites what a writer did meanwhile, and running it again only repairs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import psycopg

from xrm_core.kernel.clock import Clock
from xrm_core.kernel.errors import Unavailable, XrmError
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.storage.database import Connection, Database
from xrm_core.storage.errors import Busy
from xrm_core.storage.rows import Promoted, Table
from xrm_core.storage.tables import Index

BATCH = 2_000
LEASE = timedelta(seconds=60)
_LOCK_MILLISECONDS = 200
_LOCK_TRIES = 100
_PASSES = 5

Announce = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Job:
    """The promotion of one index (or, with use "column", of a column alone) and how far it is."""

    module_id: str
    fields: tuple[str, ...]
    use: str
    state: str
    filled: int
    error: str | None
    problems: list[dict[str, Any]] | None


_COLUMNS = "module_id, fields, use, state, filled, error, problems"
_KEY = "module_id = %s::text and fields = %s::text and use = %s::text"


def _job(row: Sequence[Any]) -> Job:
    return Job(row[0], tuple(row[1].split("$")), row[2], *row[3:])


def _key(table: Table, fields: Sequence[str], use: str) -> list[str]:
    return [table.module_id, "$".join(fields), use]


async def request(
    connection: Connection, table: Table, fields: Sequence[str], use: str, now: datetime, *, state: str = "queued"
) -> None:
    """Ask for an index; a failed job is tried again. State `ready` notes what a new table has from the start."""
    await connection.execute(
        f"insert into {table.schema}.index_job as j (module_id, fields, use, state, created_at, updated_at)"
        " values (%s::text, %s::text, %s::text, %s::text, %s::timestamptz, %s::timestamptz)"
        " on conflict (module_id, fields, use) do update set state = excluded.state, error = null, problems = null,"
        " updated_at = excluded.updated_at where j.state = 'failed' or excluded.state = 'ready'",
        [*_key(table, fields, use), state, now, now],
    )


async def jobs(connection: Connection, schema: str) -> list[Job]:
    """All jobs of a workspace, the finished ones too."""
    cursor = await connection.execute(
        f"select {_COLUMNS} from {schema}.index_job order by created_at, module_id, fields, use"
    )
    return [_job(row) for row in await cursor.fetchall()]


async def promote(
    database: Database,
    table: Table,
    columns: Sequence[Promoted],
    index: Index | None,
    clock: Clock,
    *,
    announce: Announce | None = None,
    settle_seconds: float = 0.0,
) -> Job:
    """Run one job from where it stopped; duplicates that forbid a unique index end it as `failed`.

    `announce` tells all writers of the new state, `settle_seconds` is how long they may need to hear it. Raises `Busy`
    when another process has the job.
    """
    fields = index.columns if index else tuple(column.key for column in columns)
    key = _key(table, fields, index.use if index else "column")
    async with database.writing() as connection:
        await request(connection, table, fields, key[2], clock.now())
    async with _claimed(database, table.schema, key, clock):
        await _add_columns(database, table, columns)
        try:
            await _begin(database, table.schema, key, clock)
            if announce:
                await announce()
            await asyncio.sleep(settle_seconds)
            # Transactions that had not heard of the column when they began have ended once we get the table for us.
            await _briefly_locked(database, _add_column_sql(table, columns[0]))
            await _fill(database, table, columns, key)
            problems = await _build(database, table, index) if index else None
            if problems:
                await _finish(database, table.schema, key, clock, "failed", "There are duplicates.", problems)
            else:
                # Whatever a writer that had not heard of the column did to rows behind the backfill is mended here.
                for _ in range(_PASSES):
                    if await _pass(database, table, columns) == 0:
                        break
                await _finish(database, table.schema, key, clock, "ready", None, None)
                if announce:
                    await announce()
        except (Unavailable, Busy):
            raise  # the job stays as it is, and goes on at the next run
        except (XrmError, psycopg.Error) as error:
            await _finish(database, table.schema, key, clock, "failed", str(error).split("\n")[0], None)
            raise
    async with database.writing() as connection:
        cursor = await connection.execute(f"select {_COLUMNS} from {table.schema}.index_job where {_KEY}", key)
        row = await cursor.fetchone()
    assert row is not None
    return _job(row)


async def add_columns(database: Database, table: Table, columns: Sequence[Promoted]) -> None:
    """Give a live table columns that it does not have yet; they are empty, and nobody waits."""
    await _add_columns(database, table, columns)


async def drop_columns(database: Database, table: Table, names: Sequence[str]) -> None:
    """Take columns from a live table that nobody reads or writes any more."""
    for name in names:
        await _briefly_locked(database, f"alter table {table.qualified} drop column if exists {name}")


async def demote(database: Database, table: Table, index: Index, columns: Sequence[Promoted] = ()) -> None:
    """Drop an index, and columns that nothing uses any more; first make sure that nobody reads or writes them."""
    async with database.ddl_connection() as connection:
        await connection.execute(f"drop index concurrently if exists {table.schema}.{index.name(table.module_id)}")
    for column in columns:
        await _briefly_locked(database, f"alter table {table.qualified} drop column if exists {column.column}")
    async with database.writing() as connection:
        await connection.execute(
            f"delete from {table.schema}.index_job where {_KEY}", _key(table, index.columns, index.use)
        )


async def mismatches(database: Database, table: Table, columns: Sequence[Promoted], limit: int = 100) -> list[UUID]:
    """Records whose promoted columns differ from what their document says; there should be none."""
    found: list[UUID] = []
    statement = f"select t.id from {table.qualified} t join {_values(columns)} on u.id = t.id where {_differs(columns)}"
    async for rows in _batches(database, table, columns, None):
        async with database.connection() as connection:
            cursor = await connection.execute(statement, [_payload(rows, columns)])
            found += [row[0] for row in await cursor.fetchall()]
        if len(found) >= limit:
            break
    return found[:limit]


async def _add_columns(database: Database, table: Table, columns: Sequence[Promoted]) -> None:
    for column in columns:
        async with database.connection() as connection:
            cursor = await connection.execute(
                "select 1 from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid"
                " join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
                " where n.nspname = %s::text and c.relname = %s::text and a.attname = %s::text and not a.attisdropped",
                [table.schema, table.name, column.column],
            )
            if await cursor.fetchone():
                continue
        await _briefly_locked(database, _add_column_sql(table, column))


def _add_column_sql(table: Table, column: Promoted) -> str:
    collation = ' collate "C"' if column.type == "text" else ""
    return f"alter table {table.qualified} add column if not exists {column.column} {column.type}{collation}"


async def _briefly_locked(database: Database, statement: str) -> None:
    """Run DDL that needs the whole table for an instant: give up quickly and try again; nobody waits behind it."""
    async with database.ddl_connection() as connection:
        for attempt in range(_LOCK_TRIES):
            try:
                async with connection.transaction():
                    await connection.execute(f"set local lock_timeout to {_LOCK_MILLISECONDS}")
                    # A distributed server applies only this limit on its other nodes.
                    await connection.execute("set local statement_timeout to 5000")
                    await connection.execute(statement)
                return
            except (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled, psycopg.errors.DeadlockDetected):
                await asyncio.sleep(min(2.0, 0.05 * 2**attempt))
    raise Busy(Problem("locked", "", "The module is in use without a pause; its index waits.", "Try again later."))


async def _fill(database: Database, table: Table, columns: Sequence[Promoted], key: list[str]) -> None:
    """One pass over the table from where the last run stopped, noting how far it is."""
    async with database.writing() as connection:
        cursor = await connection.execute(f"select cursor from {table.schema}.index_job where {_KEY}", key)
        row = await cursor.fetchone()
    async for rows in _batches(database, table, columns, row[0] if row else None):
        async with database.writing() as connection:
            await _write(connection, table, columns, rows)
            # `updated_at` stays: it makes processes read the catalog anew, which only a new state is a reason for.
            await connection.execute(
                f"update {table.schema}.index_job set cursor = %s::uuid, filled = filled + %s::int where {_KEY}",
                [rows[-1][0], len(rows), *key],
            )


async def _pass(database: Database, table: Table, columns: Sequence[Promoted]) -> int:
    """Look at every row once more; how many had to be mended."""
    mended = 0
    async for rows in _batches(database, table, columns, None):
        async with database.writing() as connection:
            mended += await _write(connection, table, columns, rows)
    return mended


async def _batches(
    database: Database, table: Table, columns: Sequence[Promoted], after: UUID | None
) -> AsyncIterator[list[tuple[Any, ...]]]:
    """The rows in the order of their ids: the id, and per column the raw JSON of its key."""
    sources = ", ".join(["t.data -> %s::text"] * len(columns))
    keys = [column.key for column in columns]
    while True:
        condition = " where t.id > %s::uuid" if after else ""
        async with database.connection() as connection:  # a reader: JSON stays as it is, however large its numbers
            cursor = await connection.execute(
                f"select t.id, {sources} from {table.qualified} t{condition} order by t.id limit {BATCH}",
                [*keys, *([after] if after else [])],
            )
            rows = await cursor.fetchall()
        if not rows:
            return
        yield rows
        after = rows[-1][0]


async def _write(
    connection: Connection, table: Table, columns: Sequence[Promoted], rows: Sequence[tuple[Any, ...]]
) -> int:
    settings = ", ".join(f"{column.column} = u.v{place}" for place, column in enumerate(columns))
    # The keys are our own ids (letters, digits, underscores). The document must still hold what we computed from.
    unchanged = " and ".join(
        f"t.data -> '{column.key}' is not distinct from u.s{place}" for place, column in enumerate(columns)
    )
    cursor = await connection.execute(
        f"update {table.qualified} t set {settings} from {_values(columns)}"
        f" where t.id = u.id and {unchanged} and ({_differs(columns)})",
        [_payload(rows, columns)],
    )
    return cursor.rowcount


def _values(columns: Sequence[Promoted]) -> str:
    declared = ", ".join(f"s{place} jsonb, v{place} {column.type}" for place, column in enumerate(columns))
    return f"jsonb_to_recordset(%s::jsonb) as u(id uuid, {declared})"


def _differs(columns: Sequence[Promoted]) -> str:
    return " or ".join(f"t.{column.column} is distinct from u.v{place}" for place, column in enumerate(columns))


def _payload(rows: Sequence[tuple[Any, ...]], columns: Sequence[Promoted]) -> str:
    found = []
    for row_id, *sources in rows:
        item: dict[str, Any] = {"id": row_id}
        for place, (column, source) in enumerate(zip(columns, sources, strict=True)):
            if source is not None:  # an absent key stays absent, so that it reads as null on the other side
                item[f"s{place}"] = orjson.Fragment(source)
                item[f"v{place}"] = column.project(orjson.loads(source))
        found.append(item)
    return orjson.dumps(found, default=str).decode()


async def _build(database: Database, table: Table, index: Index) -> list[dict[str, Any]] | None:
    """Make the index concurrently; the duplicates that forbid a unique one, if there are any."""
    name = index.name(table.module_id)
    async with database.ddl_connection() as connection:
        state = await _index_state(connection, table.schema, name)
        if state is True:
            return None
        if state is False:  # left by a build that was interrupted or refused
            await connection.execute(f"drop index concurrently if exists {table.schema}.{name}")
        try:
            await connection.execute(
                index.sql(table.schema, table.module_id, trigram_schema=database.trigram_schema, concurrently=True)
            )
        except psycopg.errors.UniqueViolation:
            await connection.execute(f"drop index concurrently if exists {table.schema}.{name}")
            found = await duplicates(connection, table, index)
            return found or [{"count": 0, "values": [], "ids": []}]
    return None


async def duplicates(connection: Connection, table: Table, index: Index, limit: int = 20) -> list[dict[str, Any]]:
    """Values that more than one live record has, with the first records: `{"values", "count", "ids"}`."""
    names = index.column_names()
    present = " and ".join(f"t.{name} is not null" for name in names)
    cursor = await connection.execute(
        f"select {', '.join(f't.{name}::text' for name in names)}, count(*)::int,"
        " (array_agg(t.id::text order by t.id))[1:5]"
        f" from {table.qualified} t where t.archived_at is null and {present}"
        f" group by {', '.join(f't.{name}' for name in names)} having count(*) > 1"
        " order by count(*) desc limit %s::int",
        [limit],
    )
    return [{"values": list(row[:-2]), "count": row[-2], "ids": row[-1]} for row in await cursor.fetchall()]


async def _index_state(connection: Connection, schema: str, name: str) -> bool | None:
    """True: there and valid; False: there but unfinished; None: not there."""
    cursor = await connection.execute(
        "select i.indisvalid from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid"
        " join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = %s::text and c.relname = %s::text",
        [schema, name],
    )
    row = await cursor.fetchone()
    return bool(row[0]) if row else None


@asynccontextmanager
async def _claimed(database: Database, schema: str, key: list[str], clock: Clock) -> AsyncIterator[None]:
    """Hold the job by a lease that is renewed while we work: after a crash another process takes it over."""
    holder = str(new_id())
    claim = (
        f"update {schema}.index_job set claimed_by = %s::text, claimed_until = %s::timestamptz"
        f" where {_KEY} and (claimed_by is null or claimed_by = %s::text or claimed_until < %s::timestamptz)"
    )

    async def renew() -> bool:
        now = clock.now()
        async with database.writing() as connection:
            return (await connection.execute(claim, [holder, now + LEASE, *key, holder, now])).rowcount == 1

    async def keep() -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            await renew()

    if not await renew():
        raise Busy(Problem("busy", "", "Another process works on this index.", "It will be ready in a while."))
    keeper = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        async with database.writing() as connection:
            await connection.execute(
                f"update {schema}.index_job set claimed_by = null, claimed_until = null"
                f" where {_KEY} and claimed_by = %s::text",
                [*key, holder],
            )


async def _begin(database: Database, schema: str, key: list[str], clock: Clock) -> None:
    async with database.writing() as connection:
        await connection.execute(
            f"update {schema}.index_job set state = 'filling', filled = 0, cursor = null, updated_at = %s::timestamptz"
            f" where {_KEY} and state = 'queued'",
            [clock.now(), *key],
        )


async def _finish(
    database: Database,
    schema: str,
    key: list[str],
    clock: Clock,
    state: str,
    error: str | None,
    problems: list[dict[str, Any]] | None,
) -> None:
    async with database.writing() as connection:
        await connection.execute(
            f"update {schema}.index_job set state = %s::text, error = %s::text, problems = %s::jsonb, cursor = null,"
            f" updated_at = %s::timestamptz where {_KEY}",
            [state, error, orjson.dumps(problems).decode() if problems else None, clock.now(), *key],
        )

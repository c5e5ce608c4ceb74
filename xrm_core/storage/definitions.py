"""The definitions of a workspace in their tables: one row per definition as it is now, one per published version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson

from xrm_core.kernel.ids import new_id
from xrm_core.storage.database import Connection
from xrm_core.storage.tables import qualified, table_name


@dataclass(frozen=True, slots=True)
class Version:
    """One published version; `changes` and `snapshot` are read only where they are asked for."""

    number: int
    hash: str
    author: dict[str, Any]
    at: datetime
    summary: str
    changes: list[dict[str, Any]] | None = None
    snapshot: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class StoredDefinition:
    """A definition as its row holds it; a retired one is out of use, its data is kept."""

    kind: str
    id: str
    name: str
    body: dict[str, Any]
    origin: str | None
    retired: bool = False


_HEAD = "v.number, v.hash, v.author::text, v.at, v.summary"


def _version(row: Sequence[Any]) -> Version:
    more = [orjson.loads(text) for text in row[5:]]
    return Version(row[0], row[1], orjson.loads(row[2]), row[3], row[4], *more)


async def current(connection: Connection, schema: str, *, lock: bool = False) -> Version | None:
    """The newest version with its snapshot; None before the first. With `lock` others wait for this transaction."""
    if lock:
        # The row of the newest version is the lock: whoever waited for it looks again for a newer one.
        await connection.execute(
            f"select v.number from {schema}.definition_version v where v.number ="
            f" (select max(w.number) from {schema}.definition_version w) for update"
        )
    cursor = await connection.execute(
        f"select {_HEAD}, v.changes::text, v.snapshot::text from {schema}.definition_version v"
        " order by v.number desc limit 1"
    )
    row = await cursor.fetchone()
    return _version(row) if row else None


async def newest(connection: Connection, schema: str) -> int:
    """The number of the newest version; 0 before the first."""
    cursor = await connection.execute(f"select coalesce(max(v.number), 0)::int from {schema}.definition_version v")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def version(connection: Connection, schema: str, number: int) -> Version | None:
    """One version with its changes and snapshot."""
    cursor = await connection.execute(
        f"select {_HEAD}, v.changes::text, v.snapshot::text from {schema}.definition_version v"
        " where v.number = %s::int",
        [number],
    )
    row = await cursor.fetchone()
    return _version(row) if row else None


async def versions(connection: Connection, schema: str, *, limit: int = 50, before: int | None = None) -> list[Version]:
    """Versions with their changes, the newest first, before a number if one is given."""
    cursor = await connection.execute(
        f"select {_HEAD}, v.changes::text from {schema}.definition_version v"
        " where %s::int is null or v.number < %s::int order by v.number desc limit %s::int",
        [before, before, limit],
    )
    return [_version(row) for row in await cursor.fetchall()]


async def record_schema(connection: Connection, schema: str, module: str) -> dict[str, Any] | None:
    """The record schema of a module in the newest version."""
    cursor = await connection.execute(
        f"select (v.schemas -> %s::text)::text from {schema}.definition_version v order by v.number desc limit 1",
        [module],
    )
    row = await cursor.fetchone()
    return orjson.loads(row[0]) if row and row[0] else None


async def add_version(
    connection: Connection,
    schema: str,
    added: Version,
    schemas: Mapping[str, Any],
) -> bool:
    """Store a version; False when there is one of that number already."""
    cursor = await connection.execute(
        f"insert into {schema}.definition_version (number, hash, author, at, summary, changes, snapshot, schemas)"
        " values (%s::int, %s::text, %s::jsonb, %s::timestamptz, %s::text, %s::jsonb, %s::jsonb, %s::jsonb)"
        " on conflict (number) do nothing",
        [
            added.number,
            added.hash,
            _json(added.author),
            added.at,
            added.summary,
            _json(added.changes or []),
            _json(added.snapshot or {}),
            _json(schemas),
        ],
    )
    return cursor.rowcount == 1


async def save(connection: Connection, schema: str, definitions: Iterable[StoredDefinition]) -> None:
    """Write definitions that are in use; a retired one comes back to life."""
    payload = [
        {"kind": d.kind, "id": d.id, "name": d.name, "body": d.body, "origin": d.origin or None} for d in definitions
    ]
    if payload:
        await connection.execute(
            f"insert into {schema}.definition (kind, id, name, body, origin, retired_at)"
            " select n.kind, n.id, n.name, n.body, n.origin, null from jsonb_to_recordset(%s::jsonb)"
            " as n(kind text, id text, name text, body jsonb, origin text)"
            " on conflict (kind, id) do update set name = excluded.name, body = excluded.body,"
            " origin = excluded.origin, retired_at = null",
            [_json(payload)],
        )


async def retire(connection: Connection, schema: str, keys: Iterable[tuple[str, str]], now: datetime) -> None:
    """Mark definitions (kind, id) as out of use; nothing is deleted."""
    for kind, key in keys:
        await connection.execute(
            f"update {schema}.definition set retired_at = %s::timestamptz"
            " where kind = %s::text and id = %s::text and retired_at is null",
            [now, kind, key],
        )


async def stored(connection: Connection, schema: str) -> list[StoredDefinition]:
    """All definitions with their rows, retired ones too."""
    cursor = await connection.execute(
        f"select d.kind, d.id, d.name, d.body::text, d.origin, d.retired_at is not null from {schema}.definition d"
        " order by d.kind, d.id"
    )
    return [StoredDefinition(r[0], r[1], r[2], orjson.loads(r[3]), r[4], r[5]) for r in await cursor.fetchall()]


async def queue(
    connection: Connection, schema: str, kind: str, key: str, payload: Mapping[str, Any], now: datetime
) -> None:
    """Leave work for the worker in this transaction; the same key again means the same work, to be done anew."""
    await connection.execute(
        f"insert into {schema}.outbox as o (id, run_at, kind, key, payload)"
        " values (%s::uuid, %s::timestamptz, %s::text, %s::text, %s::jsonb)"
        " on conflict (key) do update set run_at = excluded.run_at, payload = excluded.payload, attempts = 0,"
        " done_at = null, failed_at = null, error = null",
        [new_id(), now, kind, key, _json(payload)],
    )


async def claim(
    connection: Connection, schema: str, kind: str, holder: str, now: datetime, until: datetime
) -> tuple[UUID, dict[str, Any]] | None:
    """The oldest waiting work of a kind, for this holder alone until a time; None when there is none."""
    cursor = await connection.execute(
        f"with next as (select o.id from {schema}.outbox o where o.kind = %s::text and o.done_at is null"
        " and o.failed_at is null and o.run_at <= %s::timestamptz"
        " and (o.claimed_until is null or o.claimed_until < %s::timestamptz)"
        " order by o.run_at, o.id limit 1 for update skip locked)"
        f" update {schema}.outbox o set claimed_by = %s::text, claimed_until = %s::timestamptz,"
        " attempts = o.attempts + 1 from next where o.id = next.id returning o.id, o.payload::text",
        [kind, now, now, holder, until],
    )
    row = await cursor.fetchone()
    return (row[0], orjson.loads(row[1])) if row else None


async def proceed(
    connection: Connection, schema: str, work_id: UUID, payload: Mapping[str, Any], until: datetime
) -> None:
    """Note how far claimed work is, and hold it longer."""
    await connection.execute(
        f"update {schema}.outbox set payload = %s::jsonb, claimed_until = %s::timestamptz where id = %s::uuid",
        [_json(payload), until, work_id],
    )


async def finish(connection: Connection, schema: str, work_id: UUID, now: datetime, error: str | None = None) -> None:
    """Claimed work is done, or has failed for good."""
    done, failed = (None, now) if error else (now, None)
    await connection.execute(
        f"update {schema}.outbox set done_at = %s::timestamptz, failed_at = %s::timestamptz, error = %s::text,"
        " claimed_by = null, claimed_until = null where id = %s::uuid",
        [done, failed, error, work_id],
    )


async def record_ids(connection: Connection, schema: str, module_id: str, after: UUID | None, limit: int) -> list[UUID]:
    """The next record ids of a module in their order, archived ones too."""
    cursor = await connection.execute(
        f"select t.id from {qualified(schema, module_id)} t where %s::uuid is null or t.id > %s::uuid"
        " order by t.id limit %s::int",
        [after, after, limit],
    )
    return [row[0] for row in await cursor.fetchall()]


async def enter_stage(
    connection: Connection, schema: str, module_id: str, ids: Sequence[UUID], stage: str, now: datetime
) -> None:
    """Put records that are in no stage into one."""
    await connection.execute(
        f"update {qualified(schema, module_id)} t set stage = %s::text, stage_entered_at = %s::timestamptz,"
        " revision = t.revision + 1 where t.id = any(%s::uuid[]) and t.stage is null",
        [stage, now, list(ids)],
    )


# -- indexes --------------------------------------------------------------------------------------------------------


async def forget_index(connection: Connection, schema: str, module_id: str, fields: Sequence[str], use: str) -> None:
    """From now on nobody uses this index; if it is wanted again it is filled anew."""
    await connection.execute(
        f"delete from {schema}.index_job where module_id = %s::text and fields = %s::text and use = %s::text",
        [module_id, "$".join(fields), use],
    )


async def index_names(connection: Connection, schema: str) -> dict[str, str]:
    """Index name to table name, for the indexes that the engine made on module tables."""
    cursor = await connection.execute(
        "select i.relname::text, t.relname::text from pg_catalog.pg_index x"
        " join pg_catalog.pg_class i on i.oid = x.indexrelid join pg_catalog.pg_class t on t.oid = x.indrelid"
        " join pg_catalog.pg_namespace n on n.oid = t.relnamespace"
        " where n.nspname = %s::text and t.relname like 'm\\_%%' and i.relname ~ '^i[a-z]?_'",
        [schema],
    )
    return dict(await cursor.fetchall())


async def drop_index(connection: Connection, schema: str, name: str) -> None:
    """Drop an index without stopping anybody; needs a connection outside transactions."""
    await connection.execute(f'drop index concurrently if exists {schema}."{name}"')


async def module_tables(connection: Connection, schema: str) -> set[str]:
    """The names of the module tables that exist."""
    cursor = await connection.execute(
        "select c.relname::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s::text and c.relname like 'm\\_%%' and c.relkind = 'r'",
        [schema],
    )
    return {row[0] for row in await cursor.fetchall()}


# -- counting -------------------------------------------------------------------------------------------------------

Question = Literal["records", "filled", "empty", "option", "stage", "linked"]


async def count(
    connection: Connection,
    schema: str,
    module_id: str,
    question: Question,
    key: str = "",
    value: str = "",
    *,
    beside: bool = False,
) -> int:
    """How many records of a module there are, have a value under a key, lack one, have an option, or are in a stage."""
    if not await _has_table(connection, schema, module_id):
        return 0
    table = qualified(schema, module_id)
    found = (
        f"exists (select 1 from {schema}.long_text l"
        " where l.module_id = %s::text and l.record_id = t.id and l.field_id = %s::text)"
    )
    statements: dict[str, tuple[str, list[Any]]] = {
        "records": ("true", []),
        "filled": (found, [module_id, key]) if beside else ("jsonb_exists(t.data, %s::text)", [key]),
        "empty": (f"not {found}", [module_id, key]) if beside else ("not jsonb_exists(t.data, %s::text)", [key]),
        "option": (
            "(t.data ->> %s::text = %s::text or t.data -> %s::text @> to_jsonb(%s::text))",
            [key, value, key, value],
        ),
        "stage": ("t.stage = %s::text", [value]),
        "linked": (
            f"exists (select 1 from {schema}.link l where l.link_id = %s::text and l.source_id = t.id)",
            [f"{module_id}.{key}"],
        ),
    }
    condition, parameters = statements[question]
    cursor = await connection.execute(f"select count(*)::int from {table} t where {condition}", parameters)
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def has_at_most(connection: Connection, schema: str, module_id: str, limit: int) -> bool:
    """Whether a module has at most so many records; stops counting there."""
    if not await _has_table(connection, schema, module_id):
        return True
    cursor = await connection.execute(
        f"select count(*)::int from (select 1 from {qualified(schema, module_id)} t limit %s::int) found", [limit + 1]
    )
    row = await cursor.fetchone()
    return row is None or row[0] <= limit


async def _has_table(connection: Connection, schema: str, module_id: str) -> bool:
    cursor = await connection.execute(
        "select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s::text and c.relname = %s::text and c.relkind = 'r'",
        [schema, table_name(module_id)],
    )
    return await cursor.fetchone() is not None


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()

"""Rows about imports: their state, what they created, which rows they left out, and keys of other systems."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection
from xrm_core.storage.rows import Table

USERS = "$users"
"""Stands for the module in keys of users."""
CHANGES = "$changes"
"""Stands for the module where an import remembers the changes in which it wrote to records that were there before."""
MOST_KEY = 500


@dataclass(frozen=True, slots=True)
class StoredImport:
    """One file on its way into a module."""

    id: UUID
    bundle: UUID | None
    kind: str
    module_id: str
    file_id: UUID | None
    file_name: str
    state: str
    mapping: dict[str, Any]
    format: dict[str, Any]
    counts: dict[str, int]
    position: int
    error: dict[str, Any] | None
    actor: dict[str, Any]
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row of a file that has problems; `left_out` unless it was imported all the same."""

    number: int
    left_out: bool
    problems: list[dict[str, str]]
    cells: list[str]


_COLUMNS = (
    "id, bundle, kind, module_id, file_id, file_name, state, mapping, format, counts, position, error, actor,"
    " created_by, created_at, updated_at, finished_at"
)


def _dump(value: Any) -> str:
    # PostgreSQL cannot store the null character in JSON; a wrong cell may hold one.
    return orjson.dumps(value, default=str).decode().replace("\\u0000", "\\ufffd")


async def add(connection: Connection, schema: str, new: StoredImport) -> None:
    """Store a new import."""
    await connection.execute(
        f"insert into {schema}.import ({_COLUMNS}) values (%s, %s::uuid, %s, %s, %s::uuid, %s, %s, %s::jsonb, %s::jsonb,"
        " %s::jsonb, %s, %s::jsonb, %s::jsonb, %s::uuid, %s, %s, %s::timestamptz)",
        [
            new.id, new.bundle, new.kind, new.module_id, new.file_id, new.file_name, new.state, _dump(new.mapping),
            _dump(new.format), _dump(new.counts), new.position, None if new.error is None else _dump(new.error),
            _dump(new.actor), new.created_by, new.created_at, new.updated_at, new.finished_at,
        ],
    )  # fmt: skip


async def get(connection: Connection, schema: str, import_id: UUID) -> StoredImport | None:
    """One import."""
    found = await _select(connection, schema, "where id = %s", [import_id])
    return found[0] if found else None


async def newest(connection: Connection, schema: str, created_by: UUID | None, limit: int) -> list[StoredImport]:
    """The latest imports, of one user or (None) of all."""
    condition = "where created_by = %s::uuid" if created_by is not None else ""
    values: list[Any] = [created_by] if created_by is not None else []
    return await _select(connection, schema, f"{condition} order by id desc limit %s", [*values, limit])


async def of_bundle(connection: Connection, schema: str, bundle: UUID) -> list[StoredImport]:
    """The imports of one bundle in the order in which they were made."""
    return await _select(connection, schema, "where bundle = %s order by id", [bundle])


async def of_kind(connection: Connection, schema: str, kind: str) -> list[StoredImport]:
    """The imports of a kind that left something behind, in the order in which they were made."""
    return await _select(connection, schema, "where kind = %s and state <> 'undone' order by id", [kind])


async def _select(connection: Connection, schema: str, rest: str, values: Sequence[Any]) -> list[StoredImport]:
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select {_COLUMNS} from {schema}.import {rest}", values)
    return [StoredImport(*(_plain(value) for value in row)) for row in await cursor.fetchall()]


def _plain(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, bytes) else value


async def set_mapping(
    connection: Connection, schema: str, import_id: UUID, mapping: Mapping[str, Any], state: str, now: datetime
) -> None:
    """Store how the columns go to fields."""
    await connection.execute(
        f"update {schema}.import set mapping = %s::jsonb, state = %s, updated_at = %s where id = %s",
        [_dump(mapping), state, now, import_id],
    )


async def set_format(connection: Connection, schema: str, import_id: UUID, format: Mapping[str, Any]) -> None:
    """Store how the file is written."""
    await connection.execute(f"update {schema}.import set format = %s::jsonb where id = %s", [_dump(format), import_id])


async def claim(
    connection: Connection,
    schema: str,
    import_id: UUID,
    state: str,
    states: Collection[str],
    now: datetime,
    patience: timedelta,
) -> bool:
    """Take an import to work on it: it must be in one of `states`, or its last worker silent for longer than `patience`."""
    cursor = await connection.execute(
        f"update {schema}.import set state = %s, updated_at = %s, error = null, finished_at = null where id = %s"
        " and (state = any(%s::text[]) or (state = any('{planning,running,undoing}'::text[]) and updated_at < %s))",
        [state, now, import_id, list(states), now - patience],
    )
    return cursor.rowcount == 1


async def restart(connection: Connection, schema: str, import_id: UUID) -> None:
    """Forget what an earlier attempt noted: it kept nothing."""
    await connection.execute(f"delete from {schema}.import_row where import_id = %s", [import_id])
    await connection.execute(
        f"update {schema}.import set counts = '{{}}'::jsonb, position = 0, format = format - 'ahead' where id = %s", [import_id]
    )


async def advance(
    connection: Connection,
    schema: str,
    import_id: UUID,
    part: tuple[int, int] | None,
    counts: Mapping[str, int],
    now: datetime,
) -> None:
    """Note that the rows after the first number up to the second are dealt with, in the transaction that wrote them.

    Parts may end in another order than they began: one that is ahead of a gap is remembered until the gap is closed.
    None for a part of a dry run, which only counts.
    """
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select position, counts, format from {schema}.import where id = %s for update", [import_id])
    row = await cursor.fetchone()
    assert row is not None
    position, known, format = row[0], _plain(row[1]), _plain(row[2])
    ahead: list[list[int]] = format.get("ahead", [])
    if part is not None:
        ahead = sorted([*ahead, list(part)])
        while ahead and ahead[0][0] <= position:
            position = max(position, ahead.pop(0)[1])
    total = {key: known.get(key, 0) + count for key, count in counts.items()}
    format = {**format, "ahead": ahead} if ahead else {key: value for key, value in format.items() if key != "ahead"}
    await connection.execute(
        f"update {schema}.import set position = %s, counts = %s::jsonb, format = %s::jsonb, updated_at = %s where id = %s",
        [position, _dump(total), _dump(format), now, import_id],
    )


async def finish(
    connection: Connection,
    schema: str,
    import_id: UUID,
    state: str,
    counts: Mapping[str, int] | None,
    error: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    """Note how an import ended."""
    await connection.execute(
        f"update {schema}.import set state = %s, counts = coalesce(%s::jsonb, counts), error = %s::jsonb,"
        " finished_at = %s::timestamptz, updated_at = %s where id = %s",
        [state, None if counts is None else _dump(counts), None if error is None else _dump(error), now, now, import_id],
    )


# -- what was created -----------------------------------------------------------------------------------------------------


async def remember(connection: Connection, schema: str, import_id: UUID, module_id: str, ids: Iterable[UUID]) -> None:
    """Note records that an import created, so that it can be undone."""
    async with connection.cursor().copy(
        f"copy {schema}.import_record (import_id, module_id, record_id) from stdin"
    ) as copy:
        for one in ids:
            await copy.write_row((import_id, module_id, one))


async def remember_change(connection: Connection, schema: str, import_id: UUID, change_id: UUID) -> None:
    """Note a change in which an import wrote to records that were there before, so that they can have their values back."""
    await connection.execute(
        f"insert into {schema}.import_record (import_id, module_id, record_id) values (%s, %s, %s) on conflict do nothing",
        [import_id, CHANGES, change_id],
    )


async def changes(connection: Connection, schema: str, imports: Sequence[UUID]) -> list[UUID]:
    """The changes in which imports wrote to records that were there before, oldest first."""
    return (await _remembered(connection, schema, imports, f"= '{CHANGES}'")).get(CHANGES, [])


async def forget_changes(connection: Connection, schema: str, imports: Sequence[UUID]) -> None:
    """What imports wrote to records that were there before is taken back."""
    await connection.execute(
        f"delete from {schema}.import_record where import_id = any(%s::uuid[]) and module_id = %s", [list(imports), CHANGES]
    )


async def created(connection: Connection, schema: str, imports: Sequence[UUID]) -> dict[str, list[UUID]]:
    """The records that imports created, by module id."""
    return await _remembered(connection, schema, imports, f"<> '{CHANGES}'")


async def _remembered(
    connection: Connection, schema: str, imports: Sequence[UUID], which: str
) -> dict[str, list[UUID]]:
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select module_id, record_id from {schema}.import_record where import_id = any(%s::uuid[]) and module_id {which} "
        "order by module_id, record_id",
        [list(imports)],
    )
    found: dict[str, list[UUID]] = {}
    for module_id, record_id in await cursor.fetchall():
        found.setdefault(module_id, []).append(record_id)
    return found


async def forget_records(connection: Connection, schema: str, records: Collection[UUID]) -> None:
    """Records are gone: nothing created them any more, and no key leads to them."""
    wanted = list(records)
    await connection.execute(f"delete from {schema}.import_record where record_id = any(%s::uuid[])", [wanted])
    await connection.execute(f"delete from {schema}.import_key where record_id = any(%s::uuid[])", [wanted])


async def referring_imported(
    connection: Connection, holding: Table, column: str, targets: Collection[UUID], imports: Sequence[UUID]
) -> tuple[set[UUID], list[tuple[UUID, UUID]]]:
    """Who refers to these records by a column: (targets that others refer to, (holder, target) pairs of the imports)."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select t.id, t.{column}, exists (select 1 from {holding.schema}.import_record r where r.import_id = any(%s::uuid[])"
        f" and r.module_id = %s and r.record_id = t.id) from {holding.qualified} t where t.{column} = any(%s::uuid[])",
        [list(imports), holding.module_id, list(targets)],
    )
    foreign: set[UUID] = set()
    own: list[tuple[UUID, UUID]] = []
    for holder, target, ours in await cursor.fetchall():
        if ours:
            own.append((holder, target))
        else:
            foreign.add(target)
    return foreign, own


# -- rows with problems ---------------------------------------------------------------------------------------------------


async def add_rows(connection: Connection, schema: str, import_id: UUID, rows: Sequence[StoredRow]) -> None:
    """Keep rows with their problems; a row that is there gets the new ones."""
    if rows:
        await connection.execute(
            f"insert into {schema}.import_row as r (import_id, number, left_out, problems, cells) select %s::uuid, u.number,"
            " u.left_out, u.problems, u.cells from jsonb_to_recordset(%s::jsonb)"
            " as u(number bigint, left_out boolean, problems jsonb, cells jsonb) on conflict (import_id, number) do update"
            " set left_out = excluded.left_out, problems = r.problems || excluded.problems",
            [import_id, _dump([vars_of(row) for row in rows])],
        )


def vars_of(row: StoredRow) -> dict[str, Any]:
    """A row as JSON."""
    return {"number": row.number, "left_out": row.left_out, "problems": row.problems, "cells": row.cells}


async def rows(connection: Connection, schema: str, import_id: UUID, after: int, limit: int) -> list[StoredRow]:
    """Rows with problems in the order of the file."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select number, left_out, problems, cells from {schema}.import_row where import_id = %s and number > %s order by number limit %s",
        [import_id, after, limit],
    )
    return [StoredRow(*(_plain(value) for value in row)) for row in await cursor.fetchall()]


async def forget_rows(connection: Connection, schema: str, before: datetime) -> int:
    """Remove rows of imports that ended before a time: they hold what somebody's file said; how many there were."""
    cursor = await connection.execute(
        f"delete from {schema}.import_row r using {schema}.import i where i.id = r.import_id and i.updated_at < %s", [before]
    )
    return cursor.rowcount


# -- keys of other systems ------------------------------------------------------------------------------------------------


async def add_keys(
    connection: Connection, schema: str, module_id: str, source: str, keys: Iterable[tuple[str, UUID]]
) -> None:
    """Remember which record has which key in another system; a key that is known gets the new record."""
    documents = [{"key": key, "id": str(record)} for key, record in keys]
    if documents:
        await connection.execute(
            f"insert into {schema}.import_key as k (module_id, source, key, record_id) select %s, %s, u.key, u.id"
            " from jsonb_to_recordset(%s::jsonb) as u(key text, id uuid)"
            " on conflict (module_id, source, key) do update set record_id = excluded.record_id",
            [module_id, source, _dump(documents)],
        )


async def by_keys(
    connection: Connection, table: Table, source: str, keys: Sequence[str], *, archived: bool = False
) -> dict[str, UUID]:
    """The live records that have these keys."""
    return await _by_keys(connection, table.schema, table.module_id, source, keys, table.qualified, archived)


async def users_by_keys(connection: Connection, schema: str, source: str, keys: Sequence[str]) -> dict[str, UUID]:
    """The members that have these keys."""
    return await _by_keys(connection, schema, USERS, source, keys, f"{schema}.member", True)


async def _by_keys(
    connection: Connection, schema: str, module_id: str, source: str, keys: Sequence[str], there: str, archived: bool
) -> dict[str, UUID]:
    if not keys:
        return {}
    live = "" if archived else " and t.archived_at is null"
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select k.key, k.record_id from {schema}.import_key k join {there} t on t.id = k.record_id{live}"
        " where k.module_id = %s and k.source = %s and k.key = any(%s::text[])",
        [module_id, source, list(keys)],
    )
    return dict(await cursor.fetchall())

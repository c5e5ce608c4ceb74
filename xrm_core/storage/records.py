"""Writing and reading records of a module: few statements, each for a set of records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

import orjson
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from xrm_core.kernel.turns import in_turns
from xrm_core.storage.errors import translate
from xrm_core.storage.rows import SYSTEM_COLUMNS, Event, Row, SearchEntry, Table
from xrm_core.storage.scopes import Condition

Connection = AsyncConnection[Any]
Strength = Literal["key share", "share", "no key update"]
STRENGTHS: tuple[Strength, ...] = ("key share", "share", "no key update")
"""How firmly a record is locked, the weakest first."""


@contextmanager
def _known() -> Iterator[None]:
    """What the server refuses is told as an error of the kernel, at once: callers ask which value was taken."""
    try:
        yield
    except psycopg.Error as error:
        known = translate(error)
        if known is None:
            raise
        raise known from error


EVENT_COLUMNS = ("id", "module_id", "record_id", "version", "kind", "actor", "at", "changes", "change_id")
CHUNK = 5_000


def _dump(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


def _event_values(event: Event, actor: str | None = None) -> list[Any]:
    return [
        event.id,
        event.module_id,
        event.record_id,
        event.version,
        event.kind,
        actor or _dump(event.actor),
        event.at,
        _dump(event.changes),
        event.change_id,
    ]


class _Texts:
    """Values as the text that COPY takes, for many rows: the driver would look each of them up anew, and moments and users
    are the same in row after row."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, str]] = {}
        """By identity, with the value itself, so that nothing else can get its identity meanwhile."""

    def row(self, values: Sequence[Any]) -> list[Any]:
        return [value if value is None or type(value) in _PLAIN else self._text(value) for value in values]

    def _text(self, value: Any) -> Any:
        kind = type(value)
        if kind is list:
            return array_literal(value) if set(map(type, value)) == {str} else value
        if kind is UUID or kind is datetime:
            known = self._known.get(id(value))
            if known is None:
                if len(self._known) > 4 * CHUNK:
                    self._known.clear()
                known = self._known[id(value)] = (value, str(value))
            return known[1]
        return str(value) if kind in _AS_STR else value


_PLAIN = frozenset({str, int, bool})
_AS_STR = frozenset({date, Decimal})


def array_literal(words: Sequence[str]) -> str:
    """A list of texts the way PostgreSQL writes arrays."""
    text = '","'.join(words)
    if "\\" in text or text.count('"') != 2 * len(words) - 2:
        text = '","'.join([word.replace("\\", "\\\\").replace('"', '\\"') for word in words])
    return '{"' + text + '"}'


# -- reading --------------------------------------------------------------------------------------------------------


async def fetch(
    connection: Connection, table: Table, ids: Iterable[UUID], *, lock: bool = False, beside: bool = False
) -> dict[UUID, Row]:
    """The rows with these ids; `lock` takes them FOR NO KEY UPDATE in id order, `beside` also reads their long texts."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    long_texts = _long_text_select(table) if beside else "null"
    statement = (
        f"select {', '.join('t.' + column for column in SYSTEM_COLUMNS)}, {long_texts} from {table.qualified} t "
        f"where t.id = any(%s::uuid[]){' order by t.id for no key update of t' if lock else ''}"
    )
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(statement, (wanted,))
    found = {}
    for values in await cursor.fetchall():
        row = Row(*values[:-1])
        if values[-1]:
            row.beside = values[-1]
        found[row.id] = row
    return found


async def ids_after(
    connection: Connection, table: Table, after: UUID | None, made_until: datetime, scope: Condition, limit: int
) -> list[UUID]:
    """The next records in id order that were made until a moment and meet a condition over the table `t`."""
    text, values = scope
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select t.id from {table.qualified} t where (%s::uuid is null or t.id > %s::uuid) "
        f"and t.created_at <= %s::timestamptz and {text} order by t.id limit %s::int",
        (after, after, made_until, *values, limit),
    )
    return [found for (found,) in await cursor.fetchall()]


@lru_cache(maxsize=4096)
def _read_statement(table: Table, lock: bool, beside: bool, links: tuple[tuple[str, str], ...]) -> str:
    selected = [*("t." + column for column in SYSTEM_COLUMNS), _long_text_select(table) if beside else "null"]
    joins = []
    for index, (column, target) in enumerate(links):
        selected += [f"l{index}.title", f"l{index}.archived_at is not null"]
        joins.append(f" left join {target} l{index} on l{index}.id = t.{column}")
    return (
        f"select {', '.join(selected)} from {table.qualified} t{''.join(joins)} where t.id = %s::uuid"
        f"{' for no key update of t' if lock else ''}"
    )


async def fetch_one(
    connection: Connection,
    table: Table,
    identifier: UUID,
    *,
    lock: bool = False,
    beside: bool = False,
    links: tuple[tuple[str, str], ...] = (),
) -> tuple[Row, list[tuple[str | None, bool]]] | None:
    """One row like `fetch`, and for each of `links` (promoted column, target table) the target's title and whether it is archived."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(_read_statement(table, lock, beside, links), (identifier,))
    values = await cursor.fetchone()
    if values is None:
        return None
    own = len(SYSTEM_COLUMNS)
    row = Row(*values[:own])
    if values[own]:
        row.beside = values[own]
    return row, list(zip(values[own + 1 :: 2], values[own + 2 :: 2], strict=True))


def _long_text_select(table: Table) -> str:
    return (
        f"(select jsonb_object_agg(x.field_id, x.value) from {table.schema}.long_text x "
        f"where x.module_id = '{table.module_id}' and x.record_id = t.id)"
    )


async def lock(connection: Connection, table: Table, ids: Iterable[UUID]) -> None:
    """Lock records FOR NO KEY UPDATE in id order: nobody changes them or what they link to until the transaction ends."""
    await connection.execute(
        f"select t.id from {table.qualified} t where t.id = any(%s::uuid[]) order by t.id for no key update of t",
        (sorted(set(ids)),),
    )


async def exist(
    connection: Connection, table: Table, ids: Iterable[UUID], strength: Strength = "key share"
) -> dict[UUID, bool]:
    """Which of these records exist, and whether each is archived; they cannot be erased until the transaction ends.

    `strength` is how they are locked: "share" keeps others from changing them, "no key update" is for those that will move.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select t.id, t.archived_at is not null from {table.qualified} t where t.id = any(%s::uuid[]) order by t.id for {strength} of t",
        (wanted,),
    )
    return {found: archived for found, archived in await cursor.fetchall()}


async def lock_for_erase(connection: Connection, table: Table, ids: Iterable[UUID]) -> list[UUID]:
    """Locks records so that nobody can link to them any more; returns those that exist."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select t.id from {table.qualified} t where t.id = any(%s::uuid[]) order by t.id for update of t",
        (sorted(set(ids)),),
    )
    return [found for (found,) in await cursor.fetchall()]


# -- single record: one statement, one round trip ---------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _insert_statement(table: Table, search: bool) -> str:
    columns, types = table.columns(), table.types()
    placeholders = ", ".join(f"%s::{kind}" for kind in types)
    parts = [
        f"with rec as (insert into {table.qualified} ({', '.join(columns)}) values ({placeholders}))",
    ]
    if search:
        parts.append(
            f"se as (insert into {table.schema}.search (module_id, record_id, title, folded, tsv) "
            "values (%s::text, %s::uuid, %s::text, %s::text, %s::tsvector))"
        )
    event_types = ("uuid", "text", "uuid", "int", "text", "jsonb", "timestamptz", "jsonb", "uuid")
    event = ", ".join(f"%s::{kind}" for kind in event_types)
    return ", ".join(parts) + f" insert into {table.schema}.event ({', '.join(EVENT_COLUMNS)}) values ({event})"


async def insert_one(connection: Connection, table: Table, row: Row, event: Event, search: SearchEntry | None) -> None:
    """Store a new record with its event and search entry."""
    values = table.values(row)
    if search is not None:
        values += [table.module_id, row.id, search.title, search.folded, search.tsv]
    values += _event_values(event)
    with _known():
        await connection.execute(_insert_statement(table, search is not None), values)
    if row.beside:
        await write_long_texts(connection, table, [row])


@lru_cache(maxsize=4096)
def _update_statement(table: Table, columns: tuple[str, ...], search: bool) -> str:
    types = dict(zip(table.columns(), table.types(), strict=True))
    settings = ", ".join(f"{column} = %s::{types[column]}" for column in columns)
    parts = [
        f"with upd as (update {table.qualified} t set {settings} where t.id = %s::uuid and t.version = %s::int "
        "and t.revision = %s::int returning t.id)",
    ]
    if search:
        parts.append(
            f"se as (insert into {table.schema}.search as s (module_id, record_id, title, folded, tsv) "
            "select %s::text, upd.id, %s::text, %s::text, %s::tsvector from upd on conflict (module_id, record_id) "
            "do update set title = excluded.title, folded = excluded.folded, tsv = excluded.tsv)"
        )
    parts.append(
        f"ev as (insert into {table.schema}.event ({', '.join(EVENT_COLUMNS)}) "
        "select %s::uuid, %s::text, upd.id, %s::int, %s::text, %s::jsonb, %s::timestamptz, %s::jsonb, %s::uuid from upd)"
    )
    return ", ".join(parts) + " select id from upd"


async def update_one(
    connection: Connection, table: Table, row: Row, was: Row, event: Event, search: SearchEntry | None
) -> bool:
    """Store a changed record if it is still what was read; False if somebody was faster."""
    # Few columns change at once; the others are not sent again.
    settings: dict[str, Any] = {
        "version": row.version,
        "revision": row.revision,
        "updated_at": row.updated_at,
        "updated_by": row.updated_by,
        "data": orjson.dumps(row.data).decode(),
    }
    for name in ("owner", "stage", "stage_entered_at", "archived_at", "title"):
        if getattr(row, name) != getattr(was, name):
            settings[name] = getattr(row, name)
    for promoted in table.promoted:
        value = row.data.get(promoted.key)
        if value != was.data.get(promoted.key):
            settings[promoted.column] = None if value is None else promoted.project(value)
    values = [*settings.values(), row.id, was.version, was.revision]
    if search is not None:
        values += [table.module_id, search.title, search.folded, search.tsv]
    told = _event_values(event)
    values += [*told[:2], *told[3:]]  # the record's id comes from the row
    with _known():
        cursor = await connection.execute(_update_statement(table, tuple(settings), search is not None), values)
    if cursor.rowcount != 1:
        return False
    if row.beside:
        await write_long_texts(connection, table, [row])
    return True


# -- many records -----------------------------------------------------------------------------------------------------


async def insert_many(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    events: Sequence[Event],
    search: Sequence[SearchEntry | None],
) -> None:
    """Store new records with COPY; all in the caller's transaction."""
    cursor = connection.cursor()
    columns = table.columns()
    texts = _Texts()
    with _known():
        async with cursor.copy(f"copy {table.qualified} ({', '.join(columns)}) from stdin") as copy:
            async for row in in_turns(rows):
                await copy.write_row(texts.row(table.values(row)))
    await insert_events(connection, table.schema, events, texts)
    if any(search):
        async with cursor.copy(
            f"copy {table.schema}.search (module_id, record_id, title, folded, tsv) from stdin"
        ) as copy:
            for row, entry in zip(rows, search, strict=True):
                if entry is not None:
                    await copy.write_row(
                        texts.row((table.module_id, row.id, entry.title, entry.folded, entry.tsv))
                    )
    with_text = [row for row in rows if row.beside]
    if with_text:
        async with cursor.copy(
            f"copy {table.schema}.long_text (module_id, record_id, field_id, value) from stdin"
        ) as copy:
            for row in with_text:
                for key, value in row.beside.items():
                    if value:
                        await copy.write_row((table.module_id, row.id, key, value))


async def insert_events(
    connection: Connection, schema: str, events: Sequence[Event], texts: _Texts | None = None
) -> None:
    """Append events to the log of the workspace."""
    if not events:
        return
    texts = texts or _Texts()
    last, actor = None, ""
    async with connection.cursor().copy(f"copy {schema}.event ({', '.join(EVENT_COLUMNS)}) from stdin") as copy:
        for event in events:
            if event.actor is not last:
                last, actor = event.actor, _dump(event.actor)
            await copy.write_row(texts.row(_event_values(event, actor)))


async def update_many(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    was: Sequence[Row],
    events: Sequence[Event],
    search: Sequence[SearchEntry | None],
) -> set[UUID]:
    """Store changed records that are still what was read; returns the ids that were stored."""
    columns = table.columns()
    types = dict(zip(columns, table.types(), strict=True))
    fixed = ("id", "created_at", "created_by")
    declared = ", ".join(f"{column} {kind}" for column, kind in types.items() if column not in fixed)
    settings = ", ".join(f"{column} = u.{column}" for column in columns if column not in fixed)
    statement = (
        f"update {table.qualified} t set {settings} from jsonb_to_recordset(%s::jsonb) as u(id uuid, was_version int, was_revision int, {declared}) "
        "where t.id = u.id and t.version = u.was_version and t.revision = u.was_revision returning t.id"
    )
    done: set[UUID] = set()
    for start in range(0, len(rows), CHUNK):
        documents = []
        for row, before in zip(rows[start : start + CHUNK], was[start : start + CHUNK], strict=True):
            document = _document(columns, table.values(row))
            document["was_version"], document["was_revision"] = before.version, before.revision
            documents.append(document)
        cursor = connection.cursor(row_factory=tuple_row)
        with _known():
            await cursor.execute(statement, (_dump(documents),))
        done.update(found for (found,) in await cursor.fetchall())
    await insert_events(connection, table.schema, [event for event in events if event.record_id in done])
    entries = [
        {"id": row.id, "title": entry.title, "folded": entry.folded, "tsv": entry.tsv}
        for row, entry in zip(rows, search, strict=True)
        if entry is not None and row.id in done
    ]
    await write_search(connection, table, entries)
    await write_long_texts(connection, table, [row for row in rows if row.beside and row.id in done])
    return done


def _document(columns: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    document = dict(zip(columns, values, strict=True))
    document["data"] = orjson.Fragment(document["data"])
    return document


async def write_search(connection: Connection, table: Table, entries: Sequence[dict[str, Any]]) -> None:
    """Write search entries `{"id", "title", "folded", "tsv"}` of records, new or changed."""
    if not entries:
        return
    await connection.execute(
        f"insert into {table.schema}.search as s (module_id, record_id, title, folded, tsv) "
        "select %s::text, u.id, u.title, u.folded, u.tsv "
        "from jsonb_to_recordset(%s::jsonb) as u(id uuid, title text, folded text, tsv tsvector) on conflict (module_id, record_id) "
        "do update set title = excluded.title, folded = excluded.folded, tsv = excluded.tsv",
        (table.module_id, _dump(entries)),
    )


async def write_long_texts(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Write (or with an empty value remove) the long texts that the rows carry."""
    wanted = [
        {"id": row.id, "field": key, "value": value} for row in rows for key, value in row.beside.items() if value
    ]
    gone = [{"id": row.id, "field": key} for row in rows for key, value in row.beside.items() if not value]
    if wanted:
        await connection.execute(
            f"insert into {table.schema}.long_text as x (module_id, record_id, field_id, value) "
            "select %s::text, u.id, u.field, u.value from jsonb_to_recordset(%s::jsonb) as u(id uuid, field text, value text) "
            "on conflict (module_id, record_id, field_id) do update set value = excluded.value",
            (table.module_id, _dump(wanted)),
        )
    if gone:
        await connection.execute(
            f"delete from {table.schema}.long_text x using jsonb_to_recordset(%s::jsonb) as u(id uuid, field text) "
            "where x.module_id = %s::text and x.record_id = u.id and x.field_id = u.field",
            (_dump(gone), table.module_id),
        )


async def write_computed(
    connection: Connection, table: Table, rows: Sequence[Row], keys: Sequence[str], title: bool
) -> None:
    """Store computed values of locked rows: only `keys` of the document (and the title) change, the version stays."""
    promoted = [column for column in table.promoted if column.key in keys]
    declared = "".join(f", {column.column} {column.type}" for column in promoted)
    settings = "".join(f", {column.column} = u.{column.column}" for column in promoted)
    if title:
        declared += ", title text"
        settings += ", title = u.title"
    statement = (
        f"update {table.qualified} t set revision = t.revision + 1, data = (t.data - u.gone) || u.patch{settings} "
        f"from jsonb_to_recordset(%s::jsonb) as u(id uuid, gone text[], patch jsonb{declared}) where t.id = u.id"
    )
    for start in range(0, len(rows), CHUNK):
        documents = []
        for row in rows[start : start + CHUNK]:
            patch = {key: row.data[key] for key in keys if row.data.get(key) is not None}
            document: dict[str, Any] = {"id": row.id, "gone": [key for key in keys if key not in patch], "patch": patch}
            for column in promoted:
                value = patch.get(column.key)
                document[column.column] = None if value is None else column.project(value)
            if title:
                document["title"] = row.title
            documents.append(document)
        await connection.execute(statement, (_dump(documents),))


async def delete_many(connection: Connection, table: Table, ids: Sequence[UUID]) -> None:
    """Erase records with everything that is stored about them, except their events."""
    wanted = list(ids)
    await connection.execute(
        f"delete from {table.schema}.long_text where module_id = %s::text and record_id = any(%s::uuid[])",
        (table.module_id, wanted),
    )
    await connection.execute(
        f"delete from {table.schema}.search where module_id = %s::text and record_id = any(%s::uuid[])",
        (table.module_id, wanted),
    )
    await connection.execute(f"delete from {table.qualified} where id = any(%s::uuid[])", (wanted,))


async def remove_search(connection: Connection, table: Table, ids: Sequence[UUID]) -> None:
    """Take records out of search."""
    await connection.execute(
        f"delete from {table.schema}.search where module_id = %s::text and record_id = any(%s::uuid[])",
        (table.module_id, list(ids)),
    )


async def next_numbers(connection: Connection, schema: str, name: str, count: int) -> int:
    """Reserve `count` consecutive numbers of a counter; returns the first."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"insert into {schema}.counter as c (name, value) values (%s::text, %s::bigint) "
        "on conflict (name) do update set value = c.value + excluded.value returning value",
        (name, count),
    )
    found = await cursor.fetchone()
    assert found is not None
    return int(found[0]) - count + 1


async def within_scope(connection: Connection, table: Table, ids: Sequence[UUID], scope: Condition) -> set[UUID]:
    """Those of the records that meet a condition over the table `t`."""
    text, values = scope
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select t.id from {table.qualified} t where t.id = any(%s::uuid[]) and {text}", (list(ids), *values)
    )
    return {found for (found,) in await cursor.fetchall()}


async def forget_events(connection: Connection, schema: str, ids: Sequence[UUID]) -> None:
    """Remove the history of erased records."""
    await connection.execute(f"delete from {schema}.event where record_id = any(%s::uuid[])", (list(ids),))

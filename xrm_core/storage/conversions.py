"""Asking for stored values as they are, grouped, so that a review counts millions of records by their few values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection
from xrm_core.storage.tables import qualified


async def grouped_values(
    connection: Connection, schema: str, module_id: str, key: str, most: int, *, beside: bool = False
) -> list[tuple[Any, int, str]]:
    """(value, number of records, one of them) of everything stored under a key; at most `most` different values."""
    if beside:
        statement = (
            f"select to_jsonb(l.value)::text, count(*)::int, min(l.record_id::text) from {schema}.long_text l"
            " where l.module_id = %s::text and l.field_id = %s::text group by l.value order by 3 limit %s::int"
        )
        parameters: list[Any] = [module_id, key, most]
    else:
        statement = (
            "select g.v::text, count(*)::int, min(g.id) from (select t.data -> %s::text as v, t.id::text as id"
            f" from {qualified(schema, module_id)} t where jsonb_exists(t.data, %s::text)) g"
            " group by g.v order by 3 limit %s::int"
        )
        parameters = [key, key, most]
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(statement, parameters)
    return [(orjson.loads(text), count, record) for text, count, record in await cursor.fetchall()]


async def records_with(connection: Connection, schema: str, module_id: str, key: str, *, beside: bool = False) -> int:
    """How many records have a value under a key."""
    cursor = connection.cursor(row_factory=tuple_row)
    if beside:
        await cursor.execute(
            f"select count(*)::int from {schema}.long_text l where l.module_id = %s::text and l.field_id = %s::text",
            [module_id, key],
        )
    else:
        await cursor.execute(
            f"select count(*)::int from {qualified(schema, module_id)} t where jsonb_exists(t.data, %s::text)", [key]
        )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def records_of(connection: Connection, schema: str, module_id: str) -> int:
    """How many records a module has, archived ones too."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select count(*)::int from {qualified(schema, module_id)} t")
    row = await cursor.fetchone()
    return int(row[0]) if row else 0


async def link_counts(connection: Connection, schema: str, link_key: str, most: int) -> tuple[int, int, list[str]]:
    """Of the records with links of a kind: how many have one, how many more, and some of the latter."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        "select count(*) filter (where s.n = 1)::int, count(*) filter (where s.n > 1)::int from"
        f" (select x.source_id, count(*) as n from {schema}.link x where x.link_id = %s::text group by x.source_id) s",
        [link_key],
    )
    row = await cursor.fetchone()
    await cursor.execute(
        f"select x.source_id::text from {schema}.link x where x.link_id = %s::text group by x.source_id"
        " having count(*) > 1 order by x.source_id limit %s::int",
        [link_key, most],
    )
    samples = [found for (found,) in await cursor.fetchall()]
    return (row[0], row[1], samples) if row else (0, 0, samples)


async def without(
    connection: Connection, schema: str, module_id: str, key: str, most: int, *, beside: bool = False
) -> list[tuple[str, str]]:
    """(id, title) of some records that have nothing under a key."""
    there = (
        f"exists (select 1 from {schema}.long_text l where l.module_id = %s::text and l.record_id = t.id"
        " and l.field_id = %s::text)"
        if beside
        else "jsonb_exists(t.data, %s::text)"
    )
    parameters = [module_id, key] if beside else [key]
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select t.id::text, t.title from {qualified(schema, module_id)} t where not {there} and t.archived_at is null"
        " order by t.id limit %s::int",
        [*parameters, most],
    )
    return [(found, title) for found, title in await cursor.fetchall()]


async def titles(connection: Connection, schema: str, module_id: str, ids: Sequence[str]) -> dict[str, str]:
    """Titles of some records by id."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select t.id::text, t.title from {qualified(schema, module_id)} t where t.id = any(%s::uuid[])",
        [[UUID(one) for one in ids]],
    )
    return dict(await cursor.fetchall())


async def repeated(
    connection: Connection, schema: str, module_id: str, keys: Sequence[str], most: int
) -> tuple[int, int, list[dict[str, Any]]]:
    """Values that several records share: how many such values, how many records have them, and some with their records.

    Texts are compared as unique indexes compare them; archived records do not count.
    """
    values = ", ".join(_compared() for _ in keys)
    filled = " and ".join("jsonb_exists(t.data, %s::text)" for _ in keys)
    inner = (
        f"select jsonb_build_array({values}) as v, t.id, t.title from {qualified(schema, module_id)} t"
        f" where t.archived_at is null and {filled}"
    )
    parameters = [key for key in keys for _ in range(3)] + list(keys)
    groups = f"select g.v, count(*)::int as n, (array_agg(g.id::text order by g.id))[1:3] as ids from ({inner}) g group by g.v having count(*) > 1"
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select count(*)::int, coalesce(sum(s.n), 0)::int from ({groups}) s", parameters)
    row = await cursor.fetchone()
    await cursor.execute(
        f"select s.v::text, s.n, s.ids from ({groups}) s order by s.n desc, s.v::text limit %s::int",
        [*parameters, most],
    )
    samples = [
        {"value": found if len(found := orjson.loads(v)) > 1 else found[0], "count": n, "records": ids}
        for v, n, ids in await cursor.fetchall()
    ]
    return (row[0], row[1], samples) if row else (0, 0, samples)


def _compared() -> str:
    return (
        "case when jsonb_typeof(t.data -> %s::text) = 'string' then to_jsonb(xrm.fold(t.data ->> %s::text))"
        " else t.data -> %s::text end"
    )


# -- erasing ----------------------------------------------------------------------------------------------------------


async def strip_values(
    connection: Connection, schema: str, module_id: str, ids: Sequence[UUID], keys: Sequence[str]
) -> None:
    """Remove what these records hold under these keys for good: values, long texts, links, history, kept values."""
    wanted, names = list(ids), list(keys)
    await connection.execute(
        f"update {qualified(schema, module_id)} t set data = t.data - %s::text[], revision = t.revision + 1"
        " where t.id = any(%s::uuid[]) and jsonb_exists_any(t.data, %s::text[])",
        [names, wanted, names],
    )
    await connection.execute(
        f"delete from {schema}.long_text l where l.module_id = %s::text and l.record_id = any(%s::uuid[])"
        " and l.field_id = any(%s::text[])",
        [module_id, wanted, names],
    )
    await connection.execute(
        f"delete from {schema}.link x where x.source_id = any(%s::uuid[]) and x.link_id = any(%s::text[])",
        [wanted, [f"{module_id}.{name}" for name in names]],
    )
    await connection.execute(
        f"update {schema}.event e set changes = e.changes - %s::text[] where e.module_id = %s::text"
        " and e.record_id = any(%s::uuid[]) and jsonb_exists_any(e.changes, %s::text[])",
        [names, module_id, wanted, names],
    )
    await connection.execute(
        f"delete from {schema}.pack_value v where v.module_id = %s::text and v.record_id = any(%s::uuid[])"
        " and v.key = any(%s::text[])",
        [module_id, wanted, names],
    )


async def strip_records(connection: Connection, schema: str, module_id: str, ids: Sequence[UUID]) -> None:
    """Remove records of a module for good, with everything that is kept about them."""
    wanted = list(ids)
    for table, condition in (
        ("long_text", "x.module_id = %s::text and x.record_id = any(%s::uuid[])"),
        ("search", "x.module_id = %s::text and x.record_id = any(%s::uuid[])"),
        ("event", "x.module_id = %s::text and x.record_id = any(%s::uuid[])"),
        ("pack_value", "x.module_id = %s::text and x.record_id = any(%s::uuid[])"),
    ):
        await connection.execute(f"delete from {schema}.{table} x where {condition}", [module_id, wanted])
    await connection.execute(
        f"delete from {schema}.link x where x.source_id = any(%s::uuid[]) or x.target_id = any(%s::uuid[])",
        [wanted, wanted],
    )
    await connection.execute(f"delete from {qualified(schema, module_id)} t where t.id = any(%s::uuid[])", [wanted])


async def linked_records(connection: Connection, schema: str, link_key: str) -> int:
    """How many records have links of a kind."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select count(distinct x.source_id)::int from {schema}.link x where x.link_id = %s::text", [link_key]
    )
    row = await cursor.fetchone()
    return int(row[0]) if row else 0

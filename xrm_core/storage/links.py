"""Many-to-many links, and finding who refers to a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from psycopg import AsyncConnection
from psycopg.rows import tuple_row

Connection = AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One many-to-many link: from a record of the module that defines the link to a target."""

    link_id: str
    source_id: UUID
    target_module: str
    target_id: UUID
    attributes: dict[str, Any] | None = None


async def add(connection: Connection, schema: str, rows: Sequence[LinkRow]) -> list[LinkRow]:
    """Adds links, or changes the attributes of existing ones; returns those that were not there before."""
    if not rows:
        return []
    documents = [
        {"l": row.link_id, "s": row.source_id, "m": row.target_module, "t": row.target_id, "a": row.attributes}
        for row in rows
    ]
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"insert into {schema}.link as x (link_id, source_id, target_module, target_id, attributes) "
        "select u.l, u.s, u.m, u.t, u.a from jsonb_to_recordset(%s::jsonb) as u(l text, s uuid, m text, t uuid, a jsonb) "
        "on conflict (link_id, source_id, target_id) do nothing returning link_id, source_id, target_id",
        (orjson.dumps(documents, default=str).decode(),),
    )
    new = set(await cursor.fetchall())
    known = [
        row for row in rows if (row.link_id, row.source_id, row.target_id) not in new and row.attributes is not None
    ]
    if known:
        await connection.execute(
            f"update {schema}.link x set attributes = u.a from jsonb_to_recordset(%s::jsonb) as u(l text, s uuid, t uuid, a jsonb) "
            "where x.link_id = u.l and x.source_id = u.s and x.target_id = u.t",
            (
                orjson.dumps(
                    [{"l": r.link_id, "s": r.source_id, "t": r.target_id, "a": r.attributes} for r in known],
                    default=str,
                ).decode(),
            ),
        )
    return [row for row in rows if (row.link_id, row.source_id, row.target_id) in new]


async def remove(connection: Connection, schema: str, rows: Sequence[LinkRow]) -> list[LinkRow]:
    """Removes links; returns those that were there."""
    if not rows:
        return []
    documents = [{"l": row.link_id, "s": row.source_id, "t": row.target_id} for row in rows]
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"delete from {schema}.link x using jsonb_to_recordset(%s::jsonb) as u(l text, s uuid, t uuid) "
        "where x.link_id = u.l and x.source_id = u.s and x.target_id = u.t "
        "returning x.link_id, x.source_id, x.target_module, x.target_id, x.attributes",
        (orjson.dumps(documents, default=str).decode(),),
    )
    return [LinkRow(*values) for values in await cursor.fetchall()]


async def of_sources(
    connection: Connection, schema: str, link_ids: Iterable[str], sources: Iterable[UUID]
) -> list[LinkRow]:
    """All links of these kinds that start at these records."""
    return await _select(connection, schema, "source_id", link_ids, sources)


async def of_targets(
    connection: Connection, schema: str, link_ids: Iterable[str], targets: Iterable[UUID]
) -> list[LinkRow]:
    """All links of these kinds that end at these records."""
    return await _select(connection, schema, "target_id", link_ids, targets)


async def _select(
    connection: Connection, schema: str, side: str, link_ids: Iterable[str], ids: Iterable[UUID]
) -> list[LinkRow]:
    kinds, wanted = list(link_ids), list(ids)
    if not kinds or not wanted:
        return []
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select x.link_id, x.source_id, x.target_module, x.target_id, x.attributes from {schema}.link x "
        f"where x.link_id = any(%s::text[]) and x.{side} = any(%s::uuid[]) order by x.link_id, x.source_id, x.target_id",
        (kinds, wanted),
    )
    return [LinkRow(*values) for values in await cursor.fetchall()]


async def referring(
    connection: Connection,
    table: str,
    column: str,
    targets: Iterable[UUID],
    *,
    lock: bool = False,
    with_archived: bool = True,
) -> list[tuple[UUID, UUID]]:
    """(record, target) for every record of `table` whose link column holds one of the targets, in id order."""
    wanted = list(targets)
    if not wanted:
        return []
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select t.id, t.{column} from {table} t where t.{column} = any(%s::uuid[])"
        f"{'' if with_archived else ' and t.archived_at is null'} order by t.id{' for no key update of t' if lock else ''}",
        (wanted,),
    )
    return list(await cursor.fetchall())


async def linked(
    connection: Connection, schema: str, sources: Sequence[UUID], link_ids: Sequence[str]
) -> dict[UUID, set[str]]:
    """Which of these kinds of links each record has at all."""
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select distinct x.source_id, x.link_id from {schema}.link x "
        "where x.source_id = any(%s::uuid[]) and x.link_id = any(%s::text[])",
        (list(sources), list(link_ids)),
    )
    found: dict[UUID, set[str]] = {}
    for source, link_id in await cursor.fetchall():
        found.setdefault(source, set()).add(link_id)
    return found

"""Finding records by values that tell them apart, for a whole list of values in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.storage.database import Connection
from xrm_core.storage.rows import Table
from xrm_core.storage.scopes import Condition


@dataclass(frozen=True, slots=True)
class Key:
    """One value that records are found by: its SQL over the table `t`, and its type."""

    sql: str
    type: str


Wanted = tuple[int, UUID, Sequence[Any]]
"""A number to tell the asker by, the record that is not meant itself, and a value for each key, or None."""

TITLE = Key("xrm.fold(t.title)", "text")
ID = Key("t.id", "uuid")


def promoted(column: str, type: str) -> Key:
    """A promoted column."""
    return Key(f"t.{column}", type)


def document(path: Sequence[str], type: str) -> Key:
    """A value inside the document, by the keys that lead to it."""
    inside = "".join(f"->'{part}'" for part in path[:-1])
    text = f"t.data{inside}->>'{path[-1]}'"
    return Key(f"xrm.fold({text})" if type == "text" else f"({text})::{type}", type)


async def by_values(
    connection: Connection,
    table: Table,
    keys: Sequence[Key],
    wanted: Sequence[tuple[int, Sequence[Any]]],
    scope: Condition | None,
) -> dict[int, list[UUID]]:
    """For each wanted (number, values) the live records that have all these values, at most a few per number."""
    if not wanted or not keys:
        return {}
    declared = ", ".join(f"k{index} {key.type}" for index, key in enumerate(keys))
    joined = " and ".join(f"{key.sql} = u.k{index}" for index, key in enumerate(keys))
    documents = [
        {"n": number, **{f"k{index}": value for index, value in enumerate(values)}} for number, values in wanted
    ]
    text, values = scope or ("true", [])
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select u.n, t.id from jsonb_to_recordset(%s::jsonb) as u(n int, {declared}) join {table.qualified} t on {joined} "
        f"where t.archived_at is null and {text} order by u.n, t.id",
        (orjson.dumps(documents, default=str).decode(), *values),
    )
    found: dict[int, list[UUID]] = {}
    for number, identifier in await cursor.fetchall():
        if len(found.setdefault(number, [])) < 3:
            found[number].append(identifier)
    return found


async def by_any(
    connection: Connection,
    table: Table,
    keys: Sequence[Key],
    wanted: Sequence[Wanted],
    scope: Condition | None,
    most: int = 3,
) -> list[tuple[int, int, UUID, str]]:
    """(number, index of the key, record, title) of live records that have one of the wanted values, a few per number."""
    if not wanted or not keys:
        return []
    declared = ", ".join(f"k{index} {key.type}" for index, key in enumerate(keys))
    documents = [
        {"n": number, "self": own, **{f"k{index}": value for index, value in enumerate(values) if value is not None}}
        for number, own, values in wanted
    ]
    text, values = scope or ("true", [])
    document = orjson.dumps(documents, default=str).decode()
    parts: list[str] = []
    bound: list[Any] = [document]
    for index, key in enumerate(keys):
        parts.append(
            f"select u.n, {index} as k, f.id, f.title from u cross join lateral (select t.id, t.title from {table.qualified} t where {key.sql} = u.k{index} "
            f"and t.id <> u.self and t.archived_at is null and {text} limit %s::int) f"
        )
        # However many share a value, only so many are read.
        bound += [*values, most]
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"with u as materialized (select * from jsonb_to_recordset(%s::jsonb) as u(n int, self uuid, {declared})) "
        "select x.n, x.k, x.id, x.title from (select y.n, y.k, y.id, y.title, "
        "row_number() over (partition by y.n order by y.id, y.k) as place, "
        "row_number() over (partition by y.n, y.id order by y.k) as again "
        f"from ({' union all '.join(parts)}) y) x where x.again = 1 and x.place <= %s::int order by x.n, x.id",
        [*bound, most * len(keys)],
    )
    found: dict[int, list[tuple[int, int, UUID, str]]] = {}
    for row in await cursor.fetchall():
        if len(found.setdefault(row[0], [])) < most:
            found[row[0]].append(row)
    return [row for rows in found.values() for row in rows]

"""Finding records that have the same values as given ones, or a title much like a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from psycopg.rows import tuple_row

from xrm_core.kernel.kinds import Kind
from xrm_core.storage.database import Connection
from xrm_core.storage.model import CompiledField, CompiledModule
from xrm_core.storage.scopes import Condition
from xrm_core.storage.sql.values import literal
from xrm_core.storage.tables import COLUMN_TYPES


@dataclass(frozen=True, slots=True)
class Wanted:
    """The condition that a record has given values: by promoted columns where there are some."""

    text: str
    values: tuple[Any, ...]

    @classmethod
    def of(cls, parts: Sequence[tuple[CompiledField, Any]]) -> Wanted:
        """The condition for stored values of fields."""
        texts, values = [], []
        for field, value in parts:
            if field.column is not None and field.kind is not Kind.LIST:
                kind = COLUMN_TYPES[field.kind].split(" ")[0]
                texts.append(f"t.{field.column} = %s::{kind}")
                values.append(field.definition.project(value))
            else:
                texts.append(f"t.data->{literal(field.id)} = %s::jsonb")
                values.append(orjson.dumps(value).decode())
        return cls(" and ".join(texts), tuple(values))


def _within(scope: Condition | None) -> tuple[str, list[Any]]:
    return (f" and {scope[0]}", list(scope[1])) if scope is not None else ("", [])


async def same(connection: Connection, table: str, wanted: Wanted, scope: Condition | None, limit: int) -> list[UUID]:
    """Records with these values."""
    text, values = _within(scope)
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select t.id from {table} t where t.archived_at is null and {wanted.text}{text} order by t.id desc limit %s::int",
        [*wanted.values, *values, limit],
    )
    return [found for (found,) in await cursor.fetchall()]


async def like(
    connection: Connection,
    place: Any,
    module: CompiledModule,
    folded: str,
    least: float,
    scope: Condition | None,
    limit: int,
) -> list[tuple[UUID, float]]:
    """(record, likeness) of records with a like title, the likest first; the index offers some, the limit is ours."""
    trigrams = place.database.trigram_schema
    text, values = _within(scope)
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(
        f"select s.record_id, {trigrams}.similarity(s.folded, %s::text)::float8 as likeness from {place.schema}.search s "
        f"join {module.table.qualified} t on t.id = s.record_id and t.archived_at is null{text} "
        f"where s.module_id = %s::text and s.folded operator({trigrams}.%%) %s::text "
        f"and {trigrams}.similarity(s.folded, %s::text) >= %s::float8 order by 2 desc, 1 limit %s::int",
        [folded, *values, module.id, folded, folded, least, limit],
    )
    return list(await cursor.fetchall())


async def shown(
    connection: Connection, table: str, ids: Sequence[UUID], keys: Sequence[str]
) -> dict[UUID, tuple[Any, ...]]:
    """Titles and some stored values (as JSON text) of records."""
    columns = "".join(f", (t.data->{literal(key)})::text" for key in keys)
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(f"select t.id, t.title{columns} from {table} t where t.id = any(%s::uuid[])", [list(ids)])
    return {row[0]: tuple(row[1:]) for row in await cursor.fetchall()}

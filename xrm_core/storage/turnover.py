"""Finding stored values that time alone has made old, and remembering up to when they were brought up to date."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from xrm_core.expressions.library import Moment
from xrm_core.expressions.typed import Typed
from xrm_core.kernel.kinds import Kind
from xrm_core.storage.database import Connection
from xrm_core.storage.model import CompiledModule
from xrm_core.storage.sql.expressions import compile_term
from xrm_core.storage.sql.tables import Modules, TableContext
from xrm_core.storage.sql.values import FieldSql, Sql, extract, joined, sql


async def done_until(connection: Connection, schema: str, key: str) -> str | None:
    """The day or hour that was dealt with last."""
    cursor = await connection.execute(f"select s.value::text from {schema}.setting s where s.key = %s::text", [key])
    row = await cursor.fetchone()
    found: Any = orjson.loads(row[0]) if row else None
    return found if isinstance(found, str) else None


async def note_done(connection: Connection, schema: str, key: str, until: str) -> None:
    """Remember that everything up to this day or hour is up to date."""
    await connection.execute(
        f"insert into {schema}.setting as s (key, value) values (%s::text, %s::jsonb) "
        "on conflict (key) do update set value = excluded.value",
        [key, orjson.dumps(until).decode()],
    )


async def stale(
    connection: Connection,
    modules: Modules,
    module: CompiledModule,
    key: str,
    kind: Kind,
    value: Typed | None,
    after: UUID | None,
    limit: int,
    moment: Moment,
) -> list[UUID]:
    """The next records, in id order, whose stored value is not what the expression says now; without an expression all."""
    context = TableContext(modules, module)
    parts: list[Sql] = []
    if value is not None:
        wanted = compile_term(value, context).columns()
        stored = extract(FieldSql(kind, json="t.data", key=key)).columns()
        differs = [sql("{} is distinct from {}", one, other) for one, other in zip(wanted, stored, strict=False)]
        parts.append(sql("({})", joined(" or ", differs)))
    if after is not None:
        parts.append(Sql("t.id > %s::uuid", (after,)))
    where = sql(" where {}", joined(" and ", parts)) if parts else Sql("")
    statement = sql(
        "select t.id from {} t{}{} order by t.id limit {}", module.table.qualified, context.tail(), where, str(limit)
    )
    cursor = await connection.execute(statement.text, statement.bound(moment))
    return [found for (found,) in await cursor.fetchall()]

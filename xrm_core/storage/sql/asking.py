"""Asking the database about records that are known by id: for which of them a condition holds, and what a value is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from psycopg.rows import tuple_row

from xrm_core.expressions.library import Moment
from xrm_core.expressions.typed import Typed
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import Hop
from xrm_core.storage.model import CompiledModule
from xrm_core.storage.sql.computed import value_of
from xrm_core.storage.sql.expressions import compile_condition, compile_term
from xrm_core.storage.sql.tables import Modules, Names, Steps, TableContext
from xrm_core.storage.sql.values import joined, sql


async def holding(
    connection: Connection,
    modules: Modules,
    module: CompiledModule,
    condition: Typed,
    ids: Collection[UUID] | None,
    moment: Moment,
    *,
    after: UUID | None = None,
    limit: int | None = None,
) -> list[UUID]:
    """Those of the records for which the condition holds, in the order of their ids; without `ids` among all live ones."""
    context = TableContext(modules, module)
    wanted = compile_condition(condition, context)
    which = (
        "t.id = any(%s::uuid[])"
        if ids is not None
        else "t.archived_at is null and (%s::uuid is null or t.id > %s::uuid)"
    )
    most = f" limit {int(limit)}" if limit is not None else ""
    statement = sql("select t.id from {} t{} where {}", module.table.qualified, context.tail(), wanted)
    cursor = connection.cursor(row_factory=tuple_row)
    given: list[Any] = [list(ids)] if ids is not None else [after, after]
    await cursor.execute(f"{statement.text} and {which} order by t.id{most}", [*statement.bound(moment), *given])
    return [found for (found,) in await cursor.fetchall()]


async def value(
    connection: Connection, modules: Modules, module: CompiledModule, typed: Typed, record_id: UUID, moment: Moment
) -> Any:
    """What an expression gives for a record."""
    context = TableContext(modules, module)
    term = compile_term(typed, context)
    statement = sql(
        "select {} from {} t{} where t.id = %s::uuid",
        joined(", ", term.columns()),
        module.table.qualified,
        context.tail(),
    )
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(statement.text, [*statement.bound(moment), record_id])
    row = await cursor.fetchone()
    return value_of(typed.type.kind, list(row)) if row is not None else None


async def behind(connection: Connection, modules: Modules, hops: Sequence[Hop], record_id: UUID) -> list[UUID]:
    """The records at the end of a path of links from a record, in the order of their ids."""
    steps = Steps(modules, hops, Names())
    where = joined(" and ", [sql("{} = %s::uuid", steps.start), *steps.conditions])
    statement = sql("select distinct {}.id from {} where {} order by 1", steps.alias, steps.source(), where)
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(statement.text, [record_id])
    return [found for (found,) in await cursor.fetchall()]

"""Computed values by SQL: roll-ups over lists of records, formulas that look at lists, and the way back from a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.rows import tuple_row

from xrm_core.expressions.library import Moment
from xrm_core.expressions.typed import Typed
from xrm_core.expressions.types import Type
from xrm_core.expressions.values import Duration, Money, Rate
from xrm_core.kernel.kinds import NUMERIC, Kind
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import Hop
from xrm_core.storage.model import CompiledModule
from xrm_core.storage.sql.expressions import compile_condition, compile_order, compile_term
from xrm_core.storage.sql.tables import Modules, Names, Steps, TableContext
from xrm_core.storage.sql.values import NULL, Sql, Term, joined, sql

MOST_LISTED = 500
_DIRECT = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.DATE, Kind.INSTANT})
"""Kinds whose smallest and largest value the database's own min and max find."""


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """One value over a list of records (or, for formulas, over the record itself)."""

    key: str
    function: str
    type: Type
    value: Typed | None
    condition: Typed | None
    order: Typed | None
    descending: bool


async def rollup_values(
    connection: Connection,
    modules: Modules,
    path: Sequence[Hop],
    wanted: Sequence[Aggregate],
    ids: Sequence[UUID],
    moment: Moment,
) -> dict[UUID, dict[str, Any]]:
    """The values of several roll-ups over the same path for these records, in one statement."""
    steps = Steps(modules, path, Names())
    shapes: list[tuple[Aggregate, list[Sql]]] = []
    for aggregate in wanted:
        condition = compile_condition(aggregate.condition, steps.context) if aggregate.condition is not None else None
        shapes.append((aggregate, _columns(aggregate, steps.context, condition)))
    selected = [column for _, columns in shapes for column in columns]
    statement = sql(
        "select {}, {} from {} where {} = any(%s::uuid[]){} group by 1",
        steps.start,
        joined(", ", selected),
        steps.source(),
        steps.start,
        sql(" and {}", joined(" and ", steps.conditions)) if steps.conditions else "",
    )
    # The ids stand in the text after what is selected and joined, so their place among the parameters is known.
    before = joined(", ", [steps.start, *selected, steps.source(), steps.start])
    values = before.bound(moment) + [list(ids)] + joined(" ", steps.conditions).bound(moment)
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(statement.text, values)
    found = {identifier: {one.key: _empty(one) for one in wanted} for identifier in ids}
    for identifier, *columns in await cursor.fetchall():
        at = 0
        for aggregate, parts in shapes:
            found[identifier][aggregate.key] = _read(aggregate, columns[at : at + len(parts)])
            at += len(parts)
    return found


async def formula_values(
    connection: Connection,
    modules: Modules,
    module: CompiledModule,
    formula: Aggregate,
    ids: Sequence[UUID],
    moment: Moment,
) -> dict[UUID, Any]:
    """The value of a formula for these records."""
    assert formula.value is not None
    context = TableContext(modules, module)
    term = compile_term(formula.value, context)
    statement = sql(
        "select t.id, {} from {} t{} where t.id = any(%s::uuid[])",
        joined(", ", term.columns()),
        module.table.qualified,
        context.tail(),
    )
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(statement.text, [*statement.bound(moment), list(ids)])
    return {identifier: value_of(formula.type.kind, columns) for identifier, *columns in await cursor.fetchall()}


async def failing(
    connection: Connection,
    modules: Modules,
    module: CompiledModule,
    when: Typed | None,
    check: Typed,
    ids: Sequence[UUID],
    moment: Moment,
) -> list[UUID]:
    """Those of the records for which `when` holds and `check` does not."""
    if not ids:
        return []
    context = TableContext(modules, module)
    parts = [sql("({}) is not true", compile_condition(check, context))]
    if when is not None:
        parts.append(compile_condition(when, context))
    condition = joined(" and ", parts)
    statement = sql(
        "select t.id from {} t{} where {} and t.id = any(%s::uuid[])", module.table.qualified, context.tail(), condition
    )
    cursor = connection.cursor(row_factory=tuple_row)
    await cursor.execute(statement.text, [*statement.bound(moment), list(ids)])
    return [found for (found,) in await cursor.fetchall()]


def back_statement(modules: Mapping[str, CompiledModule], hops: Sequence[Hop]) -> str:
    """The statement that finds from which records the steps lead to one of `%s` (an array of ids)."""
    steps = Steps(modules, hops, Names(), live=False)
    conditions = joined(
        " and ", [Sql(f"{steps.alias}.id = any(%s::uuid[])"), sql("{} is not null", steps.start), *steps.conditions]
    )
    return sql("select distinct {} from {} where {}", steps.start, steps.source(), conditions).text


def _columns(aggregate: Aggregate, context: TableContext, condition: Sql | None) -> list[Sql]:
    only = sql(" filter (where {})", condition) if condition is not None else Sql("")
    if aggregate.function == "count":
        return [sql("count(*){}", only)]
    assert aggregate.value is not None
    term = compile_term(aggregate.value, context)
    present = sql("{} is not null", term.sql)
    filled = sql(" filter (where {})", joined(" and ", [part for part in (condition, present) if part is not None]))
    match aggregate.function:
        case "sum" | "avg":
            return _total(aggregate.function, term, filled)
        case "min" | "max":
            return _extreme(aggregate.function, term, filled)
        case "list":
            return [sql("jsonb_agg(distinct to_jsonb({})){}", term.sql, filled)]
        case _:
            order = (
                compile_order(aggregate.order, context)
                if aggregate.order is not None
                else Sql(f"{context.alias}.created_at")
            )
            direction = "desc nulls last" if aggregate.descending else "nulls last"
            ordering = sql("{} {}, {}.id {}", order, direction, context.alias, direction)
            return [_first(part, ordering, only, listed=term.kind is Kind.LIST) for part in term.columns()]


def _total(function: str, term: Term, filled: Sql) -> list[Sql]:
    number = sql("round(avg({}){}, 12)", term.sql, filled) if function == "avg" else sql("sum({}){}", term.sql, filled)
    if term.unit is None:
        return [number]
    # Amounts of different currencies (or durations of different units) have no sum.
    return [
        sql("case when count(distinct {}){} = 1 then {} end", term.unit, filled, number),
        sql("min({}){}", term.unit, filled),
    ]


def _extreme(function: str, term: Term, filled: Sql) -> list[Sql]:
    if term.kind in _DIRECT:
        return [sql("{}({}){}", function, term.sql, filled)]
    direction = "asc" if function == "min" else "desc"
    collated = ' collate "C"' if term.kind is Kind.TEXT else ""
    ordering = sql("{}{} {}, {}{} {}", term.key, collated, direction, term.sql, collated, direction)
    parts = [_first(part, ordering, filled, listed=False) for part in term.columns()]
    if term.kind in (Kind.MONEY, Kind.RATE):
        parts[0] = sql("case when count(distinct {}){} = 1 then {} end", term.unit or NULL, filled, parts[0])
    return parts


def _first(part: Sql, ordering: Sql, only: Sql, *, listed: bool) -> Sql:
    if listed:
        return sql("(jsonb_agg(to_jsonb({}) order by {}){})->0", part, ordering, only)
    return sql("(array_agg({} order by {}){})[1]", part, ordering, only)


def _empty(aggregate: Aggregate) -> Any:
    if aggregate.function == "count":
        return 0
    if aggregate.function == "sum" and aggregate.type.kind in NUMERIC:
        return 0
    return None


def _read(aggregate: Aggregate, columns: Sequence[Any]) -> Any:
    if aggregate.function == "list":
        return _listed(columns[0])
    value = value_of(aggregate.type.kind, columns)
    return _empty(aggregate) if value is None else value


def _listed(values: Any) -> list[str] | None:
    found: set[str] = set()
    for value in values or ():
        found.update(str(item) for item in (value if isinstance(value, list) else [value]) if item is not None)
    return sorted(found)[:MOST_LISTED] or None


def value_of(kind: Kind | None, columns: Sequence[Any]) -> Any:
    """The Python value of the columns that a term selects."""
    first = columns[0]
    if first is None:
        return None
    if kind is Kind.INTEGER:
        return int(first)
    if kind is Kind.DECIMAL:
        return Decimal(first)
    if kind is Kind.MONEY:
        return Money(first, columns[1]) if columns[1] is not None else None
    if kind is Kind.RATE:
        return Rate(first, columns[1], columns[2]) if None not in columns[1:3] else None
    if kind is Kind.DURATION:
        return Duration(int(first) if first == int(first) else first, columns[1]) if columns[1] is not None else None
    if kind is Kind.REFERENCE:
        return str(first)
    return first

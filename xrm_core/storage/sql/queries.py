"""SELECT statements over module tables: a page of a list with keyset cursors, counts, boards and group-by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from xrm_core.expressions.typed import Read
from xrm_core.kernel.kinds import Kind
from xrm_core.storage.model import CompiledModule
from xrm_core.storage.sql.expressions import compile_order
from xrm_core.storage.sql.tables import TableContext
from xrm_core.storage.sql.values import SQL_TYPES, Sql, joined, literal, sql

_NEVER_NULL = frozenset({"id", "title", "version", "created_at", "updated_at"})


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order: its SQL, type and direction; empty values come last either way."""

    sql: Sql
    type: str
    descending: bool
    nullable: bool

    def ordering(self) -> str:
        return f"{self.sql.text} {'desc' if self.descending else 'asc'}{' nulls last' if self.nullable else ''}"


def sort_key(
    typed: Read, context: TableContext, *, descending: bool, positions: Sequence[str] | None = None
) -> SortKey:
    """The key for a field; `positions` (option or stage names) orders by their place in the list instead of by name."""
    last = typed.path[-1]
    alone = len(typed.path) == 1 and last.kind == "system"
    if positions is not None:
        order = sql("array_position({}, {})", _names(positions), compile_order(typed, context))
        return SortKey(order, "int", descending, True)
    if alone and last.id == "title":
        return SortKey(Sql(f"{context.alias}.title"), "text", descending, False)
    kind = typed.type.kind or Kind.TEXT
    return SortKey(compile_order(typed, context), SQL_TYPES[kind], descending, not (alone and last.id in _NEVER_NULL))


def _names(positions: Sequence[str]) -> str:
    return "array[" + ", ".join(literal(name) for name in positions) + "]::text[]"


def id_key(context: TableContext, *, descending: bool) -> SortKey:
    """The tie-breaker that every order ends with."""
    return SortKey(Sql(f"{context.alias}.id"), "uuid", descending, False)


@dataclass(frozen=True, slots=True)
class Page:
    """A list query; the leading key splits it into records that have a value and those that do not."""

    selected: Sql
    source: Sql
    where: Sql
    keys: tuple[SortKey, ...]
    _first: dict[tuple[str, int], Sql] = field(default_factory=dict, compare=False, repr=False)
    """First pages by phase and length: most lists are asked for from their beginning."""

    def statement(self, phase: str, after: Sequence[Any] | None, limit: int) -> Sql:
        """One page of phase "filled", "empty" or "all", beginning after the values `after` (of all keys, as text)."""
        if after is not None:
            return self._statement(phase, after, limit)
        found = self._first.get((phase, limit))
        if found is None:
            found = self._first[phase, limit] = self._statement(phase, None, limit)
        return found

    def _statement(self, phase: str, after: Sequence[Any] | None, limit: int) -> Sql:
        lead = self.keys[0]
        parts = [self.where] if self.where.text else []
        keys = self.keys
        if phase == "filled":
            parts.append(sql("{} is not null", lead.sql))
        elif phase == "empty":
            parts.append(sql("{} is null", lead.sql))
            keys, after = keys[1:], after[1:] if after is not None else None
        if after is not None:
            parts.append(_after(keys, after, leading=phase != "empty"))
        where = sql(" where {}", joined(" and ", parts)) if parts else Sql("")
        order = ", ".join(_plain(key, filled=index == 0 and phase == "filled") for index, key in enumerate(keys))
        selected = joined(", ", [self.selected, *(sql("{}::text", key.sql) for key in self.keys)])
        return sql("select {} from {}{} order by {} limit {}", selected, self.source, where, order, str(int(limit)))


def _plain(key: SortKey, *, filled: bool) -> str:
    return f"{key.sql.text} {'desc' if key.descending else 'asc'}" if filled or not key.nullable else key.ordering()


def _after(keys: Sequence[SortKey], values: Sequence[Any], *, leading: bool) -> Sql:
    """The condition for everything that comes after these values in the order of the keys."""
    key, value = keys[0], values[0]
    sign = "<" if key.descending else ">"
    if (
        len(keys) == 2
        and not keys[1].nullable
        and keys[0].descending == keys[1].descending
        and (leading or not key.nullable)
        and None not in values
    ):
        # A row comparison is what the index on (column, id) can start from.
        return sql("({}, {}) {} ({}, {})", key.sql, keys[1].sql, sign, _given(key, value), _given(keys[1], values[1]))
    if len(keys) == 1:
        return sql("{} {} {}", key.sql, sign, _given(key, value))
    rest = _after(keys[1:], values[1:], leading=False)
    if value is None:
        return sql("({} is null and {})", key.sql, rest)
    beyond = sql("{} {} {}", key.sql, sign, _given(key, value))
    if key.nullable and not leading:
        beyond = sql("({} or {} is null)", beyond, key.sql)
    same = sql("{} = {}", key.sql, _given(key, value))
    either = sql("({} or ({} and {}))", beyond, same, rest)
    return sql("{} {}= {} and {}", key.sql, sign, _given(key, value), either) if leading else either


def _given(key: SortKey, value: Any) -> Sql:
    return Sql(f"%s::{key.type}", (value,))


def count_statement(source: Sql, where: Sql, most: int | None) -> Sql:
    """How many there are; with `most` the database stops counting there."""
    condition = sql(" where {}", where) if where.text else Sql("")
    if most is None:
        return sql("select count(*) from {}{}", source, condition)
    return sql("select count(*) from (select 1 from {}{} limit {}) x", source, condition, str(int(most)))


ESTIMATE = (
    "select greatest(c.reltuples, 0)::bigint from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
    "where n.nspname = %s::text and c.relname = %s::text"
)
"""About how many rows a table has, as the database's own statistics say."""


def source_of(module: CompiledModule, context: TableContext) -> Sql:
    """The FROM clause of a module's table with the joins that its context needs."""
    return sql("{} {}{}", module.table.qualified, context.alias, context.tail())

"""Names and DDL of module tables, their promoted columns and indexes; names come from ids, never from a user's text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from xrm_core.kernel.kinds import Kind
from xrm_core.storage.database import Connection

LONGEST = 48  # a distributed server appends a shard number to names
_KEPT = 40

COLUMN_TYPES: dict[Kind, str] = {
    Kind.TEXT: 'text collate "C"',
    Kind.INTEGER: "numeric",
    Kind.DECIMAL: "numeric",
    Kind.MONEY: "numeric",
    Kind.RATE: "numeric",
    Kind.DURATION: "numeric",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.INSTANT: "timestamptz",
    Kind.LIST: "text[]",
    Kind.REFERENCE: "uuid",
}
"""The type of a promoted column per value kind; a kind that is not here cannot be promoted."""

SYSTEM_COLUMNS: dict[str, str] = {
    "id": "uuid primary key",
    "version": "int not null",
    "revision": "int not null default 0",
    "title": "text collate \"C\" not null default ''",
    "owner": "uuid",
    "stage": 'text collate "C"',
    "stage_entered_at": "timestamptz",
    "created_at": "timestamptz not null",
    "created_by": "uuid",
    "updated_at": "timestamptz not null",
    "updated_by": "uuid",
    "archived_at": "timestamptz",
    "data": "jsonb not null",
}
"""The columns that every module table has, in their order."""

IndexUse = Literal["order", "list", "contains", "unique", "board"]


def _cut(name: str, most: int = _KEPT) -> str:
    """`name`, or its beginning and a hash; "$" cannot be in an id, so a cut name never equals another's own name."""
    if len(name) <= most:
        return name
    return f"{name[: most - 9]}${hashlib.sha256(name.encode()).hexdigest()[:8]}"


def table_name(module_id: str) -> str:
    """The table of a module, without its schema."""
    return "m_" + _cut(module_id)


def column_name(field_id: str) -> str:
    """The promoted column of a field or link."""
    return "p_" + _cut(field_id)


def qualified(schema: str, module_id: str) -> str:
    """The table of a module as SQL writes it."""
    return f"{schema}.{table_name(module_id)}"


def index_name(module_id: str, field_ids: Sequence[str], use: IndexUse) -> str:
    """The name of an index; it tells unique violations of different rules apart."""
    # Ends in a letter: a number at the end would look like the shard number that a distributed server appends.
    return f"i_{_cut('$'.join((module_id, *field_ids)), LONGEST - 4)}${use[0]}"


@dataclass(frozen=True, slots=True)
class Index:
    """One index of a module table: on promoted columns (field ids), or on system columns (their names)."""

    use: IndexUse
    columns: tuple[str, ...]
    include: tuple[str, ...] = ()

    def name(self, module_id: str) -> str:
        return index_name(module_id, self.columns, self.use)

    def column_names(self) -> list[str]:
        """The columns as the table has them."""
        return [_column(column) for column in self.columns]

    def sql(self, schema: str, module_id: str, *, trigram_schema: str = "xrm", concurrently: bool = False) -> str:
        """The statement that makes the index."""
        names = self.column_names()
        where = ""
        if self.use == "order":
            # With archived_at in it, counting and totalling records that are not archived needs the index alone.
            body = f"({', '.join(names)}, id) include (archived_at)"
        elif self.use == "list":
            body = f"using gin ({names[0]})"
        elif self.use == "contains":
            body = f"using gin ({names[0]} {trigram_schema}.gin_trgm_ops)"
        elif self.use == "board":
            body = f"({', '.join(names)}) include ({', '.join(_column(column) for column in self.include)})"
        else:
            body = f"({', '.join(names)})"
            where = " where archived_at is null"
        unique = "unique " if self.use == "unique" else ""
        how = "concurrently " if concurrently else ""
        name, table = self.name(module_id), qualified(schema, module_id)
        return f"create {unique}index {how}if not exists {name} on {table} {body}{where}"


def _column(name: str) -> str:
    return name if name in SYSTEM_COLUMNS else column_name(name)


def index_for(field_id: str, kind: Kind) -> Index | None:
    """The index that a promoted column gets: one for order, equality and range; GIN for lists; none for booleans."""
    if kind is Kind.BOOLEAN:
        return None
    return Index("list" if kind is Kind.LIST else "order", (field_id,))


def create_table_sql(schema: str, module_id: str, promoted: Sequence[tuple[str, Kind]] = ()) -> list[str]:
    """The statements that make a module's table, with the promoted columns it has from the start and their indexes."""
    columns = [f"{name} {definition}" for name, definition in SYSTEM_COLUMNS.items()]
    columns += [f"{column_name(field_id)} {COLUMN_TYPES[kind]}" for field_id, kind in promoted]
    table = qualified(schema, module_id)
    found = [
        f"create table if not exists {table} ({', '.join(columns)}) with (fillfactor = 85, toast_tuple_target = 4080)",
        # Partial: they cost nothing in modules without a pipeline or owners.
        *(
            f"create index if not exists {index_name(module_id, (column,), 'order')} on {table} ({column}, id)"
            f" include (archived_at) where {column} is not null"
            for column in ("stage", "owner")
        ),
    ]
    indexes = (index_for(field_id, kind) for field_id, kind in promoted)
    return found + [index.sql(schema, module_id) for index in indexes if index is not None]


async def create_module_table(
    connection: Connection, schema: str, module_id: str, promoted: Sequence[tuple[str, Kind]] = ()
) -> None:
    """Make the table of a new module; safe to repeat. Inside a transaction it appears all at once."""
    for statement in create_table_sql(schema, module_id, promoted):
        await connection.execute(statement)


async def drop_module_table(connection: Connection, schema: str, module_id: str) -> None:
    """Remove the table of a module with all its records."""
    await connection.execute(f"drop table if exists {qualified(schema, module_id)}")


async def add_index(
    connection: Connection, schema: str, module_id: str, index: Index, trigram_schema: str = "xrm"
) -> None:
    """Make one index at once; only for tables that are new or small, see `indexes` for live ones."""
    await connection.execute(index.sql(schema, module_id, trigram_schema=trigram_schema))


async def has_table(connection: Connection, schema: str, module_id: str) -> bool:
    """Whether the module has its table."""
    cursor = await connection.execute(
        "select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s::text and c.relname = %s::text and c.relkind = 'r'",
        [schema, table_name(module_id)],
    )
    return await cursor.fetchone() is not None

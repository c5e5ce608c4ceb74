"""Tables and indexes that follow from definitions: made at once for new modules, queued for live ones."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import get_args

from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.module import Module
from xrm_core.definitions.scope import Scopes
from xrm_core.publishing.plan import ChangePlan
from xrm_core.publishing.work import Needs, Work, needs
from xrm_core.storage import definitions as store
from xrm_core.storage import indexes
from xrm_core.storage.database import Connection, Database
from xrm_core.storage.rows import Promoted, Table
from xrm_core.storage.tables import (
    COLUMN_TYPES,
    Index,
    IndexUse,
    add_index,
    column_name,
    create_module_table,
    index_name,
    table_name,
)


async def make_tables(database: Database, schema: str, plan: ChangePlan, now: datetime) -> None:
    """The tables of new modules with their columns and indexes; a table that is there already keeps its own."""
    new = [work.module_id for work in plan.work if work.kind == "create_table"]
    for work in plan.work:
        if work.kind == "build_index" and _links(plan.wanted, work):
            # Everything that asks along a link asks its column: that is there before the link is.
            columns = [Promoted(column_name(key), "uuid", key, _no_value) for key in work.keys]
            await indexes.add_columns(database, table_of(schema, work.module_id), columns)
    if not new:
        return
    scopes = Scopes(plan.wanted)
    async with database.ddl_connection() as connection:
        there = await store.module_tables(connection, schema)
        for module_id in new:
            if table_name(module_id) in there:
                continue
            wanted = needs(scopes, plan.wanted.by_id[module_id])
            promoted = [(key, kind) for key, kind in wanted.columns.items() if kind in COLUMN_TYPES]
            async with connection.transaction():
                await create_module_table(connection, schema, module_id, promoted)
                for index in unique_indexes(wanted):
                    await add_index(connection, schema, module_id, index, database.trigram_schema)
                await _note_ready(connection, schema, module_id, wanted, now)


def _links(definitions: DefinitionSet, work: Work) -> bool:
    links = {link.id for link in definitions.by_id[work.module_id].links}
    return bool(work.keys) and links.issuperset(work.keys)


def _no_value(value: object) -> None:
    """Nobody writes a column before its link is published."""


async def _note_ready(connection: Connection, schema: str, module_id: str, wanted: Needs, now: datetime) -> None:
    # Inside the transaction that makes the table: whoever sees the table knows what it has.
    for fields, use in sorted(wanted.indexes):
        await indexes.request(connection, table_of(schema, module_id), fields, use, now, state="ready")


async def note_index_work(
    connection: Connection, schema: str, scopes: Scopes, work: Iterable[Work], now: datetime
) -> None:
    """Queue what live tables need, and forget what nobody needs any more; `reconcile` does the rest."""
    for item in work:
        table = table_of(schema, item.module_id)
        if item.kind == "build_index":
            # Whoever writes fills the columns of links from the first moment; readers count on them.
            begun = item.use == "order" and _links(scopes.definitions, item)
            await indexes.request(connection, table, item.keys, item.use, now, state="filling" if begun else "queued")
        elif item.kind == "drop_index":
            await store.forget_index(connection, schema, item.module_id, item.keys, item.use)
        elif item.kind == "create_table":
            # A table from an earlier life of the module may lack what the new one needs.
            module = scopes.definitions.by_id[item.module_id]
            for fields, use in sorted(needs(scopes, module).indexes):
                await indexes.request(connection, table, fields, use, now)


def unique_indexes(wanted: Needs) -> list[Index]:
    """The unique indexes among what a module needs."""
    return [Index("unique", fields) for fields, use in sorted(wanted.indexes) if use == "unique"]


def index_of(fields: tuple[str, ...], use: str) -> Index | None:
    """The index that a need means; None for a column alone."""
    for known in get_args(IndexUse):
        if use == known:
            return Index(known, fields)
    return None


def table_of(schema: str, module_id: str) -> Table:
    """The table of a module, as far as its name is enough."""
    return Table(schema, module_id, table_name(module_id))


def expected_indexes(definitions: DefinitionSet) -> set[str]:
    """The names of all indexes that the tables of a set should have."""
    scopes = Scopes(definitions)
    found: set[str] = set()
    for module in definitions.modules:
        found |= _names(scopes, module)
    return found


def _names(scopes: Scopes, module: Module) -> set[str]:
    names = {index_name(module.id, (column,), "order") for column in ("stage", "owner")}
    for fields, use in needs(scopes, module).indexes:
        index = index_of(fields, use)
        if index is not None:
            names.add(index.name(module.id))
    return names

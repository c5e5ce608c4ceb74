"""What publishing leaves to do, done: indexes built and dropped, values of existing records computed.

All of it can be interrupted anywhere and run again, by several workers at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from xrm_core.catalog import Catalog
from xrm_core.definitions.collection import DefinitionSet
from xrm_core.definitions.scope import Scopes
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.clock import Clock
from xrm_core.kernel.errors import Conflict
from xrm_core.kernel.ids import new_id
from xrm_core.publishing import converting, erasing, taking
from xrm_core.publishing.converting import CONVERT, REVERT
from xrm_core.publishing.erasing import ERASE
from xrm_core.publishing.plan import current
from xrm_core.publishing.publish import BACKFILL
from xrm_core.publishing.tables import expected_indexes, index_of, table_of
from xrm_core.publishing.values import VALUES
from xrm_core.publishing.work import needs
from xrm_core.records import searching
from xrm_core.records.settle import recompute
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import definitions as store
from xrm_core.storage import drafts, indexes
from xrm_core.storage import records as record_store
from xrm_core.storage.database import Connection, Database
from xrm_core.storage.tables import table_name
from xrm_core.storage.workspaces import Workspace

BATCH = 500
MEND = "mend_columns"
LEASE = timedelta(seconds=60)
SETTLE_SECONDS = 1.5
"""Longer than a process works on with a catalog before it looks for a newer one."""


async def build_indexes(
    database: Database,
    schema: str,
    clock: Clock,
    *,
    settle_seconds: float = SETTLE_SECONDS,
    largest: int | None = None,
    announce: Callable[[], Awaitable[None]] | None = None,
) -> list[indexes.Job]:
    """Give live tables the columns and indexes that the definitions ask for; the jobs that were run.

    With `largest` only modules with at most so many records are served, the others stay queued.
    """
    async with database.writing() as connection:
        there = await store.index_names(connection, schema)
        number, definitions = await current(connection, schema)
        scopes = Scopes(definitions)
        wanted = {
            (module.id, fields, use) for module in definitions.modules for fields, use in needs(scopes, module).indexes
        }
        known = {(job.module_id, job.fields, job.use): job for job in await indexes.jobs(connection, schema)}
        for module_id, fields, use in sorted(known.keys() - wanted):
            await store.forget_index(connection, schema, module_id, fields, use)
        for module_id, fields, use in sorted(wanted - known.keys()):
            await indexes.request(connection, table_of(schema, module_id), fields, use, clock.now())
        waiting = sorted(key for key in wanted if key not in known or known[key].state in ("queued", "filling"))
        small = {
            module_id
            for module_id in {key[0] for key in waiting}
            if largest is None or await store.has_at_most(connection, schema, module_id, largest)
        }
    done: list[indexes.Job] = []
    if waiting:
        promoter = _Promoter(database, schema, clock, number, definitions, announce, settle_seconds)
        for module_id, fields, use in waiting:
            job = await promoter.run(module_id, fields, use) if module_id in small else None
            if job is not None:
                done.append(job)
    tables = {table_name(module.id) for module in definitions.modules}
    await _drop_strays(database, schema, there, tables, expected_indexes(definitions))
    return done


async def mend_columns(
    database: Database, schema: str, clock: Clock, module_id: str, fields: tuple[str, ...], use: str
) -> None:
    """Look once more whether promoted columns say what the documents say: a process may have written the old way."""
    async with database.writing() as connection:
        number, definitions = await current(connection, schema)
    await _Promoter(database, schema, clock, number, definitions).run(module_id, fields, use)


class _Promoter:
    """Runs promotions for one version of the definitions."""

    def __init__(
        self,
        database: Database,
        schema: str,
        clock: Clock,
        number: int,
        definitions: DefinitionSet,
        announce: Callable[[], Awaitable[None]] | None = None,
        settle_seconds: float = 0.0,
    ) -> None:
        self.database, self.schema, self.clock = database, schema, clock
        self.announce, self.settle_seconds = announce, settle_seconds
        # A catalog in which every wanted column is there knows how columns follow from documents.
        scopes = Scopes(definitions)
        columns = {(m.id, key): "filling" for m in definitions.modules for key in needs(scopes, m).columns}
        self.catalog = Catalog(schema, number, definitions, columns)

    async def run(self, module_id: str, fields: tuple[str, ...], use: str) -> indexes.Job | None:
        """Promote; None when the module or the field is gone, another worker is at it, or the table is never free for a moment."""
        module = self.catalog.modules.get(module_id)
        if module is None:
            return None
        columns = [column for column in module.table.promoted if column.key in fields]
        if not columns:
            return None  # what was to be promoted is gone again
        try:
            return await indexes.promote(
                self.database,
                module.table,
                columns,
                index_of(fields, use),
                self.clock,
                announce=self.announce,
                settle_seconds=self.settle_seconds,
            )
        except Conflict:
            return None


async def mend_later(database: Database, schema: str, jobs: Iterable[indexes.Job], now: datetime) -> None:
    """Ask the worker to look at these columns again, when every process knows of them."""
    async with database.writing() as connection:
        for job in jobs:
            payload = {"kind": MEND, "module": job.module_id, "keys": list(job.fields), "use": job.use}
            key = f"{BACKFILL}:{MEND}:{job.module_id}:{'$'.join(job.fields)}:{job.use}"
            await store.queue(connection, schema, BACKFILL, key, payload, now + timedelta(seconds=2 * SETTLE_SECONDS))


async def _drop_strays(
    database: Database, schema: str, there: dict[str, str], tables: set[str], expected: set[str]
) -> None:
    # `there` was read before the definitions: what a newer version asks for is not in it. Tables of modules that are
    # not published yet are left alone.
    strays = [name for name, table in sorted(there.items()) if table in tables and name not in expected]
    if strays:
        async with database.ddl_connection() as connection:
            for name in strays:
                await store.drop_index(connection, schema, name)


async def run_backfill(units: Units, workspace: Workspace, *, largest: int | None = None) -> int:
    """Compute what published changes ask for; how many pieces of work were finished.

    With `largest` only work in modules with at most so many records is done.
    """
    holder, finished = str(new_id()), 0
    while True:
        now = units.clock.now()
        async with units.database.writing() as connection:
            claimed = await store.claim(connection, workspace.schema, BACKFILL, holder, now, now + LEASE)
            if claimed is None:
                return finished
            work_id, payload = claimed
            if largest is not None and not await store.has_at_most(
                connection, workspace.schema, str(payload["module"]), largest
            ):
                # Left for the worker; it stays claimed for a moment so that this loop does not meet it again.
                await store.proceed(connection, workspace.schema, work_id, payload, now + timedelta(seconds=2))
                continue
        if payload["kind"] == MEND:
            keys, use = tuple(payload["keys"]), str(payload["use"])
            await mend_columns(units.database, workspace.schema, units.clock, str(payload["module"]), keys, use)
            async with units.database.writing() as connection:
                await store.finish(connection, workspace.schema, work_id, units.clock.now())
        else:
            await _work(units, workspace, work_id, payload)
        finished += 1


async def _work(units: Units, workspace: Workspace, work_id: UUID, payload: dict[str, Any]) -> None:
    after = UUID(payload["after"]) if payload.get("after") else None
    if (await units.catalogs.get(workspace)).version < int(payload.get("number") or 0):
        units.catalogs.forget(workspace)
    while True:

        async def batch(unit: Unit, after: UUID | None = after) -> UUID | None:
            # Who takes a change back waits for this batch, and finds no further one.
            if payload["kind"] == VALUES and not await drafts.wanted(await unit.transaction(), unit.schema, work_id):
                return None
            return await _batch(unit, payload, after)

        after = await units.run(workspace, SYSTEM, batch)
        now = units.clock.now()
        async with units.database.writing() as connection:
            if after is None:
                await store.finish(connection, workspace.schema, work_id, now)
                await _look_again(connection, workspace.schema, payload, now)
                return
            await store.proceed(connection, workspace.schema, work_id, {**payload, "after": str(after)}, now + LEASE)


async def _look_again(connection: Connection, schema: str, payload: dict[str, Any], now: datetime) -> None:
    """A process that had not heard of the change yet may have written the old way behind the work: look once more."""
    fills = [task for task in payload.get("tasks", ()) if task["do"] == "fill"]
    if payload["kind"] == VALUES and fills and not payload.get("again"):
        later = {**payload, "tasks": fills, "again": True, "after": None}
        key = f"{BACKFILL}:{VALUES}:{payload['step']}:{payload['module']}:again"
        await store.queue(connection, schema, BACKFILL, key, later, now + timedelta(seconds=2 * SETTLE_SECONDS))


async def _batch(unit: Unit, payload: dict[str, Any], after: UUID | None) -> UUID | None:
    """The next records of one piece of work; the last of them, or None at the end."""
    if payload["kind"] == ERASE:
        return await erasing.batch(unit, payload, after, BATCH)
    module = unit.catalog.modules.get(str(payload["module"]))
    if module is None:
        return None
    connection = await unit.transaction()
    ids = await store.record_ids(connection, unit.schema, module.id, after, BATCH)
    if not ids:
        return None
    kind = payload["kind"]
    if kind in ("compute", "titles"):
        keys = set(payload.get("keys", ()))
        nodes = [node for node in unit.catalog.graph.of_module.get(module.id, ()) if node.key in keys]
        if nodes:
            await recompute(unit, connection, {node: set(ids) for node in nodes})
    elif kind == VALUES:
        await taking.batch(unit, connection, module, payload, ids)
    elif kind in (CONVERT, REVERT):
        await converting.batch(unit, connection, module, payload, ids)
    elif kind == "first_stage" and module.pipeline is not None:
        first = next(stage for stage in module.pipeline.stages if not stage.archived)
        await store.enter_stage(connection, unit.schema, module.id, ids, first.name, unit.now)
    elif kind == "search":
        beside = any(field.beside for field in searching.searched(module))
        rows = await record_store.fetch(connection, module.table, ids, beside=beside)
        entries = [(row.id, searching.entry(module, row)) for row in rows.values() if row.archived_at is None]
        found = [
            {"id": row_id, "title": entry.title, "folded": entry.folded, "tsv": entry.tsv}
            for row_id, entry in entries
            if entry is not None
        ]
        await record_store.write_search(connection, module.table, found)
        await record_store.remove_search(
            connection, module.table, [row_id for row_id, entry in entries if entry is None]
        )
    return ids[-1] if len(ids) == BATCH else None

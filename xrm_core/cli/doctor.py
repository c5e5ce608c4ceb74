"""`xrm doctor`: reads everything, changes nothing, and names every fault with its cure."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import click

from xrm_core.app import Process
from xrm_core.catalog import Catalog, CompiledModule
from xrm_core.cli.base import Context, Refused, command
from xrm_core.cli.progress import Progress
from xrm_core.definitions.checks import check
from xrm_core.kernel.actor import SYSTEM
from xrm_core.kernel.problem import Problem
from xrm_core.publishing.tables import expected_indexes
from xrm_core.records.settle import recompute
from xrm_core.records.unit import Unit
from xrm_core.storage import definitions as stored
from xrm_core.storage import embedded, indexes, inspection
from xrm_core.storage.hops import link_key
from xrm_core.storage.migrations.run import upgrade
from xrm_core.storage.workspaces import Workspace, list_workspaces

BATCH = 500
LATE = timedelta(hours=1)
LEAST_DISK = 1_000_000_000
_SERVER = "The database server answers and has what it needs"


class _Undo(Exception):
    """Ends a transaction whose changes were only made to be looked at."""

    def __init__(self, moved: int) -> None:
        self.moved = moved


def register(xrm: click.Group) -> None:
    """Add the command."""

    @command(xrm, "doctor", example="xrm doctor --json")
    @click.option("--quick", is_flag=True, help="Leave out what reads every record.")
    async def doctor(context: Context, quick: bool) -> None:
        """Examine database, versions, indexes, links, computed values, overdue work and disk. Exit code 1 on a fault."""
        faults: list[Problem] = []
        done: list[str] = []
        async with context.process() as process:
            done.append(_SERVER)
            with Progress("Examining", quiet=context.as_json) as progress:
                async for what, found in examine(process, quick=quick):
                    progress.step(what, len(done))
                    done.append(what)
                    faults += found
        context.result(
            {"examined": done, "faults": [fault.as_dict() for fault in faults]}, f"Examined {len(done)} things."
        )
        if faults:
            if not context.as_json:
                context.problems(faults)
            raise Refused
        context.say("No fault was found.")


async def examine(process: Process, *, quick: bool) -> AsyncIterator[tuple[str, list[Problem]]]:
    """What is examined, and the faults found there."""
    steps = await upgrade(process.database, plan=True)
    waiting = [
        Problem("migration", f"/{step.place}", f"{step.summary} is not applied.", "Run `xrm db upgrade`.")
        for step in steps
    ]
    yield "migrations", waiting
    yield "disk", _disk(process)
    if waiting:
        return  # the rest would look at tables that are not as this release knows them
    for workspace in await list_workspaces(process.database):
        async with process.units.begin(workspace, SYSTEM) as unit:
            catalog = unit.catalog
        parts: list[tuple[str, Callable[[Process, Workspace, Catalog], Awaitable[list[Problem]]]]] = [
            ("definitions", _definitions),
            ("indexes", _indexes),
            ("links", _links),
            ("overdue work", _overdue),
        ]
        if not quick:
            parts += [("promoted columns", _columns), ("computed values", _computed)]
        for what, look in parts:
            found = await look(process, workspace, catalog)
            yield f"{workspace.slug}: {what}", [problem.under(f"/{workspace.slug}") for problem in found]


def _disk(process: Process) -> list[Problem]:
    place = process.settings.data_dir or embedded.default_data_dir()
    if not place.exists():
        return []
    free = shutil.disk_usage(place).free
    if free >= LEAST_DISK:
        return []
    return [
        Problem("disk", "", f"{place} has only {free // 1_000_000} MB left.", "Make room, or move the data directory.")
    ]


async def _definitions(process: Process, workspace: Workspace, catalog: Catalog) -> list[Problem]:
    return [problem.under("/definitions") for problem in check(catalog.definitions)]


async def _indexes(process: Process, workspace: Workspace, catalog: Catalog) -> list[Problem]:
    async with process.database.writing() as connection:
        there = await stored.index_names(connection, workspace.schema)
        tables = await stored.module_tables(connection, workspace.schema)
        jobs = await indexes.jobs(connection, workspace.schema)
    found = [
        Problem("table", f"/modules/{module.name}", "The module has no table.", "Restore the workspace from a backup.")
        for module in catalog.modules.values()
        if module.table.name not in tables
    ]
    for job in jobs:
        if job.state == "failed":
            hint = "Correct the records it names, then publish the definition again."
            found.append(
                Problem(
                    "index",
                    f"/modules/{job.module_id}",
                    f"The index on {', '.join(job.fields)} failed: {job.error}.",
                    hint,
                )
            )
    ready = not any(job.state in ("queued", "filling") for job in jobs)
    if ready:
        missing = sorted(expected_indexes(catalog.definitions) - set(there))
        found += [
            Problem("index", f"/indexes/{name}", "The index is missing.", "Start the worker: it builds it.")
            for name in missing
        ]
    return found


async def _links(process: Process, workspace: Workspace, catalog: Catalog) -> list[Problem]:
    found: list[Problem] = []
    async with process.database.writing() as connection:
        for module in catalog.modules.values():
            for link in module.links.values():
                targets = [catalog.modules[target].table for target in link.targets]
                if link.many:
                    count = await inspection.dangling_pairs(connection, link_key(link), module.table, targets)
                elif link.column is not None:
                    count = await inspection.dangling(connection, module.table, link.column, targets)
                else:
                    continue
                if count:
                    message = f"{count} links lead to records that do not exist."
                    found.append(
                        Problem("link", f"/modules/{module.name}/links/{link.name}", message, "Clear or set them anew.")
                    )
    return found


async def _overdue(process: Process, workspace: Workspace, catalog: Catalog) -> list[Problem]:
    async with process.database.writing() as connection:
        counts = await inspection.overdue(connection, workspace.schema, process.clock.now() - LATE)
    return [
        Problem("overdue", f"/{what.replace(' ', '_')}", f"{count} {what}.", "Check that a worker runs: `xrm worker`.")
        for what, count in counts.items()
        if count
    ]


async def _columns(process: Process, workspace: Workspace, catalog: Catalog) -> list[Problem]:
    found: list[Problem] = []
    for module in catalog.modules.values():
        if module.table.promoted:
            wrong = await indexes.mismatches(process.database, module.table, module.table.promoted)
            if wrong:
                message = f"{len(wrong)} or more records differ between column and document, such as {wrong[0]}."
                found.append(Problem("column", f"/modules/{module.name}", message, "Write these records again."))
    return found


async def _computed(process: Process, workspace: Workspace, catalog: Catalog) -> list[Problem]:
    found: list[Problem] = []
    for module in catalog.modules.values():
        if catalog.graph.of_module.get(module.id):
            moved = await _stale(process, workspace, module)
            if moved:
                message = f"{moved} records have computed values that a recomputation changes."
                found.append(
                    Problem(
                        "computed",
                        f"/modules/{module.name}",
                        message,
                        "Start the worker, or write these records again.",
                    )
                )
    return found


async def _stale(process: Process, workspace: Workspace, module: CompiledModule) -> int:
    after: UUID | None = None
    moved = 0
    while True:
        async with process.database.writing() as connection:
            ids = await inspection.next_ids(connection, module.table, after, BATCH)
        if not ids:
            return moved

        async def look(unit: Unit, ids: list[UUID] = ids) -> None:
            connection = await unit.transaction()
            nodes = unit.catalog.graph.of_module.get(module.id, ())
            raise _Undo(await recompute(unit, connection, {node: set(ids) for node in nodes}))

        try:
            await process.units.run(workspace, SYSTEM, look)
        except _Undo as undone:
            moved += undone.moved
        after = ids[-1]

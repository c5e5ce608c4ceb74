"""Imports that are kept: uploaded, mapped, tried, run, looked at and undone, one step after the other, by any process."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from xrm_core.importing.mapping import Mapping, read_mapping
from xrm_core.importing.outcome import Outcome
from xrm_core.importing.reader import Source, Table, open_table
from xrm_core.importing.run import Each, Importer, Progress, prepare
from xrm_core.importing.undo import Undone, undo
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import Conflict, Invalid, NotFound, XrmError
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import files
from xrm_core.storage import imports as store
from xrm_core.storage.files import StoredFile
from xrm_core.storage.imports import StoredImport
from xrm_core.storage.workspaces import Workspace

T = TypeVar("T")
PATIENCE = timedelta(seconds=90)
"""An import whose worker was silent for so long may be taken over by another."""
READY = ("uploaded", "planned", "failed")


class Imports:
    """The imports of a workspace, as one actor sees them."""

    def __init__(self, units: Units, workspace: Workspace, actor: Actor) -> None:
        self.units = units
        self.workspace = workspace
        self.actor = replace(actor, kind="import")

    # -- before -------------------------------------------------------------------------------------------------------

    async def add(
        self,
        module: str,
        file_name: str,
        table: Table,
        mapping: Mapping | None = None,
        *,
        content: bytes | None = None,
        kind: str = "file",
        bundle: UUID | None = None,
    ) -> StoredImport:
        """Keep a new import, and its file if `content` is given; raises Invalid if the mapping is wrong."""

        async def work(unit: Unit) -> StoredImport:
            unit.policy.require_import()
            found = unit.module(module)
            if mapping is not None:
                prepare(unit, module, table.columns, mapping)
            connection = await unit.transaction()
            file_id = None
            if content is not None:
                file_id = new_id()
                digest = hashlib.sha256(content).digest()
                stored = StoredFile(
                    file_id, file_name, len(content), "text/csv", digest, None, None, unit.now, unit.actor.user_id, None
                )
                await files.add_file(connection, unit.schema, stored, content)
            new = StoredImport(
                new_id(), bundle, kind, found.id, file_id, file_name, "uploaded", (mapping or Mapping()).as_json(),
                {**table.described(), "columns": list(table.columns)}, {}, 0, None, unit.actor.as_dict(),
                unit.actor.user_id, unit.now, unit.now, None,
            )  # fmt: skip
            await store.add(connection, unit.schema, new)
            return new

        return await self._run(work)

    async def get(self, import_id: UUID) -> StoredImport:
        """One import; raises NotFound if there is none that the actor may see."""

        async def work(unit: Unit) -> StoredImport:
            unit.policy.require_import()
            found = await store.get(await unit.writer(), unit.schema, import_id)
            mine = found is not None and found.created_by == unit.actor.user_id
            if found is None or not (mine or unit.policy.manage_users or self.actor.is_system):
                raise NotFound(Problem("not_found", "", "There is no such import."))
            return found

        return await self._run(work)

    async def newest(self, limit: int = 50) -> list[StoredImport]:
        """The latest imports that the actor may see."""

        async def work(unit: Unit) -> list[StoredImport]:
            unit.policy.require_import()
            own = None if unit.policy.manage_users else unit.actor.user_id
            return await store.newest(await unit.writer(), unit.schema, own, limit)

        return await self._run(work)

    async def set_mapping(self, import_id: UUID, given: Any) -> StoredImport:
        """Say where columns go; raises Invalid with every problem of the mapping."""
        mapping, problems = read_mapping(given)
        if problems:
            raise Invalid(problems)
        known = await self.get(import_id)
        table = await self.table(known)
        if known.state not in READY:
            raise Conflict(Problem("state", "", f"The import is {known.state}.", "Upload the file once more."))

        async def work(unit: Unit) -> StoredImport:
            module = unit.catalog.modules[known.module_id]
            prepare(unit, module.name, table.columns, mapping)
            await store.set_mapping(await unit.transaction(), unit.schema, import_id, mapping.as_json(), "uploaded", unit.now)
            return replace(known, mapping=mapping.as_json(), state="uploaded")

        return await self._run(work)

    async def table(self, known: StoredImport, path: Path | None = None) -> Table:
        """The file of an import, opened."""
        source: Source | None = path
        if known.file_id is not None:
            async with self.units.database.writing() as connection:
                source = await files.get_content(connection, self.workspace.schema, known.file_id)
        if source is None:
            raise NotFound(Problem("file_gone", "", "The file is not there any more.", "Upload it once more."))
        format = known.format
        return await asyncio.to_thread(
            partial(
                open_table, source, encoding=format.get("encoding"), delimiter=format.get("delimiter"), header=format.get("header")
            )
        )

    # -- doing it -----------------------------------------------------------------------------------------------------

    async def claim(self, import_id: UUID, state: str) -> StoredImport:
        """Take an import for planning, running or undoing; raises Conflict if it is not its turn."""
        known = await self.get(import_id)
        if state == "planning" and _begun(known):
            raise Conflict(Problem("state", "", "A part of the file is imported already.", "Run it again, or undo it."))
        allowed = READY if state != "undoing" else ("done", "failed", "undone")

        async def work(unit: Unit) -> bool:
            connection = await unit.transaction()
            taken = await store.claim(connection, unit.schema, import_id, state, allowed, unit.now, PATIENCE)
            if taken and state != "undoing" and not _begun(known):
                await store.restart(connection, unit.schema, import_id)
            return taken

        if not await self._run(work):
            raise Conflict(Problem("state", "", f"The import is {known.state}.", "Wait until it has ended."))
        return await self.get(import_id)

    async def plan(self, known: StoredImport, path: Path | None = None, progress: Progress | None = None) -> Outcome:
        """Try an import that was claimed: everything but keeping it."""
        return await self.ending([known], partial(self._import, known, path, True, progress, None), "planned")

    async def run(
        self, known: StoredImport, path: Path | None = None, progress: Progress | None = None, each: Each | None = None
    ) -> Outcome:
        """Run an import that was claimed, from where an earlier attempt stopped."""
        return await self.ending([known], partial(self._import, known, path, False, progress, each), "done")

    async def _import(
        self, known: StoredImport, path: Path | None, dry: bool, progress: Progress | None, each: Each | None
    ) -> Outcome:
        table = await self.table(known, path)
        mapping, _ = read_mapping(known.mapping)
        async with self.units.begin(self.workspace, self.actor) as unit:
            module = unit.catalog.modules[known.module_id].name
        importer = Importer(self.units, self.workspace, self.actor, module, table, mapping, import_id=known.id)
        if dry or not _begun(known):
            return await importer.run(dry=dry, progress=progress, each=each)
        done = [(start, end) for start, end in known.format.get("ahead", [])]
        return await importer.run(after=known.position, done=done, counts=known.counts, progress=progress, each=each)

    async def undo(self, known: StoredImport, progress: Progress | None = None) -> Undone:
        """Erase what a claimed import created, and give what it changed its values back."""

        async def work() -> Undone:
            return await undo(self.units, self.workspace, self.actor, [known.id], progress)

        return await self.ending([known], work, "undone")

    async def ending(self, claimed: Sequence[StoredImport], work: Callable[[], Awaitable[T]], then: str) -> T:
        """Do the work of claimed imports and note how they ended."""
        try:
            result = await work()
        except XrmError as error:
            await self._finish(claimed, "failed", None, error.problems)
            raise
        except BaseException:
            problem = Problem("interrupted", "", "The work was interrupted.", "Start it again: it goes on where it was.")
            await asyncio.shield(self._finish(claimed, "failed", None, [problem]))
            raise
        counts = result.counts if isinstance(result, Outcome) else None
        if isinstance(result, Undone) and len(claimed) == 1:
            counts = {
                **claimed[0].counts, "erased": result.erased, "restored": result.restored, "kept": len(result.kept),
            }
        await self._finish(claimed, then, counts, [])
        return result

    async def _finish(
        self, claimed: Sequence[StoredImport], state: str, counts: dict[str, int] | None, problems: Sequence[Problem]
    ) -> None:
        error = {"problems": [one.as_dict() for one in problems]} if problems else None
        async with self.units.database.writing() as connection:
            now = self.units.clock.now()
            for known in claimed:
                await store.finish(connection, self.workspace.schema, known.id, state, counts, error, now)

    async def _run(self, work: Callable[[Unit], Awaitable[T]]) -> T:
        return await self.units.run(self.workspace, self.actor, work)


def _begun(known: StoredImport) -> bool:
    """Whether a part of the file has been imported."""
    return bool(known.position or known.format.get("ahead"))

"""Taking back what imports did: what they created goes, never what somebody else's record needs; what they changed is as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.kernel.actor import Actor
from xrm_core.kernel.errors import XrmError
from xrm_core.records import lifecycle
from xrm_core.records import undo as changes
from xrm_core.records.unit import Unit, Units
from xrm_core.storage import changes as change_store
from xrm_core.storage import imports as store
from xrm_core.storage import records as record_store
from xrm_core.storage.workspaces import Workspace

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """A record that stays, or keeps a value that somebody gave it since, and why."""

    module: str
    id: UUID
    title: str
    reason: str


@dataclass
class Undone:
    """What an undo did."""

    erased: int = 0
    restored: int = 0
    """Records that were there before and have their values back."""
    kept: list[Kept] = field(default_factory=list)

    def as_json(self, most: int = 100) -> dict[str, object]:
        """For machines."""
        kept = [
            {"module": one.module, "id": str(one.id), "title": one.title, "reason": one.reason} for one in self.kept[:most]
        ]
        return {"erased": self.erased, "restored": self.restored, "kept": len(self.kept), "kept_records": kept}


async def undo(
    units: Units,
    workspace: Workspace,
    actor: Actor,
    imports: Sequence[UUID],
    progress: Callable[[int, int], None] | None = None,
) -> Undone:
    """Erase what these imports created; records that others need stay, links of others to the rest are cleared.

    Records that were there before get their values back, except those that somebody changed since: they stay and are told.
    The caller has made sure that the actor may do so: undoing an import needs no right to erase.
    """
    able = replace(actor, kind="system")
    undone = Undone()
    edited: dict[str, dict[UUID, str]] = {}
    made, older = await units.run(workspace, able, partial(_written, imports=imports))
    for start in range(0, len(older), AT_ONCE):
        undone.restored += await _restore(units, workspace, able, made, older[start : start + AT_ONCE], edited)
        if progress is not None:
            progress(undone.restored, len(older))
    # What was linked to what goes now is linked to what it was before.
    found, stays = await units.run(workspace, able, partial(_survey, imports=imports))
    total = undone.restored + sum(len(ids) for ids in found.values())
    for module_id, ids in found.items():
        going = [one for one in ids if one not in stays.get(module_id, {})]
        for start in range(0, len(going), AT_ONCE):
            part = going[start : start + AT_ONCE]
            erased, refused = await _erase(units, workspace, able, module_id, part)
            undone.erased += erased
            stays.setdefault(module_id, {}).update(refused)
            if progress is not None:
                progress(undone.restored + undone.erased, total)
    for module_id, reasons in edited.items():
        stays[module_id] = reasons | stays.get(module_id, {})
    undone.kept = await units.run(workspace, able, partial(_described, stays=stays, imports=imports))
    return undone


async def _written(unit: Unit, *, imports: Sequence[UUID]) -> tuple[list[UUID], list[UUID]]:
    """(the changes in which imports wrote to older records, those records)"""
    connection = await unit.transaction()
    made = await store.changes(connection, unit.schema, imports)
    if not made:
        return [], []
    fresh = {one for ids in (await store.created(connection, unit.schema, imports)).values() for one in ids}
    return made, [one for one in await change_store.touched(connection, unit.schema, made) if one not in fresh]


async def _restore(
    units: Units,
    workspace: Workspace,
    actor: Actor,
    made: Sequence[UUID],
    ids: Sequence[UUID],
    kept: dict[str, dict[UUID, str]],
) -> int:
    """How many of these records have their values back; halved until the ones are found that cannot have them."""
    try:
        done = await units.run(workspace, actor, lambda unit: changes.restore(unit, made, ids))
    except XrmError as error:
        if len(ids) == 1:
            found = await units.run(workspace, actor, partial(_module_of, made=made, record=ids[0]))
            kept.setdefault(found, {})[ids[0]] = error.problems[0].message
            return 0
    else:
        for record, problems in done.kept.items():
            reason = "; ".join(problem.message for problem in problems)
            kept.setdefault(done.modules[record], {})[record] = reason
        return done.records
    half = len(ids) // 2
    first = await _restore(units, workspace, actor, made, ids[:half], kept)
    return first + await _restore(units, workspace, actor, made, ids[half:], kept)


async def _module_of(unit: Unit, *, made: Sequence[UUID], record: UUID) -> str:
    events = await change_store.to_records(await unit.transaction(), unit.schema, made, [record])
    return events[0].module_id


async def _survey(
    unit: Unit, *, imports: Sequence[UUID]
) -> tuple[dict[str, list[UUID]], dict[str, dict[UUID, str]]]:
    """(records to erase by module, those that lead to others first; the ones among them that have to stay, with the reason)."""
    connection = await unit.transaction()
    created = await store.created(connection, unit.schema, imports)
    modules = [unit.catalog.modules[one] for one in created if one in unit.catalog.modules]
    stays: dict[str, dict[UUID, str]] = {}
    holding_on: list[tuple[str, UUID, str, UUID, str]] = []
    for module in modules:
        for inverse in module.inverses.values():
            link = inverse.link
            holding = unit.catalog.modules[link.module_id]
            definition = link.definition
            needed = definition.required or definition.owner or definition.on_delete != "unlink"
            if link.many or link.column is None or not needed:
                continue
            foreign, own = await store.referring_imported(
                connection, holding.table, link.column, created[module.id], imports
            )
            reason = f"{holding.definition.plural()} that were not imported here refer to it"
            for target in foreign:
                stays.setdefault(module.id, {}).setdefault(target, reason)
            holding_on += [(holding.id, holder, module.id, target, holding.definition.plural()) for holder, target in own]
    # What stays holds on to what it needs, and so on.
    moved = True
    while moved:
        moved = False
        for holding_id, holder, module_id, target, plural in holding_on:
            if holder in stays.get(holding_id, {}) and target not in stays.get(module_id, {}):
                stays.setdefault(module_id, {})[target] = f"{plural} that stay refer to it"
                moved = True
    return {module.id: created[module.id] for module in _holders_first(modules)}, stays


def _holders_first(modules: Sequence[CompiledModule]) -> list[CompiledModule]:
    """The modules in an order in which those that need others come before them, as far as that is possible."""
    waiting, found = list(modules), list[CompiledModule]()

    def needed_by(module: CompiledModule) -> tuple[int, int]:
        links = [
            inverse.link
            for inverse in module.inverses.values()
            if inverse.link.module_id != module.id and any(other.id == inverse.link.module_id for other in waiting)
        ]
        hard = [link for link in links if link.definition.required or link.definition.on_delete == "restrict"]
        return len(hard), len(links)

    while waiting:
        best = min(waiting, key=needed_by)
        waiting.remove(best)
        found.append(best)
    return found


async def _erase(
    units: Units, workspace: Workspace, actor: Actor, module_id: str, ids: Sequence[UUID]
) -> tuple[int, dict[UUID, str]]:
    """(how many went, the reason for each that did not); halved until the ones that cannot go are found."""
    if not ids:
        return 0, {}
    try:
        return await units.run(workspace, actor, partial(_erase_there, module_id=module_id, ids=ids)), {}
    except XrmError as error:
        if len(ids) == 1:
            return 0, {ids[0]: error.problems[0].message}
    half = len(ids) // 2
    first, refused = await _erase(units, workspace, actor, module_id, ids[:half])
    second, more = await _erase(units, workspace, actor, module_id, ids[half:])
    return first + second, refused | more


async def _erase_there(unit: Unit, *, module_id: str, ids: Sequence[UUID]) -> int:
    module = unit.catalog.modules.get(module_id)
    if module is None:
        return 0
    connection = await unit.transaction()
    there = await record_store.exist(connection, module.table, ids)
    count = await lifecycle.erase_all(unit, module, list(there)) if there else 0
    await store.forget_records(connection, unit.schema, ids)
    return count


async def _described(unit: Unit, *, stays: dict[str, dict[UUID, str]], imports: Sequence[UUID]) -> list[Kept]:
    connection = await unit.transaction()
    await store.forget_changes(connection, unit.schema, imports)
    kept = []
    for module_id, reasons in stays.items():
        module = unit.catalog.modules.get(module_id)
        if module is not None:
            rows = await record_store.fetch(connection, module.table, reasons)
            kept += [Kept(module.name, one, rows[one].title, reason) for one, reason in reasons.items() if one in rows]
    return kept

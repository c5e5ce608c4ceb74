"""Archiving, restoring and erasing records, with what depends on them, as each link says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledLink, CompiledModule
from xrm_core.kernel.errors import Conflict, NotFound, Stale
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem
from xrm_core.records import searching
from xrm_core.records.environment import load_targets, target_of
from xrm_core.records.present import as_json
from xrm_core.records.settle import Change, LinkChange, settle
from xrm_core.records.unit import Unit
from xrm_core.records.write import Stored, refused_as_taken
from xrm_core.storage import files as file_store
from xrm_core.storage import guests as guest_store
from xrm_core.storage import links as link_store
from xrm_core.storage import personal as personal_store
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.errors import Taken
from xrm_core.storage.hops import link_key
from xrm_core.storage.rows import Event, Row

MOST_ALONG = 10_000
"""How many records may be archived or erased along with one request."""


@dataclass
class Plan:
    """What one request archives, erases and unlinks, by module id."""

    gone: dict[str, set[UUID]] = field(default_factory=dict)
    archived: dict[str, set[UUID]] = field(default_factory=dict)
    unlinked: dict[tuple[str, str], set[UUID]] = field(default_factory=dict)
    """(module id, link id) to the records whose link is cleared."""

    def size(self) -> int:
        return sum(len(ids) for part in (self.gone, self.archived, self.unlinked) for ids in part.values())


async def archive(unit: Unit, module_name: str, identifier: UUID, expected_version: int | None = None) -> Stored:
    """Archive a record, and what is archived along with it."""
    module = unit.module(module_name)
    await archive_all(unit, module, [identifier], expected_version)
    return await _answer(unit, module, identifier)


async def archive_all(
    unit: Unit, module: CompiledModule, ids: Sequence[UUID], expected_version: int | None = None
) -> int:
    """Archive records; archived ones stay as they are. Raises Conflict if a link forbids it. Returns how many."""
    unit.policy.require(module.id, "archive")
    connection = await unit.transaction()
    await _require(unit, connection, module, ids, expected_version)
    plan = Plan()
    await _collect(unit, connection, plan, module, set(ids), erase=False)
    return await _set_archived(unit, connection, plan.archived, archive=True)


async def restore(unit: Unit, module_name: str, identifier: UUID, expected_version: int | None = None) -> Stored:
    """Bring an archived record back, with what had been archived along with it."""
    module = unit.module(module_name)
    unit.policy.require(module.id, "archive")
    connection = await unit.transaction()
    await _require(unit, connection, module, [identifier], expected_version)
    row = (await store.fetch(connection, module.table, [identifier], lock=True))[identifier]
    if row.archived_at is not None:
        wanted: dict[str, set[UUID]] = {module.id: {identifier}}
        await _archived_along(unit, connection, module, identifier, row, wanted)
        await _require_live_targets(unit, connection, wanted)
        await _set_archived(unit, connection, wanted, archive=False)
    return await _answer(unit, module, identifier)


async def erase(unit: Unit, module_name: str, identifier: UUID) -> None:
    """Remove a record for ever, with its history, files and links."""
    module = unit.module(module_name)
    await erase_all(unit, module, [identifier])


async def erase_all(unit: Unit, module: CompiledModule, ids: Sequence[UUID]) -> int:
    """Remove records for ever; raises Conflict if a link forbids it. Returns how many."""
    unit.policy.require(module.id, "erase")
    connection = await unit.transaction()
    await _require(unit, connection, module, ids, None)
    plan = Plan()
    await _collect(unit, connection, plan, module, set(ids), erase=True)
    changes: list[Change] = []
    links: list[LinkChange] = []
    for (module_id, link_id), holders in plan.unlinked.items():
        holding = unit.catalog.modules[module_id]
        left = holders - plan.gone.get(module_id, set())
        changes += await _unlink(unit, connection, holding, holding.links_by_id[link_id], left)
    if plan.archived:
        await _set_archived(unit, connection, plan.archived, archive=True)
    for module_id, gone in plan.gone.items():
        erased = unit.catalog.modules[module_id]
        rows = await store.fetch(connection, erased.table, gone)
        links += await _drop_links(unit, connection, erased, list(gone))
        await file_store.forget_of_records(connection, unit.schema, list(gone))
        await store.delete_many(connection, erased.table, list(gone))
        await store.forget_events(connection, unit.schema, list(gone))
        await personal_store.forget_records(connection, unit.schema, list(gone))
        await guest_store.forget_records(connection, unit.schema, list(gone))
        events = [
            Event(
                new_id(),
                module_id,
                row.id,
                row.version + 1,
                "erased",
                unit.actor.as_dict(),
                unit.now,
                {},
                unit.change_id,
            )
            for row in rows.values()
        ]
        await store.insert_events(connection, unit.schema, events)
        changes += [Change(erased, row.id, {*row.data, "archived_at", "title"}, row, None) for row in rows.values()]
    # What has to be forgotten is forgotten, whatever rules say of the lists it was in.
    await settle(unit, connection, changes, links, guarded=False)
    return sum(len(gone) for gone in plan.gone.values())


async def _require(
    unit: Unit, connection: Connection, module: CompiledModule, ids: Sequence[UUID], expected_version: int | None
) -> None:
    found = set(await store.lock_for_erase(connection, module.table, ids))
    scope = unit.scope(module, "archive")
    if scope is not None:
        found &= await store.within_scope(connection, module.table, list(found), scope)
    missing = set(ids) - found
    if missing:
        raise NotFound(
            Problem("not_found", "", f"There is no such record in {module.name}, or you may not archive it.")
        )
    if expected_version is not None:
        row = (await store.fetch(connection, module.table, ids))[ids[0]]
        if row.version != expected_version:
            raise Stale(
                Problem(
                    "stale",
                    "",
                    f"The record has changed meanwhile: it is at version {row.version}, not {expected_version}.",
                    "Read it again.",
                )
            )


async def _collect(
    unit: Unit, connection: Connection, plan: Plan, module: CompiledModule, ids: set[UUID], *, erase: bool
) -> None:
    """Follow the links that lead to these records, as far as anything is taken along."""
    kept = plan.gone if erase else plan.archived
    fresh = ids - kept.setdefault(module.id, set())
    kept[module.id] |= fresh
    if plan.size() > MOST_ALONG:
        raise Conflict(
            Problem(
                "too_many",
                "",
                f"More than {MOST_ALONG} records depend on this.",
                "Archive or erase them in parts first.",
            )
        )
    if not fresh:
        return
    for inverse in module.inverses.values():
        link = inverse.link
        holding = unit.catalog.modules[link.module_id]
        if link.many:
            if erase and link.definition.on_delete == "restrict":
                rows = await link_store.of_targets(connection, unit.schema, [link_key(link)], fresh)
                _refuse(holding, link, len({row.source_id for row in rows}))
            continue
        assert link.column is not None
        behaviour = "cascade" if link.definition.owner else link.definition.on_delete
        if behaviour == "unlink" and not erase:
            continue
        found = await link_store.referring(
            connection, holding.table.qualified, link.column, fresh, lock=behaviour != "restrict", with_archived=erase
        )
        holders = {source for source, _ in found}
        if not holders:
            continue
        if behaviour == "restrict":
            _refuse(holding, link, len(holders - plan.gone.get(holding.id, set())))
        elif behaviour == "cascade":
            await store.lock_for_erase(connection, holding.table, holders)
            await _collect(unit, connection, plan, holding, holders, erase=erase)
        elif behaviour == "archive" and not erase:
            await _collect(unit, connection, plan, holding, holders, erase=False)
        else:
            plan.unlinked.setdefault((holding.id, link.id), set()).update(holders)
            if behaviour == "archive":
                await _collect(unit, connection, plan, holding, holders, erase=False)


def _refuse(holding: CompiledModule, link: CompiledLink, count: int) -> None:
    if count:
        raise Conflict(
            Problem(
                "in_use",
                "",
                f"{count} {holding.definition.plural() if count > 1 else holding.definition.text()} still refer to this as {label_text(link.definition.label)}.",
                "Archive or change them first.",
            )
        )


async def _archived_along(
    unit: Unit, connection: Connection, module: CompiledModule, identifier: UUID, row: Row, wanted: dict[str, set[UUID]]
) -> None:
    """Records that were archived at the very moment when this one was, because of it."""
    for inverse in module.inverses.values():
        link = inverse.link
        if link.many or not (link.definition.owner or link.definition.on_delete in ("cascade", "archive")):
            continue
        assert link.column is not None
        holding = unit.catalog.modules[link.module_id]
        found = await link_store.referring(connection, holding.table.qualified, link.column, [identifier])
        rows = await store.fetch(connection, holding.table, [source for source, _ in found], lock=True)
        for child in rows.values():
            if child.archived_at == row.archived_at and child.id not in wanted.get(holding.id, set()):
                wanted.setdefault(holding.id, set()).add(child.id)
                await _archived_along(unit, connection, holding, child.id, child, wanted)


async def _require_live_targets(unit: Unit, connection: Connection, wanted: dict[str, set[UUID]]) -> None:
    """A record cannot come back before the record without which it would have been archived, or not been let go."""
    for module_id, ids in wanted.items():
        module = unit.catalog.modules[module_id]
        strict = [
            link
            for link in module.links.values()
            if not link.many and (link.definition.owner or link.definition.on_delete != "unlink")
        ]
        if not strict:
            continue
        asked: dict[str, set[UUID]] = {}
        for row in (await store.fetch(connection, module.table, ids)).values():
            for link in strict:
                target_module, target = target_of(row.data.get(link.id), link.targets)
                if target is not None and target not in wanted.get(target_module, set()):
                    asked.setdefault(target_module, set()).add(target)
        for target_module, targets in sorted(asked.items()):
            if target_module not in unit.catalog.modules:
                continue
            known = unit.catalog.modules[target_module]
            archived = [one for one, gone in (await store.exist(connection, known.table, targets)).items() if gone]
            if archived:
                raise Conflict(
                    Problem(
                        "archived_target",
                        "",
                        f"It belongs to {known.definition.text()} {archived[0]}, which is archived.",
                        "Restore that first.",
                    )
                )


async def _set_archived(unit: Unit, connection: Connection, wanted: dict[str, set[UUID]], *, archive: bool) -> int:
    changes: list[Change] = []
    for module_id, ids in wanted.items():
        module = unit.catalog.modules[module_id]
        beside = any(known.beside for known in module.fields.values())
        found = await store.fetch(connection, module.table, ids, lock=True, beside=beside)
        before = [row for row in found.values() if (row.archived_at is None) == archive]
        after = []
        for row in before:
            changed = row.copy()
            changed.archived_at = unit.now if archive else None
            changed.version += 1
            changed.updated_at, changed.updated_by = unit.now, unit.actor.user_id
            after.append(changed)
        kind = "archived" if archive else "restored"
        events = [
            Event(
                new_id(), module_id, new.id, new.version, kind, unit.actor.as_dict(), unit.now,
                {"archived_at": [old.get("archived_at"), new.get("archived_at")]}, unit.change_id,
            )
            for old, new in zip(before, after, strict=True)
        ]  # fmt: skip
        entries = [None if archive else searching.entry(module, row) for row in after]
        texts = [row.beside for row in after]
        for row in after:
            row.beside = {}
        try:
            await store.update_many(connection, module.table, after, before, events, entries)
        except Taken as taken:
            raise refused_as_taken(module, taken) from taken
        for row, beside_values in zip(after, texts, strict=True):
            row.beside = beside_values
        if archive:
            await store.remove_search(connection, module.table, [row.id for row in after])
        changes += [Change(module, new.id, {"archived_at"}, old, new) for old, new in zip(before, after, strict=True)]
    await settle(unit, connection, changes)
    return len(changes)


async def _unlink(
    unit: Unit, connection: Connection, module: CompiledModule, link: CompiledLink, ids: Iterable[UUID]
) -> list[Change]:
    found = await store.fetch(connection, module.table, ids, lock=True)
    before, after, events = [], [], []
    for row in found.values():
        changed = row.copy()
        old: Any = changed.data.pop(link.id, None)
        changed.version += 1
        changed.updated_at, changed.updated_by = unit.now, unit.actor.user_id
        before.append(row)
        after.append(changed)
        events.append(
            Event(
                new_id(),
                module.id,
                row.id,
                changed.version,
                "updated",
                unit.actor.as_dict(),
                unit.now,
                {link.id: [old, None]},
                unit.change_id,
            )
        )
    await store.update_many(connection, module.table, after, before, events, [None] * len(after))
    return [Change(module, new.id, {link.id}, old, new, prepared=False) for old, new in zip(before, after, strict=True)]


async def _drop_links(unit: Unit, connection: Connection, module: CompiledModule, ids: list[UUID]) -> list[LinkChange]:
    own = [link_key(link) for link in module.links.values() if link.many]
    back = [link_key(inverse.link) for inverse in module.inverses.values() if inverse.link.many]
    rows = await link_store.of_sources(connection, unit.schema, own, ids)
    rows += await link_store.of_targets(connection, unit.schema, back, ids)
    removed = await link_store.remove(connection, unit.schema, rows)
    return [LinkChange(row.link_id, row.source_id, row.target_id) for row in removed]


async def _answer(unit: Unit, module: CompiledModule, identifier: UUID) -> Stored:
    connection = await unit.writer()
    row = (
        await store.fetch(
            connection, module.table, [identifier], beside=any(known.beside for known in module.fields.values())
        )
    )[identifier]
    targets = await load_targets(unit, connection, module, [row], [])
    return Stored(row.id, row.version, as_json(unit, module, row, targets))

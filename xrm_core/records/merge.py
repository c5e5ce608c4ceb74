"""Merging records that are the same: one stays, what led to the others leads to it, the others are archived."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledLink, CompiledModule
from xrm_core.fields.capabilities import HoldsFiles
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records import lifecycle, linking, write
from xrm_core.records.environment import target_of
from xrm_core.records.inputs import Input, Reference
from xrm_core.records.settle import LinkChange, settle
from xrm_core.records.unit import Unit
from xrm_core.records.write import Stored
from xrm_core.storage import links as link_store
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import link_key
from xrm_core.storage.links import LinkRow
from xrm_core.storage.rows import Row

MOST = 50


async def merge(
    unit: Unit,
    module_name: str,
    keep: UUID,
    others: Sequence[UUID],
    values: dict[str, Any] | None = None,
    *,
    fill: bool = True,
) -> Stored:
    """The record that stays, with `values`; with `fill` its empty fields take what the others have, the first one first.

    All of it happens in one transaction and is one change: it can be undone as one.
    """
    module = unit.module(module_name)
    unit.policy.require(module.id, "edit")
    unit.policy.require(module.id, "archive")
    wanted = list(dict.fromkeys(others))
    if not wanted or keep in wanted or len(wanted) > MOST:
        message = f"Name one record to keep, and 1 to {MOST} others."
        raise Invalid(Problem("merge", "/merge", message))
    connection = await unit.transaction()
    rows = await _locked(unit, connection, module, [keep, *wanted])
    filled = _filling(unit, module, rows, keep, wanted) if fill else {}
    await _repoint(unit, connection, module, keep, set(wanted))
    await _relink(unit, connection, module, keep, set(wanted))
    await lifecycle.archive_all(unit, module, wanted)
    return await write.update(unit, module_name, keep, {**filled, **(values or {})})


async def _locked(unit: Unit, connection: Connection, module: CompiledModule, ids: list[UUID]) -> dict[UUID, Row]:
    for identifier in ids:
        await linking.visible(unit, connection, module, identifier, edit=True)
    found = await store.fetch(connection, module.table, ids, lock=True, beside=True)
    if len(found) != len(ids):
        raise NotFound(Problem("not_found", "", f"There is no such record in {module.name}."))
    return found


def _filling(
    unit: Unit, module: CompiledModule, rows: dict[UUID, Row], keep: UUID, others: list[UUID]
) -> dict[str, Any]:
    """What the record that stays lacks and the others have, as it would be written."""
    rights = unit.policy.module(module.id)
    closed = rights.hidden | rights.read_only
    mine = rows[keep]
    found: dict[str, Any] = {}
    for name, known in module.fields.items():
        definition = known.definition
        if not known.writable or definition.read_only or known.id in closed or isinstance(definition, HoldsFiles):
            continue
        if _value(mine, known.id) is None:
            value = next((one for other in others if (one := _value(rows[other], known.id)) is not None), None)
            if value is not None:
                found[name] = value
    for name, link in module.links.items():
        if link.many or link.definition.read_only or link.id in closed or _value(mine, link.id) is not None:
            continue
        for other in others:
            target_module, target = target_of(_value(rows[other], link.id), link.targets)
            if target is not None and target != keep and target not in others:
                found[name] = {"module": unit.catalog.modules[str(target_module)].name, "id": str(target)}
                break
    if mine.owner is None:
        owner = next((rows[other].owner for other in others if rows[other].owner is not None), None)
        if owner is not None:
            found["owner"] = str(owner)
    return found


def _value(row: Row, key: str) -> Any:
    return row.data.get(key) if row.data.get(key) is not None else row.beside.get(key)


async def _repoint(unit: Unit, connection: Connection, module: CompiledModule, keep: UUID, others: set[UUID]) -> None:
    """Records whose many-to-one link leads to one of the others lead to the one that stays."""
    for inverse in module.inverses.values():
        link = inverse.link
        if link.many or link.column is None:
            continue
        holding = unit.catalog.modules[link.module_id]
        found = await link_store.referring(connection, holding.table.qualified, link.column, others, lock=True)
        wanted = []
        for holder, _ in found:
            if holding.id == module.id and holder in others:
                continue  # it goes away itself
            itself = holding.id == module.id and holder == keep
            target = None if itself else Reference(module.name, keep, path=pointer(link.name))
            wanted.append((holder, Input(links={link.id: target}), None))
        if wanted:
            drafts, _ = await write.update_all(unit, holding, wanted)
            problems = [problem for draft in drafts for problem in draft.problems]
            if problems:
                raise Invalid([problem.under(pointer(holding.name)) for problem in problems[:20]])


async def _relink(unit: Unit, connection: Connection, module: CompiledModule, keep: UUID, others: set[UUID]) -> None:
    """Many-to-many links of the others become links of the one that stays."""
    own = [link for link in module.links.values() if link.many]
    back = [inverse.link for inverse in module.inverses.values() if inverse.link.many]
    old = await link_store.of_sources(connection, unit.schema, _keys(own), others)
    new = [replace(row, source_id=keep) for row in old]
    towards = await link_store.of_targets(connection, unit.schema, _keys(back), others)
    old += [row for row in towards if row not in old]
    new += [replace(row, target_id=keep) for row in towards]
    gone = others | {keep}
    new = [row for row in new if not (row.source_id in gone and row.target_id in gone)]
    if not old:
        return
    removed = await link_store.remove(connection, unit.schema, old)
    added = await link_store.add(connection, unit.schema, _once(new))
    await linking.log(unit, connection, added, removed)
    await settle(
        unit, connection, [], [LinkChange(row.link_id, row.source_id, row.target_id) for row in (*removed, *added)]
    )


def _keys(links: list[CompiledLink]) -> list[str]:
    return [link_key(link) for link in links]


def _once(rows: list[LinkRow]) -> list[LinkRow]:
    return list({(row.link_id, row.source_id, row.target_id): row for row in rows}.values())

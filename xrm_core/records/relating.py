"""Linking two records and taking them apart, from whichever side somebody stands on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledInverse, CompiledLink, CompiledModule
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records import choosing, linking, write
from xrm_core.records.environment import target_of
from xrm_core.records.inputs import Reference
from xrm_core.records.prepare import link_attributes
from xrm_core.records.settle import LinkChange, settle
from xrm_core.records.unit import Unit
from xrm_core.storage import links as link_store
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.hops import link_key
from xrm_core.storage.links import LinkRow


async def link(
    unit: Unit,
    module_name: str,
    identifier: UUID,
    link_name: str,
    other_id: UUID,
    attributes: dict[str, Any] | None = None,
) -> None:
    """Link a record to another; where only one link is possible it takes the place of the one before."""
    module = unit.module(module_name)
    found = linking.find(module, link_name)
    near = found.link if isinstance(found, CompiledInverse) else found
    linking.require_link(unit, module, near)
    connection = await unit.transaction()
    if not near.many:
        if attributes:
            raise Invalid(Problem("no_attributes", "/attributes", "This link has no attributes.", "Leave them out."))
        holder, target_module, target = await _single(unit, connection, module, identifier, found, other_id)
        wanted = {"module": target_module.name, "id": str(target)}
        await write.update(unit, unit.catalog.modules[near.module_id].name, holder, {near.name: wanted})
        return
    source, target_module, target = await _ends(unit, connection, module, identifier, found, other_id)
    await store.exist(connection, target_module.table, [target], unit.catalog.graph.grip(link_key(near)))
    problems = list((await choosing.problems_of(unit, connection, near, target_module, [target])).values())
    given = Reference(target_module.name, target, attributes=attributes)
    stored = link_attributes(unit, near.definition.attributes, given, problems)
    if problems:
        raise Invalid(problems)
    row = LinkRow(link_key(near), source, target_module.id, target, stored)
    known = await link_store.of_sources(connection, unit.schema, [row.link_id], [source])
    there = {(one.link_id, one.source_id, one.target_id): one.attributes for one in known}
    await linking.log_attributes(unit, connection, there, [row])
    added = await link_store.add(connection, unit.schema, [row])
    await linking.log(unit, connection, added, [])
    await settle(unit, connection, [], [LinkChange(row.link_id, row.source_id, row.target_id) for row in added])


async def unlink(unit: Unit, module_name: str, identifier: UUID, link_name: str, other_id: UUID) -> None:
    """Take two records apart; raises NotFound if they are not linked, Invalid if the link is required."""
    module = unit.module(module_name)
    found = linking.find(module, link_name)
    near = found.link if isinstance(found, CompiledInverse) else found
    linking.require_link(unit, module, near)
    connection = await unit.transaction()
    if not near.many:
        holder, target = (other_id, identifier) if isinstance(found, CompiledInverse) else (identifier, other_id)
        holding = unit.catalog.modules[near.module_id]
        await linking.visible(unit, connection, module, identifier, edit=holding is module and holder == identifier)
        row = (await store.fetch(connection, holding.table, [holder], lock=True)).get(holder)
        if row is None or target_of(row.data.get(near.id), near.targets)[1] != target:
            raise _not_linked()
        await write.update(unit, holding.name, holder, {near.name: None})
        return
    source, _, target = await _ends(unit, connection, module, identifier, found, other_id, live=False)
    key = link_key(near)
    rows = [row for row in await link_store.of_sources(connection, unit.schema, [key], [source])]
    mine = [row for row in rows if row.target_id == target]
    if not mine:
        raise _not_linked()
    if near.definition.required and len(rows) == 1:
        raise Invalid(Problem("required", pointer(near.name), f"{label_text(near.definition.label)} is needed."))
    removed = await link_store.remove(connection, unit.schema, mine)
    await linking.log(unit, connection, [], removed)
    await settle(unit, connection, [], [LinkChange(row.link_id, row.source_id, row.target_id) for row in removed])


async def _single(
    unit: Unit,
    connection: Connection,
    module: CompiledModule,
    identifier: UUID,
    found: CompiledLink | CompiledInverse,
    other_id: UUID,
) -> tuple[UUID, CompiledModule, UUID]:
    """(the record that holds the link, the target's module, the target)."""
    if isinstance(found, CompiledInverse):
        await linking.visible(unit, connection, module, identifier, edit=False)
        return other_id, module, identifier
    return identifier, await _module_of(unit, connection, found, other_id), other_id


async def _ends(
    unit: Unit,
    connection: Connection,
    module: CompiledModule,
    identifier: UUID,
    found: CompiledLink | CompiledInverse,
    other_id: UUID,
    *,
    live: bool = True,
) -> tuple[UUID, CompiledModule, UUID]:
    """(source, the target's module, target) of a many-to-many link; the source is locked and must be one to be changed."""
    if isinstance(found, CompiledInverse):
        source_module, source, target_module, target = (
            unit.catalog.modules[found.module_id],
            other_id,
            module,
            identifier,
        )
    else:
        target_module = await _module_of(unit, connection, found, other_id)
        source_module, source, target = module, identifier, other_id
    await store.fetch(connection, source_module.table, [source], lock=True)
    await linking.visible(unit, connection, source_module, source, edit=True, live=live)
    await linking.visible(unit, connection, target_module, target, edit=False, live=live)
    return source, target_module, target


async def _module_of(unit: Unit, connection: Connection, link: CompiledLink, identifier: UUID) -> CompiledModule:
    """The module of a link's target; a link to several modules does not tell, so that they are asked."""
    modules = [unit.catalog.modules[one] for one in link.targets if one in unit.catalog.modules]
    for module in modules:
        if not link.polymorphic or await store.exist(connection, module.table, [identifier]):
            return module
    raise NotFound(Problem("not_found", "", f"There is no such record in {' or '.join(m.name for m in modules)}."))


def _not_linked() -> NotFound:
    return NotFound(Problem("not_linked", "", "These records are not linked."))

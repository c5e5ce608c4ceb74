"""Links between records, set from either side; many-to-many links with their attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledInverse, CompiledLink, CompiledModule
from xrm_core.kernel.errors import Invalid, NotFound
from xrm_core.kernel.ids import new_id
from xrm_core.kernel.problem import Problem
from xrm_core.records.prepare import Draft
from xrm_core.records.settle import LinkChange
from xrm_core.records.unit import Unit
from xrm_core.storage import links as link_store
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.links import LinkRow
from xrm_core.storage.rows import Event


def find(module: CompiledModule, name: str) -> CompiledLink | CompiledInverse:
    """The link of that name as the module sees it; raises NotFound."""
    found = module.links.get(name) or module.inverses.get(name)
    if found is None:
        known = ", ".join([*module.links, *module.inverses])
        raise NotFound(
            Problem("unknown_link", "", f"{module.name} has no link {name!r}.", f"Links: {known}." if known else "")
        )
    return found


async def store_many(unit: Unit, connection: Connection, drafts: Sequence[Draft]) -> list[LinkChange]:
    """Make the many-to-many links of these records what the drafts say; returns what changed."""
    wanted = [row for draft in drafts for rows in draft.many.values() for row in rows]
    sources = [draft.row.id for draft in drafts if draft.many and draft.before is not None]
    kinds = {f"{draft.module_id}.{key}" for draft in drafts if draft.before is not None for key in draft.many}
    gone: list[LinkRow] = []
    if sources:
        keep = {(row.link_id, row.source_id, row.target_id) for row in wanted}
        replaced = {(f"{draft.module_id}.{key}", draft.row.id) for draft in drafts for key in draft.many}
        existing = await link_store.of_sources(connection, unit.schema, sorted(kinds), sources)
        gone = [
            row
            for row in existing
            if (row.link_id, row.source_id) in replaced and (row.link_id, row.source_id, row.target_id) not in keep
        ]
        there = {(row.link_id, row.source_id, row.target_id): row.attributes for row in existing}
        await log_attributes(unit, connection, there, wanted)
    removed = await link_store.remove(connection, unit.schema, gone)
    added = await link_store.add(connection, unit.schema, wanted)
    # What a record is born with is told by its creation.
    born = {draft.row.id for draft in drafts if draft.before is None}
    await log(unit, connection, [row for row in added if row.source_id not in born], removed)
    return [LinkChange(row.link_id, row.source_id, row.target_id) for row in (*added, *removed)]


Ends = tuple[str, UUID, UUID]
"""A many-to-many link: its key, its source, its target."""


async def log_attributes(
    unit: Unit, connection: Connection, there: dict[Ends, dict[str, Any] | None], wanted: Sequence[LinkRow]
) -> None:
    """Tell in the history of the source which links are about to get other attributes."""
    events = []
    for row in wanted:
        ends = (row.link_id, row.source_id, row.target_id)
        if ends in there and row.attributes is not None and row.attributes != there[ends]:
            module_id, _, link_id = row.link_id.partition(".")
            plain = {"module": row.target_module, "id": str(row.target_id)}
            before = {**plain, **({"attributes": there[ends]} if there[ends] else {})}
            pair = [before, {**plain, "attributes": row.attributes}]
            events.append(
                Event(
                    new_id(), module_id, row.source_id, 0, "linked", unit.actor.as_dict(), unit.now, {link_id: pair},
                    unit.change_id,
                )
            )  # fmt: skip
    await store.insert_events(connection, unit.schema, events)


async def log(unit: Unit, connection: Connection, added: Sequence[LinkRow], removed: Sequence[LinkRow]) -> None:
    """Tell in the history of both sides which many-to-many links were made and undone."""
    events = []
    for kind, rows in (("linked", added), ("unlinked", removed)):
        for row in rows:
            module_id, _, link_id = row.link_id.partition(".")
            target: dict[str, Any] = {
                "module": row.target_module,
                "id": str(row.target_id),
                **({"attributes": row.attributes} if row.attributes else {}),
            }
            pair: list[Any] = [None, target] if kind == "linked" else [target, None]
            events.append(
                Event(
                    new_id(),
                    module_id,
                    row.source_id,
                    0,
                    kind,
                    unit.actor.as_dict(),
                    unit.now,
                    {link_id: pair},
                    unit.change_id,
                )
            )
            # The other side's history tells it as well.
            source: dict[str, Any] = {"module": module_id, "id": str(row.source_id)}
            pair = [None, source] if kind == "linked" else [source, None]
            events.append(
                Event(
                    new_id(),
                    row.target_module,
                    row.target_id,
                    0,
                    kind,
                    unit.actor.as_dict(),
                    unit.now,
                    {row.link_id: pair},
                    unit.change_id,
                )
            )
    await store.insert_events(connection, unit.schema, events)


async def visible(
    unit: Unit, connection: Connection, module: CompiledModule, identifier: UUID, *, edit: bool, live: bool = True
) -> None:
    """Raises NotFound unless the record exists, is live (or need not be), and the actor may see (or change) it."""
    unit.policy.require(module.id, "edit" if edit else "see")
    found = await store.exist(connection, module.table, [identifier])
    scope = unit.scope(module, "edit" if edit else "see")
    if identifier not in found or (live and found[identifier]):
        raise NotFound(Problem("not_found", "", f"There is no such record in {module.name}."))
    if scope is not None and not await store.within_scope(connection, module.table, [identifier], scope):
        raise NotFound(Problem("not_found", "", f"There is no such record in {module.name}."))


def require_link(unit: Unit, module: CompiledModule, link: CompiledLink) -> None:
    """Raises NotFound if the link is hidden from the actor."""
    if link.id in unit.policy.module(link.module_id).hidden:
        raise NotFound(Problem("unknown_link", "", f"{module.name} has no such link."))
    if link.id in unit.policy.module(link.module_id).read_only:
        raise Invalid(Problem("read_only", "", "This link cannot be changed."))


def attributes_of(link: CompiledLink, stored: dict[str, Any] | None) -> dict[str, Any]:
    """The attributes of a many-to-many link by their names."""
    names = {definition.id: definition.name for definition in link.definition.attributes}
    return {names[key]: value for key, value in (stored or {}).items() if key in names}

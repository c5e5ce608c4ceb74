"""What somebody did lately, change by change, in words: what "undo" offers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from xrm_core.catalog import CompiledModule
from xrm_core.kernel.errors import Malformed
from xrm_core.kernel.problem import Problem
from xrm_core.records import wording
from xrm_core.records.unit import Unit
from xrm_core.storage import changes as store
from xrm_core.storage import records as record_store
from xrm_core.storage.database import Connection
from xrm_core.storage.rows import Event, instant

MOST = 50


async def titles_for(
    unit: Unit, connection: Connection, module: CompiledModule, ids: Sequence[UUID]
) -> dict[UUID, str]:
    """The titles of records of one module, as far as the actor may see them."""
    scope = unit.scope(module, "see")
    seen = set(ids) if scope is None else await record_store.within_scope(connection, module.table, list(ids), scope)
    return await store.titles(connection, module.table.qualified, sorted(seen)) if seen else {}


async def titles_of(unit: Unit, connection: Connection, events: Iterable[Event]) -> dict[UUID, str]:
    """The titles of the records that events are about, archived ones too; one statement per module."""
    by_module: dict[str, set[UUID]] = {}
    for event in events:
        by_module.setdefault(event.module_id, set()).add(event.record_id)
    found: dict[UUID, str] = {}
    for module_id, ids in by_module.items():
        module = unit.catalog.modules.get(module_id)
        if module is not None and unit.policy.allows(module_id, "see"):
            found |= await titles_for(unit, connection, module, sorted(ids))
    return found


async def lately(unit: Unit, *, limit: int = 20, before: UUID | None = None) -> list[dict[str, Any]]:
    """The actor's last changes, newest first: `[{"id", "at", "summary", "kind", "module", "record", "fields", "records",
    "undone_by", "undoes"}]`."""
    if not 1 <= limit <= MOST:
        raise Malformed(Problem("limit", "/limit", f"At most {MOST} changes at once."))
    if unit.me is None:
        return []
    connection = unit.current or await unit.writer()
    made = await store.lately(connection, unit.schema, unit.me, limit, before)
    titles = await titles_of(unit, connection, [event for one in made for event in one.events])
    found = []
    for one in made:
        shown = [
            event
            for event in one.events
            if event.module_id in unit.catalog.modules and unit.policy.allows(event.module_id, "see")
        ]
        if not shown:
            continue
        first = shown[0]
        module = unit.catalog.modules[first.module_id]
        keys = wording.told(unit, module, first) if first.kind in ("updated", "moved", "undone") else []
        entry: dict[str, Any] = {
            "id": str(one.id),
            "at": instant(first.at),
            "summary": wording.sentence(unit, shown, one.records, titles),
            "kind": first.kind,
            "module": module.name,
            "records": one.records,
            "fields": [module.names.get(key, key) for key in keys],
            "undone_by": str(one.undone_by) if one.undone_by else None,
            "undoes": str(one.undoes) if one.undoes else None,
            "can_undo": one.undone_by is None and not any(event.kind == "erased" for event in one.events),
        }
        if one.records == 1:
            entry["record"] = {"id": str(first.record_id), "title": titles.get(first.record_id, "")}
        found.append(entry)
    return found

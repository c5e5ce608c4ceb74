"""What the interface remembers for one member: where they were, favourites, recent records."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from xrm_core.kernel.errors import Forbidden, Invalid, NotFound
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records import views
from xrm_core.records.changes import titles_for
from xrm_core.records.inputs import read_uuid
from xrm_core.records.unit import Unit
from xrm_core.storage import personal as store
from xrm_core.storage import records as record_store
from xrm_core.storage.rows import instant

LONGEST_QUERY = 8_000
MOST_FAVOURITES = 100
MOST_RECENT = 100


def _me(unit: Unit) -> UUID:
    if unit.actor.user_id is None:
        raise Forbidden(Problem("forbidden", "", "Only people have these settings."))
    return unit.actor.user_id


async def states(unit: Unit) -> dict[str, str]:
    """Module name to the query with which the member looked at it last."""
    found = await store.states(await unit.writer(), unit.schema, _me(unit))
    modules = unit.catalog.modules
    return {
        modules[key].name: query for key, query in found.items() if key in modules and unit.policy.allows(key, "see")
    }


async def set_state(unit: Unit, module_name: str, query: str | None) -> None:
    """Remember (or forget) how the member looks at a module."""
    module = unit.module(module_name)
    if query is not None and (len(query) > LONGEST_QUERY or not query.isprintable()):
        raise Invalid(Problem("too_long", "/query", f"At most {LONGEST_QUERY} printable characters."))
    await store.set_state(await unit.transaction(), unit.schema, _me(unit), module.id, query, unit.now)


async def favourites(unit: Unit) -> list[dict[str, Any]]:
    """The member's favourites in their order, without what is gone or hidden from them."""
    connection = await unit.writer()
    kept = await store.favourites(connection, unit.schema, _me(unit))
    saved = {entry["key"]: entry for entry in await views.listed(unit)} if any(k == "view" for k, _, _ in kept) else {}
    records: dict[str, list[UUID]] = {}
    for kind, target, module_id in kept:
        if kind == "record" and module_id in unit.catalog.modules and unit.policy.allows(module_id, "see"):
            records.setdefault(module_id, []).append(UUID(target))
    titles: dict[UUID, str] = {}
    for module_id, ids in records.items():
        titles |= await titles_for(unit, connection, unit.catalog.modules[module_id], ids)
    found = []
    for kind, target, module_id in kept:
        module = unit.catalog.modules.get(module_id)
        if module is None or not unit.policy.allows(module_id, "see"):
            continue
        entry = {"kind": kind, "target": target, "module": module.name}
        if kind == "module":
            found.append({**entry, "title": module.definition.plural(unit.workspace.locale)})
        elif kind == "view" and target in saved:
            found.append({**entry, "title": saved[target]["name"]})
        elif kind == "record" and UUID(target) in titles:
            found.append({**entry, "title": titles[UUID(target)]})
    return found


async def set_favourites(unit: Unit, wanted: list[Any]) -> list[dict[str, Any]]:
    """Make these the member's favourites: `[{"kind": "module|view|record", "target", "module"}]`."""
    problems: list[Problem] = []
    rows: dict[tuple[str, str], store.Favourite] = {}
    if len(wanted) > MOST_FAVOURITES:
        raise Invalid(Problem("too_many", "/data", f"At most {MOST_FAVOURITES} favourites."))
    for n, one in enumerate(wanted):
        place = pointer("data", n)
        if not isinstance(one, dict) or one.get("kind") not in ("module", "view", "record"):
            problems.append(
                Problem("type", place, "A favourite has kind, target and module.", "Kinds: module, view, record.")
            )
            continue
        module = unit.catalog.find(str(one.get("module")))
        target = str(one.get("target") or one.get("module"))
        if module is None or not unit.policy.allows(module.id, "see"):
            problems.append(Problem("unknown_module", f"{place}/module", "There is no such module."))
        elif one["kind"] == "record" and read_uuid(target) is None or len(target) > 120 or not target.isprintable():
            problems.append(Problem("id", f"{place}/target", "This is not the id of a record."))
        else:
            target = module.id if one["kind"] == "module" else target
            rows[one["kind"], target] = (one["kind"], target, module.id)
    if problems:
        raise Invalid(problems)
    await store.set_favourites(await unit.transaction(), unit.schema, _me(unit), list(rows.values()))
    return await favourites(unit)


async def look_at(unit: Unit, module_name: str, identifier: UUID) -> None:
    """Remember that the member looked at a record."""
    module = unit.module(module_name)
    unit.policy.require(module.id, "see")
    connection = await unit.transaction()
    scope = unit.scope(module, "see") or ("true", [])
    if not await record_store.within_scope(connection, module.table, [identifier], scope):
        raise NotFound(Problem("not_found", "", f"There is no such record in {module.name}, or you may not see it."))
    await store.looked_at(connection, unit.schema, _me(unit), module.id, identifier, unit.now, MOST_RECENT)


async def recent(unit: Unit, limit: int) -> list[dict[str, Any]]:
    """What the member looked at last: `[{"module", "id", "title", "at"}]`."""
    connection = await unit.writer()
    rows = await store.recent(connection, unit.schema, _me(unit), limit)
    by_module: dict[str, list[UUID]] = {}
    for module_id, identifier, _ in rows:
        if module_id in unit.catalog.modules and unit.policy.allows(module_id, "see"):
            by_module.setdefault(module_id, []).append(identifier)
    titles: dict[UUID, str] = {}
    for module_id, ids in by_module.items():
        titles |= await titles_for(unit, connection, unit.catalog.modules[module_id], ids)
    return [
        {
            "module": unit.catalog.modules[module_id].name,
            "id": str(identifier),
            "title": titles[identifier],
            "at": instant(at),
        }
        for module_id, identifier, at in rows
        if identifier in titles
    ]

"""Which records may be linked to: those that the actor sees, and for which the link's own condition holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from xrm_core.catalog import CompiledLink, CompiledModule
from xrm_core.expressions.typed import Typed
from xrm_core.kernel.labels import label_text
from xrm_core.kernel.problem import Problem, pointer
from xrm_core.records.environment import target_of
from xrm_core.records.prepare import Draft
from xrm_core.records.unit import Unit
from xrm_core.storage import records as store
from xrm_core.storage.database import Connection
from xrm_core.storage.sql import computed as sql_computed


async def check(unit: Unit, connection: Connection, module: CompiledModule, drafts: Sequence[Draft]) -> None:
    """Put problems into drafts whose new links lead to what cannot be chosen; a statement per link and target module."""
    for link in module.links.values():
        if link.definition.where is None and not any(_limited(unit, one) for one in link.targets):
            continue
        asked: dict[str, dict[UUID, list[tuple[Draft, str]]]] = {}
        for draft in drafts:
            for module_id, target, place in _new_targets(link, draft):
                asked.setdefault(module_id, {}).setdefault(target, []).append((draft, place))
        for module_id, holders in asked.items():
            if module_id not in unit.catalog.modules:
                continue
            for target, problem in (
                await problems_of(unit, connection, link, unit.catalog.modules[module_id], holders)
            ).items():
                for draft, place in holders[target]:
                    if not draft.problems:
                        draft.problems.append(problem.under(place))


async def problems_of(
    unit: Unit, connection: Connection, link: CompiledLink, target: CompiledModule, ids: Iterable[UUID]
) -> dict[UUID, Problem]:
    """Why these records cannot be chosen for a link; those that can are not in the answer."""
    wanted = list(ids)
    label = label_text(link.definition.label, unit.workspace.locale)
    found: dict[UUID, Problem] = {}
    scope = unit.scope(target, "see")
    if scope is not None:
        seen = await store.within_scope(connection, target.table, wanted, scope)
        found |= {
            one: Problem("no_target", "", f"{label}: there is no such record.") for one in wanted if one not in seen
        }
    condition = _condition(unit, link, target)
    if condition is not None:
        rest = [one for one in wanted if one not in found]
        failing = await sql_computed.failing(connection, unit.catalog.modules, target, None, condition, rest, unit)
        text = f"{label}: this record cannot be chosen."
        found |= {one: Problem("not_offered", "", text, f"Needed: {link.definition.where}.") for one in failing}
    return found


def _limited(unit: Unit, module_id: str) -> bool:
    known = unit.catalog.modules.get(module_id)
    return known is not None and unit.scope(known, "see") is not None


def _new_targets(link: CompiledLink, draft: Draft) -> Iterable[tuple[str, UUID, str]]:
    if link.many:
        for index, row in enumerate(draft.many.get(link.id, ())):
            yield row.target_module, row.target_id, pointer(link.name, index)
    elif link.id in draft.changed:
        module_id, target = target_of(draft.row.data.get(link.id), link.targets)
        if target is not None:
            yield module_id, target, pointer(link.name)


def _condition(unit: Unit, link: CompiledLink, target: CompiledModule) -> Typed | None:
    if link.definition.where is None:
        return None
    key = ("where", link.module_id, link.id)
    if key not in target.memo:
        target.memo[key] = unit.catalog.scopes.condition(target.definition, link.definition.where)[0]
    found: Typed | None = target.memo[key]
    return found

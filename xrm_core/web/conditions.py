"""Conditions of fields over a record that is still being typed: which are shown, which are needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xrm_core.expressions.typed import Over, Typed, walk
from xrm_core.records.environment import RecordEnv, load_targets, python_of
from xrm_core.records.inputs import read_input
from xrm_core.records.prepare import new_row, parse_context
from xrm_core.records.unit import Unit
from xrm_core.storage.hops import sources
from xrm_core.storage.model import CompiledModule
from xrm_core.storage.rows import Row


@dataclass(frozen=True, slots=True)
class State:
    """Whether a field is shown, and whether it is needed."""

    shown: bool = True
    needed: bool = False


def conditional(module: CompiledModule) -> dict[str, tuple[str | None, str | None]]:
    """(visible_when, required_when) of the fields and links that have one."""
    found = {}
    for part in module.parts:
        pair = (part.definition.visible_when, part.definition.required_when)
        if any(pair):
            found[part.name] = pair
    return found


async def states(unit: Unit, module: CompiledModule, values: Mapping[str, Any]) -> dict[str, State]:
    """The states of all conditional fields for values in the form of the API; what cannot be read counts as empty."""
    wanted = conditional(module)
    if not wanted:
        return {}
    rights = unit.policy.module(module.id)
    given = read_input(module, dict(values), parse_context(unit), rights, by_system=True)
    row: Row = new_row(unit)
    row.data = {key: value for key, value in given.values.items() if value is not None}
    for key, reference in given.links.items():
        if reference is not None and reference.id is not None:
            link = module.links_by_id[key]
            target = unit.catalog.find(reference.module) if reference.module else None
            named = {"module": target.id if target else link.targets[0], "id": str(reference.id)}
            row.data[key] = named if link.polymorphic else str(reference.id)
    row.stage, row.owner = given.stage, given.owner or row.owner
    compiled: dict[str, list[Typed | None]] = {}
    for name, pair in wanted.items():
        compiled[name] = [_typed(unit, module, source) for source in pair]
    trees = [tree for pair in compiled.values() for tree in pair if tree is not None]
    behind = {
        source.ids: source for tree in trees for source in sources(tree, module.id, unit.catalog.modules) if source.hops
    }
    connection = unit.current or await unit.writer()
    targets = await load_targets(unit, connection, module, [row], list(behind.values()), {ids[0] for ids in behind})
    env = RecordEnv(unit, module, row, targets)

    def holds(tree: Typed | None, otherwise: bool) -> bool:
        if tree is None or any(isinstance(part, Over) for part in walk(tree)):
            return otherwise
        return python_of(unit.catalog, tree)(env) is True

    return {name: State(holds(visible, True), holds(required, False)) for name, (visible, required) in compiled.items()}


def _typed(unit: Unit, module: CompiledModule, source: str | None) -> Typed | None:
    if not source:
        return None
    typed, _ = unit.catalog.scopes.condition(module.definition, source)
    return typed

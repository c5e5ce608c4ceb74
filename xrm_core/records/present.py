"""A record in the form the API answers: flat, by names, without what the actor may not see."""

from __future__ import annotations

from typing import Any

import orjson

from xrm_core.catalog import CompiledModule
from xrm_core.records.environment import Targets, target_of
from xrm_core.records.unit import Unit
from xrm_core.storage.rows import Row, system_json

ALWAYS = (
    "version",
    "title",
    "created_at",
    "created_by",
    "updated_at",
    "updated_by",
    "archived_at",
    "owner",
    "stage",
    "stage_entered_at",
)


def present(unit: Unit, module: CompiledModule, row: Row, targets: Targets) -> dict[str, Any]:
    """The record as JSON data; empty values are left out. `targets` gives the titles of linked records."""
    hidden = unit.policy.module(module.id).hidden
    found: dict[str, Any] = {"id": str(row.id), "module": module.name}
    for key in ALWAYS:
        value = getattr(row, key)
        if value is not None:
            found[key] = system_json(value)
    for known in module.fields.values():
        if known.id in hidden:
            continue
        value = row.beside.get(known.id) if known.beside else row.data.get(known.id)
        if value is not None and value != "":
            found[known.name] = value
    for link in module.links.values():
        value = row.data.get(link.id)
        if value is None or link.many or link.id in hidden:
            continue
        module_id, target_id = target_of(value, link.targets)
        if module_id not in unit.catalog.modules:
            continue
        shown: dict[str, Any] = {"id": str(target_id), "module": unit.catalog.modules[module_id].name}
        target = targets.get((module_id, target_id)) if target_id else None
        if target is not None and unit.policy.module(module_id).see == "all":
            shown["title"] = target.title
        found[link.name] = shown
    return found


def as_json(unit: Unit, module: CompiledModule, row: Row, targets: Targets) -> bytes:
    """The same as bytes."""
    return orjson.dumps(present(unit, module, row, targets))

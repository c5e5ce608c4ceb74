"""Finding records by what tells them apart: `{"by": {"email": "a@b.c"}}`, many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xrm_core.catalog import CompiledModule
from xrm_core.fields import ParseContext, Rejected
from xrm_core.kernel.text import fold
from xrm_core.records.inputs import Reference, read_uuid
from xrm_core.records.unit import Unit
from xrm_core.storage import finding
from xrm_core.storage.database import Connection
from xrm_core.storage.tables import COLUMN_TYPES

SEVERAL = {"several": True}
"""Left in `attributes` of a reference that fits more than one record."""


async def resolve(unit: Unit, connection: Connection, references: Sequence[Reference]) -> None:
    """Set `id` of every reference that fits exactly one live record which the actor may see."""
    groups: dict[tuple[str, tuple[str, ...]], list[Reference]] = {}
    for reference in references:
        names = tuple(sorted(reference.by or {}))
        groups.setdefault((reference.module or "", names), []).append(reference)
    for (name, names), asked in groups.items():
        module = unit.catalog.find(name)
        if module is None or not unit.policy.allows(module.id, "see"):
            continue
        keys = [_key(unit, module, key) for key in names]
        if any(key is None for key in keys):
            continue
        known = [key for key in keys if key is not None]
        wanted = []
        for index, reference in enumerate(asked):
            values = [_value(unit, module, key, (reference.by or {})[key]) for key in names]
            if all(value is not None for value in values):
                wanted.append((index, values))
        found = await finding.by_values(connection, module.table, known, wanted, unit.scope(module, "see"))
        for index, ids in found.items():
            if len(ids) == 1:
                asked[index].id = ids[0]
            else:
                asked[index].attributes = dict(SEVERAL)


def _key(unit: Unit, module: CompiledModule, name: str) -> finding.Key | None:
    if name == "title":
        return finding.TITLE
    if name == "id":
        return finding.ID
    known = module.fields.get(name)
    if (
        known is None
        or known.beside
        or known.kind not in COLUMN_TYPES
        or known.id in unit.policy.module(module.id).hidden
    ):
        return None
    kind = COLUMN_TYPES[known.kind].split(" ")[0]
    if known.column is not None:
        return finding.promoted(known.column, kind)
    return finding.document((known.id, *known.definition.json_path), kind)


def _value(unit: Unit, module: CompiledModule, name: str, raw: Any) -> Any:
    if name == "title":
        return fold(raw) if isinstance(raw, str) else None
    if name == "id":
        return read_uuid(raw)
    definition = module.fields[name].definition
    context = ParseContext(
        currency=unit.workspace.currency, zone=unit.workspace.time_zone, language=unit.workspace.locale
    )
    try:
        parsed = (
            definition.parse_text(raw, context)
            if isinstance(raw, str) and raw.strip()
            else definition.parse(raw, context)
        )
    except Rejected:
        return None
    return None if parsed is None else definition.project(parsed)
